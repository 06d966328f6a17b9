//! The accounts of a node at work: each is started and ended by itself, while the others run.

use crate::clock::{Clock, entropy};
use crate::control::{Counter, Counters};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::runner::recording::Recording;
use crate::runner::{self, Inlets, Parts};
use crate::settings::{Account, Limits, Settings};
use crate::store::{self, Store};
use crate::transport::door::Door;
use crate::transport::i2p::{self, I2p, Routers};
use crate::transport::noise::StaticKey;
use crate::transport::pace::Paces;
use crate::transport::silent::Silent;
use crate::transport::tcp::Tcp;
use crate::transport::{Listener, Place, Transport};
use bytes::Bytes;
use cliqueclique_core::config::MAX_DOCUMENT;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::journal::Start;
use cliqueclique_core::{Config, Core, Identity};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Most damaged records that are named in the log at a start.
const MOST_TOLD: usize = 16;
/// Events and requests that may wait for a runner; more make the network, or the user, wait.
const EVENTS: usize = 256;
const REQUESTS: usize = 64;

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

/// What accounts share, and those that run.
pub(crate) struct Hosting {
    /// The data folder.
    pub(crate) folder: PathBuf,
    /// As they were at the start.
    pub(crate) settings: Settings,
    /// After how long networks go cold.
    pub(crate) cold_after: watch::Sender<Duration>,
    /// The account to record, and where.
    pub(crate) record: Option<(String, PathBuf)>,
    /// Nobody is dialled and nobody taken in.
    pub(crate) silent: bool,
    /// The store.
    pub(crate) store: Store,
    /// Routers of I2P.
    pub(crate) routers: Arc<Routers>,
    /// Where the running accounts are asked.
    pub(crate) counters: Counters,
    /// Held by who adds, suspends or removes accounts, so that nobody undoes half of it.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Their threads.
    pub(crate) rooms: Mutex<BTreeMap<String, Room>>,
}

/// One running account.
pub(crate) struct Room {
    stop: watch::Sender<bool>,
    thread: Thread,
}

impl Hosting {
    /// Starts an account; gives its address.
    ///
    /// # Errors
    /// It runs already, or cannot start.
    pub(crate) async fn open(&self, account: &Account) -> Result<String, Fault> {
        if self.counters.of(&account.name).is_some() {
            let message = format!("the account '{}' runs already", account.name);
            return Err(Fault::new(Class::Refused, message));
        }
        let limits = self.settings.limits;
        let (asks, inbox) = mpsc::channel(REQUESTS);
        let counter = Counter {
            asks,
            transport: self.transport(account)?,
            paces: Arc::new(Paces::new(limits.upload, limits.download)),
        };
        let (address, room) = self.start(account, &counter, inbox).await?;
        self.counters.set(&account.name, Some(counter));
        self.rooms().insert(account.name.clone(), room);
        Ok(address)
    }

    /// Ends an account; it parts from its peers first.
    ///
    /// # Errors
    /// It did not end well.
    pub(crate) async fn close(&self, name: &str) -> Result<(), Fault> {
        self.counters.set(name, None);
        let room = self.rooms().remove(name);
        let Some(room) = room else { return Ok(()) };
        room.stop.send_replace(true);
        ended(vec![room.thread]).await
    }

    /// Ends all accounts; the first failure counts.
    ///
    /// # Errors
    /// One did not end well.
    pub(crate) async fn close_all(&self) -> Result<(), Fault> {
        let rooms = std::mem::take(&mut *self.rooms());
        let stop = |room: Room| {
            room.stop.send_replace(true);
            room.thread
        };
        ended(rooms.into_values().map(stop).collect()).await
    }

