//! The running node: builds the shared services, an account's parts each, and the control
//! socket; waits for the end; takes everything down in order.

use crate::clock::{Clock, entropy};
use crate::control::{self, Counter, Desk};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::machine::Machine;
use crate::metrics;
use crate::reload::{Reload, Relog};
use crate::runner::recording::Recording;
use crate::runner::{self, Inlets, Parts};
use crate::settings::{Account, Limits, Settings};
use crate::store::{self, Store};
use crate::transport::door::Door;
use crate::transport::i2p::{I2p, Routers};
use crate::transport::noise::StaticKey;
use crate::transport::pace::Paces;
use crate::transport::tcp::Tcp;
use crate::transport::{Listener, Place, Transport};
#[cfg(feature = "embedded-router")]
use crate::{settings, transport::i2p::embedded::Embedded};
use bytes::Bytes;
use cliqueclique_core::config::MAX_DOCUMENT;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::journal::Start;
use cliqueclique_core::{Config, Core, Identity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Events and requests that may wait for a runner; more make the network, or the user, wait.
const EVENTS: usize = 256;
const REQUESTS: usize = 64;
/// Threads of the shared runtime: transports and control do little but wait.
const THREADS: usize = 2;
/// How often it is looked whether an account has ended.
const LOOK: Duration = Duration::from_millis(200);

/// For a link to be made over I2P: the tries of the transport, and the core's own handshake.
const OVER_I2P: Duration = Duration::from_secs(300);
/// A frame on a stream counts as lost after this: only a packet that found no room to wait is.
const LATE: Duration = Duration::from_secs(5);
/// On TCP an acknowledgement costs little, and the window waits for it.
const SOON: Duration = Duration::from_millis(10);
/// Bytes under way on a TCP link: what comes while both stores commit, several times over.
/// What does not fit is read from the store again, one by one.
const WINDOW: usize = 1024 * 1024;
/// Where uploads are limited, no link has more under way than goes out in so many seconds: what
/// waits for longer than the core's `link_timeout` counts as lost.
const DRAINED: u64 = 8;
/// Messages per second on a TCP link, sustained: above what a fast store takes in.
const RATE: u32 = 8_000;

type Thread = JoinHandle<Result<(), Fault>>;

/// What the accounts share.
struct Shared {
    folder: PathBuf,
    settings: Settings,
    machine: Machine,
    cold_after: watch::Sender<Duration>,
    record: Option<(String, PathBuf)>,
    store: Store,
    routers: Arc<Routers>,
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
    ready: impl FnOnce(&BTreeMap<String, String>),
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
        own: (settings.transport == settings::Which::Auto)
            .then(|| Embedded::new(folder, settings.i2p.router.clone())),
    };
    let shared = Shared {
        folder: folder.to_owned(),
        cold_after: watch::channel(settings.limits.cold_after()).0,
        settings,
        machine,
        record,
        store,
        routers: Arc::new(routers),
        stop: Arc::new(watch::channel(false).0),
    };
    let result = runtime.block_on(shared.serve(relog, ready));
    runtime.shutdown_timeout(Duration::from_secs(1));
    // The store's thread ends when the last runner has dropped its handle.
    let _ = writer.join();
    drop(lock);
    result
}

