//! *subset*: the subscribing set is part of the holders. A node whose user
//! wants to subscribe counts as subscribing only once it holds the document;
//! before that nobody may depend on it. (Of comments it may know: it may hold them on
//! other accounts.)

use super::Violated;
use crate::snapshot::Index;
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;

/// Checks one overlay of one node.
pub(super) fn overlay(time: Time, node: Index, view: &OverlayView) -> Result<(), Violated> {
    let served = view
        .neighbors
        .iter()
        .filter(|neighbor| neighbor.downstream)
        .count();
    if view.holds || served == 0 {
        return Ok(());
    }
    Err(Violated {
        property: "subset",
        time,
        document: Some(view.tag),
        nodes: vec![node],
        detail: format!(
            "a node that does not hold a document must not act in its network, but node {node} \
             (mode {:?}) has {served} downstream neighbours",
            view.mode
        ),
    })
}

/// Compares what a node says with its disk, which knows better.
pub(super) fn disk(
    time: Time,
    node: Index,
    view: &OverlayView,
    held: bool,
) -> Result<(), Violated> {
    if held || !view.holds {
        return Ok(());
    }
    Err(Violated {
        property: "subset",
        time,
        document: Some(view.tag),
        nodes: vec![node],
        detail: format!(
            "who acts as a holder must have the document on its disk; node {node} (mode {:?}) \
             has not",
            view.mode
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, view_of};

    #[test]
    fn the_disk_knows_who_holds() {
        let mut snapshot = network(&[(0, 1)]);
        let view = view_of(&mut snapshot, 1);
        assert_eq!(disk(Time(1), 1, view, true), Ok(()));
        assert_eq!(disk(Time(1), 1, view, false).unwrap_err().nodes, [1]);
        view.holds = false;
        assert_eq!(disk(Time(1), 1, view, false), Ok(()));
    }

    #[test]
    fn who_joins_serves_nobody() {
        let mut snapshot = network(&[(0, 1), (1, 2)]);
        view_of(&mut snapshot, 2).holds = false;
        assert_eq!(overlay(Time(1), 2, view_of(&mut snapshot, 2)), Ok(()));
        assert_eq!(overlay(Time(1), 1, view_of(&mut snapshot, 1)), Ok(()));
        view_of(&mut snapshot, 1).holds = false;
        assert_eq!(
            overlay(Time(1), 1, view_of(&mut snapshot, 1))
                .unwrap_err()
                .nodes,
            [1]
        );
    }
}
