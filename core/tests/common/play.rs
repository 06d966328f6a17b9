//! One core among three peers that do what they like: every input that a runner and
//! hostile peers can make, and the rules that hold after each of them.

use super::peer::{Peer, binding, identity, node, peers};
use super::{SUITE, WALL};
use bytes::Bytes;
use cliqueclique_core::crypto::Suite;
use cliqueclique_core::message::{AdmissionKind, Frame, Message};
use cliqueclique_core::wire::{self, WireError};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Draft, Effect,
    Input, Mode, Notification, Packet, RequestId, Tag, Time, WallTime, effect::Record,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// One step: what is done, and numbers that say how.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    /// Below [`KINDS`].
    pub(crate) kind: u8,
    /// Below 3.
    pub(crate) peer: u8,
    pub(crate) a: u8,
    pub(crate) b: u8,
    pub(crate) c: u8,
    pub(crate) extra: Extra,
}

/// What else happens in a step.
#[derive(Clone, Debug)]
pub(crate) enum Extra {
    /// Nothing.
    Plain,
    /// If the peer says something, it says this as well.
    Also(Message),
    /// In the first packet that the peer sends, the byte here becomes this.
    Spoilt(u16, u8),
}

/// Number of kinds of steps.
pub(crate) const KINDS: u8 = 39;
/// Most bytes that the core and all it holds may take when they are written out: the
/// limits of [`settings`] give less than a tenth of it, a list without a bound more.
const MOST_STATE: usize = 8_000_000;

/// A core, three peers, and the questions that the core has asked its runner.
pub(crate) struct Play {
    pub(crate) core: Core,
    now: Time,
    pub(crate) peers: Vec<Peer>,
    pub(crate) documents: Vec<Document>,
    disk: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, Bytes>,
    questions: Vec<Effect>,
    dialled: Vec<(ChannelId, Address)>,
    open: BTreeSet<ChannelId>,
    next_channel: u64,
    requests: u64,
    /// How often the core was started.
    lives: u8,
    /// The next packet is spoilt here, to this.
    spoil: Option<(u16, u8)>,
    /// All that went in and came out, if it is to be kept.
    log: Option<String>,
}

/// Limits so narrow that a short history comes up against them.
fn settings() -> Config {
    Config {
        max_peers: 2,
        min_peers: 1,
        min_acquaintances: 2,
        max_acquaintances: 3,
        max_links: 6,
        max_documents: 9,
        max_comments: 6,
        ..Config::default()
    }
}

impl Play {
    fn new(log: Option<String>) -> Self {
        let peers: Vec<Peer> = (b'a'..=b'c').map(Peer::new).collect();
        let documents = documents(&peers);
        Self {
            core: node(b'n', settings()),
            now: Time::ZERO,
            peers,
            documents,
            disk: BTreeMap::new(),
            records: BTreeMap::new(),
            questions: Vec::new(),
            dialled: Vec::new(),
            open: BTreeSet::new(),
            next_channel: 1,
            requests: 0,
            lives: 1,
            spoil: None,
            log,
        }
    }

    /// Plays the steps and lets time go on; gives all that went in and came out.
    pub(crate) fn told(ops: &[Op]) -> String {
        let mut play = Self::new(Some(String::new()));
        play.play(ops);
        play.log.unwrap_or_default()
    }

    /// Plays the steps and lets time go on.
    pub(crate) fn run(ops: &[Op]) {
        Self::new(None).play(ops);
    }

    fn play(&mut self, ops: &[Op]) {
        // Something to talk about, with everybody.
        self.command(0, 0, 2);
        self.answer(0, 0);
        for peer in 0..3 {
            self.link(peer, 0);
        }
        for op in ops {
            self.step(op);
        }
        check_size(&self.core);
        self.time_goes_on();
        check_size(&self.core);
    }

    pub(crate) fn document(&self, n: u8) -> &Document {
        &self.documents[usize::from(n) % self.documents.len()]
    }

