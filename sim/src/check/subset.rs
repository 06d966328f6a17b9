//! *subset*: the subscribing set is part of the holders. A node whose user
//! wants to subscribe counts as subscribing only once it holds the document;
//! before that nobody may depend on it.

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
    if view.holds || (served == 0 && view.comments.count == 0) {
        return Ok(());
    }
    Err(Violated {
        property: "subset",
        time,
        document: Some(view.tag),
        nodes: vec![node],
        detail: format!(
            "a node that does not hold a document must not act in its network, but node {node} \
             (mode {:?}) has {served} downstream neighbours and {} comments of it",
            view.mode, view.comments.count
        ),
    })
}
