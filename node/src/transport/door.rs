//! An account's door to the network: takes connections in, dials out, within limits.

use super::channel::{self, Event};
use super::noise::{self, StaticKey};
use super::pace::Paces;
use super::{Listener, Place, Transport};
use cliqueclique_core::{Address, ChannelId, Input};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// Strangers that may be in the handshake of the stream at once; for one more the oldest is
/// cut off, so that those who say nothing keep nobody out. Guess.
const STRANGERS: usize = 256;
/// Connections that others opened, per account: twice the core's default of links, half
/// open ones included; more are closed.
const GUESTS: usize = 512;
/// Pause before a peer is tried again: a lookup may find it then.
const AGAIN: Duration = Duration::from_secs(3);
/// Pause after a failed accept, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Dials for one account.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    transport: Arc<dyn Transport>,
    events: mpsc::Sender<Event>,
    paces: Arc<Paces>,
}

impl Door {
    /// A door that tells `events` what happens.
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        events: mpsc::Sender<Event>,
        paces: Arc<Paces>,
    ) -> Self {
        Self {
            transport,
            events,
            paces,
        }
    }

    /// Dials on its own; the runner hears of the outcome. Needs the shared runtime.
    pub(crate) async fn dial(self, channel: ChannelId, address: Address) {
        match self.reach(&address).await {
            Ok(secured) => channel::run(secured, channel, self.events, self.paces).await,
            Err(_) => {
                let gone = Event::Input(Input::Disconnected(channel));
                // A runner that is gone needs no answer.
                let _ = self.events.send(gone).await;
            }
        }
    }

    async fn reach(&self, address: &Address) -> io::Result<noise::Secured> {
        let place = Place::of(address).map_err(io::Error::other)?;
        // One transport each: who is on I2P must not be made to knock anywhere else.
        if self.transport.scheme() != place.scheme {
            let text = format!("no transport for '{}'", place.scheme);
            return Err(io::Error::other(text));
        }
        let mut tries = self.transport.deadlines().tries;
        loop {
            tries -= 1;
            let outcome = self.attempt(&place).await;
            if let Err(error) = &outcome {
                tracing::debug!(place = place.place, tries, "cannot be reached: {error}");
            }
            match outcome {
                Err(error) if tries > 0 && passing(&error) => sleep(AGAIN).await,
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, place: &Place) -> io::Result<noise::Secured> {
        let deadlines = self.transport.deadlines();
        let call = timeout(deadlines.connect, self.transport.connect(&place.place)).await??;
        timeout(deadlines.handshake, noise::dial(call, &place.key)).await?
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
        let patience = self.transport.deadlines().handshake;
        // The runner's channels have odd numbers.
        for number in (1..).step_by(2) {
            let call = loop {
                match listener.accept().await {
                    Ok(call) => break call,
                    Err(_) => sleep(PAUSE).await,
                }
            };
            if strangers.len() >= STRANGERS
                && let Some(oldest) = strangers.pop_front()
            {
                AbortHandle::abort(&oldest);
            }
            let (key, events) = (key.clone(), self.events.clone());
            let paces = self.paces.clone();
            let (guests, channel) = (guests.clone(), ChannelId(number));
            let meeting = tokio::spawn(async move {
                let secured = timeout(patience, noise::answer(call, &key)).await;
                if let (Ok(Ok(secured)), Ok(place)) = (secured, guests.try_acquire_owned()) {
                    // The channel runs by itself, so that its task can no longer be taken
                    // for a stranger's.
                    tokio::spawn(async move {
                        let _place = place;
                        channel::run(secured, channel, events, paces).await;
                    });
                }
            });
            strangers.push_back(meeting.abort_handle());
            strangers.retain(|stranger| !stranger.is_finished());
        }
    }
}

/// False if trying again cannot help.
fn passing(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
    )
}
