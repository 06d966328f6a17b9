//! The whole scenario: top-level keys, then each table by its own reader.

use super::error::{Problem, ScenarioError, Sources};
use super::model::{Scenario, Workload};
use super::reader::Reader;
use super::script::{self, Script};
use super::tree::Table;
use super::workload::Around;
use super::{adversary, checks, faults, network, protocol, tree, workload};
use std::path::{Path, PathBuf};
use std::time::Duration;

const KEYS: &[&str] = &[
    "about",
    "seed",
    "duration",
    "settle",
    "quiet",
    "sample",
    "snapshots",
    "real_crypto",
    "evict_after",
    "protocol",
    "network",
    "workload",
    "fault",
    "adversary",
    "schedule",
    "packet",
    "dial",
    "checks",
];
/// Most rows of `metrics.csv`, so that a short interval cannot fill a disk.
const MOST_SAMPLES: u128 = 1_000_000;

/// A scenario with the text it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Its text, with the overrides in it.
    pub text: String,
}

/// Reads a scenario file and applies `sets` (`key=value`, keys by dotted name).
///
/// # Errors
/// [`ScenarioError`] if the file cannot be read or says something impossible.
pub fn load(path: &Path, sets: &[String]) -> Result<Scenario, ScenarioError> {
    read_file(path, sets).map(|loaded| loaded.scenario)
}

/// As [`load`], with the text after the overrides.
///
/// # Errors
/// As [`load`].
pub fn read_file(path: &Path, sets: &[String]) -> Result<Loaded, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ScenarioError::plain(&format!("cannot read {}: {error}", path.display()))
    })?;
    read_text(&path.display().to_string(), &text, sets)
}

/// Makes a scenario of `text`; `name` is its path as shown in errors, and traces are looked for beside it.
///
/// # Errors
/// [`ScenarioError`] if it says something impossible.
pub fn parse(name: &str, text: &str, sets: &[String]) -> Result<Scenario, ScenarioError> {
    read_text(name, text, sets).map(|loaded| loaded.scenario)
}

/// As [`parse`], with the text after the overrides.
///
/// # Errors
/// As [`parse`].
pub fn read_text(name: &str, text: &str, sets: &[String]) -> Result<Loaded, ScenarioError> {
    let sources = Sources { name, text, sets };
    let read = || {
        let tree = tree::load(&sources)?;
        let text = if sets.is_empty() {
            text.to_owned()
        } else {
            tree::text(&tree)
        };
        Ok(Loaded {
            scenario: scenario(&tree, Path::new(name))?,
            text,
        })
    };
    read().map_err(|problem| sources.show(&problem))
}

fn scenario(root: &Table, path: &Path) -> Result<Scenario, Problem> {
    let reader = Reader::open(root, "the scenario", KEYS)?;
    let duration = reader.interval("duration")?.ok_or_else(|| {
        Problem::new(&root.at, "the scenario has no `duration`")
            .note("expected duration = \"10m\" or the like")
    })?;
    let settle = reader
        .duration("settle")?
        .unwrap_or(Duration::from_secs(600));
    let empty = Table {
        at: root.at.clone(),
        ..Table::default()
    };
    let (protocol, max_peers_range) = protocol::read(reader.table("protocol")?.unwrap_or(&empty))?;
    let around = Around {
        duration,
        folders: &folders(path),
    };
    let workload = workload::read(reader.table("workload")?.unwrap_or(&empty), &around)?;
    Ok(Scenario {
        name: path.file_stem().map_or_else(
            || "scenario".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        ),
        about: reader.text("about")?.unwrap_or_default().to_owned(),
        seed: reader.count("seed", 0, usize::MAX >> 1)?.unwrap_or(1) as u64,
        duration,
        settle,
        quiet: reader.duration("quiet")?.unwrap_or_default(),
        protocol,
        max_peers_range,
        real_crypto: reader.flag("real_crypto")?.unwrap_or(false),
        evict_after: reader.interval_or_never("evict_after")?.flatten(),
        network: network::read(reader.table("network")?.unwrap_or(&empty))?,
        faults: faults(&reader, duration, &workload)?,
        script: script(&reader, duration, &workload)?,
        adversaries: adversaries(&reader, duration, &workload)?,
        workload,
        checks: checks::read(reader.table("checks")?.unwrap_or(&empty))?,
        snapshots: snapshots(&reader, duration + settle)?,
        sample: sample(&reader, duration)?,
    })
}

/// In order of time; faults of the same time in the order of the file.
fn faults(
    reader: &Reader<'_>,
    duration: Duration,
    workload: &Workload,
) -> Result<Vec<super::Fault>, Problem> {
    let nodes = known_nodes(workload);
    let mut list = reader
        .tables("fault")?
        .into_iter()
        .map(|table| faults::read(table, duration, nodes))
        .collect::<Result<Vec<_>, _>>()?;
    list.sort_by_key(|fault| fault.at);
    Ok(list)
}

/// What is laid open: only where nothing else says what users do.
fn script(reader: &Reader<'_>, duration: Duration, workload: &Workload) -> Result<Script, Problem> {
    if let Workload::Scripted(nodes) = workload {
        return script::read(reader, duration, *nodes);
    }
    match ["schedule", "packet", "dial"]
        .iter()
        .find(|key| reader.has(key))
    {
        Some(key) => Err(reader
            .refuse(key, "needs a workload that is laid open too")
            .note("expected kind = \"script\" in [workload]")),
        None => Ok(Script::default()),
    }
}

fn adversaries(
    reader: &Reader<'_>,
    duration: Duration,
    workload: &Workload,
) -> Result<Vec<super::Adversary>, Problem> {
    let nodes = known_nodes(workload);
    let tables = reader.tables("adversary")?.into_iter();
    tables
        .map(|table| adversary::read(table, duration, nodes))
        .collect()
}

/// Number of nodes, if the scenario alone says it.
fn known_nodes(workload: &Workload) -> Option<usize> {
    match workload {
        Workload::Synthetic(synthetic) => Some(synthetic.nodes),
        Workload::Scripted(nodes) => Some(*nodes),
        Workload::Newsgroup(_) => None,
    }
}

fn snapshots(reader: &Reader<'_>, end: Duration) -> Result<Vec<Duration>, Problem> {
    let mut times = Vec::new();
    for (time, at) in reader.durations("snapshots")? {
        if time > end {
            return Err(
                Problem::new(at, "this snapshot lies after the end of the scenario")
                    .note("expected times within `duration` and `settle` together"),
            );
        }
        times.push(time);
    }
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

fn sample(reader: &Reader<'_>, duration: Duration) -> Result<Duration, Problem> {
    let sample = reader
        .interval("sample")?
        .unwrap_or((duration / 100).max(Duration::from_millis(1)));
    if sample > duration {
        return Err(reader.refuse("sample", "must be within the scenario's `duration`"));
    }
    if duration.as_micros() / sample.as_micros().max(1) > MOST_SAMPLES {
        return Err(reader.refuse(
            "sample",
            "is too short: it would give more than a million rows",
        ));
    }
    Ok(sample)
}

/// Where a trace is looked for: beside the scenario, one folder up (the
/// repository, for its own scenarios), and where the user stands.
fn folders(path: &Path) -> Vec<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let above = match beside.parent() {
        Some(above) => above.to_path_buf(),
        None => PathBuf::from(".."),
    };
    vec![beside, above, PathBuf::new()]
}
