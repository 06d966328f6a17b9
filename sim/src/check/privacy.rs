//! *privacy*: a document's body or name is sent only to a peer that shares the
//! document, or that subscribes to a document of which it is a comment.
//!
//! What the receiver itself asked for or named (tags in a Lack, tags in a Want
//! that answers its own listing) reveals nothing to it. A Hello names the
//! document on whose account contact is made: bootstrap and reunions may ask.

use super::{Knowledge, Violated};
use crate::snapshot::Index;
use cliqueclique_core::Packet;
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::{Message, Push, Range, RangeContent};
use cliqueclique_core::time::Time;

/// Checks one packet.
pub(super) fn packet(
    time: Time,
    from: Index,
    to: Index,
    packet: &Packet,
    truth: &dyn Knowledge,
) -> Result<(), Violated> {
    let Packet::Frame(frame) = packet else {
        return Ok(());
    };
    let revealed = frame
        .messages
        .iter()
        .find_map(|message| revealed(message, to, truth));
    revealed.map_or(Ok(()), |(tag, what)| {
        let detail = format!(
            "node {from} sent {what} of a document to node {to}, which neither shares it nor subscribes to a \
             document that it comments on"
        );
        Err(Violated { property: "privacy", time, document: Some(tag), nodes: vec![from, to], detail })
    })
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
        Message::Fragment(_) | Message::Ping | Message::Moved(_) => None,
    }
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

fn entitled(node: Index, tag: Tag, truth: &dyn Knowledge) -> bool {
    truth.shares(node, tag) || truth.subscribes_to_parent_of(node, tag)
}
