//! One of the two: a core, its disk, and what the disk has still to answer.

use super::{Pair, settings};
use crate::stage::peer::{identity, node, peers};
use crate::stage::{SUITE, WALL};
use bytes::Bytes;
use cliqueclique_core::crypto::Suite;
use cliqueclique_core::effect::Record;
use cliqueclique_core::{
    Admission, ChannelId, Core, Document, DocumentId, Effect, Input, Tag, Time, Violation, WallTime,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Host {
    name: u8,
    pub(super) core: Core,
    pub(super) disk: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, Bytes>,
    /// Answers to the core's questions, oldest first.
    answers: VecDeque<Input>,
    pub(super) open: BTreeSet<ChannelId>,
    lives: u8,
    /// When it was started last.
    started: Time,
}

impl Host {
    pub(super) fn new(name: u8) -> Self {
        Self {
            name,
            core: node(name, settings()),
            disk: BTreeMap::new(),
            records: BTreeMap::new(),
            answers: VecDeque::new(),
            open: BTreeSet::new(),
            lives: 1,
            started: Time::ZERO,
        }
    }

    /// Time since this core was started.
    pub(super) fn own_time(&self, now: Time) -> Time {
        Time(now.0 - self.started.0)
    }

    /// When the core must be called at the latest.
    pub(super) fn due(&self) -> Option<Time> {
        let own = self.core.next_deadline()?;
        Some(self.started + Duration::from_micros(own.0))
    }

    pub(super) fn tag(&self, document: &DocumentId) -> Tag {
        SUITE.tag(document)
    }

    /// A crash, and a start from the disk; with `amnesia` the records are gone.
    pub(super) fn restart(&mut self, now: Time, amnesia: bool) {
        self.answers.clear();
        self.open.clear();
        if amnesia {
            self.records.clear();
            self.disk.clear();
        }
        self.lives = self.lives.wrapping_add(1);
        self.started = now;
        let mut seed = [self.name; 32];
        seed[0] = self.lives;
        let wall = WallTime(WALL.0 + now.0 / 1_000_000);
        let record = self.records.get(&Record::Node).map(|bytes| bytes.as_ref());
        let (who, suite) = (identity(self.name), Arc::new(SUITE));
        let peers = peers(&self.records);
        self.core = Core::restore(settings(), who, seed, suite, wall, record, peers)
            .expect("the record is whole");
    }

    /// Nothing waits to be answered.
    pub(super) fn idle(&self) -> bool {
        self.answers.is_empty()
    }

    fn cold(&self) -> Vec<(Tag, Bytes)> {
        let hot: BTreeSet<Tag> = self.core.overlays().collect();
        let records = self.records.iter();
        let cold = records.filter_map(|(record, bytes)| match record {
            Record::Overlay(tag) if !hot.contains(tag) => Some((*tag, bytes.clone())),
            Record::Overlay(_) | Record::Node | Record::Peer(_) => None,
        });
        cold.collect()
    }
}

impl Pair {
    /// The oldest answer of a disk comes; false if there is none.
    pub(super) fn answer(&mut self, at: usize) -> bool {
        let answer = self.hosts[at].answers.pop_front();
        answer.is_some_and(|answer| {
            self.give(at, answer);
            true
        })
    }

    pub(super) fn perform(&mut self, at: usize, effect: Effect) {
        let host = &mut self.hosts[at];
        match effect {
            Effect::Dial(channel, address) => self.dial(at, channel, &address),
            Effect::Send(channel, packet) => {
                assert!(
                    host.open.contains(&channel),
                    "sent on a channel that is gone"
                );
                self.wire.send((at, channel), packet);
            }
            Effect::Hangup(channel) => {
                self.deeds.parted = true;
                host.open.remove(&channel);
                self.wire.hang_up((at, channel));
            }
            Effect::Admit(document) => {
                let id = document.id();
                let outcome = if document.is_signed(&SUITE) {
                    host.disk.insert(id, document.clone());
                    self.publish_done(&document);
                    Admission::Stored
                } else {
                    Admission::Forged
                };
                self.hosts[at]
                    .answers
                    .push_back(Input::Admitted(id, outcome));
            }
            Effect::Load(id) => {
                let document = host.disk.get(&id).cloned();
                host.answers.push_back(Input::Loaded(id, document));
            }
            Effect::Delete(id, tag) => {
                host.disk.remove(&id);
                host.records.remove(&Record::Overlay(tag));
            }
            Effect::Save(record, Some(bytes)) => {
                host.records.insert(record, bytes);
            }
            Effect::Save(record, None) => {
                host.records.remove(&record);
            }
            Effect::Thaw(tag) => {
                let record = host.records.get(&Record::Overlay(tag)).cloned();
                host.answers.push_back(Input::Thawed(tag, record));
            }
            Effect::Recall(node) => {
                let cold = host.cold();
                host.answers.push_back(Input::Recalled(node, cold));
            }
            Effect::Notify(_) => {}
            // A peer may come for a document that is not held here any more.
            Effect::Report(_, Violation::Uninvited | Violation::BadTicket) => {}
            Effect::Report(node, violation) => assert!(
                self.deeds.lies || self.deeds.amnesia,
                "{at} blames {node:?} for {violation:?}"
            ),
        }
    }
}
