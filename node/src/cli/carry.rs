//! `export`, `import`, `keys` and `forward`: the commands around `carry`, which ask for passphrases
//! and show progress.

use super::arguments::{Export, Import};
use super::ask::Asker;
use crate::caller::Caller;
use crate::carry::account::{self, Parts, sealed_into};
use crate::carry::mails::Place;
use crate::carry::{NewFile, open};
use crate::clock::Clock;
use crate::control::client;
use crate::control::request::{Part, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::portable::Kind;
use crate::portable::account as sealed;
use crate::store;
use cliqueclique_core::Time;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// Longest passphrase, bytes.
const PASSPHRASE: usize = 1_024;
/// Pause between two lines of progress.
const TELL: Duration = Duration::from_millis(250);

impl Asker<'_> {
    /// Writes something into a file.
    ///
    /// # Errors
    /// It is not here, or cannot be written; there is no file then.
    pub(super) fn export(&self, what: Export) -> Result<(), Fault> {
        let done = match what {
            Export::Document { document, file } => self.export_documents(&document, &file, true),
            Export::File { document, file } => self.export_file(&document, &file),
            Export::Thread {
                document,
                file,
                mbox: false,
            } => self.export_documents(&document, &file, false),
            Export::Thread {
                document,
                file,
                mbox: true,
            } => self.export_mails(&document, &file),
            Export::Account {
                file,
                passphrase_file,
            } => {
                // Before anybody is asked for a passphrase it is known that all else is well.
                let new = NewFile::begin(&file)?;
                let account = self.portrait()?;
                let passphrase = passphrase(passphrase_file.as_deref(), true)?;
                sealed_into(new, &file, &account, &passphrase)
            }
        }?;
        self.output.done(&done.answer, &done.text);
        Ok(())
    }

    /// Takes a file in, whatever it is.
    ///
    /// # Errors
    /// What is wrong with it; nothing is changed then.
    pub(super) fn import_here(&self, import: &Import) -> Result<(), Fault> {
        let mut file = open(&import.file)?;
        let kind = Kind::of(&mut file).map_err(|error| Fault::at(&import.file, "read", &error))?;
        let path = &import.file;
        let done = match kind {
            Kind::Documents => {
                let mut progress = Progress::begin("documents");
                self.import_documents(path, import.mode, &mut |done, of| progress.tell(done, of))
            }
            Kind::Account => return self.import_account(import),
            Kind::Mbox => {
                let mut progress = Progress::begin("mails");
                let place = match (&import.forum, &import.name) {
                    (Some(forum), _) => Place::Below(forum.clone()),
                    (None, Some(name)) => Place::New(name.clone()),
                    (None, None) => {
                        let stem = path.file_stem().unwrap_or_default();
                        Place::New(stem.to_string_lossy().into_owned())
                    }
                };
                self.import_mails(path, &place, &mut |done, of| progress.tell(done, of))
            }
            Kind::Unknown => {
                let message = format!(
                    "{} is nothing that can be imported: expected a file that `export` wrote, or \
                     an mbox, which begins with 'From '",
                    import.file.display()
                );
                Err(Fault::new(Class::Usage, message))
            }
        }?;
        self.output.done(&done.answer, &done.text);
        Ok(())
    }

    /// Makes an account of a file. No node may run: it would not know the account.
    fn import_account(&self, import: &Import) -> Result<(), Fault> {
        let path = &import.file;
        let wrong = |text: String| {
            let message = format!("{}: {text}; nothing was changed", path.display());
            Fault::new(Class::Usage, message)
        };
        let bytes = account::whole(path)?.ok_or_else(|| wrong(account::TOO_LARGE.to_owned()))?;
        let passphrase = passphrase(import.passphrase_file.as_deref(), false)?;
        let account = sealed::open(&bytes, &passphrase).map_err(|flaw| wrong(flaw.to_string()))?;
        let parts = Parts::of(&account, import.name.as_deref()).map_err(wrong)?;
        if client::answers(self.folder) {
            let message = "a node runs on this folder: stop it first, since it does not know the \
                           new account; nothing was changed";
            return Err(Fault::new(Class::Refused, message));
        }
        folder::adopt(self.folder, &parts.name, &parts.key, &account)?;
        let new = Caller::new(self.folder, &parts.name);
        let missing = new.settle(&account, &parts)?;
        // The accounts in this process end before the store is written by another hand.
        new.let_go();
        store::marks(self.folder, &parts.name, &parts.marks)?;
        let node = Ed25519Blake3.node_id(&Ed25519Blake3.public_key(&parts.key));
        let answer = json!({ "account": parts.name, "node": node.to_string(), "missing": missing });
        let mut text = format!("the account '{}' is here: {node}", parts.name);
        if missing > 0 {
            text += &format!("\n{}", account::missing(missing));
        }
        text += "\nnever run it here and elsewhere at once";
        self.output.done(&answer, &text);
        Ok(())
    }

    /// Shows who the account is.
    pub(super) fn keys(&self) -> Result<(), Fault> {
        let secret = folder::key(self.folder, self.account)?;
        let key = Ed25519Blake3.public_key(&secret);
        let node = Ed25519Blake3.node_id(&key);
        let address = self.ask(Request::Address)?["address"].clone();
        self.output.table(&json!({
            "account": self.account,
            "node": node.to_string(),
            "public_key": crate::text::hex(&key.0),
            "address": address,
        }));
        Ok(())
    }

    /// Brings a document below another: attached, or wrapped in a new one.
    pub(super) fn forward(
        &self,
        document: &str,
        below: &str,
        text: Option<String>,
        wrap: bool,
    ) -> Result<(), Fault> {
        let reader = self.reader()?;
        let id = reader.resolve(document)?;
        let full = reader.full(&id)?;
        let (text, below) = (text.unwrap_or_default(), [below.to_owned()]);
        if !wrap {
            let children = [id.to_string()];
            return self.write(&below, &children, Some(text), Part::Follow);
        }
        let quoted: String = full
            .body
            .lines()
            .map(|line| format!("> {line}\n"))
            .collect();
        let text = if text.is_empty() {
            format!("Fwd: {}", full.entry.subject)
        } else {
            text
        };
        let body = format!(
            "{text}\n\nForwarded: document {}\nAuthor: {}\n\n{quoted}",
            full.entry.id, full.entry.author
        );
        self.write(&below, &[], Some(body), Part::Follow)
    }
}

