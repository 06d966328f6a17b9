//! *privacy*: a document's body or name is sent only to a peer that shares the
//! document, or that subscribes to a document of which it is a comment.
//!
//! What the receiver itself asked for or named (tags in a Lack, tags in a Want
//! that answers its own listing) reveals nothing to it. A Hello names the
//! document on whose account contact is made: bootstrap and reunions may ask.
//!
//! A hostile node may say any name. To one that it said itself the answer may
//! only be that the document is not here, whether it is or not.

use super::{Knowledge, Violated};
use crate::snapshot::Index;
use cliqueclique_core::Packet;
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::{CloseReason, Message, Push, Range, RangeContent};
use cliqueclique_core::time::Time;
use std::collections::BTreeSet;

/// Names that hostile nodes said to honest ones, in this order.
#[derive(Debug, Default)]
pub(super) struct Privacy {
    guessed: BTreeSet<(Index, Index, Tag)>,
    /// Those in audits, which are always answered alike.
    audited: BTreeSet<(Index, Index, Tag)>,
}

impl Privacy {
    /// Checks one packet of an honest node; remembers what a hostile one names.
    pub(super) fn packet(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        packet: &Packet,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        let Packet::Frame(frame) = packet else {
            return Ok(());
        };
        if truth.hostile(from) {
            self.overhear(from, to, &frame.messages, truth);
            return Ok(());
        }
        let revealed = frame
            .messages
            .iter()
            .filter(|message| !self.is_blank(from, to, message, truth))
            .find_map(|message| revealed(message, to, truth));
        revealed.map_or(Ok(()), |(tag, what)| {
            let detail = format!(
                "node {from} sent {what} of a document to node {to}, which neither shares it nor subscribes to a \
                 document that it comments on"
            );
            Err(Violated { property: "privacy", time, document: Some(tag), nodes: vec![from, to], detail })
        })
    }

    fn overhear(&mut self, from: Index, to: Index, messages: &[Message], truth: &dyn Knowledge) {
        for message in messages {
            if let Some((tag, _)) = revealed(message, from, truth) {
                self.guessed.insert((from, to, tag));
            }
            if let Message::Audit(ranges) = message {
                let tags = ranges.iter().flat_map(|range| match &range.content {
                    RangeContent::Tags(tags, _) => tags.as_slice(),
                    RangeContent::Skip | RangeContent::Digest(_) => &[],
                });
                self.audited.extend(tags.map(|&tag| (from, to, tag)));
            }
        }
    }

    /// Says no more than that what the receiver named is not here.
    fn is_blank(&self, from: Index, to: Index, message: &Message, truth: &dyn Knowledge) -> bool {
        let (tag, blank) = match message {
            Message::Close(tag, reason) => {
                let blank = *reason == CloseReason::Unknown || !truth.shares(from, *tag);
                (tag, blank)
            }
            Message::Lack(tag, _) => (tag, true),
            Message::State(..)
            | Message::Open(..)
            | Message::Introduce(..)
            | Message::Seek(..)
            | Message::Push(_)
            | Message::Digest(..)
            | Message::Reconcile(..)
            | Message::Want(..)
            | Message::Fragment(_)
            | Message::Ping
            | Message::Moved(_)
            | Message::Audit(_)
            | Message::Root(..)
            | Message::Resume(..)
            | Message::Compare(_) => return false,
        };
        let said = (to, from, *tag);
        self.audited.contains(&said) || blank && self.guessed.contains(&said)
    }
}

/// The first tag in a message that the receiver has no right to, and what of it is sent.
fn revealed(message: &Message, to: Index, truth: &dyn Knowledge) -> Option<(Tag, &'static str)> {
    match message {
        Message::State(tag, _)
        | Message::Open(tag, _)
        | Message::Introduce(tag, _)
        | Message::Seek(tag, _)
        | Message::Digest(tag, _)
        | Message::Want(tag, _)
        | Message::Lack(tag, _)
        | Message::Root(tag, ..)
        | Message::Close(tag, _) => (!entitled(to, *tag, truth)).then_some((*tag, "the name")),
        Message::Push(push) => pushed(push, to, truth),
        Message::Reconcile(tag, ranges) => {
            if !entitled(to, *tag, truth) {
                return Some((*tag, "the name"));
            }
            ranges
                .iter()
                .find_map(|range| listed(range, *tag, to, truth))
        }
        Message::Audit(ranges) => ranges.iter().find_map(|range| audited(range, to, truth)),
        // Fingerprints name nothing.
        Message::Fragment(_)
        | Message::Ping
        | Message::Moved(_)
        | Message::Resume(..)
        | Message::Compare(_) => None,
    }
}