    fn step(&mut self, op: &Op) {
        let peer = usize::from(op.peer);
        self.spoil = match op.extra {
            Extra::Spoilt(at, to) => Some((at, to)),
            Extra::Plain | Extra::Also(_) => None,
        };
        match op.kind {
            0 => self.connect(peer),
            1 => self.hello(peer, op.a, op.b),
            2 => self.confirm(peer),
            3 => self.link(peer, op.a),
            4 => self.dial_answered(op.a, !op.b.is_multiple_of(4)),
            5 => self.vanish(peer),
            6 => self.receive(peer, Packet::Goodbye),
            7 => self.malformed(peer),
            8..=11 => self.command(op.a, op.b, op.c),
            12..=16 => self.answer(op.a, op.b),
            17 => {
                let tag = self.document(op.a).tag();
                self.input(Input::Evict(tag));
            }
            18 => self.wake(),
            19 => self.now = self.now + Duration::from_millis(u64::from(op.a) * u64::from(op.b)),
            20 => {
                let wall = WallTime(WALL.0 / 2 + u64::from(op.a) * 10_000);
                self.input(Input::Clock(wall));
            }
            35 => self.restart(op.a, op.b),
            36 => self.flood(peer, op),
            37 => self.wild_frame(peer, op),
            38 => self.sleep(op.a),
            _ => {
                let mut messages = vec![self.message(peer, op)];
                if let Extra::Also(message) = &op.extra {
                    messages.push(message.clone());
                }
                self.say(peer, messages, !op.c.is_multiple_of(4));
            }
        }
    }

    /// A crash, and a start from what was stored; sometimes a record has suffered.
    fn restart(&mut self, which: u8, how: u8) {
        self.peers.iter_mut().for_each(|peer| {
            peer.disconnect();
        });
        (self.questions, self.dialled) = (Vec::new(), Vec::new());
        self.open.clear();
        if how.is_multiple_of(2) && !self.records.is_empty() {
            let at = usize::from(which) % self.records.len();
            if let Some(record) = self.records.values_mut().nth(at) {
                *record = spoilt(record, how);
            }
        }
        let record = self.records.get(&Record::Node).map(|bytes| bytes.as_ref());
        self.lives = self.lives.wrapping_add(1);
        let start = |record| {
            let (config, suite) = (settings(), Arc::new(SUITE));
            let (who, seed, peers) = (identity(b'n'), [self.lives; 32], peers(&self.records));
            Core::restore(config, who, seed, suite, WALL, record, peers)
        };
        // Whose record is lost begins without.
        self.core = start(record)
            .or_else(|_| start(None))
            .expect("settings fit");
        self.now = Time::ZERO;
    }

    /// The same kind of message many times, each a little different.
    fn flood(&mut self, peer: usize, op: &Op) {
        for n in 0..op.b {
            let mut one = op.clone();
            one.kind = 21 + op.a % 14;
            (one.a, one.b) = (n, op.c.wrapping_add(n));
            let message = if op.c.is_multiple_of(4) {
                Message::Want(self.document(op.a).tag(), vec![Tag([n; 8])])
            } else {
                self.message(peer, &one)
            };
            self.say(peer, vec![message], true);
        }
    }

    /// A frame with any number, and acknowledgements of what was never sent.
    fn wild_frame(&mut self, peer: usize, op: &Op) {
        let (a, b) = (u32::from(op.a), u32::from(op.b));
        let number = if op.c.is_multiple_of(2) { a } else { a << 24 };
        let frame = Frame {
            number: number.max(1),
            acks: vec![(b, b + a), (b << 24, u32::MAX)],
            credit: op.c,
            messages: match &op.extra {
                Extra::Also(message) => vec![message.clone()],
                Extra::Plain | Extra::Spoilt(..) => Vec::new(),
            },
        };
        self.receive(peer, Packet::Frame(frame));
    }

    /// So many wakes, without anything else.
    fn sleep(&mut self, wakes: u8) {
        for _ in 0..wakes {
            self.wake();
        }
    }

