//! Nodes start, crash, come back, stand still, move and leave.

use super::{Event, Step, What, World};
use crate::check::Violated;
use crate::host::{Status, Undo, address, wall};
use crate::random::{Purpose, seed_bytes};
use crate::scenario::Disk;
use crate::snapshot::Index;
use crate::truth::{Cell, Number};
use cliqueclique_core::id::RequestId;
use cliqueclique_core::{Command, Core, Input};
use std::time::Duration;

/// How often wall clocks that drift are set right (a usual poll of NTP is up to
/// 17 minutes; laptops are rarely on for longer).
const CLOCK_INTERVAL: Duration = Duration::from_secs(3_600);

impl World<'_> {
    /// A node starts for the first time.
    pub(super) fn start(&mut self, node: Index) -> Step {
        if self.hosts[node].status != Status::Unborn {
            return Ok(());
        }
        self.boot(node)
    }

    /// Makes a core from the disk and lets it run.
    fn boot(&mut self, node: Index) -> Step {
        let host = &mut self.hosts[node];
        host.become_status(Status::Up);
        host.clock = host.clock.restarted(self.now);
        host.starts += 1;
        host.wake = None;
        let seed = seed_bytes(self.seed, Purpose::Core, (node as u64) << 24 | host.starts);
        let mut config = host.config.clone();
        if let Some(behavior) = &host.behavior {
            behavior.settings(&mut config);
        }
        let core = Core::restore(
            config,
            host.identity.clone(),
            seed,
            self.suite.clone(),
            wall(self.now),
            host.disk.node.as_deref(),
            host.disk.peers.values().map(AsRef::as_ref),
        );
        host.core = Some(Box::new(core.map_err(|error| Violated {
            property: "restore",
            time: self.now,
            document: None,
            nodes: vec![node],
            detail: format!("a node could not start from what it had stored: {error:?}"),
        })?));
        if let Some(interval) = self.scenario.evict_after {
            self.queue.push(self.after(interval), Event::Sweep(node));
        }
        self.disturbed();
        self.feed(node, Input::Clock(wall(self.now)), None)?;
        self.act_at_last(node)
    }

    /// A node vanishes without a word, and comes back after `restart` with what
    /// is left of its disk.
    pub(crate) fn crash(&mut self, node: Index, restart: Option<Duration>, disk: Disk) {
        self.note(node, None, What::Fault("crash"));
        self.checkers.note("crashed");
        self.retire(node);
        self.break_channels(node);
        let host = &mut self.hosts[node];
        let restart = restart.filter(|_| !host.parting);
        host.become_status(Status::Down(restart.is_some()));
        host.cold.clear();
        let unanswered = std::mem::take(&mut host.pending);
        host.todo.extend(unanswered.into_values());
        self.damage(node, disk);
        if let Some(restart) = restart {
            self.away += 1;
            let epoch = self.hosts[node].epoch;
            self.hosts[node].insist = disk != Disk::Kept;
            self.queue
                .push(self.after(restart), Event::Restart(node, epoch));
        }
        self.disturbed();
    }

    /// What is left of a disk.
    fn damage(&mut self, node: Index, disk: Disk) {
        match disk {
            Disk::Kept => {}
            Disk::Lost => {
                self.hosts[node].disk.wipe();
                (0..self.truth.entries().len()).for_each(|number| {
                    self.truth.lost(number, node);
                });
            }
            Disk::Backup(age) => {
                for undo in self.hosts[node].disk.roll_back(self.now - age) {
                    match undo {
                        Undo::Stored(number) => drop(self.truth.lost(number, node)),
                        Undo::Deleted(number) => drop(self.truth.stored(number, node)),
                        Undo::Record(..) => {}
                    }
                }
            }
        }
    }

    /// A crashed node starts again.
    pub(super) fn restart(&mut self, node: Index) -> Step {
        self.away = self.away.saturating_sub(1);
        self.note(node, None, What::Fault("restart"));
        self.checkers.note("restarted");
        self.boot(node)?;
        if std::mem::take(&mut self.hosts[node].insist) {
            self.rejoin(node)?;
        }
        Ok(())
    }

    /// A node stands still.
    pub(crate) fn pause(&mut self, node: Index, lasts: Duration) {
        self.note(node, None, What::Fault("pause"));
        self.checkers.note("paused");
        self.give_up_expected(node);
        self.hosts[node].become_status(Status::Paused);
        self.away += 1;
        let epoch = self.hosts[node].epoch;
        self.queue
            .push(self.after(lasts), Event::Resume(node, epoch));
        self.disturbed();
    }

    /// It goes on: its wall clock has jumped, and what waited for it comes in.
    pub(super) fn resume(&mut self, node: Index) -> Step {
        self.away = self.away.saturating_sub(1);
        self.note(node, None, What::Fault("resume"));
        let host = &mut self.hosts[node];
        host.become_status(Status::Up);
        host.wake = None;
        self.disturbed();
        self.feed(node, Input::Clock(wall(self.now)), None)?;
        self.catch_up(node)?;
        self.act_at_last(node)
    }

    /// A node gets a new address: its channels break, and its peers know only the old one.
    pub(crate) fn move_away(&mut self, node: Index) -> Step {
        self.note(node, None, What::Fault("move"));
        self.checkers.note("moved");
        let channels = self.break_channels(node);
        let host = &mut self.hosts[node];
        host.generation += 1;
        let address = address(node, host.generation);
        host.identity.address = address.clone();
        self.disturbed();
        self.requests += 1;
        let request = RequestId(self.requests);
        let command = Command::SetAddress(address);
        self.checkers
            .command(self.now, node, self.hosts[node].id, &command);
        self.feed(node, Input::Command(request, command), None)?;
        self.tell_own(node, channels)
    }

    /// A node has left everything.
    pub(super) fn stopped(&mut self, node: Index) {
        self.retire(node);
        self.break_channels(node);
        let host = &mut self.hosts[node];
        host.become_status(Status::Left);
        host.cold.clear();
        host.disk.wipe();
        (0..self.truth.entries().len()).for_each(|number| {
            self.truth.lost(number, node);
        });
    }

    /// A core stops running: what it counted is kept, what was on its way to it is not expected.
    fn retire(&mut self, node: Index) {
        self.give_up_expected(node);
        if let Some(core) = self.hosts[node].core.take() {
            self.accounts.retired_bodies += core.counters().bodies;
        }
    }

    fn give_up_expected(&mut self, node: Index) {
        let awaited: Vec<Number> = self.accounts.deliveries.awaited().collect();
        for number in awaited {
            if self.truth.entry(number).cell(node).has(Cell::EXPECTED)
                && self.truth.fulfil(number, node)
            {
                self.accounts.deliveries.given_up(number);
            }
        }
    }

    /// Overlays that were not used since the last sweep are evicted.
    pub(super) fn sweep(&mut self, node: Index) -> Step {
        let Some(interval) = self.scenario.evict_after else {
            return Ok(());
        };
        if !self.hosts[node].is_up() {
            return Ok(());
        }
        self.queue.push(self.after(interval), Event::Sweep(node));
        let Some(core) = &self.hosts[node].core else {
            return Ok(());
        };
        let hot: Vec<_> = core.overlays().collect();
        for tag in hot {
            let unused = self
                .truth
                .by_tag(tag)
                .is_some_and(|number| !self.truth.untouch(number, node));
            if unused {
                self.evict(node, tag)?;
            }
        }
        Ok(())
    }

    /// Evicts one overlay and keeps its last view for the record.
    fn evict(&mut self, node: Index, tag: cliqueclique_core::Tag) -> Step {
        let view = self.hosts[node].view(tag);
        self.feed(node, Input::Evict(tag), None)?;
        let host = &mut self.hosts[node];
        let cold = host
            .core
            .as_ref()
            .is_some_and(|core| core.overlay_by_tag(tag).is_none());
        if let (true, Some(view)) = (cold, view) {
            host.cold.insert(tag, view);
            self.checkers.note("evicted");
        }
        Ok(())
    }

    /// Wall clocks that drift are set right.
    pub(super) fn set_clocks(&mut self) -> Step {
        self.queue.push(self.after(CLOCK_INTERVAL), Event::Clocks);
        (0..self.hosts.len())
            .filter(|&node| self.hosts[node].is_up())
            .collect::<Vec<_>>()
            .into_iter()
            .try_for_each(|node| self.feed(node, Input::Clock(wall(self.now)), None))
    }

    /// Workload and faults are over: all that will come back does so now.
    pub(crate) fn calm_down(&mut self) -> Step {
        self.calm = true;
        self.network.disturbance().end_all();
        if self.scenario.network.heals {
            self.network.heal();
        }
        for node in 0..self.hosts.len() {
            match self.hosts[node].status {
                Status::Paused => self.resume(node)?,
                Status::Down(true) => self.restart(node)?,
                Status::Unborn | Status::Up | Status::Down(false) | Status::Left => {}
            }
        }
        for node in 0..self.hosts.len() {
            self.ask_elsewhere(node)?;
        }
        self.disturbed();
        self.attend()
    }

    /// True once workload and faults are over.
    pub(crate) fn is_calm(&self) -> bool {
        self.calm
    }
}
