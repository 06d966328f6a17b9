//! *contact*: two nodes make contact only because a user entered an address and
//! a document, because a third node that knows both and holds the document
//! introduced them for it, or because they had legitimate contact before.
//!
//! The checker keeps its own record of what was said: joins by node,
//! introductions by pair, and pairs in contact. An introduction of a pair that
//! is already in contact adds nothing and is not kept.

use super::{Knowledge, Violated};
use crate::snapshot::Index;
use cliqueclique_core::id::{Address, DocumentId, Tag};
use cliqueclique_core::message::{AdmissionKind, Hello, Introduction, Message};
use cliqueclique_core::time::Time;
use cliqueclique_core::{Command, Packet};
use std::collections::{BTreeMap, BTreeSet};

/// A pair of nodes, the lower index first.
type Pair = (Index, Index);

/// What allows contact, as seen so far.
#[derive(Debug, Default)]
pub(super) struct Contact {
    joins: BTreeMap<Index, Vec<(DocumentId, Address)>>,
    /// Documents for which a pair that is not in contact was introduced.
    introduced: BTreeMap<Pair, Vec<Tag>>,
    met: BTreeSet<Pair>,
}

impl Contact {
    /// Records where a user sent a node.
    pub(super) fn command(&mut self, node: Index, command: &Command) {
        if let Command::Join {
            document,
            address,
            mode: _,
        } = command
        {
            let joins = self.joins.entry(node).or_default();
            if !joins
                .iter()
                .any(|join| join.0 == *document && join.1 == *address)
            {
                joins.push((*document, address.clone()));
            }
        }
    }

    /// Checks the first packet of a handshake, and records introductions.
    pub(super) fn packet(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        packet: &Packet,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        match packet {
            Packet::Hello(hello) => self.hello(time, from, to, hello, truth),
            Packet::Frame(frame) => frame.messages.iter().try_for_each(|message| {
                if let Message::Introduce(tag, introduction) = message {
                    return self.introduce(time, from, to, *tag, introduction, truth);
                }
                Ok(())
            }),
            Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => Ok(()),
        }
    }

    fn hello(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        hello: &Hello,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        let (pair, tag) = (pair(from, to), hello.admission.tag);
        if self.met.contains(&pair) {
            return Ok(());
        }
        if self.sent(from, to, tag, truth)
            || self
                .introduced
                .get(&pair)
                .is_some_and(|tags| tags.contains(&tag))
        {
            self.met.insert(pair);
            self.introduced.remove(&pair);
            return Ok(());
        }
        let claim = match &hello.admission.kind {
            AdmissionKind::Bootstrap => "that its user sent it",
            AdmissionKind::Introduced(_) => "to be introduced",
            AdmissionKind::Reunion => "to know it",
        };
        let detail = format!(
            "node {from} called node {to}, claiming {claim}, but no user named its address for this document, \
             nobody introduced them for it, and they never met"
        );
        Err(Violated {
            property: "contact",
            time,
            document: Some(tag),
            nodes: vec![from, to],
            detail,
        })
    }

    /// True if a user sent `from` to the address of `to` for this document.
    fn sent(&self, from: Index, to: Index, tag: Tag, truth: &dyn Knowledge) -> bool {
        self.joins.get(&from).is_some_and(|joins| {
            joins.iter().any(|(document, address)| {
                truth.tag_of(document).is_none_or(|found| found == tag)
                    && truth.node_at(address).is_none_or(|found| found == to)
            })
        })
    }

    fn introduce(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        tag: Tag,
        introduction: &Introduction,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        let Some(peer) = truth.index_of(introduction.peer) else {
            return Ok(());
        };
        let new = pair(to, peer);
        if to == peer || self.met.contains(&new) {
            return Ok(());
        }
        if !self.met.contains(&pair(from, peer)) || !truth.shares(from, tag) {
            let detail = format!(
                "only a node that knows both and shares the document may introduce them, but node {from} \
                 introduced node {to} to node {peer}"
            );
            return Err(Violated {
                property: "contact",
                time,
                document: Some(tag),
                nodes: vec![from, to, peer],
                detail,
            });
        }
        let tags = self.introduced.entry(new).or_default();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        Ok(())
    }
}

fn pair(a: Index, b: Index) -> Pair {
    (a.min(b), a.max(b))
}
