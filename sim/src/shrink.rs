//! From a failing run to a small one that still fails in the same way.
//!
//! The run is laid open first: what users did, whom faults hit and what became of each packet is
//! written down, so that an entry can be taken away without shifting anything that is drawn. Then
//! whatever the failure does not need is taken away, piece by piece, each time by running again.
//! A smaller run counts only if the same property fails in the same class, and only if it gives
//! repairs as much time, compared with what its settings ask for.

mod candidate;
mod ddmin;
mod happenings;
mod search;
mod settings;
mod times;

pub use candidate::Size;

use crate::scenario::{self, Scenario, ScenarioError, Workload};
use crate::swarm::{self, Broken, Finding};
use crate::tape::Tape;
use candidate::Candidate;
use search::Search;

/// Runs that a search may make unless it is told otherwise: a minute or two for a drawn case.
pub const MOST_RUNS: u64 = 4_000;
/// Rounds of all passes. Nearly always the second finds little and the third nothing.
const ROUNDS: usize = 6;

/// Whose failure is made small.
#[derive(Clone, Copy)]
pub struct Cores<'a> {
    /// Nodes that misbehave.
    pub broken: Broken<'a>,
    /// They are the fault: without them a run must pass.
    pub to_blame: bool,
}

impl Cores<'_> {
    /// All cores as they are.
    pub const SOUND: Self = Self {
        broken: &swarm::nobody,
        to_blame: false,
    };

    /// True if the run fails in this way (and, if the broken cores are to blame, only with them).
    fn fails(&self, scenario: &Scenario, seed: u64, target: &Finding) -> bool {
        let finding = |broken| swarm::judge(scenario, seed, broken).finding;
        let same = finding(self.broken).is_some_and(|found| found.is_like(target));
        same && (!self.to_blame || finding(&swarm::nobody).is_none())
    }
}

impl std::fmt::Debug for Cores<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cores(to blame: {})", self.to_blame)
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs so far.
    pub runs: u64,
    /// What is being made smaller.
    pub pass: &'static str,
    /// The smallest so far.
    pub size: Size,
}

/// A run made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario, complete with its seed.
    pub text: String,
    /// What is wrong with it.
    pub finding: Finding,
    /// How large it was when it was laid open.
    pub before: Size,
    /// How large it is.
    pub after: Size,
    /// Runs that it took.
    pub runs: u64,
}

/// Why nothing was made small.
#[derive(Clone, Debug)]
pub enum ShrinkError {
    /// The text is no scenario.
    Scenario(ScenarioError),
    /// The run does not fail.
    Passes,
    /// Laid open, it fails in another way, or not at all.
    Differs(Finding, Option<Finding>),
}

impl std::fmt::Display for ShrinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scenario(error) => error.fmt(f),
            Self::Passes => {
                f.write_str("the run does not fail, so there is nothing to make smaller")
            }
            Self::Differs(first, second) => {
                let second = second
                    .as_ref()
                    .map_or_else(|| "passes".to_owned(), |found| format!("gives {found}"));
                write!(f, "the run gives {first}; laid open it {second}")
            }
        }
    }
}

impl std::error::Error for ShrinkError {}

impl From<ScenarioError> for ShrinkError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(error)
    }
}

/// Makes the run of a scenario with this seed smaller, in at most so many runs. `progress` hears of
/// every step, and returns false to stop with what there is.
///
/// # Errors
/// [`ShrinkError`] if there is nothing to make smaller.
pub fn shrink(
    text: &str,
    seed: u64,
    cores: Cores<'_>,
    most_runs: u64,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Shrunk, ShrinkError> {
    let (candidate, target) = lay_open(text, seed, cores)?;
    let before = candidate.size();
    let mut search = Search::new(candidate, target, seed, cores, most_runs, progress);
    for _ in 0..ROUNDS {
        let text = search.best.text("");
        round(&mut search);
        if search.over() || search.best.text("") == text {
            break;
        }
    }
    search.best.tidy();
    let last = swarm::judge(search.best.scenario(), seed, cores.broken).finding;
    let finding = last.unwrap_or_else(|| search.target().clone());
    let about = format!("Made small from a run with seed {seed} that failed: {finding}.");
    let about = about.lines().collect::<Vec<_>>().join(" ");
    Ok(Shrunk {
        text: search.best.text(&about),
        finding,
        before,
        after: search.size(),
        runs: search.runs,
    })
}

fn round(search: &mut Search<'_>) {
    happenings::packets(search);
    happenings::nodes(search);
    happenings::documents(search);
    happenings::entries(search);
    happenings::details(search);
    settings::plain(search);
    times::gaps(search);
    times::round(search);
    times::end(search);
    happenings::numbers(search);
}

/// Writes the run down and sees that it fails in the same way.
fn lay_open(text: &str, seed: u64, cores: Cores<'_>) -> Result<(Candidate, Finding), ShrinkError> {
    let scenario = scenario::parse("scenario.toml", text, &[])?;
    let tape = Tape::default();
    let judged = swarm::record(&scenario, seed, cores.broken, &tape);
    let target = judged.finding.ok_or(ShrinkError::Passes)?;
    let script = match scenario.workload {
        Workload::Scripted(_) => scenario.script.clone(),
        Workload::Synthetic(_) | Workload::Newsgroup(_) => tape.script(),
    };
    let candidate = Candidate::lay_open(text, &scenario, seed, script)?;
    if cores.fails(candidate.scenario(), seed, &target) {
        return Ok((candidate, target));
    }
    let again = swarm::judge(candidate.scenario(), seed, cores.broken).finding;
    Err(ShrinkError::Differs(target, again))
}

/// The run of a scenario laid open, as a scenario: it runs to the same digest.
///
/// # Errors
/// [`ScenarioError`] if the text is no scenario.
pub fn laid_open(text: &str, seed: u64, broken: Broken<'_>) -> Result<String, ScenarioError> {
    let scenario = scenario::parse("scenario.toml", text, &[])?;
    let tape = Tape::default();
    let _ = swarm::record(&scenario, seed, broken, &tape);
    let candidate = Candidate::lay_open(text, &scenario, seed, tape.script())?;
    Ok(candidate.text(&format!("{} (laid open)", scenario.about)))
}
