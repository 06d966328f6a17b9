//! *delivery*: every live node that wants a document has it if any live node
//! has it, and every live subscriber of a document has every comment of it that
//! any live holder of the document has. (Who has a comment alone, without the document on
//! which it is one, is not in that network, where subscribers look for it.) Judged by the
//! wishes of users and by what is on disks, not by what nodes say. Hostile nodes count on
//! neither side, nor does who is cut off by them.

use super::Violated;
use super::cut_off::CutOff;
use super::graph::Graph;
use crate::snapshot::{DocumentTruth, Index, NodeTruth, Snapshot};
use cliqueclique_core::id::Tag;
use std::collections::BTreeSet;

/// Which documents any live node holds, and who is cut off from them. Made once per snapshot.
#[derive(Debug)]
pub(super) struct Held {
    tags: BTreeSet<Tag>,
    cut_off: CutOff,
}

impl Held {
    pub(super) fn new(snapshot: &Snapshot, cut_off: CutOff) -> Self {
        let held = snapshot
            .documents
            .iter()
            .filter(|(tag, truth)| held(snapshot, **tag, truth, &cut_off));
        Self {
            tags: held.map(|(&tag, _)| tag).collect(),
            cut_off,
        }
    }

    /// Who is cut off by hostile nodes.
    pub(super) fn cut_off(&self) -> &CutOff {
        &self.cut_off
    }
}

/// True if a live node holds the document and can pass it on: it is cut off neither
/// from its network nor from those that it comments on.
fn held(snapshot: &Snapshot, tag: Tag, truth: &DocumentTruth, cut_off: &CutOff) -> bool {
    truth.members.iter().any(|(&node, member)| {
        snapshot.nodes.get(node).is_some_and(NodeTruth::counts)
            && member.view.as_ref().is_some_and(|view| view.holds)
            && !cut_off.excuses(tag, node)
            && !truth
                .parents
                .iter()
                .any(|&parent| cut_off.excuses(parent, node))
    })
}

/// Checks one network.
pub(super) fn check(graph: &Graph, truth: &DocumentTruth, held: &Held) -> Result<(), Violated> {
    if held.tags.contains(&graph.tag) {
        document(graph, truth, held)?;
    }
    comments(graph, truth, held)
}

fn document(graph: &Graph, truth: &DocumentTruth, held: &Held) -> Result<(), Violated> {
    let nodes = &graph.snapshot.nodes;
    for (&node, member) in &truth.members {
        if held.cut_off.excuses(graph.tag, node) {
            continue;
        }
        let has = member.view.as_ref().is_some_and(|view| view.holds);
        let lacks = member.interest.filter(|_| !has && nodes[node].counts());
        if let Some(interest) = lacks.filter(|_| offered(graph, truth, node)) {
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

/// True if a holder is where the node looks: in the network of a document on which it is a
/// comment and to which the node subscribes, or anywhere, if there is none.
fn offered(graph: &Graph, truth: &DocumentTruth, node: Index) -> bool {
    let documents = &graph.snapshot.documents;
    let parents = truth.parents.iter().filter_map(|tag| documents.get(tag));
    let above = parents.filter(|above| {
        let member = above.members.get(&node);
        member.is_some_and(|member| member.interest.is_some() && member.wish.subscribes())
    });
    let above: Vec<&DocumentTruth> = above.collect();
    let holds = |truth: &DocumentTruth, node: Index| {
        let member = truth.members.get(&node);
        member.is_some_and(|member| member.view.as_ref().is_some_and(|view| view.holds))
    };
    let holders = truth.members.keys().copied();
    let mut holders = holders.filter(|&other| {
        graph.snapshot.nodes[other].counts() && other != node && holds(truth, other)
    });
    above.is_empty() || holders.any(|other| above.iter().any(|above| holds(above, other)))
}

fn comments(graph: &Graph, truth: &DocumentTruth, held: &Held) -> Result<(), Violated> {
    let nodes = &graph.snapshot.nodes;
    let holders = truth.members.iter().filter(|(node, member)| {
        nodes[**node].counts() && member.view.as_ref().is_some_and(|view| view.holds)
    });
    let there: BTreeSet<Tag> = holders
        .flat_map(|(_, member)| member.comments_held.iter().copied())
        .collect();
    // In order, as in a set.
    let expected: Vec<Tag> = there.intersection(&held.tags).copied().collect();
    for (&node, member) in &truth.members {
        if !member.wish.subscribes()
            || member.interest.is_none()
            || !graph.snapshot.nodes[node].counts()
            || held.cut_off.excuses(graph.tag, node)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{comment, member, network, tag, view_of};
    use crate::snapshot::Snapshot;

    fn judge(snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        graph.load(tag(1), &snapshot.documents[&tag(1)]);
        check(
            &graph,
            &snapshot.documents[&tag(1)],
            &Held::new(snapshot, CutOff::default()),
        )
    }

    #[test]
    fn who_wants_a_document_has_it_if_anybody_has() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        assert_eq!(judge(&snapshot), Ok(()));
        member(&mut snapshot, 2).view = None;
        assert_eq!(judge(&snapshot).unwrap_err().nodes, [2, 0]);
        member(&mut snapshot, 2).interest = None;
        assert_eq!(judge(&snapshot), Ok(()));
        member(&mut snapshot, 2).interest = Some(crate::snapshot::Interest::Bookmarked);
        for node in [0, 1] {
            view_of(&mut snapshot, node).holds = false;
        }
        assert_eq!(judge(&snapshot), Ok(()), "nobody has it");
    }

    #[test]
    fn a_comment_is_looked_for_where_it_is_one() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        comment(&mut snapshot, &[0]);
        let reply = snapshot.documents[&tag(1)].comments[0];
        let judge_reply = |snapshot: &Snapshot| {
            let mut graph = Graph::new(snapshot);
            let truth = &snapshot.documents[&reply];
            graph.load(reply, truth);
            check(&graph, truth, &Held::new(snapshot, CutOff::default()))
        };
        assert_eq!(judge_reply(&snapshot).unwrap_err().property, "delivery");
        view_of(&mut snapshot, 0).holds = false;
        assert_eq!(judge_reply(&snapshot), Ok(()), "its holder left the forum");
    }

    #[test]
    fn subscribers_have_every_comment_that_the_living_have() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        comment(&mut snapshot, &[0, 1, 2]);
        assert_eq!(judge(&snapshot), Ok(()));
        member(&mut snapshot, 1).comments_held.clear();
        assert_eq!(judge(&snapshot).unwrap_err().nodes, [1]);
        member(&mut snapshot, 1).wish = cliqueclique_core::message::Mode::Hold;
        assert_eq!(judge(&snapshot), Ok(()), "it does not subscribe");
    }

    #[test]
    fn what_only_the_dead_have_is_lost() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        comment(&mut snapshot, &[2]);
        assert!(judge(&snapshot).is_err());
        snapshot.nodes[2].alive = false;
        assert_eq!(judge(&snapshot), Ok(()));
    }

    #[test]
    fn missing_elements_are_found_anywhere() {
        let tags = |numbers: &[u8]| {
            numbers
                .iter()
                .map(|number| tag(*number))
                .collect::<Vec<_>>()
        };
        let missing = |found: &[u8]| first_missing(&tags(&[1, 3, 5]), &tags(found));
        assert_eq!(missing(&[1, 2, 3, 4, 5]), None);
        assert_eq!(
            [&[3, 5][..], &[1, 5], &[1, 3], &[]].map(missing),
            [1, 3, 5, 1].map(|number| Some(tag(number)))
        );
    }
}
