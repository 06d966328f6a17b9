//! What pages take in from files and give out as files, over `carry`. A file that is taken in is
//! kept in the data folder until all of it is here: so an import that was stopped, even by a power
//! cut, goes on where it was, at a press of a button.

mod incoming;
pub(super) mod pages;

use super::failure::Failure;
use super::session::Session;
use super::{Web, wait};
use crate::caller::Caller;
use crate::carry::mails::Place;
use crate::carry::{self, Done};
use crate::control::request::Part;
use crate::fault::{Class, Fault};
use crate::portable::{Kind, account};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use cliqueclique_core::DocumentId;
use incoming::{File, Folder, Note};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

pub(super) use incoming::tidy;

/// Pieces of a download that wait for the browser.
const PIECES: usize = 16;
/// Bytes of a piece.
const PIECE: usize = 64 * 1024;
/// Imports that run at once; each has some threads.
const AT_ONCE: usize = 2;

/// Imports whose end is remembered.
const REMEMBERED: usize = 256;

/// How an import stands.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// So much is done, of how much; nothing is known yet if that is 0.
    Running(u64, u64),
    /// All is here: the forum or document, and what was done in words.
    Here(Option<String>, String),
    /// It stopped.
    Failed(String),
}

/// The imports since the start, by account and file.
#[derive(Default)]
pub(super) struct Transfers(Mutex<BTreeMap<(String, String), State>>);

impl Transfers {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, account: &str, file: &str, state: State) {
        let key = (account.to_owned(), file.to_owned());
        self.all().insert(key, state);
    }

    /// Begins one, unless it runs already or too many do.
    fn begin(&self, account: &str, file: &str) -> Result<(), Fault> {
        let mut all = self.all();
        let key = (account.to_owned(), file.to_owned());
        let runs = |state: &State| matches!(state, State::Running(..));
        if all.get(&key).is_some_and(runs) {
            return Err(Fault::new(Class::Refused, "this import runs already"));
        }
        if all.values().filter(|state| runs(state)).count() >= AT_ONCE {
            let text = format!("{AT_ONCE} imports run already: wait until one is done");
            return Err(Fault::new(Class::Busy, text));
        }
        if all.len() >= REMEMBERED {
            all.retain(|_, state| runs(state));
        }
        all.insert(key, State::Running(0, 0));
        Ok(())
    }

    /// How the imports of an account stand.
    fn of(&self, account: &str) -> BTreeMap<String, State> {
        let all = self.all();
        let own = all.iter().filter(|((name, _), _)| name == account);
        own.map(|((_, file), state)| (file.clone(), state.clone()))
            .collect()
    }
}

/// An import, as pages and programs see it.
pub(super) struct Import {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) state: State,
}

/// All imports of a session's account that are not forgotten.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn imports(web: &Arc<Web>, session: &Session) -> Result<Vec<Import>, Failure> {
    let mut states = web.transfers.of(&session.user.name);
    let folder = Folder::of(&web.hosting.folder, &session.user.name);
    let files = wait(move || folder.files()).await?;
    let stopped = || State::Failed("it was stopped".to_owned());
    let mut imports: Vec<Import> = files
        .into_iter()
        .map(|(file, note)| Import {
            state: states.remove(&file).unwrap_or_else(stopped),
            name: note.name,
            file,
        })
        .collect();
    let done = states.into_iter().filter_map(|(file, state)| match state {
        State::Here(..) => Some(Import {
            name: file.clone(),
            file,
            state,
        }),
        // Its file was discarded.
        State::Running(..) | State::Failed(_) => None,
    });
    imports.extend(done);
    Ok(imports)
}

/// A file that is being received.
pub(super) struct Receiving {
    file: File,
}

