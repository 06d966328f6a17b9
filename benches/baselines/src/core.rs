//! The core of cliqueclique on the stage of the arena, in two ways: as it is, to see
//! that the stage measures what the simulator measures, and as *flood*: the overlay of
//! a forum's root is ours, but comments do not go along its tree. Everybody gives them
//! to all neighbours, once, and there are no networks of comments.

use crate::wire::{decode, document, encode};
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::effect::{Notification, Record};
use cliqueclique_core::id::{Address, ChannelId, DocumentId, NodeId, RequestId, Tag};
use cliqueclique_core::message::{Mode, Packet as CorePacket};
use cliqueclique_core::time::{Time, WallTime};
use cliqueclique_core::{Admission, Command, Core, Effect as CoreEffect, Identity};
use cliqueclique_core::{Input as CoreInput, wire as core_wire};
use cliqueclique_sim::arena::{Disk, Effect, Held, Input, Line, Packet, Peer, Protocol, Seat};
use cliqueclique_sim::suite::Cheap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Wait before a command that failed is given again: its document is still on its way.
const AGAIN: Duration = Duration::from_secs(1);
/// First byte of what flood sends itself, and of what the core sends.
const FLOOD: u8 = 1;
const CORE: u8 = 0;

/// How comments go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// As the core sends them.
    Tree,
    /// To all neighbours in the network of the forum's root.
    Flood,
}

/// What the core has saved.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Records {
    node: Option<Bytes>,
    peers: BTreeMap<NodeId, Bytes>,
    overlays: BTreeMap<Tag, Bytes>,
}

/// A node.
#[derive(Debug)]
pub struct Cored {
    core: Core,
    id: NodeId,
    bodies: Bodies,
    wall: WallTime,
    frame_limit: usize,
    records: Records,
    channels: BTreeMap<ChannelId, Peer>,
    lines: BTreeMap<Peer, ChannelId>,
    next_channel: u64,
    /// Highest number of a frame sent.
    highest: BTreeMap<ChannelId, u32>,
    /// The forum that a comment is in.
    forums: BTreeMap<DocumentId, DocumentId>,
    /// Commands under way, and those to be given again.
    pending: BTreeMap<RequestId, Command>,
    again: Vec<(Time, Command)>,
    requests: u64,
}

impl Cored {
    /// A node with what its disk has.
    ///
    /// # Panics
    /// If the scenario's settings do not fit together; reading it has refused that.
    #[must_use]
    pub fn new(seat: &Seat, bodies: Bodies) -> Self {
        let records: Records = decode(&seat.durable).unwrap_or_default();
        let identity = Identity {
            secret: seat.secret,
            address: address(seat.node),
        };
        let core = Core::restore(
            seat.config.clone(),
            identity,
            seat.seed,
            Arc::new(Cheap),
            seat.wall,
            records.node.as_deref(),
            records.peers.values().map(AsRef::as_ref),
        );
        let core = core.expect("the scenario's settings fit together");
        Self {
            id: core.id(),
            core,
            bodies,
            wall: seat.wall,
            frame_limit: seat.frame_limit,
            records,
            channels: BTreeMap::new(),
            lines: BTreeMap::new(),
            next_channel: 1,
            highest: BTreeMap::new(),
            forums: BTreeMap::new(),
            pending: BTreeMap::new(),
            again: Vec::new(),
            requests: 0,
        }
    }

