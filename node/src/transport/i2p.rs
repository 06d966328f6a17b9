//! I2P, through the SAM v3 bridge of a router (<https://geti2p.net/en/docs/api/samv3>): one
//! session and one persistent destination per account, one stream per link.
//!
//! An address is `i2p:HASH/KEY`, where HASH is the destination's in base 32. Both ends'
//! destinations go into the handshake of the stream, so that it proves them.
//!
//! `RESULT=OK` of a router is not delivery: it only found the way. So everything here has a
//! deadline, the handshake of the stream decides whether somebody is there, and the door
//! tries again.

mod bridge;
#[cfg(feature = "embedded-router")]
pub(crate) mod embedded;
pub(crate) mod keys;
mod session;
#[cfg(test)]
mod tests;

use super::{Call, Deadlines, Listener, Pending, Transport};
pub(crate) use bridge::Routers;
use bridge::{Socket, late};
use keys::Keys;
use session::{Held, Keeper};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

/// First part of its addresses, and of `listen` in the settings.
pub(crate) const SCHEME: &str = "i2p";
/// For one connection to be made; a lease set that is not known yet takes seconds to find.
const CONNECT: Duration = Duration::from_secs(60);
/// For the two messages of the handshake: a lost one is sent again after 9 s.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Lookups and first messages are often lost.
const TRIES: usize = 3;
/// First and longest pause after a router refused to listen for us.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Refusals in a row after which the session is made anew. Some routers hang up without a
/// word on who names a session that they no longer have.
const SUSPICIOUS: usize = 3;

/// Length and number of the tunnels of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tunnels {
    /// Routers on the way, each direction.
    pub(crate) hops: u8,
    /// Ways side by side.
    pub(crate) count: u8,
}

/// I2P for one account.
#[derive(Clone, Debug)]
pub(crate) struct I2p {
    routers: Arc<Routers>,
    own: [u8; 32],
    held: watch::Receiver<Held>,
    suspect: Arc<Notify>,
}

impl I2p {
    /// Begins to hold a session, until all copies of this are dropped. Needs a runtime.
    pub(crate) fn start(routers: Arc<Routers>, keys: Keys, tunnels: Tunnels) -> Self {
        let suspect = Arc::new(Notify::new());
        let own = keys.hash();
        let (state, held) = watch::channel(Held::Waiting("no I2P router was asked yet".to_owned()));
        let keeper = Keeper {
            routers: routers.clone(),
            keys,
            tunnels,
            state,
            suspect: suspect.clone(),
        };
        tokio::spawn(keeper.keep());
        Self {
            routers,
            own,
            held,
            suspect,
        }
    }

    /// A fresh connection to the router that holds the session, and the session's name.
    async fn bridge(&self) -> io::Result<(Socket, Arc<str>)> {
        let mut held = self.held.clone();
        let held = held
            .wait_for(|held| matches!(held, Held::Up { .. }))
            .await
            .map_err(|_| io::Error::other("the node is stopping"))?
            .clone();
        let Held::Up { name, at } = held else {
            return Err(io::Error::other("no session"));
        };
        match self.routers.again(&at).await {
            Ok(socket) => Ok((socket, name)),
            Err(error) => {
                self.suspect.notify_one();
                Err(error)
            }
        }
    }

    /// Looks at a router's refusal: a session that it does not know must be made anew.
    fn judge(&self, reply: io::Result<bridge::Reply>) -> io::Result<()> {
        let refused = reply?.expect("STREAM", "STATUS");
        if let Err(error) = &refused
            && error.kind() == io::ErrorKind::NotConnected
        {
            self.suspect.notify_one();
        }
        refused
    }

    async fn call(&self, place: &str) -> io::Result<Call> {
        let far = keys::unhash(place).ok_or_else(|| {
            let text = format!("'{place}' is no I2P destination: expected 52 letters and digits");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        let (mut socket, name) = self.bridge().await?;
        let line = format!("STREAM CONNECT ID={name} DESTINATION={place}.b32.i2p SILENT=false\n");
        let reply = timeout(CONNECT, socket.ask(&line)).await;
        self.judge(reply.unwrap_or_else(|_| Err(late("find the peer"))))?;
        Ok(Call {
            stream: socket.into_stream(),
            ends: [self.own, far].concat(),
        })
    }

    /// Waits for one connection.
    async fn hear(&self) -> io::Result<Call> {
        let (mut socket, name) = self.bridge().await?;
        let line = format!("STREAM ACCEPT ID={name} SILENT=false\n");
        let reply = timeout(CONNECT, socket.ask(&line)).await;
        self.judge(reply.unwrap_or_else(|_| Err(late("listen"))))?;
        // Nobody may call for days; a router that ends closes this.
        let caller = socket.line().await?;
        let caller = caller.split(' ').next().unwrap_or_default();
        let caller = keys::hash_of(caller).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the router named no caller")
        })?;
        Ok(Call {
            stream: socket.into_stream(),
            ends: [caller, self.own].concat(),
        })
    }
}

impl Transport for I2p {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines {
            connect: CONNECT * 2,
            handshake: HANDSHAKE,
            tries: TRIES,
        }
    }

    fn connect<'a>(&'a self, place: &'a str) -> Pending<'a, Call> {
        Box::pin(self.call(place))
    }

    fn listen<'a>(&'a self, _: &'a str) -> Pending<'a, Box<dyn Listener>> {
        let ear = Ear {
            i2p: self.clone(),
            refusals: 0,
        };
        Box::pin(async move { Ok(Box::new(ear) as Box<dyn Listener>) })
    }

    fn trouble(&self) -> Option<String> {
        match &*self.held.borrow() {
            Held::Up { .. } => None,
            Held::Waiting(why) => Some(why.clone()),
        }
    }
}

struct Ear {
    i2p: I2p,
    refusals: usize,
}

impl Listener for Ear {
    fn place(&self) -> String {
        keys::name(&self.i2p.own)
    }

    fn accept(&mut self) -> Pending<'_, Call> {
        Box::pin(async {
            loop {
                match self.i2p.hear().await {
                    Ok(call) => {
                        self.refusals = 0;
                        return Ok(call);
                    }
                    Err(error) => {
                        tracing::debug!("cannot take a call: {error}");
                        self.refused().await;
                    }
                }
            }
        })
    }
}

impl Ear {
    async fn refused(&mut self) {
        self.refusals += 1;
        if self.refusals.is_multiple_of(SUSPICIOUS) {
            self.i2p.suspect.notify_one();
        }
        let doubled = u32::try_from(self.refusals.min(6)).unwrap_or(6) - 1;
        sleep((PAUSE.0 * 2_u32.pow(doubled)).min(PAUSE.1)).await;
    }
}
