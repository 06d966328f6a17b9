//! Read-only views of a core for user interfaces, checkers and tests.

use crate::id::{Address, DocumentId, NodeId, Tag};
use crate::message::{Mode, Rank, SetDigest};

/// One document's network as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayView {
    /// The document; `None` while a join has not brought its id's bytes.
    pub document: DocumentId,
    /// Blinded name.
    pub tag: Tag,
    /// The bytes are stored here.
    pub holds: bool,
    /// This node is on its way out.
    pub leaving: bool,
    /// Own part.
    pub mode: Mode,
    /// Overlay root's node id.
    pub root: NodeId,
    /// Rank in the root's claim.
    pub root_rank: Rank,
    /// Sequence of the root's claim; 0 for a founder.
    pub sequence: u64,
    /// Distance from the root.
    pub distance: u16,
    /// Upstream neighbour; `None` at the root.
    pub upstream: Option<NodeId>,
    /// The election holds this node frozen.
    pub frozen: bool,
    /// Neighbours, in no particular order.
    pub neighbors: Vec<NeighborView>,
    /// Comments known (held or refused).
    pub comments: SetDigest,
    /// Bookmarked by the user.
    pub bookmarked: bool,
    /// Held because it was written here and not handed over yet.
    pub authored: bool,
}

/// One neighbour in one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborView {
    /// Who.
    pub node: NodeId,
    /// Its part, as last told.
    pub mode: Mode,
    /// It is downstream of this node.
    pub downstream: bool,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The other side.
    pub node: NodeId,
    /// Its address.
    pub address: Address,
    /// Documents whose networks use it.
    pub documents: usize,
    /// Smoothed round-trip time, microseconds; 0 if not yet known.
    pub round_trip: u64,
}

/// Totals of one node since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed to frames, by kind as in [`crate::message::Message`].
    pub messages: u64,
    /// Frames sent, retransmissions included.
    pub frames: u64,
    /// Frames sent again.
    pub retransmissions: u64,
    /// Bodies received, duplicates included.
    pub bodies: u64,
    /// Bodies received that were already held.
    pub duplicates: u64,
    /// Rules broken by peers.
    pub violations: u64,
}
