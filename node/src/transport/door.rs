//! An account's door to the network: takes connections in, dials out, within limits.

use super::channel::{self, Event};
use super::noise::{self, StaticKey};
use super::{Listener, Place, Stream, Transport};
use cliqueclique_core::{Address, ChannelId, Input};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// Connecting and the handshake of the stream, each. Over I2P a tunnel takes many seconds.
const CONNECT: Duration = Duration::from_secs(45);
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Strangers that may be in the handshake of the stream at once; for one more the oldest is
/// cut off, so that those who say nothing keep nobody out. Guess.
const STRANGERS: usize = 256;
/// Connections that others opened, per account: twice the core's default of links, half
/// open ones included; more are closed.
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
        let guests = Arc::new(Semaphore::new(GUESTS));
        let mut strangers = VecDeque::new();
        // The runner's channels have odd numbers.
        for number in (1..).step_by(2) {
            let stream = loop {
                match listener.accept().await {
                    Ok(stream) => break stream,
                    Err(_) => sleep(PAUSE).await,
                }
            };
            if strangers.len() >= STRANGERS
                && let Some(oldest) = strangers.pop_front()
            {
                AbortHandle::abort(&oldest);
            }
            let (key, events) = (key.clone(), self.events.clone());
            let (guests, channel) = (guests.clone(), ChannelId(number));
            let meeting = tokio::spawn(meet(stream, key, channel, events, guests));
            strangers.push_back(meeting.abort_handle());
            strangers.retain(|stranger| !stranger.is_finished());
        }
    }
}

/// The handshake of the stream. The channel then runs by itself, so that its task can no
/// longer be taken for a stranger's.
async fn meet(
    stream: Stream,
    key: StaticKey,
    channel: ChannelId,
    events: mpsc::Sender<Event>,
    guests: Arc<Semaphore>,
) {
    let secured = timeout(HANDSHAKE, noise::answer(stream, &key)).await;
    let (Ok(Ok(secured)), Ok(place)) = (secured, guests.try_acquire_owned()) else {
        return;
    };
    tokio::spawn(async move {
        let _place = place;
        channel::run(secured, channel, events).await;
    });
}
