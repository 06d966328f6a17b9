//! *root_subscribes*: the overlay root of a connected part is a subscriber if
//! there is one in it.

use super::Violated;
use super::graph::{Graph, NONE, Part};

/// Checks one network.
pub(super) fn check(graph: &Graph) -> Result<(), Violated> {
    for (at, part) in graph.parts.iter().enumerate() {
        let to = graph.at(part.view.root);
        if !part.subscribes() || graph.hangs_below_hostile(at) {
            continue;
        }
        if to != NONE && !graph.parts[to as usize].subscribes() {
            let root = graph.parts[to as usize].node;
            let detail = format!(
                "the overlay root must be a subscriber if there is one; node {} is one, and the root, node {root}, is not",
                part.node
            );
            return Err(graph.violated("root_subscribes", vec![root, part.node], detail));
        }
    }
    Ok(())
}

impl Part<'_> {
    /// In the subscribing set: it wants every comment and holds the document.
    pub(crate) fn subscribes(&self) -> bool {
        self.view.holds && self.view.mode.subscribes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag, view_of};
    use crate::snapshot::Snapshot;

    fn judge(snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        graph.load(tag(1), &snapshot.documents[&tag(1)]);
        check(&graph)
    }

    use cliqueclique_core::message::Mode;

    #[test]
    fn a_mere_holder_is_root_only_where_nobody_subscribes() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        assert_eq!(judge(&snapshot), Ok(()));
        view_of(&mut snapshot, 0).mode = Mode::Hold;
        assert_eq!(judge(&snapshot).unwrap_err().nodes, [0, 1]);
        for node in [1, 2] {
            view_of(&mut snapshot, node).mode = Mode::Hold;
        }
        assert_eq!(judge(&snapshot), Ok(()));
    }
}
