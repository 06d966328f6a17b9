//! Ordered collections that are kind to a processor's cache: keys lie side by side, apart
//! from the values. A node of a network of thousands is rarely in the cache when a packet
//! comes for it, so what a look-up costs is the number of lines of memory that it touches.
//!
//! They iterate in the order of their keys, as `BTreeMap` and `BTreeSet` do. Adding and
//! removing moves the keys behind the place: cheap up to some ten thousands of 8 bytes.

use crate::id::Tag;
use crate::link::LinkId;

/// Keys between the guessed place and the first one that is compared next.
const STRIDE: usize = 8;

/// A key of a [`Table`].
pub(crate) trait Key: Copy + Ord {
    /// The key as a number, in the same order.
    fn rank(self) -> u64;

    /// About where the key is among so many; any number is right, a close one is faster.
    fn guess(self, count: usize) -> usize;
}

impl Key for Tag {
    fn rank(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    /// Tags are hashes, and so evenly spread.
    #[allow(clippy::cast_possible_truncation, reason = "less than `count`")]
    fn guess(self, count: usize) -> usize {
        ((u128::from(self.rank()) * count as u128) >> 64) as usize
    }
}

impl Key for LinkId {
    fn rank(self) -> u64 {
        self.0.into()
    }

    fn guess(self, count: usize) -> usize {
        count / 2
    }
}

/// A map with large values. Bounded by whoever inserts.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Table<K, V> {
    keys: Vec<K>,
    values: Vec<Box<V>>,
}

impl<K: Key, V> Table<K, V> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// True if there are no entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// True if the key has a value.
    pub(crate) fn contains_key(&self, key: &K) -> bool {
        locate(&self.keys, *key).is_ok()
    }

    /// The key's value.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let at = locate(&self.keys, *key).ok()?;
        self.values.get(at).map(AsRef::as_ref)
    }

    /// The key's value, to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = locate(&self.keys, *key).ok()?;
        self.values.get_mut(at).map(AsMut::as_mut)
    }

    /// Sets the key's value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match locate(&self.keys, key) {
            Ok(at) => *self.values[at] = value,
            Err(at) => {
                self.keys.insert(at, key);
                self.values.insert(at, Box::new(value));
            }
        }
    }

    /// Takes the key's value out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = locate(&self.keys, *key).ok()?;
        self.keys.remove(at);
        Some(*self.values.remove(at))
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.iter()
    }

    /// All values, in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().map(AsRef::as_ref)
    }

    /// The same, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut().map(AsMut::as_mut)
    }

    /// All entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys().zip(self.values())
    }
}

/// Where a key is, or where it would be: from the guessed place in growing strides, then
/// by halves.
fn locate<K: Key>(keys: &[K], key: K) -> Result<usize, usize> {
    let (mut low, mut high, rank) = (0, keys.len(), key.rank());
    let (mut at, mut stride) = (key.guess(high), STRIDE);
    while low < at && at < high {
        if keys[at].rank() < rank {
            low = at + 1;
            at = low + stride;
        } else {
            high = at + 1;
            at = at.saturating_sub(stride);
        }
        stride *= 2;
    }
    let within = keys[low..high].binary_search_by_key(&rank, |key| key.rank());
    within.map(|at| low + at).map_err(|at| low + at)
}

/// What is to be done, in order, each thing once. Usually next to nothing, and then it
/// takes no memory to add it.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Agenda<T> {
    /// The first one last.
    items: Vec<T>,
}

impl<T: Copy + Ord> Agenda<T> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { items: Vec::new() }
    }

    fn locate(&self, item: &T) -> Result<usize, usize> {
        self.items.binary_search_by(|known| item.cmp(known))
    }

    /// Adds something, unless it is there.
    pub(crate) fn insert(&mut self, item: T) {
        if let Err(at) = self.locate(&item) {
            self.items.insert(at, item);
        }
    }

    /// Adds all.
    pub(crate) fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
        self.items.sort_unstable_by(|a, b| b.cmp(a));
        self.items.dedup();
    }

    /// Takes something out.
    pub(crate) fn remove(&mut self, item: &T) {
        if let Ok(at) = self.locate(item) {
            self.items.remove(at);
        }
    }

    /// Takes the first thing out.
    pub(crate) fn pop_first(&mut self) -> Option<T> {
        self.items.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Tags that are hashes, and some that lie close together.
    fn tags() -> impl Strategy<Value = Tag> {
        prop_oneof![any::<u64>(), 0..64_u64, (0..64_u64).prop_map(|n| !n)]
            .prop_map(|n| Tag(n.to_be_bytes()))
    }

    proptest! {
        #[test]
        fn a_table_does_what_a_map_does(steps in proptest::collection::vec((tags(), any::<bool>()), 0..400)) {
            let (mut table, mut map) = (Table::new(), BTreeMap::new());
            for (number, (tag, add)) in steps.iter().enumerate() {
                if *add {
                    table.insert(*tag, number);
                    map.insert(*tag, number);
                } else {
                    prop_assert_eq!(table.remove(tag), map.remove(tag));
                }
                prop_assert_eq!(table.get_mut(tag), map.get_mut(tag));
            }
            for (tag, _) in &steps {
                prop_assert_eq!(table.get(tag), map.get(tag));
                prop_assert_eq!(table.contains_key(tag), map.contains_key(tag));
            }
            prop_assert!(table.iter().eq(map.iter()));
            prop_assert!(table.keys().eq(map.keys()) && table.values().eq(map.values()));
            prop_assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
        }

        #[test]
        fn an_agenda_does_what_a_set_does(steps in proptest::collection::vec((0..32_u8, 0..4_u8), 0..200)) {
            let (mut agenda, mut set) = (Agenda::new(), BTreeSet::new());
            for (item, what) in steps {
                match what {
                    0 => prop_assert_eq!(agenda.pop_first(), set.pop_first()),
                    1 => {
                        agenda.remove(&item);
                        set.remove(&item);
                    }
                    2 => {
                        agenda.extend([item, item / 2]);
                        set.extend([item, item / 2]);
                    }
                    _ => {
                        agenda.insert(item);
                        set.insert(item);
                    }
                }
            }
            prop_assert!(agenda.items.iter().rev().eq(set.iter()));
        }
    }
}