    /// Gives the core one input, and then the answers to what it asks.
    fn give(&mut self, now: Time, input: CoreInput, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.core.handle(now, input, &mut out);
            for effect in out {
                inputs.extend(self.perform(now, effect, disk, effects));
            }
        }
    }

    fn perform(
        &mut self,
        now: Time,
        effect: CoreEffect,
        disk: &dyn Disk,
        effects: &mut Vec<Effect>,
    ) -> Option<CoreInput> {
        match effect {
            CoreEffect::Dial(channel, address) => return self.dial(channel, &address, effects),
            CoreEffect::Send(channel, packet) => {
                if let Some(&peer) = self.channels.get(&channel) {
                    let again = self.sent_before(channel, &packet);
                    effects.push(Effect::Send(peer, marked(&packet, again)));
                }
            }
            CoreEffect::Hangup(channel) => {
                if let Some(peer) = self.channels.remove(&channel) {
                    self.lines.remove(&peer);
                    effects.push(Effect::Disconnect(peer));
                }
            }
            CoreEffect::Admit(document) => {
                let answer = CoreInput::Admitted(document.id(), Admission::Stored);
                self.file(&document);
                effects.push(Effect::Store(document));
                return Some(answer);
            }
            CoreEffect::Load(id) => return Some(CoreInput::Loaded(id, disk.load(&id))),
            CoreEffect::Delete(id, tag) => {
                self.records.overlays.remove(&tag);
                effects.push(Effect::Drop(id));
            }
            CoreEffect::Save(record, bytes) => self.save(record, bytes),
            CoreEffect::Thaw(tag) => {
                let record = self.records.overlays.get(&tag).cloned();
                return Some(CoreInput::Thawed(tag, record));
            }
            CoreEffect::Recall(node) => return Some(self.recall(node)),
            CoreEffect::Notify(notification) => self.notified(now, notification, effects),
            CoreEffect::Report(..) => {}
        }
        None
    }

    /// True if these messages went out before. (A bare acknowledgement repeats the last number.)
    fn sent_before(&mut self, channel: ChannelId, packet: &CorePacket) -> bool {
        let CorePacket::Frame(frame) = packet else {
            return false;
        };
        if frame.messages.is_empty() {
            return false;
        }
        let highest = self.highest.entry(channel).or_default();
        let again = frame.number <= *highest;
        *highest = frame.number.max(*highest);
        again
    }

    /// Between two nodes there is one connection; a second one fails.
    fn dial(
        &mut self,
        channel: ChannelId,
        address: &Address,
        effects: &mut Vec<Effect>,
    ) -> Option<CoreInput> {
        let peer = resolve(address).filter(|peer| !self.lines.contains_key(peer));
        let Some(peer) = peer else {
            return Some(CoreInput::Disconnected(channel));
        };
        self.channels.insert(channel, peer);
        self.lines.insert(peer, channel);
        effects.push(Effect::Connect(peer));
        None
    }

    fn save(&mut self, record: Record, bytes: Option<Bytes>) {
        fn put<K: Ord>(map: &mut BTreeMap<K, Bytes>, key: K, bytes: Option<Bytes>) {
            match bytes {
                Some(bytes) => drop(map.insert(key, bytes)),
                None => drop(map.remove(&key)),
            }
        }
        match record {
            Record::Node => self.records.node = bytes,
            Record::Peer(node) => put(&mut self.records.peers, node, bytes),
            Record::Overlay(tag) => put(&mut self.records.overlays, tag, bytes),
        }
    }

    /// Nothing is cold but to a core that was just restored, which asks for itself.
    fn recall(&self, node: NodeId) -> CoreInput {
        let all = self.records.overlays.iter().filter(|_| node == self.id);
        let all = all.map(|(&tag, record)| (tag, record.clone()));
        CoreInput::Recalled(node, all.collect())
    }

    fn notified(&mut self, now: Time, notification: Notification, effects: &mut Vec<Effect>) {
        match notification {
            Notification::Done(request, _) => drop(self.pending.remove(&request)),
            Notification::Failed(request, _) => {
                let command = self.pending.remove(&request);
                self.again
                    .extend(command.map(|command| (now + AGAIN, command)));
            }
            Notification::Stopped => effects.push(Effect::Left),
            Notification::Arrived { .. } | Notification::Gone(_) | Notification::JoinDelayed(_) => {
            }
        }
    }

    fn command(&mut self, now: Time, command: Command, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.pending.insert(request, command.clone());
        self.give(now, CoreInput::Command(request, command), disk, effects);
    }

    /// Which forum a document is in.
    fn file(&mut self, document: &Document) {
        let above = document.parents().first();
        let forum = above.and_then(|parent| self.forums.get(parent)).copied();
        self.forums
            .insert(document.id(), forum.unwrap_or(document.id()));
    }

    /// True if the core has to do with a document.
    fn is_cores(&self, id: &DocumentId) -> bool {
        self.bodies == Bodies::Tree || self.forums.get(id).is_none_or(|forum| forum == id)
    }

    /// The core writes the same document: all that goes into it is the same.
    fn published(
        &mut self,
        now: Time,
        document: &Document,
        mode: Mode,
        disk: &dyn Disk,
        effects: &mut Vec<Effect>,
    ) {
        self.file(document);
        if !self.is_cores(&document.id()) {
            return self.flood(document, None, effects);
        }
        let clock = CoreInput::Clock(document.created());
        self.give(now, clock, disk, effects);
        let command = Command::Publish {
            parents: document.parents().to_vec(),
            children: Vec::new(),
            body: Bytes::copy_from_slice(document.body()),
            mode,
            created: None,
        };
        self.command(now, command, disk, effects);
    }

    fn flood(&mut self, document: &Document, from: Option<Peer>, effects: &mut Vec<Effect>) {
        let forum = self.forums.get(&document.id());
        let Some(view) = forum.and_then(|forum| self.core.overlay(forum)) else {
            return;
        };
        let mut bytes = vec![FLOOD];
        bytes.extend_from_slice(&encode(&(view.tag, document.bytes())));
        let packet = Packet::push(bytes, document.bytes().len());
        let near = |node: NodeId| view.neighbors.iter().any(|near| near.node == node);
        let links = self.core.links().filter(|link| near(link.node));
        let peers = links.filter_map(|link| resolve(&link.address));
        let peers = peers.filter(|&peer| Some(peer) != from);
        effects.extend(peers.map(|peer| Effect::Send(peer, packet.clone())));
    }

    fn received(&mut self, now: Time, from: Peer, bytes: &[u8], disk: &dyn Disk) -> Vec<Effect> {
        let mut effects = Vec::new();
        match bytes.split_first() {
            Some((&CORE, rest)) => {
                let Some(&channel) = self.lines.get(&from) else {
                    return effects;
                };
                let input = match core_wire::decode(rest) {
                    Ok(packet) => CoreInput::Received(channel, packet),
                    Err(error) => CoreInput::Malformed(channel, error),
                };
                self.give(now, input, disk, &mut effects);
            }
            Some((&FLOOD, rest)) => {
                let body = decode::<(Tag, Bytes)>(rest).and_then(|(_, body)| document(&body));
                if let Some(document) = body.filter(|body| disk.load(&body.id()).is_none()) {
                    self.file(&document);
                    self.flood(&document, Some(from), &mut effects);
                    effects.push(Effect::Store(document));
                }
            }
            Some(_) | None => {}
        }
        effects
    }

    fn connected(&mut self, now: Time, peer: Peer, line: Line, disk: &dyn Disk) -> Vec<Effect> {
        let mut effects = Vec::new();
        let own = self.lines.get(&peer).copied();
        if let Some(crossed) = own.filter(|_| !line.dialled) {
            self.channels.remove(&crossed);
            self.give(now, CoreInput::Disconnected(crossed), disk, &mut effects);
        }
        let channel = own.filter(|_| line.dialled).unwrap_or_else(|| {
            self.next_channel += 2;
            ChannelId(self.next_channel - 2)
        });
        self.channels.insert(channel, peer);
        self.lines.insert(peer, channel);
        let mut binding = [0; 32];
        binding[..8].copy_from_slice(&line.number.to_le_bytes());
        let input = CoreInput::Connected {
            channel,
            frame_limit: self.frame_limit,
            binding,
        };
        self.give(now, input, disk, &mut effects);
        effects
    }

    fn disconnected(&mut self, now: Time, peer: Peer, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        if let Some(channel) = self.lines.remove(&peer) {
            self.channels.remove(&channel);
            self.give(now, CoreInput::Disconnected(channel), disk, effects);
        }
    }

    fn joined(&mut self, now: Time, held: &Held, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        self.file(&held.document);
        let Some(via) = held.via.filter(|_| self.is_cores(&held.document.id())) else {
            return;
        };
        let command = Command::Join {
            document: held.document.id(),
            address: address(via),
            mode: held.mode,
        };
        self.command(now, command, disk, effects);
    }

    fn wake(&mut self, now: Time, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        let (due, later) = std::mem::take(&mut self.again)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.again = later;
        for (_, command) in due {
            self.command(now, command, disk, effects);
        }
        self.give(now, CoreInput::Wake, disk, effects);
    }

    /// What a user says about a document of which the core knows.
    fn said(&mut self, now: Time, command: Command, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        let id = match &command {
            Command::Subscribe(id, _) | Command::Bookmark(id, _) | Command::Forget(id) => *id,
            Command::Publish { .. }
            | Command::Join { .. }
            | Command::BlockAuthor(..)
            | Command::BlockPeer(..)
            | Command::SetAddress(_)
            | Command::Import { .. }
            | Command::Shutdown => return,
        };
        if self.is_cores(&id) {
            self.command(now, command, disk, effects);
        }
    }
}

