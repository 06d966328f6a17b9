//! The first cliqueclique (2010), by its rules: full state per (peer, document)
//! with a serial number, sent until it is acknowledged, at intervals that double;
//! the centre of a document's network is the best by (is subscribed, id), reached
//! by distance; who lacks peers is told of others; a document is held while it is
//! wanted here or further from the centre. Comments go to the subscribed peers of
//! their parents.
//!
//! The rules are those of `apps/cliqueclique_subscription/models.py` and
//! `apps/cliqueclique_node/models.py` of that program; none of its code is here.

mod form;
mod network;

pub use form::Form;

use crate::wire::{decode, document, encode};
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use cliqueclique_sim::arena::{Disk, Effect, Held, Input, Packet, Peer, Protocol, Seat};
use form::Part;
use network::{Known, Network};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Its sender looks after each change, but waits so long between two messages.
const PAUSE: Duration = Duration::from_secs(1);
/// It looks so often if nothing changes.
const ROUND: Duration = Duration::from_secs(5);
/// First interval before a state is sent again.
const FIRST: Duration = Duration::from_secs(1);
/// Peers beyond which no suggestion is taken (`CLIQUECLIQUE_OPTIMAL_PEER_NRS`).
const OPTIMAL: usize = 5;
/// Who leaves waits so long for others to let go. A guess: it has no rule for leaving.
const FAREWELL: Duration = Duration::from_secs(600);

/// A node.
#[derive(Debug)]
pub struct Original {
    me: Peer,
    form: Form,
    rng: ChaCha8Rng,
    networks: BTreeMap<DocumentId, Network>,
    comments: BTreeMap<DocumentId, BTreeSet<DocumentId>>,
    connected: BTreeSet<Peer>,
    /// What waits for a connection: the latest message to each peer.
    outbox: BTreeMap<Peer, Packet>,
    last_round: Time,
    next: Option<Time>,
    leaving: Option<Time>,
}

impl Original {
    /// A node whose messages have this form.
    #[must_use]
    pub fn new(seat: &Seat, form: Form) -> Self {
        let networks: BTreeMap<DocumentId, Network> = decode(&seat.durable).unwrap_or_default();
        Self {
            me: seat.node,
            form,
            rng: ChaCha8Rng::from_seed(seat.seed),
            comments: comments(&networks),
            networks,
            connected: BTreeSet::new(),
            outbox: BTreeMap::new(),
            last_round: Time::ZERO,
            next: None,
            leaving: None,
        }
    }

