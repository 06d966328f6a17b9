//! Channels between nodes: dialling, sending, delivering, breaking.

use super::history::Summary;
use super::knowledge::Known;
use super::{Event, Step, What, World};
use crate::accounting::{Weight, weigh};
use crate::host::{Deferred, Payload, Status, resolve};
use crate::network::{CONNECT_TIMEOUT, End, Stage};
use crate::random::mix;
use crate::snapshot::Index;
use cliqueclique_core::Input;
use cliqueclique_core::id::{Address, ChannelId};
use cliqueclique_core::message::{Frame, Packet};
use cliqueclique_core::time::Time;
use cliqueclique_core::wire;
use std::time::Duration;

/// Bytes that the transport keeps per channel for a node that stands still.
const KERNEL_BUFFER: usize = 64 * 1024;

impl World<'_> {
    /// A core dials an address.
    pub(super) fn dial(&mut self, node: Index, channel: ChannelId, address: &Address) {
        let live = |&(to, generation): &(Index, u32)| {
            to != node
                && self
                    .hosts
                    .get(to)
                    .is_some_and(|host| host.is_up() && host.generation == generation)
        };
        let to = resolve(address).filter(live).map(|(to, _)| to);
        let (end, stands) = self.network.dial(self.now, node, channel, to);
        self.hosts[node].channels.insert(channel, end);
        match stands {
            Ok(at) => self.queue.push(at, Event::Stands(end)),
            Err(at) => self.queue.push(at, Event::Dropped(end)),
        }
    }

    /// A dial is through, if both nodes are still there.
    pub(super) fn stands(&mut self, end: End) -> Step {
        let Some(side) = self.network.side(end) else {
            return Ok(());
        };
        let (dialler, channel) = (side.node, side.channel);
        let Some(acceptor) = self.network.side(end.other()).map(|side| side.node) else {
            return Ok(());
        };
        let there = self.hosts[dialler].is_up() && self.hosts[acceptor].is_up();
        if !there || !self.network.reachable(dialler, acceptor) {
            self.queue
                .push(self.now + CONNECT_TIMEOUT, Event::Dropped(end));
            return Ok(());
        }
        let accepted = self.hosts[acceptor].accept(end.other());
        if let Some(expiry) = self.network.open(self.now, end, accepted) {
            self.queue.push(expiry, Event::Expire(end));
        }
        self.connections += 1;
        let binding = binding(self.seed, self.connections);
        self.note(dialler, Some(acceptor), What::Connected);
        self.feed(dialler, self.connected(channel, binding), Some(acceptor))?;
        if self
            .network
            .side(end.other())
            .is_some_and(|side| side.stage == Stage::Open)
        {
            self.feed(acceptor, self.connected(accepted, binding), Some(dialler))?;
        }
        Ok(())
    }

    fn connected(&self, channel: ChannelId, binding: [u8; 32]) -> Input {
        Input::Connected {
            channel,
            frame_limit: self.network.frame_limit(),
            binding,
        }
    }

    /// A core closes a channel; the peer learns of it.
    pub(super) fn hang_up(&mut self, node: Index, channel: ChannelId) {
        let Some(end) = self.hosts[node].channels.remove(channel) else {
            return;
        };
        let farewell = self.network.farewell(self.now, end);
        self.abandon(end);
        if let Some(at) = farewell {
            self.queue.push(at, Event::Dropped(end.other()));
        }
    }

    /// All channels of a node break without a word. Peers learn of it if the
    /// scenario's transport notices.
    pub(super) fn break_channels(&mut self, node: Index) -> Vec<ChannelId> {
        let channels = std::mem::take(&mut self.hosts[node].channels);
        for (_, end) in channels.iter() {
            let notice = self.scenario.network.crash_notice;
            let at = notice
                .and_then(|notice| self.network.farewell(self.now, end).map(|at| at + notice));
            self.abandon(end);
            if let Some(at) = at {
                self.queue.push(at, Event::Dropped(end.other()));
            }
        }
        channels.iter().map(|(channel, _)| channel).collect()
    }

    /// Closes an end, and the other one too if it never stood.
    fn abandon(&mut self, end: End) {
        let never = end.dialled()
            && self
                .network
                .side(end)
                .is_some_and(|side| side.stage == Stage::Dialling);
        self.network.close(end);
        if never {
            self.network.close(end.other());
        }
    }

    /// A node learns that a channel is gone.
    pub(super) fn dropped(&mut self, end: End) -> Step {
        let Some(side) = self.network.side(end) else {
            return Ok(());
        };
        if side.stage == Stage::Closed {
            return Ok(());
        }
        let (node, channel) = (side.node, side.channel);
        if self.hosts[node].status == Status::Paused {
            self.hosts[node].deferred.push(Deferred::Dropped(end));
            return Ok(());
        }
        self.hosts[node].channels.remove(channel);
        let peer = self.network.side(end.other()).map(|side| side.node);
        self.abandon(end);
        self.note(node, peer, What::Disconnected);
        self.feed(node, Input::Disconnected(channel), peer)
    }

    /// The transport drops a connection.
    pub(super) fn expire(&mut self, end: End) -> Step {
        if self.calm && self.scenario.network.heals {
            return Ok(());
        }
        self.dropped(end)?;
        self.dropped(end.other())
    }

    /// A core sends a packet.
    pub(super) fn send(&mut self, node: Index, channel: ChannelId, packet: Packet) -> Step {
        let Some(end) = self.hosts[node].channels.get(channel) else {
            return Ok(());
        };
        let Some(peer) = self.network.side(end.other()).map(|side| side.node) else {
            return Ok(());
        };
        if !self
            .network
            .side(end)
            .is_some_and(crate::network::Side::is_open)
        {
            return Ok(());
        }
        let weight = weigh(&packet);
        self.account(end, &packet, &weight);
        self.accounts.burdens[node].sent += weight.total;
        if weight.encoded() > self.network.frame_limit() && self.hosts[node].hostile {
            return Ok(()); // The transport refuses it. That honest nodes never try is checked.
        }
        // Noted before it is checked: a picture of the failure shows what broke the property.
        self.note(
            node,
            Some(peer),
            What::Send(Summary::new(&packet, weight.encoded())),
        );
        let known = Known {
            truth: &self.truth,
            ids: &self.ids,
            suite: &*self.suite,
            hosts: &self.hosts,
        };
        self.checkers
            .packet(self.now, node, peer, &packet, &known)?;
        let size = u32::try_from(weight.total).unwrap_or(u32::MAX);
        let passage = self.network.send(self.now, end, size as usize);
        let Some(first) = passage.first else {
            self.note(node, Some(peer), What::Lose(size));
            return Ok(());
        };
        let payload = self.travel(packet);
        if let (Some(second), Payload::Packet(packet)) = (passage.second, &payload) {
            let copy = Payload::Packet(packet.clone());
            self.queue
                .push(second, Event::Deliver(end.other(), copy, size));
        }
        self.queue
            .push(first, Event::Deliver(end.other(), payload, size));
        Ok(())
    }

    /// A hostile node sends bytes that need be no packet.
    pub(super) fn send_bytes(&mut self, node: Index, channel: ChannelId, bytes: &[u8]) -> Step {
        let error = match wire::decode(bytes) {
            Ok(packet) => return self.send(node, channel, packet),
            Err(error) => error,
        };
        let end = self.hosts[node].channels.get(channel);
        let open = |end: &End| {
            self.network
                .side(*end)
                .is_some_and(crate::network::Side::is_open)
        };
        let Some(end) = end.filter(open) else {
            return Ok(());
        };
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if let Some(at) = self.network.send(self.now, end, bytes.len()).first {
            let junk = Event::Deliver(end.other(), Payload::Malformed(error), size);
            self.queue.push(at, junk);
        }
        Ok(())
    }

    fn account(&mut self, end: End, packet: &Packet, weight: &Weight) {
        let again = match packet {
            Packet::Frame(frame) => self.sent_before(end, frame),
            Packet::Hello(_) | Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => false,
        };
        self.accounts.packet(weight, again);
        if again && !self.retransmitted {
            self.retransmitted = true;
            self.checkers.note("retransmitted");
        }
    }

    /// True if these messages went out before. (A bare acknowledgement repeats the
    /// last number.)
    fn sent_before(&mut self, end: End, frame: &Frame) -> bool {
        let Some(side) = self
            .network
            .side_mut(end)
            .filter(|_| !frame.messages.is_empty())
        else {
            return false;
        };
        let again = frame.number <= side.highest_frame;
        side.highest_frame = side.highest_frame.max(frame.number);
        again
    }

    /// With real bytes a packet is encoded and decoded on its way.
    fn travel(&self, packet: Packet) -> Payload {
        if !self.scenario.real_crypto {
            return Payload::Packet(packet);
        }
        match wire::decode(&wire::encode(&packet)) {
            Ok(packet) => Payload::Packet(packet),
            Err(error) => Payload::Malformed(error),
        }
    }

    /// A packet reaches an end.
    pub(super) fn deliver(&mut self, end: End, payload: Payload, size: u32) -> Step {
        let Some(side) = self.network.side(end) else {
            return Ok(());
        };
        if !side.is_open() {
            return Ok(());
        }
        let (node, channel) = (side.node, side.channel);
        if self.hosts[node].status == Status::Paused {
            self.defer(node, end, payload, size);
            return Ok(());
        }
        let from = self.network.side(end.other()).map(|side| side.node);
        if let Payload::Packet(packet) = &payload {
            self.note(
                node,
                from,
                What::Receive(Summary::new(packet, size as usize)),
            );
        }
        let input = match payload {
            Payload::Packet(packet) => Input::Received(channel, packet),
            Payload::Malformed(error) => Input::Malformed(channel, error),
        };
        self.feed(node, input, from)
    }

    fn defer(&mut self, node: Index, end: End, payload: Payload, size: u32) {
        let Some(side) = self.network.side_mut(end) else {
            return;
        };
        if side.waiting + size as usize <= KERNEL_BUFFER {
            side.waiting += size as usize;
            self.hosts[node]
                .deferred
                .push(Deferred::Packet(end, payload, size));
        }
    }

    /// Gives a node what came while it stood still.
    pub(super) fn catch_up(&mut self, node: Index) -> Step {
        for deferred in std::mem::take(&mut self.hosts[node].deferred) {
            match deferred {
                Deferred::Packet(end, payload, size) => {
                    if let Some(side) = self.network.side_mut(end) {
                        side.waiting = 0;
                    }
                    self.deliver(end, payload, size)?;
                }
                Deferred::Dropped(end) => self.dropped(end)?,
            }
        }
        Ok(())
    }

    /// A node learns that its own channels broke.
    pub(super) fn tell_own(&mut self, node: Index, channels: Vec<ChannelId>) -> Step {
        channels
            .into_iter()
            .try_for_each(|channel| self.feed(node, Input::Disconnected(channel), None))
    }

    /// Time from now.
    pub(super) fn after(&self, delay: Duration) -> Time {
        self.now + delay
    }
}

/// 32 bytes that no other connection of the run has.
fn binding(seed: u64, connection: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut word = mix(seed) ^ mix(connection).rotate_left(1);
    for chunk in bytes.as_chunks_mut::<8>().0 {
        word = mix(word);
        *chunk = word.to_le_bytes();
    }
    bytes
}
