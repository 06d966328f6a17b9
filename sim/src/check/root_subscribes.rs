//! *root_subscribes*: the overlay root of a connected part is a subscriber if
//! there is one in it.

use super::Violated;
use super::graph::{Graph, NONE, Part};

/// Checks one network.
pub(super) fn check(graph: &Graph) -> Result<(), Violated> {
    for part in graph.parts.iter().filter(|part| part.subscribes()) {
        let to = graph.at(part.view.root);
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
