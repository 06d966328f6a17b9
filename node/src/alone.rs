//! Commands where no node runs: the process of the command takes the folder for itself and
//! runs the accounts without transport until it is done. So a command does the same in both
//! cases, by the same way, and what it changes is as durable.

use crate::fault::{Class, Fault};
use crate::node;
use crate::settings::Settings;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// A node without transport, in a thread of this process.
#[derive(Debug)]
pub(crate) struct Alone {
    stop: Arc<watch::Sender<bool>>,
    thread: Option<JoinHandle<Result<(), Fault>>>,
}

impl Alone {
    /// Starts it; it answers at the folder's socket then.
    ///
    /// # Errors
    /// Another process has the folder, or it cannot start.
    pub(crate) fn start(folder: &Path) -> Result<Self, Fault> {
        let settings = Settings::read(folder)?;
        let stop = Arc::new(watch::channel(false).0);
        let (ready, started) = mpsc::channel();
        let (path, stopped) = (folder.to_owned(), stop.clone());
        let thread = std::thread::Builder::new().name("alone".to_owned());
        let thread = thread
            .spawn(move || {
                // Who waits for it is gone only when it is dropped.
                node::run_alone(&path, settings, stopped, move || {
                    let _ = ready.send(());
                })
            })
            .map_err(|error| {
                Fault::new(Class::Failed, format!("cannot start a thread: {error}"))
            })?;
        let mut alone = Self {
            stop,
            thread: Some(thread),
        };
        if started.recv().is_ok() {
            return Ok(alone);
        }
        let early = Fault::new(Class::Failed, "the accounts ended before they began");
        Err(alone.end().err().unwrap_or(early))
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.stop.send_replace(true);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let crashed = || {
            Err(Fault::new(
                Class::Failed,
                "an account crashed: this is a bug",
            ))
        };
        thread.join().unwrap_or_else(|_| crashed())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // What was answered is durable already.
        let _ = self.end();
    }
}
