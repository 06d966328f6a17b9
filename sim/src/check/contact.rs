//! *contact*: two nodes make contact only because a user entered an address and
//! a document, because a third node that knows both and holds the document
//! introduced them for it, or because they had legitimate contact before.
//!
//! The checker keeps its own record of what was said: joins by node,
//! introductions by pair, and pairs in contact. An introduction of a pair that
//! is already in contact adds nothing and is not kept.
//!
//! A hostile node may knock wherever it likes, and send others to knock. Then it
//! is judged who opens: an honest node must not answer a bad ticket with a Welcome. (A ticket
//! that a hostile neighbour signed for a fellow is good: it may introduce whom
//! it likes. One that nobody gave it, or that ran out, is not.) Without a ticket
//! the caller's word and its proof of the document's id are all that can be asked
//! for, so who knows the id of what a node holds may enter there.

use super::{Knowledge, Violated};
use crate::host::wall;
use crate::scenario::Scenario;
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
    /// Who was sent where by a hostile node that had no right to.
    misled: BTreeSet<(Index, Index, Tag)>,
    /// Who knocks where without a right to, and for what; true: by a ticket.
    knocks: BTreeMap<(Index, Index), (Tag, bool)>,
    /// After so long a ticket is surely over for everybody, whatever its clock.
    tolerance: u64,
}

