//! Connections that read the store, kept open between pages: a fresh one would have to learn its
//! statements again.

use crate::fault::Fault;
use crate::store::ask::Reader;
use crate::store::{FILE, schema};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Connections, and so pages that read at once; more wait. To open one costs more than most pages, and
/// each keeps some megabytes in memory.
pub(super) const READERS: usize = 4;

/// The connections.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// For the store of a data folder.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
            idle: Mutex::default(),
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// What `what` says, or that the store cannot be opened.
    pub(super) fn read<T>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let connection = self.take()?;
        let result = what(&connection);
        self.keep(connection);
        result
    }

    /// Reads for an account.
    ///
    /// # Errors
    /// As [`Self::read`], or that there is no such account.
    pub(super) fn reader<T>(
        &self,
        account: &str,
        what: impl FnOnce(&mut Reader) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut reader = Reader::on(self.take()?, account)?;
        let result = what(&mut reader);
        self.keep(reader.done());
        result
    }

    fn take(&self) -> Result<Connection, Fault> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.map_or_else(|| schema::open_to_read(&self.path), Ok)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
    }
}
