//! First arrivals of comments at nodes that should have them. Hops are tracked
//! for the youngest documents only, which bounds memory.

use crate::metrics::{Histogram, Metrics};
use crate::snapshot::Index;
use crate::truth::Number;
use std::collections::BTreeMap;
use std::time::Duration;

/// Documents whose hops are tracked at once.
const YOUNG: usize = 2_048;
/// Hops of a node that was not reached yet.
const UNREACHED: u16 = u16::MAX;

#[derive(Debug)]
struct Young {
    hops: Vec<u16>,
    remaining: usize,
    last: u16,
}

/// Totals, and the documents on their way.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    young: BTreeMap<Number, Young>,
    delivered: u64,
    bytes: u64,
    delay_ms: Histogram,
    hops: Histogram,
    last_hop: Histogram,
}

impl Deliveries {
    /// A comment was published, and so many nodes are expected to get it soon.
    pub(crate) fn published(
        &mut self,
        number: Number,
        author: Index,
        nodes: usize,
        expected: usize,
    ) {
        if expected == 0 {
            return;
        }
        let mut hops = vec![UNREACHED; nodes];
        hops[author] = 0;
        self.young.insert(
            number,
            Young {
                hops,
                remaining: expected,
                last: 0,
            },
        );
        if self.young.len() > YOUNG {
            self.young.pop_first();
        }
    }

    /// A comment of `bytes` bytes came to a node that should have it.
    pub(crate) fn delivered(&mut self, bytes: usize) {
        self.delivered += 1;
        self.bytes += bytes as u64;
    }

    /// Deliveries so far.
    pub(crate) fn count(&self) -> u64 {
        self.delivered
    }

    /// Bytes of documents in them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A comment came to a node from another, expected or not.
    pub(crate) fn arrived(
        &mut self,
        number: Number,
        node: Index,
        from: Option<Index>,
    ) -> Option<u16> {
        let young = self.young.get_mut(&number)?;
        let before = from
            .map(|from| young.hops[from])
            .filter(|&hops| hops != UNREACHED)?;
        young.hops[node] = before.saturating_add(1);
        Some(young.hops[node])
    }

    /// An expected delivery came, `delay` after publication and over so many hops if known.
    pub(crate) fn fresh(&mut self, number: Number, delay: Duration, hops: Option<u16>) {
        self.delay_ms
            .add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        if let Some(hops) = hops {
            self.hops.add(hops.into());
        }
        self.fulfilled(number, hops.unwrap_or(0), true);
    }

    /// An expected delivery will not come soon: the node went down or lost interest.
    pub(crate) fn given_up(&mut self, number: Number) {
        self.fulfilled(number, 0, false);
    }

    fn fulfilled(&mut self, number: Number, hops: u16, reached: bool) {
        let Some(young) = self.young.get_mut(&number) else {
            return;
        };
        young.last = young.last.max(hops);
        young.remaining = young.remaining.saturating_sub(1);
        if young.remaining == 0 {
            if reached || young.last > 0 {
                self.last_hop.add(young.last.into());
            }
            self.young.remove(&number);
        }
    }

    /// Numbers of documents whose deliveries are awaited.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = Number> + '_ {
        self.young.keys().copied()
    }

    /// Puts the totals into the metrics of the run.
    pub(crate) fn report(&self, metrics: &mut Metrics) {
        metrics.delivered = self.delivered;
        metrics.delivered_bytes = self.bytes;
        metrics.delay_ms = self.delay_ms.clone();
        metrics.hops = self.hops.clone();
        metrics.last_hop = self.last_hop.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn hops_add_up_along_the_way_and_the_last_one_counts_once() {
        let mut deliveries = Deliveries::default();
        deliveries.published(7, 0, 4, 3);
        for (node, from, hops, delay) in [(1, 0, 1, 40), (2, 1, 2, 80), (3, 2, 3, 120)] {
            let found = deliveries.arrived(7, node, Some(from));
            assert_eq!(found, Some(hops));
            deliveries.delivered(100);
            deliveries.fresh(7, MS(delay), found);
        }
        let mut metrics = Metrics::default();
        deliveries.report(&mut metrics);
        assert_eq!((metrics.delivered, metrics.delivered_bytes), (3, 300));
        assert_eq!((metrics.hops.count(), metrics.hops.max()), (3, 3));
        assert_eq!((metrics.last_hop.count(), metrics.last_hop.max()), (1, 3));
        assert!((metrics.delay_ms.mean() - 80.0).abs() < 1e-9);
        assert_eq!(deliveries.awaited().count(), 0);
    }

    #[test]
    fn nodes_that_go_down_are_not_waited_for() {
        let mut deliveries = Deliveries::default();
        deliveries.published(7, 0, 3, 2);
        let hops = deliveries.arrived(7, 1, Some(0));
        deliveries.fresh(7, MS(10), hops);
        deliveries.given_up(7);
        let mut metrics = Metrics::default();
        deliveries.report(&mut metrics);
        assert_eq!((metrics.last_hop.count(), metrics.last_hop.max()), (1, 1));
    }

    #[test]
    fn the_number_of_tracked_documents_is_bounded() {
        let mut deliveries = Deliveries::default();
        (0..3 * YOUNG).for_each(|number| deliveries.published(number, 0, 2, 1));
        assert_eq!(deliveries.awaited().count(), YOUNG);
        assert_eq!(
            deliveries.arrived(0, 1, Some(0)),
            None,
            "the oldest went first"
        );
    }
}
