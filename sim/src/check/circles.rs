//! *circles*: following upstream from any live node ends. A circle may appear
//! for an instant; its life is measured and bounded.
//!
//! A circle is known by its document and its smallest node: a circle that is
//! replaced by another through the same node counts as the same one, so the
//! measured life is never too short (it is exact to the interval of samples).

use super::Violated;
use super::graph::{Graph, NONE};
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::id::Tag;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Circles that stand, since when, and the longest life so far.
#[derive(Debug)]
pub(super) struct Circles {
    bound: Duration,
    standing: BTreeMap<(Tag, Index), Time>,
    longest: Duration,
}

impl Circles {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            bound: scenario.checks.circle_bound,
            standing: BTreeMap::new(),
            longest: Duration::ZERO,
        }
    }

    /// Longest life of a circle so far.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Looks for circles in all networks of a snapshot.
    pub(super) fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = Graph::new(snapshot);
        let mut found = BTreeMap::new();
        let mut worst: Option<Violated> = None;
        for (&tag, truth) in &snapshot.documents {
            graph.load(tag, truth);
            for circle in circles(&graph) {
                let since = self
                    .standing
                    .get(&(tag, circle[0]))
                    .copied()
                    .unwrap_or(snapshot.time);
                found.insert((tag, circle[0]), since);
                let life = snapshot.time.since(since);
                self.longest = self.longest.max(life);
                if life > self.bound && worst.is_none() {
                    worst = Some(self.violated(snapshot.time, tag, circle, life));
                }
            }
        }
        self.standing = found;
        worst.map_or(Ok(()), Err)
    }

    fn violated(&self, time: Time, tag: Tag, mut circle: Vec<Index>, life: Duration) -> Violated {
        let detail = format!(
            "a circle of upstreams may stand for at most {:?}; one of {} nodes stands for {life:?}",
            self.bound,
            circle.len()
        );
        circle.truncate(16);
        Violated {
            property: "circles",
            time,
            document: Some(tag),
            nodes: circle,
            detail,
        }
    }
}

/// All circles of one network, each from its smallest node on.
#[allow(clippy::cast_possible_truncation, reason = "positions are below 2^32")]
fn circles(graph: &Graph) -> Vec<Vec<Index>> {
    let mut walked = vec![NONE; graph.parts.len()];
    let mut circles = Vec::new();
    for start in 0..graph.parts.len() as u32 {
        let mut at = start;
        while at != NONE && walked[at as usize] == NONE {
            walked[at as usize] = start;
            at = upstream(graph, at);
        }
        if at != NONE && walked[at as usize] == start {
            circles.push(circle_from(graph, at));
        }
    }
    circles
}

fn upstream(graph: &Graph, at: u32) -> u32 {
    graph.parts[at as usize]
        .view
        .upstream
        .map_or(NONE, |id| graph.at(id))
}

fn circle_from(graph: &Graph, start: u32) -> Vec<Index> {
    let mut nodes = vec![graph.parts[start as usize].node];
    let mut at = upstream(graph, start);
    while at != start {
        nodes.push(graph.parts[at as usize].node);
        at = upstream(graph, at);
    }
    let smallest = nodes
        .iter()
        .enumerate()
        .min_by_key(|(_, node)| **node)
        .map_or(0, |(at, _)| at);
    nodes.rotate_left(smallest);
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{id, network, scenario, view_of};

    fn circle() -> Snapshot {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 1)]);
        for (node, upstream) in [(1, 2), (2, 3), (3, 1)] {
            view_of(&mut snapshot, node).upstream = Some(id(upstream));
        }
        snapshot
    }

    #[test]
    fn a_circle_may_stand_for_its_bound_and_no_longer() {
        let mut circles = Circles::new(&scenario("[checks]\ncircle_bound = \"10s\""));
        let mut snapshot = circle();
        assert_eq!(circles.snapshot(&snapshot), Ok(()));
        snapshot.time = snapshot.time + Duration::from_secs(10);
        assert_eq!(circles.snapshot(&snapshot), Ok(()));
        assert_eq!(circles.longest(), Duration::from_secs(10));
        snapshot.time = snapshot.time + Duration::from_secs(1);
        assert_eq!(circles.snapshot(&snapshot).unwrap_err().nodes, [1, 2, 3]);
    }

    #[test]
    fn a_circle_that_opens_is_forgotten() {
        let mut circles = Circles::new(&scenario("[checks]\ncircle_bound = \"10s\""));
        let mut snapshot = circle();
        for open in [false, true, false] {
            snapshot.time = snapshot.time + Duration::from_secs(9);
            view_of(&mut snapshot, 2).upstream = (!open).then(|| id(3));
            assert_eq!(circles.snapshot(&snapshot), Ok(()));
        }
        assert_eq!(circles.longest(), Duration::ZERO);
    }

    #[test]
    fn a_tree_has_no_circle() {
        let snapshot = network(&[(0, 1), (1, 2), (2, 0), (2, 3)]);
        let mut graph = Graph::new(&snapshot);
        graph.load(
            crate::check::fixture::tag(1),
            &snapshot.documents[&crate::check::fixture::tag(1)],
        );
        assert!(super::circles(&graph).is_empty());
    }
}
