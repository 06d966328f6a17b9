//! The search: the smallest candidate so far, and the question whether a smaller one still fails
//! in the same way.

use super::candidate::{Candidate, Size};
use super::{Cores, Progress};
use crate::scenario::Scenario;
use crate::scenario::script::Script;
use crate::swarm::{self, Finding};
use std::time::Duration;

/// A search under way.
pub(super) struct Search<'a> {
    /// The smallest that fails.
    pub(super) best: Candidate,
    target: Finding,
    seed: u64,
    cores: Cores<'a>,
    /// Runs so far.
    pub(super) runs: u64,
    most_runs: u64,
    patience: Duration,
    pass: &'static str,
    progress: &'a mut dyn FnMut(&Progress) -> bool,
    stopped: bool,
}

impl<'a> Search<'a> {
    /// A search that begins with a candidate that fails as `target`.
    pub(super) fn new(
        best: Candidate,
        target: Finding,
        seed: u64,
        cores: Cores<'a>,
        most_runs: u64,
        progress: &'a mut dyn FnMut(&Progress) -> bool,
    ) -> Self {
        Self {
            patience: impatience(best.scenario()),
            best,
            target,
            seed,
            cores,
            runs: 0,
            most_runs,
            pass: "",
            progress,
            stopped: false,
        }
    }

    /// True once no more runs may be made.
    pub(super) fn over(&self) -> bool {
        self.stopped || self.runs >= self.most_runs
    }

    /// What is tried from now on, for those who watch.
    pub(super) fn pass(&mut self, pass: &'static str) {
        self.pass = pass;
        self.tell();
    }

    /// How large the smallest is.
    pub(super) fn size(&self) -> Size {
        self.best.size()
    }

    fn tell(&mut self) {
        let progress = Progress {
            runs: self.runs,
            pass: self.pass,
            size: self.best.size(),
        };
        self.stopped |= !(self.progress)(&progress);
    }

    /// Takes a candidate if it fails as the first one did, and in a fair test: it may not become
    /// impatient.
    pub(super) fn take(&mut self, candidate: Candidate) -> bool {
        if self.over() || impatience(candidate.scenario()) > self.patience {
            return false;
        }
        self.runs += 1;
        let same = self
            .cores
            .fails(candidate.scenario(), self.seed, &self.target);
        if same {
            self.best = candidate;
            self.tell();
        }
        same
    }

    /// The same with another script.
    pub(super) fn take_script(&mut self, script: Script) -> bool {
        let candidate = self.best.with_script(script);
        self.take(candidate)
    }

    /// The same in another frame.
    pub(super) fn take_frame(&mut self, edit: impl FnOnce(&mut toml::Table)) -> bool {
        match self.best.with_frame(edit) {
            Some(candidate) => self.take(candidate),
            None => false,
        }
    }

    /// What went wrong.
    pub(super) fn target(&self) -> &Finding {
        &self.target
    }
}

/// By how much the time that repairs may take is longer than the scenario's `settle`. A candidate
/// with more of it could fail only because it is asked too early.
fn impatience(scenario: &Scenario) -> Duration {
    swarm::bound(scenario).saturating_sub(scenario.settle)
}
