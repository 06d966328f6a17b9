//! Several cores and a network in memory that loses, delays and reorders packets
//! and breaks connections, as long as it is told to.

use super::WALL;
use super::peer::{binding, identity, node, peers};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Input,
    Notification, Packet, RequestId, Tag, Time, Violation, crypto::Ed25519Blake3, effect::Record,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One end of a connection: node and channel.
type End = (usize, ChannelId);

/// One node with its disk.
pub(crate) struct Host {
    pub(crate) core: Core,
    pub(crate) disk: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, bytes::Bytes>,
    /// Raised by a restart: what was meant for the life before is dropped.
    life: u32,
    /// When it was started, in the network's time.
    started: Time,
}

/// The network.
pub(crate) struct Net {
    pub(crate) now: Time,
    pub(crate) hosts: Vec<Host>,
    config: Config,
    queue: BTreeMap<(Time, u64), (usize, u32, Input)>,
    serial: u64,
    ends: BTreeMap<End, End>,
    next_channel: u64,
    pub(crate) random: ChaCha8Rng,
    /// Packets lost, in a thousand.
    pub(crate) loss: u32,
    pub(crate) notes: Vec<(usize, Notification)>,
    /// What the network counted, so that a test can tell that it tested something.
    pub(crate) packets: u64,
    pub(crate) lost: u64,
}

impl Net {
    pub(crate) fn new(count: u8, config: &Config, seed: u64) -> Self {
        let host = |name| Host {
            core: node(name, config.clone()),
            disk: BTreeMap::new(),
            records: BTreeMap::new(),
            life: 0,
            started: Time::ZERO,
        };
        Self {
            now: Time::ZERO,
            hosts: (0..count).map(host).collect(),
            config: config.clone(),
            queue: BTreeMap::new(),
            serial: 0,
            ends: BTreeMap::new(),
            next_channel: 1,
            random: ChaCha8Rng::seed_from_u64(seed),
            loss: 0,
            notes: Vec::new(),
            packets: 0,
            lost: 0,
        }
    }

    pub(crate) fn command(&mut self, at: usize, command: Command) {
        self.serial += 1;
        let request = RequestId(self.serial);
        self.give(at, Input::Command(request, command));
    }

