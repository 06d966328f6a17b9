//! Test vectors of the wire (PROTOCOL.md, "Test vectors"): the files in
//! `tests/vectors/` hold one named value a line, in hex.
//!
//! Each value is made here from fixed keys by code that follows PROTOCOL.md and
//! not the core; it must encode to the line, and the line must decode to it. To
//! write the files again after a deliberate change of the wire:
//! `UPDATE_VECTORS=1 cargo test -p cliqueclique-core --test vectors`, and read the
//! difference before committing it.

use bytes::Bytes;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite, prefix};
use cliqueclique_core::document::{Document, Draft};
use cliqueclique_core::input::{Admission as Admitted, Command, Input};
use cliqueclique_core::message::{
    Admission, AdmissionKind, Claim, CloseReason, Confirm, Fragment, Frame, Hello, Introduction,
    Message, Mode, Open, Packet, Purpose, Push, Range, RangeContent, Rank, RootRef, STATE_DONE,
    STATE_FROZEN, STATE_HEIR, STATE_UPSTREAM, SetDigest, State, Ticket, Welcome,
};
use cliqueclique_core::{
    Address, ChannelId, Config, Core, DocumentId, Effect, Identity, NodeId, RequestId, SecretKey,
    Signature, Tag, Time, WallTime, wire,
};
use std::fmt::Write as _;
use std::sync::Arc;

const SUITE: Ed25519Blake3 = Ed25519Blake3;
/// Author and dialled node.
const ALICE: SecretKey = SecretKey([1; 32]);
/// Dialling node.
const BOB: SecretKey = SecretKey([2; 32]);
const BINDING: [u8; 32] = [3; 32];
const NONCE: [u8; 16] = [4; 16];
const WALL: WallTime = WallTime(1_700_000_000);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits"))
        .collect()
}

/// Compares named values with a file, or writes it; gives the file's values.
fn check(file: &str, head: &str, values: &[(&str, Vec<u8>)]) -> Vec<Vec<u8>> {
    let path = format!("{}/tests/vectors/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    let lines = values
        .iter()
        .map(|(name, bytes)| format!("{name} = {}\n", hex(bytes)));
    let made = format!("# {head}\n{}", lines.collect::<String>());
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &made).expect("the file can be written");
    }
    let stored = std::fs::read_to_string(&path).expect("the file is there");
    for (stored, made) in stored.lines().zip(made.lines()) {
        assert_eq!(stored, made, "{file}.txt");
    }
    assert_eq!(stored, made, "{file}.txt has other lines");
    let value = |line: &str| line.split_once(" = ").map(|(_, value)| unhex(value));
    stored.lines().filter_map(value).collect()
}

fn draft() -> Draft {
    Draft {
        parents: vec![DocumentId([5; 32]), DocumentId([6; 32])],
        children: vec![DocumentId([7; 32])],
        body: Bytes::from_static(b"A comment."),
        created: WALL,
        founder: true,
    }
}

fn document() -> Document {
    Document::sign(&draft(), &ALICE, &SUITE).expect("within limits")
}

fn node(secret: &SecretKey) -> NodeId {
    SUITE.node_id(&SUITE.public_key(secret))
}

// What PROTOCOL.md says is hashed and signed, written out once more.

fn hello_hash(hello: &Hello) -> [u8; 32] {
    let Hello {
        version_min,
        version_max,
        nonce,
        key,
        address,
        admission,
        signature: _,
    } = hello;
    let fields = (version_min, version_max, nonce, key, address, admission);
    let fields = postcard::to_allocvec(&fields).expect("encodable");
    SUITE.hash("hello", &[&BINDING, &fields])
}

fn hello(document: &DocumentId, kind: AdmissionKind) -> Hello {
    let admission = Admission {
        tag: SUITE.tag(document),
        proof: prefix(&SUITE.hash("admission", &[&document.0, &NONCE])),
        kind,
    };
    let mut hello = Hello {
        version_min: 1,
        version_max: 1,
        nonce: NONCE,
        key: SUITE.public_key(&BOB),
        address: Address(Bytes::from_static(b"bob.example:9")),
        admission,
        signature: Signature::from_bytes(&[0; 64]),
    };
    hello.signature = SUITE.sign(&BOB, &hello_hash(&hello));
    hello
}

