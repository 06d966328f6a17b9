//! What goes wrong: draws the nodes that a fault hits and does it to them.

use crate::host::Action;
use crate::network::Handle;
use crate::random::{Purpose, fork, whole};
use crate::scenario::{Fault, FaultKind, Target};
use crate::snapshot::Index;
use crate::truth::Number;
use crate::world::{Event, Step, What, World};
use cliqueclique_core::id::NodeId;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Number of the first forum's root: the first document of every run.
pub(crate) const FIRST_FORUM: Number = 0;

/// State of the faults.
#[derive(Debug)]
pub(crate) struct Faults {
    rng: ChaCha8Rng,
    /// What toggled nodes wished before.
    toggled: BTreeMap<Index, Mode>,
}

impl Faults {
    /// No fault so far.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fork(seed, Purpose::Faults, 0),
            toggled: BTreeMap::new(),
        }
    }

    /// A node changes between subscribed and only holding: the mode that it goes back to,
    /// or `None` if it is to give up `mode`.
    pub(crate) fn toggle(&mut self, node: Index, mode: Mode) -> Option<Mode> {
        if mode.subscribes() {
            self.toggled.insert(node, mode);
            return None;
        }
        Some(self.toggled.remove(&node).unwrap_or(Mode::Subscribe))
    }

    /// So many of them, in order of index.
    pub(crate) fn draw(&mut self, mut nodes: Vec<Index>, count: usize) -> Vec<Index> {
        let count = count.min(nodes.len());
        for at in 0..count {
            let other = self.rng.random_range(at..nodes.len());
            nodes.swap(at, other);
        }
        nodes.truncate(count);
        nodes.sort_unstable();
        nodes
    }
}

