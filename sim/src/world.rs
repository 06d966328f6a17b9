//! The simulated world: cores, disks, one event queue, one network. One step
//! takes the next event, gives it to the core that it concerns, and performs
//! that core's effects in order. Checkers and accounts see all of it; nothing
//! here decides what the protocol does.

mod apart;
mod channels;
mod event;
mod history;
mod knowledge;
mod lifecycle;
mod measure;
mod perform;
mod scene;
mod script;
mod users;

pub(crate) use event::Event;
pub(crate) use history::{History, Note, What};

use crate::accounting::Accounts;
use crate::check::{Checkers, Violated};
use crate::driver::Observer;
use crate::faults::Faults;
use crate::host::Host;
use crate::network::Network;
use crate::queue::Queue;
use crate::random::mix;
use crate::scenario::Scenario;
use crate::snapshot::Index;
use crate::truth::{Number, Truth};
use crate::workload::Workload;
use bytes::Bytes;
use cliqueclique_core::crypto::SharedSuite;
use cliqueclique_core::id::{ChannelId, NodeId};
use cliqueclique_core::time::Time;
use cliqueclique_core::{Core, Effect, Input, Notification};
use event::Digest;
use std::collections::{BTreeMap, VecDeque};

/// A step that failed broke a property.
pub(crate) type Step = Result<(), Violated>;

/// Everything there is in a run.
pub(crate) struct World<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) seed: u64,
    pub(crate) now: Time,
    pub(crate) hosts: Vec<Host>,
    pub(crate) truth: Truth,
    pub(crate) network: Network,
    pub(crate) queue: Queue<Event>,
    pub(crate) workload: Workload,
    pub(crate) faults: Faults,
    pub(crate) accounts: Accounts,
    pub(crate) checkers: Checkers,
    pub(crate) history: History,
    pub(crate) observer: &'a mut dyn Observer,
    suite: SharedSuite,
    ids: BTreeMap<NodeId, Index>,
    digest: Digest,
    wants_events: bool,
    retransmitted: bool,
    requests: u64,
    recorder: Option<script::Recorder>,
    /// The workload's tickets of all documents, in order of their names.
    tickets: Vec<usize>,
    connections: u64,
    /// Nodes that are paused, or crashed and will come back.
    away: usize,
    /// Workload and faults are over.
    calm: bool,
    answers: VecDeque<Input>,
    effects: Vec<Effect>,
    notices: VecDeque<(Index, Notification)>,
}

