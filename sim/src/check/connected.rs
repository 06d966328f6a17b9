//! *connected_holders* and *connected_subscribers*: the live holders of a
//! document are one connected graph over relations that both sides name, and so
//! are the subscribers among themselves. Hostile nodes join nobody, and who is cut
//! off by them is passed over.

use super::Violated;
use super::cut_off::CutOff;
use super::graph::{Graph, Part};
use crate::snapshot::Index;
use std::collections::BTreeMap;

/// Checks that the holders are connected.
pub(super) fn holders(graph: &Graph, cut_off: &CutOff) -> Result<(), Violated> {
    check(graph, "connected_holders", "holders", |part| {
        part.view.holds && !cut_off.excuses(graph.tag, part.node)
    })
}

/// Checks that the subscribers are connected without anybody else.
pub(super) fn subscribers(graph: &Graph, cut_off: &CutOff) -> Result<(), Violated> {
    check(graph, "connected_subscribers", "subscribers", |part| {
        part.subscribes() && !cut_off.excuses(graph.tag, part.node)
    })
}

fn check(
    graph: &Graph,
    property: &'static str,
    what: &str,
    member: impl Fn(&Part) -> bool,
) -> Result<(), Violated> {
    let labels = graph.components(&member).into_labeling();
    let mut chosen = (0..graph.parts.len()).filter(|&at| member(&graph.parts[at]));
    let Some(first) = chosen.next() else {
        return Ok(());
    };
    if chosen.all(|at| labels[at] == labels[first]) {
        return Ok(());
    }
    let mut pieces: BTreeMap<u32, Vec<Index>> = BTreeMap::new();
    for (at, part) in graph
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| member(part))
    {
        pieces.entry(labels[at]).or_default().push(part.node);
    }
    Err(graph.violated(property, strangers(&pieces), describe(what, &pieces)))
}

/// Nodes to name: first one of each piece, the smallest piece in full as far as there is room.
fn strangers(pieces: &BTreeMap<u32, Vec<Index>>) -> Vec<Index> {
    let mut nodes: Vec<_> = pieces.values().map(|piece| piece[0]).take(8).collect();
    let smallest = pieces.values().min_by_key(|piece| piece.len());
    nodes.extend(smallest.into_iter().flatten().skip(1).take(8));
    nodes
}

fn describe(what: &str, pieces: &BTreeMap<u32, Vec<Index>>) -> String {
    let mut sizes: Vec<_> = pieces.values().map(Vec::len).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let total: usize = sizes.iter().sum();
    let count = sizes.len();
    sizes.truncate(8);
    format!(
        "the {total} {what} must be connected, found {count} separate parts, the largest of {sizes:?} nodes"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag, view_of};
    use crate::snapshot::Snapshot;

    fn judge(snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        graph.load(tag(1), &snapshot.documents[&tag(1)]);
        holders(&graph, &CutOff::default())?;
        subscribers(&graph, &CutOff::default())
    }

    use cliqueclique_core::message::Mode;

    #[test]
    fn a_relation_that_one_side_names_does_not_connect() {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3)]);
        assert_eq!(judge(&snapshot), Ok(()));
        view_of(&mut snapshot, 1).neighbors.pop();
        let violated = judge(&snapshot).unwrap_err();
        assert_eq!(violated.property, "connected_holders");
        assert_eq!(violated.nodes, [0, 2, 1]);
        assert_eq!(
            violated.detail,
            "the 4 holders must be connected, found 2 separate parts, the largest of [2, 2] nodes"
        );
    }

    #[test]
    fn subscribers_are_connected_without_mere_holders() {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 0)]);
        view_of(&mut snapshot, 1).mode = Mode::Hold;
        assert_eq!(judge(&snapshot), Ok(()), "around the other side");
        view_of(&mut snapshot, 3).mode = Mode::Hold;
        assert_eq!(
            judge(&snapshot).unwrap_err().property,
            "connected_subscribers"
        );
    }

    #[test]
    fn the_dead_connect_nobody() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        snapshot.nodes[1].alive = false;
        assert_eq!(judge(&snapshot).unwrap_err().nodes, [0, 2]);
        snapshot.nodes[2].alive = false;
        assert_eq!(judge(&snapshot), Ok(()));
    }
}
