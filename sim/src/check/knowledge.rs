//! What checkers may ask about the true state of the network while it runs.

use crate::snapshot::Index;
use bytes::Bytes;
use cliqueclique_core::id::{Address, DocumentId, NodeId, Tag};

/// The truth about nodes and documents at this instant, which no node has.
///
/// Methods with a default answer "unknown" make checkers more exact where they
/// are overridden; without them the checkers assume the best.
pub trait Knowledge {
    /// The node stores the document now.
    fn holds(&self, node: Index, tag: Tag) -> bool;
    /// The node takes part in the document's network, is joining it, or once
    /// did either: its peers may not know yet that it left.
    fn shares(&self, node: Index, tag: Tag) -> bool;
    /// The node subscribes, or once subscribed, to a document of which this
    /// one is a comment (`tag` names it as parent, or it names `tag` as child).
    fn subscribes_to_parent_of(&self, node: Index, tag: Tag) -> bool;
    /// The node with this id.
    fn index_of(&self, id: NodeId) -> Option<Index>;

    /// A document of this name was ever published.
    fn exists(&self, tag: Tag) -> bool {
        let _ = tag;
        true
    }
    /// The node misbehaves by the scenario's will: what it does is no breach of a guarantee.
    fn hostile(&self, node: Index) -> bool {
        let _ = node;
        false
    }
    /// The node that has, or once had, this address; `None`: unknown.
    fn node_at(&self, address: &Address) -> Option<Index> {
        let _ = address;
        None
    }
    /// Tag of a document; `None`: unknown.
    fn tag_of(&self, document: &DocumentId) -> Option<Tag> {
        let _ = document;
        None
    }
    /// Tag of the document with these canonical bytes; `None`: unknown.
    fn tag_of_bytes(&self, bytes: &Bytes) -> Option<Tag> {
        let _ = bytes;
        None
    }
}
