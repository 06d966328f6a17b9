//! The state that is explored: nodes, what is between them, and what is left of the bounds.

use crate::case::{ANY, Bounds, Case};
use crate::ghost::{Fault, Ghost};
use crate::node::Node;
use cliqueclique_core::{ChannelId, Document, Packet, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One end of a channel.
pub(crate) type End = (usize, ChannelId);

/// An odd number with well mixed digits (that of the golden ratio).
const DIGITS: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is on its way.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Cargo {
    /// A packet.
    Packet(Packet),
    /// A call that is to become a channel: whom it is for.
    Dial(Option<usize>),
    /// The other side is gone.
    Closed,
}

/// Something on its way to one end of a channel.
#[derive(Clone)]
pub struct Flying {
    pub(crate) from: usize,
    pub(crate) to: End,
    pub(crate) cargo: Cargo,
    pub(crate) digest: u64,
}

impl Flying {
    pub(crate) fn new(from: usize, to: End, cargo: Cargo) -> Arc<Self> {
        let mut hasher = DefaultHasher::new();
        (from, to, &cargo).hash(&mut hasher);
        let digest = hasher.finish();
        Arc::new(Self {
            from,
            to,
            cargo,
            digest,
        })
    }
}

impl PartialEq for Flying {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl fmt::Debug for Flying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}→{}.{} ", self.from, self.to.0, self.to.1.0)?;
        match &self.cargo {
            Cargo::Packet(Packet::Frame(frame)) => {
                write!(
                    f,
                    "#{} acks {:?} {:?}",
                    frame.number, frame.acks, frame.messages
                )
            }
            Cargo::Packet(Packet::Hello(hello)) => write!(f, "Hello {:?}", hello.admission.kind),
            Cargo::Packet(Packet::Welcome(_)) => write!(f, "Welcome"),
            Cargo::Packet(Packet::Confirm(_)) => write!(f, "Confirm"),
            Cargo::Packet(Packet::Goodbye) => write!(f, "Goodbye"),
            Cargo::Dial(to) => write!(f, "dials {to:?}"),
            Cargo::Closed => write!(f, "closed"),
        }
    }
}

/// One choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It arrives.
    Deliver(Arc<Flying>),
    /// It is lost.
    Lose(Arc<Flying>),
    /// It will arrive twice.
    Double(Arc<Flying>),
    /// A user does the script's step of this number.
    Command(usize),
    /// A node stops, without a word.
    Crash(usize),
    /// What `.0` brings a node to do ends with a crash after `.1` effects.
    Torn(Box<Action>, u8),
    /// It starts again; with an empty disk if true.
    Restart(usize, bool),
    /// Nothing is on its way: time goes on to the next deadline.
    Wait,
    /// The same, while something is on its way.
    Late,
}

/// One state.
#[derive(Clone)]
pub struct World {
    pub(crate) case: Arc<Case>,
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) flight: Vec<Arc<Flying>>,
    /// Open ends, each with the opposite one.
    pub(crate) channels: BTreeMap<End, End>,
    pub(crate) connections: u64,
    pub(crate) documents: BTreeMap<u8, Document>,
    /// Steps of the script that were done, one bit each.
    pub(crate) issued: u32,
    /// What is left of the bounds.
    pub(crate) left: Bounds,
    pub(crate) ghost: Arc<Ghost>,
    /// A guarantee that was broken on the way here.
    pub(crate) fault: Option<Fault>,
    /// What the last action showed (`seen`); decides nothing.
    pub(crate) shown: u32,
}

impl World {
    /// Digest of everything that decides what can happen next.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// How many packets are before this one on its channel, if that counts.
    pub(crate) fn ahead(&self, at: usize) -> usize {
        if self.left.overtaken == ANY {
            return 0;
        }
        let before = self.flight[..at].iter();
        before
            .filter(|other| other.to == self.flight[at].to)
            .count()
    }

    /// Nodes that run.
    pub(crate) fn up(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|&at| self.nodes[at].core.is_some())
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nodes.iter().for_each(|node| node.digest.hash(state));
        // Whatever is on its way to different ends has no order, nor has what may overtake.
        let place = |at: usize| DIGITS.wrapping_mul(self.ahead(at) as u64 + 1);
        let digest = |at: usize| self.flight[at].digest.wrapping_mul(place(at) | 1);
        let sum = |sum: u64, at: usize| sum.wrapping_add(digest(at));
        (0..self.flight.len()).fold(0, sum).hash(state);
        (&self.channels, self.connections, self.issued, self.left).hash(state);
        self.ghost.feed(self.now, state);
        self.fault.hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:.3} s", self.now.as_secs_f64())?;
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(core) = &node.core else {
                write!(f, "; {at} down")?;
                continue;
            };
            for view in core.overlays().filter_map(|tag| core.overlay_by_tag(tag)) {
                let peer = |id| (0..self.nodes.len()).find(|&at| crate::node::id(at) == id);
                let peers: Vec<_> = view.neighbors.iter().map(|n| peer(n.node)).collect();
                write!(
                    f,
                    "; {at}/{:?} {:?} holds {} root {:?} {} up {:?} frozen {} peers {peers:?}",
                    view.document,
                    view.mode,
                    view.holds,
                    peer(view.root),
                    view.distance,
                    view.upstream.and_then(peer),
                    view.frozen
                )?;
            }
        }
        write!(f, "; flying {:?}", self.flight)?;
        self.fault
            .as_ref()
            .map_or(Ok(()), |fault| write!(f, "; {fault:?}"))
    }
}
