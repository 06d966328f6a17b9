//! The commands' end of the socket.

use super::SOCKET;
use super::request::{Answer, LineOf, Request};
use crate::fault::{Class, Fault};
use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Pause before a busy node is asked again, and how often.
const BUSY: (Duration, u32) = (Duration::from_millis(20), 1_500);

/// True if somebody listens at the folder's socket.
pub(crate) fn answers(folder: &Path) -> bool {
    UnixStream::connect(folder.join(SOCKET)).is_ok()
}

/// Asks a running node once.
///
/// # Errors
/// No node runs on the folder, or its own refusal.
pub(crate) fn ask(folder: &Path, account: &str, request: &Request) -> Result<Value, Fault> {
    Session::open(folder)?.ask(account, request)
}

/// A connection on which one request follows another.
#[derive(Debug)]
pub(crate) struct Session {
    read: BufReader<UnixStream>,
    write: UnixStream,
}

impl Session {
    /// Connects to whoever answers for a folder.
    ///
    /// # Errors
    /// No node runs on it.
    pub(crate) fn open(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(SOCKET);
        let failed = |error: std::io::Error| {
            let absent = [ErrorKind::NotFound, ErrorKind::ConnectionRefused];
            if !absent.contains(&error.kind()) {
                return Fault::at(&path, "connect to", &error);
            }
            let message = format!(
                "no node runs on {}: start it with `cliqueclique run`",
                folder.display()
            );
            Fault::new(Class::NotRunning, message)
        };
        let write = UnixStream::connect(&path).map_err(failed)?;
        let read = BufReader::new(write.try_clone().map_err(failed)?);
        Ok(Self { read, write })
    }

    /// Asks.
    ///
    /// # Errors
    /// The node's refusal, or it went away.
    pub(crate) fn ask(&mut self, account: &str, request: &Request) -> Result<Value, Fault> {
        match self.talk(&LineOf { account, request }) {
            Ok(Answer::Ok(value)) => Ok(value),
            Ok(Answer::Fault(fault)) => Err(fault),
            Err(error) => {
                let message = format!("the node went away before it answered: {error}");
                Err(Fault::new(Class::NotRunning, message))
            }
        }
    }

    /// Asks again while too much is under way.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub(crate) fn insist(&mut self, account: &str, request: &Request) -> Result<Value, Fault> {
        for _ in 0..BUSY.1 {
            match self.ask(account, request) {
                Err(fault) if fault.class == Class::Busy => std::thread::sleep(BUSY.0),
                answer => return answer,
            }
        }
        self.ask(account, request)
    }

    fn talk(&mut self, line: &LineOf<'_>) -> std::io::Result<Answer> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.write.write_all(&text)?;
        let mut answer = String::new();
        self.read.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}
