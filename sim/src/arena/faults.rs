//! Faults hit nodes under test as they hit cores: the same nodes, as long as the
//! same nodes live.

use super::stage::{Event, Stage};
use crate::faults::{FIRST_FORUM, name};
use crate::host::Action;
use crate::network::End;
use crate::random::whole;
use crate::scenario::{Fault, FaultKind, Target};
use crate::snapshot::Index;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Stage<'_> {
    /// A fault comes, and its repetition is put into the queue.
    pub(super) fn fault(&mut self, index: usize) {
        if self.calm {
            return;
        }
        let scenario = self.scenario;
        let fault = &scenario.faults[index];
        let last = fault.until.unwrap_or(scenario.duration);
        let every = fault.every.filter(|every| !every.is_zero());
        let next = every.map(|every| self.now + every);
        let until = Time::ZERO + last.min(scenario.duration);
        if let Some(next) = next.filter(|&next| next <= until) {
            self.queue.push_first(next, Event::Fault(index));
        }
        let hit = self.targets(fault.target);
        self.hit(fault, &hit);
    }

    fn hit(&mut self, fault: &Fault, hit: &[Index]) {
        if hit.is_empty() {
            return;
        }
        let networks = |&node: &Index| {
            let protocol = self.nodes[node].protocol.as_ref();
            protocol.map_or(0, |protocol| protocol.degrees().len())
        };
        let memberships = hit.iter().map(networks).sum();
        let name = name(fault.kind, fault.target);
        self.accounts.fault(self.now, name, hit.len(), memberships);
        self.apply(fault.kind, hit);
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "numbers of nodes are far below 2^53"
    )]
    fn targets(&mut self, target: Target) -> Vec<Index> {
        let live: Vec<Index> = self.live().into_iter().collect();
        let total = live.len();
        match target {
            Target::Share(share) => self
                .faults
                .draw(live, whole(total as f64 * share, 0, total)),
            Target::Count(count) => self.faults.draw(live, count),
            Target::Root => self.first_root(&live).into_iter().collect(),
            Target::Node(node) => live.into_iter().filter(|&other| other == node).collect(),
        }
    }

    /// The root of the first forum in the opinion of most nodes; without roots, its
    /// publisher, and after that whoever holds it and comes first.
    fn first_root(&self, live: &[Index]) -> Option<Index> {
        let forum = self.truth.entries().get(FIRST_FORUM)?;
        let id = forum.document.id();
        let mut votes = BTreeMap::<Index, usize>::new();
        for &node in live {
            let protocol = self.nodes[node].protocol.as_ref();
            if let Some(root) = protocol.and_then(|protocol| protocol.root(&id)) {
                *votes.entry(root).or_default() += 1;
            }
        }
        let voted = votes.iter().max_by_key(|&(_, count)| count);
        let root = voted.map_or(forum.author, |(&root, _)| root);
        let mut holders = live.iter().copied();
        if live.contains(&root) {
            return Some(root);
        }
        holders.find(|&node| self.truth.holds(FIRST_FORUM, node))
    }

    fn apply(&mut self, kind: FaultKind, hit: &[Index]) {
        match kind {
            FaultKind::Crash { restart, disk } => {
                hit.iter().for_each(|&node| self.crash(node, restart, disk));
            }
            FaultKind::Pause(lasts) => hit.iter().for_each(|&node| self.pause(node, lasts)),
            FaultKind::Partition { lasts, one_way } => self.partition(hit, lasts, one_way),
            FaultKind::Degrade { lasts, loss } => {
                let set = hit.iter().copied().collect();
                let handle = self.network.disturbance().degrade(set, loss);
                self.queue.push(self.now + lasts, Event::Calm(handle));
            }
            FaultKind::Leave => hit.iter().for_each(|&node| self.act(node, Action::Leave)),
            FaultKind::Move => hit.iter().for_each(|&node| self.move_away(node)),
            FaultKind::Forget => {
                let forget = Action::Forget(FIRST_FORUM);
                hit.iter().for_each(|&node| self.act_on_first(node, forget));
            }
            FaultKind::Toggle => hit.iter().for_each(|&node| self.toggle(node)),
        }
    }

    fn partition(&mut self, hit: &[Index], lasts: Duration, one_way: bool) {
        let set: BTreeSet<Index> = hit.iter().copied().collect();
        let mut cut: Vec<(Time, End)> = Vec::new();
        for &node in &set {
            let crossing = self.nodes[node].lines.iter();
            let crossing = crossing.filter(|(peer, _)| !set.contains(peer));
            let notice = self.now + self.notice(node);
            cut.extend(crossing.map(|(_, line)| (notice, line.end)));
        }
        let handle = self.network.disturbance().partition(set, one_way);
        self.queue.push(self.now + lasts, Event::Calm(handle));
        for (notice, end) in cut {
            self.queue.push(notice, Event::Sever(end));
        }
    }

    fn act_on_first(&mut self, node: Index, action: Action) {
        let there = !self.truth.entries().is_empty();
        if there && self.truth.interest(FIRST_FORUM, node).is_some() {
            self.act(node, action);
        }
    }

    /// A subscriber of the first forum only bookmarks it from now on, or goes back.
    fn toggle(&mut self, node: Index) {
        if self.truth.entries().is_empty() || !self.truth.holds(FIRST_FORUM, node) {
            return;
        }
        let mode = self.truth.entry(FIRST_FORUM).cell(node).mode();
        if let Some(mode) = self.faults.toggle(node, mode) {
            return self.act(node, Action::Set(FIRST_FORUM, mode));
        }
        self.act(node, Action::Bookmark(FIRST_FORUM, true));
        self.act(node, Action::Set(FIRST_FORUM, Mode::Hold));
    }
}
