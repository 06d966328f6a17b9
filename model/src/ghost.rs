//! What checks remember of the way to a state, beside the state itself.

use cliqueclique_core::Time;
use cliqueclique_core::id::Tag;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

/// A guarantee (its number in PROTOCOL.md) that was broken, and how. 0: the order of effects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Number of the guarantee; 8 also for circles.
    pub guarantee: u8,
    /// What was wrong.
    pub what: String,
}

/// The way so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ghost {
    /// Pairs that were in contact rightly, the smaller first.
    pub(crate) met: BTreeSet<(usize, usize)>,
    /// Pairs that somebody introduced, and for what.
    pub(crate) introduced: BTreeSet<(usize, usize, Tag)>,
    /// Whom users sent where, and for what.
    pub(crate) sent: BTreeSet<(usize, usize, Tag)>,
    /// Who may know of a document: it held it, its user named it, or it subscribed above it.
    pub(crate) knows: BTreeSet<(usize, Tag)>,
    /// Who subscribes to a document, or did so, by the wishes of users.
    pub(crate) subscribed: BTreeSet<(usize, u8)>,
    /// Documents whose publication was acknowledged.
    pub(crate) acknowledged: BTreeSet<u8>,
    /// Nodes that lost their disk.
    pub(crate) wiped: BTreeSet<usize>,
    /// Since when there is a circle of upstreams.
    pub(crate) circle: Option<Time>,
}

impl Ghost {
    /// Feeds a hasher, times relative to `now`.
    pub(crate) fn feed<H: Hasher>(&self, now: Time, state: &mut H) {
        (&self.met, &self.introduced, &self.sent, &self.knows).hash(state);
        (&self.subscribed, &self.acknowledged, &self.wiped).hash(state);
        self.circle.map(|since| now.since(since)).hash(state);
    }
}

/// The smaller first.
pub(crate) fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}
