//! Messages of baselines as bytes: postcard, as on our own wire.

use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_sim::suite::Cheap;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes a message.
///
/// # Panics
/// Never: messages are plain data, and memory grows as needed.
#[must_use]
pub fn encode<M: Serialize>(message: &M) -> Bytes {
    Bytes::from(postcard::to_allocvec(message).expect("plain data can be encoded"))
}

/// Decodes a message; `None` if the bytes are none.
#[must_use]
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Option<M> {
    postcard::from_bytes(bytes).ok()
}

/// Reads the bytes of a document; `None` if they are none.
#[must_use]
pub fn document(bytes: &[u8]) -> Option<Document> {
    Document::parse(Bytes::copy_from_slice(bytes), &Cheap).ok()
}
