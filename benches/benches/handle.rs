//! `Core::handle` for the main kinds of input, at nodes with few and many documents.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use bytes::Bytes;
use cliqueclique_benches::pair::{Pair, WALL, connected, publish};
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::message::{
    Message, Push, Range, RangeContent, RootRef, STATE_UPSTREAM, State,
};
use cliqueclique_core::{
    ChannelId, Command, Document, Draft, Input, Mode, RequestId, SecretKey, Tag,
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::time::{Duration, Instant};

/// One kind of input: its name, and how to make the inputs of one round, given
/// the number of the round.
type Kind = (&'static str, fn(&mut Pair, u64) -> Vec<Input>);

/// Kinds that leave a node as it was.
const STEADY: [Kind; 9] = [
    ("wake", |_, _| vec![Input::Wake]),
    ("clock", |_, _| vec![Input::Clock(WALL)]),
    ("connect and disconnect", |_, round| {
        let channel = ChannelId(1_000_001 + 2 * round);
        vec![connected(channel), Input::Disconnected(channel)]
    }),
    ("ping", |pair, _| vec![pair.frame(vec![Message::Ping])]),
    ("state", |pair, _| {
        let message = Message::State(pair.tag(), below());
        vec![pair.frame(vec![message])]
    }),
    ("digest", |pair, _| {
        let message = Message::Digest(pair.tag(), pair.digest());
        vec![pair.frame(vec![message])]
    }),
    ("reconcile", |pair, _| {
        let whole = Range {
            from: Tag([0; 8]),
            content: RangeContent::Digest(pair.digest()),
        };
        let message = Message::Reconcile(pair.tag(), vec![whole]);
        vec![pair.frame(vec![message])]
    }),
    ("want and load", |pair, _| {
        let message = Message::Want(pair.tag(), vec![pair.tag()]);
        vec![pair.frame(vec![message])]
    }),
    ("subscribe", |pair, round| {
        let mode = [Mode::Follow, Mode::Subscribe][usize::from(round % 2 == 1)];
        let command = Command::Subscribe(pair.meeting(), mode);
        vec![Input::Command(RequestId(round), command)]
    }),
];

/// Kinds that add a document to a node.
const GROWING: [Kind; 2] = [
    ("publish and admit", |_, round| {
        let number = 10_000_000 + usize::try_from(round).unwrap_or(0);
        vec![Input::Command(
            RequestId(round),
            publish(Vec::new(), number),
        )]
    }),
    ("push and admit", |pair, round| {
        let push = Push {
            via: pair.tag(),
            edge: Some(State {
                flags: 1,
                ..below()
            }),
            fresh: true,
            document: comment(pair, round).bytes().clone(),
        };
        vec![pair.frame(vec![Message::Push(Box::new(push))])]
    }),
];

/// State of a neighbour below a founder.
fn below() -> State {
    State {
        flags: STATE_UPSTREAM | 1,
        distance: 1,
        root: RootRef::Founder,
    }
}

/// A comment on the meeting by somebody else.
fn comment(pair: &Pair, round: u64) -> Document {
    let draft = Draft {
        parents: vec![pair.meeting()],
        body: Bytes::from(format!("{round}: something new")),
        created: WALL,
        founder: true,
        ..Draft::default()
    };
    Document::sign(&draft, &SecretKey([9; 32]), &Ed25519Blake3).expect("within limits")
}

/// Times one round: its inputs, and the answers of the runner to what follows.
fn round(pair: &mut Pair, kind: &Kind, number: u64) -> Duration {
    let inputs = kind.1(pair, number);
    let start = Instant::now();
    for input in inputs {
        pair.alone(input);
    }
    pair.answer_alone();
    start.elapsed()
}

fn handling(criterion: &mut Criterion) {
    for documents in [1, 1_000, 100_000] {
        let mut group = criterion.benchmark_group(format!("handle with {documents} documents"));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(500));
        let mut pair = Pair::new(documents);
        let mut number = 0;
        for kind in STEADY.iter().chain(&GROWING) {
            let growing = GROWING.iter().any(|(name, _)| *name == kind.0);
            group.bench_function(kind.0, |bencher| {
                bencher.iter_custom(|rounds| {
                    let rounds = 0..rounds;
                    let timed = rounds.map(|_| {
                        number += 1;
                        if growing && grown(&pair, documents) {
                            pair = Pair::new(documents);
                        }
                        round(&mut pair, kind, number)
                    });
                    timed.sum()
                });
            });
            assert!(pair.linked(), "the link outlives {}", kind.0);
            let violations = pair.core(0).counters().violations;
            assert_eq!(violations, 0, "{} is within the rules", kind.0);
        }
    }
}

/// A node that has clearly more documents than it should is replaced.
fn grown(pair: &Pair, documents: usize) -> bool {
    pair.core(0).overlays().count() > documents + (documents / 10).max(20)
}

criterion_group!(benches, handling);
criterion_main!(benches);
