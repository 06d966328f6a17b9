//! One document's network as the snapshot shows it, with node ids resolved to
//! positions. The only place of the checkers where a graph is built; buffers
//! are used again from document to document, nothing is copied.

use super::Violated;
use crate::snapshot::{DocumentTruth, Index, Membership, NodeTruth, Snapshot};
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::view::OverlayView;
use petgraph::unionfind::UnionFind;

/// No position: the node is dead, unknown, or has no part in the network.
pub(crate) const NONE: u32 = u32::MAX;

/// Node ids to indexes: sorted, with a table of where each first byte pair begins.
#[derive(Debug)]
pub(crate) struct Directory {
    sorted: Vec<(NodeId, u32)>,
    begins: Vec<u32>,
}

impl Directory {
    /// Of all nodes of a snapshot. The last of several nodes with the same id wins.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a simulation has fewer than 2^32 nodes"
    )]
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut sorted: Vec<_> = snapshot
            .nodes
            .iter()
            .enumerate()
            .map(|(i, node)| (node.id, i as u32))
            .collect();
        sorted.sort_unstable();
        let mut begins = vec![0; (1 << 16) + 1];
        for (id, _) in &sorted {
            begins[head(id) + 1] += 1;
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        Self { sorted, begins }
    }

    /// Index of the node with this id.
    pub(crate) fn index(&self, id: NodeId) -> Option<Index> {
        let (begin, end) = (
            self.begins[head(&id)] as usize,
            self.begins[head(&id) + 1] as usize,
        );
        let part = &self.sorted[begin..end];
        part.iter()
            .rev()
            .find(|(other, _)| *other == id)
            .map(|(_, index)| *index as usize)
    }
}

fn head(id: &NodeId) -> usize {
    usize::from(id.0[0]) << 8 | usize::from(id.0[1])
}

/// A live node that takes part in the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) node: Index,
    pub(crate) view: &'a OverlayView,
    /// What the snapshot says of it besides.
    pub(crate) member: &'a Membership,
}

/// One document's network among live nodes.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) directory: Directory,
    pub(crate) tag: Tag,
    /// Live nodes with a view, by index.
    pub(crate) parts: Vec<Part<'a>>,
    position: Vec<u32>,
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl<'a> Graph<'a> {
    /// Empty, for the documents of this snapshot.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            directory: Directory::new(snapshot),
            tag: Tag([0; 8]),
            parts: Vec::new(),
            position: vec![NONE; snapshot.nodes.len()],
            starts: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Takes another document.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a simulation has fewer than 2^32 nodes"
    )]
    pub(crate) fn load(&mut self, tag: Tag, truth: &'a DocumentTruth) {
        for part in self.parts.drain(..) {
            self.position[part.node] = NONE;
        }
        self.tag = tag;
        for (&node, member) in &truth.members {
            let counts = self.snapshot.nodes.get(node);
            let counts = counts.is_some_and(NodeTruth::counts);
            if let (true, Some(view)) = (counts, &member.view) {
                self.position[node] = self.parts.len() as u32;
                self.parts.push(Part { node, view, member });
            }
        }
        self.resolve();
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a simulation has fewer than 2^32 edges"
    )]
    fn resolve(&mut self) {
        self.starts.clear();
        self.targets.clear();
        for part in &self.parts {
            self.starts.push(self.targets.len() as u32);
            let ids = part.view.neighbors.iter().map(|neighbor| neighbor.node);
            self.targets
                .extend(ids.map(|id| position(&self.directory, &self.position, id)));
        }
        self.starts.push(self.targets.len() as u32);
    }

    /// Position of a live part by node id, or [`NONE`].
    pub(crate) fn at(&self, id: NodeId) -> u32 {
        position(&self.directory, &self.position, id)
    }

    /// True for a live node that the scenario makes hostile.
    pub(crate) fn is_hostile(&self, id: NodeId) -> bool {
        let node = self
            .directory
            .index(id)
            .map(|index| &self.snapshot.nodes[index]);
        node.is_some_and(|node| node.alive && node.hostile)
    }

    /// True if the way up from a part leads to a hostile node.
    pub(crate) fn hangs_below_hostile(&self, at: usize) -> bool {
        let mut at = at;
        for _ in 0..=self.parts.len() {
            let Some(upstream) = self.parts[at].view.upstream else {
                return false;
            };
            if self.is_hostile(upstream) {
                return true;
            }
            match self.at(upstream) {
                NONE => return false,
                next => at = next as usize,
            }
        }
        false
    }

    /// Positions of the neighbours that `from` names, in the order of its view.
    pub(crate) fn targets(&self, from: usize) -> &[u32] {
        &self.targets[self.starts[from] as usize..self.starts[from + 1] as usize]
    }

    /// True if `to` names `from` as its neighbour.
    #[allow(clippy::cast_possible_truncation, reason = "positions are below 2^32")]
    pub(crate) fn names(&self, to: u32, from: usize) -> bool {
        self.targets(to as usize).contains(&(from as u32))
    }

    /// A violation of an *eventually* property in this network.
    pub(crate) fn violated(
        &self,
        property: &'static str,
        mut nodes: Vec<Index>,
        detail: String,
    ) -> Violated {
        nodes.truncate(16);
        Violated {
            property,
            time: self.snapshot.time,
            document: Some(self.tag),
            nodes,
            detail,
        }
    }

    /// Connected parts, over relations that both sides name, of those that `member` accepts.
    pub(crate) fn components(&self, member: impl Fn(&Part) -> bool) -> UnionFind<u32> {
        let mut sets = UnionFind::new(self.parts.len());
        for (from, part) in self.parts.iter().enumerate() {
            if !member(part) {
                continue;
            }
            for &to in self.targets(from) {
                // Each relation is looked at from its lower end only.
                if to != NONE
                    && to as usize > from
                    && member(&self.parts[to as usize])
                    && self.names(to, from)
                {
                    union(&mut sets, from, to);
                }
            }
        }
        sets
    }
}

#[allow(clippy::cast_possible_truncation, reason = "positions are below 2^32")]
fn union(sets: &mut UnionFind<u32>, from: usize, to: u32) {
    sets.union(from as u32, to);
}

fn position(directory: &Directory, positions: &[u32], id: NodeId) -> u32 {
    directory.index(id).map_or(NONE, |index| positions[index])
}
