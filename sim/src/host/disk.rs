//! What is durable at a node besides documents (those are in [`crate::truth`],
//! which shares their bytes between all nodes), and an undo journal so that a
//! node can be restarted from an old backup.

use crate::truth::Number;
use bytes::Bytes;
use cliqueclique_core::effect::Record;
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::time::Time;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What takes one change back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undo {
    /// The document was stored: delete it.
    Stored(Number),
    /// The document was deleted: store it.
    Deleted(Number),
    /// The record had this value.
    Record(Record, Option<Bytes>),
}

/// One node's disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// The node's own record.
    pub(crate) node: Option<Bytes>,
    /// Records of peers.
    pub(crate) peers: BTreeMap<NodeId, Bytes>,
    /// Records of overlays.
    pub(crate) overlays: BTreeMap<Tag, Bytes>,
    journal: VecDeque<(Time, Undo)>,
    oldest_backup: Duration,
}

impl Disk {
    /// An empty disk whose changes of the last `oldest_backup` can be taken back.
    pub(crate) fn new(oldest_backup: Duration) -> Self {
        Self {
            oldest_backup,
            ..Self::default()
        }
    }

    /// Writes or deletes a record.
    pub(crate) fn save(&mut self, now: Time, record: Record, bytes: Option<Bytes>) {
        let before = self.put(record, bytes);
        self.note(now, Undo::Record(record, before));
    }

    /// Notes how to take a change back.
    pub(crate) fn note(&mut self, now: Time, undo: Undo) {
        if self.oldest_backup.is_zero() {
            return;
        }
        while self
            .journal
            .front()
            .is_some_and(|&(time, _)| time + self.oldest_backup < now)
        {
            self.journal.pop_front();
        }
        self.journal.push_back((now, undo));
    }

    /// Takes the records back to what they were at `time`; returns the changes of
    /// documents to take back, newest first.
    pub(crate) fn roll_back(&mut self, time: Time) -> Vec<Undo> {
        let mut documents = Vec::new();
        while self.journal.back().is_some_and(|&(at, _)| at > time) {
            let Some((_, undo)) = self.journal.pop_back() else {
                break;
            };
            match undo {
                Undo::Record(record, before) => {
                    self.put(record, before);
                }
                Undo::Stored(_) | Undo::Deleted(_) => documents.push(undo),
            }
        }
        documents
    }

    /// Loses everything.
    pub(crate) fn wipe(&mut self) {
        self.node = None;
        self.peers.clear();
        self.overlays.clear();
        self.journal.clear();
    }

    fn put(&mut self, record: Record, bytes: Option<Bytes>) -> Option<Bytes> {
        match (record, bytes) {
            (Record::Node, bytes) => std::mem::replace(&mut self.node, bytes),
            (Record::Peer(peer), Some(bytes)) => self.peers.insert(peer, bytes),
            (Record::Peer(peer), None) => self.peers.remove(&peer),
            (Record::Overlay(tag), Some(bytes)) => self.overlays.insert(tag, bytes),
            (Record::Overlay(tag), None) => self.overlays.remove(&tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const B: fn(&'static [u8]) -> Option<Bytes> = |bytes| Some(Bytes::from_static(bytes));

    #[test]
    fn a_backup_is_what_was_there_then() {
        let mut disk = Disk::new(Duration::from_secs(100));
        let overlay = Record::Overlay(Tag([1; 8]));
        disk.save(Time(1_000_000), Record::Node, B(b"a"));
        disk.save(Time(2_000_000), overlay, B(b"x"));
        disk.note(Time(3_000_000), Undo::Stored(7));
        disk.save(Time(4_000_000), Record::Node, B(b"b"));
        disk.save(Time(5_000_000), overlay, None);
        assert_eq!(disk.roll_back(Time(2_500_000)), [Undo::Stored(7)]);
        assert_eq!(disk.node, B(b"a"));
        assert_eq!(disk.overlays.len(), 1);
        assert_eq!(disk.roll_back(Time(0)), []);
        assert_eq!((disk.node.clone(), disk.overlays.len()), (None, 0));
    }

    #[test]
    fn the_journal_is_no_longer_than_the_oldest_backup() {
        let mut disk = Disk::new(Duration::from_secs(1));
        (0..100).for_each(|second| disk.save(Time(second * 1_000_000), Record::Node, B(b"a")));
        assert_eq!(disk.journal.len(), 2);
        let mut without = Disk::new(Duration::ZERO);
        without.save(Time(1), Record::Node, B(b"a"));
        assert!(without.journal.is_empty());
    }
}