impl Shared {
    async fn serve(
        self,
        relog: Relog,
        ready: impl FnOnce(&BTreeMap<String, String>),
    ) -> Result<(), Fault> {
        let mut accounts = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        let mut threads: Vec<Thread> = Vec::new();
        let limits = self.settings.limits;
        let mut reload = Reload {
            folder: self.folder.clone(),
            settings: self.settings.clone(),
            relog,
            cold_after: self.cold_after.clone(),
            paces: Vec::new(),
        };
        for account in &self.settings.accounts {
            let (asks, inbox) = mpsc::channel(REQUESTS);
            let transport = self.transport(account)?;
            let paces = Arc::new(Paces::new(limits.upload, limits.download));
            reload.paces.push(paces.clone());
            let counter = Counter {
                asks,
                transport,
                paces,
            };
            let (address, thread) = self.open(account, &counter, inbox).await?;
            accounts.insert(account.name.clone(), counter);
            addresses.insert(account.name.clone(), address);
            threads.push(thread);
        }
        let desk = Desk {
            accounts: Arc::new(accounts),
            health: self.store.health.clone(),
            machine: self.machine.clone(),
            stop: self.stop.clone(),
        };
        let listener = control::listen(&self.folder)?;
        if let Some(place) = self.settings.metrics.listen {
            let listener = metrics::listen(place).await?;
            tokio::spawn(metrics::serve(listener, desk.clone()));
        }
        let server = tokio::spawn(control::serve(listener, desk));
        ready(&addresses);
        self.until_stopped(&threads, &mut reload).await?;
        self.stop.send_replace(true);
        let ended = tokio::task::spawn_blocking(move || join(threads)).await;
        server.abort();
        // Nobody reads what cannot be removed: the next start replaces it.
        let _ = std::fs::remove_file(self.folder.join(control::SOCKET));
        ended.map_err(|error| Fault::new(Class::Failed, format!("an account: {error}")))?
    }

    /// Starts one account.
    async fn open(
        &self,
        account: &Account,
        counter: &Counter,
        asks: mpsc::Receiver<runner::Ask>,
    ) -> Result<(String, Thread), Fault> {
        let failed = |error: &dyn std::fmt::Display| {
            let name = &account.name;
            Fault::new(Class::Failed, format!("account '{name}': {error}"))
        };
        let secret = folder::key(&self.folder, &account.name)?;
        let key = StaticKey::of(&secret).map_err(|error| failed(&error))?;
        let listener = listen(account, &*counter.transport).await?;
        let place = Self::announced(account, &*listener, &key);
        let identity = Identity {
            secret,
            address: place.address(),
        };
        let clock = Clock::start();
        let (core, number, recording) = self.core(account, identity)?;
        let (events, inlet) = mpsc::channel(EVENTS);
        let (transport, paces) = (counter.transport.clone(), counter.paces.clone());
        let door = Door::new(transport, events, paces);
        tokio::spawn(door.clone().attend(listener, key, self.stop.subscribe()));
        let parts = Parts {
            core,
            clock,
            account: number,
            address: place.address(),
            store: self.store.clone(),
            door,
            shared: tokio::runtime::Handle::current(),
            recording,
        };
        let inlets = Inlets {
            events: inlet,
            asks,
            stop: self.stop.subscribe(),
            cold_after: self.cold_after.subscribe(),
        };
        let thread = runner::spawn(&account.name, parts, inlets).map_err(|error| failed(&error))?;
        let address = String::from_utf8_lossy(&place.address().0).into_owned();
        Ok((address, thread))
    }

    /// The one transport of an account: on I2P each has a destination of its own, so that
    /// nobody sees that they are together; and who is on I2P dials nowhere else.
    fn transport(&self, account: &Account) -> Result<Arc<dyn Transport>, Fault> {
        if !account.is_on_i2p() {
            let reach = self.settings.tcp.reach;
            return Ok(Arc::new(Tcp { reach }));
        }
        let keys = folder::destination(&self.folder, &account.name)?;
        let tunnels = self.settings.i2p.tunnels();
        Ok(Arc::new(I2p::start(self.routers.clone(), keys, tunnels)))
    }

    fn announced(account: &Account, listener: &dyn Listener, key: &StaticKey) -> Place {
        let scheme = account.listen.split(':').next().unwrap_or_default();
        let announced = account
            .announce
            .as_deref()
            .and_then(|text| text.split_once(':'));
        let (scheme, place) = announced.map_or_else(
            || (scheme.to_owned(), listener.place()),
            |(scheme, place)| (scheme.to_owned(), place.to_owned()),
        );
        Place {
            scheme,
            place,
            key: key.public,
        }
    }

