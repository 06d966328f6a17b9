//! Draws in the words of a scenario: choices, chances, whole numbers and times.

use crate::random::{Purpose, fork};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The stream of one aspect of a drawn scenario. Each aspect has its own, so that drawing more
/// of one never changes another.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

/// What a stream decides.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aspect {
    Plan,
    Network,
    Workload,
    Protocol,
    Faults,
    Adversaries,
}

impl Dice {
    pub(super) fn new(seed: u64, aspect: Aspect) -> Self {
        Self(fork(seed, Purpose::Swarm, aspect as u64))
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability)
    }

    /// One of them.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.random_range(0..of.len())]
    }

    /// A whole number, both ends included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high.max(low))
    }

    /// A time in milliseconds, both ends included, as scenarios write it. Short ones are as likely
    /// as long ones: uniform in the logarithm.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the bounds, which are times of a scenario"
    )]
    pub(super) fn time(&mut self, low: u64, high: u64) -> String {
        let (from, to) = ((low.max(1) as f64).ln(), (high.max(1) as f64).ln());
        let drawn = (from + (to - from) * self.0.random::<f64>()).exp();
        format!("\"{}ms\"", (drawn.round() as u64).clamp(low, high))
    }

    /// A time in milliseconds, uniform.
    pub(super) fn moment(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A share in whole percent, both ends included.
    pub(super) fn percent(&mut self, low: usize, high: usize) -> String {
        format!("\"{}%\"", self.between(low, high))
    }
}
