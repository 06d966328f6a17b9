//! Feeds a core and performs its effects, one after another, in their order.

use crate::check::Seen;
use crate::ghost::{Fault, pair};
use crate::judge;
use crate::node::{WALL, id, resolve};
use crate::world::{Cargo, End, Flying, World};
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::{CloseReason, Message, RangeContent, STATE_FROZEN};
use cliqueclique_core::{
    Admission, ChannelId, CommandError, Core, Document, Effect, Input, Notification, Packet,
    Record, Time,
};
use std::collections::VecDeque;
use std::hash::DefaultHasher;
use std::sync::Arc;

/// How many effects are left before a crash; none: no crash.
pub(crate) type Fuse = Option<u8>;

/// In one state of so many a node's next input is given to a copy of it too (guarantee 6).
const TWICE: u64 = 8;

impl World {
    /// Gives an input to a node that runs, and what its disk answers. False if the fuse did
    /// not burn down.
    pub(crate) fn feed(&mut self, at: usize, input: Input, mut fuse: Fuse) -> bool {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.handle(at, input) {
                if matters(&effect) && burns(&mut fuse) {
                    self.crash(at);
                    return true;
                }
                self.perform(at, effect, &mut inputs);
            }
        }
        false
    }

    fn handle(&mut self, at: usize, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let (now, again) = (self.now, self.nodes[at].digest.is_multiple_of(TWICE));
        let (case, node) = (&self.case, Arc::make_mut(&mut self.nodes[at]));
        let Some(core) = &mut node.core else {
            return effects;
        };
        let twin = again.then(|| (core.clone(), input.clone()));
        core.handle(now, input, &mut effects);
        let same = twin.is_none_or(|(twin, input)| does_the_same(core, &effects, twin, input, now));
        if let Some(broken) = case.broken {
            broken.bend(&mut effects);
        }
        if !same {
            self.blame(6, || format!("{at} did two things with the same input"));
        }
        effects
    }

    fn perform(&mut self, at: usize, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Dial(channel, address) => {
                let to = resolve(&address).filter(|&to| to != at && to < self.nodes.len());
                self.fly(at, (at, channel), Cargo::Dial(to));
            }
            Effect::Send(channel, packet) => self.send(at, channel, packet),
            Effect::Hangup(channel) => self.hang_up((at, channel)),
            Effect::Admit(document) => inputs.push_back(self.admit(at, document)),
            Effect::Load(id) => {
                let found = self.nodes[at].disk.documents.get(&id).cloned();
                inputs.push_back(Input::Loaded(id, found));
            }
            Effect::Delete(id, tag) => {
                let disk = &mut Arc::make_mut(&mut self.nodes[at]).disk;
                disk.documents.remove(&id);
                disk.records.remove(&Record::Overlay(tag));
            }
            Effect::Save(record, bytes) => {
                let records = &mut Arc::make_mut(&mut self.nodes[at]).disk.records;
                match bytes {
                    Some(bytes) => records.insert(record, bytes),
                    None => records.remove(&record),
                };
            }
            Effect::Thaw(tag) => {
                let record = self.nodes[at].disk.records.get(&Record::Overlay(tag));
                inputs.push_back(Input::Thawed(tag, record.cloned()));
            }
            Effect::Recall(peer) => inputs.push_back(self.recall(at, peer)),
            Effect::Notify(note) => self.notify(at, &note),
            Effect::Report(..) => self.show(Seen::Accused),
        }
    }

    /// Nothing goes cold here: only after a restart all overlays are.
    fn recall(&self, at: usize, peer: cliqueclique_core::NodeId) -> Input {
        let records = self.nodes[at]
            .disk
            .records
            .iter()
            .filter(|_| peer == id(at));
        let overlay = |(record, bytes): (&Record, &bytes::Bytes)| match record {
            Record::Overlay(tag) => Some((*tag, bytes.clone())),
            Record::Node | Record::Peer(_) => None,
        };
        Input::Recalled(peer, records.filter_map(overlay).collect())
    }

    fn admit(&mut self, at: usize, document: Document) -> Input {
        let id = document.id();
        if let Some(&label) = document.body().first() {
            self.documents
                .entry(label)
                .or_insert_with(|| document.clone());
        }
        self.learns(at, document.tag());
        let labels: Vec<u8> = self.documents.keys().copied().collect();
        labels
            .into_iter()
            .for_each(|label| self.subscribed(at, label));
        let disk = &mut Arc::make_mut(&mut self.nodes[at]).disk;
        disk.documents.insert(id, document);
        Input::Admitted(id, Admission::Stored)
    }

    /// The node may know of the document from now on.
    pub(crate) fn learns(&mut self, at: usize, tag: Tag) {
        if !self.ghost.knows.contains(&(at, tag)) {
            Arc::make_mut(&mut self.ghost).knows.insert((at, tag));
        }
    }

    /// Notes that a node subscribes, or did so.
    pub(crate) fn subscribed(&mut self, at: usize, label: u8) {
        if judge::mode(self, at, label).subscribes()
            && !self.ghost.subscribed.contains(&(at, label))
        {
            Arc::make_mut(&mut self.ghost)
                .subscribed
                .insert((at, label));
        }
    }

    fn notify(&mut self, at: usize, note: &Notification) {
        let node = Arc::make_mut(&mut self.nodes[at]);
        match note {
            Notification::Done(request, _) | Notification::Failed(request, _) => {
                let order = node.pending.remove(&request.0);
                // Written before the crash after all: the same document, word for word.
                let failed = matches!(note, Notification::Failed(_, error) if *error != CommandError::Duplicate);
                if let Some(crate::Order::Publish { label, .. }) = order
                    && !failed
                {
                    Arc::make_mut(&mut self.ghost).acknowledged.insert(label);
                }
                // A step that cannot be done any more is no wish.
                if let (Some(order), true) = (order, failed) {
                    node.wishes.remove(&order.label());
                }
            }
            Notification::Arrived { .. }
            | Notification::Gone(_)
            | Notification::JoinDelayed(_)
            | Notification::Stopped => {}
        }
    }

    fn send(&mut self, at: usize, channel: ChannelId, packet: Packet) {
        let Some(&to) = self.channels.get(&(at, channel)) else {
            return;
        };
        self.watch(at, to.0, &packet);
        // A node that restarted may use the number again, for another channel.
        if self.channels.get(&to) == Some(&(at, channel)) {
            self.fly(at, to, Cargo::Packet(packet));
        }
    }

    pub(crate) fn fly(&mut self, from: usize, to: End, cargo: Cargo) {
        self.flight.push(Flying::new(from, to, cargo));
        if self.flight.len() > 64 {
            self.blame(5, || "more than 64 packets on their way".into());
        }
    }

    fn hang_up(&mut self, end: End) {
        let dialling =
            |flying: &Arc<Flying>| flying.to == end && matches!(flying.cargo, Cargo::Dial(_));
        self.flight.retain(|flying| !dialling(flying));
        if let Some(other) = self.channels.remove(&end)
            && self.channels.get(&other) == Some(&end)
        {
            self.fly(end.0, other, Cargo::Closed);
        }
    }

    /// A call comes through: both ends stand, or nobody is there.
    pub(crate) fn connect(&mut self, from: End, to: Option<usize>, fuse: Fuse) -> bool {
        let Some(to) = to.filter(|&to| self.nodes[to].core.is_some()) else {
            return self.feed(from.0, Input::Disconnected(from.1), fuse);
        };
        let end = (to, Arc::make_mut(&mut self.nodes[to]).accept());
        self.channels.insert(from, end);
        self.channels.insert(end, from);
        self.connections += 1;
        let mut binding = [0; 32];
        binding[..8].copy_from_slice(&self.connections.to_le_bytes());
        let connected = |channel| Input::Connected {
            channel,
            frame_limit: 16_384,
            binding,
        };
        self.feed(to, connected(end.1), None);
        self.feed(from.0, connected(from.1), fuse)
    }

    /// A node stops without a word; its peers' transports will notice.
    pub(crate) fn crash(&mut self, at: usize) {
        Arc::make_mut(&mut self.nodes[at]).core = None;
        self.flight.retain(|flying| flying.to.0 != at);
        let ends: Vec<End> = self
            .channels
            .keys()
            .copied()
            .filter(|end| end.0 == at)
            .collect();
        ends.into_iter().for_each(|end| self.hang_up(end));
    }

    /// Time goes on to the next deadline of any node; all clocks are told. False if there is none.
    pub(crate) fn advance(&mut self) -> bool {
        let deadline = |at: usize| self.nodes[at].core.as_ref()?.next_deadline();
        let Some(next) = self.up().filter_map(deadline).min() else {
            return false;
        };
        self.now = self.now.max(next);
        for at in 0..self.nodes.len() {
            self.feed(at, Input::Clock(WALL), None);
        }
        true
    }

    /// Looks at a packet that a node sends: guarantees 3 and 4, and what it shows.
    fn watch(&mut self, from: usize, to: usize, packet: &Packet) {
        match packet {
            Packet::Hello(hello) => self.greets(from, to, hello.admission.tag),
            Packet::Frame(frame) => {
                for message in &frame.messages {
                    self.says(from, to, message);
                }
            }
            Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => {}
        }
    }

    fn greets(&mut self, from: usize, to: usize, tag: Tag) {
        let met = pair(from, to);
        if self.ghost.met.contains(&met) {
            return;
        }
        let introduced = (met.0, met.1, tag);
        if self.ghost.introduced.contains(&introduced) || self.ghost.sent.contains(&(from, to, tag))
        {
            Arc::make_mut(&mut self.ghost).met.insert(met);
        } else {
            self.blame(4, || format!("{from} calls {to}, and nobody sent it there"));
        }
    }

    fn says(&mut self, from: usize, to: usize, message: &Message) {
        match message {
            Message::Introduce(tag, introduction) => {
                let peer = (0..self.nodes.len()).find(|&at| id(at) == introduction.peer);
                if let Some(peer) = peer {
                    let (a, b) = pair(peer, to);
                    Arc::make_mut(&mut self.ghost)
                        .introduced
                        .insert((a, b, *tag));
                }
                if introduction.ticket.as_ref().is_some_and(|t| t.replaces) {
                    self.show(Seen::Spliced);
                }
                self.reveals(from, to, *tag);
            }
            Message::State(tag, state) => {
                if state.flags & STATE_FROZEN != 0 {
                    self.show(Seen::Frozen);
                }
                self.reveals(from, to, *tag);
            }
            Message::Push(push) => {
                self.reveals(from, to, push.via);
                let pushed = self
                    .documents
                    .values()
                    .find(|d| d.bytes() == &push.document);
                if let Some(tag) = pushed.map(Document::tag) {
                    self.reveals(from, to, tag);
                }
            }
            Message::Reconcile(tag, ranges) => {
                self.show(Seen::Reconciled);
                self.reveals(from, to, *tag);
                self.lists(from, to, ranges, Some(*tag));
            }
            Message::Audit(ranges) => self.lists(from, to, ranges, None),
            Message::Close(tag, reason) => {
                if matches!(reason, CloseReason::Left) {
                    self.show(Seen::Left);
                }
                self.reveals(from, to, *tag);
            }
            Message::Open(tag, _)
            | Message::Seek(tag, _)
            | Message::Digest(tag, _)
            | Message::Want(tag, _)
            | Message::Lack(tag, _)
            | Message::Root(tag, ..) => self.reveals(from, to, *tag),
            Message::Fragment(_)
            | Message::Ping
            | Message::Moved(_)
            | Message::Resume(..)
            | Message::Compare(_) => {}
        }
    }

    fn lists(
        &mut self,
        from: usize,
        to: usize,
        ranges: &[cliqueclique_core::message::Range],
        via: Option<Tag>,
    ) {
        for range in ranges {
            if let RangeContent::Tags(tags, _) = &range.content {
                let tags = tags.iter().filter(|tag| Some(**tag) != via);
                tags.for_each(|tag| self.reveals(from, to, *tag));
            }
        }
    }

    /// `from` says a document's name to `to`.
    fn reveals(&mut self, from: usize, to: usize, tag: Tag) {
        let label = self.documents.iter().find(|(_, d)| d.tag() == tag);
        let above = label.and_then(|(&label, _)| judge::parent(self, label));
        let entitled = self.ghost.knows.contains(&(to, tag))
            || above.is_some_and(|above| self.ghost.subscribed.contains(&(to, above)));
        if !entitled {
            self.blame(3, || {
                format!("{from} names {tag:?} to {to}, which does not share it")
            });
        }
    }

    /// Notes the first broken guarantee.
    pub(crate) fn blame(&mut self, guarantee: u8, what: impl FnOnce() -> String) {
        if self.fault.is_none() {
            self.fault = Some(Fault {
                guarantee,
                what: what(),
            });
        }
    }

    pub(crate) fn show(&mut self, seen: Seen) {
        self.shown |= seen.bit();
    }
}

/// A copy of the core does what the core did.
fn does_the_same(core: &Core, effects: &[Effect], mut twin: Core, input: Input, now: Time) -> bool {
    let mut others = Vec::new();
    twin.handle(now, input, &mut others);
    let digest = |core: &Core| core.digest(DefaultHasher::new());
    digest(core) == digest(&twin) && format!("{effects:?}") == format!("{others:?}")
}

/// True if a crash before it differs from a crash after it.
fn matters(effect: &Effect) -> bool {
    !matches!(
        effect,
        Effect::Load(_) | Effect::Thaw(_) | Effect::Recall(_) | Effect::Report(..)
    )
}

fn burns(fuse: &mut Fuse) -> bool {
    match fuse {
        Some(0) => true,
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}
