//! Survivors that never heard of each other.
//!
//! Two nodes make contact only through a third that knows both, or by an address that a user
//! entered. If all who knew both are gone before they introduced them, no protocol under that
//! rule can bring them together. That they know each other from the network of another document,
//! or of one that one of them has left, does not help: to ask there would tell who does not hold
//! this one of it. A failure that is explained by this is told apart, from what the nodes' cores
//! know, so that a swarm of drawn faults does not drown in it.

use super::World;
use crate::check::Violated;
use crate::host::address;
use crate::snapshot::{DocumentTruth, Index, NodeTruth, Snapshot};
use cliqueclique_core::id::Tag;
use cliqueclique_core::view::OverlayView;
use petgraph::unionfind::UnionFind;
use std::collections::BTreeSet;

impl World<'_> {
    /// True if the parts that a failure speaks of are those of the graph in which an edge means
    /// that one of two nodes knows the present address of the other.
    pub(crate) fn is_beyond_reach(&self, violated: &Violated, last: &Snapshot) -> bool {
        let Some((tag, truth)) = violated
            .document
            .and_then(|tag| Some((tag, last.documents.get(&tag)?)))
        else {
            return false;
        };
        let mut knowledge = self.knowledge(last, tag, truth);
        match violated.property {
            "connected_holders" => parts(last, truth, &mut knowledge, |view| view.holds),
            "connected_subscribers" => parts(last, truth, &mut knowledge, |view| {
                view.holds && view.mode.subscribes()
            }),
            "delivery" => violated.nodes.first().is_some_and(|&node| {
                let givers = givers(last, truth, node);
                givers
                    .into_iter()
                    .all(|giver| !knowledge.equiv(node, giver))
            }),
            _ => false,
        }
    }

    /// Who could reach whom: live honest nodes of the document's network and of those around it.
    fn knowledge(&self, last: &Snapshot, tag: Tag, truth: &DocumentTruth) -> UnionFind<Index> {
        let around = truth.parents.iter().chain(&truth.comments).chain([&tag]);
        let around: Vec<Tag> = around.copied().collect();
        let members = around.iter().filter_map(|tag| last.documents.get(tag));
        let nodes: BTreeSet<Index> = members
            .flat_map(|truth| truth.members.keys().copied())
            .filter(|&node| last.nodes[node].counts())
            .collect();
        let mut known = UnionFind::new(last.nodes.len());
        for &node in &nodes {
            let Some(core) = &self.hosts[node].core else {
                continue;
            };
            for &other in nodes.iter().filter(|&&other| other != node) {
                let shared = around.iter().copied().filter(|tag| {
                    let truth = last.documents.get(tag);
                    truth.is_some_and(|truth| [node, other].iter().all(|node| held(truth, *node)))
                });
                let shared: Vec<Tag> = shared.collect();
                let address = address(other, self.hosts[other].generation);
                if core.knows_address(&address, &shared) {
                    known.union(node, other);
                }
            }
        }
        known
    }
}

fn held(truth: &DocumentTruth, node: Index) -> bool {
    let member = truth.members.get(&node);
    member.is_some_and(|member| member.view.as_ref().is_some_and(|view| view.holds))
}

/// Live honest nodes that have what a node lacks: the document, or a comment of it.
fn givers(last: &Snapshot, truth: &DocumentTruth, node: Index) -> BTreeSet<Index> {
    let lacks = truth
        .members
        .get(&node)
        .is_none_or(|member| member.view.as_ref().is_none_or(|view| !view.holds));
    let held = truth.members.get(&node).map(|member| &member.comments_held);
    let missing = |tag: &&Tag| held.is_none_or(|held| !held.contains(tag));
    let comments = truth.comments.iter().filter(missing);
    let documents: Vec<&DocumentTruth> = if lacks {
        vec![truth]
    } else {
        comments.filter_map(|tag| last.documents.get(tag)).collect()
    };
    let holders = documents.into_iter().flat_map(|truth| &truth.members);
    holders
        .filter(|(_, member)| member.view.as_ref().is_some_and(|view| view.holds))
        .map(|(&node, _)| node)
        .filter(|&node| last.nodes[node].counts())
        .collect()
}

/// True if the network has as many parts as there are circles of acquaintances.
fn parts(
    last: &Snapshot,
    truth: &DocumentTruth,
    knowledge: &mut UnionFind<Index>,
    counts: impl Fn(&OverlayView) -> bool,
) -> bool {
    let member = |node: &Index| {
        let member = truth.members.get(node)?;
        let view = member.view.as_ref()?;
        counts(view).then_some(view)
    };
    let honest = |node: &Index| last.nodes.get(*node).is_some_and(NodeTruth::counts);
    let nodes: Vec<Index> = truth.members.keys().copied().collect();
    let nodes: Vec<Index> = nodes
        .into_iter()
        .filter(|node| honest(node) && member(node).is_some())
        .collect();
    let mut graph = UnionFind::new(last.nodes.len());
    for &node in &nodes {
        for neighbor in member(&node).into_iter().flat_map(|view| &view.neighbors) {
            let other = nodes
                .iter()
                .find(|&&other| last.nodes[other].id == neighbor.node);
            if let Some(&other) = other {
                graph.union(node, other);
                knowledge.union(node, other);
            }
        }
    }
    let count = |graph: &mut UnionFind<Index>| {
        let roots: BTreeSet<Index> = nodes.iter().map(|&node| graph.find_mut(node)).collect();
        roots.len()
    };
    count(&mut graph) == count(knowledge)
}