impl Contact {
    /// A record of nothing yet.
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            tolerance: 2 * scenario.protocol.clock_tolerance.as_secs(),
            ..Self::default()
        }
    }

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
            Packet::Welcome(_) => self.welcome(time, from, to, truth),
            Packet::Confirm(_) | Packet::Goodbye => Ok(()),
        }
    }

    /// Nobody who honours the rules opens to somebody without a right to knock.
    fn welcome(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        let Some((tag, ticket)) = self.knocks.remove(&(to, from)) else {
            return Ok(());
        };
        let proven = !ticket && (truth.shares(to, tag) || truth.subscribes_to_parent_of(to, tag));
        if truth.hostile(from) || proven {
            self.met.insert(pair(from, to));
            return Ok(());
        }
        let detail =
            format!("node {to} called node {from} without a right to, and node {from} answered it");
        Err(Violated {
            property: "contact",
            time,
            document: Some(tag),
            nodes: vec![from, to],
            detail,
        })
    }

    /// True if a hostile node shows a ticket by which nobody may enter any more.
    fn is_over(&self, time: Time, hello: &Hello) -> bool {
        match &hello.admission.kind {
            AdmissionKind::Introduced(ticket) => ticket.expires.0 + self.tolerance < wall(time).0,
            AdmissionKind::Bootstrap | AdmissionKind::Reunion => false,
        }
    }

    /// True if a hostile neighbour of `to` vouches for who knocks.
    fn vouched(&self, to: Index, hello: &Hello, truth: &dyn Knowledge) -> bool {
        let AdmissionKind::Introduced(ticket) = &hello.admission.kind else {
            return false;
        };
        truth.index_of(ticket.introducer).is_some_and(|fellow| {
            truth.hostile(fellow)
                && self.met.contains(&pair(fellow, to))
                && truth.shares(fellow, hello.admission.tag)
        })
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
        self.knocks.remove(&(from, to));
        if self.met.contains(&pair) {
            return Ok(());
        }
        let over = truth.hostile(from) && self.is_over(time, hello);
        let tags = self.introduced.get(&pair);
        // Who was introduced for one document is remembered, and may be sent for another.
        let sent = hello.admission.kind == AdmissionKind::Reunion
            && self.misled.contains(&(from, to, tag));
        let introduced = tags.is_some_and(|tags| sent || tags.contains(&tag)) && !over;
        if self.sent(from, to, tag, truth) || introduced || self.vouched(to, hello, truth) {
            self.met.insert(pair);
            self.introduced.remove(&pair);
            return Ok(());
        }
        if truth.hostile(from) || self.misled.contains(&(from, to, tag)) {
            let ticket = matches!(hello.admission.kind, AdmissionKind::Introduced(_));
            self.knocks.insert((from, to), (tag, ticket));
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
        if truth.hostile(from)
            && let Some(there) = truth.node_at(&introduction.address)
        {
            // Whoever it says is there, this is where the receiver will knock.
            self.misled.insert((to, there, tag));
        }
        let Some(peer) = truth.index_of(introduction.peer) else {
            return Ok(());
        };
        let new = pair(to, peer);
        if to == peer || self.met.contains(&new) {
            return Ok(());
        }
        let entitled = self.met.contains(&pair(from, peer)) && truth.shares(from, tag);
        if !entitled && truth.hostile(from) {
            self.misled.insert((to, peer, tag));
            return Ok(());
        }
        if !entitled {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Told, frame, hello, id, tag};
    use bytes::Bytes;
    use cliqueclique_core::id::Signature;
    use cliqueclique_core::message::{Mode, Purpose, Ticket};
    use cliqueclique_core::time::WallTime;

    const ANYONE: AdmissionKind = AdmissionKind::Reunion;

    fn join(contact: &mut Contact, node: Index, document: u8, at: u8) {
        let (document, address) = (DocumentId([document; 32]), Address(Bytes::from(vec![at])));
        contact.command(
            node,
            &Command::Join {
                document,
                address,
                mode: Mode::Hold,
            },
        );
    }

    fn introduce(peer: Index) -> Packet {
        let signature = Signature::from_bytes(&[0; 64]);
        let ticket = Ticket {
            introducer: id(0),
            expires: WallTime(0),
            replaces: false,
            signature,
        };
        let address = Address(Bytes::new());
        let introduction = Introduction {
            peer: id(peer),
            address,
            ticket: Some(ticket),
            purpose: Purpose::Neighbor,
        };
        frame(vec![Message::Introduce(tag(1), Box::new(introduction))])
    }

    /// Nodes 0, 1 and 2, where 1 and 2 joined at 0; all share document 1.
    fn met() -> (Contact, Told) {
        let told = Told {
            shares: (0..4).map(|node| (node, tag(1))).collect(),
            ..Told::default()
        };
        let mut contact = Contact::default();
        for node in [1, 2] {
            join(&mut contact, node, 1, 0);
            assert_eq!(
                contact.packet(
                    Time(1),
                    node,
                    0,
                    &hello(tag(1), AdmissionKind::Bootstrap),
                    &told
                ),
                Ok(())
            );
        }
        (contact, told)
    }

    #[test]
    fn a_user_may_send_a_node_anywhere_for_one_document() {
        let mut contact = Contact::default();
        join(&mut contact, 1, 1, 0);
        let told = Told::default();
        let mut call = |to, about| {
            contact.packet(
                Time(1),
                1,
                to,
                &hello(tag(about), AdmissionKind::Bootstrap),
                &told,
            )
        };
        assert!(call(2, 1).is_err(), "another node");
        assert!(call(0, 2).is_err(), "another document");
        assert_eq!(call(0, 1), Ok(()));
        assert_eq!(call(0, 2), Ok(()), "they met");
    }

    #[test]
    fn strangers_do_not_meet_unless_introduced() {
        let (mut contact, told) = met();
        let violated = contact
            .packet(Time(2), 1, 2, &hello(tag(1), ANYONE), &told)
            .unwrap_err();
        assert_eq!((violated.property, violated.nodes), ("contact", vec![1, 2]));
        assert_eq!(contact.packet(Time(2), 0, 1, &introduce(2), &told), Ok(()));
        assert!(
            contact
                .packet(Time(2), 1, 2, &hello(tag(2), ANYONE), &told)
                .is_err(),
            "for another document"
        );
        assert_eq!(
            contact.packet(Time(2), 2, 1, &hello(tag(1), ANYONE), &told),
            Ok(()),
            "either may call"
        );
        assert_eq!(
            contact.packet(Time(2), 1, 2, &hello(tag(2), ANYONE), &told),
            Ok(()),
            "they met"
        );
    }

    #[test]
    fn only_who_knows_both_and_has_the_document_may_introduce() {
        let (mut contact, told) = met();
        assert_eq!(
            contact
                .packet(Time(2), 0, 1, &introduce(3), &told)
                .unwrap_err()
                .nodes,
            [0, 1, 3]
        );
        assert!(
            contact
                .packet(Time(2), 0, 1, &introduce(2), &Told::default())
                .is_err(),
            "does not have it"
        );
    }
}
