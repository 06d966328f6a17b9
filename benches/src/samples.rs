//! One packet of each kind, with parts of usual size.

use bytes::Bytes;
use cliqueclique_core::id::{Address, NodeId, PublicKey, Signature, Tag};
use cliqueclique_core::message::{
    Admission, AdmissionKind, Claim, CloseReason, Confirm, Fragment, Frame, Hello, Introduction,
    Message, Open, Packet, Purpose, Push, Range, RangeContent, Rank, RootRef, SetDigest, State,
    Ticket, Welcome,
};
use cliqueclique_core::time::WallTime;

const KEY: PublicKey = PublicKey([3; 32]);
const NODE: NodeId = NodeId([4; 16]);
const TAG: Tag = Tag([5; 8]);

/// Every kind of packet with its name: the handshake, then frames with one
/// message of each kind.
#[must_use]
pub fn packets() -> Vec<(&'static str, Packet)> {
    let frames = messages().into_iter().map(|(name, message)| {
        let frame = Frame {
            number: 1_000,
            acks: vec![(990, 995), (997, 999)],
            credit: 128,
            messages: vec![message],
        };
        (name, Packet::Frame(frame))
    });
    handshake().into_iter().chain(frames).collect()
}

fn handshake() -> Vec<(&'static str, Packet)> {
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        nonce: [6; 16],
        key: KEY,
        address: address(),
        admission: Admission {
            tag: TAG,
            proof: [8; 16],
            kind: AdmissionKind::Introduced(ticket()),
        },
        signature: signature(),
    };
    let welcome = Welcome {
        version: 1,
        nonce: [9; 16],
        key: KEY,
        signature: signature(),
    };
    let confirm = Confirm {
        signature: signature(),
    };
    vec![
        ("hello", Packet::Hello(Box::new(hello))),
        ("welcome", Packet::Welcome(Box::new(welcome))),
        ("confirm", Packet::Confirm(confirm)),
        ("goodbye", Packet::Goodbye),
    ]
}

fn messages() -> Vec<(&'static str, Message)> {
    let open = Open {
        proof: [10; 8],
        state: state(RootRef::Known([1; 4])),
        ticket: Some(ticket()),
        heal: false,
    };
    let introduction = Introduction {
        peer: NODE,
        address: address(),
        ticket: Some(ticket()),
        purpose: Purpose::Neighbor,
    };
    let fragment = Fragment {
        transfer: 7,
        offset: 65_536,
        total: 100_000,
        bytes: Bytes::from(vec![11; 16_000]),
    };
    let moved = Message::Moved(address());
    vec![
        ("state", Message::State(TAG, state(RootRef::Known([1; 4])))),
        (
            "state with claim",
            Message::State(TAG, state(RootRef::Full(Box::new(claim())))),
        ),
        ("open", Message::Open(TAG, Box::new(open))),
        ("close", Message::Close(TAG, CloseReason::Replaced(NODE))),
        ("introduce", Message::Introduce(TAG, Box::new(introduction))),
        ("seek", Message::Seek(TAG, Purpose::Subscriber)),
        ("push of 1 kB", push(1_000)),
        ("push of 15 kB", push(15_000)),
        ("digest", Message::Digest(TAG, digest(1))),
        ("reconcile", Message::Reconcile(TAG, ranges())),
        ("want", Message::Want(TAG, tags(64))),
        ("lack", Message::Lack(TAG, tags(64))),
        ("fragment", Message::Fragment(fragment)),
        ("ping", Message::Ping),
        ("moved", moved),
        ("root", Message::Root(TAG, [1, 2, 3, 4], false)),
        ("resume", Message::Resume([7; 8], digest(100))),
        (
            "audit",
            Message::Audit(vec![Range {
                from: Tag([0; 8]),
                content: RangeContent::Digest(SetDigest {
                    count: 100,
                    sum: u64::MAX / 5,
                }),
            }]),
        ),
    ]
}

/// As long as an I2P destination in base 64.
fn address() -> Address {
    Address(Bytes::from(vec![b'a'; 524]))
}

fn signature() -> Signature {
    Signature::from_bytes(&[12; Signature::LEN])
}

fn ticket() -> Ticket {
    Ticket {
        introducer: NODE,
        expires: WallTime(1_700_000_000),
        replaces: false,
        signature: signature(),
    }
}

fn claim() -> Claim {
    Claim {
        rank: Rank::Subscriber,
        key: KEY,
        succeeds: None,
        sequence: 1_700_000_000,
        signature: signature(),
    }
}

fn state(root: RootRef) -> State {
    State {
        flags: 1,
        distance: 5,
        root,
    }
}

fn push(length: usize) -> Message {
    Message::Push(Box::new(Push {
        via: TAG,
        edge: Some(state(RootRef::Author)),
        fresh: true,
        document: Bytes::from(vec![13; length]),
    }))
}

fn digest(number: u8) -> SetDigest {
    SetDigest {
        count: 1_000 + u32::from(number),
        sum: u64::MAX / 3,
    }
}

fn tags(count: u8) -> Vec<Tag> {
    (0..count).map(|number| Tag([number; 8])).collect()
}

/// A step in the middle of a reconciliation.
fn ranges() -> Vec<Range> {
    let range = |number: u8| Range {
        from: Tag([number; 8]),
        content: match number % 4 {
            0 => RangeContent::Skip,
            1 => RangeContent::Tags(tags(16), true),
            2..=u8::MAX => RangeContent::Digest(digest(number)),
        },
    };
    (0..32).map(range).collect()
}
