//! The latency of a directed pair of nodes: a pure function of seed and pair, so
//! that nothing needs to be stored for pairs that never meet.

use crate::random::{mix, normal, unit, whole};
use crate::scenario::Latency;
use crate::snapshot::Index;
use cliqueclique_core::time::micros;

/// Longest latency that a heavy-tailed distribution may give, microseconds.
const LONGEST: usize = 60_000_000;

/// One-way latency, microseconds.
pub(crate) fn draw(latency: Latency, seed: u64, from: Index, to: Index) -> u64 {
    let hash = mix(mix(mix(seed) ^ from as u64) ^ to as u64);
    match latency {
        Latency::Constant(value) => micros(value),
        Latency::Uniform(low, high) => {
            let span = high.saturating_sub(low);
            micros(low + span.mul_f64(unit(hash)))
        }
        Latency::Lognormal(median, sigma) => {
            let factor = (sigma * normal(unit(hash), unit(mix(hash)))).exp();
            whole(median.as_secs_f64() * 1e6 * factor, 1, LONGEST) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_pair_always_has_the_same_latency_and_pairs_differ() {
        let latency = Latency::Lognormal(MS(80), 0.5);
        assert_eq!(draw(latency, 1, 2, 3), draw(latency, 1, 2, 3));
        assert_ne!(draw(latency, 1, 2, 3), draw(latency, 1, 3, 2));
        assert_ne!(draw(latency, 1, 2, 3), draw(latency, 2, 2, 3));
    }

    #[test]
    fn latencies_follow_their_distribution() {
        let all = |latency| {
            let mut all: Vec<u64> = (0..10_000)
                .map(|i| draw(latency, 9, i % 100, i / 100))
                .collect();
            all.sort_unstable();
            all
        };
        let uniform = all(Latency::Uniform(MS(10), MS(30)));
        assert!(uniform[0] >= 10_000 && uniform[9_999] <= 30_000);
        assert!(
            (19_500..20_500).contains(&uniform[5_000]),
            "median {}",
            uniform[5_000]
        );
        let lognormal = all(Latency::Lognormal(MS(80), 0.5));
        assert!(
            (76_000..84_000).contains(&lognormal[5_000]),
            "median {}",
            lognormal[5_000]
        );
        let upper = lognormal[8_413];
        assert!(
            (122_000..142_000).contains(&upper),
            "one sigma above the median: {upper}"
        );
    }
}
