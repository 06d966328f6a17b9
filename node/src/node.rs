//! The running node: builds the shared services, opens the accounts, the control socket and the
//! forum in the browser; waits for the end; takes everything down in order.

use crate::control::{self, Counters, Desk};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::hosting::Hosting;
use crate::machine::Machine;
use crate::metrics;
use crate::reload::{Reload, Relog};
use crate::settings::{Account, Settings};
use crate::store::{self, Store};
use crate::transport::i2p::Routers;
use crate::web;
use crate::web::public;
#[cfg(feature = "embedded-router")]
use crate::{settings, transport::i2p::embedded::Embedded};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Threads of the shared runtime: transports and control do little but wait.
const THREADS: usize = 2;
/// How often it is looked whether an account has ended.
const LOOK: Duration = Duration::from_millis(200);

/// What a node tells when it answers commands.
pub(crate) struct Ready {
    /// Addresses of the accounts.
    pub(crate) addresses: BTreeMap<String, String>,
    /// Where a browser finds the forum, if it does.
    pub(crate) web: Option<String>,
}

struct Process {
    hosting: Arc<Hosting>,
    machine: Machine,
    stop: Arc<watch::Sender<bool>>,
}

/// Runs all accounts of a data folder until it is told to stop. What happens to the core of
/// `record`'s account is written to its file. `ready` is called with the
/// addresses once commands are answered.
///
/// # Errors
/// It cannot start, or an account cannot go on.
pub(crate) fn run(
    folder: &Path,
    settings: Settings,
    record: Option<(String, PathBuf)>,
    relog: Relog,
    ready: impl FnOnce(&Ready),
) -> Result<(), Fault> {
    let how = How {
        record,
        silent: false,
        stop: Arc::new(watch::channel(false).0),
    };
    start(folder, settings, how, relog, ready)
}

/// Runs all accounts of a data folder without transport, for commands of this process.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_alone(
    folder: &Path,
    settings: Settings,
    stop: Arc<watch::Sender<bool>>,
    ready: impl FnOnce(),
) -> Result<(), Fault> {
    let how = How {
        record: None,
        silent: true,
        stop,
    };
    start(folder, settings, how, Box::new(|_| {}), |_| ready())
}

/// What differs between a node and a command that works alone.
struct How {
    record: Option<(String, PathBuf)>,
    silent: bool,
    stop: Arc<watch::Sender<bool>>,
}

fn start(
    folder: &Path,
    settings: Settings,
    how: How,
    relog: Relog,
    ready: impl FnOnce(&Ready),
) -> Result<(), Fault> {
    let lock = folder::lock(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Class::Failed, format!("cannot start threads: {error}")))?;
    let machine = Machine::watch(folder);
    if let Some(trouble) = machine.trouble() {
        tracing::warn!("{trouble}");
    }
    let (store, writer) = Store::open(folder)?;
    let routers = Routers {
        sam: (settings.i2p.sam_host.clone(), settings.i2p.sam_port),
        #[cfg(feature = "embedded-router")]
        own: (settings.transport == settings::Which::Auto && !how.silent)
            .then(|| Embedded::new(folder, settings.i2p.router.clone())),
    };
    let hosting = Hosting {
        folder: folder.to_owned(),
        cold_after: watch::channel(settings.limits.cold_after()).0,
        settings,
        record: how.record,
        silent: how.silent,
        store,
        routers: Arc::new(routers),
        counters: Counters::default(),
        changing: tokio::sync::Mutex::default(),
        rooms: Mutex::default(),
    };
    let process = Process {
        hosting: Arc::new(hosting),
        machine,
        stop: how.stop,
    };
    let result = runtime.block_on(process.serve(relog, ready));
    runtime.shutdown_timeout(Duration::from_secs(1));
    // The store's thread ends when the last runner has dropped its handle.
    let _ = writer.join();
    drop(lock);
    result
}

impl Process {
    async fn serve(self, relog: Relog, ready: impl FnOnce(&Ready)) -> Result<(), Fault> {
        let hosting = &self.hosting;
        let mut addresses = BTreeMap::new();
        for account in hosting.wanted()? {
            let address = hosting.open(&account).await?;
            addresses.insert(account.name, address);
        }
        let mut reload = Reload {
            folder: hosting.folder.clone(),
            settings: hosting.settings.clone(),
            relog,
            cold_after: hosting.cold_after.clone(),
            accounts: hosting.counters.clone(),
        };
        let desk = Desk {
            accounts: hosting.counters.clone(),
            health: hosting.store.health.clone(),
            machine: self.machine.clone(),
            stop: self.stop.clone(),
        };
        let listener = control::listen(&hosting.folder)?;
        if let Some(place) = hosting.settings.metrics.listen.filter(|_| !hosting.silent) {
            let listener = metrics::listen(place).await?;
            tokio::spawn(metrics::serve(listener, desk.clone()));
        }
        let web = if hosting.silent {
            None
        } else {
            public::open(
                &hosting.folder,
                &hosting.settings.public,
                self.stop.subscribe(),
            )
            .await?;
            web::open(hosting.clone(), desk.clone()).await?
        };
        let server = tokio::spawn(control::serve(listener, desk));
        ready(&Ready { addresses, web });
        self.until_stopped(&mut reload).await?;
        self.stop.send_replace(true);
        let ended = hosting.close_all().await;
        server.abort();
        // Nobody reads what cannot be removed: the next start replaces it.
        let _ = std::fs::remove_file(hosting.folder.join(control::SOCKET));
        ended
    }

    /// Waits for a signal to stop, a command, or the end of an account.
    async fn until_stopped(&self, reload: &mut Reload) -> Result<(), Fault> {
        let failed = |error: std::io::Error| Fault::new(Class::Failed, error.to_string());
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let mut stop = self.stop.subscribe();
        let mut look = tokio::time::interval(LOOK);
        let mut people = People::of(&self.hosting)?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = hangup.recv() => reload.again(),
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                _ = look.tick() => {
                    if self.hosting.has_ended() {
                        return Ok(());
                    }
                    people.follow(&self.hosting).await;
                }
            }
        }
    }
}

/// Looks whether a command changed who has an account here.
struct People {
    store: Connection,
    /// Version of the store's data, which changes with each commit, and the accounts then.
    seen: (i64, Vec<Account>),
}

impl People {
    fn of(hosting: &Hosting) -> Result<Self, Fault> {
        Ok(Self {
            store: store::schema::open_to_read(&hosting.folder.join(store::FILE))?,
            seen: (0, hosting.wanted()?),
        })
    }

    async fn follow(&mut self, hosting: &Hosting) {
        let version = self
            .store
            .pragma_query_value(None, "data_version", |row| row.get(0));
        // A store that cannot be read now can be later.
        let Some(version) = version.ok().filter(|version| *version != self.seen.0) else {
            return;
        };
        let Ok(wanted) = hosting.wanted() else { return };
        let changed = wanted != self.seen.1;
        self.seen = (version, wanted);
        if changed && let Err(fault) = hosting.follow().await {
            tracing::warn!("an account does not start or end as it should: {fault}");
        }
    }
}
