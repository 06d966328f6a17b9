//! What the peers of a [`Play`] say: every kind of message, rightly signed, with
//! documents, claims and tickets picked by the numbers of an [`Op`].

use super::WALL;
use super::peer::digest_of;
use super::play::{Op, Play};
use bytes::Bytes;
use cliqueclique_core::message::{
    CloseReason, Introduction, Message, Open, Purpose, Push, Range, RangeContent, Rank, RootRef,
    SetDigest, State,
};
use cliqueclique_core::{Address, Document, Tag, WallTime};

impl Play {
    pub(crate) fn message(&self, from: usize, op: &Op) -> Message {
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
            ticket: Some(ticket).filter(|_| op.a.is_multiple_of(2)),
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
}

fn purpose_of(n: u8) -> Purpose {
    match n % 5 {
        0 => Purpose::Neighbor,
        1 => Purpose::Subscriber,
        2 => Purpose::Bridge,
        3 => Purpose::Acquaintance,
        4 => Purpose::Heal,
        _ => Purpose::Guide,
    }
}
