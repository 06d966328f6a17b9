//! Properties: whatever comes in, in whatever order, some things always hold.

mod common;

use bytes::Bytes;
use cliqueclique_core::message::{
    Admission as Claimed, AdmissionKind, Claim, CloseReason, Confirm, Fragment, Frame, Hello,
    Introduction, Message, Open, Purpose, Push, Range, RangeContent, Rank, RootRef, SetDigest,
    State, Ticket, Welcome,
};
use cliqueclique_core::wire;
use cliqueclique_core::{
    Address, Command, Config, Document, DocumentId, Mode, NodeId, Notification, Packet, PublicKey,
    Signature, Tag, Time, WallTime,
};
use common::SUITE;
use common::net::{Host, Net};
use common::play::{Extra, KINDS, Op, Play};
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
        Purpose::Guide,
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
        Just(RootRef::Author),
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
    (
        node_id(),
        address(),
        proptest::option::of(ticket()),
        purpose(),
    )
        .prop_map(|(peer, address, ticket, purpose)| Introduction {
            peer,
            address,
            ticket,
            purpose,
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
        prop_assert_eq!(encoded.len(), wire::packet_len(&packet));
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

fn op() -> impl Strategy<Value = Op> {
    let numbers = (0_u8..KINDS, 0_u8..3, any::<u8>(), any::<u8>(), any::<u8>());
    let extra = prop_oneof![
        8 => Just(Extra::Plain),
        1 => message().prop_map(Extra::Also),
        1 => any::<(u16, u8)>().prop_map(|(at, to)| Extra::Spoilt(at, to)),
    ];
    (numbers, extra).prop_map(|((kind, peer, a, b, c), extra)| Op {
        kind,
        peer,
        a,
        b,
        c,
        extra,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_peers_do_the_core_keeps_its_rules(ops in vec(op(), 1..120)) {
        let first = Play::told(&ops);
        prop_assert_eq!(first, Play::told(&ops));
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
            created: None,
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
