//! A new store of all that is whole in a damaged one. The old file is kept beside it, as it was.
//!
//! What can be made anew is not copied: links, lists and words come from the documents, and what
//! is cold is found at the next start. The new file takes the old one's place when it is durable,
//! so that at any moment one of them is there.

mod salvage;

use super::check::{self, Damage, Report};
use super::{FILE, schema, search};
use crate::clock::Clock;
use crate::fault::{Class, Fault};
use rusqlite::Connection;
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where the new store is made.
const NEW: &str = "store.sqlite.repair";
/// What SQLite has beside a file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What was done.
#[derive(Debug, Serialize)]
pub(crate) struct Repaired {
    /// What was found before.
    pub(crate) before: Report,
    /// What is there now.
    pub(crate) after: Report,
    /// What was left out of the new store.
    pub(crate) dropped: Vec<Damage>,
    /// What was made anew.
    pub(crate) made: Vec<Damage>,
    /// Where the old store is, as it was; nothing if there was nothing to mend.
    pub(crate) kept: Option<PathBuf>,
}

impl Repaired {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let Some(kept) = &self.kept else {
            return format!("{}\nthere was nothing to mend", self.before.text());
        };
        let lines = |head: &str, all: &[Damage]| -> String {
            all.iter()
                .map(|it| format!("{head}{}\n", it.line()))
                .collect()
        };
        format!(
            "{}{}{}the old store is {}; delete it when you miss nothing\n{}",
            lines("found: ", &self.before.damage),
            lines("left out: ", &self.dropped),
            lines("made anew: ", &self.made),
            kept.display(),
            self.after.text()
        )
    }
}

/// Mends the store of a data folder. The caller holds the folder's lock.
///
/// # Errors
/// There is no store, or nothing of it can be read, or the new one cannot be written: then the
/// old one is in its place.
pub(crate) fn repair(folder: &Path) -> Result<Repaired, Fault> {
    let path = folder.join(FILE);
    let before = check::look(folder)?;
    if before.damage.is_empty() {
        return Ok(Repaired {
            after: before.clone(),
            before,
            dropped: Vec::new(),
            made: Vec::new(),
            kept: None,
        });
    }
    let new = folder.join(NEW);
    forget(&new)?;
    let made = renew(&path, &new);
    let (after, mut outcome) = match made {
        Ok(made) => made,
        Err(fault) => {
            // It is of no use, and the old one is untouched.
            let _ = forget(&new);
            return Err(fault);
        }
    };
    let kept = exchange(folder, &new)?;
    outcome.retain_counted();
    Ok(Repaired {
        before,
        after,
        dropped: outcome.dropped,
        made: outcome.made,
        kept: Some(kept),
    })
}

/// Makes the new store, durably, in one file.
fn renew(path: &Path, new: &Path) -> Result<(Report, salvage::Outcome), Fault> {
    let failed = |error: rusqlite::Error| {
        let message = format!(
            "the store cannot be mended: {error}; nothing was changed. Restore a backup, or free \
             some space if the disk is full"
        );
        Fault::new(Class::Store, message)
    };
    let (old, _) = schema::open_as_it_is(path)?;
    let mut store = schema::open(new)?;
    let mend = |store: &mut Connection| -> rusqlite::Result<(Report, salvage::Outcome)> {
        let outcome = salvage::all(&old, store)?;
        while search::catch_up(store)? {}
        let report = check::look_at(store, schema::NEWEST);
        store.pragma_update(None, "journal_mode", "DELETE")?;
        Ok((report, outcome))
    };
    let (report, outcome) = mend(&mut store).map_err(failed)?;
    store.close().map_err(|(_, error)| failed(error))?;
    if let Some(wrong) = report.damage.first() {
        let message = format!(
            "the store cannot be mended: of the new one it must be said: {}; nothing was changed. \
             Restore a backup",
            wrong.line()
        );
        return Err(Fault::new(Class::Store, message));
    }
    let synced = File::open(new).and_then(|file| file.sync_all());
    synced.map_err(|error| Fault::at(new, "write", &error))?;
    Ok((report, outcome))
}

/// Puts the new store into its place; gives where the old one is.
fn exchange(folder: &Path, new: &Path) -> Result<PathBuf, Fault> {
    let path = folder.join(FILE);
    // What waits in the journal belongs into the file: without it the journal is not needed. A
    // file that is too damaged for that keeps its journal, which is kept with it.
    if let Ok(old) = Connection::open(&path) {
        let _ = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    let kept = free(folder);
    for end in ["", "-wal"] {
        let (from, to) = (ended(&path, end), ended(&kept, end));
        if fs::metadata(&from).is_ok_and(|data| data.len() > 0) {
            keep(&from, &to).map_err(|error| Fault::at(&to, "write", &error))?;
        }
    }
    sync(folder)?;
    for end in BESIDE {
        remove(&ended(&path, end))?;
    }
    fs::rename(new, &path).map_err(|error| Fault::at(&path, "write", &error))?;
    sync(folder)?;
    Ok(kept)
}

/// A name with the date that nothing has yet.
fn free(folder: &Path) -> PathBuf {
    let seconds = i64::try_from(Clock::wall().0).unwrap_or(0);
    let date = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let date = date.format("%Y-%m-%dT%H-%M-%SZ");
    let name = |more: &str| folder.join(format!("{FILE}.damaged-{date}{more}"));
    let mut path = name("");
    let mut count = 1;
    while path.exists() {
        count += 1;
        path = name(&format!("-{count}"));
    }
    path
}

/// Keeps a file under another name, too; a copy where the disk knows no links.
fn keep(from: &Path, to: &Path) -> std::io::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

fn ended(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn sync(folder: &Path) -> Result<(), Fault> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Fault::at(folder, "write", &error))
}

fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::at(path, "remove", &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a store that was left unfinished.
fn forget(new: &Path) -> Result<(), Fault> {
    remove(new)?;
    BESIDE.iter().try_for_each(|end| remove(&ended(new, end)))
}
