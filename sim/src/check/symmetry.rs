//! *symmetry*: if a live node names a live node as its neighbour for a document,
//! then that node names it too.

use super::Violated;
use super::graph::{Graph, NONE};

/// Checks one network.
pub(super) fn check(graph: &Graph) -> Result<(), Violated> {
    for from in 0..graph.parts.len() {
        let targets = graph.targets(from);
        if let Some(at) = targets
            .iter()
            .position(|&to| to != NONE && !graph.names(to, from))
        {
            return Err(one_sided(graph, from, targets[at]));
        }
        for at in (0..targets.len()).filter(|&at| targets[at] == NONE) {
            outsider(graph, from, at)?;
        }
    }
    Ok(())
}

fn one_sided(graph: &Graph, from: usize, to: u32) -> Violated {
    let (u, v) = (graph.parts[from].node, graph.parts[to as usize].node);
    let detail =
        format!("node {u} names node {v} as its neighbour, and node {v} does not name node {u}");
    graph.violated("symmetry", vec![u, v], detail)
}

/// A neighbour without a position: dead ones are not judged, live ones have left.
fn outsider(graph: &Graph, from: usize, at: usize) -> Result<(), Violated> {
    let (u, id) = (
        graph.parts[from].node,
        graph.parts[from].view.neighbors[at].node,
    );
    match graph.directory.index(id) {
        Some(v) if graph.snapshot.nodes[v].counts() => {
            let detail = format!(
                "node {u} names node {v} as its neighbour, and node {v} has no part in the network"
            );
            Err(graph.violated("symmetry", vec![u, v], detail))
        }
        Some(_) => Ok(()),
        None => {
            let detail = format!("node {u} names a neighbour {id} that does not exist");
            Err(graph.violated("symmetry", vec![u], detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{id, network, tag, view_of};
    use crate::snapshot::Snapshot;

    fn judge(snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        graph.load(tag(1), &snapshot.documents[&tag(1)]);
        check(&graph)
    }

    #[test]
    fn both_sides_name_each_other() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        assert_eq!(judge(&snapshot), Ok(()));
        view_of(&mut snapshot, 2).neighbors.clear();
        let violated = judge(&snapshot).unwrap_err();
        assert_eq!(violated.nodes, [1, 2]);
        assert_eq!(
            violated.detail,
            "node 1 names node 2 as its neighbour, and node 2 does not name node 1"
        );
    }

    #[test]
    fn the_dead_are_not_judged_and_those_who_left_are() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        snapshot.nodes[2].alive = false;
        assert_eq!(judge(&snapshot), Ok(()));
        snapshot.nodes[2].alive = true;
        crate::check::fixture::member(&mut snapshot, 2).view = None;
        assert!(
            judge(&snapshot)
                .unwrap_err()
                .detail
                .ends_with("node 2 has no part in the network")
        );
        view_of(&mut snapshot, 1).neighbors[1].node = id(77);
        assert!(
            judge(&snapshot)
                .unwrap_err()
                .detail
                .ends_with("that does not exist")
        );
    }
}
