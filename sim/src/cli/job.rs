//! One scenario with its seed and overrides, ready to run; where it came from;
//! the line that runs it again; and the run itself, with the clock beside it.

use super::Stop;
use super::machine::{self, Stopwatch};
use cliqueclique_sim::driver::{self, Observer, Outcome};
use cliqueclique_sim::folder::{Failure, Manifest, Verdict};
use cliqueclique_sim::goals;
use cliqueclique_sim::scenario::{self, Loaded, Scenario, Workload};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    pub(crate) sets: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) loaded: Loaded,
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) wall: Duration,
}

impl Job {
    /// From a scenario file.
    pub(crate) fn load(path: &Path, sets: &[String], seed: Option<u64>) -> Result<Self, Stop> {
        let loaded = scenario::read_file(path, sets)?;
        let seed = seed.unwrap_or(loaded.scenario.seed);
        Ok(Self {
            path: path.to_path_buf(),
            sets: sets.to_vec(),
            seed,
            loaded,
        })
    }

    /// What a manifest says was run.
    pub(crate) fn of(manifest: &Manifest) -> Result<Self, Stop> {
        let loaded = scenario::read_text(&manifest.path, &manifest.scenario, &[])?;
        let job = Self {
            path: PathBuf::from(&manifest.path),
            sets: manifest.sets.clone(),
            seed: manifest.seed,
            loaded,
        };
        if job.trace() != manifest.trace {
            let name = |trace: &Option<String>| {
                trace.clone().unwrap_or_else(|| "the generator".to_owned())
            };
            let (then, now) = (name(&manifest.trace), name(&job.trace()));
            return Err(Stop(format!(
                "the run replayed {then}, but now its scenario would replay {now}"
            )));
        }
        Ok(job)
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.loaded.scenario
    }

    /// The trace that is replayed, if one is.
    fn trace(&self) -> Option<String> {
        match &self.scenario().workload {
            Workload::Newsgroup(newsgroup) => newsgroup
                .replay
                .as_ref()
                .map(|path| path.display().to_string()),
            Workload::Synthetic(_) | Workload::Scripted(_) => None,
        }
    }

    /// One line that runs it again.
    pub(crate) fn replay_line(&self) -> String {
        let sets: String = self
            .sets
            .iter()
            .map(|set| format!(" --set {}", quoted(set)))
            .collect();
        let commit =
            machine::commit().map_or_else(String::new, |commit| format!("  # commit {commit}"));
        let path = quoted(&self.path.display().to_string());
        format!(
            "cargo run --release -p cliqueclique-sim -- run {path} --seed {}{sets}{commit}",
            self.seed
        )
    }

    /// Runs it.
    pub(crate) fn run(&self, observer: &mut dyn Observer) -> Result<Ran, Stop> {
        let watch = Stopwatch::start();
        let outcome = driver::run(self.scenario(), self.seed, observer)
            .map_err(|error| Stop(error.to_string()))?;
        Ok(Ran {
            outcome,
            wall: watch.elapsed(),
        })
    }

    /// The manifest of a run of it.
    pub(crate) fn manifest(&self, ran: &Ran) -> Manifest {
        let Ran { outcome, wall } = ran;
        let figures = goals::figures(&outcome.metrics);
        Manifest {
            format: Manifest::FORMAT,
            name: self.scenario().name.clone(),
            path: self.path.display().to_string(),
            about: self.scenario().about.clone(),
            scenario: self.loaded.text.clone(),
            sets: self.sets.clone(),
            trace: self.trace(),
            seed: self.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: machine::commit(),
            outcome: Verdict::of(outcome),
            failure: outcome
                .failure
                .as_ref()
                .map(|(violated, events)| Failure::new(violated, events)),
            digest: digest(outcome),
            wall_seconds: wall.as_secs_f64(),
            events_per_second: ran.rate(),
            peak_memory: machine::peak_memory(),
            figures: figures
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            replay: self.replay_line(),
        }
    }
}

impl Ran {
    /// Events per second of wall time.
    #[allow(clippy::cast_precision_loss, reason = "shown to people only")]
    pub(crate) fn rate(&self) -> f64 {
        self.outcome.metrics.events as f64 / self.wall.as_secs_f64().max(1e-9)
    }
}

/// Digest as shown.
pub(crate) fn digest(outcome: &Outcome) -> String {
    format!("{:016x}", outcome.digest)
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=%:,+".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("fault.0.at=5s"), "fault.0.at=5s");
        assert_eq!(quoted("checks.skip=[\"tree\"]"), "'checks.skip=[\"tree\"]'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
