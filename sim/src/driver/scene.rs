//! What happened among a few nodes before a property broke, for the picture of it.

use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::time::Time;

/// The last things that happened among the nodes concerned, and the whole before them.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The nodes, those concerned first.
    pub nodes: Vec<Index>,
    /// How many of them the broken property names.
    pub concerned: usize,
    /// What happened, in order of its beginning.
    pub strokes: Vec<Stroke>,
    /// Nodes that did not run when the first of it happened.
    pub down: Vec<Index>,
    /// The last snapshot in which everything held that must always hold; `None` if
    /// there was none yet, or if it was too large to be kept.
    pub before: Option<Snapshot>,
}

/// When: of two things at the same time the one with the lower `order` came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Simulated time.
    pub time: Time,
    /// Place in the history.
    pub order: usize,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// When it happened, or began.
    pub at: Moment,
    /// Where.
    pub node: Index,
    /// What.
    pub what: StrokeKind,
    /// A word for the picture.
    pub label: String,
    /// All of it in words.
    pub detail: String,
    /// It concerns the document that the broken property names.
    pub named: bool,
}

/// Kinds of strokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrokeKind {
    /// A packet to another node.
    Packet(Index, Fate),
    /// The node stops: crash, pause.
    Down,
    /// The node runs again: restart, resume.
    Up,
    /// Another fault, a user's command, a violation reported.
    Mark,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was handed to the node.
    Arrived(Moment),
    /// The network lost it.
    Lost,
    /// Under way still, or nobody was there to take it.
    Open,
}
