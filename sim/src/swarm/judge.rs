//! Runs one scenario with one seed and says in one word what is wrong, if anything is.

use super::panics;
use crate::check::{EVENTUALLY, Violated};
use crate::driver::{self, Observer, Outcome, SetupError};
use crate::host::Behavior;
use crate::scenario::Scenario;
use crate::snapshot::Index;
use crate::tape::Tape;
use serde::Serialize;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Looks of the driver at whether it shall stop, after which a run counts as endless. It looks
/// once per 4,096 events and some hundred times more, so this is between one and two
/// million events; the largest drawn cases have a tenth of that.
const MOST_LOOKS: u32 = 500;

/// Kinds of failures, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The code panicked.
    Crash,
    /// An *always* property was broken.
    Safety,
    /// After the faults an *eventually* property did not come to hold, or the run found no end.
    Liveness,
    /// Two runs with the same seed differed.
    Mismatch,
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Crash => "crash",
            Self::Safety => "safety",
            Self::Liveness => "liveness",
            Self::Mismatch => "mismatch",
        })
    }
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind.
    pub class: Class,
    /// Name of the property; for a crash the place of the panic.
    pub property: String,
    /// What was expected and found.
    pub detail: String,
}

impl Finding {
    /// True if both are of one kind and about one property.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.class == other.class && self.property == other.property
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.class, self.property, self.detail)
    }
}

/// A run and its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What went wrong, if anything did.
    pub finding: Option<Finding>,
    /// Something did, but only because survivors of the faults never heard of each other.
    pub beyond_reach: bool,
    /// Inputs that cores handled.
    pub events: u64,
    /// Simulated time that it took to become whole after the faults, milliseconds; `None` if it
    /// did not.
    pub settled_ms: Option<u64>,
    /// Hash of everything that happened; `None` after a panic.
    pub digest: Option<u64>,
}

/// Makes the nodes that misbehave in a run; called once per node and run.
pub type Broken<'a> = &'a (dyn Fn(Index) -> Option<Box<dyn Behavior>> + Sync);

/// No node misbehaves.
#[must_use]
pub fn nobody(_: Index) -> Option<Box<dyn Behavior>> {
    None
}

/// Runs a scenario. The nodes that `broken` names misbehave.
#[must_use]
pub fn judge(scenario: &Scenario, seed: u64, broken: Broken<'_>) -> Judged {
    verdict(|observer| driver::run_with(scenario, seed, observer, behaviors(scenario, broken)))
}

/// As [`judge`], and writes down on a tape what was drawn.
#[must_use]
pub fn record(scenario: &Scenario, seed: u64, broken: Broken<'_>, tape: &Tape) -> Judged {
    verdict(|observer| driver::record(scenario, seed, observer, behaviors(scenario, broken), tape))
}

fn verdict(run: impl FnOnce(&mut dyn Observer) -> Result<Outcome, SetupError>) -> Judged {
    let mut patience = Patience(Cell::new(0));
    let crashed = |property: String, detail: String| Judged {
        finding: Some(Finding {
            class: Class::Crash,
            property,
            detail,
        }),
        beyond_reach: false,
        events: 0,
        settled_ms: None,
        digest: None,
    };
    match panics::catch(|| run(&mut patience)) {
        Err(panic) => crashed(panic.place, panic.message),
        Ok(Err(error)) => crashed("setup".to_owned(), error.to_string()),
        Ok(Ok(outcome)) => Judged {
            finding: finding(&outcome),
            beyond_reach: outcome.beyond_reach,
            events: outcome.metrics.events,
            settled_ms: outcome.metrics.settled_ms,
            digest: Some(outcome.digest),
        },
    }
}

/// As [`judge`], but runs it twice; if all is well and yet the digests differ, that is the finding.
#[must_use]
pub fn judge_twice(scenario: &Scenario, seed: u64, broken: Broken<'_>) -> Judged {
    let (mut first, second) = (judge(scenario, seed, broken), judge(scenario, seed, broken));
    if first.digest != second.digest || first.finding != second.finding {
        first.finding = Some(Finding {
            class: Class::Mismatch,
            property: "digest".to_owned(),
            detail: format!(
                "the first run has {} and the second {}",
                digest(first.digest),
                digest(second.digest)
            ),
        });
    }
    first
}

fn digest(value: Option<u64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:016x}"))
}

fn behaviors(scenario: &Scenario, broken: Broken<'_>) -> BTreeMap<Index, Box<dyn Behavior>> {
    (0..scenario.workload.nodes())
        .filter_map(|node| Some((node, broken(node)?)))
        .collect()
}

fn finding(outcome: &Outcome) -> Option<Finding> {
    if outcome.interrupted {
        return Some(Finding {
            class: Class::Liveness,
            property: "endless".to_owned(),
            detail: format!("no end after {} events", outcome.metrics.events),
        });
    }
    let (violated, _) = outcome.failure.as_ref()?;
    if violated.property == "sometimes" || outcome.beyond_reach {
        // What is drawn need not reach anything, and may ask for what nobody can do.
        return None;
    }
    Some(Finding {
        class: class(violated),
        property: violated.property.to_owned(),
        detail: violated.to_string(),
    })
}

fn class(violated: &Violated) -> Class {
    if EVENTUALLY.contains(&violated.property) {
        Class::Liveness
    } else {
        Class::Safety
    }
}

/// Watches that a run comes to an end. Counts, and asks no clock: the same run always ends alike.
struct Patience(Cell<u32>);

impl Observer for Patience {
    fn interrupted(&self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() > MOST_LOOKS
    }
}
