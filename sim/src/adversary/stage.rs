//! What a hostile node's tricks share: what the node knows, and ways to speak.

use super::line::Line;
use super::proof;
use super::ring::{Gift, Ring};
use crate::host::wall;
use bytes::Bytes;
use cliqueclique_core::crypto::SharedSuite;
use cliqueclique_core::document::{Document, Draft};
use cliqueclique_core::id::{Address, ChannelId, DocumentId, NodeId, PublicKey, SecretKey, Tag};
use cliqueclique_core::message::{Message, Packet, Ticket};
use cliqueclique_core::time::{Time, WallTime};
use cliqueclique_core::wire::encoded_len;
use cliqueclique_core::{Effect, Identity, Input};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Life of tickets that it signs, seconds. Longer than honest ones would be refused.
const TICKET_LIFE: u64 = 600;
/// Bytes left free in frames of one's own, for numbers.
const SPARE: usize = 32;

/// First number of channels that tricks dial themselves. Cores and hosts stay far below.
pub(super) const OWN_CHANNELS: u64 = 1 << 48;

/// Knowledge and means of one hostile node.
#[derive(Debug)]
pub(super) struct Stage {
    /// True time.
    pub(super) now: Time,
    /// Its own stream.
    pub(super) rng: ChaCha8Rng,
    /// Cryptography as everybody has it.
    pub(super) suite: SharedSuite,
    /// Its key.
    pub(super) secret: SecretKey,
    /// Its public key.
    pub(super) key: PublicKey,
    /// Its id.
    pub(super) id: NodeId,
    /// Its first address.
    pub(super) address: Address,
    /// Its fellows.
    pub(super) ring: Ring,
    /// Seconds after which a ticket is over for everybody.
    pub(super) tolerance: u64,
    /// Links by channel.
    pub(super) lines: BTreeMap<ChannelId, Line>,
    /// Documents that its core stored.
    pub(super) documents: BTreeMap<Tag, Document>,
    /// Bytes to send that need not be packets.
    pub(super) junk: Vec<(ChannelId, Bytes)>,
    /// Hostile acts that the present trick has counted.
    pub(super) done: u64,
    said: Vec<(ChannelId, Message)>,
    /// Effects of its own.
    effects: Vec<Effect>,
    dialled: u64,
}

impl Stage {
    /// A stage on which nothing happened yet.
    pub(super) fn new(
        identity: &Identity,
        suite: SharedSuite,
        rng: ChaCha8Rng,
        ring: Ring,
        tolerance: u64,
    ) -> Self {
        let key = suite.public_key(&identity.secret);
        Self {
            now: Time::ZERO,
            rng,
            id: suite.node_id(&key),
            secret: identity.secret,
            key,
            suite,
            address: identity.address.clone(),
            ring,
            tolerance,
            lines: BTreeMap::new(),
            documents: BTreeMap::new(),
            junk: Vec::new(),
            done: 0,
            said: Vec::new(),
            effects: Vec::new(),
            dialled: 0,
        }
    }

    /// Counts a hostile act.
    pub(super) fn done(&mut self) {
        self.done += 1;
    }

    /// The link on a channel.
    pub(super) fn line(&mut self, channel: ChannelId) -> &mut Line {
        self.lines.entry(channel).or_default()
    }

    /// Sends a message of one's own.
    pub(super) fn say(&mut self, channel: ChannelId, message: Message) {
        self.said.push((channel, message));
    }

    /// Sends a packet of one's own, on a channel of one's own.
    pub(super) fn send(&mut self, channel: ChannelId, packet: Packet) {
        self.effects.push(Effect::Send(channel, packet));
    }

    /// Dials an address behind the back of the core.
    pub(super) fn dial(&mut self, address: &Address) -> ChannelId {
        let channel = ChannelId(OWN_CHANNELS + 2 * self.dialled);
        self.dialled += 1;
        self.effects.push(Effect::Dial(channel, address.clone()));
        channel
    }

    /// Channels on which a link stands.
    pub(super) fn channels(&self) -> Vec<ChannelId> {
        let linked = self.lines.iter().filter(|(_, line)| line.session.is_some());
        linked.map(|(&channel, _)| channel).collect()
    }

    /// Networks in which the peer on a channel has spoken to us.
    pub(super) fn relations_with(&self, channel: ChannelId) -> Vec<(ChannelId, Tag)> {
        let line = self
            .lines
            .get(&channel)
            .filter(|line| line.session.is_some());
        let networks = line.into_iter().flat_map(|line| &line.networks);
        networks.map(|&tag| (channel, tag)).collect()
    }

    /// The same on all channels.
    pub(super) fn relations(&self) -> Vec<(ChannelId, Tag)> {
        let channels = self.channels().into_iter();
        channels
            .flat_map(|channel| self.relations_with(channel))
            .collect()
    }

    /// At most so many of them, drawn at random.
    pub(super) fn some_relations(&mut self, most: usize) -> Vec<(ChannelId, Tag)> {
        let mut all = self.relations();
        let mut some = Vec::new();
        while some.len() < most && !all.is_empty() {
            some.push(all.swap_remove(self.rng.random_range(0..all.len())));
        }
        some
    }

    /// Some comment of a document.
    pub(super) fn comment_of(&self, tag: Tag) -> Option<&Document> {
        let id = self.documents.get(&tag)?.id();
        let mut comments = self.documents.values();
        comments.find(|document| document.parents().contains(&id))
    }

