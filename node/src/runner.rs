//! Runs one account's core on a thread of its own: awaits what happens, calls
//! `Core::handle`, performs the effects in their order. No protocol logic lives here.
//!
//! Effects are gathered into a *batch*: what goes to the store, and what goes out. A batch is
//! handed to the store; only when that is durable does the rest of it go out, and then the
//! next batch is handed over. Meanwhile the core goes on. So what a packet or an answer to a
//! user says is durable before it is said, and many inputs share one commit.

mod answer;
mod perform;
pub(crate) mod recording;
mod sweep;

use crate::clock::Clock;
use crate::control::request::Request;
use crate::fault::{Class, Fault};
use crate::store::{Op, Store};
use crate::transport::channel::{Event, Wire};
use crate::transport::door::Door;
use answer::Asked;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Address, ChannelId, Command, Core, Document, Effect, Input, RequestId};
use recording::Recording;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use sweep::Sweep;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Steps for the store and things to send that may wait before no more is taken in. Bounds
/// memory while the disk is slow. Guess.
const FULL: usize = 4_096;
/// Events taken in one go, so that commands are looked at in between.
const BURST: usize = 256;
/// How often the core is told the wall time, and whether the disk is looked at.
const CLOCK_INTERVAL: Duration = Duration::from_secs(60);
/// Documents verified in one go on another thread, and those that may wait for the next. Few: a
/// comment whose parent is not verified yet waits in the core, which keeps 256 such and declines
/// more, and then has to find out later what it lacks. More packets wait in the network.
const VERIFIED: usize = 64;

/// How long a stop waits for the store.
const FINISHING: Duration = Duration::from_secs(10);
/// How long a stop waits for channels to send what waits.
const PARTING: Duration = Duration::from_secs(3);

/// An answer to a user.
pub(crate) type Reply = Result<serde_json::Value, Fault>;

/// A user's request, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Ask {
    /// What is wanted.
    pub(crate) request: Request,
    /// Where the answer goes.
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What an account's runner gets.
pub(crate) struct Parts {
    /// Its core.
    pub(crate) core: Core,
    /// The core's clock: it stood at zero when the core was made.
    pub(crate) clock: Clock,
    /// Its number in the store.
    pub(crate) account: i64,
    /// Its address.
    pub(crate) address: Address,
    /// The shared store.
    pub(crate) store: Store,
    /// Its door.
    pub(crate) door: Door,
    /// The shared runtime.
    pub(crate) shared: Handle,
    /// Where all that happens to the core is written down, if it is.
    pub(crate) recording: Option<Recording>,
}

/// What reaches a runner from outside.
pub(crate) struct Inlets {
    /// From the network.
    pub(crate) events: mpsc::Receiver<Event>,
    /// From users.
    pub(crate) asks: mpsc::Receiver<Ask>,
    /// Turns true when the node is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// Unused overlays go cold after this long.
    pub(crate) cold_after: watch::Receiver<Duration>,
}

impl Inlets {
    /// Lets the channels, which the runner has dropped, send what waits.
    async fn part(mut self) {
        let ended = async { while self.events.recv().await.is_some() {} };
        // Who takes nothing within the time does not hear the rest.
        let _ = tokio::time::timeout(PARTING, ended).await;
    }
}

/// Something that leaves when what precedes it is durable.
enum Out {
    Send(ChannelId, Vec<u8>),
    Dial(ChannelId, Address),
    Hangup(ChannelId),
    Reply(oneshot::Sender<Reply>, Reply),
}

#[derive(Default)]
struct Batch {
    ops: Vec<Op>,
    outs: Vec<Out>,
}

struct Flight {
    stored: oneshot::Receiver<Result<Vec<Input>, String>>,
    outs: Vec<Out>,
}

type Verdicts = Vec<(Document, bool)>;

/// One account at work.
pub(crate) struct Runner {
    parts: Parts,
    wires: BTreeMap<ChannelId, Option<Wire>>,
    /// The core has done with them; their hanging up waits its turn.
    closing: BTreeSet<ChannelId>,
    gathering: Batch,
    flying: Option<Flight>,
    unverified: Vec<Document>,
    /// Signed by the core a moment ago, in answer to a command.
    own: Vec<Document>,
    verifying: Option<JoinHandle<Verdicts>>,
    asked: BTreeMap<RequestId, Asked>,
    requests: u64,
    sweep: Sweep,
    effects: Vec<Effect>,
}

