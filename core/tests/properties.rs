//! Properties: whatever comes in, in whatever order, some things always hold.

mod common;

use bytes::Bytes;
use cliqueclique_core::message::{
    Admission as Claimed, AdmissionKind, Claim, CloseReason, Confirm, Fragment, Frame, Hello,
    Introduction, Message, Open, Purpose, Push, Range, RangeContent, Rank, RootRef, SetDigest,
    State, Ticket, Welcome,
};
use cliqueclique_core::wire::{self, WireError};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Draft, Effect,
    Input, Mode, NodeId, Notification, Packet, PublicKey, RequestId, Signature, Tag, Time,
    WallTime, crypto::Suite, effect::Record,
};
use common::net::{Host, Net};
use common::{Peer, SUITE, WALL, binding, digest_of, node};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

// ---- packets ----

fn signature() -> impl Strategy<Value = Signature> {
    any::<u8>().prop_map(|byte| Signature::from_bytes(&[byte; 64]))
}

fn tag() -> impl Strategy<Value = Tag> {
    any::<[u8; 8]>().prop_map(Tag)
}

fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn address() -> impl Strategy<Value = Address> {
    bytes(600).prop_map(Address)
}

fn node_id() -> impl Strategy<Value = NodeId> {
    any::<[u8; 16]>().prop_map(NodeId)
}

fn purpose() -> impl Strategy<Value = Purpose> {
    proptest::sample::select(vec![
        Purpose::Neighbor,
        Purpose::Subscriber,
        Purpose::Bridge,
        Purpose::Acquaintance,
        Purpose::Heal,
    ])
}

fn reason() -> impl Strategy<Value = CloseReason> {
    prop_oneof![
        proptest::sample::select(vec![
            CloseReason::Left,
            CloseReason::Unknown,
            CloseReason::Full,
            CloseReason::Surplus,
            CloseReason::Denied,
        ]),
        node_id().prop_map(CloseReason::Replaced),
    ]
}

fn ticket() -> impl Strategy<Value = Ticket> {
    (node_id(), any::<u64>(), any::<bool>(), signature()).prop_map(
        |(introducer, expires, replaces, signature)| Ticket {
            introducer,
            expires: WallTime(expires),
            replaces,
            signature,
        },
    )
}

fn rank() -> impl Strategy<Value = Rank> {
    proptest::sample::select(vec![
        Rank::Leaving,
        Rank::Holder,
        Rank::Subscriber,
        Rank::Founder,
    ])
}

fn root() -> impl Strategy<Value = RootRef> {
    let succeeds = proptest::option::of((node_id(), any::<u32>()));
    let claim = (
        rank(),
        any::<[u8; 32]>(),
        succeeds,
        any::<u64>(),
        signature(),
    );
    prop_oneof![
        Just(RootRef::Founder),
        any::<[u8; 4]>().prop_map(RootRef::Known),
        Just(RootRef::Alone),
        claim.prop_map(|(rank, key, succeeds, sequence, signature)| {
            let key = PublicKey(key);
            RootRef::Full(Box::new(Claim {
                rank,
                key,
                succeeds,
                sequence,
                signature,
            }))
        }),
    ]
}

fn state() -> impl Strategy<Value = State> {
    (any::<u8>(), any::<u16>(), root()).prop_map(|(flags, distance, root)| State {
        flags,
        distance,
        root,
    })
}

fn open() -> impl Strategy<Value = Open> {
    let parts = (
        any::<[u8; 8]>(),
        state(),
        proptest::option::of(ticket()),
        any::<bool>(),
    );
    parts.prop_map(|(proof, state, ticket, heal)| Open {
        proof,
        state,
        ticket,
        heal,
    })
}

fn introduction() -> impl Strategy<Value = Introduction> {
    (node_id(), address(), ticket(), purpose()).prop_map(|(peer, address, ticket, purpose)| {
        Introduction {
            peer,
            address,
            ticket,
            purpose,
        }
    })
}

fn push() -> impl Strategy<Value = Push> {
    let edge = proptest::option::of(state());
    (tag(), edge, any::<bool>(), bytes(200)).prop_map(|(via, edge, fresh, document)| Push {
        via,
        edge,
        fresh,
        document,
    })
}

