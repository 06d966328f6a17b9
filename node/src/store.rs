//! The store: one SQLite file for all accounts of a data folder, written by one thread.
//!
//! A runner gives a *batch*: writes and reads in their order. The thread takes the batches
//! that wait, does them in one transaction, and answers when that is durable (group commit).
//! Runners hold back what depends on a batch until then. If the disk is full or fails, the
//! thread tries again and again: nothing was acknowledged, nothing is lost.

pub(crate) mod ask;
pub(crate) mod backup;
pub(crate) mod browse;
pub(crate) mod check;
pub(crate) mod find;
#[cfg(test)]
mod large;
pub(crate) mod removal;
pub(crate) mod repair;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod tokens;
pub(crate) mod tree;
pub(crate) mod users;
mod write;

use crate::fault::{Class, Fault};
use bytes::Bytes;
use cliqueclique_core::{Document, DocumentId, Input, Mode, NodeId, Record, Tag};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// File in the data folder.
pub(crate) const FILE: &str = "store.sqlite";
/// Batches that may wait; runners wait when there are more.
const WAITING: usize = 256;
/// Most batches in one transaction.
const TOGETHER: usize = 64;
/// After so long without a job the thread turns to the index of words. Longer than pauses
/// between the batches of a busy node.
const IDLE: Duration = Duration::from_millis(50);
/// First and longest pause before a failed transaction is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// One step of a batch.
#[derive(Debug)]
pub(crate) enum Op {
    /// Store a verified document.
    Put(Document),
    /// The account no longer holds a document.
    Delete(DocumentId, Tag),
    /// Store or delete a record.
    Save(Record, Option<Bytes>),
    /// An overlay went cold; these are its neighbours.
    Cold(Tag, Vec<NodeId>),
    /// What the user chose for a document; `None` is no choice.
    Wish(DocumentId, Option<Mode>),
    /// The user's bookmark.
    Bookmark(DocumentId, bool),
    /// The user has read it (or not).
    Read(DocumentId, bool),
    /// The user's document was made of what has this hash.
    Made([u8; 32], DocumentId),
    /// A document is here for the user, hidden or not.
    Arrived(DocumentId, bool),
    /// Answered by `Input::Loaded`.
    Load(DocumentId),
    /// Answered by `Input::Thawed`.
    Thaw(Tag),
    /// Answered by `Input::Recalled`; `None` asks for all overlays.
    Recall(NodeId, Option<NodeId>),
}

struct Batch {
    account: i64,
    ops: Vec<Op>,
    done: oneshot::Sender<Result<Vec<Input>, String>>,
}

/// Something that is done once, in a transaction of its own, and that answers by itself.
type Errand = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Batch(Batch),
    Errand(Errand),
}

/// What is wrong with the store now, for `status`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(Arc<Pulse>);

#[derive(Debug, Default)]
struct Pulse {
    trouble: Mutex<Option<String>>,
    commits: AtomicU64,
    failures: AtomicU64,
    unread: Mutex<BTreeMap<i64, usize>>,
}

impl Health {
    /// What is wrong, if anything is.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, trouble: Option<String>) {
        let mut known = self
            .0
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (&*known, &trouble) {
            (None, Some(text)) => tracing::error!("{text}; the node goes on trying"),
            (Some(_), None) => tracing::info!("the store can be written again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        *known = trouble;
    }

    /// Records that could not be read when their accounts started.
    pub(crate) fn unread(&self) -> usize {
        let known = self.0.unread.lock();
        known.unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// An account starts without some of its records.
    pub(crate) fn set_unread(&self, account: i64, count: usize) {
        let known = self.0.unread.lock();
        known
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account, count);
    }

    /// Commits so far, and those that failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.0.commits), read(&self.0.failures))
    }
}

/// Handle to the store's thread.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    jobs: SyncSender<Job>,
    /// How it does.
    pub(crate) health: Health,
}

impl Store {
    /// Opens (or makes) the store of a data folder and starts its thread, which ends when
    /// the last handle is dropped.
    ///
    /// # Errors
    /// It cannot be opened, is damaged, or of another version.
    pub(crate) fn open(folder: &Path) -> Result<(Self, thread::JoinHandle<()>), Fault> {
        let connection = schema::open(&folder.join(FILE))?;
        let (jobs, waiting) = sync_channel(WAITING);
        let health = Health::default();
        let seen = health.clone();
        let worker = thread::Builder::new().name("store".to_owned());
        let worker = worker
            .spawn(move || work(connection, &waiting, &seen))
            .map_err(|error| {
                Fault::new(Class::Failed, format!("cannot start a thread: {error}"))
            })?;
        Ok((Self { jobs, health }, worker))
    }

