//! *delivery*: every live node that wants a document has it if any live node
//! has it, and every live subscriber of a document has every comment of it that
//! any live node has. Judged by the wishes of users and by what is on disks,
//! not by what nodes say.

use super::Violated;
use super::graph::Graph;
use crate::snapshot::{DocumentTruth, Snapshot};
use cliqueclique_core::id::Tag;
use std::collections::BTreeSet;

/// Which documents any live node holds. Made once per snapshot.
#[derive(Debug)]
pub(super) struct Held(BTreeSet<Tag>);

impl Held {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let held = snapshot
            .documents
            .iter()
            .filter(|(_, truth)| held(snapshot, truth));
        Self(held.map(|(&tag, _)| tag).collect())
    }
}

fn held(snapshot: &Snapshot, truth: &DocumentTruth) -> bool {
    truth.members.iter().any(|(&node, member)| {
        snapshot.nodes.get(node).is_some_and(|node| node.alive)
            && member.view.as_ref().is_some_and(|view| view.holds)
    })
}

/// Checks one network.
pub(super) fn check(graph: &Graph, truth: &DocumentTruth, held: &Held) -> Result<(), Violated> {
    if held.0.contains(&graph.tag) {
        document(graph, truth)?;
    }
    comments(graph, truth, held)
}

fn document(graph: &Graph, truth: &DocumentTruth) -> Result<(), Violated> {
    let nodes = &graph.snapshot.nodes;
    for (&node, member) in &truth.members {
        let has = member.view.as_ref().is_some_and(|view| view.holds);
        if let (Some(interest), false, true) = (member.interest, has, nodes[node].alive) {
            let holder = graph
                .parts
                .iter()
                .find(|part| part.view.holds)
                .map_or(node, |part| part.node);
            let detail = format!(
                "node {node} wants the document ({interest:?}) and must have it, since node {holder} has it; it does not"
            );
            return Err(graph.violated("delivery", vec![node, holder], detail));
        }
    }
    Ok(())
}

fn comments(graph: &Graph, truth: &DocumentTruth, held: &Held) -> Result<(), Violated> {
    let mut expected: Vec<_> = truth
        .comments
        .iter()
        .copied()
        .filter(|tag| held.0.contains(tag))
        .collect();
    expected.sort_unstable();
    for (&node, member) in &truth.members {
        if !member.wish.subscribes()
            || member.interest.is_none()
            || !graph.snapshot.nodes[node].alive
        {
            continue;
        }
        if let Some(missing) = first_missing(&expected, &member.comments_held) {
            let detail = format!(
                "node {node} subscribes to the document and must have each of its {} comments that live nodes hold; \
                 it has {}, and {missing} is not among them",
                expected.len(),
                member.comments_held.len()
            );
            return Err(graph.violated("delivery", vec![node], detail));
        }
    }
    Ok(())
}

/// First element of `expected` that is not in `found`; both are sorted.
fn first_missing(expected: &[Tag], found: &[Tag]) -> Option<Tag> {
    let mut rest = found.iter();
    expected
        .iter()
        .copied()
        .find(|tag| !rest.by_ref().any(|other| other == tag))
}
