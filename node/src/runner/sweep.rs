//! Which overlays go cold: those that nothing touched for a while. The core decides whether
//! it can let one go.

use super::Runner;
use crate::store::Op;
use cliqueclique_core::{Input, Tag};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Overlays given up in one go, so that messages are handled in between.
const SOME: usize = 64;

/// What was used lately, and what is to go.
pub(super) struct Sweep {
    interval: Duration,
    next: Instant,
    used: BTreeSet<Tag>,
    going: Vec<Tag>,
}

impl Sweep {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: soon(interval),
            used: BTreeSet::new(),
            going: Vec::new(),
        }
    }

    /// Sets another interval, from now on.
    pub(super) fn pace(&mut self, interval: Duration) {
        self.interval = interval;
        self.next = soon(interval);
    }

    pub(super) fn used(&mut self, tags: &[Tag]) {
        self.used.extend(tags);
    }

    pub(super) fn pending(&self) -> bool {
        !self.going.is_empty()
    }

    pub(super) fn due(&self) -> impl Future<Output = ()> + use<> {
        sleep_until(self.next)
    }
}

fn soon(interval: Duration) -> Instant {
    crate::clock::Clock::start().instant(cliqueclique_core::Time::ZERO + interval)
}

impl Runner {
    /// Marks all overlays that nothing touched since the last time.
    pub(super) fn begin_sweep(&mut self) {
        let used = std::mem::take(&mut self.sweep.used);
        let unused = self.parts.core.overlays().filter(|tag| !used.contains(tag));
        self.sweep.going = unused.collect();
        self.sweep.next = soon(self.sweep.interval);
    }

    /// Lets some of them go.
    pub(super) fn evict_some(&mut self) {
        for _ in 0..SOME {
            let Some(tag) = self.sweep.going.pop() else {
                return;
            };
            if self.sweep.used.contains(&tag) {
                continue;
            }
            let Some(view) = self.parts.core.overlay_by_tag(tag) else {
                continue;
            };
            self.feed(Input::Evict(tag));
            if self.parts.core.overlay_by_tag(tag).is_none() {
                let nodes = view.neighbors.iter().map(|neighbor| neighbor.node);
                self.store(Op::Cold(tag, nodes.collect()));
            }
        }
    }
}
