//! Inputs of each main kind for node 0 of a pair.

use crate::pair::{Pair, WALL, connected, publish};
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::message::{
    Message, Push, Range, RangeContent, RootRef, STATE_UPSTREAM, State,
};
use cliqueclique_core::{
    ChannelId, Command, Document, Draft, Input, Mode, RequestId, SecretKey, Tag,
};

/// One kind of input: its name, and how to make the inputs of one round, given
/// the number of the round.
pub type Kind = (&'static str, fn(&mut Pair, u64) -> Vec<Input>);

/// Kinds that leave a node as it was.
pub const STEADY: [Kind; 9] = [
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
pub const GROWING: [Kind; 2] = [
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
        root: RootRef::Author,
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

/// The kind of a name.
#[must_use]
pub fn find(name: &str) -> Option<Kind> {
    let mut all = STEADY.into_iter().chain(GROWING);
    all.find(|kind| kind.0 == name)
}

/// Gives a pair the inputs of one round, and the answers of the runner to what follows.
pub fn play(pair: &mut Pair, inputs: Vec<Input>) {
    for input in inputs {
        pair.alone(input);
    }
    pair.answer_alone();
}