fn digest() -> impl Strategy<Value = SetDigest> {
    any::<(u32, u64)>().prop_map(|(count, sum)| SetDigest { count, sum })
}

fn range() -> impl Strategy<Value = Range> {
    let content = prop_oneof![
        Just(RangeContent::Skip),
        digest().prop_map(RangeContent::Digest),
        (vec(tag(), 0..20), any::<bool>())
            .prop_map(|(tags, wants)| RangeContent::Tags(tags, wants)),
    ];
    (tag(), content).prop_map(|(from, content)| Range { from, content })
}

fn fragment() -> impl Strategy<Value = Fragment> {
    (any::<u32>(), any::<u32>(), any::<u32>(), bytes(50)).prop_map(
        |(transfer, offset, total, bytes)| Fragment {
            transfer,
            offset,
            total,
            bytes,
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (tag(), state()).prop_map(|(tag, state)| Message::State(tag, state)),
        (tag(), open()).prop_map(|(tag, open)| Message::Open(tag, Box::new(open))),
        (tag(), reason()).prop_map(|(tag, reason)| Message::Close(tag, reason)),
        (tag(), introduction()).prop_map(|(tag, i)| Message::Introduce(tag, Box::new(i))),
        (tag(), purpose()).prop_map(|(tag, purpose)| Message::Seek(tag, purpose)),
        push().prop_map(|push| Message::Push(Box::new(push))),
        (tag(), digest()).prop_map(|(tag, digest)| Message::Digest(tag, digest)),
        (tag(), vec(range(), 0..9)).prop_map(|(tag, ranges)| Message::Reconcile(tag, ranges)),
        (tag(), vec(tag(), 0..40)).prop_map(|(tag, tags)| Message::Want(tag, tags)),
        (tag(), vec(tag(), 0..40)).prop_map(|(tag, tags)| Message::Lack(tag, tags)),
        fragment().prop_map(Message::Fragment),
        Just(Message::Ping),
        address().prop_map(Message::Moved),
        vec(range(), 0..9).prop_map(Message::Audit),
        vec(range(), 0..9).prop_map(Message::Compare),
        (tag(), any::<[u8; 4]>(), any::<bool>())
            .prop_map(|(tag, short, answer)| Message::Root(tag, short, answer)),
        (any::<[u8; 8]>(), digest()).prop_map(|(memory, digest)| Message::Resume(memory, digest)),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let acks = vec((any::<u32>(), 0_u32..9), 0..32);
    (any::<u32>(), acks, any::<u8>(), vec(message(), 0..6)).prop_map(
        |(number, acks, credit, messages)| Frame {
            number: number.max(u32::from(!messages.is_empty())),
            acks: acks
                .into_iter()
                .map(|(first, more)| (first, first.saturating_add(more)))
                .collect(),
            credit,
            messages,
        },
    )
}

fn hello() -> impl Strategy<Value = Hello> {
    let kind = prop_oneof![
        Just(AdmissionKind::Bootstrap),
        ticket().prop_map(AdmissionKind::Introduced),
        Just(AdmissionKind::Reunion),
    ];
    let admission = (tag(), any::<[u8; 16]>(), kind).prop_map(|(tag, proof, kind)| Claimed {
        tag,
        proof,
        kind,
    });
    let versions = any::<(u16, u16)>();
    let keys = any::<([u8; 16], [u8; 32])>();
    (versions, keys, address(), admission, signature()).prop_map(
        |((version_min, version_max), (nonce, key), address, admission, signature)| Hello {
            version_min,
            version_max,
            nonce,
            key: PublicKey(key),
            address,
            admission,
            signature,
        },
    )
}

fn packet() -> impl Strategy<Value = Packet> {
    let welcome = (any::<(u16, [u8; 16], [u8; 32])>(), signature()).prop_map(
        |((version, nonce, key), signature)| Welcome {
            version,
            nonce,
            key: PublicKey(key),
            signature,
        },
    );
    prop_oneof![
        1 => hello().prop_map(|hello| Packet::Hello(Box::new(hello))),
        1 => welcome.prop_map(|welcome| Packet::Welcome(Box::new(welcome))),
        1 => signature().prop_map(|signature| Packet::Confirm(Confirm { signature })),
        6 => frame().prop_map(Packet::Frame),
        1 => Just(Packet::Goodbye),
    ]
}

proptest! {
    #[test]
    fn any_bytes_decode_or_fail_without_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = wire::decode(&bytes);
        let _ = wire::decode_message(&bytes);
        let _ = Document::parse(Bytes::from(bytes), &SUITE);
    }

    #[test]
    fn a_packet_is_the_same_after_a_journey(packet in packet()) {
        let encoded = wire::encode(&packet);
        prop_assert_eq!(encoded.len(), wire::encoded_len(&packet));
        prop_assert_eq!(wire::decode(&encoded), Ok(packet));
    }

    #[test]
    fn a_spoilt_packet_never_panics(packet in packet(), at in any::<prop::sample::Index>(), to: u8) {
        let mut encoded = wire::encode(&packet);
        let at = at.index(encoded.len());
        encoded[at] = to;
        if let Ok(other) = wire::decode(&encoded) {
            // Not every encoding is the shortest, but what was read can be written.
            prop_assert_eq!(wire::decode(&wire::encode(&other)), Ok(other));
        }
        encoded.truncate(at);
        prop_assert!(wire::decode(&encoded).is_err());
    }
}

// ---- one core among peers that do what they like ----

/// One step: what is done, and numbers that say how.
#[derive(Clone, Debug)]
struct Op {
    kind: u8,
    peer: u8,
    a: u8,
    b: u8,
    c: u8,
    extra: Option<Message>,
}

fn op() -> impl Strategy<Value = Op> {
    let numbers = (0_u8..32, 0_u8..3, any::<u8>(), any::<u8>(), any::<u8>());
    (numbers, proptest::option::weighted(0.1, message())).prop_map(
        |((kind, peer, a, b, c), extra)| Op {
            kind,
            peer,
            a,
            b,
            c,
            extra,
        },
    )
}

/// A core, three peers, and the questions that the core has asked its runner.
struct Play {
    core: Core,
    now: Time,
    peers: Vec<Peer>,
    documents: Vec<Document>,
    disk: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, Bytes>,
    questions: Vec<Effect>,
    dialled: Vec<(ChannelId, Address)>,
    open: BTreeSet<ChannelId>,
    next_channel: u64,
    requests: u64,
    log: String,
}

const PLAY_PEERS: usize = 2;

impl Play {
    fn new() -> Self {
        let config = Config {
            max_peers: PLAY_PEERS,
            min_peers: 1,
            min_acquaintances: 2,
            max_acquaintances: 3,
            max_links: 6,
            max_documents: 9,
            max_comments: 6,
            ..Config::default()
        };
        let peers: Vec<Peer> = (b'a'..=b'c').map(Peer::new).collect();
        let documents = documents(&peers);
        Self {
            core: node(b'n', config),
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
            log: String::new(),
        }
    }

    fn play(ops: &[Op]) -> String {
        let mut play = Self::new();
        // Something to talk about, with everybody.
        play.command(0, 0, 2);
        play.answer(0, 0);
        for peer in 0..3 {
            play.link(peer, 0);
        }
        for op in ops {
            play.step(op);
        }
        play.time_goes_on();
        play.log
    }

    fn document(&self, n: u8) -> &Document {
        &self.documents[usize::from(n) % self.documents.len()]
    }

    fn step(&mut self, op: &Op) {
        let peer = usize::from(op.peer);
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
            _ => {
                let mut messages = vec![self.message(peer, op)];
                messages.extend(op.extra.clone());
                self.say(peer, messages, !op.c.is_multiple_of(4));
            }
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
        self.log += &format!("{input:?}\n");
        self.core.handle(self.now, input, &mut effects);
        self.log += &format!("{effects:?}\n");
        let tags: Vec<Tag> = self.core.overlays().collect();
        for tag in tags {
            let (degree, most) = self.core.degree(tag).expect("it is hot");
            assert!(degree <= most, "{degree} neighbours of {most}");
        }
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
            Effect::Load(id) => Input::Loaded(id, self.disk.get(&id).cloned()),
            Effect::Thaw(tag) => {
                Input::Thawed(tag, self.records.get(&Record::Overlay(tag)).cloned())
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
            },
            4 => Command::Publish {
                parents: vec![id],
                children: vec![self.document(c).id()],
                body: Bytes::new(),
                mode,
            },
            5..=9 => Command::Join {
                document: id,
                address: Address(Bytes::from(vec![b'a' + c % 3])),
                mode,
            },
            10..=15 => Command::Subscribe(id, mode),
            16 | 17 => Command::Bookmark(id, c.is_multiple_of(2)),
            18 | 19 => Command::Forget(id),
            20 => Command::BlockAuthor(peer, c.is_multiple_of(2)),
            21 => Command::BlockPeer(peer, c.is_multiple_of(4)),
            22 => Command::SetAddress(Address(Bytes::from(vec![c]))),
            _ if c < 16 => Command::Shutdown,
            _ => Command::Forget(id),
        };
        self.requests += 1;
        self.input(Input::Command(RequestId(self.requests), command));
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
        if let Some(channel) = self.peers[peer].channel {
            self.input(Input::Received(channel, packet));
        }
    }

    fn say(&mut self, peer: usize, messages: Vec<Message>, acks: bool) {
        if let Some(packet) = self.peers[peer].frame(messages, acks) {
            self.receive(peer, packet);
        }
    }

    fn message(&self, from: usize, op: &Op) -> Message {
        let document = self.document(op.a);
        let tag = document.tag();
        let other = self.document(op.b);
        match op.kind {
            21..=23 => Message::Open(tag, Box::new(self.opening(from, document, op))),
            24 | 25 => Message::State(tag, self.state(from, document, op.b, op.c)),
            26 | 27 => Message::Push(Box::new(Push {
                via: tag,
                edge: (op.c.is_multiple_of(2)).then(|| self.state(from, other, op.c, op.b)),
                fresh: !op.c.is_multiple_of(3),
                document: other.bytes().clone(),
            })),
            28 => self.question(tag, op),
            29 => self.introduction(from, document, op),
            30 => Message::Close(tag, self.reason(op.b)),
            31 => Message::Root(tag, [op.b, 0, 0, op.c], op.a.is_multiple_of(2)),
            32 => Message::Resume(
                [op.b; 8],
                SetDigest {
                    count: op.c.into(),
                    sum: op.a.into(),
                },
            ),
            _ if op.a.is_multiple_of(3) => Message::Audit(self.ranges(op)),
            _ if op.a % 3 == 1 => Message::Compare(self.ranges(op)),
            _ => Message::Reconcile(tag, self.ranges(op)),
        }
    }

    fn opening(&self, from: usize, document: &Document, op: &Op) -> Open {
        let peer = &self.peers[from];
        let state = self.state(from, document, op.b, op.c);
        let mut open = peer.open(&document.id(), state);
        open.heal = op.c.is_multiple_of(5);
        if op.c.is_multiple_of(3) {
            let introducer = &self.peers[(from + 1) % 3];
            let expires = WallTime(WALL.0 + u64::from(op.b));
            let (subject, target) = (peer.id, self.core.id());
            open.ticket = Some(introducer.ticket(subject, target, &document.id(), true, expires));
        }
        open
    }

    fn state(&self, from: usize, document: &Document, b: u8, c: u8) -> State {
        let claimant = &self.peers[(from + usize::from(b / 64)) % 3];
        let rank = [Rank::Holder, Rank::Subscriber, Rank::Founder, Rank::Leaving];
        let rank = rank[usize::from(c / 64)];
        let line = self.peers[usize::from(c % 3)].id;
        let succeeds = b.is_multiple_of(3).then_some((line, u32::from(c % 5)));
        let sequence = WALL.0 + u64::from(c % 4);
        // Half of those that name themselves stand where they say.
        let truly_root = claimant.id == self.peers[from].id && !c.is_multiple_of(2);
        State {
            flags: b,
            distance: if truly_root { 0 } else { u16::from(c % 8) },
            root: match b % 7 {
                0 => RootRef::Known([b; 4]),
                1 => RootRef::Alone,
                _ => claimant.claim(&document.id(), rank, sequence, succeeds),
            },
        }
    }

    fn question(&self, tag: Tag, op: &Op) -> Message {
        let some = self.some(op.b);
        match op.c % 6 {
            0 => Message::Want(tag, some),
            1 => Message::Lack(tag, some),
            2 | 3 => Message::Digest(tag, digest_of(&some)),
            _ => Message::Seek(tag, purpose_of(op.b)),
        }
    }

    fn some(&self, bits: u8) -> Vec<Tag> {
        let chosen = |(at, _): &(usize, &Document)| bits >> (at % 8) & 1 == 1;
        let documents = self.documents.iter().enumerate().filter(chosen);
        let mut tags: Vec<Tag> = documents.map(|(_, d)| d.tag()).collect();
        tags.sort_unstable();
        tags
    }

    fn ranges(&self, op: &Op) -> Vec<Range> {
        let some = self.some(op.b);
        let content = match op.c % 3 {
            0 => RangeContent::Tags(some, op.c.is_multiple_of(2)),
            1 => RangeContent::Digest(digest_of(&some)),
            _ => RangeContent::Skip,
        };
        let from = Tag([if op.c < 128 { 0 } else { op.c }; 8]);
        vec![Range { from, content }]
    }

    fn introduction(&self, from: usize, document: &Document, op: &Op) -> Message {
        let peer = &self.peers[usize::from(op.b % 3)];
        let (subject, expires) = (self.core.id(), WallTime(WALL.0 + 600));
        let replaces = op.c.is_multiple_of(2);
        let introducer = &self.peers[from];
        let ticket = introducer.ticket(subject, peer.id, &document.id(), replaces, expires);
        let introduction = Introduction {
            peer: peer.id,
            address: Address(Bytes::from(vec![peer.name])),
            ticket,
            purpose: purpose_of(op.c),
        };
        Message::Introduce(document.tag(), Box::new(introduction))
    }

    fn reason(&self, n: u8) -> CloseReason {
        match n % 6 {
            0 => CloseReason::Left,
            1 => CloseReason::Unknown,
            2 => CloseReason::Full,
            3 => CloseReason::Surplus,
            4 => CloseReason::Denied,
            _ => CloseReason::Replaced(self.peers[usize::from(n / 6 % 3)].id),
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
        for _ in 0..1_000 {
            if self.core.next_deadline().is_none() {
                return;
            }
            self.wake();
            self.log.clear();
        }
        let passed = self.now.since(start);
        assert!(
            passed >= Duration::from_secs(60),
            "{passed:?} in a thousand wakes"
        );
    }
}

fn purpose_of(n: u8) -> Purpose {
    match n % 5 {
        0 => Purpose::Neighbor,
        1 => Purpose::Subscriber,
        2 => Purpose::Bridge,
        3 => Purpose::Acquaintance,
        _ => Purpose::Heal,
    }
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_peers_do_the_core_keeps_its_rules(ops in vec(op(), 1..120)) {
        let first = Play::play(&ops);
        prop_assert_eq!(first, Play::play(&ops));
    }
}

// ---- several cores ----

fn small_world() -> Config {
    Config {
        max_peers: 3,
        min_peers: 2,
        min_acquaintances: 4,
        max_acquaintances: 16,
        ..Config::default()
    }
}

/// Random commands and faults for `minutes`; then two hours of peace, and all must be well.
fn history(count: u8, seed: u64, restarts: bool) -> Net {
    let mut net = Net::new(count, &small_world(), seed);
    publish(&mut net, 0, Vec::new());
    net.run(Time(1_000_000));
    let forum = published(&net)[0];
    for at in 1..usize::from(count) {
        join(&mut net, at, forum);
    }
    net.loss = 80;
    for _ in 0..40 {
        disturb(&mut net, forum, restarts);
        let pause = net.random.random_range(0..20_000_000);
        let until = net.now + Duration::from_micros(pause);
        net.run(until);
    }
    net.loss = 0;
    let peace = net.now + Duration::from_secs(2 * 3600);
    net.run(peace);
    net
}

fn disturb(net: &mut Net, forum: DocumentId, restarts: bool) {
    let at = net.random.random_range(0..net.hosts.len());
    let all = published(net);
    let some = all[net.random.random_range(0..all.len())];
    match net.random.random_range(0..10) {
        0..=3 => publish(net, at, vec![some]),
        4 | 5 => net.command(at, Command::Subscribe(some, Mode::Follow)),
        6 if at != 0 && !restarts => net.command(at, Command::Forget(forum)),
        7 => join(net, at, forum),
        8 if restarts => net.restart(at),
        _ => net.cut_any(),
    }
}

fn publish(net: &mut Net, at: usize, parents: Vec<DocumentId>) {
    let number = net.packets;
    net.command(
        at,
        Command::Publish {
            parents,
            children: Vec::new(),
            body: Bytes::from(format!("{number}")),
            mode: Mode::Follow,
        },
    );
}

fn join(net: &mut Net, at: usize, document: DocumentId) {
    let address = Address(Bytes::from_static(&[0]));
    let mode = Mode::Follow;
    net.command(
        at,
        Command::Join {
            document,
            address,
            mode,
        },
    );
}

fn published(net: &Net) -> Vec<DocumentId> {
    let ids = net.notes.iter().filter_map(|(_, note)| match note {
        Notification::Done(_, id) => *id,
        Notification::Failed(..)
        | Notification::Arrived { .. }
        | Notification::Gone(_)
        | Notification::JoinDelayed(_)
        | Notification::Stopped => None,
    });
    ids.collect()
}

/// Every subscriber has every comment that anybody has; number of such pairs.
fn check_comments(net: &Net, seed: u64) -> usize {
    let mut pairs = 0;
    // What is held by somebody who is in the network of a parent, too.
    let offered = |host: &Host, document: &Document| {
        let mut parents = document.parents().iter();
        let holds = |id: &DocumentId| host.core.overlay(id).is_some_and(|view| view.holds);
        holds(&document.id()) && parents.any(holds)
    };
    let mut everything: BTreeMap<DocumentId, &Document> = BTreeMap::new();
    for host in &net.hosts {
        let held = host.disk.iter().filter(|(_, d)| offered(host, d));
        everything.extend(held.map(|(id, document)| (*id, document)));
    }
    for (at, host) in net.hosts.iter().enumerate() {
        for (id, comment) in &everything {
            let wants = comment.parents().iter().any(|parent| {
                let view = host.core.overlay(parent);
                view.is_some_and(|view| view.holds && view.mode.subscribes())
            });
            assert!(
                !wants || host.core.overlay(id).is_some_and(|view| view.holds),
                "seed {seed}: node {at} misses {id:?} under {:?}",
                comment.parents()
            );
            pairs += usize::from(wants);
        }
    }
    pairs
}

/// All holders of a document agree on its overlay root and stand at the distance
/// that they claim; number of documents with several holders.
fn check_trees(net: &Net, seed: u64) -> usize {
    let mut shared = 0;
    for id in published(net) {
        let views = net.hosts.iter().filter_map(|host| {
            let view = host.core.overlay(&id)?;
            view.holds.then_some((host.core.id(), view))
        });
        let views: BTreeMap<_, _> = views.collect();
        let roots: BTreeSet<NodeId> = views.values().map(|view| view.root).collect();
        assert!(roots.len() <= 1, "seed {seed}: {id:?} has roots {roots:?}");
        for (me, view) in &views {
            assert!(!view.frozen && !view.leaving, "seed {seed}: {view:?}");
            let Some(upstream) = view.upstream else {
                assert_eq!(view.distance, 0, "seed {seed}: {view:?}");
                continue;
            };
            let above = views.get(&upstream).map(|above| above.distance + 1);
            assert_eq!(above, Some(view.distance), "seed {seed}: {view:?}");
            let below = views[&upstream].neighbors.iter().find(|n| n.node == *me);
            assert!(
                below.is_some_and(|n| n.downstream),
                "seed {seed}: {me:?} {view:?} {:?}",
                views[&upstream]
            );
        }
        shared += usize::from(views.len() > 1);
    }
    shared
}

fn check_histories(count: u8, seeds: std::ops::Range<u64>, restarts: bool) {
    let (mut pairs, mut shared, mut lost) = (0, 0, 0);
    for seed in seeds {
        let net = history(count, seed, restarts);
        pairs += check_comments(&net, seed);
        shared += check_trees(&net, seed);
        lost += net.lost;
    }
    // Not emptily.
    assert!(
        pairs > 10 && shared > 2 && lost > 100,
        "{pairs} {shared} {lost}"
    );
}

#[test]
fn two_nodes_end_up_with_the_same() {
    check_histories(2, 0..60, false);
}

#[test]
fn five_nodes_end_up_with_the_same() {
    check_histories(5, 100..140, false);
}