/// The first network in an audit that the receiver has no right to know of.
fn audited(range: &Range, to: Index, truth: &dyn Knowledge) -> Option<(Tag, &'static str)> {
    let RangeContent::Tags(tags, _) = &range.content else {
        return None;
    };
    let hidden = tags.iter().find(|tag| !entitled(to, **tag, truth));
    hidden.map(|tag| (*tag, "the name"))
}

fn pushed(push: &Push, to: Index, truth: &dyn Knowledge) -> Option<(Tag, &'static str)> {
    if !entitled(to, push.via, truth) {
        return Some((push.via, "the body of a comment"));
    }
    let tag = truth.tag_of_bytes(&push.document)?;
    (!entitled(to, tag, truth)).then_some((tag, "the body"))
}

/// Lists of comments of `via` go to those who subscribe to it.
fn listed(
    range: &Range,
    via: Tag,
    to: Index,
    truth: &dyn Knowledge,
) -> Option<(Tag, &'static str)> {
    match &range.content {
        RangeContent::Tags(tags, _) => tags
            .iter()
            .find(|tag| **tag != via && !entitled(to, **tag, truth))
            .map(|tag| (*tag, "the name")),
        RangeContent::Skip | RangeContent::Digest(_) => None,
    }
}

/// The name of no document, as in an answer to an altered packet, tells nothing.
fn entitled(node: Index, tag: Tag, truth: &dyn Knowledge) -> bool {
    !truth.exists(tag) || truth.shares(node, tag) || truth.subscribes_to_parent_of(node, tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Told, frame, tag};
    use bytes::Bytes;
    use cliqueclique_core::message::{Purpose, SetDigest};

    fn check(message: Message) -> Option<Tag> {
        let told = Told {
            shares: vec![(2, tag(1))],
            above: vec![(2, tag(5))],
        };
        Privacy::default()
            .packet(Time(1), 1, 2, &frame(vec![Message::Ping, message]), &told)
            .err()
            .and_then(|violated| violated.document)
    }

    fn push(via: u8, document: u8) -> Message {
        let document = Bytes::from(vec![document]);
        Message::Push(Box::new(Push {
            via: tag(via),
            edge: None,
            fresh: true,
            document,
        }))
    }

    #[test]
    fn names_go_to_those_who_share() {
        assert_eq!(check(Message::Seek(tag(1), Purpose::Neighbor)), None);
        assert_eq!(
            check(Message::Seek(tag(5), Purpose::Neighbor)),
            None,
            "a comment of what it subscribes to"
        );
        assert_eq!(
            check(Message::Seek(tag(3), Purpose::Neighbor)),
            Some(tag(3))
        );
        assert_eq!(
            check(Message::Digest(tag(3), SetDigest::default())),
            Some(tag(3))
        );
        assert_eq!(check(Message::Lack(tag(1), vec![tag(3)])), None, "it asked");
    }

    #[test]
    fn bodies_go_to_those_who_share_or_subscribe_above() {
        assert_eq!(check(push(1, 5)), None);
        assert_eq!(check(push(1, 3)), Some(tag(3)));
        assert_eq!(check(push(3, 5)), Some(tag(3)));
    }

    #[test]
    fn lists_of_comments_are_looked_through() {
        let list = |tags| {
            Message::Reconcile(
                tag(1),
                vec![Range {
                    from: tag(0),
                    content: RangeContent::Tags(tags, true),
                }],
            )
        };
        assert_eq!(check(list(vec![tag(5)])), None);
        assert_eq!(check(list(vec![tag(5), tag(3)])), Some(tag(3)));
    }
}
