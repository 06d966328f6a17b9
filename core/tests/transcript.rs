//! What two nodes say to each other, packet by packet (PROTOCOL.md, "Test vectors").
//!
//! Two cores with given keys and seeds live through a short story; every packet goes into
//! `tests/vectors/transcript.txt`. Signatures, proofs and hashes in it are checked here by
//! code that follows PROTOCOL.md and not the core. To write the file again after a
//! deliberate change: `UPDATE_VECTORS=1 cargo test -p cliqueclique-core --test transcript`.

use bytes::Bytes;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite, prefix};
use cliqueclique_core::message::{
    Claim, Frame, Hello, Message, Open, Rank, RootRef, State, Welcome,
};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Identity,
    Input, Mode, NodeId, Packet, RequestId, SecretKey, Time, WallTime, wire,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

const SUITE: Ed25519Blake3 = Ed25519Blake3;
const NAMES: [&str; 2] = ["alice", "bob"];
const WALL: WallTime = WallTime(1_700_000_000);
/// A packet needs so long.
const LATENCY: u64 = 50_000;
const SECOND: u64 = 1_000_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn secret(node: usize) -> SecretKey {
    SecretKey([u8::try_from(node).expect("few") + 1; 32])
}

fn address(node: usize) -> Address {
    Address(Bytes::from_static(NAMES[node].as_bytes()))
}

fn core(node: usize) -> Core {
    let identity = Identity {
        secret: secret(node),
        address: address(node),
    };
    let seed = [u8::try_from(node).expect("few"); 32];
    let config = Config {
        min_peers: 1,
        min_acquaintances: 0,
        ..Config::default()
    };
    Core::new(config, identity, seed, Arc::new(SUITE), WALL).expect("valid")
}

/// Two nodes, their disks, the connection between them, and all that was said.
struct World {
    cores: [Core; 2],
    disks: [BTreeMap<DocumentId, Document>; 2],
    inputs: BTreeMap<(u64, u64), (usize, Input)>,
    serial: u64,
    now: u64,
    /// Which connection a channel of a node is; its channel binding is this number 32 times.
    connections: BTreeMap<(usize, ChannelId), u8>,
    /// Their number.
    connection: u8,
    said: Vec<(u8, usize, u64, Packet)>,
    text: String,
}

impl World {
    fn new() -> Self {
        Self {
            cores: [core(0), core(1)],
            disks: Default::default(),
            inputs: BTreeMap::new(),
            serial: 0,
            now: 0,
            connections: BTreeMap::new(),
            connection: 0,
            said: Vec::new(),
            text: String::new(),
        }
    }

    fn chapter(&mut self, title: &str) {
        let _ = write!(self.text, "\n# {title}\n");
    }

    fn later(&mut self, delay: u64, node: usize, input: Input) {
        self.serial += 1;
        let at = self.now + delay;
        self.inputs.insert((at, self.serial), (node, input));
    }

    /// Lives until a time, in seconds.
    fn run(&mut self, until: u64) {
        loop {
            let deadlines = self.cores.iter().map(Core::next_deadline).zip(0..);
            let wake = deadlines.filter_map(|(at, node)| Some((at?.0, node))).min();
            let input = self.inputs.first_key_value().map(|((at, _), _)| *at);
            let next = wake.map(|(at, _)| at).into_iter().chain(input).min();
            let Some(next) = next.filter(|next| *next <= until * SECOND) else {
                self.now = until * SECOND;
                return;
            };
            self.now = self.now.max(next);
            if input == Some(next) {
                if let Some((_, (node, input))) = self.inputs.pop_first() {
                    self.give(node, input);
                }
            } else if let Some((_, node)) = wake {
                self.give(node, Input::Wake);
            }
        }
    }

    fn command(&mut self, node: usize, command: Command) {
        self.give(node, Input::Command(RequestId(1), command));
    }

    fn say(&mut self, node: usize, parents: Vec<DocumentId>, text: &'static str) -> DocumentId {
        let publish = Command::Publish {
            parents,
            children: Vec::new(),
            body: Bytes::from_static(text.as_bytes()),
            mode: Mode::Follow,
        };
        let held: BTreeSet<DocumentId> = self.disks[node].keys().copied().collect();
        self.command(node, publish);
        let new = |id: &&DocumentId| !held.contains(id);
        *self.disks[node].keys().find(new).expect("stored")
    }