impl Runner {
    /// A runner that has not begun.
    pub(crate) fn new(parts: Parts, cold_after: Duration) -> Self {
        Self {
            parts,
            wires: BTreeMap::new(),
            closing: BTreeSet::new(),
            gathering: Batch::default(),
            flying: None,
            unverified: Vec::new(),
            own: Vec::new(),
            verifying: None,
            asked: BTreeMap::new(),
            requests: 0,
            sweep: Sweep::new(cold_after),
            effects: Vec::new(),
        }
    }

    /// Runs until the node is to stop.
    ///
    /// # Errors
    /// The store cannot go on.
    pub(crate) async fn run(mut self, mut inlets: Inlets) -> Result<(), Fault> {
        self.feed(Input::Clock(Clock::wall()));
        let mut clock = tokio::time::interval(CLOCK_INTERVAL);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !*inlets.stop.borrow() {
            self.launch();
            let room = self.has_room();
            let wake = self.wake();
            tokio::select! {
                biased;
                _ = inlets.stop.changed() => {}
                landed = land(&mut self.flying) => self.landed(landed)?,
                verdicts = verdicts(&mut self.verifying) => self.verified(verdicts),
                Some(ask) = inlets.asks.recv(), if room => self.ask(ask),
                Some(event) = inlets.events.recv(), if room => {
                    self.event(event);
                    self.burst(&mut inlets.events);
                }
                () = sleep_until(wake), if room => self.feed(Input::Wake),
                _ = clock.tick(), if room => self.feed(Input::Clock(Clock::wall())),
                () = std::future::ready(()), if room && self.sweep.pending() => self.evict_some(),
                () = self.sweep.due(), if room => self.begin_sweep(),
                Ok(()) = inlets.cold_after.changed() => {
                    self.sweep.pace(*inlets.cold_after.borrow_and_update());
                }
            }
        }
        let finished = tokio::time::timeout(FINISHING, self.finish()).await;
        inlets.part().await;
        finished.unwrap_or_else(|_| {
            let text = "the node stopped while the store could not be written: what it was given \
                        last is lost, and was acknowledged to nobody";
            Err(Fault::new(Class::Store, text))
        })
    }

    fn has_room(&self) -> bool {
        self.gathering.ops.len() + self.gathering.outs.len() < FULL
            && self.unverified.len() < VERIFIED
    }

    fn wake(&self) -> Instant {
        let clock = self.parts.clock;
        let hour = clock.now() + Duration::from_secs(3_600);
        clock.instant(self.parts.core.next_deadline().unwrap_or(hour))
    }

    /// Takes in what else has come.
    fn burst(&mut self, events: &mut mpsc::Receiver<Event>) {
        for _ in 0..BURST {
            if !self.has_room() {
                return;
            }
            let Ok(event) = events.try_recv() else {
                return;
            };
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Opened(channel, wire, binding) => {
                // Dialled channels that the core gave up meanwhile are not known any more.
                let ours = channel.0 % 2 == 0;
                if self.closing.contains(&channel) || ours && !self.wires.contains_key(&channel) {
                    return;
                }
                self.wires.insert(channel, Some(wire));
                self.feed(Input::Connected {
                    channel,
                    frame_limit: crate::transport::channel::FRAME_LIMIT,
                    binding,
                });
            }
            Event::Input(input) => {
                if self.concerns(&input) {
                    self.feed(input);
                }
            }
        }
    }

    /// False for what comes from a channel that was hung up.
    fn concerns(&mut self, input: &Input) -> bool {
        let (Input::Received(channel, _)
        | Input::Malformed(channel, _)
        | Input::Disconnected(channel)) = input
        else {
            return true;
        };
        let open = !self.closing.contains(channel) && self.wires.contains_key(channel);
        if let Input::Disconnected(channel) = input {
            self.wires.remove(channel);
        }
        open
    }

