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
        let length = wire::packet_len(packet);
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
        Message::Reconcile(_, ranges) | Message::Audit(ranges) | Message::Compare(ranges) => {
            over("the number of ranges", MAX_TAGS, ranges.len()).or_else(|| {
                ranges.iter().find_map(|range| match &range.content {
                    RangeContent::Tags(tags, _) => {
                        over("the number of tags in a range", MAX_TAGS, tags.len())
                    }
                    RangeContent::Skip | RangeContent::Digest(_) => None,
                })
            })
        }
        Message::State(..)
        | Message::Open(..)
        | Message::Close(..)
        | Message::Introduce(..)
        | Message::Seek(..)
        | Message::Digest(..)
        | Message::Fragment(_)
        | Message::Ping
        | Message::Moved(_)
        | Message::Root(..)
        | Message::Resume(..) => None,
    }
}

/// Encoded bytes of a message's lists and byte strings, estimated from above.
fn variable(message: &Message) -> usize {
    match message {
        Message::Push(push) => push.document.len(),
        Message::Want(_, tags) | Message::Lack(_, tags) => 9 * tags.len(),
        Message::Reconcile(_, ranges) | Message::Audit(ranges) | Message::Compare(ranges) => ranges
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
        | Message::Root(..)
        | Message::Resume(..)
        | Message::Ping => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{frame, network, scenario, tag, view_of};
    use bytes::Bytes;
    use cliqueclique_core::message::{Fragment, Range};

    fn check(packet: &Packet) -> Result<(), String> {
        let scenario =
            scenario("[network]\nframe_limit = 2048\n[protocol]\nmax_links = 4\nmax_comments = 10");
        Bounded::new(&scenario)
            .packet(Time(1), 1, 2, packet)
            .map_err(|violated| violated.detail)
    }

    fn fragment(length: usize) -> Packet {
        frame(vec![Message::Fragment(Fragment {
            transfer: 1,
            offset: 0,
            total: 1,
            bytes: Bytes::from(vec![0; length]),
        })])
    }

    #[test]
    fn a_packet_may_be_as_long_as_the_transport_takes() {
        let rest = wire::packet_len(&fragment(2000)) - 2000;
        assert_eq!(check(&fragment(2048 - rest)), Ok(()));
        let error = check(&fragment(2049 - rest)).unwrap_err();
        assert_eq!(
            error,
            "the length of a packet in bytes may be at most 2048, node 1 sent 2049"
        );
    }

    #[test]
    fn lists_are_bounded() {
        let tags = |count| vec![tag(1); count];
        assert!(
            check(&frame(vec![Message::Want(tag(1), tags(MAX_TAGS + 1))]))
                .unwrap_err()
                .contains("number of tags")
        );
        let content = RangeContent::Tags(tags(MAX_TAGS + 1), true);
        let ranges = vec![Range {
            from: tag(0),
            content,
        }];
        assert!(
            check(&frame(vec![Message::Reconcile(tag(1), ranges)]))
                .unwrap_err()
                .contains("tags in a range")
        );
        let mut packet = frame(vec![Message::Ping]);
        if let Packet::Frame(frame) = &mut packet {
            frame.acks = vec![(1, 1); MAX_ACK_RANGES + 1];
        }
        assert!(check(&packet).unwrap_err().contains("acknowledged ranges"));
        assert!(
            check(&frame(vec![Message::Ping; MAX_MESSAGES + 1]))
                .unwrap_err()
                .contains("number of messages")
        );
    }

    #[test]
    fn estimates_are_never_too_low() {
        let messages = [
            Message::Want(tag(9), vec![tag(255); 100]),
            Message::Reconcile(
                tag(1),
                vec![
                    Range {
                        from: tag(255),
                        content: RangeContent::Tags(vec![tag(255); 50], true)
                    };
                    9
                ],
            ),
            Message::Ping,
        ];
        for message in messages {
            assert!(
                wire::encoded_len(&message) <= MESSAGE + variable(&message),
                "{message:?}"
            );
        }
    }

    #[test]
    fn links_and_comments_are_bounded() {
        let mut snapshot = network(&[(0, 1)]);
        let bounded = Bounded::new(&scenario("[protocol]\nmax_links = 4\nmax_comments = 10"));
        assert_eq!(bounded.snapshot(&snapshot), Ok(()));
        snapshot.nodes[1].links = 5;
        assert_eq!(bounded.snapshot(&snapshot).unwrap_err().nodes, [1]);
        view_of(&mut snapshot, 1).comments.count = 11;
        assert_eq!(
            bounded.overlay(Time(1), 0, view_of(&mut snapshot, 0)),
            Ok(())
        );
        assert_eq!(
            bounded
                .overlay(Time(1), 1, view_of(&mut snapshot, 1))
                .unwrap_err()
                .document,
            Some(tag(1))
        );
    }
}
