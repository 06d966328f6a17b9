//! Hot paths whose instructions are counted: each can be run so many rounds, and what is
//! made before the rounds costs the same for any number of them.

use crate::kinds::{find, play};
use crate::pair::Pair;
use crate::samples::packets;
use cliqueclique_core::message::Packet;
use cliqueclique_core::wire::{decode, encode};
use std::hint::black_box;
use std::time::Duration;

/// Documents of the node in [`PATHS`] that say nothing else.
const DOCUMENTS: usize = 100;
/// Longer than a lost neighbour is waited for, and an election takes.
const MOURNING: Duration = Duration::from_secs(900);

/// A path: its name, and how to run it so many rounds.
pub type Path = (&'static str, fn(u64));

/// All paths.
pub const PATHS: [Path; 12] = [
    ("encode a state", |rounds| encoding("state", rounds)),
    ("decode a state", |rounds| decoding("state", rounds)),
    ("encode a push of 1 kB", |rounds| {
        encoding("push of 1 kB", rounds);
    }),
    ("decode a push of 1 kB", |rounds| {
        decoding("push of 1 kB", rounds);
    }),
    ("handle a wake-up", |rounds| handling("wake", rounds)),
    ("handle a ping", |rounds| handling("ping", rounds)),
    ("handle a state", |rounds| handling("state", rounds)),
    ("handle a digest", |rounds| handling("digest", rounds)),
    ("handle a push", |rounds| handling("push and admit", rounds)),
    ("publish", |rounds| handling("publish and admit", rounds)),
    (
        "elect after the loss of the upstream, a network",
        |rounds| {
            bereave(rounds);
        },
    ),
    ("exchange a comment between two nodes", exchange),
];

fn packet(name: &str) -> Packet {
    let mut all = packets().into_iter();
    let found = all.find(|(other, _)| *other == name);
    found.expect("a sample of that name").1
}

fn encoding(name: &str, rounds: u64) {
    let packet = packet(name);
    for _ in 0..rounds {
        black_box(encode(black_box(&packet)));
    }
}

fn decoding(name: &str, rounds: u64) {
    let bytes = encode(&packet(name));
    for _ in 0..rounds {
        black_box(decode(black_box(&bytes))).expect("it was encoded");
    }
}

fn handling(name: &str, rounds: u64) {
    let kind = find(name).expect("a kind of that name");
    let mut pair = Pair::new(DOCUMENTS);
    for round in 0..rounds {
        let inputs = kind.1(&mut pair, round);
        play(&mut pair, inputs);
    }
    assert_eq!(pair.core(0).counters().violations, 0);
}

/// Two nodes that share the meeting and so many comments on it; node 0 is root of all.
#[must_use]
pub fn sharing(comments: u64) -> Pair {
    let mut pair = Pair::new(1);
    for _ in 0..comments {
        let meeting = pair.meeting();
        pair.publish(0, vec![meeting]);
        pair.run_for(Duration::from_millis(10));
    }
    pair.run_for(Duration::from_secs(60));
    pair
}

/// Node 1 loses its upstream and becomes overlay root of all networks.
///
/// # Panics
/// If it does not.
pub fn mourn(pair: &mut Pair) {
    assert_eq!(pair.rooted(1), 0, "node 0 is root of all");
    let networks = pair.core(1).overlays().count();
    pair.bereave(MOURNING);
    assert_eq!(pair.rooted(1), networks, "nobody else is left");
}

/// A round is a network; sharing it is counted with the loss.
fn bereave(rounds: u64) {
    mourn(&mut sharing(rounds));
}

fn exchange(rounds: u64) {
    black_box(sharing(rounds));
}