    /// The one place where the core is called, and where all properties are checked.
    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        if let Input::Disconnected(channel) = &input {
            self.open.remove(channel);
        }
        if let Input::Connected { channel, .. } = &input {
            self.open.insert(*channel);
        }
        if let Some(log) = &mut self.log {
            *log += &format!("{input:?}\n");
        }
        self.core.handle(self.now, input, &mut effects);
        if let Some(log) = &mut self.log {
            *log += &format!("{effects:?}\n");
        }
        check_bounds(&self.core, &settings());
        self.check_order(&effects);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn check_order(&self, effects: &[Effect]) {
        let notified = effects.iter().position(|e| matches!(e, Effect::Notify(_)));
        let saved = effects.iter().rposition(|e| matches!(e, Effect::Save(..)));
        if let (Some(notified), Some(saved)) = (notified, saved) {
            assert!(saved < notified, "told before it was durable: {effects:?}");
        }
        for effect in effects {
            if let Effect::Notify(Notification::Done(_, Some(id))) = effect {
                let record = Record::Overlay(SUITE.tag(id));
                let holds = |e: &Effect| matches!(e, Effect::Save(r, Some(_)) if *r == record);
                assert!(
                    effects.iter().any(holds),
                    "published, not saved: {effects:?}"
                );
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(channel, address) => self.dialled.push((channel, address)),
            Effect::Send(channel, packet) => {
                assert!(
                    self.open.contains(&channel),
                    "sent on a channel that is gone"
                );
                assert!(wire::decode(&wire::encode(&packet)).as_ref() == Ok(&packet));
                let at = |peer: &&mut Peer| peer.channel == Some(channel);
                if let Some(peer) = self.peers.iter_mut().find(at) {
                    peer.take_packet(&packet);
                }
            }
            Effect::Hangup(channel) => {
                self.open.remove(&channel);
                self.dialled.retain(|(dialled, _)| *dialled != channel);
                for peer in self.peers.iter_mut().filter(|p| p.channel == Some(channel)) {
                    peer.disconnect();
                }
            }
            Effect::Save(record, bytes) => {
                match bytes {
                    Some(bytes) => self.records.insert(record, bytes),
                    None => self.records.remove(&record),
                };
            }
            Effect::Delete(id, tag) => {
                self.disk.remove(&id);
                self.records.remove(&Record::Overlay(tag));
            }
            Effect::Admit(_) | Effect::Load(_) | Effect::Thaw(_) | Effect::Recall(_) => {
                self.questions.push(effect);
            }
            Effect::Notify(_) | Effect::Report(..) => {}
        }
    }

    /// Answers one of the questions, well or badly.
    fn answer(&mut self, which: u8, how: u8) {
        if self.questions.is_empty() {
            return;
        }
        let at = usize::from(which) % self.questions.len();
        let answer = match self.questions.remove(at) {
            Effect::Admit(document) => {
                let id = document.id();
                let outcome = match how % 8 {
                    _ if !document.is_signed(&SUITE) => Admission::Forged,
                    6 => Admission::Forged,
                    7 => Admission::Failed,
                    _ => Admission::Stored,
                };
                if outcome == Admission::Stored {
                    self.disk.insert(id, document.clone());
                    if !self.documents.contains(&document) && self.documents.len() < 16 {
                        self.documents.push(document);
                    }
                }
                Input::Admitted(id, outcome)
            }
            Effect::Load(id) if how % 8 == 7 => Input::Loaded(id, None),
            Effect::Load(id) => Input::Loaded(id, self.disk.get(&id).cloned()),
            Effect::Thaw(tag) => {
                let record = self.records.get(&Record::Overlay(tag));
                let record = match how % 8 {
                    6 => record.map(|bytes| spoilt(bytes, how)),
                    7 => None,
                    _ => record.cloned(),
                };
                Input::Thawed(tag, record)
            }
            Effect::Recall(node) => Input::Recalled(node, self.cold()),
            Effect::Dial(..)
            | Effect::Send(..)
            | Effect::Hangup(_)
            | Effect::Delete(..)
            | Effect::Save(..)
            | Effect::Notify(_)
            | Effect::Report(..) => return,
        };
        self.input(answer);
    }

    fn cold(&self) -> Vec<(Tag, Bytes)> {
        let hot: BTreeSet<Tag> = self.core.overlays().collect();
        let records = self
            .records
            .iter()
            .filter_map(|(record, bytes)| match record {
                Record::Overlay(tag) if !hot.contains(tag) => Some((*tag, bytes.clone())),
                Record::Overlay(_) | Record::Node | Record::Peer(_) => None,
            });
        records.collect()
    }

    fn command(&mut self, a: u8, b: u8, c: u8) {
        let id = self.document(b).id();
        let mode = [Mode::Hold, Mode::Subscribe, Mode::Follow][usize::from(c % 3)];
        let peer = self.peers[usize::from(b % 3)].id;
        let command = match a % 24 {
            0..=3 => Command::Publish {
                parents: if a == 0 { Vec::new() } else { vec![id] },
                children: Vec::new(),
                body: Bytes::from(vec![a, b, c]),
                mode,
                created: None,
            },
            4 => Command::Publish {
                parents: vec![id],
                children: vec![self.document(c).id()],
                body: Bytes::new(),
                mode,
                created: None,
            },
            5..=8 => Command::Join {
                document: id,
                address: Address(Bytes::from(vec![b'a' + c % 3])),
                mode,
            },
            9 => self.import(b, c, None),
            10..=15 => Command::Subscribe(id, mode),
            16 | 17 => Command::Bookmark(id, c.is_multiple_of(2)),
            18 | 19 => Command::Forget(id),
            20 => Command::BlockAuthor(peer, c.is_multiple_of(2)),
            21 => Command::BlockPeer(peer, c.is_multiple_of(4)),
            22 => Command::SetAddress(Address(Bytes::from(vec![c]))),
            _ if c < 16 => Command::Shutdown,
            _ => self.import(b, c, Some(mode)),
        };
        self.requests += 1;
        self.input(Input::Command(RequestId(self.requests), command));
    }

    fn import(&self, b: u8, c: u8, mode: Option<Mode>) -> Command {
        Command::Import {
            document: self.document(b).clone(),
            via: (c.is_multiple_of(2)).then(|| self.document(c).id()),
            mode,
        }
    }

    fn connect(&mut self, peer: usize) {
        let channel = ChannelId(self.next_channel);
        self.next_channel += 2;
        self.peers[peer].disconnect();
        self.peers[peer].channel = Some(channel);
        self.connected(channel);
    }

    fn connected(&mut self, channel: ChannelId) {
        self.input(Input::Connected {
            channel,
            frame_limit: 1_200,
            binding: binding(channel),
        });
    }

    fn hello(&mut self, peer: usize, document: u8, how: u8) {
        if self.peers[peer].channel.is_none() {
            return;
        }
        let id = self.document(document).id();
        let kind = match how % 8 {
            0 => AdmissionKind::Reunion,
            1..=3 => {
                let introducer = &self.peers[(peer + 1) % 3];
                let expires = WallTime(WALL.0 + 600);
                let subject = self.peers[peer].id;
                AdmissionKind::Introduced(introducer.ticket(
                    subject,
                    self.core.id(),
                    &id,
                    false,
                    expires,
                ))
            }
            _ => AdmissionKind::Bootstrap,
        };
        let hello = self.peers[peer].hello(&id, kind, |hello| {
            if how == 255 {
                hello.version_min = 9;
            }
        });
        self.receive(peer, Packet::Hello(Box::new(hello)));
    }

    fn confirm(&mut self, peer: usize) {
        if let Some(confirm) = self.peers[peer].confirm() {
            self.receive(peer, Packet::Confirm(confirm));
        }
    }

    fn link(&mut self, peer: usize, document: u8) {
        self.connect(peer);
        self.hello(peer, document, 7);
        self.confirm(peer);
    }

    /// A peer that the core dialled answers, or the dial fails.
    fn dial_answered(&mut self, which: u8, well: bool) {
        if self.dialled.is_empty() {
            return;
        }
        let at = usize::from(which) % self.dialled.len();
        let (channel, address) = self.dialled.remove(at);
        let at = |peer: &Peer| address.0.first() == Some(&peer.name);
        let Some(peer) = self.peers.iter().position(at).filter(|_| well) else {
            return self.input(Input::Disconnected(channel));
        };
        self.peers[peer].disconnect();
        let mut effects = Vec::new();
        self.open.insert(channel);
        let connected = Input::Connected {
            channel,
            frame_limit: 1_200,
            binding: binding(channel),
        };
        self.core.handle(self.now, connected, &mut effects);
        for effect in effects {
            if let Effect::Send(_, Packet::Hello(hello)) = &effect {
                let welcome = self.peers[peer].welcome(channel, hello);
                self.receive(peer, Packet::Welcome(Box::new(welcome)));
            }
            // Hangups of a dial that was not wanted any more.
            if let Effect::Hangup(_) = effect {
                self.perform(effect);
            }
        }
    }

    fn vanish(&mut self, peer: usize) {
        if let Some(channel) = self.peers[peer].disconnect() {
            self.input(Input::Disconnected(channel));
        }
    }

    fn malformed(&mut self, peer: usize) {
        if let Some(channel) = self.peers[peer].channel {
            self.input(Input::Malformed(channel, WireError::Encoding));
        }
    }

    fn receive(&mut self, peer: usize, packet: Packet) {
        let Some(channel) = self.peers[peer].channel else {
            return;
        };
        let Some((at, to)) = self.spoil.take() else {
            return self.input(Input::Received(channel, packet));
        };
        let mut bytes = wire::encode(&packet);
        let at = usize::from(at) % bytes.len();
        bytes[at] = to;
        self.input(match wire::decode(&bytes) {
            Ok(packet) => Input::Received(channel, packet),
            Err(error) => Input::Malformed(channel, error),
        });
    }

    fn say(&mut self, peer: usize, messages: Vec<Message>, acks: bool) {
        if let Some(packet) = self.peers[peer].frame(messages, acks) {
            self.receive(peer, packet);
        }
    }

    fn wake(&mut self) {
        if let Some(next) = self.core.next_deadline() {
            self.now = self.now.max(next);
            self.input(Input::Wake);
        }
    }

    /// No more input: each thousand wakes bring time forward, or end in silence.
    fn time_goes_on(&mut self) {
        let start = self.now;
        self.log = None;
        for _ in 0..1_000 {
            if self.core.next_deadline().is_none() {
                return;
            }
            self.wake();
        }
        let passed = self.now.since(start);
        assert!(
            passed >= Duration::from_secs(60),
            "{passed:?} in a thousand wakes"
        );
    }
}

/// What one core can tell of its own bounds, after any input.
pub(crate) fn check_bounds(core: &Core, settings: &Config) {
    for tag in core.overlays() {
        let (degree, most) = core.degree(tag).expect("it is hot");
        assert!(degree <= most, "{degree} neighbours of {most}");
    }
    for tag in core.touched() {
        let comments = core.overlay_by_tag(*tag).map(|view| view.comments);
        let comments = comments.map_or(0, |comments| comments.count as usize);
        assert!(comments <= settings.max_comments, "{comments} comments");
    }
    let links = core.links().count();
    assert!(links <= settings.max_links, "{links} links");
}

/// No list, wherever it is, grows with what peers say.
pub(crate) fn check_size(core: &Core) {
    let size = format!("{core:?}").len();
    assert!(size <= MOST_STATE, "the core takes {size} bytes");
}

/// The record cut short, or with one byte changed.
fn spoilt(record: &Bytes, how: u8) -> Bytes {
    let mut bytes = record.to_vec();
    let at = usize::from(how) * 7 % bytes.len().max(1);
    if how.is_multiple_of(4) {
        bytes.truncate(at);
    } else if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (how % 8);
    }
    Bytes::from(bytes)
}

/// Two forums with comments, and a link document that ties them.
fn documents(peers: &[Peer]) -> Vec<Document> {
    let mut all: Vec<Document> = Vec::new();
    let family: [(usize, Option<usize>, Option<usize>); 6] = [
        (0, None, None),
        (1, Some(0), None),
        (2, Some(0), None),
        (0, Some(1), None),
        (1, None, None),
        (2, Some(0), Some(4)),
    ];
    for (author, parent, child) in family {
        let id = |at: usize| all[at].id();
        let draft = Draft {
            parents: parent.map(id).into_iter().collect(),
            children: child.map(id).into_iter().collect(),
            body: Bytes::from(vec![b'x'; 10 * all.len()]),
            created: WALL,
            founder: author != 2,
        };
        let document = Document::sign(&draft, peers[author].secret(), &SUITE);
        all.push(document.expect("within limits"));
    }
    all
}