    fn give(&mut self, node: usize, input: Input) {
        let mut effects = Vec::new();
        self.cores[node].handle(Time(self.now), input, &mut effects);
        for effect in effects {
            self.perform(node, effect);
        }
    }

    fn perform(&mut self, node: usize, effect: Effect) {
        let other = 1 - node;
        // Channels 2, 4, … of one node are 3, 5, … of the other.
        let mirrored = |channel: ChannelId| ChannelId(channel.0 ^ 1);
        match effect {
            Effect::Dial(channel, _) => {
                self.connection += 1;
                for (node, channel) in [(other, mirrored(channel)), (node, channel)] {
                    self.connections.insert((node, channel), self.connection);
                    let connected = Input::Connected {
                        channel,
                        frame_limit: 16_384,
                        binding: [self.connection; 32],
                    };
                    self.later(LATENCY, node, connected);
                }
            }
            Effect::Send(channel, packet) => {
                self.note(node, channel, &packet);
                self.later(LATENCY, other, Input::Received(mirrored(channel), packet));
            }
            Effect::Hangup(channel) => {
                self.later(LATENCY, other, Input::Disconnected(mirrored(channel)));
            }
            Effect::Admit(document) => {
                let id = document.id();
                assert!(document.is_signed(&SUITE));
                self.disks[node].insert(id, document);
                self.later(0, node, Input::Admitted(id, Admission::Stored));
            }
            Effect::Load(id) => {
                let document = self.disks[node].get(&id).cloned();
                self.later(0, node, Input::Loaded(id, document));
            }
            Effect::Delete(id, _) => drop(self.disks[node].remove(&id)),
            Effect::Report(peer, violation) => panic!("{node} blames {peer:?} for {violation:?}"),
            Effect::Thaw(_) | Effect::Recall(_) => panic!("nothing is cold"),
            Effect::Save(..) | Effect::Notify(_) => {}
        }
    }

    /// Both ends of the present connection see it break.
    fn cut(&mut self, channels: [ChannelId; 2]) {
        for (node, channel) in channels.into_iter().enumerate() {
            self.give(node, Input::Disconnected(channel));
        }
    }

    fn note(&mut self, node: usize, channel: ChannelId, packet: &Packet) {
        let connection = self.connections[&(node, channel)];
        self.said.push((connection, node, self.now, packet.clone()));
        let (number, name) = (self.said.len(), NAMES[node]);
        let (words, bytes) = (words(packet), hex(&wire::encode(packet)));
        let at = self.now;
        let _ = write!(
            self.text,
            "# {words}\n{number} {name} {connection} {at} = {bytes}\n"
        );
    }
}

fn words(packet: &Packet) -> String {
    match packet {
        Packet::Frame(frame) => {
            let Frame {
                number,
                acks,
                credit,
                messages,
            } = frame;
            let messages: Vec<String> = messages.iter().map(message_words).collect();
            let messages = messages.join(", ");
            format!("Frame {number}, acks {acks:?}, credit {credit}: {messages}")
        }
        Packet::Hello(hello) => format!("Hello, {}", first_word(&hello.admission.kind)),
        Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => first_word(packet),
    }
}

fn first_word(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

fn state_words(state: &State) -> String {
    let State {
        flags,
        distance,
        root,
    } = state;
    format!(
        "flags {flags:#04x} distance {distance} root {}",
        first_word(root)
    )
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the name says enough of the others"
)]
fn message_words(message: &Message) -> String {
    let name = first_word(message);
    match message {
        Message::State(_, state) => format!("{name} {}", state_words(state)),
        Message::Open(_, open) => format!("{name} {} heal {}", state_words(&open.state), open.heal),
        Message::Close(_, reason) => format!("{name} {reason:?}"),
        Message::Push(push) => {
            let edge = push.edge.as_ref().map(state_words);
            let edge = edge.unwrap_or_else(|| "none".to_owned());
            format!("{name} fresh {} edge ({edge})", push.fresh)
        }
        _ => name,
    }
}

