//! Runs one scenario with one seed from its first event to its verdict.

use crate::check::Violated;
use crate::metrics::{Metrics, Sample};
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::time::Time;

/// Somebody who watches a run. All methods have empty defaults.
pub trait Observer {
    /// A row for `metrics.csv`; `progress` runs from 0 to 1.
    fn sample(&mut self, sample: &Sample, progress: f64) {
        let _ = (sample, progress);
    }
    /// A snapshot that the scenario asked for, or the one at the end.
    fn snapshot(&mut self, snapshot: &Snapshot) {
        let _ = snapshot;
    }
    /// True if `event` shall be called (it costs time).
    fn wants_events(&self) -> bool {
        false
    }
    /// Something happened.
    fn event(&mut self, event: &Event) {
        let _ = event;
    }
    /// True to stop early (the user pressed a key).
    fn interrupted(&self) -> bool {
        false
    }
}

/// One line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: Time,
    /// The node at which it happened.
    pub node: Index,
    /// The other node, if there is one.
    pub peer: Option<Index>,
    /// `send`, `receive`, `lose`, `command`, `fault`, `notify`, `report`, …
    pub kind: &'static str,
    /// Tags of documents concerned.
    pub documents: Vec<cliqueclique_core::id::Tag>,
    /// In words.
    pub detail: String,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Figures.
    pub metrics: Metrics,
    /// The last snapshot.
    pub last: Snapshot,
    /// First property that did not hold, with the last events among the nodes concerned.
    pub failure: Option<(Violated, Vec<Event>)>,
    /// Hash of everything that happened, in order: equal for equal seeds.
    pub digest: u64,
    /// The observer stopped it.
    pub interrupted: bool,
}
