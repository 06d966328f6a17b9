//! *degree*: for every document a node has at most K neighbours, its own K.

use super::Violated;
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;

/// Knows every node's K: the scenario's, or the range's upper end until a
/// snapshot tells the node's own.
#[derive(Debug)]
pub(super) struct Degree {
    common: usize,
    own: Vec<usize>,
}

impl Degree {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let common = scenario
            .max_peers_range
            .map_or(scenario.protocol.max_peers, |(_, high)| high);
        Self {
            common,
            own: Vec::new(),
        }
    }

    /// Takes every node's own K from a snapshot.
    pub(super) fn learn(&mut self, snapshot: &Snapshot) {
        self.own.clear();
        self.own
            .extend(snapshot.nodes.iter().map(|node| node.max_peers));
    }

    /// Checks one overlay of one node.
    pub(super) fn overlay(
        &self,
        time: Time,
        node: Index,
        view: &OverlayView,
    ) -> Result<(), Violated> {
        let limit = self.own.get(node).copied().unwrap_or(self.common);
        if view.neighbors.len() <= limit {
            return Ok(());
        }
        Err(Violated {
            property: "degree",
            time,
            document: Some(view.tag),
            nodes: vec![node],
            detail: format!(
                "node {node} may have at most {limit} neighbours for a document, found {}",
                view.neighbors.len()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, scenario, view_of};

    #[test]
    fn one_neighbour_too_many_is_found() {
        let mut snapshot = network(&[(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
        let mut degree = Degree::new(&scenario("[protocol]\nmax_peers = 5"));
        let view = view_of(&mut snapshot, 0).clone();
        assert_eq!(degree.overlay(Time(1), 0, &view), Ok(()));
        degree.learn(&snapshot);
        let violated = degree.overlay(Time(1), 0, &view).unwrap_err();
        assert_eq!(
            violated.detail,
            "node 0 may have at most 4 neighbours for a document, found 5"
        );
        assert_eq!(
            degree.overlay(Time(1), 1, view_of(&mut snapshot, 1)),
            Ok(())
        );
    }
}