/// The story. Gives the world and the forum's id.
fn live() -> (World, DocumentId) {
    let mut world = World::new();
    let forum = world.say(0, Vec::new(), "A forum.");
    world.run(1);
    world.chapter("Handshake, and Bob joins to hold the forum's root document");
    let join = Command::Join {
        document: forum,
        address: address(0),
        mode: Mode::Hold,
    };
    world.command(1, join);
    world.run(5);
    world.chapter("Bob follows it");
    world.command(1, Command::Subscribe(forum, Mode::Follow));
    world.run(10);
    world.chapter("Alice comments: a push, and a network is born that nobody speaks of");
    let comment = world.say(0, vec![forum], "A comment.");
    world.run(20);
    world.chapter("Bob answers her comment");
    let answer = world.say(1, vec![comment], "An answer.");
    world.run(30);
    world.chapter("The connection breaks while nothing is under way, and comes back");
    world.cut([ChannelId(3), ChannelId(2)]);
    world.run(50);
    world.chapter("It breaks again, and both comment before it is back");
    world.cut([ChannelId(2), ChannelId(3)]);
    world.say(0, vec![forum], "Said by Alice alone.");
    let alone = world.say(1, vec![forum], "Said by Bob alone.");
    world.run(100);
    world.chapter("Bob leaves everything; the unused link is closed");
    for document in [answer, alone, forum] {
        world.command(1, Command::Forget(document));
    }
    world.run(300);
    (world, forum)
}

const HEAD: &str = "\
# What two nodes say (PROTOCOL.md, \"Test vectors\"). A line of a packet is
#   number from connection microseconds = packet in hex
# and arrives 50,000 microseconds later. The channel binding of connection n is 32 times
# the byte n, its frame limit 16,384. No packet is lost. Settings are the defaults, but for
# min_peers 1 and min_acquaintances 0, so that less is sought; random bytes are those in the
# packets. The wall clock is 1700000000 at 0. Documents are stored and read at once.
";

#[test]
fn the_transcript_is_what_the_nodes_say() {
    let (world, forum) = live();
    let mut made = HEAD.to_owned();
    for (node, name) in NAMES.iter().enumerate() {
        let key = SUITE.public_key(&secret(node));
        let _ = writeln!(made, "secret.{name} = {}", hex(&secret(node).0));
        let _ = writeln!(made, "node.{name} = {}", SUITE.node_id(&key));
    }
    let _ = writeln!(made, "forum = {forum}");
    made.push_str(&world.text);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/transcript.txt");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, &made).expect("the file can be written");
    }
    let stored = std::fs::read_to_string(path).expect("the file is there");
    for (stored, made) in stored.lines().zip(made.lines()) {
        assert_eq!(stored, made);
    }
    assert_eq!(stored.len(), made.len(), "other lines");
}

#[test]
fn the_story_shows_what_it_promises() {
    let (world, _) = live();
    let messages = world.said.iter().flat_map(|(.., packet)| {
        if let Packet::Frame(frame) = packet {
            frame.messages.iter().map(first_word).collect()
        } else {
            vec![first_word(packet)]
        }
    });
    let seen: BTreeSet<String> = messages.collect();
    for kind in [
        "Hello",
        "Welcome",
        "Confirm",
        "Goodbye",
        "Resume",
        "Open",
        "State",
        "Want",
        "Push",
        "Digest",
        "Reconcile",
        "Close",
    ] {
        assert!(seen.contains(kind), "no {kind} in {seen:?}");
    }
    assert!(world.disks[1].is_empty(), "Bob has left");
    assert_eq!(world.disks[0].len(), 5, "Alice has everything");
}

// What PROTOCOL.md says, once more.

/// What is known of a connection while its packets are read.
#[derive(Default)]
struct Checked {
    hello: Option<Hello>,
    hello_hash: [u8; 32],
    welcome_hash: [u8; 32],
    welcome: Option<Welcome>,
    /// Of Alice and Bob: frames with messages, and the highest number acknowledged.
    numbers: [u32; 2],
    claims: usize,
    proofs: usize,
}

impl Checked {
    fn packet(&mut self, binding: &[u8; 32], node: usize, packet: &Packet, ids: &[DocumentId]) {
        match packet {
            Packet::Hello(hello) => {
                let mut bytes = wire::encode(packet);
                // The index of the packet is before the fields, the signature after them.
                bytes.truncate(bytes.len() - 64);
                self.hello_hash = SUITE.hash("hello", &[binding, &bytes[1..]]);
                assert!(SUITE.verify(&hello.key, &self.hello_hash, &hello.signature));
                let proven = ids.iter().find(|id| SUITE.tag(id) == hello.admission.tag);
                let id = proven.expect("a document of the story");
                let proof = SUITE.hash("admission", &[&id.0, &hello.nonce]);
                assert_eq!(hello.admission.proof, prefix(&proof));
                self.hello = Some((**hello).clone());
            }
            Packet::Welcome(welcome) => {
                let version = welcome.version.to_le_bytes();
                let parts: [&[u8]; 4] =
                    [&self.hello_hash, &version, &welcome.nonce, &welcome.key.0];
                self.welcome_hash = SUITE.hash("welcome", &parts);
                assert!(SUITE.verify(&welcome.key, &self.welcome_hash, &welcome.signature));
                self.welcome = Some((**welcome).clone());
            }
            Packet::Confirm(confirm) => {
                let hash = SUITE.hash("confirm", &[binding, &self.welcome_hash]);
                let key = &self.hello.as_ref().expect("a Hello came first").key;
                assert!(SUITE.verify(key, &hash, &confirm.signature));
            }
            Packet::Frame(frame) => self.frame(node, frame, ids),
            Packet::Goodbye => {}
        }
    }