    /// Writes a document.
    pub(super) fn write(
        &mut self,
        parents: &[Tag],
        children: &[Tag],
        body: Bytes,
    ) -> Option<Document> {
        let ids = |tags: &[Tag]| -> Option<Vec<DocumentId>> {
            let documents = tags.iter().map(|tag| self.documents.get(tag));
            documents.map(|found| Some(found?.id())).collect()
        };
        let draft = Draft {
            parents: ids(parents)?,
            children: ids(children)?,
            body,
            created: wall(self.now),
            founder: false,
        };
        Document::sign(&draft, &self.secret, &*self.suite).ok()
    }

    /// Signs a ticket for a pair of nodes.
    pub(super) fn ticket(
        &self,
        (subject, target): (NodeId, NodeId),
        document: &DocumentId,
        replaces: bool,
    ) -> Ticket {
        let mut ticket = Ticket {
            introducer: self.id,
            expires: WallTime(wall(self.now).0 + TICKET_LIFE),
            replaces,
            signature: proof::unsigned(),
        };
        let pair = (subject, target);
        proof::sign_ticket(&*self.suite, &self.secret, pair, document, &mut ticket);
        ticket
    }

    /// Learns from what the own core sends.
    pub(super) fn note_leaving(&mut self, channel: ChannelId, packet: &Packet) {
        self.note_handshake(channel, packet);
    }

    /// Learns from what the own core wants to have done.
    pub(super) fn note_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Admit(document) => {
                self.ring.tell(document.tag());
                self.documents.insert(document.tag(), document.clone());
            }
            Effect::Hangup(channel) => drop(self.lines.remove(channel)),
            _ => {}
        }
    }

    /// Learns from what comes.
    pub(super) fn note_input(&mut self, input: &Input) {
        match input {
            Input::Connected {
                channel, binding, ..
            } => {
                self.lines.insert(*channel, Line::new(*binding));
            }
            Input::Disconnected(channel) => drop(self.lines.remove(channel)),
            Input::Received(channel, packet) => self.note_coming(*channel, packet),
            _ => {}
        }
    }

    fn note_coming(&mut self, channel: ChannelId, packet: &Packet) {
        self.note_handshake(channel, packet);
        let key = match packet {
            Packet::Hello(hello) => hello.key,
            Packet::Welcome(welcome) => welcome.key,
            Packet::Frame(frame) => {
                for message in &frame.messages {
                    self.note_message(channel, message);
                }
                return;
            }
            Packet::Confirm(_) | Packet::Goodbye => return,
        };
        let node = self.suite.node_id(&key);
        let line = self.line(channel);
        (line.key, line.peer) = (Some(key), Some(node));
    }

    fn note_message(&mut self, channel: ChannelId, message: &Message) {
        match message {
            Message::State(tag, _) | Message::Digest(tag, _) => {
                self.line(channel).networks.insert(*tag);
            }
            Message::Introduce(tag, introduction) => {
                if let Some(ticket) = introduction.ticket.clone() {
                    self.ring.give(Gift {
                        subject: self.id,
                        target: introduction.peer,
                        address: introduction.address.clone(),
                        tag: *tag,
                        ticket,
                    });
                }
            }
            _ => {}
        }
    }

    /// Works out the session, as both ends do.
    fn note_handshake(&mut self, channel: ChannelId, packet: &Packet) {
        let suite = self.suite.clone();
        let line = self.line(channel);
        match packet {
            Packet::Hello(hello) => line.hello = Some((**hello).clone()),
            Packet::Welcome(welcome) => {
                let Some(hello) = &line.hello else { return };
                let said = proof::hello(&*suite, &line.binding, hello);
                let hash = proof::welcome(&*suite, &said, welcome);
                line.session = Some(suite.hash("session", &[&hash, &hello.nonce]));
            }
            Packet::Confirm(_) | Packet::Frame(_) | Packet::Goodbye => {}
        }
    }

    /// When a frame of one's own goes again.
    pub(super) fn next(&self) -> Option<Time> {
        self.lines.values().filter_map(Line::next).min()
    }

    /// Puts what was said into frames, and frames that go again.
    pub(super) fn drain(&mut self, limit: usize, out: &mut Vec<Effect>) {
        let now = self.now;
        out.append(&mut self.effects);
        for (&channel, line) in &mut self.lines {
            let again = line.again(now).into_iter();
            out.extend(again.map(|frame| Effect::Send(channel, Packet::Frame(frame))));
        }
        let mut frames: BTreeMap<ChannelId, Vec<Message>> = BTreeMap::new();
        for (channel, message) in std::mem::take(&mut self.said) {
            frames.entry(channel).or_default().push(message);
        }
        for (channel, messages) in frames {
            let Some(line) = self.lines.get_mut(&channel) else {
                continue;
            };
            for messages in portions(messages, limit.saturating_sub(SPARE)) {
                let frame = line.frame(messages, now);
                out.push(Effect::Send(channel, Packet::Frame(frame)));
            }
        }
    }
}

/// Cuts a list of messages where a frame is full. One that fits no frame has one for itself.
fn portions(messages: Vec<Message>, room: usize) -> Vec<Vec<Message>> {
    let (mut portions, mut length) = (Vec::<Vec<Message>>::new(), usize::MAX);
    for message in messages {
        let more = encoded_len(&message);
        if length.saturating_add(more) > room {
            portions.push(Vec::new());
            length = 0;
        }
        length += more;
        if let Some(portion) = portions.last_mut() {
            portion.push(message);
        }
    }
    portions
}
