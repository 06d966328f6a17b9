//! `manifest.json`: what was run, how it ended, and all that is needed to run
//! it again.

use crate::check::Violated;
use crate::driver::{Event, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Name of the file.
pub const MANIFEST: &str = "manifest.json";
/// Version of the format written and read.
const FORMAT: u32 = 1;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every property held.
    Passed,
    /// A property did not hold.
    Failed,
    /// The user stopped it.
    Interrupted,
}

impl Verdict {
    /// Verdict on an outcome.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match (&outcome.failure, outcome.interrupted) {
            (Some(_), _) => Self::Failed,
            (None, true) => Self::Interrupted,
            (None, false) => Self::Passed,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Interrupted => "interrupted",
        })
    }
}

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its name.
    pub property: String,
    /// Simulated seconds.
    pub time: f64,
    /// Tag of the document concerned, hexadecimal.
    pub document: Option<String>,
    /// Indexes of the nodes concerned.
    pub nodes: Vec<usize>,
    /// What was expected and what was found.
    pub detail: String,
    /// Last events among the nodes, oldest first, one line each.
    pub last_events: Vec<String>,
}

impl Failure {
    /// Record of what a run stopped at.
    #[must_use]
    pub fn new(violated: &Violated, events: &[Event]) -> Self {
        Self {
            property: violated.property.to_owned(),
            time: violated.time.as_secs_f64(),
            document: violated.document.map(|tag| tag.to_string()),
            nodes: violated.nodes.clone(),
            detail: violated.detail.clone(),
            last_events: events.iter().map(line).collect(),
        }
    }
}

fn line(event: &Event) -> String {
    let peer = event
        .peer
        .map_or_else(String::new, |peer| format!(" <-> {peer}"));
    format!(
        "{:>12.6} s  node {}{peer}  {}  {}",
        event.time.as_secs_f64(),
        event.node,
        event.kind,
        event.detail
    )
}

/// What was run and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Name of the scenario.
    pub name: String,
    /// Path of its file, as it was given.
    pub path: String,
    /// What it shows.
    pub about: String,
    /// Its text after all overrides.
    pub scenario: String,
    /// The overrides.
    pub sets: Vec<String>,
    /// Trace that was replayed, if one was.
    pub trace: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Version of the simulator.
    pub version: String,
    /// Git commit of the simulator, if known; `+` at its end: with local changes.
    pub commit: Option<String>,
    /// How it ended.
    pub outcome: Verdict,
    /// What did not hold.
    pub failure: Option<Failure>,
    /// Hash of everything that happened, hexadecimal.
    pub digest: String,
    /// Wall time, seconds.
    pub wall_seconds: f64,
    /// Events handled per second of wall time.
    pub events_per_second: f64,
    /// Peak memory of the process, bytes, if the system tells.
    pub peak_memory: Option<u64>,
    /// Figures by name.
    pub figures: BTreeMap<String, f64>,
    /// One line that runs it again.
    pub replay: String,
}

impl Manifest {
    /// The version of the format that is written.
    pub const FORMAT: u32 = FORMAT;

    /// Reads the manifest of a run folder, or a manifest by its own path.
    ///
    /// # Errors
    /// [`ManifestError`] if it is not there, not a manifest, or of another version.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let file = if path.is_dir() {
            path.join(MANIFEST)
        } else {
            path.to_path_buf()
        };
        let fail = |text: String| ManifestError(format!("{}: {text}", file.display()));
        let text = std::fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| fail(format!("not a manifest: {error}")))?;
        match manifest.format {
            FORMAT => Ok(manifest),
            other => Err(fail(format!("format {other}, expected {FORMAT}"))),
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(String);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ManifestError {}
