//! *bounded*: nothing is larger than its limit: packets, lists in messages,
//! links of a node, comments of a document.

use super::Violated;
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::Packet;
use cliqueclique_core::config::{MAX_ACK_RANGES, MAX_DOCUMENT, MAX_MESSAGES, MAX_TAGS};
use cliqueclique_core::message::{Frame, Message, RangeContent};
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::wire;

/// More than any message but for its lists and bytes takes, encoded.
const MESSAGE: usize = 320;
/// More than a frame's own fields take, encoded.
const FRAME: usize = 32;

/// The limits of one scenario.
#[derive(Debug)]
pub(super) struct Bounded {
    frame_limit: usize,
    max_links: usize,
    max_comments: usize,
}

impl Bounded {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            frame_limit: scenario.network.frame_limit,
            max_links: scenario.protocol.max_links,
            max_comments: scenario.protocol.max_comments,
        }
    }

    /// Checks the sizes of one packet. Its exact length is computed only when
    /// an estimate from above comes near the limit.
    pub(super) fn packet(
        &self,
        time: Time,
        from: Index,
        to: Index,
        packet: &Packet,
    ) -> Result<(), Violated> {
        let Packet::Frame(frame) = packet else {
            return Ok(());
        };
        let found = lists(frame).or_else(|| self.length(frame, packet));
        found.map_or(Ok(()), |(what, limit, size)| {
            Err(violated(
                time,
                vec![from, to],
                format!("{what} may be at most {limit}, node {from} sent {size}"),
            ))
        })
    }

    fn length(&self, frame: &Frame, packet: &Packet) -> Option<(&'static str, usize, usize)> {
        let estimate = FRAME
            + 10 * frame.acks.len()
            + frame
                .messages
                .iter()
                .map(|m| MESSAGE + variable(m))
                .sum::<usize>();
        if estimate <= self.frame_limit {
            return None;
        }
        let length = wire::encoded_len(packet);
        (length > self.frame_limit).then_some((
            "the length of a packet in bytes",
            self.frame_limit,
            length,
        ))
    }

    /// Checks one overlay of one node.
    pub(super) fn overlay(
        &self,
        time: Time,
        node: Index,
        view: &OverlayView,
    ) -> Result<(), Violated> {
        if view.comments.count as usize <= self.max_comments {
            return Ok(());
        }
        let detail = format!(
            "node {node} may keep at most {} comments of a document, found {}",
            self.max_comments, view.comments.count
        );
        Err(Violated {
            document: Some(view.tag),
            ..violated(time, vec![node], detail)
        })
    }

    /// Checks the number of links of every node.
    pub(super) fn snapshot(&self, snapshot: &Snapshot) -> Result<(), Violated> {
        let over = snapshot
            .nodes
            .iter()
            .position(|node| node.links > self.max_links);
        over.map_or(Ok(()), |node| {
            let found = snapshot.nodes[node].links;
            let detail = format!(
                "node {node} may have at most {} links, found {found}",
                self.max_links
            );
            Err(violated(snapshot.time, vec![node], detail))
        })
    }
}

fn violated(time: Time, nodes: Vec<Index>, detail: String) -> Violated {
    Violated {
        property: "bounded",
        time,
        document: None,
        nodes,
        detail,
    }
}

/// The first list of a frame that is too long: what it is, the limit, its length.
fn lists(frame: &Frame) -> Option<(&'static str, usize, usize)> {
    over(
        "the number of acknowledged ranges",
        MAX_ACK_RANGES,
        frame.acks.len(),
    )
    .or_else(|| {
        over(
            "the number of messages in a frame",
            MAX_MESSAGES,
            frame.messages.len(),
        )
    })
    .or_else(|| frame.messages.iter().find_map(list))
}

fn over(what: &'static str, limit: usize, size: usize) -> Option<(&'static str, usize, usize)> {
    (size > limit).then_some((what, limit, size))
}

fn list(message: &Message) -> Option<(&'static str, usize, usize)> {
    match message {
        Message::Push(push) => over(
            "the length of a document in bytes",
            MAX_DOCUMENT,
            push.document.len(),
        ),
        Message::Want(_, tags) | Message::Lack(_, tags) => {
            over("the number of tags", MAX_TAGS, tags.len())
        }
        Message::Reconcile(_, ranges) => over("the number of ranges", MAX_TAGS, ranges.len())
            .or_else(|| {
                ranges.iter().find_map(|range| match &range.content {
                    RangeContent::Tags(tags, _) => {
                        over("the number of tags in a range", MAX_TAGS, tags.len())
                    }
                    RangeContent::Skip | RangeContent::Digest(_) => None,
                })
            }),
        Message::State(..)
        | Message::Open(..)
        | Message::Close(..)
        | Message::Introduce(..)
        | Message::Seek(..)
        | Message::Digest(..)
        | Message::Fragment(_)
        | Message::Ping
        | Message::Moved(_) => None,
    }
}

/// Encoded bytes of a message's lists and byte strings, estimated from above.
fn variable(message: &Message) -> usize {
    match message {
        Message::Push(push) => push.document.len(),
        Message::Want(_, tags) | Message::Lack(_, tags) => 9 * tags.len(),
        Message::Reconcile(_, ranges) => ranges
            .iter()
            .map(|range| match &range.content {
                RangeContent::Tags(tags, _) => 32 + 9 * tags.len(),
                RangeContent::Skip | RangeContent::Digest(_) => 32,
            })
            .sum(),
        Message::Introduce(_, introduction) => introduction.address.0.len(),
        Message::Moved(address) => address.0.len(),
        Message::Fragment(fragment) => fragment.bytes.len(),
        Message::State(..)
        | Message::Open(..)
        | Message::Close(..)
        | Message::Seek(..)
        | Message::Digest(..)
        | Message::Ping => 0,
    }
}