    /// Hands a batch in. The answers to its reads come when its writes are durable; an error
    /// means that the store cannot go on.
    pub(crate) fn submit(
        &self,
        account: i64,
        ops: Vec<Op>,
    ) -> oneshot::Receiver<Result<Vec<Input>, String>> {
        let (done, answer) = oneshot::channel();
        // A thread that is gone drops the sender, which the runner sees.
        let _ = self.jobs.send(Job::Batch(Batch { account, ops, done }));
        answer
    }

    /// Does something in one transaction, between the batches; it is durable when this returns.
    /// Blocks: not for the threads of the runtime.
    ///
    /// # Errors
    /// What `what` says, or that the store cannot be written: then nothing was changed.
    pub(crate) fn errand<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (done, answer) = oneshot::channel();
        let errand: Errand = Box::new(move |connection| {
            // Who asked waits.
            let _ = done.send(whole(connection, what));
        });
        // A thread that is gone drops the sender.
        let _ = self.jobs.send(Job::Errand(errand));
        answer.blocking_recv().unwrap_or_else(|_| {
            let text = "the store has stopped: nothing was changed; see the node's log";
            Err(Fault::new(Class::Store, text))
        })
    }
}

/// Number of an account, which is made if need be.
///
/// # Errors
/// The store cannot be written, or the name belongs to another key.
pub(crate) fn account(folder: &Path, name: &str, node: NodeId) -> Result<i64, Fault> {
    let path = folder.join(FILE);
    let connection = schema::open(&path)?;
    schema::account(&connection, name, node).map_err(|error| Fault::at(&path, "write", &error))?
}

/// Changes what the store has of users, in one transaction, from a command; a node that runs follows.
///
/// # Errors
/// What `what` says; nothing is changed then.
pub(crate) fn change<T>(
    folder: &Path,
    what: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    whole(&mut schema::open(&folder.join(FILE))?, what)
}