    /// The accounts of the settings and of the store that are to run.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn wanted(&self) -> Result<Vec<Account>, Fault> {
        let (hosted, suspended) = store::users::hosted(&self.folder)?;
        let mut all = self.settings.accounts.clone();
        for (name, listen) in hosted {
            if all.iter().all(|account| account.name != name) {
                let announce = None;
                all.push(Account {
                    name,
                    listen,
                    announce,
                });
            }
        }
        all.retain(|account| !suspended.contains(&account.name));
        Ok(all)
    }

    /// Starts and ends accounts as somebody else wrote into the store: a command.
    ///
    /// # Errors
    /// One cannot start or did not end well.
    pub(crate) async fn follow(&self) -> Result<(), Fault> {
        let _alone = self.changing.lock().await;
        let wanted = self.wanted()?;
        let runs = self.counters.names();
        let gone = |name: &&String| wanted.iter().all(|account| account.name != **name);
        for name in runs.iter().filter(gone) {
            self.close(name).await?;
        }
        for account in wanted.iter().filter(|it| !runs.contains(&it.name)) {
            self.open(account).await?;
        }
        Ok(())
    }

    /// True if an account ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.rooms().values().any(|room| room.thread.is_finished())
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(
        &self,
        account: &Account,
        counter: &Counter,
        asks: mpsc::Receiver<runner::Ask>,
    ) -> Result<(String, Room), Fault> {
        let failed = |error: &dyn std::fmt::Display| {
            let name = &account.name;
            Fault::new(Class::Failed, format!("account '{name}': {error}"))
        };
        let secret = folder::key(&self.folder, &account.name)?;
        let key = StaticKey::of(&secret).map_err(|error| failed(&error))?;
        let stop = watch::channel(false).0;
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
        tokio::spawn(door.clone().attend(listener, key, stop.subscribe()));
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
            stop: stop.subscribe(),
            cold_after: self.cold_after.subscribe(),
        };
        let thread = runner::spawn(&account.name, parts, inlets).map_err(|error| failed(&error))?;
        let address = String::from_utf8_lossy(&place.address().0).into_owned();
        Ok((address, Room { stop, thread }))
    }

    /// The one transport of an account: on I2P each has a destination of its own, so that
    /// nobody sees that they are together; and who is on I2P dials nowhere else.
    fn transport(&self, account: &Account) -> Result<Arc<dyn Transport>, Fault> {
        if self.silent {
            return self.silence(account);
        }
        if !account.is_on_i2p() {
            let reach = self.settings.tcp.reach;
            return Ok(Arc::new(Tcp { reach }));
        }
        let keys = folder::destination(&self.folder, &account.name)?;
        let tunnels = self.settings.i2p.tunnels();
        Ok(Arc::new(I2p::start(self.routers.clone(), keys, tunnels)))
    }

    fn silence(&self, account: &Account) -> Result<Arc<dyn Transport>, Fault> {
        let (scheme, place) = if account.is_on_i2p() {
            let keys = folder::destination(&self.folder, &account.name)?;
            (i2p::SCHEME, i2p::keys::name(&keys.hash()))
        } else {
            let place = account.listen.split_once(':').unwrap_or_default().1;
            ("tcp", place.to_owned())
        };
        Ok(Arc::new(Silent { scheme, place }))
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

    /// Says what of an account's records it must do without.
    fn tell_unread(&self, name: &str, number: i64) -> Result<(), Fault> {
        let unread = store::unread(&self.folder, number)?;
        self.store.health.set_unread(number, unread.len());
        for what in unread.iter().take(MOST_TOLD) {
            tracing::warn!("account '{name}': a record cannot be read: {what}");
        }
        if !unread.is_empty() {
            let count = unread.len();
            tracing::warn!(
                "account '{name}' starts without {count} records: stop the node and mend the store \
                 with `cliqueclique check --repair`"
            );
        }
        Ok(())
    }

    /// The core as it was left, the account's number in the store, and the core's recording.
    fn core(
        &self,
        account: &Account,
        identity: Identity,
    ) -> Result<(Core, i64, Option<Recording>), Fault> {
        let failed = |error: &dyn std::fmt::Display| {
            let name = &account.name;
            let mend = "mend the store with `cliqueclique check --repair`";
            Fault::new(Class::Store, format!("account '{name}': {error}; {mend}"))
        };
        let suite = Arc::new(Ed25519Blake3);
        let node = suite.node_id(&suite.public_key(&identity.secret));
        let number = store::account(&self.folder, &account.name, node)?;
        self.tell_unread(&account.name, number)?;
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

async fn ended(threads: Vec<Thread>) -> Result<(), Fault> {
    let ended = tokio::task::spawn_blocking(move || join(threads)).await;
    ended.map_err(|error| Fault::new(Class::Failed, format!("an account: {error}")))?
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