    /// The one place where the core is called.
    fn feed(&mut self, input: Input) {
        let published = matches!(input, Input::Command(_, Command::Publish { .. }));
        let now = self.parts.clock.now();
        let mut effects = std::mem::take(&mut self.effects);
        // The input first, so that one that makes the core panic is there.
        if let Some(recording) = &mut self.parts.recording {
            recording.input(now, &input);
        }
        self.parts.core.handle(now, input, &mut effects);
        if let Some(recording) = &mut self.parts.recording {
            recording.effects(&effects);
        }
        self.sweep.used(self.parts.core.touched());
        for effect in effects.drain(..) {
            if let (true, Effect::Admit(document)) = (published, &effect) {
                self.own.push(document.clone());
            } else {
                self.gather(effect);
            }
        }
        self.effects = effects;
        // What the core itself signed just now needs no proof.
        while let Some(document) = self.own.pop() {
            self.admit(document);
        }
    }

    /// Hands the gathered batch over if the one before has landed, and documents to verify.
    fn launch(&mut self) {
        if self.verifying.is_none() && !self.unverified.is_empty() {
            let some = self.unverified.len().min(VERIFIED);
            let batch: Vec<Document> = self.unverified.drain(..some).collect();
            let verify = move || batch.into_iter().map(verify).collect();
            self.verifying = Some(self.parts.shared.spawn_blocking(verify));
        }
        if self.flying.is_some() {
            return;
        }
        let Batch { ops, outs } = std::mem::take(&mut self.gathering);
        if ops.is_empty() {
            outs.into_iter().for_each(|out| self.send_out(out));
        } else {
            let stored = self.parts.store.submit(self.parts.account, ops);
            self.flying = Some(Flight { stored, outs });
        }
    }

    fn landed(&mut self, result: Result<(Vec<Input>, Vec<Out>), String>) -> Result<(), Fault> {
        let (answers, outs) = result.map_err(|error| Fault::new(Class::Store, error))?;
        outs.into_iter().for_each(|out| self.send_out(out));
        answers.into_iter().for_each(|answer| self.feed(answer));
        Ok(())
    }

    /// What was taken in is made durable and sent; then all channels are closed.
    async fn finish(mut self) -> Result<(), Fault> {
        while self.flying.is_some() || !self.gathering.ops.is_empty() {
            self.launch();
            if self.flying.is_some() {
                let landed = land(&mut self.flying).await;
                self.landed(landed)?;
            }
        }
        self.launch();
        let stopping = || Fault::new(Class::Refused, "the node is stopping");
        for asked in std::mem::take(&mut self.asked).into_values() {
            let _ = asked.reply.send(Err(stopping()));
        }
        Ok(())
    }
}

fn verify(document: Document) -> (Document, bool) {
    let signed = document.is_signed(&Ed25519Blake3);
    (document, signed)
}

/// Waits until what flies is durable; for ever if nothing does.
async fn land(flying: &mut Option<Flight>) -> Result<(Vec<Input>, Vec<Out>), String> {
    let Some(flight) = flying else {
        return std::future::pending().await;
    };
    let stored = (&mut flight.stored).await;
    let outs = std::mem::take(&mut flight.outs);
    *flying = None;
    let gone = || Err("the store's thread has ended".to_owned());
    Ok((stored.unwrap_or_else(|_| gone())?, outs))
}

/// Waits for signatures to be checked; for ever if none are.
async fn verdicts(verifying: &mut Option<JoinHandle<Verdicts>>) -> Verdicts {
    let Some(task) = verifying else {
        return std::future::pending().await;
    };
    let verdicts = task.await;
    *verifying = None;
    // A task ends without result only when the runtime stops.
    verdicts.unwrap_or_default()
}

/// Runs an account on a thread of its own.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn spawn(
    name: &str,
    parts: Parts,
    inlets: Inlets,
) -> std::io::Result<std::thread::JoinHandle<Result<(), Fault>>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let runtime = Arc::new(runtime);
    std::thread::Builder::new()
        .name(format!("account {name}"))
        .spawn(move || {
            let cold_after = *inlets.cold_after.borrow();
            runtime.block_on(Runner::new(parts, cold_after).run(inlets))
        })
}