impl World<'_> {
    /// A fault comes, and its repetition is put into the queue.
    pub(crate) fn fault(&mut self, index: usize) -> Step {
        if self.is_calm() {
            return Ok(());
        }
        let fault = &self.scenario.faults[index];
        self.repeat(index, fault);
        let hit = self.targets(fault.target);
        self.hit(fault, &hit)
    }

    /// A fault hits these nodes.
    pub(crate) fn hit(&mut self, fault: &Fault, hit: &[Index]) -> Step {
        if hit.is_empty() {
            return Ok(());
        }
        let memberships = hit.iter().map(|&node| self.hosts[node].memberships()).sum();
        self.accounts.fault(
            self.now,
            name(fault.kind, fault.target),
            hit.len(),
            memberships,
        );
        self.note_fault(hit, fault.kind);
        self.apply(fault.kind, hit)
    }

    fn repeat(&mut self, index: usize, fault: &Fault) {
        let last = fault
            .until
            .unwrap_or(self.scenario.duration)
            .min(self.scenario.duration);
        let next = fault
            .every
            .filter(|every| !every.is_zero())
            .map(|every| self.now + every);
        if let Some(next) = next.filter(|&next| next <= Time::ZERO + last) {
            self.queue.push_first(next, Event::Fault(index));
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "numbers of nodes are far below 2^53"
    )]
    fn targets(&mut self, target: Target) -> Vec<Index> {
        let live: Vec<Index> = (0..self.hosts.len())
            .filter(|&node| self.hosts[node].is_up())
            .collect();
        let total = live.len();
        match target {
            Target::Share(share) => self
                .faults
                .draw(live, whole(total as f64 * share, 0, total)),
            Target::Count(count) => self.faults.draw(live, count),
            Target::Root => self.overlay_root(&live).into_iter().collect(),
            Target::Node(node) => live.into_iter().filter(|&other| other == node).collect(),
        }
    }

    /// The overlay root of the first forum in the opinion of most nodes.
    fn overlay_root(&self, live: &[Index]) -> Option<Index> {
        let tag = self.truth.entries().get(FIRST_FORUM)?.document.tag();
        let mut votes = BTreeMap::<NodeId, usize>::new();
        for root in live
            .iter()
            .filter_map(|&node| self.hosts[node].view(tag))
            .map(|view| view.root)
        {
            *votes.entry(root).or_default() += 1;
        }
        let (&root, _) = votes.iter().max_by_key(|&(_, count)| count)?;
        live.iter()
            .copied()
            .find(|&node| self.hosts[node].id == root)
    }

    fn apply(&mut self, kind: FaultKind, hit: &[Index]) -> Step {
        let set = || hit.iter().copied().collect::<BTreeSet<_>>();
        match kind {
            FaultKind::Crash { restart, disk } => {
                hit.iter().for_each(|&node| self.crash(node, restart, disk))
            }
            FaultKind::Pause(lasts) => hit.iter().for_each(|&node| self.pause(node, lasts)),
            FaultKind::Partition { lasts, one_way } => {
                self.note_all(hit, "partition");
                self.checkers.note("partitioned");
                let handle = self.network.disturbance().partition(set(), one_way);
                self.queue.push(self.now + lasts, Event::Calm(handle));
            }
            FaultKind::Degrade { lasts, loss } => {
                self.note_all(hit, "degrade");
                let handle = self.network.disturbance().degrade(set(), loss);
                self.queue.push(self.now + lasts, Event::Calm(handle));
            }
            FaultKind::Leave => {
                return hit
                    .iter()
                    .try_for_each(|&node| self.act_as_fault(node, Action::Leave));
            }
            FaultKind::Move => return hit.iter().try_for_each(|&node| self.move_away(node)),
            FaultKind::Forget => return hit.iter().try_for_each(|&node| self.forget_first(node)),
            FaultKind::Toggle => return hit.iter().try_for_each(|&node| self.toggle(node)),
        }
        self.disturbed();
        Ok(())
    }

    fn note_all(&mut self, hit: &[Index], name: &'static str) {
        hit.iter()
            .for_each(|&node| self.note(node, None, What::Fault(name)));
    }

    /// A partition or a degradation ends.
    pub(crate) fn end_disturbance(&mut self, handle: Handle) {
        self.network.disturbance().end(handle);
        self.checkers.note("healed");
        self.disturbed();
    }

    fn forget_first(&mut self, node: Index) -> Step {
        if self.truth.entries().is_empty() || self.truth.interest(FIRST_FORUM, node).is_none() {
            return Ok(());
        }
        self.act_as_fault(node, Action::Forget(FIRST_FORUM))
    }

    /// A subscriber of the first forum only bookmarks it from now on, or goes back.
    fn toggle(&mut self, node: Index) -> Step {
        if self.truth.entries().is_empty() || !self.truth.holds(FIRST_FORUM, node) {
            return Ok(());
        }
        self.checkers.note("toggled");
        let mode = self.truth.entry(FIRST_FORUM).cell(node).mode();
        if let Some(before) = self.faults.toggle(node, mode) {
            return self.act_as_fault(node, Action::Set(FIRST_FORUM, before));
        }
        self.act_as_fault(node, Action::Bookmark(FIRST_FORUM, true))?;
        self.act_as_fault(node, Action::Set(FIRST_FORUM, Mode::Hold))
    }
}

/// Kind of fault as reports name it; what the death of a root costs is counted apart.
pub(crate) fn name(kind: FaultKind, target: Target) -> &'static str {
    match kind {
        FaultKind::Crash { .. } if target == Target::Root => "crash root",
        FaultKind::Crash { .. } => "crash",
        FaultKind::Leave => "leave",
        FaultKind::Pause(_) => "pause",
        FaultKind::Partition { .. } => "partition",
        FaultKind::Move => "move",
        FaultKind::Forget => "forget",
        FaultKind::Toggle => "toggle",
        FaultKind::Degrade { .. } => "degrade",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_nodes_are_distinct_and_the_draw_depends_on_the_seed() {
        let draw = |seed| Faults::new(seed).draw((0..100).collect(), 30);
        let drawn = draw(1);
        assert_eq!(drawn.len(), 30);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
        assert_eq!(Faults::new(1).draw(vec![4, 5], 7), [4, 5]);
    }
}
