//! `export`, `import`, `keys` and `forward`: between files, the store and whoever answers at the
//! control socket.

mod account;
mod files;
mod mails;
mod threads;

use super::arguments::{Export, Import};
use super::ask::Caller;
use crate::clock::Clock;
use crate::control::request::{Part, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::portable::Kind;
use cliqueclique_core::Time;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest passphrase, bytes.
const PASSPHRASE: usize = 1_024;
/// Pause between two lines of progress.
const TELL: Duration = Duration::from_millis(250);

impl Caller<'_> {
    /// Writes something into a file.
    ///
    /// # Errors
    /// It is not here, or cannot be written; there is no file then.
    pub(super) fn export(&self, what: Export) -> Result<(), Fault> {
        match what {
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
            } => self.export_account(&file, passphrase_file.as_deref()),
        }
    }

    /// Takes a file in, whatever it is.
    ///
    /// # Errors
    /// What is wrong with it; nothing is changed then.
    pub(super) fn import_here(&self, import: &Import) -> Result<(), Fault> {
        let mut file = open(&import.file)?;
        let kind = Kind::of(&mut file).map_err(|error| Fault::at(&import.file, "read", &error))?;
        match kind {
            Kind::Documents => self.import_documents(import),
            Kind::Account => self.import_account(import),
            Kind::Mbox => self.import_mails(import),
            Kind::Unknown => {
                let message = format!(
                    "{} is nothing that can be imported: expected a file that `export` wrote, or \
                     an mbox, which begins with 'From '",
                    import.file.display()
                );
                Err(Fault::new(Class::Usage, message))
            }
        }
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

/// Opens a file for reading.
fn open(path: &Path) -> Result<BufReader<File>, Fault> {
    let failed = |error: std::io::Error| {
        let fault = Fault::at(path, "read", &error);
        let absent = error.kind() == std::io::ErrorKind::NotFound;
        let class = if absent { Class::NotFound } else { fault.class };
        Fault::new(class, fault.message)
    };
    let file = File::open(path).map_err(failed)?;
    let is_folder = file.metadata().is_ok_and(|data| data.is_dir());
    if is_folder {
        let message = format!("{} is a folder: name a file", path.display());
        return Err(Fault::new(Class::Usage, message));
    }
    Ok(BufReader::new(file))
}

/// A new file that has its name when it is whole and durable.
struct NewFile {
    out: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
    whole: bool,
}

impl NewFile {
    fn begin(path: &Path) -> Result<Self, Fault> {
        if path.exists() {
            let message = format!("{} is there already: name a new file", path.display());
            return Err(Fault::new(Class::Refused, message));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        let part = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(|error| Fault::at(&part, "write", &error))?;
        Ok(Self {
            out: BufWriter::new(file),
            part,
            path: path.to_owned(),
            whole: false,
        })
    }

    fn failed(&self, error: &std::io::Error) -> Fault {
        Fault::at(&self.path, "write", error)
    }

    fn end(mut self) -> Result<(), Fault> {
        let ended = self.out.flush().and_then(|()| {
            self.out.get_ref().sync_all()?;
            // Unlike a renaming this fails if somebody made the file meanwhile.
            std::fs::hard_link(&self.part, &self.path)
        });
        ended.map_err(|error| self.failed(&error))?;
        self.whole = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Whole or not, the part has done its work.
        let _ = std::fs::remove_file(&self.part);
    }
}

/// A passphrase: from a file, from the terminal without showing it, or a line of the input.
fn passphrase(file: Option<&Path>, twice: bool) -> Result<String, Fault> {
    let text = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            text.map_err(|error| Fault::at(path, "read the passphrase in", &error))?
        }
        None if std::io::stdin().is_terminal() => return ask_passphrase(twice),
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

fn ask_passphrase(twice: bool) -> Result<String, Fault> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map_err(|error| Fault::new(Class::Failed, format!("no passphrase: {error}")))
    };
    let first = ask("Passphrase: ")?;
    if twice && ask("The same again: ")? != first {
        return Err(Fault::new(Class::Usage, "the two passphrases differ"));
    }
    Ok(first)
}

/// A count that goes on on a terminal's error output, and nowhere else.
struct Progress {
    shown: bool,
    clock: Clock,
    next: Time,
}

impl Progress {
    fn begin() -> Self {
        Self {
            shown: std::io::stderr().is_terminal(),
            clock: Clock::start(),
            next: Time::ZERO,
        }
    }

    fn tell(&mut self, done: u64, of: u64, what: &str) {
        let now = self.clock.now();
        if self.shown && now >= self.next {
            self.next = now + TELL;
            // A terminal that is gone needs no progress.
            let _ = write!(std::io::stderr(), "\r{done} of {of} {what} ");
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