/// A passphrase.
fn passphrase(file: Option<&Path>, twice: bool) -> Result<String, Fault> {
    secret("Passphrase", file, twice)
}

/// A secret: from a file, from the terminal without showing it, or a line of the input.
pub(super) fn secret(what: &str, file: Option<&Path>, twice: bool) -> Result<String, Fault> {
    let text = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            text.map_err(|error| Fault::at(path, "read the passphrase in", &error))?
        }
        None if std::io::stdin().is_terminal() => return ask_secret(what, twice),
        None => {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            read.map_err(|error| {
                Fault::new(Class::Usage, format!("no passphrase on the input: {error}"))
            })?;
            line
        }
    };
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || text.len() > PASSPHRASE {
        let message = format!(
            "no passphrase: expected one line of 1 to {PASSPHRASE} bytes on the input, or in a \
             file that --passphrase-file names"
        );
        return Err(Fault::new(Class::Usage, message));
    }
    Ok(text.to_owned())
}

fn ask_secret(what: &str, twice: bool) -> Result<String, Fault> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map_err(|error| Fault::new(Class::Failed, format!("no passphrase: {error}")))
    };
    let first = ask(&format!("{what}: "))?;
    if twice && ask("The same again: ")? != first {
        return Err(Fault::new(
            Class::Usage,
            "the two differ: type the same twice",
        ));
    }
    Ok(first)
}

/// A count that goes on on a terminal's error output, and nowhere else.
struct Progress {
    what: &'static str,
    shown: bool,
    clock: Clock,
    next: Time,
}

impl Progress {
    fn begin(what: &'static str) -> Self {
        Self {
            what,
            shown: std::io::stderr().is_terminal(),
            clock: Clock::start(),
            next: Time::ZERO,
        }
    }

    fn tell(&mut self, done: u64, of: u64) {
        let now = self.clock.now();
        if self.shown && now >= self.next {
            self.next = now + TELL;
            // A terminal that is gone needs no progress.
            let _ = write!(std::io::stderr(), "\r{done} of {of} {} ", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