    fn frame(&mut self, node: usize, frame: &Frame, ids: &[DocumentId]) {
        if frame.messages.is_empty() {
            assert_eq!(frame.number, self.numbers[node]);
        } else {
            assert_eq!(frame.number, self.numbers[node] + 1, "nothing was lost");
            self.numbers[node] = frame.number;
            let first = matches!(frame.messages[0], Message::Resume(..));
            assert_eq!(frame.number == 1, first, "Resume is the first message");
        }
        for (_, last) in &frame.acks {
            assert!(
                *last <= self.numbers[1 - node],
                "acknowledges what was sent"
            );
        }
        for message in &frame.messages {
            self.message(message, ids);
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the others prove nothing")]
    fn message(&mut self, message: &Message, ids: &[DocumentId]) {
        let id = |tag| ids.iter().find(|id| SUITE.tag(id) == tag).expect("known");
        match message {
            Message::State(tag, state) => self.state(state, id(*tag)),
            Message::Open(tag, open) => {
                self.proof(open, id(*tag));
                self.state(&open.state, id(*tag));
            }
            Message::Push(push) => {
                let document = Document::parse(push.document.clone(), &SUITE).expect("canonical");
                assert!(document.is_signed(&SUITE));
                if let Some(edge) = &push.edge {
                    self.state(edge, &document.id());
                }
            }
            _ => {}
        }
    }

    fn proof(&mut self, open: &Open, id: &DocumentId) {
        let nonce = self.hello.as_ref().expect("a Hello came first").nonce;
        let session = SUITE.hash("session", &[&self.welcome_hash, &nonce]);
        let proof = SUITE.hash("open", &[&id.0, &session]);
        assert_eq!(open.proof, prefix(&proof));
        self.proofs += 1;
    }

    fn state(&mut self, state: &State, id: &DocumentId) {
        let RootRef::Full(claim) = &state.root else {
            return;
        };
        let Claim {
            rank,
            key,
            succeeds,
            sequence,
            signature,
        } = &**claim;
        let rank = match rank {
            Rank::Leaving => 0,
            Rank::Holder => 1,
            Rank::Subscriber => 2,
            Rank::Founder => 3,
        };
        let (line, generation) = succeeds.unwrap_or((NodeId([0; 16]), 0));
        let parts: [&[u8]; 5] = [
            &id.0,
            &[rank],
            &sequence.to_le_bytes(),
            &line.0,
            &generation.to_le_bytes(),
        ];
        assert!(SUITE.verify(key, &SUITE.hash("claim", &parts), signature));
        self.claims += 1;
    }
}

#[test]
fn the_transcript_is_as_the_text_says() {
    let (world, _) = live();
    let mut ids: BTreeSet<DocumentId> = BTreeSet::new();
    for (.., packet) in &world.said {
        if let Packet::Frame(frame) = packet {
            let pushed = frame.messages.iter().filter_map(|message| {
                if let Message::Push(push) = message {
                    Document::parse(push.document.clone(), &SUITE).ok()
                } else {
                    None
                }
            });
            ids.extend(pushed.map(|document| document.id()));
        }
    }
    let ids: Vec<DocumentId> = ids.into_iter().collect();
    let (mut claims, mut proofs) = (0, 0);
    for connection in 1..=world.connection {
        let mut checked = Checked::default();
        let said = world.said.iter().filter(|(c, ..)| *c == connection);
        for (_, node, _, packet) in said {
            assert_eq!(wire::decode(&wire::encode(packet)).as_ref(), Ok(packet));
            checked.packet(&[connection; 32], *node, packet, &ids);
        }
        claims += checked.claims;
        proofs += checked.proofs;
    }
    assert!(claims > 0 && proofs > 1, "{claims} claims, {proofs} proofs");
}