fn welcome_hash(hello: &Hello, welcome: &Welcome) -> [u8; 32] {
    let version = welcome.version.to_le_bytes();
    let parts: [&[u8]; 4] = [&hello_hash(hello), &version, &welcome.nonce, &welcome.key.0];
    SUITE.hash("welcome", &parts)
}

fn welcome(hello: &Hello) -> Welcome {
    let mut welcome = Welcome {
        version: 1,
        nonce: [8; 16],
        key: SUITE.public_key(&ALICE),
        signature: Signature::from_bytes(&[0; 64]),
    };
    welcome.signature = SUITE.sign(&ALICE, &welcome_hash(hello, &welcome));
    welcome
}

fn confirm(hello: &Hello, welcome: &Welcome) -> Confirm {
    let message = SUITE.hash("confirm", &[&BINDING, &welcome_hash(hello, welcome)]);
    Confirm {
        signature: SUITE.sign(&BOB, &message),
    }
}

fn open_proof(document: &DocumentId, hello: &Hello, welcome: &Welcome) -> [u8; 8] {
    let session = SUITE.hash("session", &[&welcome_hash(hello, welcome), &hello.nonce]);
    prefix(&SUITE.hash("open", &[&document.0, &session]))
}

/// Line and generation of a root; a claim that does not succeed signs zeros.
type Place = (NodeId, u32);
const OWN_LINE: Place = (NodeId([0; 16]), 0);

fn claim_hash(document: &DocumentId, rank: u8, sequence: u64, place: Place) -> [u8; 32] {
    let (line, generation) = place;
    let parts: [&[u8]; 5] = [
        &document.0,
        &[rank],
        &sequence.to_le_bytes(),
        &line.0,
        &generation.to_le_bytes(),
    ];
    SUITE.hash("claim", &parts)
}

fn claim(document: &DocumentId) -> Claim {
    let sequence = WALL.0;
    Claim {
        rank: Rank::Subscriber,
        key: SUITE.public_key(&ALICE),
        succeeds: None,
        sequence,
        signature: SUITE.sign(&ALICE, &claim_hash(document, 2, sequence, OWN_LINE)),
    }
}

/// Bob follows Alice, the founder, as the second that does.
fn succession(document: &DocumentId) -> Claim {
    let (sequence, place) = (WALL.0 + 1, (node(&ALICE), 2));
    Claim {
        rank: Rank::Founder,
        key: SUITE.public_key(&BOB),
        succeeds: Some(place),
        sequence,
        signature: SUITE.sign(&BOB, &claim_hash(document, 3, sequence, place)),
    }
}

/// Short name of a root; the first of a line is named as the line is.
fn short_of(rank: u8, node: NodeId, sequence: u64, place: Place) -> [u8; 4] {
    let (line, generation) = place;
    let parts: [&[u8]; 5] = [
        &[rank],
        &line.0,
        &generation.to_le_bytes(),
        &node.0,
        &sequence.to_le_bytes(),
    ];
    prefix(&SUITE.hash("root", &parts))
}

/// Alice introduces Bob to Carol.
fn ticket(document: &DocumentId) -> Ticket {
    let (introducer, expires) = (node(&ALICE), WallTime(WALL.0 + 600));
    let carol = node(&SecretKey([9; 32]));
    let parts: [&[u8]; 6] = [
        &introducer.0,
        &node(&BOB).0,
        &carol.0,
        &document.0,
        &expires.0.to_le_bytes(),
        &[1],
    ];
    Ticket {
        introducer,
        expires,
        replaces: true,
        signature: SUITE.sign(&ALICE, &SUITE.hash("ticket", &parts)),
    }
}

fn introduction(document: &DocumentId) -> Introduction {
    Introduction {
        peer: node(&SecretKey([9; 32])),
        address: Address(Bytes::from_static(b"carol.example:9")),
        ticket: Some(ticket(document)),
        purpose: Purpose::Neighbor,
    }
}

fn state(flags: u8, distance: u16, root: RootRef) -> State {
    State {
        flags,
        distance,
        root,
    }
}

