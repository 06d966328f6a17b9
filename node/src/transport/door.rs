//! An account's door to the network: takes connections in, dials out, within limits.

use super::channel::{self, Event};
use super::noise::{self, StaticKey};
use super::{Listener, Place, Stream, Transport};
use cliqueclique_core::{Address, ChannelId, Input};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};

/// Connecting and the handshake of the stream, each. Over I2P a tunnel takes many seconds.
const CONNECT: Duration = Duration::from_secs(45);
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Strangers that may be in the handshake of the stream at once; more wait outside. Guess.
const STRANGERS: usize = 64;
/// Connections that others opened, per account: twice the core's default of links, half
/// open ones included; more wait outside.
const GUESTS: usize = 512;
/// Pause after a failed accept, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Dials for one account.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    transports: Arc<[Arc<dyn Transport>]>,
    events: mpsc::Sender<Event>,
}

impl Door {
    /// A door that tells `events` what happens.
    pub(crate) fn new(transports: Arc<[Arc<dyn Transport>]>, events: mpsc::Sender<Event>) -> Self {
        Self { transports, events }
    }

    /// Dials on its own; the runner hears of the outcome. Needs the shared runtime.
    pub(crate) async fn dial(self, channel: ChannelId, address: Address) {
        match self.reach(&address).await {
            Ok(secured) => channel::run(secured, channel, self.events).await,
            Err(_) => {
                let gone = Event::Input(Input::Disconnected(channel));
                // A runner that is gone needs no answer.
                let _ = self.events.send(gone).await;
            }
        }
    }

    async fn reach(&self, address: &Address) -> io::Result<noise::Secured> {
        let place = Place::of(address).map_err(io::Error::other)?;
        let transport = self
            .transports
            .iter()
            .find(|transport| transport.scheme() == place.scheme)
            .ok_or_else(|| io::Error::other(format!("no transport for '{}'", place.scheme)))?;
        let stream = timeout(CONNECT, transport.connect(&place.place)).await??;
        timeout(HANDSHAKE, noise::dial(stream, &place.key)).await?
    }

    /// Takes connections in until the node stops.
    pub(crate) async fn attend(
        self,
        listener: Box<dyn Listener>,
        key: StaticKey,
        mut stop: watch::Receiver<bool>,
    ) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.take_in(listener, key) => {}
        }
    }

    async fn take_in(self, mut listener: Box<dyn Listener>, key: StaticKey) {
        let strangers = Arc::new(Semaphore::new(STRANGERS));
        let guests = Arc::new(Semaphore::new(GUESTS));
        // The runner's channels have odd numbers.
        let next = AtomicU64::new(1);
        loop {
            let permits = (
                strangers.clone().acquire_owned().await,
                guests.clone().acquire_owned().await,
            );
            let (Ok(stranger), Ok(guest)) = permits else {
                return;
            };
            match listener.accept().await {
                Ok(stream) => {
                    let channel = ChannelId(next.fetch_add(2, Ordering::Relaxed));
                    let (key, events) = (key.clone(), self.events.clone());
                    tokio::spawn(async move {
                        let _guest = guest;
                        admit(stream, key, channel, events, stranger).await;
                    });
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

async fn admit(
    stream: Stream,
    key: StaticKey,
    channel: ChannelId,
    events: mpsc::Sender<Event>,
    stranger: OwnedSemaphorePermit,
) {
    let secured = timeout(HANDSHAKE, noise::answer(stream, &key)).await;
    drop(stranger);
    if let Ok(Ok(secured)) = secured {
        channel::run(secured, channel, events).await;
    }
}
