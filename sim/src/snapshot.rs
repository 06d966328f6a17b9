//! The ground truth at one instant, for checkers inside and outside.

use cliqueclique_core::id::{DocumentId, NodeId, Tag};
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;
use std::collections::BTreeMap;

/// Index of a node in the simulation.
pub type Index = usize;

/// Why a node should hold a document, by the scenario's truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// It subscribes (or follows) it.
    Subscribed,
    /// It bookmarked it.
    Bookmarked,
    /// It subscribes to a document that this one comments on.
    Comment,
    /// It wrote it, and nobody else holds it yet.
    Author,
}

/// Everything about all documents and nodes at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When.
    pub time: Time,
    /// The nodes, by index.
    pub nodes: Vec<NodeTruth>,
    /// The documents, by tag.
    pub documents: BTreeMap<Tag, DocumentTruth>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeTruth {
    /// Its id.
    pub id: NodeId,
    /// It runs and is reachable (not crashed, paused, or left).
    pub alive: bool,
    /// The scenario makes it misbehave: nothing is promised to it.
    pub hostile: bool,
    /// Its K.
    pub max_peers: usize,
    /// Its number of links.
    pub links: usize,
}

impl NodeTruth {
    /// Guarantees are about it: it runs, and does what the protocol says.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.alive && !self.hostile
    }
}

/// One document.
#[derive(Clone, Debug)]
pub struct DocumentTruth {
    /// Its id.
    pub id: DocumentId,
    /// Tags of documents that it comments on.
    pub parents: Vec<Tag>,
    /// Tags of documents that are comments of it.
    pub comments: Vec<Tag>,
    /// Author's index.
    pub author: Index,
    /// When it was published.
    pub published: Time,
    /// Per node: wishes and state. A node without either has no entry.
    pub members: BTreeMap<Index, Membership>,
}

/// One node's part in one document's network.
#[derive(Clone, Debug, Default)]
pub struct Membership {
    /// Why the node should hold it; `None`: it should not.
    pub interest: Option<Interest>,
    /// The mode that the node's user wishes (truth from the commands given).
    pub wish: Mode,
    /// What the node's core says (also for cold overlays); `None`: not in the network.
    pub view: Option<OverlayView>,
    /// Its disk has the document.
    pub held: bool,
    /// Comments of this document stored at this node (from its disk), sorted tags.
    pub comments_held: Vec<Tag>,
}
