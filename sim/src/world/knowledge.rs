//! What the packet checkers may ask about the truth.

use crate::check::Knowledge;
use crate::host::{Host, resolve};
use crate::snapshot::Index;
use crate::truth::Truth;
use bytes::Bytes;
use cliqueclique_core::crypto::Suite;
use cliqueclique_core::id::{Address, DocumentId, NodeId, Tag};
use std::collections::BTreeMap;

/// The truth, to be asked.
pub(crate) struct Known<'a> {
    /// Wishes and disks.
    pub(crate) truth: &'a Truth,
    /// Nodes by id.
    pub(crate) ids: &'a BTreeMap<NodeId, Index>,
    /// All nodes.
    pub(crate) hosts: &'a [Host],
    /// To hash documents.
    pub(crate) suite: &'a dyn Suite,
}

impl Knowledge for Known<'_> {
    fn holds(&self, node: Index, tag: Tag) -> bool {
        self.truth
            .by_tag(tag)
            .is_some_and(|number| self.truth.holds(number, node))
    }

    fn shares(&self, node: Index, tag: Tag) -> bool {
        self.truth
            .by_tag(tag)
            .is_some_and(|number| self.truth.shares(number, node))
    }

    /// Of a hostile node in the network above its word counts: it may say that it subscribes.
    fn subscribes_to_parent_of(&self, node: Index, tag: Tag) -> bool {
        self.truth.by_tag(tag).is_some_and(|number| {
            self.truth.subscribed_above(number, node)
                || self.hostile(node) && self.truth.shares_above(number, node)
        })
    }

    fn exists(&self, tag: Tag) -> bool {
        self.truth.by_tag(tag).is_some()
    }

    fn hostile(&self, node: Index) -> bool {
        self.hosts[node].hostile
    }

    fn index_of(&self, id: NodeId) -> Option<Index> {
        self.ids.get(&id).copied()
    }

    fn node_at(&self, address: &Address) -> Option<Index> {
        resolve(address)
            .map(|(node, _)| node)
            .filter(|&node| node < self.truth.nodes())
    }

    fn tag_of(&self, document: &DocumentId) -> Option<Tag> {
        self.truth
            .by_id(document)
            .map(|number| self.truth.entry(number).document.tag())
    }

    fn tag_of_bytes(&self, bytes: &Bytes) -> Option<Tag> {
        self.tag_of(&self.suite.document_id(bytes))
    }
}
