//! Runs one scenario with one seed from its first event to its verdict.

mod phases;
mod scene;

pub use scene::{Fate, Moment, Scene, Stroke, StrokeKind};

use crate::check::Violated;
use crate::host::Behavior;
use crate::metrics::{Metrics, Sample};
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use crate::tape::Tape;
use crate::workload::Workload;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::fmt;

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
    /// The failure follows from whom the survivors never heard of (see the scenarios' page, "Swarm").
    pub beyond_reach: bool,
    /// What led to the failure, to be drawn.
    pub scene: Option<Scene>,
    /// Hash of everything that happened, in order: equal for equal seeds.
    pub digest: u64,
    /// The observer stopped it.
    pub interrupted: bool,
}

/// Why a run could not begin: file, line and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError(pub String);

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SetupError {}

/// Runs a scenario.
///
/// # Errors
/// [`SetupError`] if the scenario's trace cannot be used.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Outcome, SetupError> {
    run_with(scenario, seed, observer, BTreeMap::new())
}

/// Runs a scenario in which some nodes misbehave.
///
/// # Errors
/// [`SetupError`] if the scenario's trace cannot be used.
pub fn run_with(
    scenario: &Scenario,
    seed: u64,
    observer: &mut dyn Observer,
    behaviors: BTreeMap<Index, Box<dyn Behavior>>,
) -> Result<Outcome, SetupError> {
    let workload = Workload::new(scenario, seed)?;
    Ok(phases::Run::new(scenario, seed, workload, observer, behaviors).through())
}

/// As [`run_with`], and writes down on a tape what was drawn: who did what, whom faults hit, what became of
/// each packet.
///
/// # Errors
/// [`SetupError`] if the scenario's trace cannot be used.
pub fn record(
    scenario: &Scenario,
    seed: u64,
    observer: &mut dyn Observer,
    behaviors: BTreeMap<Index, Box<dyn Behavior>>,
    tape: &Tape,
) -> Result<Outcome, SetupError> {
    let workload = Workload::new(scenario, seed)?;
    let run = phases::Run::new(scenario, seed, workload, observer, behaviors);
    Ok(run.recording(tape).through())
}
