//! The interface of a protocol under test. It names peers by their number in the
//! simulation; what it says about them on the wire is its own affair, and must
//! have the size that it really has.

use crate::metrics::CostKind;
use crate::snapshot::Index;
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
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
    /// The scenario's K: most neighbours in one document's network.
    pub max_peers: usize,
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

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// It starts, for the first time (with nothing) or again.
    Start(Vec<Held>),
    /// Its deadline came.
    Wake,
    /// A connection stands, whoever asked for it.
    Connected(Peer),
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
    /// As the protocol encodes them.
    pub bytes: Bytes,
    /// What they are, apart from documents in them.
    pub kind: CostKind,
    /// How many of them are bytes of documents.
    pub documents: usize,
    /// How many documents are in them.
    pub bodies: u64,
}

impl Packet {
    /// A message without document.
    #[must_use]
    pub fn control(bytes: impl Into<Bytes>, kind: CostKind) -> Self {
        Self {
            bytes: bytes.into(),
            kind,
            documents: 0,
            bodies: 0,
        }
    }

    /// A message with one document of so many bytes in it.
    #[must_use]
    pub fn push(bytes: impl Into<Bytes>, documents: usize) -> Self {
        Self {
            bytes: bytes.into(),
            kind: CostKind::Push,
            documents,
            bodies: 1,
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