impl Receiving {
    /// Begins to receive a file of a session's account.
    ///
    /// # Errors
    /// There are too many files, or it cannot be written.
    pub(super) async fn begin(web: &Arc<Web>, session: &Session) -> Result<Self, Failure> {
        let folder = Folder::of(&web.hosting.folder, &session.user.name);
        let file = wait(move || folder.begin()).await?;
        Ok(Self { file })
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// It is too large, or cannot be written.
    pub(super) async fn take(self, piece: Bytes) -> Result<Self, Failure> {
        let mut file = self.file;
        wait(move || file.write(&piece).map(|()| Self { file })).await
    }

    /// Begins to take in what was received.
    ///
    /// # Errors
    /// It is no file that can be imported.
    pub(super) async fn end(
        self,
        web: &Arc<Web>,
        session: &Session,
        note: Note,
    ) -> Result<String, Failure> {
        let file = wait(move || match self.file.kind()? {
            Kind::Documents | Kind::Mbox => self.file.keep(&note),
            Kind::Account => Err(Fault::new(
                Class::Usage,
                "this is the file of an account: it makes a new user, on the \
                     first page of a new node or on the administrator's page “Users”",
            )),
            Kind::Unknown => Err(Fault::new(
                Class::Usage,
                "this is nothing that can be imported: expected a file that \
                     this program gave out, or an mbox, which begins with 'From '",
            )),
        })
        .await?;
        go_on(web, session, file.clone()).await?;
        Ok(file)
    }
}

/// Begins an import, or goes on with one.
///
/// # Errors
/// There is no such file, or too much is under way.
pub(super) async fn go_on(web: &Arc<Web>, session: &Session, file: String) -> Result<(), Failure> {
    let account = session.user.name.clone();
    let folder = Folder::of(&web.hosting.folder, &account);
    let (name, found) = (file.clone(), folder.clone());
    let note = wait(move || found.note(&name)).await?;
    web.transfers.begin(&account, &file)?;
    let web = web.clone();
    tokio::task::spawn_blocking(move || {
        let path = folder.path(&file);
        let done = import(&web, &account, &file, &path, &note);
        let state = match done {
            Ok(done) => {
                // What is left is found again, and adds nothing.
                let _ = folder.discard(&file);
                let words = done.text.lines().last().unwrap_or_default();
                let told = format!("{}: {words}", note.name);
                State::Here(done.answer["id"].as_str().map(str::to_owned), told)
            }
            Err(fault) => {
                // People know the file by its own name.
                let path = path.display().to_string();
                State::Failed(fault.message.replace(&path, &note.name))
            }
        };
        web.transfers.set(&account, &file, state);
    });
    Ok(())
}

fn import(web: &Web, account: &str, file: &str, path: &Path, note: &Note) -> Result<Done, Fault> {
    let mut tell = |done, of| web.transfers.set(account, file, State::Running(done, of));
    let caller = Caller::new(&web.hosting.folder, account);
    let kind = Kind::of(&mut carry::open(path)?);
    let kind = kind.map_err(|error| Fault::at(path, "read", &error))?;
    if kind == Kind::Documents {
        return caller.import_documents(path, Part::Follow, &mut tell);
    }
    let place = match &note.below {
        Some(document) => Place::Below(document.clone()),
        None => Place::New(note.forum.clone()),
    };
    caller.import_mails(path, &place, &mut tell)
}

/// Drops a file that was to be taken in, and what is said of it. What is here stays.
///
/// # Errors
/// It runs, or the file cannot be removed.
pub(super) async fn discard(
    web: &Arc<Web>,
    session: &Session,
    file: String,
) -> Result<(), Failure> {
    let account = session.user.name.clone();
    let key = (account.clone(), file.clone());
    if let Some(State::Running(..)) = web.transfers.all().get(&key) {
        let text = "this import runs: wait until it is done";
        return Err(Fault::new(Class::Refused, text).into());
    }
    let folder = Folder::of(&web.hosting.folder, &account);
    let known = web.transfers.all().remove(&key).is_some();
    let removed = wait(move || folder.discard(&file)).await;
    if known { Ok(()) } else { removed }
}

/// A form in which documents go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Document,
    Thread,
    Mbox,
}

impl Form {
    /// By its name.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn of(name: &str) -> Result<Self, Failure> {
        match name {
            "document" => Ok(Self::Document),
            "thread" => Ok(Self::Thread),
            "mbox" => Ok(Self::Mbox),
            _ => {
                let text = format!("form: '{name}' is none of document, thread and mbox");
                Err(Fault::new(Class::Usage, text).into())
            }
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Document | Self::Thread => "clq",
            Self::Mbox => "mbox",
        }
    }
}

/// Pieces of a download, as they are written.
struct Pieces {
    full: Vec<u8>,
    out: mpsc::Sender<io::Result<Bytes>>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.full));
        // The browser is gone.
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.out.blocking_send(Ok(piece)).map_err(gone)
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.full.extend_from_slice(bytes);
        if self.full.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// Documents as a download, written while it is read: however large a thread is, little of it is in
/// memory. One that fails midway is cut off, so that the browser knows.
///
/// # Errors
/// The document is not here.
pub(super) async fn export(
    web: &Arc<Web>,
    session: &Session,
    id: DocumentId,
    form: Form,
) -> Result<Response, Failure> {
    web.look(session, move |reader| reader.document(&id).map(drop))
        .await?;
    let (out, pieces) = mpsc::channel(PIECES);
    let (web, account) = (web.clone(), session.user.name.clone());
    tokio::task::spawn_blocking(move || {
        let full = Vec::new();
        let mut file = Pieces { full, out };
        let caller = Caller::new(&web.hosting.folder, &account);
        let failed = |error: io::Error| Fault::new(Class::Failed, error.to_string());
        let written = match form {
            Form::Document => caller.write_documents(&id, true, &mut file, &failed),
            Form::Thread => caller.write_documents(&id, false, &mut file, &failed),
            Form::Mbox => caller.write_mails(&id, &mut file, &failed),
        };
        let ended = written.and_then(|_| file.flush().map_err(failed));
        if let Err(fault) = ended {
            let error = Err(io::Error::other(fault.message));
            // A browser that is gone needs not be told.
            let _ = file.out.blocking_send(error);
        }
    });
    let name = format!("{}.{}", &id.to_string()[..12], form.ending());
    let body = Body::from_stream(ReceiverStream::new(pieces));
    Ok(saved(&name, body))
}

/// The account as a download that a passphrase opens.
///
/// # Errors
/// The passphrase is too short, or the account does not answer.
pub(super) async fn account(
    web: &Arc<Web>,
    session: &Session,
    passphrase: String,
) -> Result<Response, Failure> {
    let known = account::SHORTEST;
    if passphrase.chars().count() < known {
        let text = format!("a passphrase has {known} characters or more, better five random words");
        return Err(Failure::of(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let (folder, name) = (web.hosting.folder.clone(), session.user.name.clone());
    // It takes 64 MiB, one at a time. The semaphore is never closed.
    let _one = web.hashing.acquire().await;
    let bytes = wait(move || {
        let account = Caller::new(&folder, &name).portrait()?;
        account::seal(&account, &passphrase)
            .map_err(|flaw| Fault::new(Class::Usage, flaw.to_string()))
    })
    .await?;
    Ok(saved(&format!("{}.account", session.user.name), bytes))
}

/// Something to be saved under a name of ours.
fn saved(name: &str, body: impl Into<Body>) -> Response {
    let told = format!("attachment; filename=\"{name}\"");
    let head = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, told),
    ];
    (head, body.into()).into_response()
}
