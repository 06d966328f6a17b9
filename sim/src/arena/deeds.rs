//! Nodes under test crash, come back, stand still, move and leave.

use super::protocol::Input;
use super::stage::{Event, Stage};
use crate::host::Status;
use crate::scenario::Disk;
use crate::snapshot::Index;
use crate::truth::{Cell, Number};
use std::time::Duration;

impl Stage<'_> {
    /// A node vanishes without a word.
    pub(super) fn crash(&mut self, node: Index, restart: Option<Duration>, disk: Disk) {
        self.retire(node);
        let notice = self.notice(node);
        self.break_lines(node, notice);
        self.nodes[node].become_status(Status::Down(restart.is_some()));
        self.nodes[node].deferred.clear();
        if disk == Disk::Lost {
            self.wipe(node);
        }
        if let Some(restart) = restart {
            let epoch = self.nodes[node].epoch;
            self.queue
                .push(self.now + restart, Event::Restart(node, epoch));
        }
    }

    /// A node stops; what was on its way to it is not expected.
    fn retire(&mut self, node: Index) {
        let awaited: Vec<Number> = self.accounts.deliveries.awaited().collect();
        for number in awaited {
            let expected = self.truth.entry(number).cell(node).has(Cell::EXPECTED);
            if expected && self.truth.fulfil(number, node) {
                self.accounts.deliveries.given_up(number);
            }
        }
        if let Some(protocol) = self.nodes[node].protocol.take() {
            self.nodes[node].durable = protocol.durable();
        }
    }

    fn wipe(&mut self, node: Index) {
        self.nodes[node].givers.clear();
        self.nodes[node].durable.clear();
        (0..self.truth.entries().len()).for_each(|number| {
            self.truth.lost(number, node);
        });
    }

    /// A node stands still; if for long, its peers lose it.
    pub(super) fn pause(&mut self, node: Index, lasts: Duration) {
        self.nodes[node].become_status(Status::Paused);
        self.nodes[node].wake = None;
        let epoch = self.nodes[node].epoch;
        let notice = self.notice(node);
        self.queue.push(self.now + notice, Event::Miss(node, epoch));
        self.queue
            .push(self.now + lasts, Event::Resume(node, epoch));
    }

    /// Peers take a paused node for gone.
    pub(super) fn lose_all(&mut self, node: Index) {
        let peers = self.break_lines(node, Duration::ZERO);
        self.nodes[node].deferred.clear();
        // It learns of it when it goes on.
        self.nodes[node].missed = peers;
    }

    /// A paused node goes on.
    pub(super) fn resume(&mut self, node: Index) {
        self.nodes[node].become_status(Status::Up);
        for peer in std::mem::take(&mut self.nodes[node].missed) {
            self.feed(node, Input::Disconnected(peer), None);
        }
        for event in std::mem::take(&mut self.nodes[node].deferred) {
            self.dispatch(event);
        }
        self.rearm(node);
        let todo = std::mem::take(&mut self.nodes[node].todo);
        todo.into_iter().for_each(|action| self.act(node, action));
    }

    /// A node gets a new address: its connections break.
    pub(super) fn move_away(&mut self, node: Index) {
        let notice = self.notice(node);
        for peer in self.break_lines(node, notice) {
            self.feed(node, Input::Disconnected(peer), None);
        }
    }

    /// A node has left everything.
    pub(super) fn left(&mut self, node: Index) {
        let lines: Vec<_> = self.nodes[node].lines.keys().copied().collect();
        lines.into_iter().for_each(|peer| self.hang_up(node, peer));
        self.retire(node);
        self.nodes[node].become_status(Status::Left);
        self.wipe(node);
    }

    /// Workload and faults are over: all that will come back does so now.
    pub(super) fn calm_down(&mut self) {
        self.calm = true;
        self.network.disturbance().end_all();
        if self.scenario.network.heals {
            self.network.heal();
        }
        for node in 0..self.nodes.len() {
            match self.nodes[node].status {
                Status::Paused => self.resume(node),
                Status::Down(true) => self.boot(node),
                Status::Unborn | Status::Up | Status::Down(false) | Status::Left => {}
            }
        }
    }
}
