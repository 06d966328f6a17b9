//! Connections of nodes under test. At most one stands between two nodes. It is
//! reliable, unless the protocol wants datagrams: what is lost is sent again after
//! a time-out, and counted again, until it passes or the connection is lost.

use super::protocol::{Effect, Input, Line, Packet, Peer};
use super::stage::{Event, Shelf, Stage};
use crate::accounting::Weight;
use crate::host::Status;
use crate::metrics::{Cost, CostKind};
use crate::network::{CONNECT_TIMEOUT, End, Stage as Phase};
use crate::snapshot::Index;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::time::Time;
use std::time::Duration;

/// Bytes of a keep-alive and its answer, as ours have: two frames, one of them with
/// a ping, and their prefixes. Measured.
const KEEP_ALIVE: u64 = 20;
/// Wait before a lost packet is sent again (RFC 6298, section 2.4, asks for one
/// second at least; stacks of today take this).
const RESEND: Duration = Duration::from_millis(200);

/// A node's side of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strand {
    pub(super) end: End,
    /// Time of the last packet in either direction; keep-alives are counted since.
    pub(super) last_sent: Time,
    /// What is sent from here arrives after this.
    pub(super) last_arrival: Time,
}

impl Stage<'_> {
    /// Gives a node one input and performs its effects. `from` is the node whose packet it is.
    pub(super) fn feed(&mut self, node: Index, input: Input, from: Option<Peer>) {
        let mut effects = Vec::new();
        let Some(protocol) = self.nodes[node].protocol.as_mut() else {
            return;
        };
        let disk = Shelf(&self.truth, node);
        protocol.handle(self.now, input, &disk, &mut effects);
        self.accounts.events += 1;
        for effect in effects {
            self.perform(node, effect, from);
        }
        self.rearm(node);
    }

    fn perform(&mut self, node: Index, effect: Effect, from: Option<Peer>) {
        match effect {
            Effect::Connect(peer) => self.connect(node, peer),
            Effect::Disconnect(peer) => self.hang_up(node, peer),
            Effect::Send(peer, packet) => self.send(node, peer, packet),
            Effect::Store(document) => self.store(node, &document, from),
            Effect::Drop(id) => {
                if let Some(number) = self.truth.by_id(&id) {
                    self.truth.deleted(number, node);
                }
            }
            Effect::Left => self.left(node),
        }
    }

    fn connect(&mut self, node: Index, peer: Peer) {
        if node == peer || self.nodes[node].lines.contains_key(&peer) {
            return;
        }
        let to = self.nodes[peer].is_up().then_some(peer);
        let (end, stands) = self.network.dial(self.now, node, ChannelId(0), to);
        let line = Strand {
            end,
            last_sent: self.now,
            last_arrival: self.now,
        };
        self.nodes[node].lines.insert(peer, line);
        match stands {
            Ok(at) => self.queue.push(at, Event::Stands(end)),
            Err(at) => self.queue.push(at, Event::Dropped(end)),
        }
    }

    /// A dial is through, if both nodes are still there. If both dialled, the first one counts.
    pub(super) fn stands(&mut self, end: End) {
        let ends = (self.network.side(end), self.network.side(end.other()));
        let (Some(dialler), Some(acceptor)) = ends else {
            return;
        };
        if dialler.stage != Phase::Dialling {
            return;
        }
        let (dialler, acceptor) = (dialler.node, acceptor.node);
        let there = self.nodes[dialler].is_up() && self.nodes[acceptor].is_up();
        if !there || !self.network.reachable(dialler, acceptor) {
            let at = self.now + CONNECT_TIMEOUT;
            return self.queue.push(at, Event::Dropped(end));
        }
        let line = Strand {
            end: end.other(),
            last_sent: self.now,
            last_arrival: self.now,
        };
        if let Some(crossing) = self.nodes[acceptor].lines.insert(dialler, line) {
            self.network.close(crossing.end);
            self.network.close(crossing.end.other());
        }
        if let Some(expiry) = self.network.open(self.now, end, ChannelId(0)) {
            self.queue.push(expiry, Event::Expire(end));
        }
        self.connections += 1;
        let number = self.connections;
        let line = |dialled| Line { dialled, number };
        self.feed(dialler, Input::Connected(acceptor, line(true)), None);
        if self.is_open(end.other()) {
            self.feed(acceptor, Input::Connected(dialler, line(false)), None);
        }
    }

    fn is_open(&self, end: End) -> bool {
        self.network
            .side(end)
            .is_some_and(crate::network::Side::is_open)
    }

    pub(super) fn hang_up(&mut self, node: Index, peer: Peer) {
        let Some(line) = self.nodes[node].lines.remove(&peer) else {
            return;
        };
        self.count_keep_alives(node, line);
        let farewell = self.network.farewell(self.now, line.end);
        self.abandon(line.end);
        if let Some(at) = farewell {
            let at = at.max(line.last_arrival);
            self.queue.push(at, Event::Dropped(line.end.other()));
        }
    }

    /// Closes an end, and the other one too if it never stood.
    fn abandon(&mut self, end: End) {
        let side = self.network.side(end);
        let never = end.dialled() && side.is_some_and(|side| side.stage == Phase::Dialling);
        self.network.close(end);
        if never {
            self.network.close(end.other());
        }
    }

    fn send(&mut self, node: Index, peer: Peer, packet: Packet) {
        let Some(&line) = self.nodes[node].lines.get(&peer) else {
            return;
        };
        if !self.is_open(line.end) {
            return;
        }
        self.end_silence(node, peer);
        self.end_silence(peer, node);
        self.accounts.packet(&packet.weight, packet.again);
        self.pass(line.end, packet);
    }

    fn end_silence(&mut self, node: Index, peer: Peer) {
        let Some(&line) = self.nodes[node].lines.get(&peer) else {
            return;
        };
        self.count_keep_alives(node, line);
        if let Some(line) = self.nodes[node].lines.get_mut(&peer) {
            line.last_sent = self.now;
        }
    }

    /// A packet sets out; if it is lost on a reliable connection, it will again.
    fn pass(&mut self, end: End, packet: Packet) {
        let size = usize::try_from(packet.weight.total).unwrap_or(usize::MAX);
        let passage = self.network.send(self.now, end, size);
        let Some(node) = self.network.side(end).map(|side| side.node) else {
            return;
        };
        let protocol = self.nodes[node].protocol.as_ref();
        if protocol.is_some_and(|protocol| protocol.is_datagram()) {
            for at in [passage.second, passage.first].into_iter().flatten() {
                let copy = Event::Deliver(end.other(), packet.clone());
                self.queue.push(at, copy);
            }
            return;
        }
        match passage.first {
            Some(at) => {
                let at = self.in_order(end, at);
                self.queue.push(at, Event::Deliver(end.other(), packet));
            }
            None => self
                .queue
                .push(self.now + RESEND, Event::Again(end, packet)),
        }
    }

    fn in_order(&mut self, end: End, at: Time) -> Time {
        let nodes = (self.network.side(end), self.network.side(end.other()));
        let (Some(from), Some(to)) = nodes else {
            return at;
        };
        let (from, to) = (from.node, to.node);
        let line = self.nodes[from].lines.get_mut(&to);
        let Some(line) = line.filter(|line| line.end == end) else {
            return at;
        };
        line.last_arrival = line.last_arrival.max(at);
        line.last_arrival
    }

    /// A packet was lost. Across a cut line it only waits: a stream would probe with one packet.
    pub(super) fn again(&mut self, end: End, packet: Packet) {
        if !self.is_open(end) {
            return;
        }
        let nodes = (self.network.side(end), self.network.side(end.other()));
        let (Some(from), Some(to)) = nodes else {
            return;
        };
        if self.network.reachable(from.node, to.node) {
            self.accounts.packet(&packet.weight, true);
            return self.pass(end, packet);
        }
        self.queue
            .push(self.now + RESEND, Event::Again(end, packet));
    }

    /// A packet reaches an end.
    pub(super) fn deliver(&mut self, end: End, packet: Packet) {
        let Some(side) = self.network.side(end).filter(|side| side.is_open()) else {
            return;
        };
        let node = side.node;
        if self.nodes[node].status == Status::Paused {
            let event = Event::Deliver(end, packet);
            return self.nodes[node].deferred.push(event);
        }
        let Some(from) = self.network.side(end.other()).map(|side| side.node) else {
            return;
        };
        self.bodies += packet.bodies;
        self.feed(node, Input::Received(from, packet.bytes), Some(from));
    }

    /// A node learns that a connection is gone.
    pub(super) fn dropped(&mut self, end: End) {
        let Some(side) = self
            .network
            .side(end)
            .filter(|side| side.stage != Phase::Closed)
        else {
            return;
        };
        let node = side.node;
        let Some(peer) = self.peer_of(node, end) else {
            return self.abandon(end);
        };
        if self.nodes[node].status == Status::Paused {
            return self.nodes[node].deferred.push(Event::Dropped(end));
        }
        let line = self.nodes[node].lines.get(&peer).copied();
        self.abandon(end);
        if let Some(line) = line.filter(|line| line.end == end) {
            self.count_keep_alives(node, line);
            self.nodes[node].lines.remove(&peer);
            self.feed(node, Input::Disconnected(peer), None);
        }
    }

    /// The other node of a connection. A dial to a dead address has no other side.
    fn peer_of(&self, node: Index, end: End) -> Option<Peer> {
        let other = self.network.side(end.other()).map(|side| side.node);
        let named = other.filter(|&other| other != node);
        named.or_else(|| {
            let mut lines = self.nodes[node].lines.iter();
            lines
                .find(|(_, line)| line.end == end)
                .map(|(&peer, _)| peer)
        })
    }

    /// The transport ends a connection.
    pub(super) fn expire(&mut self, end: End) {
        if self.calm && self.scenario.network.heals {
            return;
        }
        self.dropped(end);
        self.dropped(end.other());
    }

    /// A line was cut for as long as keep-alives need to notice.
    pub(super) fn sever(&mut self, end: End) {
        let nodes = (self.network.side(end), self.network.side(end.other()));
        let (Some(from), Some(to)) = nodes else {
            return;
        };
        if !self.network.reachable(from.node, to.node) {
            self.expire(end);
        }
    }

    /// All connections of a node break; its peers learn of it later.
    pub(super) fn break_lines(&mut self, node: Index, notice: Duration) -> Vec<Peer> {
        let lines = std::mem::take(&mut self.nodes[node].lines);
        for &line in lines.values() {
            self.count_keep_alives(node, line);
            self.abandon(line.end);
            self.queue
                .push(self.now + notice, Event::Dropped(line.end.other()));
        }
        lines.into_keys().collect()
    }

    /// Time until the peers of a node notice that it is gone, as ours would.
    pub(super) fn notice(&self, node: Index) -> Duration {
        let noticed = self.scenario.network.crash_notice;
        noticed.unwrap_or_else(|| self.interval(node) + self.scenario.protocol.link_timeout)
    }

    fn interval(&self, node: Index) -> Duration {
        let config = &self.scenario.protocol;
        let links = u32::try_from(self.nodes[node].lines.len()).unwrap_or(u32::MAX);
        let pace = config.keep_alive_pace.saturating_mul(links.max(1));
        pace.clamp(config.keep_alive_min, config.keep_alive_max)
    }

    /// Counts the keep-alives of all silences so far.
    pub(super) fn count_all_keep_alives(&mut self) {
        for node in 0..self.nodes.len() {
            let lines: Vec<(Peer, Strand)> = self.nodes[node]
                .lines
                .iter()
                .map(|(&peer, &line)| (peer, line))
                .collect();
            for (peer, line) in lines {
                let counted = self.count_keep_alives(node, line);
                if let Some(line) = self.nodes[node].lines.get_mut(&peer) {
                    line.last_sent = line.last_sent + counted;
                }
            }
        }
    }

    /// Counts the keep-alives of a silence; one side of each connection sends them. Returns
    /// how much of the silence is counted.
    pub(super) fn count_keep_alives(&mut self, node: Index, line: Strand) -> Duration {
        let protocol = self.nodes[node].protocol.as_ref();
        // Who has datagrams sees to them itself.
        if !line.end.dialled() || protocol.is_some_and(|protocol| protocol.is_datagram()) {
            return Duration::ZERO;
        }
        let interval = self.interval(node).max(Duration::from_millis(1));
        let silence = self.now.since(line.last_sent).as_micros();
        let count = u32::try_from(silence / interval.as_micros()).unwrap_or(u32::MAX);
        if count > 0 {
            let mut weight = Weight::default();
            weight.parts[CostKind::KeepAlive as usize] = Cost {
                messages: 2 * u64::from(count),
                bytes: KEEP_ALIVE * u64::from(count),
            };
            weight.total = KEEP_ALIVE * u64::from(count);
            self.accounts.packet(&weight, false);
        }
        interval.saturating_mul(count)
    }
}