/// Writes marks and wishes of an account that is not running.
///
/// # Errors
/// The store cannot be written; nothing is changed then.
pub(crate) fn marks(
    folder: &Path,
    name: &str,
    marks: &[(ask::Mark, DocumentId, Option<&'static str>)],
) -> Result<(), Fault> {
    let path = folder.join(FILE);
    let mut connection = schema::open(&path)?;
    let failed = |error| Fault::at(&path, "write", &error);
    let number: i64 = connection
        .query_row(
            "SELECT number FROM account WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let ops: Vec<Op> = marks
        .iter()
        .map(|(mark, id, mode)| mark.op(*id, *mode))
        .collect();
    let batch = [(number, &ops[..])];
    let done = write::transaction(&mut connection, batch.into_iter());
    done.map(drop).map_err(failed)
}

/// What an account's core needs to start again: its own record, and those of peers.
pub(crate) type Rest = (Option<Vec<u8>>, Vec<Vec<u8>>);

/// Reads what an account's core needs to start, and forgets what was cold.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn rest(folder: &Path, account: i64) -> Result<Rest, Fault> {
    let path: PathBuf = folder.join(FILE);
    let connection = schema::open(&path)?;
    write::rest(&connection, account).map_err(|error| Fault::at(&path, "read", &error))
}

/// Names what of an account's records a core could not read: it starts without.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn unread(folder: &Path, account: i64) -> Result<Vec<String>, Fault> {
    let path: PathBuf = folder.join(FILE);
    let connection = schema::open(&path)?;
    check::content::unread(&connection, account).map_err(|error| Fault::at(&path, "read", &error))
}

/// Does an errand, all or nothing.
fn whole<T>(
    connection: &mut Connection,
    what: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let failed = |error: rusqlite::Error| {
        let message = format!("the store cannot be written: {error}; nothing was changed");
        Fault::new(Class::Failed, message)
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let answer = what(&transaction)?;
    transaction.commit().map_err(failed)?;
    Ok(answer)
}

fn work(mut connection: Connection, waiting: &Receiver<Job>, health: &Health) {
    while let Some(first) = next(&mut connection, waiting) {
        let mut jobs = Vec::new();
        let mut errands = Vec::new();
        let more = waiting.try_iter().take(TOGETHER - 1);
        for job in std::iter::once(first).chain(more) {
            match job {
                Job::Batch(batch) => jobs.push(batch),
                Job::Errand(errand) => errands.push(errand),
            }
        }
        if !jobs.is_empty() && !write(&mut connection, jobs, health) {
            return;
        }
        errands
            .into_iter()
            .for_each(|errand| errand(&mut connection));
    }
}

/// Does batches and answers them; false if the store cannot go on.
fn write(connection: &mut Connection, jobs: Vec<Batch>, health: &Health) -> bool {
    match insist(connection, &jobs, health) {
        Ok(answers) => {
            for (job, answers) in jobs.into_iter().zip(answers) {
                // A runner that is gone needs no answer.
                let _ = job.done.send(Ok(answers));
            }
        }
        Err(error) => {
            for job in jobs {
                let _ = job.done.send(Err(error.clone()));
            }
            return false;
        }
    }
    true
}

/// The next job; while there is none for a while, the index of words catches up.
fn next(connection: &mut Connection, waiting: &Receiver<Job>) -> Option<Job> {
    loop {
        match waiting.recv_timeout(IDLE) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // A disk that cannot be written is found out by the next job.
        if !search::catch_up(connection).unwrap_or(false) {
            return waiting.recv().ok();
        }
    }
}

/// Does the jobs in one transaction; tries again while the disk may get better.
fn insist(
    connection: &mut Connection,
    jobs: &[Batch],
    health: &Health,
) -> Result<Vec<Vec<Input>>, String> {
    let mut pause = RETRY.0;
    loop {
        match write::transaction(
            connection,
            jobs.iter().map(|job| (job.account, &job.ops[..])),
        ) {
            Ok(answers) => {
                health.0.commits.fetch_add(1, Ordering::Relaxed);
                if pause > RETRY.0 {
                    health.set(None);
                }
                return Ok(answers);
            }
            Err(error) if passing(&error) && jobs.iter().any(|job| !job.done.is_closed()) => {
                health.0.failures.fetch_add(1, Ordering::Relaxed);
                health.set(Some(format!("the store cannot be written: {error}")));
                wait(pause, jobs);
                pause = (pause * 2).min(RETRY.1);
            }
            Err(error) => {
                let text = format!("the store failed: {error}");
                health.set(Some(text.clone()));
                return Err(text);
            }
        }
    }
}

/// Waits, but not longer than somebody waits for an answer.
fn wait(pause: Duration, jobs: &[Batch]) {
    let mut left = pause;
    while !left.is_zero() && jobs.iter().any(|job| !job.done.is_closed()) {
        thread::sleep(left.min(RETRY.0));
        left = left.saturating_sub(RETRY.0);
    }
}

/// True for failures that may end by themselves, or when somebody makes room.
fn passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_written_is_tried_again_and_nothing_is_lost() {
        let folder = std::env::temp_dir().join(format!("clique-store-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(FILE);
        let connection = schema::open(&path).expect("made");
        connection.busy_timeout(Duration::ZERO).expect("set");
        let (jobs, waiting) = sync_channel(WAITING);
        let health = Health::default();
        let seen = health.clone();
        let worker = thread::spawn(move || work(connection, &waiting, &seen));
        let store = Store { jobs, health };
        let blocker = schema::open(&path).expect("opened");
        blocker.execute_batch("BEGIN IMMEDIATE").expect("locked");
        let record = Record::Peer(NodeId([1; 16]));
        let mut answer = store.submit(1, vec![Op::Save(record, Some(Bytes::from_static(b"x")))]);
        while store.health.trouble().is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(answer.try_recv().is_err(), "not acknowledged");
        blocker.execute_batch("ROLLBACK").expect("unlocked");
        let answers = answer.blocking_recv().expect("answered").expect("done");
        assert!(answers.is_empty());
        assert_eq!(store.health.trouble(), None);
        drop(store);
        worker.join().expect("ended");
        assert_eq!(rest(&folder, 1).expect("read").1.len(), 1);
        let _ = std::fs::remove_dir_all(&folder);
    }
}
