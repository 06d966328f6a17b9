//! How much an account moves each way, and how much it may: all its channels share this.

use crate::clock::Clock;
use cliqueclique_core::Time;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep_until;

/// Both directions of an account.
#[derive(Debug)]
pub(crate) struct Paces {
    /// What it sends.
    pub(crate) up: Pace,
    /// What it receives.
    pub(crate) down: Pace,
}

impl Paces {
    /// With limits in kB per second; 0 is none.
    pub(crate) fn new(upload: u64, download: u64) -> Self {
        let clock = Clock::start();
        let paces = Self {
            up: Pace::new(clock),
            down: Pace::new(clock),
        };
        paces.limit(upload, download);
        paces
    }

    /// Sets other limits, for all that waits from now on.
    pub(crate) fn limit(&self, upload: u64, download: u64) {
        self.up
            .rate
            .store(upload.saturating_mul(1_000), Ordering::Relaxed);
        self.down
            .rate
            .store(download.saturating_mul(1_000), Ordering::Relaxed);
    }
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    /// Bytes per second; 0 is no limit.
    rate: AtomicU64,
    moved: AtomicU64,
    /// When the line is free again.
    free: Mutex<Time>,
}

impl Pace {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            rate: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            free: Mutex::new(Time::ZERO),
        }
    }

    /// Bytes moved so far.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Waits until so many bytes may pass.
    pub(crate) async fn pass(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        let now = self.clock.now();
        let at = self.reserve(now, bytes);
        if at > now {
            sleep_until(self.clock.instant(at)).await;
        }
    }

    /// When so many bytes may pass: after all that came before has had its time.
    fn reserve(&self, now: Time, bytes: u64) -> Time {
        let rate = self.rate.load(Ordering::Relaxed);
        let Some(micros) = bytes.saturating_mul(1_000_000).checked_div(rate) else {
            return now;
        };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.max(*free);
        *free = at + Duration::from_micros(micros);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_keeps_to_the_rate_and_idle_time_is_not_saved_up() {
        let paces = Paces::new(10, 0);
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert_eq!(paces.up.reserve(at(1), 20_000), at(1));
        assert_eq!(paces.up.reserve(at(1), 10_000), at(3));
        assert_eq!(paces.up.reserve(at(100), 10_000), at(100));
        assert_eq!(paces.up.reserve(at(100), 10_000), at(101));
        assert_eq!(paces.down.reserve(at(1), 1 << 40), at(1), "no limit");
        assert_eq!(paces.down.reserve(at(1), 1), at(1));
        paces.limit(1, 1);
        assert_eq!(paces.down.reserve(at(1), 1_000), at(1));
        assert_eq!(paces.down.reserve(at(1), 1_000), at(2));
    }
}