fn address(peer: Peer) -> Address {
    Address(Bytes::copy_from_slice(&(peer as u64).to_le_bytes()))
}

fn resolve(address: &Address) -> Option<Peer> {
    let bytes = address.0.as_ref().try_into().ok()?;
    usize::try_from(u64::from_le_bytes(bytes)).ok()
}

/// A packet of the core. The first byte only tells it from flood.
fn marked(packet: &CorePacket, again: bool) -> Packet {
    let mut bytes = vec![CORE];
    bytes.extend_from_slice(&core_wire::encode(packet));
    Packet::of_core(bytes, packet, again)
}

impl Protocol for Cored {
    fn handle(&mut self, now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Start(held) => {
                held.iter().for_each(|held| self.file(&held.document));
                let clock = CoreInput::Clock(self.wall);
                self.give(now, clock, disk, effects);
            }
            Input::Wake => self.wake(now, disk, effects),
            Input::Connected(peer, line) => effects.extend(self.connected(now, peer, line, disk)),
            Input::Disconnected(peer) => self.disconnected(now, peer, disk, effects),
            Input::Received(from, bytes) => effects.extend(self.received(now, from, &bytes, disk)),
            Input::Joined(held) => self.joined(now, &held, disk, effects),
            Input::Published(document, mode) => {
                self.published(now, &document, mode, disk, effects);
            }
            Input::Wish(id, mode) => self.said(now, Command::Subscribe(id, mode), disk, effects),
            Input::Bookmark(id, on) => self.said(now, Command::Bookmark(id, on), disk, effects),
            Input::Forget(id) => self.said(now, Command::Forget(id), disk, effects),
            Input::Leave => self.command(now, Command::Shutdown, disk, effects),
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let again = self.again.iter().map(|(at, _)| *at);
        again.chain(self.core.next_deadline()).min()
    }

    fn degrees(&self) -> Vec<usize> {
        let views = self.core.overlays();
        let views = views.filter_map(|tag| self.core.overlay_by_tag(tag));
        views.map(|view| view.neighbors.len()).collect()
    }

    fn root(&self, document: &DocumentId) -> Option<Peer> {
        let root = self.core.overlay(document)?.root;
        let mut links = self.core.links();
        let link = links.find(|link| link.node == root)?;
        resolve(&link.address)
    }

    fn is_datagram(&self) -> bool {
        true
    }

    fn durable(&self) -> Bytes {
        encode(&self.records)
    }
}
