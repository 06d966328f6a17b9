//! All randomness of a run: streams forked from the seed by purpose, and draws
//! from the distributions that the model needs. Drawing more in one stream
//! never shifts another.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Loss, jitter and the like of single packets.
    Packets,
    /// A node's key.
    Key,
    /// The seed of a node's core, one stream per start.
    Core,
    /// A node's settings and clock.
    Node,
    /// What users do.
    Workload,
    /// A generated newsgroup.
    Trace,
    /// Whom faults hit.
    Faults,
    /// What hostile nodes do, one stream per node; the last index draws who they are.
    Adversary,
    /// Cases of a swarm.
    Swarm = 32,
}

/// The stream for one purpose and index.
pub(crate) fn fork(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(seed_bytes(seed, purpose, index))
}

/// 32 bytes that name (seed, purpose, index).
pub(crate) fn seed_bytes(seed: u64, purpose: Purpose, index: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = purpose as u8;
    bytes[16..24].copy_from_slice(&index.to_le_bytes());
    bytes
}

/// Good mixture of 64 bits (the finaliser of splitmix64, Steele et al. 2014).
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in (0, 1) from the upper bits of a hash.
#[allow(clippy::cast_precision_loss, reason = "53 bits fit a double")]
pub(crate) fn unit(hash: u64) -> f64 {
    ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Standard normal deviate from two numbers in (0, 1) (Box and Muller 1958).
pub(crate) fn normal(a: f64, b: f64) -> f64 {
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Lognormal deviate with this median and sigma of the logarithm.
pub(crate) fn lognormal(rng: &mut ChaCha8Rng, median: f64, sigma: f64) -> f64 {
    let (a, b) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    median * (sigma * normal(a, b)).exp()
}

/// Exponential deviate with this mean.
pub(crate) fn exponential(rng: &mut ChaCha8Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.random::<f64>()).ln()
}

/// Uniform duration from zero to `most`.
pub(crate) fn up_to(rng: &mut ChaCha8Rng, most: Duration) -> Duration {
    if most.is_zero() {
        most
    } else {
        most.mul_f64(rng.random::<f64>())
    }
}

/// A number rounded to a whole one within `[low, high]`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to the bounds first"
)]
pub(crate) fn whole(value: f64, low: usize, high: usize) -> usize {
    (value.round().max(low as f64) as usize).clamp(low, high)
}

/// Index drawn with the given cumulative weights (ascending, last one is the total).
pub(crate) fn weighted(rng: &mut ChaCha8Rng, cumulative: &[f64]) -> usize {
    let total = cumulative.last().copied().unwrap_or(0.0);
    let at = rng.random::<f64>() * total;
    cumulative
        .partition_point(|&edge| edge <= at)
        .min(cumulative.len().saturating_sub(1))
}

/// Cumulative weights of a Zipf law over `count` ranks.
#[allow(clippy::cast_precision_loss, reason = "ranks are far below 2^53")]
pub(crate) fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    let mut total = 0.0;
    let weight = |rank: usize| (rank as f64).powf(-exponent);
    (1..=count)
        .map(|rank| {
            total += weight(rank);
            total
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_purpose_and_index_only() {
        let first = |purpose, index| fork(7, purpose, index).random::<u64>();
        assert_eq!(first(Purpose::Core, 1), first(Purpose::Core, 1));
        assert_ne!(first(Purpose::Core, 1), first(Purpose::Core, 2));
        assert_ne!(first(Purpose::Core, 1), first(Purpose::Key, 1));
    }

    #[test]
    fn lognormal_has_its_median_and_exponential_its_mean() {
        let mut rng = fork(1, Purpose::Trace, 0);
        let mut values: Vec<f64> = (0..10_001)
            .map(|_| lognormal(&mut rng, 100.0, 0.8))
            .collect();
        values.sort_by(f64::total_cmp);
        assert!(
            (values[5_000] - 100.0).abs() < 5.0,
            "median {}",
            values[5_000]
        );
        let mean = (0..10_000).map(|_| exponential(&mut rng, 3.0)).sum::<f64>() / 1e4;
        assert!((mean - 3.0).abs() < 0.15, "mean {mean}");
    }

    #[test]
    fn weights_decide_how_often_an_index_is_drawn() {
        let mut rng = fork(1, Purpose::Trace, 1);
        let hits = (0..10_000)
            .filter(|_| weighted(&mut rng, &[1.0, 4.0]) == 0)
            .count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert_eq!(zipf(3, 1.0).last().map(|t| (t * 6.0).round()), Some(11.0));
    }
}
