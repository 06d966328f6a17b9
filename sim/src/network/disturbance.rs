//! What is wrong with the network just now: partitions and degraded links.
//! Costs nothing while nothing is wrong.

use crate::snapshot::Index;
use std::collections::BTreeSet;

/// Handle of one disturbance, to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle(u64);

#[derive(Debug)]
enum Kind {
    Cut { one_way: bool },
    Lossy(f64),
}

#[derive(Debug)]
struct Entry {
    handle: Handle,
    hit: BTreeSet<Index>,
    kind: Kind,
}

/// All disturbances in force.
#[derive(Debug)]
pub(crate) struct Disturbance {
    entries: Vec<Entry>,
    /// Per node: bit `i` is set if the node is in the i-th partition in force.
    sides: Vec<u64>,
    /// Bits of `sides` that stand for one-way partitions, and for others.
    one_way: u64,
    both_ways: u64,
    /// Loss per node.
    loss: Vec<f64>,
    lossy: bool,
    made: u64,
}

impl Disturbance {
    /// None, for so many nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            entries: Vec::new(),
            sides: vec![0; nodes],
            one_way: 0,
            both_ways: 0,
            loss: vec![0.0; nodes],
            lossy: false,
            made: 0,
        }
    }

    /// Cuts the hit nodes off from the others, or (one way) only what they send.
    /// At most 64 partitions are in force at once; the oldest ends for a 65th.
    pub(crate) fn partition(&mut self, hit: BTreeSet<Index>, one_way: bool) -> Handle {
        self.add(hit, Kind::Cut { one_way })
    }

    /// Raises the loss on all links of the hit nodes.
    pub(crate) fn degrade(&mut self, hit: BTreeSet<Index>, loss: f64) -> Handle {
        self.add(hit, Kind::Lossy(loss))
    }

    /// Ends one disturbance.
    pub(crate) fn end(&mut self, handle: Handle) {
        self.entries.retain(|entry| entry.handle != handle);
        self.rebuild();
    }

    /// Ends all.
    pub(crate) fn end_all(&mut self) {
        self.entries.clear();
        self.rebuild();
    }

    /// True if any is in force.
    pub(crate) fn any(&self) -> bool {
        !self.entries.is_empty()
    }

    /// True if nothing passes from one node to another.
    pub(crate) fn cut(&self, from: Index, to: Index) -> bool {
        if self.one_way | self.both_ways == 0 {
            return false;
        }
        let (from, to) = (self.sides[from], self.sides[to]);
        (from ^ to) & self.both_ways != 0 || from & !to & self.one_way != 0
    }

    /// Probability of loss on a link, from degradation alone.
    pub(crate) fn loss(&self, from: Index, to: Index) -> f64 {
        if self.lossy {
            self.loss[from].max(self.loss[to])
        } else {
            0.0
        }
    }

    fn add(&mut self, hit: BTreeSet<Index>, kind: Kind) -> Handle {
        self.made += 1;
        let handle = Handle(self.made);
        if self.entries.len() == 64 {
            self.entries.remove(0);
        }
        self.entries.push(Entry { handle, hit, kind });
        self.rebuild();
        handle
    }

    fn rebuild(&mut self) {
        self.sides.fill(0);
        self.loss.fill(0.0);
        (self.one_way, self.both_ways, self.lossy) = (0, 0, false);
        for (at, entry) in self.entries.iter().enumerate() {
            let bit = 1_u64 << at;
            match entry.kind {
                Kind::Cut { one_way: true } => self.one_way |= bit,
                Kind::Cut { one_way: false } => self.both_ways |= bit,
                Kind::Lossy(_) => self.lossy = true,
            }
            for &node in &entry.hit {
                match entry.kind {
                    Kind::Cut { .. } => self.sides[node] |= bit,
                    Kind::Lossy(loss) => self.loss[node] = self.loss[node].max(loss),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_cut_both_ways_or_one_and_end() {
        let mut disturbance = Disturbance::new(4);
        let both = disturbance.partition(BTreeSet::from([0, 1]), false);
        assert!(disturbance.cut(0, 2) && disturbance.cut(2, 0));
        assert!(!disturbance.cut(0, 1) && !disturbance.cut(2, 3));
        let mute = disturbance.partition(BTreeSet::from([3]), true);
        assert!(disturbance.cut(3, 2) && !disturbance.cut(2, 3));
        disturbance.end(both);
        assert!(!disturbance.cut(0, 2));
        assert!(disturbance.cut(3, 2));
        disturbance.end(mute);
        assert!(!disturbance.any());
    }

    #[test]
    fn degraded_links_have_the_worse_loss_of_their_ends() {
        let mut disturbance = Disturbance::new(3);
        disturbance.degrade(BTreeSet::from([0]), 0.2);
        disturbance.degrade(BTreeSet::from([0, 1]), 0.1);
        assert!((disturbance.loss(1, 0) - 0.2).abs() < 1e-9);
        assert!((disturbance.loss(1, 2) - 0.1).abs() < 1e-9);
        assert!(disturbance.loss(2, 2) < 1e-9);
        disturbance.end_all();
        assert!(disturbance.loss(1, 0) < 1e-9);
    }
}