/// Every kind of message, with every kind of what it can carry.
fn messages() -> Vec<(&'static str, Message)> {
    let mut all = relations();
    all.extend(contents());
    all.extend(of_the_link());
    all
}

fn relations() -> Vec<(&'static str, Message)> {
    let document = document();
    let (id, tag) = (document.id(), document.tag());
    let hello = hello(&id, AdmissionKind::Bootstrap);
    let claim = claim(&id);
    let alice = node(&ALICE);
    let short = short_of(2, alice, claim.sequence, (alice, 0));
    let frozen = 1 | STATE_FROZEN | STATE_DONE | STATE_UPSTREAM;
    let full = RootRef::Full(Box::new(claim));
    let heir = RootRef::Full(Box::new(succession(&id)));
    let open = Open {
        proof: open_proof(&id, &hello, &welcome(&hello)),
        state: state(2, 300, full.clone()),
        ticket: Some(ticket(&id)),
        heal: false,
    };
    let heal = Open {
        ticket: None,
        heal: true,
        ..open.clone()
    };
    vec![
        (
            "state.author",
            Message::State(tag, state(0, 0, RootRef::Author)),
        ),
        (
            "state.known",
            Message::State(tag, state(frozen, 7, RootRef::Known(short))),
        ),
        ("state.full", Message::State(tag, state(1, 0, full))),
        (
            "state.succeeds",
            Message::State(tag, state(1 | STATE_HEIR, 0, heir)),
        ),
        (
            "state.alone",
            Message::State(tag, state(2, 0, RootRef::Alone)),
        ),
        ("open.ticket", Message::Open(tag, Box::new(open))),
        ("open.heal", Message::Open(tag, Box::new(heal))),
        ("close.left", Message::Close(tag, CloseReason::Left)),
        ("close.unknown", Message::Close(tag, CloseReason::Unknown)),
        ("close.full", Message::Close(tag, CloseReason::Full)),
        (
            "close.replaced",
            Message::Close(tag, CloseReason::Replaced(node(&BOB))),
        ),
        ("close.surplus", Message::Close(tag, CloseReason::Surplus)),
        ("close.denied", Message::Close(tag, CloseReason::Denied)),
        (
            "introduce",
            Message::Introduce(tag, Box::new(introduction(&id))),
        ),
        ("seek.neighbor", Message::Seek(tag, Purpose::Neighbor)),
        ("seek.subscriber", Message::Seek(tag, Purpose::Subscriber)),
        (
            "seek.acquaintance",
            Message::Seek(tag, Purpose::Acquaintance),
        ),
        ("seek.heal", Message::Seek(tag, Purpose::Heal)),
        ("seek.guide", Message::Seek(tag, Purpose::Guide)),
    ]
}

fn contents() -> Vec<(&'static str, Message)> {
    let document = document();
    let (tag, via) = (document.tag(), SUITE.tag(&DocumentId([5; 32])));
    let fresh = Push {
        via,
        edge: Some(state(2, 0, RootRef::Author)),
        fresh: true,
        document: document.bytes().clone(),
    };
    let asked = Push {
        edge: None,
        fresh: false,
        ..fresh.clone()
    };
    let digest = digest(&[tag, Tag([0xff; 8])]);
    let range = |from: Tag, content: RangeContent| Range { from, content };
    let ranges = vec![
        range(Tag([0; 8]), RangeContent::Digest(digest)),
        range(
            Tag([0x40; 8]),
            RangeContent::Tags(vec![Tag([0x41; 8])], true),
        ),
        range(Tag([0x80; 8]), RangeContent::Skip),
    ];
    vec![
        ("push.fresh", Message::Push(Box::new(fresh))),
        ("push.asked", Message::Push(Box::new(asked))),
        ("digest", Message::Digest(via, digest)),
        ("reconcile", Message::Reconcile(via, ranges)),
        ("want", Message::Want(via, vec![tag, Tag([0xff; 8])])),
        ("lack", Message::Lack(via, vec![Tag([0xff; 8])])),
    ]
}

