//! What a run in the arena cost and delivered, and the same of a run of the core.

use super::stage::Stage;
use crate::driver::Outcome;
use crate::metrics::{CostKind, Histogram, Metrics, Sample};
use crate::snapshot::{Index, Snapshot};
use crate::truth::{Cell, Number};
use cliqueclique_core::id::Tag;
use cliqueclique_core::time::micros;
use std::collections::BTreeSet;
use std::time::Duration;

/// Whether those that run at the end have what they subscribe to, as far as
/// anybody who runs has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Pairs of a running node and a comment that it subscribes to.
    pub wanted: u64,
    /// Those of them in which the node lacks the comment.
    pub missing: u64,
    /// Running nodes that subscribe to anything.
    pub subscribers: u64,
    /// Those of them that lack nothing.
    pub complete: u64,
    /// Pairs of a running node and a document that it holds.
    pub held: u64,
    /// Those of them in which its user does not want it.
    pub unwanted: u64,
}

/// Bytes and messages of one purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Messages.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Figures of one protocol in one run.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// As of any run.
    pub metrics: Metrics,
    /// Who has what at the end.
    pub completeness: Completeness,
    /// Of each node that gave a comment to others: to how many first. Empty if not measured.
    pub branching: Histogram,
}

impl Figures {
    /// Bytes and messages of some kinds.
    #[must_use]
    pub fn wire(&self, kinds: &[CostKind]) -> Wire {
        let costs = kinds.iter().filter_map(|kind| self.metrics.costs.get(kind));
        costs.fold(Wire::default(), |sum, cost| Wire {
            messages: sum.messages + cost.messages,
            bytes: sum.bytes + cost.bytes,
        })
    }

    /// Figures of a run of the core.
    #[must_use]
    pub fn of_core(outcome: &Outcome) -> Self {
        Self {
            metrics: outcome.metrics.clone(),
            completeness: of_snapshot(&outcome.last),
            branching: Histogram::default(),
        }
    }

    /// Figures of a run on the stage.
    pub(super) fn of(
        stage: &mut Stage<'_>,
        samples: Vec<Sample>,
        settled: Option<Duration>,
    ) -> Self {
        let mut metrics = Metrics {
            samples,
            ..Metrics::default()
        };
        stage.accounts.report(&mut metrics);
        metrics.bodies = stage.bodies;
        metrics.links = stage.links();
        metrics.post_delay_ms = stage.workload.delays();
        metrics.settled_ms = settled.map(|settled| micros(settled) / 1_000);
        for node in stage.live() {
            let protocol = stage.nodes[node].protocol.as_ref();
            let degrees = protocol.map(|protocol| protocol.degrees());
            let degrees = degrees.into_iter().flatten();
            degrees.for_each(|degree| metrics.degree.add(degree as u64));
        }
        let mut branching = Histogram::default();
        stage.given.values().for_each(|&count| branching.add(count));
        Self {
            metrics,
            completeness: completeness(stage),
            branching,
        }
    }
}

/// Who has what on the stage.
pub(super) fn completeness(stage: &Stage<'_>) -> Completeness {
    let live = stage.live();
    let numbers = 0..stage.truth.entries().len();
    let holds = |number: Number, node: Index| stage.truth.holds(number, node);
    let alive: Vec<Number> = numbers
        .filter(|&number| live.iter().any(|&node| holds(number, node)))
        .collect();
    let mut sum = Completeness::default();
    for &node in &live {
        let (mut wanted, mut missing) = (0, 0);
        for &number in &alive {
            let cell = stage.truth.entry(number).cell(node);
            let held = cell.has(Cell::HELD);
            if stage.truth.subscribes_above(number, node) {
                wanted += 1;
                missing += u64::from(!held);
            }
            let interest = || stage.truth.interest(number, node);
            sum.held += u64::from(held);
            sum.unwanted += u64::from(held && interest().is_none());
        }
        sum.add(wanted, missing);
    }
    sum
}

impl Completeness {
    fn add(&mut self, wanted: u64, missing: u64) {
        self.wanted += wanted;
        self.missing += missing;
        self.subscribers += u64::from(wanted > 0);
        self.complete += u64::from(wanted > 0 && missing == 0);
    }
}

/// Who has what in a network of cores.
fn of_snapshot(last: &Snapshot) -> Completeness {
    let mut sum = Completeness::default();
    for (node, _) in last.nodes.iter().enumerate().filter(|(_, node)| node.alive) {
        let (mut wanted, mut have) = (BTreeSet::new(), BTreeSet::new());
        for document in last.documents.values() {
            let Some(member) = document.members.get(&node) else {
                continue;
            };
            if member.wish.subscribes() {
                wanted.extend(document.comments.iter().filter(|tag| is_held(last, **tag)));
            }
            have.extend(member.comments_held.iter().copied());
            let holds = member.view.is_some();
            sum.held += u64::from(holds);
            sum.unwanted += u64::from(holds && member.interest.is_none());
        }
        let missing = wanted.difference(&have).count();
        sum.add(wanted.len() as u64, missing as u64);
    }
    sum
}

/// True if somebody who runs takes part in a document's network.
fn is_held(last: &Snapshot, tag: Tag) -> bool {
    last.documents.get(&tag).is_some_and(|document| {
        let mut members = document.members.iter();
        members.any(|(&node, member)| last.nodes[node].alive && member.view.is_some())
    })
}
