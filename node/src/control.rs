//! The socket through which commands talk to a running node: a Unix socket in the data
//! folder that only its owner may use, one JSON object per line each way.

pub(crate) mod client;
pub(crate) mod request;

use crate::fault::{Class, Fault};
use crate::machine::Machine;
use crate::runner::{Ask, Reply};
use crate::store::Health;
use crate::transport::Transport;
use crate::transport::pace::Paces;
use request::{Answer, LONGEST, Line, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// Socket in the data folder.
pub(crate) const SOCKET: &str = "control.sock";
/// What `status` says when nothing is wrong.
pub(crate) const WELL: &str = "all is well";
/// Callers at once; more wait.
const CALLERS: usize = 64;
/// A caller that says nothing for so long is cut off.
const IDLE: Duration = Duration::from_secs(300);
/// How often a waiting request looks whether the store is in trouble.
const LOOK: Duration = Duration::from_millis(250);

/// Where an account is asked.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    /// Its runner.
    pub(crate) asks: mpsc::Sender<Ask>,
    /// How it reaches others.
    pub(crate) transport: Arc<dyn Transport>,
    /// What it moves.
    pub(crate) paces: Arc<Paces>,
}

/// Where the running accounts are asked, by name. They come and go while the node runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters(Arc<RwLock<BTreeMap<String, Counter>>>);

impl Counters {
    /// Where an account is asked, if it runs.
    pub(crate) fn of(&self, name: &str) -> Option<Counter> {
        self.read().get(name).cloned()
    }

    /// Names of those that run.
    pub(crate) fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// What each may move.
    pub(crate) fn paces(&self) -> Vec<Arc<Paces>> {
        self.read().values().map(|it| it.paces.clone()).collect()
    }

    /// An account came or went.
    pub(crate) fn set(&self, name: &str, counter: Option<Counter>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match counter {
            Some(counter) => drop(all.insert(name.to_owned(), counter)),
            None => drop(all.remove(name)),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Counter>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the server needs of the node.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    /// The accounts that run.
    pub(crate) accounts: Counters,
    /// How the store does.
    pub(crate) health: Health,
    /// How the machine does.
    pub(crate) machine: Machine,
    /// Stops the node.
    pub(crate) stop: Arc<watch::Sender<bool>>,
}

/// Opens the socket. The caller holds the folder's lock, so an old one is left over.
///
/// # Errors
/// It cannot be made.
pub(crate) fn listen(folder: &Path) -> Result<UnixListener, Fault> {
    let path = folder.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Fault::at(&path, "remove the old socket", &error));
        }
        Ok(()) | Err(_) => {}
    }
    // The folder lets nobody else in, so there is no gap between these two.
    let listener = UnixListener::bind(&path).map_err(|error| {
        let message = format!(
            "cannot make the socket {}: {error} (the path may have about 100 bytes at most)",
            path.display()
        );
        Fault::new(Class::Failed, message)
    })?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Fault::at(&path, "protect", &error))?;
    Ok(listener)
}

/// Serves callers until the node stops.
pub(crate) async fn serve(listener: UnixListener, desk: Desk) {
    let callers = Arc::new(Semaphore::new(CALLERS));
    loop {
        let Ok(place) = callers.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    let _place = place;
                    // A caller that goes away is no concern of the node.
                    let _ = desk.attend(stream).await;
                });
            }
            Err(_) => sleep(LOOK).await,
        }
    }
}

impl Desk {
    async fn attend(&self, stream: UnixStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        loop {
            let mut line = Vec::new();
            let got = timeout(IDLE, (&mut read).take(limit).read_until(b'\n', &mut line)).await??;
            if got == 0 {
                return Ok(());
            }
            let whole = line.ends_with(b"\n");
            let answer = if whole {
                self.answer(&line).await
            } else {
                let message = format!("a request has one line of at most {LONGEST} bytes");
                Answer::Fault(Fault::new(Class::Usage, message))
            };
            let mut text = serde_json::to_vec(&answer)?;
            text.push(b'\n');
            timeout(IDLE, write.write_all(&text)).await??;
            if !whole {
                return Ok(());
            }
        }
    }

    async fn answer(&self, line: &[u8]) -> Answer {
        let reply = match serde_json::from_slice::<Line>(line) {
            Ok(line) => self.pass_on(line).await,
            Err(error) => Err(Fault::new(
                Class::Usage,
                format!("the node does not understand the request: {error}"),
            )),
        };
        match reply {
            Ok(value) => Answer::Ok(value),
            Err(fault) => Answer::Fault(fault),
        }
    }

    /// Gives a request to its account, and its answer back.
    pub(crate) async fn pass_on(&self, line: Line) -> Reply {
        if matches!(line.request, Request::Stop) {
            self.stop.send_replace(true);
            return Ok(json!({}));
        }
        let account = self.accounts.of(&line.account).ok_or_else(|| {
            let known = self.accounts.names();
            let message = format!(
                "there is no account '{}' here, but {}",
                line.account,
                known.join(", ")
            );
            Fault::new(Class::NotFound, message)
        })?;
        let status = matches!(line.request, Request::Status);
        if let (false, Some(trouble)) = (status, self.health.trouble()) {
            return Err(Fault::new(Class::Failed, trouble + ": nothing was done"));
        }
        let (reply, answer) = oneshot::channel();
        let ask = Ask {
            request: line.request,
            reply,
        };
        let gone = || {
            Fault::new(
                Class::Refused,
                "the account has stopped: see the node's log",
            )
        };
        account.asks.try_send(ask).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Fault::new(Class::Busy, "too many requests wait: try again later")
            }
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        let reply = self.wait(answer).await.unwrap_or_else(|| Err(gone()));
        if !status {
            return reply;
        }
        // A runner that waits for the disk does not answer; what is wrong is told all the same.
        let known = reply.or_else(|fault| match self.health.trouble() {
            Some(_) => Ok(json!({})),
            None => Err(fault),
        });
        known.map(|known| self.with_health(known, &account))
    }

    /// Waits for an answer, unless the store gets into trouble.
    async fn wait(&self, mut answer: oneshot::Receiver<Reply>) -> Option<Reply> {
        loop {
            tokio::select! {
                reply = &mut answer => return reply.ok(),
                () = sleep(LOOK) => if let Some(trouble) = self.health.trouble() {
                    let message = format!(
                        "{trouble}: not done yet; the node goes on trying, and may do it later"
                    );
                    return Some(Err(Fault::new(Class::Failed, message)));
                },
            }
        }
    }

    /// Adds what concerns the whole node to an account's status.
    fn with_health(&self, mut status: Value, account: &Counter) -> Value {
        let trouble = self
            .health
            .trouble()
            .or_else(|| account.transport.trouble())
            .or_else(|| self.machine.trouble());
        status["state"] = json!(trouble.as_deref().unwrap_or(WELL));
        status["unreadable_records"] = json!(self.health.unread());
        status["bytes_sent"] = json!(account.paces.up.moved());
        status["bytes_received"] = json!(account.paces.down.moved());
        status
    }

    /// How each account does; those that do not answer are left out.
    pub(crate) async fn statuses(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for account in self.accounts.names() {
            let line = Line {
                account: account.clone(),
                request: Request::Status,
            };
            if let Ok(status) = self.pass_on(line).await {
                all.push((account, status));
            }
        }
        all
    }
}