fn of_the_link() -> Vec<(&'static str, Message)> {
    let fragment = Fragment {
        transfer: 1,
        offset: 1_136,
        total: 2_000,
        bytes: Bytes::from_static(&[0xaa; 8]),
    };
    let address = Address(Bytes::from_static(b"alice.example:9"));
    let tag = document().tag();
    let ranges = vec![
        Range {
            from: Tag([0; 8]),
            content: RangeContent::Digest(digest(&[tag])),
        },
        Range {
            from: Tag([0x80; 8]),
            content: RangeContent::Tags(vec![Tag([0xff; 8])], true),
        },
    ];
    let compared = vec![Range {
        from: Tag([0; 8]),
        content: RangeContent::Digest(digest(&[Tag([3; 8]), Tag([4; 8])])),
    }];
    vec![
        ("fragment", Message::Fragment(fragment)),
        ("ping", Message::Ping),
        ("moved", Message::Moved(address)),
        ("audit", Message::Audit(ranges)),
        ("root", Message::Root(tag, [1, 2, 3, 4], true)),
        ("resume", Message::Resume([7; 8], digest(&[tag]))),
        ("compare", Message::Compare(compared)),
    ]
}

/// PROTOCOL.md, "Set digests".
fn mix(tag: Tag) -> u64 {
    let x = u64::from_le_bytes(tag.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn digest(tags: &[Tag]) -> SetDigest {
    SetDigest {
        count: u32::try_from(tags.len()).expect("few"),
        sum: tags.iter().fold(0, |sum, tag| sum.wrapping_add(mix(*tag))),
    }
}

fn packets() -> Vec<(&'static str, Packet)> {
    let id = document().id();
    let first = hello(&id, AdmissionKind::Bootstrap);
    let answer = welcome(&first);
    let bare = Frame {
        number: 300,
        acks: vec![(1, 1), (3, 70_000)],
        credit: 128,
        messages: Vec::new(),
    };
    let frame = Frame {
        number: 301,
        messages: vec![
            Message::Ping,
            Message::Close(Tag([1; 8]), CloseReason::Left),
        ],
        ..bare.clone()
    };
    let confirm = confirm(&first, &answer);
    vec![
        ("hello.bootstrap", Packet::Hello(Box::new(first))),
        (
            "hello.introduced",
            Packet::Hello(Box::new(hello(&id, AdmissionKind::Introduced(ticket(&id))))),
        ),
        (
            "hello.reunion",
            Packet::Hello(Box::new(hello(&id, AdmissionKind::Reunion))),
        ),
        ("welcome", Packet::Welcome(Box::new(answer))),
        ("confirm", Packet::Confirm(confirm)),
        ("frame", Packet::Frame(frame)),
        ("frame.bare", Packet::Frame(bare)),
        ("goodbye", Packet::Goodbye),
    ]
}

#[test]
fn names_and_documents() {
    let document = document();
    let hello = hello(&document.id(), AdmissionKind::Bootstrap);
    let welcome = welcome(&hello);
    let session = SUITE.hash("session", &[&welcome_hash(&hello, &welcome), &NONCE]);
    let alice = node(&ALICE);
    let values = [
        ("secret", ALICE.0.to_vec()),
        ("key", SUITE.public_key(&ALICE).0.to_vec()),
        ("node", node(&ALICE).0.to_vec()),
        ("document", document.bytes().to_vec()),
        ("id", document.id().0.to_vec()),
        ("tag", document.tag().0.to_vec()),
        ("other.secret", BOB.0.to_vec()),
        ("other.node", node(&BOB).0.to_vec()),
        ("hash.hello", hello_hash(&hello).to_vec()),
        ("hash.welcome", welcome_hash(&hello, &welcome).to_vec()),
        ("session", session.to_vec()),
        (
            "hash.claim",
            claim_hash(&document.id(), 2, WALL.0, OWN_LINE).to_vec(),
        ),
        (
            "root.short",
            short_of(2, alice, WALL.0, (alice, 0)).to_vec(),
        ),
        (
            "hash.claim.succeeds",
            claim_hash(&document.id(), 3, WALL.0 + 1, (alice, 2)).to_vec(),
        ),
        (
            "root.short.succeeds",
            short_of(3, node(&BOB), WALL.0 + 1, (alice, 2)).to_vec(),
        ),
        ("mix", mix(document.tag()).to_le_bytes().to_vec()),
    ];
    let head = "names, a document, hashes that are signed (PROTOCOL.md)";
    let stored = check("names", head, &values);
    let again = Document::parse(Bytes::from(stored[3].clone()), &SUITE).expect("canonical");
    assert_eq!(again, document);
    assert!(again.is_signed(&SUITE));
    assert_eq!(again.id().0.to_vec(), stored[4]);
    assert_eq!(again.author(), SUITE.public_key(&ALICE));
    let read = Draft {
        parents: again.parents().to_vec(),
        children: again.children().to_vec(),
        body: Bytes::copy_from_slice(again.body()),
        created: again.created(),
        founder: again.founder(),
    };
    assert_eq!(read, draft());
}

#[test]
fn every_kind_of_packet() {
    let values = packets();
    let encoded: Vec<_> = values
        .iter()
        .map(|(name, packet)| (*name, wire::encode(packet)))
        .collect();
    let stored = check("packets", "packets, one of each kind", &encoded);
    for ((name, packet), bytes) in values.iter().zip(stored) {
        assert_eq!(wire::decode(&bytes).as_ref(), Ok(packet), "{name}");
    }
}

#[test]
fn every_kind_of_message() {
    let values = messages();
    let encoded: Vec<_> = values
        .iter()
        .map(|(name, message)| (*name, postcard::to_allocvec(message).expect("encodable")))
        .collect();
    let stored = check("messages", "messages, one of each kind", &encoded);
    for ((name, message), bytes) in values.iter().zip(stored) {
        let decoded = wire::decode_message(&bytes);
        if matches!(message, Message::Fragment(_)) {
            assert!(decoded.is_err(), "a fragment is never cut again");
            assert_eq!(postcard::from_bytes(&bytes).as_ref(), Ok(message));
        } else {
            assert_eq!(decoded.as_ref(), Ok(message), "{name}");
        }
    }
}

/// The first column of a table's rows, and a length where the bytes are shortened.
fn cells(table: &str) -> Vec<(String, Option<usize>)> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let bytes = cells.next()?.trim_end_matches('`').to_owned();
        let kind = cells.nth(1)?.trim_matches(['[', ']']);
        let length = kind.split(' ').next().and_then(|n| n.parse().ok());
        Some((bytes, length))
    };
    table.lines().filter_map(row).collect()
}

