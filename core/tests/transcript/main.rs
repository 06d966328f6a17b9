//! What nodes say to each other, packet by packet (PROTOCOL.md, "Test vectors").
//!
//! Two or three cores with given keys and seeds live through a short story; every packet goes
//! into `tests/vectors/transcript.txt` or `three.txt`. Signatures, proofs and hashes in them are
//! checked here by code that follows PROTOCOL.md and not the core. To write the files again after
//! a deliberate change: `UPDATE_VECTORS=1 cargo test -p cliqueclique-core --test transcript`.

mod check;
mod words;
mod world;

use check::{Checked, Told};
use cliqueclique_core::crypto::{Ed25519Blake3, Suite as _};
use cliqueclique_core::message::Message;
use cliqueclique_core::{Command, Document, DocumentId, Mode, Packet, wire};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use words::first_word;
use world::{World, address, secret};

const SUITE: Ed25519Blake3 = Ed25519Blake3;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The story of two. Gives the world and the forum's id.
fn two() -> (World, DocumentId) {
    let mut world = World::new(2, 1);
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
    world.cut(1, 0);
    world.run(50);
    world.chapter("It breaks again, and both comment before it is back");
    world.cut(2, 0);
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

/// The story of three. Gives the world and the forum's id.
fn three() -> (World, DocumentId) {
    let mut world = World::new(3, 2);
    let forum = world.say(0, Vec::new(), "A forum.");
    world.run(1);
    let join = Command::Join {
        document: forum,
        address: address(0),
        mode: Mode::Follow,
    };
    world.chapter("Bob joins at Alice and follows the forum's root document");
    world.command(1, join.clone());
    world.run(30);
    world.chapter("Carol joins at Alice too, who introduces her to Bob");
    world.command(2, join);
    world.run(60);
    world.chapter("Bob comments; Alice passes it on");
    world.say(1, vec![forum], "A comment by Bob.");
    world.run(90);
    world.chapter("Alice leaves; Bob and Carol go on without her");
    for document in world.disks[0].keys().copied().collect::<Vec<_>>() {
        world.command(0, Command::Forget(document));
    }
    world.run(200);
    world.chapter("Carol comments");
    world.say(2, vec![forum], "A comment by Carol.");
    world.run(230);
    (world, forum)
}

const HEAD: &str = "\
# What nodes say (PROTOCOL.md, \"Test vectors\"). A line of a packet is
#   number from connection microseconds = packet in hex
# and arrives 50,000 microseconds later. The channel binding of connection n is 32 times
# the byte n, its frame limit 16,384. No packet is lost. Settings are the defaults, but for
# min_peers (1 with two nodes, 2 with three) and min_acquaintances 0, so that less is sought;
# random bytes are those in the packets. The wall clock is 1700000000 at 0. Documents are stored and read at once.
";

fn compare(name: &str, world: &World, forum: DocumentId) {
    let mut made = format!("{HEAD}{}forum = {forum}\n", world.cast());
    for (number, (from, to)) in world.calls.iter().enumerate() {
        let _ = writeln!(
            made,
            "# Connection {}: node {from} calls node {to}",
            number + 1
        );
    }
    made.push_str(&world.text);
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &made).expect("the file can be written");
    }
    let stored = std::fs::read_to_string(path).expect("the file is there");
    for (stored, made) in stored.lines().zip(made.lines()) {
        assert_eq!(stored, made);
    }
    assert_eq!(stored.len(), made.len(), "other lines");
}

#[test]
fn the_transcripts_are_what_the_nodes_say() {
    let ((two, forum), (three, other)) = (two(), three());
    compare("transcript.txt", &two, forum);
    compare("three.txt", &three, other);
}

fn seen(world: &World) -> BTreeSet<String> {
    let messages = world.said.iter().flat_map(|(.., packet)| {
        if let Packet::Frame(frame) = packet {
            frame.messages.iter().map(first_word).collect()
        } else {
            vec![first_word(packet)]
        }
    });
    messages.collect()
}

fn shows(world: &World, kinds: &[&str]) {
    let seen = seen(world);
    for kind in kinds {
        assert!(seen.contains(*kind), "no {kind} in {seen:?}");
    }
}

#[test]
fn the_story_of_two_shows_what_it_promises() {
    let (world, _) = two();
    shows(
        &world,
        &[
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
        ],
    );
    assert!(world.disks[1].is_empty(), "Bob has left");
    assert_eq!(world.disks[0].len(), 5, "Alice has everything");
}

#[test]
fn the_story_of_three_shows_what_it_promises() {
    let (world, _) = three();
    shows(&world, &["Seek", "Introduce", "Open", "Push", "Close"]);
    assert!(
        world.calls.iter().any(|&(a, b)| a + b == 3),
        "Bob and Carol are linked: {:?}",
        world.calls
    );
    assert!(world.disks[0].is_empty(), "Alice has left");
    for node in [1, 2] {
        assert_eq!(world.disks[node].len(), 3, "{node} has everything");
    }
}

fn pushed(world: &World) -> BTreeSet<DocumentId> {
    let mut ids = BTreeSet::new();
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
    ids
}

/// Checks all connections of a story. Gives the numbers of claims, proofs and tickets.
fn checked(world: &World) -> [usize; 3] {
    let keys = (0..world.disks.len()).map(|node| SUITE.public_key(&secret(node)));
    let keys: Vec<_> = keys.collect();
    let mut told = Told {
        ids: pushed(world).into_iter().collect(),
        peers: [SUITE.node_id(&keys[0]); 2],
        keys,
    };
    let mut counts = [0; 3];
    for (&(from, to), connection) in world.calls.iter().zip(1_u8..) {
        told.peers = [from, to].map(|node| SUITE.node_id(&told.keys[node]));
        let mut checked = Checked::default();
        let said = world.said.iter().filter(|(c, ..)| *c == connection);
        for (_, node, _, packet) in said {
            assert_eq!(wire::decode(&wire::encode(packet)).as_ref(), Ok(packet));
            let side = usize::from(*node == to);
            checked.packet(&[connection; 32], side, packet, &told);
        }
        counts[0] += checked.claims;
        counts[1] += checked.proofs;
        counts[2] += checked.tickets;
    }
    counts
}

#[test]
fn the_transcripts_are_as_the_text_says() {
    let [claims, proofs, _] = checked(&two().0);
    assert!(claims > 0 && proofs > 1, "{claims} claims, {proofs} proofs");
    let [claims, proofs, tickets] = checked(&three().0);
    assert!(
        claims > 0 && proofs > 2 && tickets > 0,
        "{claims} claims, {proofs} proofs, {tickets} tickets"
    );
}
