//! Peace after a history, and what must hold at its end.

use super::Pair;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::{DocumentId, Input, Time};
use std::time::Duration;

/// How long peace lasts.
const PEACE: Duration = Duration::from_secs(3 * 3600);
/// Most inputs in that time: two nodes settle a few dozen networks, then there are
/// keep-alives only.
const MOST_INPUTS: u64 = 20_000;
/// Time for one packet.
const TRIP: Duration = Duration::from_millis(20);

impl Pair {
    /// The wire does its work, for hours.
    pub(super) fn peace(&mut self) {
        self.wire.refuses = false;
        self.check_sizes();
        let (end, before) = (self.now + PEACE, self.inputs);
        while self.now < end {
            self.flow(1);
            self.now = self.now + TRIP;
            let idle = self.wire.idle() && self.hosts.iter().all(super::Host::idle);
            self.wake(end, idle);
            let inputs = self.inputs - before;
            assert!(inputs < MOST_INPUTS, "no silence: {inputs} inputs");
        }
        self.check_sizes();
        if self.deeds.promise_the_same(self.demand) {
            self.check_comments();
            self.check_roots();
        }
    }

    /// Wakes who is due; if nothing is on its way, time leaps to whoever is next.
    fn wake(&mut self, end: Time, idle: bool) {
        let due = |at: usize| self.hosts[at].due().map(|due| (due, at));
        let Some((due, at)) = (0..2).filter_map(due).min() else {
            if idle {
                self.now = end;
            }
            return;
        };
        if due <= self.now || idle {
            self.now = self.now.max(due.min(end));
            if due <= self.now {
                self.give(at, Input::Wake);
            }
        }
    }

    /// Who subscribes has every comment that the other has. Of overlays that are on
    /// disk only (cold ones) this asks nothing, but what is there is not missed.
    fn check_comments(&self) {
        for (at, host) in self.hosts.iter().enumerate() {
            let other = &self.hosts[usize::from(at == 0)];
            for (id, comment) in &other.disk {
                let parents = comment.parents();
                let offered = |parent: &&DocumentId| view(other, parent).is_some_and(|v| v.holds);
                let wanted = |parent: &DocumentId| {
                    view(host, parent).is_some_and(|v| v.holds && v.mode.subscribes())
                };
                let has = view(other, id).is_some_and(|view| view.holds);
                if has && parents.iter().filter(offered).any(wanted) {
                    let held = host.disk.contains_key(id);
                    assert!(held, "node {at} misses {id:?} under {parents:?}");
                }
            }
        }
    }

    /// Of what both hold, both know the same overlay root, and nobody is frozen.
    fn check_roots(&self) {
        let [one, other] = &self.hosts;
        for id in &self.published {
            let (Some(a), Some(b)) = (view(one, id), view(other, id)) else {
                continue;
            };
            if a.holds && b.holds {
                assert_eq!(a.root, b.root, "{a:?} {b:?}");
                assert!(!a.frozen && !b.frozen, "{a:?} {b:?}");
            }
        }
    }
}

fn view(host: &super::Host, id: &DocumentId) -> Option<OverlayView> {
    host.core.overlay(id)
}