    fn changed(&mut self, now: Time) {
        let at = now.max(self.last_round + PAUSE);
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    fn add(&mut self, document: &Document, subscribed: bool) {
        let id = document.id();
        let parents = document.parents().to_vec();
        for &parent in &parents {
            self.comments.entry(parent).or_default().insert(id);
        }
        let network = Network::new(parents, subscribed);
        self.networks.entry(id).or_insert(network);
        self.spread_from_parents(id);
        self.settle(id);
    }

    /// The subscribed peers of its parents are peers for a comment, too.
    fn spread_from_parents(&mut self, id: DocumentId) {
        let Some(network) = self.networks.get(&id) else {
            return;
        };
        let above = network.parents.iter();
        let above = above.filter_map(|parent| self.networks.get(parent));
        let peers: Vec<Peer> = above.flat_map(Network::subscribed_peers).collect();
        if let Some(network) = self.networks.get_mut(&id) {
            peers.into_iter().for_each(|peer| network.ensure(peer));
        }
    }

    /// A document's own state follows from what is known; its comments depend on it.
    fn settle(&mut self, id: DocumentId) {
        let wanted_above = self.wanted_above(id);
        let Some(network) = self.networks.get_mut(&id) else {
            return;
        };
        network.settle(self.me, wanted_above);
        let peers: Vec<Peer> = network.subscribed_peers().collect();
        for comment in self.comments.get(&id).cloned().unwrap_or_default() {
            let above = self.wanted_above(comment);
            if let Some(network) = self.networks.get_mut(&comment) {
                peers.iter().for_each(|&peer| network.ensure(peer));
                network.settle(self.me, above);
            }
        }
    }

    /// True if this node subscribes to a document that this one comments on.
    fn wanted_above(&self, id: DocumentId) -> bool {
        let parents = self.networks.get(&id).map(|network| &network.parents);
        let above = parents.into_iter().flatten();
        let mut above = above.filter_map(|parent| self.networks.get(parent));
        above.any(|network| network.subscribed_here)
    }

    fn start(&mut self, held: Vec<Held>) {
        held.into_iter().for_each(|held| self.hold(&held));
    }

    fn hold(&mut self, held: &Held) {
        self.add(&held.document, held.mode.subscribes());
        let id = held.document.id();
        if let Some(network) = self.networks.get_mut(&id) {
            network.bookmarked = held.bookmarked || held.mode == Mode::Hold;
            held.via.into_iter().for_each(|via| network.ensure(via));
        }
        self.settle(id);
    }

    fn set(&mut self, id: DocumentId, change: impl FnOnce(&mut Network)) {
        if let Some(network) = self.networks.get_mut(&id) {
            change(network);
        }
        self.settle(id);
    }

    fn leave(&mut self, now: Time) {
        self.leaving = Some(now + FAREWELL);
        let all: Vec<DocumentId> = self.networks.keys().copied().collect();
        for id in all {
            self.set(id, |network| {
                (network.subscribed_here, network.bookmarked) = (false, false);
            });
        }
    }

    fn received(&mut self, from: Peer, bytes: &Bytes, effects: &mut Vec<Effect>) {
        for part in form::read(bytes) {
            match part {
                Part::Update(id, state, body) => {
                    let id = DocumentId(id);
                    let body = body.and_then(|body| document(&body));
                    self.updated(from, (id, state), body, effects);
                }
                Part::Ack(id, serial) => self.acknowledged(from, DocumentId(id), serial, effects),
                Part::Suggestion(id, peer) => self.suggested(DocumentId(id), peer),
            }
        }
    }

    fn updated(
        &mut self,
        from: Peer,
        (id, state): (DocumentId, network::State),
        body: Option<Document>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(document) = body.filter(|_| !self.networks.contains_key(&id)) {
            let above = document.parents().iter();
            let mut above = above.filter_map(|parent| self.networks.get(parent));
            let follows = above.any(|network| network.follows);
            self.add(&document, follows);
            if let Some(network) = self.networks.get_mut(&id) {
                network.follows = follows;
            }
            effects.push(Effect::Store(document));
        }
        if let Some(network) = self.networks.get_mut(&id) {
            network.hear(from, state);
            self.settle(id);
        }
    }

    fn acknowledged(&mut self, from: Peer, id: DocumentId, serial: i64, effects: &mut Vec<Effect>) {
        let Some(network) = self.networks.get_mut(&id) else {
            return;
        };
        if network.acknowledged(from, serial) && network.peers.is_empty() {
            self.forget(id, effects);
        }
        self.settle(id);
    }

    fn suggested(&mut self, id: DocumentId, peer: Peer) {
        let me = self.me;
        if let Some(network) = self.networks.get_mut(&id)
            && network.peers.len() <= OPTIMAL
            && peer != me
        {
            network.ensure(peer);
            self.settle(id);
        }
    }

    /// Nobody is left who would have to know that this node does not want it.
    fn forget(&mut self, id: DocumentId, effects: &mut Vec<Effect>) {
        if self.networks.remove(&id).is_some() {
            effects.push(Effect::Drop(id));
        }
    }

    /// A round of its sender: to each peer one message with all that is due.
    fn round(&mut self, now: Time, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        self.last_round = now;
        let mut due: BTreeMap<Peer, Vec<Part>> = BTreeMap::new();
        for (id, network) in &mut self.networks {
            let peers: Vec<Peer> = network.peers.keys().copied().collect();
            for peer in peers {
                let parts = network.due(now, *id, peer, &mut self.rng);
                if !parts.is_empty() {
                    due.entry(peer).or_default().extend(parts);
                }
            }
        }
        for (peer, parts) in due {
            let packet = self.form.packet(&parts, disk);
            self.send(peer, packet, effects);
        }
        self.drop_unwanted(effects);
        self.next = self
            .networks
            .values()
            .filter_map(|network| network.next(now))
            .min();
    }

    fn drop_unwanted(&mut self, effects: &mut Vec<Effect>) {
        let unwanted = self
            .networks
            .iter()
            .filter(|(_, network)| network.is_over());
        let unwanted: Vec<DocumentId> = unwanted.map(|(&id, _)| id).collect();
        unwanted.into_iter().for_each(|id| self.forget(id, effects));
        if self.leaving.is_some() && self.networks.is_empty() {
            effects.push(Effect::Left);
        }
    }

    fn send(&mut self, peer: Peer, packet: Packet, effects: &mut Vec<Effect>) {
        if self.connected.contains(&peer) {
            effects.push(Effect::Send(peer, packet));
        } else if self.outbox.insert(peer, packet).is_none() {
            effects.push(Effect::Connect(peer));
        }
    }

    fn wake(&mut self, now: Time, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        if self.leaving.is_some_and(|at| at <= now) {
            self.leaving = None;
            return effects.push(Effect::Left);
        }
        self.round(now, disk, effects);
    }
}

impl Protocol for Original {
    fn handle(&mut self, now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Wake => return self.wake(now, disk, effects),
            Input::Connected(peer, _) => {
                self.connected.insert(peer);
                let waiting = self.outbox.remove(&peer);
                return effects.extend(waiting.map(|packet| Effect::Send(peer, packet)));
            }
            Input::Disconnected(peer) => {
                self.connected.remove(&peer);
                self.outbox.remove(&peer);
                return;
            }
            Input::Start(held) => self.start(held),
            Input::Received(from, bytes) => self.received(from, &bytes, effects),
            Input::Joined(held) => {
                self.hold(&held);
                let follows = held.mode == Mode::Follow;
                self.set(held.document.id(), |network| network.follows = follows);
            }
            Input::Published(document, mode) => {
                self.add(&document, mode.subscribes());
                self.set(document.id(), |network| {
                    network.follows = mode == Mode::Follow
                });
            }
            Input::Wish(id, mode) => self.set(id, |network| {
                network.subscribed_here = mode.subscribes();
                network.follows = mode == Mode::Follow;
            }),
            Input::Bookmark(id, on) => self.set(id, |network| network.bookmarked = on),
            Input::Forget(id) => self.set(id, |network| {
                (network.subscribed_here, network.bookmarked) = (false, false);
                network.follows = false;
            }),
            Input::Leave => self.leave(now),
        }
        self.changed(now);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.next.into_iter().chain(self.leaving).min()
    }

    fn degrees(&self) -> Vec<usize> {
        self.networks
            .values()
            .map(|network| network.peers.len())
            .collect()
    }

    fn root(&self, document: &DocumentId) -> Option<Peer> {
        self.networks.get(document).and_then(Network::center)
    }

    fn is_datagram(&self) -> bool {
        true
    }

    /// All its state was in a database.
    fn durable(&self) -> Bytes {
        encode(&self.networks)
    }
}

fn comments(
    networks: &BTreeMap<DocumentId, Network>,
) -> BTreeMap<DocumentId, BTreeSet<DocumentId>> {
    let mut comments = BTreeMap::<DocumentId, BTreeSet<DocumentId>>::new();
    for (id, network) in networks {
        for parent in &network.parents {
            comments.entry(*parent).or_default().insert(*id);
        }
    }
    comments
}

/// One of a document's other peers, for who lacks peers.
fn another(peers: &BTreeMap<Peer, Known>, but: Peer, rng: &mut ChaCha8Rng) -> Option<Peer> {
    let others: Vec<Peer> = peers.keys().copied().filter(|&peer| peer != but).collect();
    (!others.is_empty()).then(|| others[rng.random_range(0..others.len())])
}
