//! *presence*: a document is held by exactly the live nodes that want it, each
//! in the mode that its user wishes: nobody is kept as a relay for others. (That
//! those who want it have it is part of *delivery*.)

use super::Violated;
use super::graph::{Graph, Part};

/// Checks one network.
pub(super) fn check(graph: &Graph) -> Result<(), Violated> {
    graph.parts.iter().try_for_each(|part| node(graph, part))
}

fn node(graph: &Graph, part: &Part) -> Result<(), Violated> {
    let (u, view) = (part.node, part.view);
    if part.member.interest.is_none() {
        let state = if view.leaving {
            "leaving"
        } else {
            "not leaving"
        };
        let detail = format!(
            "node {u} does not want the document, so it must not be in its network; it is ({state})"
        );
        return Err(graph.violated("presence", vec![u], detail));
    }
    if view.holds && view.leaving {
        let detail = format!(
            "node {u} wants the document ({:?}), but is leaving its network",
            part.member.interest
        );
        return Err(graph.violated("presence", vec![u], detail));
    }
    if view.mode != part.member.wish {
        let detail = format!(
            "the user of node {u} wishes {:?}, but its mode is {:?}",
            part.member.wish, view.mode
        );
        return Err(graph.violated("presence", vec![u], detail));
    }
    Ok(())
}
