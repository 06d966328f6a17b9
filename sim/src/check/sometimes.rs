//! *sometimes*: what must have been seen at least once, so that a scenario
//! cannot pass without reaching the case it is about.

use super::Violated;
use crate::snapshot::{DocumentTruth, Snapshot};
use cliqueclique_core::Packet;
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::message::{CloseReason, Frame, Message, STATE_FROZEN};
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
        | Message::Lack(..)
        | Message::Ping
        | Message::Moved(_) => None,
    }
}
