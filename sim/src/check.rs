//! Properties, checked on the ground truth of the whole network.

use crate::snapshot::Index;
use cliqueclique_core::id::Tag;
use cliqueclique_core::time::Time;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violated {
    /// Name of the property, as in `scenarios/README.md`.
    pub property: &'static str,
    /// When it was seen.
    pub time: Time,
    /// The document concerned, if one is.
    pub document: Option<Tag>,
    /// The nodes concerned (at most 16 are named).
    pub nodes: Vec<Index>,
    /// What was expected and what was found, one or two sentences.
    pub detail: String,
}