impl World<'_> {
    /// Time of the next event.
    pub(crate) fn next_time(&self) -> Option<Time> {
        self.queue.next_time()
    }

    /// Hash of everything that happened.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// Takes the next event, if there is one.
    pub(crate) fn step(&mut self) -> Step {
        let Some((time, event)) = self.queue.pop() else {
            return Ok(());
        };
        self.now = time;
        self.truth.advance(time);
        self.dispatch(event)?;
        self.attend()
    }

    fn dispatch(&mut self, event: Event) -> Step {
        match event {
            Event::Deliver(end, payload, size) => self.deliver(end, payload, size),
            Event::Wake(node) => self.wake(node),
            Event::Stands(end) => self.stands(end),
            Event::Dropped(end) => self.dropped(end),
            Event::Expire(end) => self.expire(end),
            Event::Work => self.work(),
            Event::Again(node, action) => self.act(node, action),
            Event::Fault(index) => self.fault(index),
            Event::Script(first) => self.play(first),
            Event::Calm(handle) => {
                self.end_disturbance(handle);
                Ok(())
            }
            Event::Resume(node, epoch) if self.hosts[node].epoch == epoch => self.resume(node),
            Event::Restart(node, epoch) if self.hosts[node].epoch == epoch => self.restart(node),
            Event::Resume(..) | Event::Restart(..) => Ok(()),
            Event::Sweep(node) => self.sweep(node),
            Event::Clocks => self.set_clocks(),
        }
    }

    /// A wake-up came: the core gets it if its deadline is due.
    fn wake(&mut self, node: Index) -> Step {
        let host = &mut self.hosts[node];
        if host.wake != Some(self.now) {
            return Ok(());
        }
        host.wake = None;
        if !host.is_up() {
            return Ok(());
        }
        if host.deadline().is_some_and(|deadline| deadline <= self.now) {
            return self.feed(node, Input::Wake, None);
        }
        self.rearm(node);
        Ok(())
    }

    /// Schedules a wake-up if the core's deadline is before the scheduled one.
    fn rearm(&mut self, node: Index) {
        let host = &mut self.hosts[node];
        if !host.is_up() {
            return;
        }
        let Some(deadline) = host.deadline() else {
            return;
        };
        // A deadline that is still past after handling must not stop the clock.
        let at = deadline.max(Time(self.now.0 + 1));
        if host.wake.is_none_or(|scheduled| at < scheduled) {
            host.wake = Some(at);
            self.queue.push(at, Event::Wake(node));
        }
    }

    /// Gives one input to a core, performs its effects, and gives it the answers
    /// of the runner, until there are none. `from` is the node whose packet it is.
    pub(crate) fn feed(&mut self, node: Index, input: Input, from: Option<Index>) -> Step {
        let mut answers = std::mem::take(&mut self.answers);
        let mut effects = std::mem::take(&mut self.effects);
        answers.push_back(input);
        let mut result = Ok(());
        while let (Ok(()), Some(input)) = (&result, answers.pop_front()) {
            result = self.handle(node, input, from, &mut effects, &mut answers);
        }
        answers.clear();
        effects.clear();
        (self.answers, self.effects) = (answers, effects);
        self.rearm(node);
        result
    }

    fn handle(
        &mut self,
        node: Index,
        input: Input,
        from: Option<Index>,
        effects: &mut Vec<Effect>,
        answers: &mut VecDeque<Input>,
    ) -> Step {
        let host = &mut self.hosts[node];
        let Some(core) = host.core.as_mut() else {
            return Ok(());
        };
        self.digest.input(self.now, node, &input);
        let input = match &mut host.behavior {
            None => Some(input),
            Some(behavior) => behavior.input(input),
        };
        let Some(input) = input else { return Ok(()) };
        let own = host.clock.own_time(self.now);
        core.handle(own, input, effects);
        self.accounts.events += 1;
        self.accounts.burdens[node].inputs += 1;
        if !host.hostile {
            self.checkers.handled(self.now, node, core)?;
        }
        if self.scenario.evict_after.is_some() {
            touch(&mut self.truth, node, core);
        }
        let bytes = host.behavior.as_mut().map(|behavior| {
            behavior.effects(self.now, effects);
            (behavior.bytes(), behavior.fresh_acts())
        });
        effects
            .drain(..)
            .try_for_each(|effect| self.perform(node, effect, from, answers))?;
        bytes.map_or(Ok(()), |(bytes, acts)| self.misbehave(node, bytes, acts))
    }

    /// What a hostile node does besides what its core wants.
    fn misbehave(&mut self, node: Index, bytes: Vec<(ChannelId, Bytes)>, acts: u64) -> Step {
        if acts > 0 {
            self.accounts.hostile_acts += acts;
            self.disturbed();
        }
        bytes
            .into_iter()
            .try_for_each(|(channel, bytes)| self.send_bytes(node, channel, &bytes))
    }

    /// Notes something for the record of a failure and for the observer.
    pub(crate) fn note(&mut self, node: Index, peer: Option<Index>, what: What) {
        let note = Note {
            time: self.now,
            node,
            peer,
            what,
        };
        if self.wants_events {
            self.observer.event(&note.describe(&self.truth));
        }
        self.history.push(note);
    }

    /// Something happened that the network may have to react to.
    pub(crate) fn disturbed(&mut self) {
        let over = self.away == 0 && !self.network.disturbance().any();
        self.checkers.quiet(self.now, over);
    }

    /// A running node that holds a document, an honest one if there is any. The draw is a pure
    /// function, so that it shifts no other.
    pub(crate) fn live_holder(&self, number: Number, but: Index) -> Option<Index> {
        let holds = |&node: &Index| {
            node != but && self.hosts[node].is_up() && self.truth.holds(number, node)
        };
        let tag = self.truth.entry(number).document.tag();
        let salt = mix(mix(self.seed ^ u64::from_le_bytes(tag.0)) ^ but as u64);
        (0..self.hosts.len())
            .filter(holds)
            .min_by_key(|&node| (self.hosts[node].hostile, mix(salt ^ node as u64)))
    }
}

/// Marks the overlays that an input changed as used.
fn touch(truth: &mut Truth, node: Index, core: &Core) {
    for &tag in core.touched() {
        if let Some(number) = truth.by_tag(tag) {
            truth.touch(number, node);
        }
    }
}
