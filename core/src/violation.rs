//! Misbehaviour of peers, as data.

use serde::{Deserialize, Serialize};

/// A rule that a peer broke. Each costs the sender's link some of its patience
/// (see `config::PATIENCE`); when that is used up the link is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Violation {
    /// Bytes that are no packet.
    Malformed,
    /// A packet that does not fit the state of the handshake.
    Unexpected,
    /// No common protocol version.
    Version,
    /// A handshake signature that is wrong.
    BadHandshake,
    /// Contact without a right to it.
    Uninvited,
    /// A ticket that is forged, expired or used before.
    BadTicket,
    /// A document that breaks the form.
    BadDocument,
    /// A document with a wrong signature.
    ForgedDocument,
    /// A document that nobody asked for.
    Unsolicited,
    /// A claim with a wrong signature or an impossible one.
    BadClaim,
    /// A state that contradicts itself.
    BadState,
    /// A reconciliation that breaks the form.
    BadReconcile,
    /// Fragments that do not fit together.
    BadFragment,
    /// An acknowledgement of something never sent.
    BadAck,
    /// More than a rate or size limit allows.
    Flood,
}

impl Violation {
    /// All, in order.
    pub const ALL: [Self; 15] = [
        Self::Malformed,
        Self::Unexpected,
        Self::Version,
        Self::BadHandshake,
        Self::Uninvited,
        Self::BadTicket,
        Self::BadDocument,
        Self::ForgedDocument,
        Self::Unsolicited,
        Self::BadClaim,
        Self::BadState,
        Self::BadReconcile,
        Self::BadFragment,
        Self::BadAck,
        Self::Flood,
    ];
}
