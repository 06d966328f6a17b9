//! *tree*: all holders of a connected part agree on one overlay root and its
//! sequence; the root is a live holder among them at distance 0; everybody
//! else's upstream is a live neighbour exactly one hop nearer. Nobody is frozen.
//!
//! Who hangs below a hostile node believes what that says: the root that it
//! names may be anybody, and the distance is only true from there on down.

use super::Violated;
use super::graph::{Graph, NONE, Part};

/// Checks one network.
pub(super) fn check(graph: &Graph) -> Result<(), Violated> {
    let labels = graph.components(|part| part.view.holds).into_labeling();
    let mut first_of = vec![NONE; graph.parts.len()];
    let mut judged = vec![false; graph.parts.len()];
    for (at, part) in graph
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.view.holds)
    {
        let first = &mut first_of[labels[at] as usize];
        if *first == NONE {
            *first = position(at);
        }
        let judged = &mut judged[labels[at] as usize];
        if !*judged && !graph.hangs_below_hostile(at) {
            *judged = true;
            root(graph, &labels, at)?;
        }
        agree(graph, &graph.parts[*first as usize], part)?;
        step(graph, at, part)?;
    }
    Ok(())
}

#[allow(clippy::cast_possible_truncation, reason = "positions are below 2^32")]
fn position(at: usize) -> u32 {
    at as u32
}

/// The root that `at` names is a live holder in the same connected part, at distance 0.
fn root(graph: &Graph, labels: &[u32], at: usize) -> Result<(), Violated> {
    let part = &graph.parts[at];
    let (u, id) = (part.node, part.view.root);
    let to = graph.at(id);
    if to == NONE {
        let who = graph
            .directory
            .index(id)
            .map_or_else(|| "nobody knows".into(), |v| format!("is node {v}"));
        let detail = format!(
            "the overlay root must be alive and in the network; node {u} names {id}, which {who}"
        );
        return Err(graph.violated("tree", vec![u], detail));
    }
    let head = &graph.parts[to as usize];
    if !head.view.holds || labels[to as usize] != labels[at] {
        let detail = format!(
            "the overlay root of node {u} must hold the document and be connected with it; node {} is not",
            head.node
        );
        return Err(graph.violated("tree", vec![u, head.node], detail));
    }
    if head.view.root != id || head.view.distance != 0 || head.view.upstream.is_some() {
        let detail = format!(
            "node {} is overlay root for node {u}, so it must name itself at distance 0 without upstream; it names {} at distance {}",
            head.node, head.view.root, head.view.distance
        );
        return Err(graph.violated("tree", vec![head.node, u], detail));
    }
    Ok(())
}

fn agree(graph: &Graph, first: &Part, part: &Part) -> Result<(), Violated> {
    let (a, b) = (first.view, part.view);
    if (a.root, a.root_rank, a.sequence) == (b.root, b.root_rank, b.sequence) {
        return Ok(());
    }
    let detail = format!(
        "nodes {} and {} are connected and must agree on the overlay root; one names {} ({:?}, sequence {}), \
         the other {} ({:?}, sequence {})",
        first.node, part.node, a.root, a.root_rank, a.sequence, b.root, b.root_rank, b.sequence
    );
    Err(graph.violated("tree", vec![first.node, part.node], detail))
}

/// The way to the root begins with a step that makes it one shorter.
fn step(graph: &Graph, at: usize, part: &Part) -> Result<(), Violated> {
    let (u, view) = (part.node, part.view);
    if view.frozen {
        return Err(graph.violated(
            "tree",
            vec![u],
            format!("node {u} is still frozen by the election"),
        ));
    }
    let own = graph.at(view.root) == position(at);
    let Some(upstream) = view.upstream else {
        if own && view.distance == 0 {
            return Ok(());
        }
        let detail = format!(
            "node {u} is not the overlay root and has no upstream (distance {})",
            view.distance
        );
        return Err(graph.violated("tree", vec![u], detail));
    };
    let to = graph.at(upstream);
    if graph.is_hostile(upstream) {
        return Ok(());
    }
    if to == NONE || !graph.targets(at).contains(&to) {
        let detail =
            format!("the upstream {upstream} of node {u} must be a live neighbour, and is not");
        return Err(graph.violated("tree", vec![u], detail));
    }
    let above = &graph.parts[to as usize];
    if above.view.distance.checked_add(1) == Some(view.distance) {
        return Ok(());
    }
    let detail = format!(
        "node {u} claims distance {}, so its upstream, node {}, must have one less; it has {}",
        view.distance, above.node, above.view.distance
    );
    Err(graph.violated("tree", vec![u, above.node], detail))
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

    /// What is wrong after one change to a good network.
    fn broken(node: usize, change: impl Fn(&mut cliqueclique_core::view::OverlayView)) -> String {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 0)]);
        assert_eq!(judge(&snapshot), Ok(()));
        change(view_of(&mut snapshot, node));
        judge(&snapshot).unwrap_err().detail
    }

    #[test]
    fn every_kind_of_broken_tree_is_found() {
        assert!(broken(2, |view| view.distance = 3).contains("claims distance 3"));
        assert!(broken(2, |view| view.root = id(1)).contains("must agree on the overlay root"));
        assert!(broken(2, |view| view.sequence = 7).contains("sequence 7"));
        assert!(broken(2, |view| view.frozen = true).contains("still frozen"));
        assert!(broken(2, |view| view.upstream = None).contains("has no upstream"));
        assert!(broken(2, |view| view.upstream = Some(id(0))).contains("must be a live neighbour"));
        assert!(broken(0, |view| view.distance = 1).contains("at distance 0"));
        assert!(broken(0, |view| view.root = id(9)).contains("nobody knows"));
    }

    #[test]
    fn a_dead_root_is_no_root() {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 0)]);
        snapshot.nodes[0].alive = false;
        assert!(
            judge(&snapshot)
                .unwrap_err()
                .detail
                .contains("must be alive")
        );
    }

    #[test]
    fn two_separate_parts_may_have_two_roots() {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3)]);
        view_of(&mut snapshot, 1).neighbors.pop();
        view_of(&mut snapshot, 2)
            .neighbors
            .retain(|peer| peer.node == id(3));
        for (node, distance, upstream) in [(2, 0, None), (3, 1, Some(id(2)))] {
            let view = view_of(&mut snapshot, node);
            (view.root, view.distance, view.upstream) = (id(2), distance, upstream);
        }
        assert_eq!(judge(&snapshot), Ok(()));
    }
}
