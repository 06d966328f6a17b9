//! Performs a core's effects, one after another, in their order.

use super::{Step, What, World};
use crate::host::Undo;
use crate::snapshot::Index;
use crate::truth::Number;
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::effect::{Notification, Record};
use cliqueclique_core::id::{DocumentId, NodeId, Tag};
use cliqueclique_core::{Admission, Effect, Input};
use std::collections::VecDeque;

impl World<'_> {
    /// Performs one effect; what answers it at once goes to `answers`.
    pub(super) fn perform(
        &mut self,
        node: Index,
        effect: Effect,
        from: Option<Index>,
        answers: &mut VecDeque<Input>,
    ) -> Step {
        match effect {
            Effect::Dial(channel, address) => self.dial(node, channel, &address),
            Effect::Send(channel, packet) => return self.send(node, channel, packet),
            Effect::Hangup(channel) => self.hang_up(node, channel),
            Effect::Admit(document) => answers.push_back(self.admit(node, &document, from)),
            Effect::Load(id) => answers.push_back(self.load(node, id)),
            Effect::Delete(id, tag) => self.delete(node, &id, tag),
            Effect::Save(record, bytes) => self.save(node, record, bytes),
            Effect::Thaw(tag) => answers.push_back(self.thaw(node, tag)),
            Effect::Recall(peer) => answers.push_back(self.recall(node, peer)),
            Effect::Notify(notification) => self.notify(node, notification),
            Effect::Report(peer, violation) => {
                self.accounts.violations += 1;
                let peer = peer.and_then(|peer| self.ids.get(&peer).copied());
                self.note(node, peer, What::Report(violation));
            }
        }
        Ok(())
    }

    fn admit(&mut self, node: Index, document: &Document, from: Option<Index>) -> Input {
        let id = document.id();
        if !document.is_signed(&*self.suite) {
            return Input::Admitted(id, Admission::Forged);
        }
        let number = self
            .truth
            .by_id(&id)
            .unwrap_or_else(|| self.publish(node, document));
        if self.truth.stored(number, node) {
            self.hosts[node].disk.note(self.now, Undo::Stored(number));
            self.accounts.burdens[node].stored += document.bytes().len() as u64;
            self.count_delivery(number, node, from);
        }
        Input::Admitted(id, Admission::Stored)
    }

    /// A document is seen for the first time: at its author.
    fn publish(&mut self, node: Index, document: &Document) -> Number {
        let author = self.ids.get(&document.author_id()).copied().unwrap_or(node);
        let hosts = &self.hosts;
        let number = self
            .truth
            .publish(document, author, |node| hosts[node].is_up());
        let expected = self.truth.expected(number);
        self.accounts
            .deliveries
            .published(number, author, self.truth.nodes(), expected);
        number
    }

    fn count_delivery(&mut self, number: Number, node: Index, from: Option<Index>) {
        let hops = self.accounts.deliveries.arrived(number, node, from);
        let entry = self.truth.entry(number);
        if node == entry.author || !self.truth.subscribes_above(number, node) {
            return;
        }
        let delay = self.now.since(entry.published);
        self.accounts
            .deliveries
            .delivered(entry.document.bytes().len());
        if self.truth.fulfil(number, node) {
            self.accounts.deliveries.fresh(number, delay, hops);
        }
    }

    fn load(&self, node: Index, id: DocumentId) -> Input {
        let held = self
            .truth
            .by_id(&id)
            .filter(|&number| self.truth.holds(number, node));
        Input::Loaded(
            id,
            held.map(|number| self.truth.entry(number).document.clone()),
        )
    }

    fn delete(&mut self, node: Index, id: &DocumentId, tag: Tag) {
        self.save(node, Record::Overlay(tag), None);
        let Some(number) = self.truth.by_id(id) else {
            return;
        };
        if self.truth.deleted(number, node) {
            self.hosts[node].disk.note(self.now, Undo::Deleted(number));
        }
    }

    fn save(&mut self, node: Index, record: Record, bytes: Option<Bytes>) {
        if let (Record::Overlay(tag), None) = (record, &bytes) {
            self.hosts[node].cold.remove(&tag);
        }
        self.hosts[node].disk.save(self.now, record, bytes);
    }

    fn thaw(&mut self, node: Index, tag: Tag) -> Input {
        let host = &mut self.hosts[node];
        host.cold.remove(&tag);
        Input::Thawed(tag, host.disk.overlays.get(&tag).cloned())
    }

    /// Records of cold overlays with this neighbour. A core that asks for its own
    /// id has just been restored: to it all overlays on disk are cold.
    fn recall(&mut self, node: Index, peer: NodeId) -> Input {
        let host = &mut self.hosts[node];
        let tags: Vec<Tag> = if peer == host.id {
            host.disk.overlays.keys().copied().collect()
        } else {
            let near = host
                .cold
                .values()
                .filter(|view| view.neighbors.iter().any(|n| n.node == peer));
            near.map(|view| view.tag).collect()
        };
        let record = |tag: Tag| Some((tag, host.disk.overlays.get(&tag)?.clone()));
        let records = tags.iter().filter_map(|&tag| record(tag)).collect();
        tags.iter().for_each(|tag| {
            host.cold.remove(tag);
        });
        Input::Recalled(peer, records)
    }

    fn notify(&mut self, node: Index, notification: Notification) {
        let tag = |id: &DocumentId| {
            self.truth
                .by_id(id)
                .map(|number| self.truth.entry(number).document.tag())
        };
        let what = match &notification {
            Notification::Arrived { document, .. } => tag(document).map(What::Arrived),
            Notification::Gone(document) => tag(document).map(What::Gone),
            Notification::Failed(_, error) => Some(What::Refused(*error)),
            Notification::Done(..) | Notification::JoinDelayed(_) | Notification::Stopped => None,
        };
        if let Some(what) = what {
            self.note(node, None, what);
        }
        self.notices.push_back((node, notification));
    }
}
