//! The interface of a protocol under test. It names peers by their number in the
//! simulation; what it says about them on the wire is its own affair, and must
//! have the size that it really has.

use crate::accounting::{PREFIX, Weight, weigh};
use crate::metrics::CostKind;
use crate::snapshot::Index;
use bytes::Bytes;
use cliqueclique_core::Config;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::{DocumentId, SecretKey};
use cliqueclique_core::message::{Message, Mode};
use cliqueclique_core::time::{Time, WallTime};
use std::fmt::Debug;

/// A node, as others call it.
pub type Peer = Index;

/// Where a node is when it is made.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its number.
    pub node: Peer,
    /// The server, if there is one: it starts first and never stops.
    pub server: Option<Peer>,
    /// Decides all its random choices; differs from start to start.
    pub seed: [u8; 32],
    /// Its key.
    pub secret: SecretKey,
    /// The scenario's settings for nodes.
    pub config: Config,
    /// Wall time at this start.
    pub wall: WallTime,
    /// Largest packet, bytes.
    pub frame_limit: usize,
    /// What its last life left on the disk; see [`Protocol::durable`].
    pub durable: Bytes,
}

/// A document that a starting node has on its disk.
#[derive(Clone, Debug)]
pub struct Held {
    /// The document.
    pub document: Document,
    /// What its user wishes.
    pub mode: Mode,
    /// Its user bookmarked it.
    pub bookmarked: bool,
    /// Who gave it; `None` at its author.
    pub via: Option<Peer>,
}

/// A connection that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// This node asked for it.
    pub dialled: bool,
    /// No other connection of the run has this number; both ends know it.
    pub number: u64,
}

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// It starts, for the first time (with nothing) or again.
    Start(Vec<Held>),
    /// Its deadline came.
    Wake,
    /// A connection stands, whoever asked for it.
    Connected(Peer, Line),
    /// A connection is gone, or could not be made.
    Disconnected(Peer),
    /// Bytes came.
    Received(Peer, Bytes),
    /// Its user joins at a peer. The document came with the invitation and is stored.
    Joined(Held),
    /// Its user wrote a document, and it is stored.
    Published(Document, Mode),
    /// Its user sets the own part in a document's network.
    Wish(DocumentId, Mode),
    /// Its user sets or drops a bookmark.
    Bookmark(DocumentId, bool),
    /// Its user drops all wishes for a document.
    Forget(DocumentId),
    /// Its user leaves everything; answered by [`Effect::Left`].
    Leave,
}

/// What a node wants to have done, in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Connect; answered by `Connected` or `Disconnected`, unless a connection stands or is being made.
    Connect(Peer),
    /// Close a connection. The peer learns of it; no `Disconnected` follows here.
    Disconnect(Peer),
    /// Send bytes over a connection that stands; lost if none does.
    Send(Peer, Packet),
    /// Store a document.
    Store(Document),
    /// Delete a document.
    Drop(DocumentId),
    /// It has left everything.
    Left,
}

/// Bytes to be sent, and what they are, for the accounts.
#[derive(Clone, Debug)]
pub struct Packet {
    pub(super) bytes: Bytes,
    pub(super) bodies: u64,
    pub(super) weight: Weight,
    /// All of it was sent before.
    pub(super) again: bool,
}

impl Packet {
    /// A message without document.
    #[must_use]
    pub fn control(bytes: impl Into<Bytes>, kind: CostKind) -> Self {
        Self::mixed(bytes, kind, (0, 0))
    }

    /// A message with one document of so many bytes in it.
    #[must_use]
    pub fn push(bytes: impl Into<Bytes>, document: usize) -> Self {
        Self::mixed(bytes, CostKind::Push, (1, document))
    }

    /// A message with so many documents of so many bytes together; the rest is of this kind.
    #[must_use]
    pub fn mixed(
        bytes: impl Into<Bytes>,
        kind: CostKind,
        (bodies, documents): (u64, usize),
    ) -> Self {
        let bytes = bytes.into();
        let (all, documents) = (bytes.len() as u64, documents as u64);
        let mut weight = Weight {
            total: all + PREFIX,
            ..Weight::default()
        };
        let mut add = |kind: CostKind, messages, bytes| {
            let part = &mut weight.parts[kind as usize];
            part.messages += messages;
            part.bytes += bytes;
        };
        add(CostKind::Frame, 1, PREFIX);
        add(CostKind::Document, 0, documents);
        add(kind, 1, all.saturating_sub(documents));
        Self {
            bytes,
            bodies,
            weight,
            again: false,
        }
    }

    /// A packet of the core, weighed as everywhere in the simulator; `again` if its messages
    /// were sent before. `bytes` may have marks around it, which are not counted.
    #[must_use]
    pub fn of_core(
        bytes: impl Into<Bytes>,
        packet: &cliqueclique_core::Packet,
        again: bool,
    ) -> Self {
        let bodies = match packet {
            cliqueclique_core::Packet::Frame(frame) => {
                let push = |message: &&Message| matches!(message, Message::Push(_));
                frame.messages.iter().filter(push).count() as u64
            }
            cliqueclique_core::Packet::Hello(_)
            | cliqueclique_core::Packet::Welcome(_)
            | cliqueclique_core::Packet::Confirm(_)
            | cliqueclique_core::Packet::Goodbye => 0,
        };
        Self {
            bytes: bytes.into(),
            bodies,
            weight: weigh(packet),
            again,
        }
    }
}

/// What a node has stored.
pub trait Disk {
    /// A document, if it is there.
    fn load(&self, id: &DocumentId) -> Option<Document>;
}

/// One node of a protocol under test.
pub trait Protocol: Debug {
    /// Takes one input and appends the effects.
    fn handle(&mut self, now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>);
    /// When it wants to be called at the latest.
    fn next_deadline(&self) -> Option<Time>;
    /// Its number of neighbours in each network that it takes part in.
    fn degrees(&self) -> Vec<usize>;
    /// The overlay root of a document's network in its opinion, if the protocol has roots.
    fn root(&self, document: &DocumentId) -> Option<Peer> {
        let _ = document;
        None
    }
    /// What is on its disk besides documents and wishes, whenever it crashes.
    fn durable(&self) -> Bytes {
        Bytes::new()
    }
    /// True if it sees to loss and repetition itself. Otherwise its connections are reliable.
    fn is_datagram(&self) -> bool {
        false
    }
}
