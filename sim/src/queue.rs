//! The event queue: events leave in order of (time, sequence of entry), so that
//! a run depends on nothing but its seed. Keys live in a binary heap and events
//! in a slab, so that sifting moves 16 bytes whatever an event's size.

use cliqueclique_core::time::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bits of a key for the slot of an event, and for its sequence.
const SLOT_BITS: u32 = 24;
const SEQUENCE_BITS: u32 = 40;
/// Upper bit of a sequence: events that do not come first of their time.
const LATER: u64 = 1 << (SEQUENCE_BITS - 1);
/// Most events that can wait at once.
const CAPACITY: usize = 1 << SLOT_BITS;

/// A queue of events of type `E`.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<u128>>,
    slots: Vec<Option<E>>,
    free: Vec<usize>,
    sequence: u64,
}

impl<E> Queue<E> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
        }
    }

    /// Adds an event at a time; after those that were added for that time before.
    ///
    /// # Panics
    /// If more than 2^24 events wait or 2^39 were ever added: no machine that
    /// this runs on has memory or time for as many.
    pub(crate) fn push(&mut self, time: Time, event: E) {
        self.insert(time, event, LATER);
    }

    /// Adds an event at a time; before those of [`Queue::push`] for that time, after those that
    /// were added in this way before.
    ///
    /// # Panics
    /// As [`Queue::push`].
    pub(crate) fn push_first(&mut self, time: Time, event: E) {
        self.insert(time, event, 0);
    }

    fn insert(&mut self, time: Time, event: E, class: u64) {
        let slot = self.store(event);
        self.sequence += 1;
        assert!(
            slot < CAPACITY && self.sequence < LATER,
            "event queue overflow"
        );
        self.heap
            .push(Reverse(key(time, class | self.sequence, slot)));
    }

    /// The next event and its time.
    pub(crate) fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(key) = self.heap.pop()?;
        let slot = slot_of(key);
        let event = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some((time_of(key), event))
    }

    /// Time of the next event.
    pub(crate) fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(key)| time_of(*key))
    }

    fn store(&mut self, event: E) -> usize {
        if let Some(slot) = self.free.pop() {
            self.slots[slot] = Some(event);
            return slot;
        }
        self.slots.push(Some(event));
        self.slots.len() - 1
    }
}

fn key(time: Time, sequence: u64, slot: usize) -> u128 {
    let low = sequence << SLOT_BITS | slot as u64;
    u128::from(time.0) << 64 | u128::from(low)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the upper half of the key is the time"
)]
fn time_of(key: u128) -> Time {
    Time((key >> 64) as u64)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the lowest bits of the key are the slot"
)]
fn slot_of(key: u128) -> usize {
    (key as usize) & (CAPACITY - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_leave_by_time_and_then_in_order_of_entry() {
        let mut queue = Queue::new();
        for (time, name) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b'), (5, 'e')] {
            queue.push(Time(time), name);
        }
        assert_eq!(queue.next_time(), Some(Time(1)));
        let mut order = String::new();
        while let Some((_, name)) = queue.pop() {
            order.push(name);
        }
        assert_eq!(order, "abcde");
        assert_eq!(queue.next_time(), None);
    }

    #[test]
    fn some_come_first_of_their_time() {
        let mut queue = Queue::new();
        queue.push(Time(5), 'c');
        queue.push_first(Time(5), 'a');
        queue.push(Time(4), '0');
        queue.push_first(Time(5), 'b');
        queue.push(Time(5), 'd');
        let order: String = std::iter::from_fn(|| queue.pop().map(|(_, name)| name)).collect();
        assert_eq!(order, "0abcd");
    }

    #[test]
    fn slots_are_used_again() {
        let mut queue = Queue::new();
        for round in 0..100_u64 {
            queue.push(Time(round), round);
            queue.push(Time(round + 1_000), round);
            assert_eq!(queue.pop(), Some((Time(round), round)));
        }
        assert!(queue.slots.len() <= 101);
        assert_eq!(queue.pop(), Some((Time(1_000), 0)));
    }

    #[test]
    fn the_latest_time_fits() {
        let mut queue = Queue::new();
        queue.push(Time(u64::MAX), 1);
        assert_eq!(queue.pop(), Some((Time(u64::MAX), 1)));
    }
}
