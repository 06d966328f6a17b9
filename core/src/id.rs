//! Names of things: nodes, documents, keys, addresses, channels.
//!
//! Everything here is a plain value with a total order, so that collections
//! keyed by it iterate in the same order in every run.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

macro_rules! byte_name {
    ($(#[$doc:meta])* $name:ident, $len:literal, $shown:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0[..$shown], f)
            }
        }
    };
}

/// In the order of their bytes, compared as one number: names are keys of most maps.
macro_rules! number_order {
    ($name:ident, $number:ident) => {
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                $number::from_be_bytes(self.0).cmp(&$number::from_be_bytes(other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
    };
}

number_order!(NodeId, u128);
number_order!(Tag, u64);

byte_name!(
    /// Identity of a node: the first 16 bytes of the hash of its public key.
    NodeId, 16, 4
);
byte_name!(
    /// Identity of a document: the 32-byte hash of its canonical bytes.
    #[derive(PartialOrd, Ord)]
    DocumentId, 32, 4
);
byte_name!(
    /// Short blinded name of a document on the wire: 8 bytes of a hash of its
    /// id. It does not reveal the id to somebody who does not know it.
    Tag, 8, 4
);
byte_name!(
    /// Public (verifying) key of a node, 32 bytes.
    #[derive(PartialOrd, Ord)]
    PublicKey, 32, 4
);

/// Secret (signing) key of a node, 32 bytes. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretKey(pub [u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A 64-byte signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signature([u8; 32], [u8; 32]);

impl Signature {
    /// Length on the wire, bytes.
    pub const LEN: usize = 64;

    /// Takes the 64 bytes of a signature.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        let (mut low, mut high) = ([0; 32], [0; 32]);
        low.copy_from_slice(&bytes[..32]);
        high.copy_from_slice(&bytes[32..]);
        Self(low, high)
    }

    /// Gives the 64 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..].copy_from_slice(&self.1);
        bytes
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..4], f)
    }
}

/// Where a node can be reached: opaque to the core, given to the runner to
/// dial. At most [`crate::config::MAX_ADDRESS`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address(pub Bytes);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..self.0.len().min(8)], f)
    }
}

/// One transport connection, as the runner and the core call it. The core
/// hands out even numbers (with [`crate::Effect::Dial`]), the runner odd ones
/// (for connections that somebody else opened), so the two never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChannelId(pub u64);

/// Token that a caller attaches to a command and finds again in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);
