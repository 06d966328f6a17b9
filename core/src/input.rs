//! Everything that can enter the core.

use crate::document::Document;
use crate::id::{Address, ChannelId, DocumentId, NodeId, RequestId, Tag};
use crate::message::{Mode, Packet};
use crate::time::WallTime;
use crate::wire::WireError;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One input of [`crate::Core::handle`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Input {
    /// A deadline may have come; nothing else happened.
    Wake,
    /// Wall time as the runner's clock has it now.
    Clock(WallTime),
    /// A channel stands: one that the core asked for, or an incoming one.
    Connected {
        /// The channel (odd if incoming).
        channel: ChannelId,
        /// Largest encoded packet that the transport takes, bytes.
        frame_limit: usize,
        /// Bytes that both ends of this connection know and that no other
        /// connection has (a hash of the transport's own handshake).
        binding: [u8; 32],
    },
    /// A channel is gone, or could not be made.
    Disconnected(ChannelId),
    /// A packet came in whole.
    Received(ChannelId, Packet),
    /// Bytes came in that are no packet.
    Malformed(ChannelId, WireError),
    /// Answer to [`crate::Effect::Admit`].
    Admitted(DocumentId, Admission),
    /// Answer to [`crate::Effect::Load`]: the document, if it is stored.
    Loaded(DocumentId, Option<Document>),
    /// Answer to [`crate::Effect::Thaw`]: the stored record of a cold overlay.
    Thawed(Tag, Option<Bytes>),
    /// Answer to [`crate::Effect::Recall`]: cold overlays that name this peer.
    Recalled(NodeId, Vec<(Tag, Bytes)>),
    /// The runner wants the memory of an overlay back.
    Evict(Tag),
    /// A user's command; its answer carries the same token.
    Command(RequestId, Command),
}

/// What became of a document that was to be verified and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Admission {
    /// Its signature is right, and it is durable.
    Stored,
    /// Its signature is wrong.
    Forged,
    /// It could not be stored (disk full).
    Failed,
}

/// What a user can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Write a document. With parents it is a comment; with children a link.
    Publish {
        /// Documents commented on.
        parents: Vec<DocumentId>,
        /// Documents attached.
        children: Vec<DocumentId>,
        /// Content.
        body: Bytes,
        /// Own part in the new network. `Hold`: only until it is handed over.
        mode: Mode,
        /// The date it claims, if not now (what was written elsewhere before). A later one than
        /// now is taken for now.
        created: Option<WallTime>,
    },
    /// Join the network of a document at a peer that has it.
    Join {
        /// The document.
        document: DocumentId,
        /// The peer.
        address: Address,
        /// Own part.
        mode: Mode,
    },
    /// Set the own part in a document's network. `Hold` unsubscribes;
    /// [`Mode::Follow`] is recursive, and so is leaving it.
    Subscribe(DocumentId, Mode),
    /// Keep a document (or no longer).
    Bookmark(DocumentId, bool),
    /// Drop every wish for a document, and for what follows from it.
    Forget(DocumentId),
    /// Hide an author's documents (or no longer): they are still held and
    /// passed on, so that hiding never cuts a network.
    BlockAuthor(NodeId, bool),
    /// Refuse a peer (or no longer).
    BlockPeer(NodeId, bool),
    /// This node can now be reached elsewhere.
    SetAddress(Address),
    /// Leave every network without cutting it, then close all links.
    Shutdown,
    /// Take in a document that somebody signed and that did not come over a link.
    Import {
        /// The document; its signature is checked like that of any other.
        document: Document,
        /// A document here that attaches it below itself, if it is known for the sake of that.
        via: Option<DocumentId>,
        /// Own part in its network; `Hold` also bookmarks it. Without one it stays as long as
        /// a document is subscribed to on which it comments.
        mode: Option<Mode>,
    },
}
