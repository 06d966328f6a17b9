//! Who is cut off by hostile nodes, and so beyond what can be promised.
//!
//! In each network the honest holders fall into parts over relations among
//! themselves. All but the largest part are *cut off*, if somebody in them has a
//! hostile neighbour; so are subscribers in all but the largest part of the
//! subscribers. Who is cut off from a document cannot get its comments, and so
//! is cut off from those that it lacks. A part that has no hostile neighbour is
//! never excused.
//!
//! A scenario says which share of a network may be cut off (`checks.cut_off`).
//! Above it nobody is excused there, and the checkers find what is wrong.

use super::graph::{Graph, Part};
use crate::snapshot::{DocumentTruth, Index, NodeTruth, Snapshot};
use cliqueclique_core::id::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are cut off, by document.
#[derive(Debug, Default)]
pub(crate) struct CutOff {
    nodes: BTreeMap<Tag, BTreeSet<Index>>,
    /// (node, document) pairs cut off, and such pairs of honest nodes in all.
    pairs: (u64, u64),
}

impl CutOff {
    /// Of a snapshot, where at most this share of a network is excused.
    pub(crate) fn new(snapshot: &Snapshot, most: f64) -> Self {
        let mut cut_off = Self::default();
        if !snapshot.nodes.iter().any(|node| node.hostile) {
            return cut_off;
        }
        let mut graph = Graph::new(snapshot);
        let mut order: Vec<_> = snapshot.documents.iter().collect();
        // A document comes after those on which it comments.
        order.sort_by_key(|(tag, truth)| (truth.published, **tag));
        for (&tag, truth) in order {
            graph.load(tag, truth);
            cut_off.document(&graph, truth, most);
        }
        cut_off
    }

    /// True if nothing about this document is promised to the node.
    pub(super) fn excuses(&self, tag: Tag, node: Index) -> bool {
        self.nodes
            .get(&tag)
            .is_some_and(|nodes| nodes.contains(&node))
    }

    /// Share of the (node, document) pairs of honest nodes that are cut off, if there are hostile ones.
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn share(&self) -> Option<f64> {
        let (cut, all) = self.pairs;
        (all > 0).then(|| cut as f64 / all as f64)
    }

    #[allow(clippy::cast_precision_loss, reason = "nodes are far below 2^53")]
    fn document(&mut self, graph: &Graph, truth: &DocumentTruth, most: f64) {
        let mut cut = outside(graph, |part| part.view.holds);
        cut.extend(outside(graph, |part| part.subscribes()));
        let nodes = &graph.snapshot.nodes;
        let honest = |node: &Index| nodes.get(*node).is_some_and(NodeTruth::counts);
        let mut wanting = 0;
        for (&node, member) in truth.members.iter().filter(|(node, _)| honest(node)) {
            wanting += u64::from(member.interest.is_some());
            let holds = member.view.as_ref().is_some_and(|view| view.holds);
            let above = |parent: &Tag| self.excuses(*parent, node);
            if member.interest.is_some() && !holds && truth.parents.iter().any(above) {
                cut.insert(node);
            }
        }
        self.pairs.0 += cut.len() as u64;
        self.pairs.1 += wanting;
        if cut.len() as f64 <= most * wanting as f64 && !cut.is_empty() {
            self.nodes.insert(graph.tag, cut);
        }
    }
}

/// Members outside the largest part, in parts that touch a hostile node.
fn outside(graph: &Graph, member: impl Fn(&Part) -> bool) -> BTreeSet<Index> {
    let labels = graph.components(&member).into_labeling();
    let mut pieces: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for at in (0..graph.parts.len()).filter(|&at| member(&graph.parts[at])) {
        pieces.entry(labels[at]).or_default().push(at);
    }
    let largest = pieces
        .iter()
        .max_by_key(|(label, piece)| (piece.len(), **label));
    let Some(largest) = largest.map(|(&label, _)| label) else {
        return BTreeSet::new();
    };
    pieces.remove(&largest);
    pieces.retain(|_, piece| piece.iter().any(|&at| touches(graph, at)));
    let nodes = pieces.into_values().flatten();
    nodes.map(|at| graph.parts[at].node).collect()
}

fn touches(graph: &Graph, at: usize) -> bool {
    let neighbors = &graph.parts[at].view.neighbors;
    neighbors
        .iter()
        .any(|neighbor| graph.is_hostile(neighbor.node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};

    /// A path 0-1-2-3-4-5 in which node 3 is hostile.
    fn path() -> Snapshot {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
        snapshot.nodes[3].hostile = true;
        snapshot
    }

    #[test]
    fn who_is_behind_a_hostile_node_is_cut_off() {
        let cut_off = CutOff::new(&path(), 0.5);
        let cut: Vec<_> = (0..6).filter(|&n| cut_off.excuses(tag(1), n)).collect();
        assert_eq!(cut, [4, 5]);
        assert_eq!(cut_off.share(), Some(0.4), "two of five honest ones");
    }

    #[test]
    fn more_than_the_scenario_allows_is_not_excused() {
        let cut_off = CutOff::new(&path(), 0.3);
        assert!((0..6).all(|n| !cut_off.excuses(tag(1), n)));
        assert_eq!(cut_off.share(), Some(0.4), "it is measured all the same");
    }

    #[test]
    fn a_part_without_a_hostile_neighbor_is_never_excused() {
        let mut snapshot = network(&[(0, 1), (1, 2), (3, 4), (0, 5)]);
        snapshot.nodes[5].hostile = true;
        let cut_off = CutOff::new(&snapshot, 1.0);
        assert!((0..6).all(|n| !cut_off.excuses(tag(1), n)));
    }

    #[test]
    fn nobody_is_cut_off_where_nobody_is_hostile() {
        let cut_off = CutOff::new(&network(&[(0, 1), (2, 3)]), 1.0);
        assert_eq!(cut_off.share(), None);
    }
}
