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
        Some(v) if graph.snapshot.nodes[v].alive => {
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