    /// The core as it was left, the account's number in the store, and the core's recording.
    fn core(
        &self,
        account: &Account,
        identity: Identity,
    ) -> Result<(Core, i64, Option<Recording>), Fault> {
        let failed = |error: &dyn std::fmt::Display| {
            let name = &account.name;
            Fault::new(Class::Store, format!("account '{name}': {error}"))
        };
        let suite = Arc::new(Ed25519Blake3);
        let node = suite.node_id(&suite.public_key(&identity.secret));
        let number = store::account(&self.folder, &account.name, node)?;
        let (record, peers) = store::rest(&self.folder, number)?;
        let config = fit(&self.settings.limits, account.is_on_i2p());
        let start = Start {
            config,
            secret: identity.secret.0,
            address: identity.address,
            seed: entropy().map_err(|error| failed(&error))?,
            wall: Clock::wall(),
            record: record.map(Bytes::from),
            peers: peers.into_iter().map(Bytes::from).collect(),
        };
        let core = start.core().map_err(|error| failed(&error))?;
        let recording = match &self.record {
            Some((name, path)) if *name == account.name => Some(Recording::begin(path, start)?),
            Some(_) | None => None,
        };
        Ok((core, number, recording))
    }

    /// Waits for a signal to stop, a command, or the end of an account.
    async fn until_stopped(&self, threads: &[Thread], reload: &mut Reload) -> Result<(), Fault> {
        let failed = |error: std::io::Error| Fault::new(Class::Failed, error.to_string());
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let mut stop = self.stop.subscribe();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = hangup.recv() => reload.again(),
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                _ = look.tick() => if threads.iter().any(JoinHandle::is_finished) {
                    return Ok(());
                },
            }
        }
    }
}

/// Fits the core's settings to streams, which lose nothing by themselves: what comes late needs
/// not be sent again, and there is room for what the store of the other side takes at once.
fn fit(limits: &Limits, on_i2p: bool) -> Config {
    let config = Config {
        min_timeout: LATE,
        ..limits.config()
    };
    let config = if on_i2p {
        Config {
            handshake_timeout: OVER_I2P,
            ..config
        }
    } else {
        Config {
            ack_delay: SOON,
            send_window: WINDOW,
            rate_limit: RATE,
            ..config
        }
    };
    let drained = limits.upload.saturating_mul(1_000 * DRAINED);
    let most = match usize::try_from(drained) {
        Ok(0) | Err(_) => config.send_window,
        Ok(most) => most.max(MAX_DOCUMENT),
    };
    Config {
        send_window: config.send_window.min(most),
        ..config
    }
}

async fn listen(account: &Account, on: &dyn Transport) -> Result<Box<dyn Listener>, Fault> {
    let (_, place) = account.listen.split_once(':').unwrap_or_default();
    on.listen(place).await.map_err(|error| {
        let message = format!(
            "account '{}' cannot listen at {}: {error}; change its `listen` in {}",
            account.name,
            account.listen,
            crate::settings::FILE
        );
        Fault::new(Class::Failed, message)
    })
}

/// Waits for all accounts; the first failure counts.
fn join(threads: Vec<Thread>) -> Result<(), Fault> {
    let crashed = || {
        Err(Fault::new(
            Class::Failed,
            "an account crashed: this is a bug",
        ))
    };
    let results: Vec<Result<(), Fault>> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap_or_else(|_| crashed()))
        .collect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_has_little_under_way_and_every_config_is_valid() {
        let window = |upload, on_i2p| {
            let limits = Limits {
                upload,
                ..Limits::default()
            };
            let config = fit(&limits, on_i2p);
            config.validate().expect("valid");
            config.send_window
        };
        let usual = Config::default().send_window;
        assert_eq!((window(0, false), window(0, true)), (WINDOW, usual));
        assert_eq!(window(16, false), MAX_DOCUMENT);
        assert_eq!(window(32, true), 256_000);
        assert_eq!(window(1_000_000, false), WINDOW);
        assert_eq!(window(u64::MAX, true), usual);
    }
}
