//! Keeps an account's session: makes it, watches it, makes it anew when it dies, with longer
//! and longer pauses while that fails.

use super::bridge::{Routers, Socket, late};
use super::{Tunnels, keys::Keys};
use crate::clock::{Clock, entropy};
use crate::text;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// For a session to be made: routers build tunnels first, which takes up to a minute.
const CREATE: Duration = Duration::from_secs(180);
/// First and longest pause before it is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A session that lasted so long was a good one: the pauses begin anew.
const GOOD: Duration = Duration::from_secs(60);
/// How often it is looked whether the router still answers. One that hangs keeps sockets open.
const LOOK: Duration = Duration::from_secs(60);

/// The session as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// There is none, and why.
    Waiting(String),
    /// It stands.
    Up {
        /// Its name at the router.
        name: Arc<str>,
        /// The router's SAM bridge.
        at: (String, u16),
    },
}

pub(super) struct Keeper {
    pub(super) routers: Arc<Routers>,
    pub(super) keys: Keys,
    pub(super) tunnels: Tunnels,
    pub(super) state: watch::Sender<Held>,
    /// Somebody saw a sign that the router lost the session.
    pub(super) suspect: Arc<Notify>,
}

impl Keeper {
    /// Until nobody wants the session any more.
    pub(super) async fn keep(self) {
        tokio::select! {
            () = self.state.closed() => {}
            () = self.insist() => {}
        }
    }

    async fn insist(&self) {
        let mut pause = PAUSE.0;
        loop {
            let clock = Clock::start();
            let error = match self.make().await {
                Ok((socket, at)) => {
                    tracing::info!("the I2P session stands");
                    self.hold(socket, &at).await
                }
                Err(error) => error,
            };
            if clock.now().since(cliqueclique_core::Time::ZERO) >= GOOD {
                pause = PAUSE.0;
            }
            self.tell(&error);
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// In the log each reason once, in `status` for as long as it lasts.
    fn tell(&self, error: &io::Error) {
        let waiting = Held::Waiting(error.to_string());
        if *self.state.borrow() != waiting {
            tracing::warn!("no I2P session: {error}");
        }
        self.state.send_replace(waiting);
    }

    async fn make(&self) -> io::Result<(Socket, (String, u16))> {
        let (mut socket, at) = self.routers.find().await?;
        // A new name each time: a router may not have noticed yet that the last one ended.
        let name: Arc<str> = text::hex(&entropy()?[..8]).into();
        let line = self.create(&name);
        let reply = timeout(CREATE, socket.ask(&line)).await;
        let reply = reply.unwrap_or_else(|_| Err(late("make a session")))?;
        reply.expect("SESSION", "STATUS")?;
        let up = Held::Up {
            name,
            at: at.clone(),
        };
        self.state.send_replace(up);
        Ok((socket, at))
    }

    fn create(&self, name: &str) -> String {
        let Tunnels { hops, count } = self.tunnels;
        // Type 4 only: with its default i2pd 2.45 crashes.
        format!(
            "SESSION CREATE STYLE=STREAM ID={name} DESTINATION={} SIGNATURE_TYPE=7 \
             inbound.length={hops} outbound.length={hops} inbound.quantity={count} \
             outbound.quantity={count} i2cp.leaseSetEncType=4\n",
            self.keys.text()
        )
    }

    /// Until the session ends: why.
    async fn hold(&self, mut socket: Socket, at: &(String, u16)) -> io::Error {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was suspected before concerned the session before.
        tokio::select! {
            biased;
            () = self.suspect.notified() => {}
            () = std::future::ready(()) => {}
        }
        loop {
            tokio::select! {
                line = socket.line() => match line {
                    Ok(line) => if let Err(error) = answer(&mut socket, &line).await {
                        return error;
                    },
                    Err(error) => return error,
                },
                () = self.suspect.notified() => {
                    return io::Error::other("the I2P router lost the session");
                }
                _ = look.tick() => if let Err(error) = self.routers.again(at).await {
                    return error;
                },
            }
        }
    }
}

/// Routers may ask whether we are there, and tell that the session ended.
async fn answer(socket: &mut Socket, line: &str) -> io::Result<()> {
    if let Some(rest) = line.strip_prefix("PING") {
        let pong = format!("PONG{rest}\n");
        return timeout(LOOK, socket.say(&pong))
            .await
            .unwrap_or_else(|_| Err(late("listen")));
    }
    if line.starts_with("SESSION") {
        return super::bridge::Reply::parse(line).expect("SESSION", "STATUS");
    }
    Ok(())
}