/// Reads cells off some bytes; what is left of them, or nothing if they differ.
fn read_cells<'a>(mut bytes: &'a [u8], cells: &[(String, Option<usize>)]) -> Option<&'a [u8]> {
    for (cell, length) in cells {
        let (first, last) = cell.split_once('…').unwrap_or((cell, ""));
        let (first, last) = (unhex(first), unhex(last));
        let length = if last.is_empty() {
            first.len()
        } else {
            (*length)?
        };
        let (field, rest) = bytes.split_at_checked(length)?;
        if !field.starts_with(&first) || !field.ends_with(&last) {
            return None;
        }
        bytes = rest;
    }
    Some(bytes)
}

#[test]
fn the_tables_show_the_vectors() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect("there");
    let vectors = read("tests/vectors/messages.txt") + &read("tests/vectors/packets.txt");
    let vector = |name: &str| {
        let line = vectors
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        unhex(line.unwrap_or_else(|| panic!("no vector {name}")))
    };
    let mut tables = 0;
    for section in read("protocol/messages.md").split("\n### ").skip(1) {
        let cells = cells(section);
        let head = section
            .lines()
            .find(|line| line.ends_with("`:"))
            .expect(section);
        let name = head.split('`').nth(1).expect(head);
        let bytes = vector(name);
        let shown = if head.starts_with("In ") {
            (0..bytes.len()).any(|at| read_cells(&bytes[at..], &cells).is_some())
        } else {
            read_cells(&bytes, &cells) == Some(&[])
        };
        assert!(shown && !cells.is_empty(), "{section}");
        tables += 1;
    }
    let kinds = messages()
        .iter()
        .map(|(_, m)| postcard::to_allocvec(m).expect("encodable")[0])
        .max();
    assert!(
        tables > usize::from(kinds.expect("some")) + 5,
        "a table for each message and packet"
    );
}

