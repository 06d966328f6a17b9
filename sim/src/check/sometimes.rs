//! *sometimes*: what must have been seen at least once, so that a scenario
//! cannot pass without reaching the case it is about.

use super::Violated;
use crate::snapshot::{DocumentTruth, Snapshot};
use cliqueclique_core::Packet;
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::message::{CloseReason, Frame, Message, Purpose, STATE_FROZEN};
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;

/// Names of all *sometimes* properties. Packets show `spliced`, `pulled`,
/// `reconciled`, `frozen`, `joined`, `left` and `fragmented`; snapshots show
/// `root_changed`; the rest is noted by whoever makes it happen.
pub const SOMETIMES: [&str; 17] = [
    "crashed",
    "evicted",
    "fragmented",
    "frozen",
    "healed",
    "joined",
    "left",
    "moved",
    "partitioned",
    "paused",
    "pulled",
    "reconciled",
    "restarted",
    "retransmitted",
    "root_changed",
    "spliced",
    "toggled",
];

/// Which of [`SOMETIMES`] were seen, one bit each.
#[derive(Debug, Default)]
pub(super) struct Sometimes {
    seen: u32,
    /// Everything that packets can show was seen: no need to look again.
    complete: bool,
}

const SHOWN: [&str; 7] = [
    "fragmented",
    "frozen",
    "joined",
    "left",
    "pulled",
    "reconciled",
    "spliced",
];

impl Sometimes {
    /// Marks a name; unknown ones are ignored.
    pub(super) fn note(&mut self, name: &str) {
        if let Ok(at) = SOMETIMES.binary_search(&name) {
            self.seen |= 1 << at;
        }
    }

    /// True if it was seen.
    pub(super) fn seen(&self, name: &str) -> bool {
        SOMETIMES
            .binary_search(&name)
            .is_ok_and(|at| self.seen & 1 << at != 0)
    }

    /// Looks at a packet.
    pub(super) fn packet(&mut self, packet: &Packet) {
        if self.complete {
            return;
        }
        let Packet::Frame(frame) = packet else { return };
        if frame.messages.is_empty() {
            return;
        }
        self.frame(frame);
        self.complete = SHOWN.iter().all(|name| self.seen(name));
    }

    fn frame(&mut self, frame: &Frame) {
        for name in frame.messages.iter().filter_map(shows) {
            self.note(name);
        }
    }

    /// Fails if something that a scenario demands was not seen.
    pub(super) fn finish(&self, demanded: &[String], time: Time) -> Result<(), Violated> {
        let missing = demanded.iter().find(|name| !self.seen(name));
        missing.map_or(Ok(()), |name| {
            Err(Violated {
                property: "sometimes",
                time,
                document: None,
                nodes: Vec::new(),
                detail: format!(
                    "the scenario demands that `{name}` happens at least once, and it did not"
                ),
            })
        })
    }
}

/// The overlay root of each document, as the last snapshot had it.
#[derive(Debug, Default)]
pub(super) struct Roots(BTreeMap<Tag, NodeId>);

impl Roots {
    /// True if a document has another overlay root than in the snapshot before.
    /// A network that does not agree on its root at this moment is passed over.
    pub(super) fn changed(&mut self, snapshot: &Snapshot) -> bool {
        let mut changed = false;
        for (&tag, truth) in &snapshot.documents {
            if let Some(root) = agreed(snapshot, truth) {
                changed |= self
                    .0
                    .insert(tag, root)
                    .is_some_and(|before| before != root);
            }
        }
        changed
    }
}

fn agreed(snapshot: &Snapshot, truth: &DocumentTruth) -> Option<NodeId> {
    let live = truth
        .members
        .iter()
        .filter(|(node, _)| snapshot.nodes[**node].alive);
    let mut roots = live
        .filter_map(|(_, member)| member.view.as_ref().filter(|view| view.holds))
        .map(|v| v.root);
    let first = roots.next()?;
    roots.all(|root| root == first).then_some(first)
}

fn shows(message: &Message) -> Option<&'static str> {
    match message {
        Message::State(_, state) => (state.flags & STATE_FROZEN != 0).then_some("frozen"),
        Message::Open(..) => Some("joined"),
        Message::Close(_, CloseReason::Replaced(_)) => Some("spliced"),
        Message::Close(_, CloseReason::Left) => Some("left"),
        Message::Introduce(_, introduction) if introduction.purpose == Purpose::Bridge => {
            Some("left")
        }
        Message::Reconcile(..) => Some("reconciled"),
        Message::Want(..) => Some("pulled"),
        Message::Fragment(_) => Some("fragmented"),
        Message::Close(
            _,
            CloseReason::Unknown | CloseReason::Full | CloseReason::Surplus | CloseReason::Denied,
        )
        | Message::Introduce(..)
        | Message::Seek(..)
        | Message::Push(_)
        | Message::Digest(..)
        | Message::Audit(..)
        | Message::Lack(..)
        | Message::Ping
        | Message::Moved(_)
        | Message::Root(..)
        | Message::Compare(..)
        | Message::Resume(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{frame, id, network, tag, view_of};
    use cliqueclique_core::message::{RootRef, State};

    #[test]
    fn names_are_in_order_so_that_they_are_found() {
        assert!(SOMETIMES.is_sorted());
        assert!(SHOWN.iter().all(|name| SOMETIMES.contains(name)));
    }

    #[test]
    fn packets_show_what_happened() {
        let state = State {
            flags: STATE_FROZEN,
            distance: 0,
            root: RootRef::Author,
        };
        let shown = [
            (Message::State(tag(1), state), "frozen"),
            (
                Message::Close(tag(1), CloseReason::Replaced(id(1))),
                "spliced",
            ),
            (Message::Close(tag(1), CloseReason::Left), "left"),
            (Message::Want(tag(1), Vec::new()), "pulled"),
            (Message::Reconcile(tag(1), Vec::new()), "reconciled"),
        ];
        for (message, name) in shown {
            let mut sometimes = Sometimes::default();
            assert!(
                sometimes.finish(&[name.to_owned()], Time(1)).is_err(),
                "{name}"
            );
            sometimes.packet(&frame(vec![Message::Ping, message]));
            assert_eq!(
                sometimes.finish(&[name.to_owned()], Time(1)),
                Ok(()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_noted_was_seen() {
        let mut sometimes = Sometimes::default();
        SOMETIMES.iter().for_each(|name| sometimes.note(name));
        assert_eq!(
            sometimes.finish(&SOMETIMES.map(str::to_owned), Time(1)),
            Ok(())
        );
    }

    #[test]
    fn another_root_is_a_change_once_all_agree() {
        let (mut roots, mut snapshot) = (Roots::default(), network(&[(0, 1), (1, 2)]));
        assert!(!roots.changed(&snapshot), "the first is no change");
        view_of(&mut snapshot, 1).root = id(1);
        assert!(!roots.changed(&snapshot), "they do not agree");
        for node in [0, 2] {
            view_of(&mut snapshot, node).root = id(1);
        }
        assert!(roots.changed(&snapshot));
        assert!(!roots.changed(&snapshot));
    }
}
