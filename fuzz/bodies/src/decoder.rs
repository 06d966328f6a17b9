//! The decoders: any bytes are refused or read, and what was read can be written.

use crate::stage::SUITE;
use bytes::Bytes;
use cliqueclique_core::{Document, wire};

/// Reads the bytes as a packet, as a message out of fragments, and as a document.
///
/// # Panics
/// If what was read is not the same after a journey, or takes more bytes than it came in.
pub fn run(bytes: &[u8]) {
    if let Ok(packet) = wire::decode(bytes) {
        let encoded = wire::encode(&packet);
        assert_eq!(encoded.len(), wire::packet_len(&packet));
        // Not every encoding is the shortest, but ours is.
        assert!(encoded.len() <= bytes.len(), "{packet:?}");
        assert_eq!(wire::decode(&encoded), Ok(packet));
    }
    if let Ok(message) = wire::decode_message(bytes) {
        assert!(wire::encoded_len(&message) <= bytes.len(), "{message:?}");
    }
    if let Ok(document) = Document::parse(Bytes::copy_from_slice(bytes), &SUITE) {
        assert_eq!(document.bytes(), bytes);
        assert!(document.body().len() < bytes.len());
        let _ = document.is_signed(&SUITE);
    }
}
