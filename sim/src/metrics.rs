//! Figures of a run: costs by kind, deliveries, and their summary.

use serde::Serialize;
use std::collections::BTreeMap;

/// Kinds of bytes, each sent packet's length split by what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CostKind {
    /// Bytes of documents in pushes.
    Document,
    /// Push headers and fragment headers.
    Push,
    /// Frame numbers, acknowledgements, credit, length prefix of the transport (2 bytes a packet).
    Frame,
    /// Keep-alives.
    KeepAlive,
    /// State, Open, Close.
    State,
    /// Digests, reconciliation, Want, Lack.
    Set,
    /// Introductions and seeking.
    Introduction,
    /// Handshakes.
    Handshake,
    /// All bytes of packets sent again.
    Retransmission,
}

/// Totals of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Messages (for `Frame`: packets).
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

/// One row of `metrics.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Simulated seconds.
    pub time: f64,
    /// Live nodes.
    pub alive: usize,
    /// Links, each counted once.
    pub links: usize,
    /// Documents published so far.
    pub documents: usize,
    /// (node, document) pairs in networks.
    pub memberships: usize,
    /// Comments delivered to subscribers so far.
    pub delivered: u64,
    /// Bytes of documents in those deliveries.
    pub delivered_bytes: u64,
    /// Bytes sent so far by kind.
    pub bytes: BTreeMap<CostKind, u64>,
    /// Events so far.
    pub events: u64,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Metrics {
    /// Totals by kind.
    pub costs: BTreeMap<CostKind, Cost>,
    /// Time series.
    pub samples: Vec<Sample>,
    /// First deliveries of a comment to a node that should have it (the author's own excepted).
    pub delivered: u64,
    /// Bytes of documents in those deliveries.
    pub delivered_bytes: u64,
    /// Bodies received in all.
    pub bodies: u64,
    /// Delay of fresh deliveries, milliseconds: histogram by power-of-two eighths (see `Histogram`).
    pub delay_ms: Histogram,
    /// Hops of fresh deliveries.
    pub hops: Histogram,
    /// Per fresh comment delivered to everybody: hops of the last delivery.
    pub last_hop: Histogram,
    /// How much later than in the trace messages were posted, since their author
    /// was away or did not hold their parent yet, milliseconds.
    pub post_delay_ms: Histogram,
    /// Degree per (node, document) at the end.
    pub degree: Histogram,
    /// Distance from the overlay root per (node, document) at the end.
    pub distance: Histogram,
    /// Links per node at the end.
    pub links: Histogram,
    /// Events handled.
    pub events: u64,
    /// Messages caused by each fault, per document shared by the hit node.
    pub fault_messages: Vec<FaultCost>,
    /// Violations counted by nodes.
    pub violations: u64,
    /// What hostile nodes did against the protocol.
    pub hostile_acts: u64,
    /// What each honest node had to do.
    pub honest: Vec<Burden>,
    /// Share of the (honest node, document) pairs cut off by hostile nodes at the end.
    pub cut_off: Option<f64>,
    /// Longest life of a circle of upstreams, milliseconds.
    pub longest_circle_ms: u64,
    /// Time from the end of faults until every *eventually* property held, milliseconds.
    pub settled_ms: Option<u64>,
}

/// What one node had to do, from the start to the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Burden {
    /// Bytes that it sent.
    pub sent: u64,
    /// Inputs that its core handled.
    pub inputs: u64,
    /// Bytes of documents that it stored, those deleted again included.
    pub stored: u64,
}

/// What one fault cost, until the network was quiet again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FaultCost {
    /// Simulated seconds.
    pub time: f64,
    /// Kind of fault, as in the scenario.
    pub kind: String,
    /// Nodes hit.
    pub nodes: usize,
    /// (node, document) pairs of the hit nodes.
    pub memberships: usize,
    /// Control messages (State, Open, Close, Introduction, Set) sent until the first sample after
    /// [`crate::scenario::Scenario::aftermath`].
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Counts by value, exact below 64 and in eighths of powers of two above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    counts: BTreeMap<u64, u64>,
    total: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    /// Counts one value.
    pub fn add(&mut self, value: u64) {
        *self.counts.entry(bucket(value)).or_default() += 1;
        self.total += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Arithmetic mean; zero if empty.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn mean(&self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            self.sum as f64 / self.total as f64
        }
    }

    /// Largest value.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Lower edge of the bucket in which the `q` quantile (0 to 1) lies; zero if empty.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "q is between 0 and 1, so the rank is within the total"
    )]
    pub fn quantile(&self, q: f64) -> u64 {
        let rank = ((self.total as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (&value, &count) in &self.counts {
            seen += count;
            if seen >= rank {
                return value;
            }
        }
        0
    }

    /// (lower edge of bucket, count), ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().map(|(&value, &count)| (value, count))
    }
}

fn bucket(value: u64) -> u64 {
    if value < 64 {
        return value;
    }
    let shift = value.ilog2() - 3;
    (value >> shift) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_agrees_with_hand_computed_figures() {
        let mut histogram = Histogram::default();
        for value in [1, 2, 2, 3, 100, 1000] {
            histogram.add(value);
        }
        assert_eq!(histogram.count(), 6);
        assert!((histogram.mean() - 1108.0 / 6.0).abs() < 1e-9);
        assert_eq!(histogram.max(), 1000);
        assert_eq!(histogram.quantile(0.0), 1);
        assert_eq!(histogram.quantile(0.5), 2);
        assert_eq!(histogram.quantile(0.6), 3);
        assert_eq!(
            histogram.quantile(0.75),
            96,
            "100 lies in the bucket from 96 to 103"
        );
        assert_eq!(
            histogram.quantile(1.0),
            960,
            "1000 lies in the bucket from 960 to 1023"
        );
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }
}
