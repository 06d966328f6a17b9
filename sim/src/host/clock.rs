//! A node's clock: counts from its start, and may run too fast or too slow.

use cliqueclique_core::time::{Time, WallTime};

/// Wall time at the start of a simulation: an instant in 2025.
const EPOCH: u64 = 1_750_000_000;
const BILLION: u128 = 1_000_000_000;

/// Maps true time to the node's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    start: Time,
    /// Own nanoseconds per true second.
    rate: u64,
}

impl Clock {
    /// A clock that counts from `start`, and is wrong by so many parts per million.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a clock may be wrong by"
    )]
    pub(crate) fn new(start: Time, drift_ppm: f64) -> Self {
        let rate = 1e9 + drift_ppm.clamp(-500_000.0, 500_000.0) * 1e3;
        Self {
            start,
            rate: rate as u64,
        }
    }

    /// The same clock, counting from a new start.
    pub(crate) fn restarted(self, start: Time) -> Self {
        Self { start, ..self }
    }

    /// True if it is wrong.
    pub(crate) fn drifts(self) -> bool {
        u128::from(self.rate) != BILLION
    }

    /// Own time at a true time.
    pub(crate) fn own_time(self, now: Time) -> Time {
        let elapsed = now.0.saturating_sub(self.start.0);
        if !self.drifts() {
            return Time(elapsed);
        }
        let own = u128::from(elapsed) * u128::from(self.rate) / BILLION;
        Time(u64::try_from(own).unwrap_or(u64::MAX))
    }

    /// First true time at which the own time is at least `own`.
    pub(crate) fn true_time(self, own: Time) -> Time {
        let elapsed = if self.drifts() {
            let elapsed = (u128::from(own.0) * BILLION).div_ceil(u128::from(self.rate));
            u64::try_from(elapsed).unwrap_or(u64::MAX)
        } else {
            own.0
        };
        Time(self.start.0.saturating_add(elapsed))
    }
}

/// True wall time.
pub(crate) fn wall(now: Time) -> WallTime {
    WallTime(EPOCH + now.0 / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_maps_to_the_first_true_time_that_reaches_it() {
        for drift in [0.0, 37.5, -200.0, 100_000.0] {
            let clock = Clock::new(Time(1_000), drift);
            for own in [0, 1, 999, 1_000_003, 86_400_000_000_u64] {
                let at = clock.true_time(Time(own));
                assert!(clock.own_time(at) >= Time(own), "{drift} {own}");
                assert!(
                    at.0 == 1_000 || clock.own_time(Time(at.0 - 1)) < Time(own),
                    "{drift} {own}"
                );
            }
        }
    }

    #[test]
    fn a_fast_clock_is_ahead() {
        let clock = Clock::new(Time::ZERO, 100.0);
        assert_eq!(clock.own_time(Time(1_000_000_000)), Time(1_000_100_000));
        assert_eq!(clock.restarted(Time(10)).own_time(Time(10)), Time::ZERO);
    }
}
