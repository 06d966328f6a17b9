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
    if part.member.interest.is_none() && !is_last(graph, part) {
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
    if part.member.interest.is_some() && view.holds && view.leaving {
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

/// The author, while nobody else has the document: whoever had it may have lost it again
/// before the author heard that it came.
fn is_last(graph: &Graph, part: &Part) -> bool {
    let author = graph.snapshot.documents.get(&graph.tag);
    let others = graph.parts.iter().filter(|other| other.node != part.node);
    author.is_some_and(|truth| truth.author == part.node)
        && others.clone().all(|other| !other.view.holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{member, network, tag, view_of};
    use crate::snapshot::Snapshot;

    fn judge(snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        graph.load(tag(1), &snapshot.documents[&tag(1)]);
        check(&graph)
    }

    use cliqueclique_core::message::Mode;

    #[test]
    fn nobody_is_there_who_does_not_want_it() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        assert_eq!(judge(&snapshot), Ok(()));
        member(&mut snapshot, 2).interest = None;
        assert_eq!(judge(&snapshot).unwrap_err().nodes, [2]);
        snapshot.nodes[2].alive = false;
        assert_eq!(judge(&snapshot), Ok(()));
    }

    #[test]
    fn the_mode_is_what_the_user_wishes() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        view_of(&mut snapshot, 1).mode = Mode::Follow;
        assert_eq!(
            judge(&snapshot).unwrap_err().detail,
            "the user of node 1 wishes Subscribe, but its mode is Follow"
        );
        member(&mut snapshot, 1).wish = Mode::Follow;
        assert_eq!(judge(&snapshot), Ok(()));
        view_of(&mut snapshot, 1).leaving = true;
        assert!(
            judge(&snapshot)
                .unwrap_err()
                .detail
                .ends_with("but is leaving its network")
        );
    }
}
