//! The phases of a run: workload and faults for the scenario's duration, then
//! quiet until every *eventually* property holds, then the verdict.

use super::{Observer, Outcome, Scene};
use crate::check::Violated;
use crate::host::Behavior;
use crate::metrics::Sample;
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use crate::tape::Tape;
use crate::workload::Workload;
use crate::world::World;
use cliqueclique_core::time::{Time, micros};
use std::collections::BTreeMap;
use std::time::Duration;

/// Steps between two looks at whether the user wants to stop.
const LOOK: u64 = 4_096;
/// Shortest wait before the *eventually* properties are looked at.
const FIRST_PROBE: Duration = Duration::from_secs(1);

/// At a sample all networks are looked at only after so many events for each
/// (node, document), so that looking costs little beside running. Where fewer
/// came there is little new to see.
const EVENTS_PER_VIEW: u64 = 4;
/// So few (node, document) pairs are looked at at every sample: it takes about 10 ms.
const FEW_VIEWS: u64 = 20_000;
/// A snapshot of more (node, document) pairs is not kept for the picture of a failure:
/// some 50 MB.
const KEPT_VIEWS: usize = 100_000;

/// Why a phase ended early.
enum Stop {
    Failed(Violated),
    Interrupted,
}

type Phase = Result<(), Stop>;

impl From<Violated> for Stop {
    fn from(violated: Violated) -> Self {
        Self::Failed(violated)
    }
}

/// A run under way.
pub(super) struct Run<'a> {
    world: World<'a>,
    scenario: &'a Scenario,
    samples: Vec<Sample>,
    next_sample: Time,
    /// Times of snapshots that the scenario asks for, the next one last.
    snapshots: Vec<Time>,
    settled: Option<Duration>,
    /// Events when all networks were looked at last.
    looked: u64,
    /// The last snapshot in which all held that must always hold.
    before: Option<Snapshot>,
}