    /// Runs until nothing is due before `until`.
    pub(crate) fn run(&mut self, until: Time) {
        loop {
            let packet = self.queue.first_key_value().map(|((at, _), _)| *at);
            let due = |(i, host): (usize, &Host)| {
                let own = host.core.next_deadline()?;
                Some((host.started + Duration::from_micros(own.0), i))
            };
            let wake = self.hosts.iter().enumerate().filter_map(due).min();
            let next = packet.into_iter().chain(wake.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if packet == Some(next) {
                if let Some((_, (at, life, input))) = self.queue.pop_first()
                    && self.hosts[at].life == life
                {
                    self.give(at, input);
                }
            } else if let Some((_, at)) = wake {
                self.give(at, Input::Wake);
            }
        }
    }

    fn give(&mut self, at: usize, input: Input) {
        let mut effects = Vec::new();
        let host = &mut self.hosts[at];
        let own = Time(self.now.0 - host.started.0);
        host.core.handle(own, input, &mut effects);
        for tag in host.core.touched() {
            if let Some((degree, most)) = host.core.degree(*tag) {
                assert!(degree <= most, "{degree} neighbours of {most}");
            }
        }
        for effect in effects {
            self.perform(at, effect);
        }
    }

    fn perform(&mut self, at: usize, effect: Effect) {
        let host = &mut self.hosts[at];
        match effect {
            Effect::Dial(channel, address) => self.dial(at, channel, &address),
            Effect::Send(channel, packet) => self.send((at, channel), packet),
            Effect::Hangup(channel) => self.cut((at, channel), false),
            Effect::Admit(document) => {
                let id = document.id();
                host.disk.insert(id, document);
                self.soon(at, 1_000, Input::Admitted(id, Admission::Stored));
            }
            Effect::Load(id) => {
                let document = host.disk.get(&id).cloned();
                self.soon(at, 1_000, Input::Loaded(id, document));
            }
            Effect::Delete(id, tag) => {
                host.disk.remove(&id);
                host.records.remove(&Record::Overlay(tag));
            }
            Effect::Save(record, bytes) => {
                match bytes {
                    Some(bytes) => host.records.insert(record, bytes),
                    None => host.records.remove(&record),
                };
            }
            Effect::Thaw(tag) => {
                let record = host.records.get(&Record::Overlay(tag)).cloned();
                self.soon(at, 1_000, Input::Thawed(tag, record));
            }
            Effect::Recall(node) => {
                let hot: Vec<Tag> = host.core.overlays().collect();
                let records = host
                    .records
                    .iter()
                    .filter_map(|(record, bytes)| match record {
                        Record::Overlay(tag) if !hot.contains(tag) => Some((*tag, bytes.clone())),
                        Record::Overlay(_) | Record::Node | Record::Peer(_) => None,
                    });
                let records = records.collect();
                self.soon(at, 1_000, Input::Recalled(node, records));
            }
            Effect::Notify(note) => self.notes.push((at, note)),
            // A peer may come for a document that is not held here any more.
            Effect::Report(_, Violation::Uninvited | Violation::BadTicket) => {}
            Effect::Report(node, violation) => panic!("{at} blames {node:?} for {violation:?}"),
        }
    }

    fn soon(&mut self, at: usize, micros: u64, input: Input) {
        self.serial += 1;
        let when = self.now + Duration::from_micros(micros);
        let life = self.hosts[at].life;
        self.queue.insert((when, self.serial), (at, life, input));
    }

    fn dial(&mut self, at: usize, channel: ChannelId, address: &Address) {
        let other = address.0.first().map(|name| usize::from(*name));
        let other = other.filter(|other| *other < self.hosts.len());
        let failed = self.random.random_ratio(self.loss, 1_000);
        let Some(other) = other.filter(|_| !failed) else {
            return self.soon(at, 100_000, Input::Disconnected(channel));
        };
        let mirrored = ChannelId(self.next_channel);
        self.next_channel += 2;
        self.ends.insert((at, channel), (other, mirrored));
        self.ends.insert((other, mirrored), (at, channel));
        for (node, end) in [(at, channel), (other, mirrored)] {
            let connected = Input::Connected {
                channel: end,
                frame_limit: 16_384,
                binding: binding(mirrored),
            };
            self.soon(node, 50_000, connected);
        }
    }

    fn send(&mut self, from: End, packet: Packet) {
        self.packets += 1;
        let Some(&(other, channel)) = self.ends.get(&from) else {
            return;
        };
        if self.random.random_ratio(self.loss, 1_000) {
            self.lost += 1;
            return;
        }
        let spread = if self.loss > 0 { 150_000 } else { 1_000 };
        let delay = 50_000 + self.random.random_range(0..spread);
        self.soon(other, delay, Input::Received(channel, packet));
    }

    /// Ends a connection; with `both`, each side is told.
    fn cut(&mut self, end: End, both: bool) {
        let Some(other) = self.ends.remove(&end) else {
            return;
        };
        self.ends.remove(&other);
        // Later than any packet on its way.
        self.soon(other.0, 250_000, Input::Disconnected(other.1));
        if both {
            self.soon(end.0, 250_000, Input::Disconnected(end.1));
        }
    }

    /// Breaks one connection.
    pub(crate) fn cut_any(&mut self) {
        let ends: Vec<End> = self.ends.keys().copied().collect();
        if !ends.is_empty() {
            let at = self.random.random_range(0..ends.len());
            self.cut(ends[at], true);
        }
    }

    /// A node crashes and starts again from its disk.
    pub(crate) fn restart(&mut self, at: usize) {
        let ends: Vec<End> = self
            .ends
            .keys()
            .copied()
            .filter(|end| end.0 == at)
            .collect();
        ends.into_iter().for_each(|end| self.cut(end, false));
        let host = &mut self.hosts[at];
        host.life += 1;
        host.started = self.now;
        let name = u8::try_from(at).unwrap_or(0);
        let mut seed = [name; 32];
        seed[0] = u8::try_from(host.life).unwrap_or(0);
        let wall = cliqueclique_core::WallTime(WALL.0 + self.now.0 / 1_000_000);
        let record = host.records.get(&Record::Node).map(|bytes| bytes.as_ref());
        let suite = Arc::new(Ed25519Blake3);
        host.core = Core::restore(
            self.config.clone(),
            identity(name),
            seed,
            suite,
            wall,
            record,
            peers(&host.records),
        )
        .expect("the record is good");
    }
}
