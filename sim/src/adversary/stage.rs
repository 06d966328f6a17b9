//! What a hostile node's tricks share: what the node knows, and ways to speak.

use super::line::Line;
use bytes::Bytes;
use cliqueclique_core::crypto::SharedSuite;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::{ChannelId, Tag};
use cliqueclique_core::message::{Message, Packet};
use cliqueclique_core::time::Time;
use cliqueclique_core::wire::encoded_len;
use cliqueclique_core::{Effect, Input};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Bytes left free in frames of one's own, for numbers.
const SPARE: usize = 32;

/// Knowledge and means of one hostile node.
#[derive(Debug)]
pub(super) struct Stage {
    /// True time.
    pub(super) now: Time,
    /// Its own stream.
    pub(super) rng: ChaCha8Rng,
    /// Cryptography as everybody has it.
    pub(super) suite: SharedSuite,
    /// Links by channel.
    pub(super) lines: BTreeMap<ChannelId, Line>,
    /// Documents that its core stored.
    pub(super) documents: BTreeMap<Tag, Document>,
    /// Bytes to send that need not be packets.
    pub(super) junk: Vec<(ChannelId, Bytes)>,
    /// Hostile acts that the present trick has counted.
    pub(super) done: u64,
    said: Vec<(ChannelId, Message)>,
}

impl Stage {
    /// A stage on which nothing happened yet.
    pub(super) fn new(suite: SharedSuite, rng: ChaCha8Rng) -> Self {
        Self {
            now: Time::ZERO,
            rng,
            suite,
            lines: BTreeMap::new(),
            documents: BTreeMap::new(),
            junk: Vec::new(),
            done: 0,
            said: Vec::new(),
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

    /// Learns from what the own core sends.
    pub(super) fn note_leaving(&mut self, channel: ChannelId, packet: &Packet) {
        self.note_handshake(channel, packet);
    }

    /// Learns from what the own core wants to have done.
    pub(super) fn note_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Admit(document) => {
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
                let line = self.line(channel);
                for message in &frame.messages {
                    if let Message::State(tag, _) | Message::Digest(tag, _) = message {
                        line.networks.insert(*tag);
                    }
                }
                return;
            }
            Packet::Confirm(_) | Packet::Goodbye => return,
        };
        let node = self.suite.node_id(&key);
        let line = self.line(channel);
        (line.key, line.peer) = (Some(key), Some(node));
    }

    /// Works out the session, as both ends do.
    fn note_handshake(&mut self, channel: ChannelId, packet: &Packet) {
        let suite = self.suite.clone();
        let line = self.line(channel);
        match packet {
            Packet::Hello(hello) => line.hello = Some((**hello).clone()),
            Packet::Welcome(welcome) => {
                let Some(hello) = &line.hello else { return };
                let said = super::proof::hello(&*suite, &line.binding, hello);
                let hash = super::proof::welcome(&*suite, &said, welcome);
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
