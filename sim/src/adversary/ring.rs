//! What hostile nodes tell each other behind the backs of all others: who they
//! are, which names they know, and the tickets that they were given.

use crate::snapshot::Index;
use cliqueclique_core::id::{Address, NodeId, Tag};
use cliqueclique_core::message::Ticket;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Tickets that are kept.
const MOST_GIFTS: usize = 4_096;

/// A hostile node, as its fellows know it.
#[derive(Clone, Debug)]
pub(super) struct Fellow {
    /// Its id.
    pub(super) node: NodeId,
    /// Its first address.
    pub(super) address: Address,
}

/// A ticket that a fellow was given.
#[derive(Clone, Debug)]
pub(super) struct Gift {
    /// Who was given it.
    pub(super) subject: NodeId,
    /// To whom it leads.
    pub(super) target: NodeId,
    /// Where that is.
    pub(super) address: Address,
    /// The network.
    pub(super) tag: Tag,
    /// The ticket.
    pub(super) ticket: Ticket,
}

#[derive(Debug, Default)]
struct Told {
    fellows: Vec<Fellow>,
    /// Ids by index, of all nodes: a user can name the victim.
    nodes: Vec<NodeId>,
    tags: BTreeSet<Tag>,
    gifts: Vec<Gift>,
}

/// Shared by all hostile nodes of a run.
#[derive(Clone, Debug)]
pub(super) struct Ring(Rc<RefCell<Told>>);

impl Ring {
    /// A ring of these, in a world of these nodes.
    pub(super) fn new(fellows: Vec<Fellow>, nodes: Vec<NodeId>) -> Self {
        Self(Rc::new(RefCell::new(Told {
            fellows,
            nodes,
            ..Told::default()
        })))
    }

    /// Id of a node by its index.
    pub(super) fn node(&self, index: Index) -> Option<NodeId> {
        self.0.borrow().nodes.get(index).copied()
    }

    /// True for hostile nodes.
    pub(super) fn is_fellow(&self, node: NodeId) -> bool {
        self.0
            .borrow()
            .fellows
            .iter()
            .any(|fellow| fellow.node == node)
    }

    /// All hostile nodes but this one.
    pub(super) fn others(&self, node: NodeId) -> Vec<Fellow> {
        let mut fellows = self.0.borrow().fellows.clone();
        fellows.retain(|fellow| fellow.node != node);
        fellows
    }

    /// Tells the name of a document.
    pub(super) fn tell(&self, tag: Tag) {
        self.0.borrow_mut().tags.insert(tag);
    }

    /// All names that were told.
    pub(super) fn tags(&self) -> Vec<Tag> {
        self.0.borrow().tags.iter().copied().collect()
    }

    /// Passes a ticket on.
    pub(super) fn give(&self, gift: Gift) {
        let gifts = &mut self.0.borrow_mut().gifts;
        if gifts.len() < MOST_GIFTS {
            gifts.push(gift);
        }
    }

    /// All tickets that were passed on.
    pub(super) fn gifts(&self) -> Vec<Gift> {
        self.0.borrow().gifts.clone()
    }

    /// Some address that a fellow was told.
    pub(super) fn any_address(&self, rng: &mut ChaCha8Rng) -> Option<Address> {
        let gifts = &self.0.borrow().gifts;
        (!gifts.is_empty()).then(|| gifts[rng.random_range(0..gifts.len())].address.clone())
    }
}