impl<'a> Run<'a> {
    /// A run at its start.
    pub(super) fn new(
        scenario: &'a Scenario,
        seed: u64,
        workload: Workload,
        observer: &'a mut dyn Observer,
        behaviors: BTreeMap<Index, Box<dyn Behavior>>,
    ) -> Self {
        let mut snapshots: Vec<Time> = scenario
            .snapshots
            .iter()
            .map(|&at| Time::ZERO + at)
            .collect();
        snapshots.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            world: World::new(scenario, seed, workload, observer, behaviors),
            scenario,
            samples: Vec::new(),
            next_sample: Time::ZERO + scenario.sample,
            snapshots,
            settled: None,
            looked: 0,
            before: None,
        }
    }

    /// Writes down what is drawn.
    pub(super) fn recording(mut self, tape: &Tape) -> Self {
        self.world.record(tape);
        self
    }

    /// Runs all phases.
    pub(super) fn through(mut self) -> Outcome {
        let result = self.busy().and_then(|()| self.settle());
        self.conclude(result)
    }

    /// Workload and faults.
    fn busy(&mut self) -> Phase {
        let end = Time::ZERO + self.scenario.duration;
        while self.world.now < end {
            let snapshot = self.snapshots.last().copied().unwrap_or(end);
            let next = self.next_sample.min(snapshot).min(end);
            self.run_until(next)?;
            let (sample, snapshot) = (
                next == self.next_sample,
                next == snapshot && !self.snapshots.is_empty(),
            );
            self.look(sample, snapshot)?;
        }
        Ok(())
    }

    /// Takes a sample, a snapshot, or both, and checks the *always* properties.
    fn look(&mut self, sample: bool, wanted: bool) -> Phase {
        let mut due = wanted;
        if sample {
            self.sample();
            self.next_sample = self.world.now + self.scenario.sample.max(Duration::from_millis(1));
            due |= self.is_worth_a_look();
        }
        if !due {
            return Ok(());
        }
        self.looked = self.world.accounts.events;
        let snapshot = self.world.snapshot();
        if wanted {
            self.snapshots.pop();
            self.world.observer.snapshot(&snapshot);
        }
        self.world.checkers.always(&snapshot)?;
        self.keep(snapshot);
        Ok(())
    }

    /// Keeps a snapshot in which all is well, if it is not too large.
    fn keep(&mut self, snapshot: Snapshot) {
        let documents = snapshot.documents.values();
        let views: usize = documents.map(|truth| truth.members.len()).sum();
        self.before = (views <= KEPT_VIEWS).then_some(snapshot);
    }

    fn is_worth_a_look(&self) -> bool {
        let memberships = self
            .samples
            .last()
            .map_or(0, |sample| sample.memberships as u64);
        let events = self.world.accounts.events - self.looked;
        memberships <= FEW_VIEWS || events >= memberships * EVENTS_PER_VIEW
    }

    fn sample(&mut self) {
        let sample = self.world.sample();
        self.world
            .accounts
            .close_faults(self.world.now - self.scenario.aftermath());
        let progress = sample.time / self.scenario.duration.as_secs_f64().max(1e-9);
        self.world.observer.sample(&sample, progress.min(1.0));
        self.samples.push(sample);
    }

    fn run_until(&mut self, until: Time) -> Phase {
        let mut steps = 0_u64;
        while self.world.next_time().is_some_and(|time| time <= until) {
            self.world.step()?;
            steps += 1;
            if steps.is_multiple_of(LOOK) && self.world.observer.interrupted() {
                return Err(Stop::Interrupted);
            }
        }
        self.world.now = until;
        if self.world.observer.interrupted() {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Faults are over: waits, in growing steps, until all is as it should be.
    fn settle(&mut self) -> Phase {
        let start = self.world.now;
        let end = start + self.scenario.settle;
        self.world.calm_down()?;
        let mut wait = (self.scenario.settle / 256).max(FIRST_PROBE);
        loop {
            let next = (self.world.now + wait).min(end);
            self.run_until(next)?;
            let snapshot = self.world.snapshot();
            self.world.checkers.always(&snapshot)?;
            match self.world.checkers.eventually(&snapshot) {
                Ok(()) => {
                    self.keep(snapshot);
                    break;
                }
                Err(violated) if next >= end => return Err(violated.into()),
                Err(_) => wait = wait.mul_f64(1.5),
            }
        }
        self.settled = Some(self.world.now.since(start));
        self.quiet(end)
    }

    /// All is as it should be: it must cost nothing, and stay so.
    fn quiet(&mut self, settled: Time) -> Phase {
        if self.scenario.quiet.is_zero() {
            return Ok(());
        }
        self.run_until(settled + self.scenario.quiet)?;
        let snapshot = self.world.snapshot();
        self.world.checkers.always(&snapshot)?;
        Ok(self.world.checkers.eventually(&snapshot)?)
    }

    /// Last sample, last snapshot, verdict.
    fn conclude(mut self, result: Phase) -> Outcome {
        self.sample();
        let last = self.world.snapshot();
        self.world.observer.snapshot(&last);
        let mut metrics = self.world.measure(&last, std::mem::take(&mut self.samples));
        metrics.settled_ms = self.settled.map(|settled| micros(settled) / 1_000);
        metrics.longest_circle_ms = micros(self.world.checkers.longest_circle()) / 1_000;
        let result =
            result.and_then(|()| Ok(self.world.checkers.finish(&metrics, self.world.now)?));
        let result = result.and_then(|()| Ok(self.world.attacked()?));
        let (violated, interrupted) = match result {
            Ok(()) => (None, false),
            Err(Stop::Failed(violated)) => (Some(violated), false),
            Err(Stop::Interrupted) => (None, true),
        };
        let scene = violated
            .as_ref()
            .map(|violated| self.scene(violated, &last));
        let beyond_reach = violated
            .as_ref()
            .is_some_and(|violated| self.world.is_beyond_reach(violated, &last));
        let failure = violated.map(|violated| self.explain(violated));
        Outcome {
            beyond_reach,
            metrics,
            last,
            failure,
            scene,
            digest: self.world.digest(),
            interrupted,
        }
    }

    fn scene(&mut self, violated: &Violated, last: &Snapshot) -> Scene {
        let (history, truth) = (&self.world.history, &self.world.truth);
        let scene = history.scene(&violated.nodes, violated.document, truth, last);
        Scene {
            before: self.before.take(),
            ..scene
        }
    }

    fn explain(&self, violated: Violated) -> (Violated, Vec<super::Event>) {
        let events = self.world.history.tell(&violated.nodes, &self.world.truth);
        (violated, events)
    }
}