/// Alice's core, which holds a document.
fn alice() -> (Core, DocumentId) {
    let identity = Identity {
        secret: ALICE,
        address: Address(Bytes::from_static(b"alice.example:9")),
    };
    let config = Config {
        state_delay: std::time::Duration::ZERO,
        ..Config::default()
    };
    let mut core = Core::new(config, identity, [0; 32], Arc::new(SUITE), WALL).expect("valid");
    let publish = Command::Publish {
        parents: Vec::new(),
        children: Vec::new(),
        body: Bytes::from_static(b"A forum."),
        mode: Mode::Hold,
        created: None,
    };
    let effects = handle(&mut core, Input::Command(RequestId(1), publish));
    let id = effects.iter().find_map(|effect| {
        if let Effect::Admit(document) = effect {
            Some(document.id())
        } else {
            None
        }
    });
    let id = id.expect("the document is to be stored");
    handle(&mut core, Input::Admitted(id, Admitted::Stored));
    (core, id)
}

fn handle(core: &mut Core, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    core.handle(Time::ZERO, input, &mut effects);
    effects
}

/// Gives a packet to a core; what it sends back.
fn exchange(core: &mut Core, packet: Packet) -> Vec<Packet> {
    let sent = handle(core, Input::Received(ChannelId(1), packet));
    let packet = |effect: Effect| {
        if let Effect::Send(_, packet) = effect {
            Some(packet)
        } else {
            None
        }
    };
    sent.into_iter().filter_map(packet).collect()
}

#[test]
fn a_core_speaks_with_an_implementation_of_the_text() {
    let (mut core, id) = alice();
    let connected = Input::Connected {
        channel: ChannelId(1),
        frame_limit: 1_200,
        binding: BINDING,
    };
    handle(&mut core, connected);
    let hello = hello(&id, AdmissionKind::Bootstrap);
    let sent = exchange(&mut core, Packet::Hello(Box::new(hello.clone())));
    let [Packet::Welcome(welcome)] = &sent[..] else {
        panic!("no Welcome: {sent:?}");
    };
    let message = welcome_hash(&hello, welcome);
    assert_eq!(welcome.key, SUITE.public_key(&ALICE));
    assert!(SUITE.verify(&welcome.key, &message, &welcome.signature));

    exchange(&mut core, Packet::Confirm(confirm(&hello, welcome)));
    assert_eq!(core.links().count(), 1);

    let claim = bobs_claim(&id);
    let open = Open {
        proof: open_proof(&id, &hello, welcome),
        state: state(0, 0, RootRef::Full(Box::new(claim))),
        ticket: None,
        heal: false,
    };
    let frame = Frame {
        number: 1,
        credit: 255,
        messages: vec![Message::Open(SUITE.tag(&id), Box::new(open))],
        ..Frame::default()
    };
    let sent = exchange(&mut core, Packet::Frame(frame));
    check_answer(&id, &sent);
}

fn bobs_claim(id: &DocumentId) -> Claim {
    Claim {
        rank: Rank::Holder,
        key: SUITE.public_key(&BOB),
        succeeds: None,
        sequence: 1,
        signature: SUITE.sign(&BOB, &claim_hash(id, 1, 1, OWN_LINE)),
    }
}

/// Alice tells her state: she wrote the document, so no other holder takes her place.
fn check_answer(id: &DocumentId, sent: &[Packet]) {
    let [Packet::Frame(frame)] = sent else {
        panic!("no frame: {sent:?}");
    };
    // The first frame had her Resume.
    assert_eq!((frame.number, &frame.acks[..]), (2, &[(1, 1)][..]));
    let state = frame.messages.iter().find_map(|message| {
        if let Message::State(tag, state) = message {
            Some((tag, state))
        } else {
            None
        }
    });
    let (tag, state) = state.expect("an Open is answered by a State");
    assert_eq!(*tag, SUITE.tag(id));
    assert_eq!((state.distance, state.flags & STATE_UPSTREAM), (0, 0));
    assert_eq!(state.root, RootRef::Author);
}
