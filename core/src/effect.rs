//! Everything that the core asks its runner to do, in order.
//!
//! The order is contract: effects are performed one after another, and a
//! [`Effect::Save`] is durable before a later effect of the same or a later call
//! is performed. A runner that crashes between two effects loses nothing that
//! was acknowledged.

use crate::document::Document;
use crate::id::{Address, ChannelId, DocumentId, NodeId, RequestId, Tag};
use crate::message::{Mode, Packet};
use crate::violation::Violation;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One effect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// Open a connection; answered by `Connected` or `Disconnected`.
    Dial(ChannelId, Address),
    /// Send a packet (encode it with [`crate::wire::encode`]). May be lost.
    Send(ChannelId, Packet),
    /// Close a connection. No `Disconnected` follows.
    Hangup(ChannelId),
    /// Verify the author's signature and store the document durably; answered by `Admitted`.
    Admit(Document),
    /// Read a stored document; answered by `Loaded`.
    Load(DocumentId),
    /// Delete a stored document and its record.
    Delete(DocumentId, Tag),
    /// Store (or delete) a record durably.
    Save(Record, Option<Bytes>),
    /// Read the record of a cold overlay; answered by `Thawed`.
    Thaw(Tag),
    /// Read the records of all cold overlays with this peer as a neighbour;
    /// answered by `Recalled`, if need be in several pieces.
    Recall(NodeId),
    /// Tell the user.
    Notify(Notification),
    /// A peer broke a rule; it was refused and counted.
    Report(Option<NodeId>, Violation),
}

/// Which record a [`Effect::Save`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Record {
    /// The node's own: blocks, sequence.
    Node,
    /// What is known of a peer: how to reach it and why.
    Peer(NodeId),
    /// The state of one document's overlay.
    Overlay(Tag),
}

/// News for the user, or the answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notification {
    /// A command is done and durable; for Publish with the new document.
    Done(RequestId, Option<DocumentId>),
    /// A command failed, and changed nothing.
    Failed(RequestId, CommandError),
    /// A document arrived, or was published here.
    Arrived {
        /// Its id.
        document: DocumentId,
        /// Own mode in its network.
        mode: Mode,
        /// Its author is blocked.
        hidden: bool,
    },
    /// This node left the network of a document and dropped it.
    Gone(DocumentId),
    /// A Join could not reach the peer, or was refused there; it is tried again.
    JoinDelayed(DocumentId),
    /// Shutdown is complete.
    Stopped,
}

/// Why a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CommandError {
    /// The document is not held here.
    NotHeld,
    /// The new document breaks a limit.
    Limits,
    /// The same document, word for word and to the second, is here already.
    Duplicate,
    /// The document could not be stored.
    Storage,
    /// Too many documents, peers or commands under way.
    Busy,
    /// The node is shutting down.
    Stopping,
    /// The document's signature is wrong.
    Forged,
}
