//! iroh-gossip (`HyParView` and `PlumTree`), one topic per document: the crate's own
//! state machine, with the framing of its own transport: a stream per peer and
//! topic, whose header names the topic, and a length of four bytes before each
//! message. QUIC's handshakes, packet headers and acknowledgements are not counted.
//!
//! Around it is as little as an application must have: who subscribes to a
//! document joins its topic, at the peer that gave the document; comments are
//! broadcast in the topics of their parents. There is no catch-up and no rejoin,
//! as the crate has none.

use crate::wire::{decode, document};
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use cliqueclique_sim::arena::{Disk, Effect, Held, Input, Packet, Peer, Protocol, Seat};
use cliqueclique_sim::metrics::CostKind;
use iroh_gossip::proto::{
    Command, Config, Event, InEvent, Message, OutEvent, Scope, State, Timer, TopicId,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// How often expired entries of caches are looked for. Nobody else notices it; the
/// crate's second makes a silent day long.
const EVICTION: Duration = Duration::from_secs(30);
/// Length that is written before each message, bytes.
const LENGTH: usize = 4;
/// Topic (32), layer (1), kind (1) and id (32) before the content of a broadcast.
const BEFORE_CONTENT: usize = 66;

/// A peer's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Key([u8; 32]);

impl Key {
    fn of(peer: Peer) -> Self {
        let mut key = [0xa5; 32];
        key[..8].copy_from_slice(&(peer as u64).to_le_bytes());
        Self(key)
    }

    fn peer(self) -> Peer {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        let number = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        usize::try_from(number).unwrap_or(usize::MAX)
    }
}

/// The crate's default settings.
#[must_use]
pub fn default_settings() -> Config {
    let mut config = Config::default();
    config.broadcast.cache_evict_interval = EVICTION;
    config
}

/// Settings in its favour: time-outs that fit the latencies of the internet (60 ms
/// one way in the median, where the default asks for a missing message after 80 ms),
/// a tenth of the upkeep, and messages as large as documents may be.
#[must_use]
pub fn tuned_settings() -> Config {
    let mut config = default_settings();
    config.membership.shuffle_interval = Duration::from_secs(600);
    config.membership.neighbor_request_timeout = Duration::from_secs(2);
    config.broadcast.graft_timeout_1 = Duration::from_millis(1_000);
    config.broadcast.graft_timeout_2 = Duration::from_millis(500);
    config.broadcast.dispatch_timeout = Duration::from_millis(100);
    config.max_message_size = 128 * 1024;
    config
}

/// A connection, as this node sees it.
#[derive(Debug, Default)]
struct Link {
    open: bool,
    /// What waits for it to open.
    waiting: Vec<Message<Key>>,
    /// Topics of the streams that this node opened, and of those that the peer did.
    ours: Vec<TopicId>,
    theirs: Vec<TopicId>,
}

/// A node.
#[derive(Debug)]
pub struct Gossip {
    state: State<Key, ChaCha8Rng>,
    /// The crate counts time by a clock; only differences matter.
    origin: Instant,
    timers: BTreeMap<(Time, u64), Timer<Key>>,
    timers_made: u64,
    links: BTreeMap<Peer, Link>,
    wishes: BTreeMap<DocumentId, Mode>,
    givers: BTreeMap<DocumentId, Peer>,
    neighbors: BTreeMap<DocumentId, BTreeSet<Peer>>,
    /// Broadcasts that wait for a neighbour.
    unsent: Vec<(DocumentId, Bytes)>,
}

impl Gossip {
    /// A node with these settings.
    #[must_use]
    pub fn new(seat: &Seat, config: Config) -> Self {
        let rng = ChaCha8Rng::from_seed(seat.seed);
        Self {
            state: State::new(Key::of(seat.node), Default::default(), config, rng),
            origin: Instant::now(),
            timers: BTreeMap::new(),
            timers_made: 0,
            links: BTreeMap::new(),
            wishes: BTreeMap::new(),
            givers: BTreeMap::new(),
            neighbors: BTreeMap::new(),
            unsent: Vec::new(),
        }
    }

    /// Gives the state machine an event and does what it says.
    fn give(&mut self, now: Time, event: InEvent<Key>, effects: &mut Vec<Effect>) {
        let instant = self.origin + Duration::from_micros(now.0);
        let out: Vec<_> = self.state.handle(event, instant, None).collect();
        for event in out {
            match event {
                OutEvent::SendMessage(to, message) => self.send(to.peer(), message, effects),
                OutEvent::EmitEvent(topic, event) => self.emitted(now, topic, event, effects),
                OutEvent::ScheduleTimer(delay, timer) => {
                    self.timers_made += 1;
                    self.timers.insert((now + delay, self.timers_made), timer);
                }
                OutEvent::DisconnectPeer(key) => {
                    self.links.remove(&key.peer());
                    effects.push(Effect::Disconnect(key.peer()));
                }
                OutEvent::PeerData(..) => {}
            }
        }
    }

    fn send(&mut self, to: Peer, message: Message<Key>, effects: &mut Vec<Effect>) {
        let link = self.links.entry(to).or_default();
        if link.open {
            effects.push(Effect::Send(to, link.packet(&message)));
            return;
        }
        if link.waiting.is_empty() {
            effects.push(Effect::Connect(to));
        }
        link.waiting.push(message);
    }

    fn emitted(&mut self, now: Time, topic: TopicId, event: Event<Key>, effects: &mut Vec<Effect>) {
        let id = DocumentId(*topic.as_bytes());
        match event {
            Event::NeighborUp(key) => {
                self.neighbors.entry(id).or_default().insert(key.peer());
                let waiting = self.unsent.extract_if(.., |(topic, _)| *topic == id);
                let waiting: Vec<_> = waiting.collect();
                for (_, content) in waiting {
                    self.command(now, id, Command::Broadcast(content, Scope::Swarm), effects);
                }
            }
            Event::NeighborDown(key) => {
                let neighbors = self.neighbors.get_mut(&id);
                neighbors.map(|neighbors| neighbors.remove(&key.peer()));
            }
            Event::Received(event) => {
                if let Some(document) = document(&event.content) {
                    self.arrived(now, &document, event.delivered_from.peer(), effects);
                }
            }
        }
    }

    fn command(
        &mut self,
        now: Time,
        id: DocumentId,
        command: Command<Key>,
        effects: &mut Vec<Effect>,
    ) {
        let event = InEvent::Command(TopicId::from_bytes(id.0), command);
        self.give(now, event, effects);
    }

    fn arrived(&mut self, now: Time, document: &Document, from: Peer, effects: &mut Vec<Effect>) {
        let id = document.id();
        self.givers.entry(id).or_insert(from);
        effects.push(Effect::Store(document.clone()));
        let above = document.parents().iter();
        let above = above.filter_map(|parent| self.wishes.get(parent));
        let mode = above.map(|mode| mode.inherited()).max();
        if !self.wishes.contains_key(&id) {
            self.wish(now, id, mode.unwrap_or_default(), effects);
        }
    }

    /// Who subscribes is in the topic; who does no longer is not.
    fn wish(&mut self, now: Time, id: DocumentId, mode: Mode, effects: &mut Vec<Effect>) {
        let before = self.wishes.insert(id, mode).unwrap_or_default();
        match (before.subscribes(), mode.subscribes()) {
            (false, true) => self.join(now, id, effects),
            (true, false) => {
                self.command(now, id, Command::Quit, effects);
                self.neighbors.remove(&id);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn join(&mut self, now: Time, id: DocumentId, effects: &mut Vec<Effect>) {
        let giver = self.givers.get(&id).copied().map(Key::of);
        self.neighbors.entry(id).or_default();
        self.command(now, id, Command::Join(giver.into_iter().collect()), effects);
    }

    fn held(&mut self, now: Time, held: &Held, effects: &mut Vec<Effect>) {
        let id = held.document.id();
        held.via.map(|via| self.givers.insert(id, via));
        self.wish(now, id, held.mode, effects);
    }

    fn published(&mut self, now: Time, document: &Document, mode: Mode, effects: &mut Vec<Effect>) {
        for &parent in document.parents() {
            if !self.neighbors.contains_key(&parent) {
                self.join(now, parent, effects);
            }
            if document.bytes().len() + BEFORE_CONTENT + LENGTH > self.state.max_message_size() {
                continue; // The crate's transport would refuse it.
            }
            let content = document.bytes().clone();
            if self.state.has_active_peers(&TopicId::from_bytes(parent.0)) {
                self.command(
                    now,
                    parent,
                    Command::Broadcast(content, Scope::Swarm),
                    effects,
                );
            } else {
                self.unsent.push((parent, content));
            }
        }
        self.wish(now, document.id(), mode, effects);
    }

    fn connected(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        let link = self.links.entry(peer).or_default();
        link.open = true;
        for message in std::mem::take(&mut link.waiting) {
            let packet = link.packet(&message);
            effects.push(Effect::Send(peer, packet));
        }
    }

    fn received(&mut self, now: Time, from: Peer, bytes: &[u8], effects: &mut Vec<Effect>) {
        let link = self.links.entry(from).or_default();
        if let Some(message) = link.message(bytes) {
            self.give(now, InEvent::RecvMessage(Key::of(from), message), effects);
        }
    }

    fn wake(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let timer = entry.remove();
            self.give(now, InEvent::TimerExpired(timer), effects);
        }
    }

    fn leave(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let topics: Vec<_> = self.neighbors.keys().copied().collect();
        for id in topics {
            self.command(now, id, Command::Quit, effects);
        }
        effects.push(Effect::Left);
    }
}

impl Link {
    /// The number of the stream, the stream's header if it is new, the length, the message.
    fn packet(&mut self, message: &Message<Key>) -> Packet {
        let encoded = crate::wire::encode(message);
        let topic = encoded.first_chunk().copied().unwrap_or_default();
        let topic = TopicId::from_bytes(topic);
        let found = self.ours.iter().position(|known| *known == topic);
        let stream = found.unwrap_or(self.ours.len());
        let mut bytes = crate::wire::encode(&stream).to_vec();
        if found.is_none() {
            self.ours.push(topic);
            bytes.extend_from_slice(topic.as_bytes());
        }
        let rest = &encoded[32..];
        let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(rest);
        let documents = content(&encoded);
        if documents > 0 {
            Packet::push(bytes, documents)
        } else {
            Packet::control(bytes, kind(rest))
        }
    }

    fn message(&mut self, bytes: &[u8]) -> Option<Message<Key>> {
        let (stream, mut rest): (usize, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        if stream == self.theirs.len() {
            let topic = TopicId::from_bytes(*rest.first_chunk()?);
            self.theirs.push(topic);
            rest = &rest[32..];
        }
        let mut encoded = self.theirs.get(stream)?.as_bytes().to_vec();
        encoded.extend_from_slice(rest.get(LENGTH..)?);
        decode(&encoded)
    }
}

/// Bytes of the document in an encoded message; none if it is no broadcast.
fn content(encoded: &[u8]) -> usize {
    let broadcast = encoded.get(32..34) == Some(&[1, 0]);
    let rest = encoded.get(BEFORE_CONTENT..).filter(|_| broadcast);
    let length = rest.and_then(|rest| postcard::take_from_bytes::<usize>(rest).ok());
    length.map_or(0, |(length, _)| length)
}

/// What a message without document is for: layer and kind are its first bytes.
fn kind(message: &[u8]) -> CostKind {
    match message.get(..2) {
        Some([0, 1]) => CostKind::Introduction,
        Some([0, 2 | 3]) => CostKind::KeepAlive,
        Some([1, _]) => CostKind::Set,
        Some(_) | None => CostKind::State,
    }
}

impl Protocol for Gossip {
    fn handle(&mut self, now: Time, input: Input, _disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Start(held) => held.iter().for_each(|held| self.held(now, held, effects)),
            Input::Wake => self.wake(now, effects),
            Input::Connected(peer, _) => self.connected(peer, effects),
            Input::Disconnected(peer) => {
                self.links.remove(&peer);
                self.give(now, InEvent::PeerDisconnected(Key::of(peer)), effects);
            }
            Input::Received(from, bytes) => self.received(now, from, &bytes, effects),
            Input::Joined(held) => self.held(now, &held, effects),
            Input::Published(document, mode) => self.published(now, &document, mode, effects),
            Input::Wish(id, mode) => self.wish(now, id, mode, effects),
            Input::Bookmark(..) => {}
            Input::Forget(id) => {
                self.wish(now, id, Mode::Hold, effects);
                effects.push(Effect::Drop(id));
            }
            Input::Leave => self.leave(now, effects),
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    fn degrees(&self) -> Vec<usize> {
        self.neighbors.values().map(BTreeSet::len).collect()
    }
}
