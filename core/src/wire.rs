//! Packets ↔ bytes, and the limits on what may come in.
//!
//! The encoding is postcard (<https://postcard.jamesmunns.com/wire-format>):
//! variable-length integers, enum variants by index, no padding. Only the fields of a
//! frame are packed closer (module `frame`).

mod frame;

use crate::config::{MAX_ACK_RANGES, MAX_ADDRESS, MAX_DOCUMENT, MAX_MESSAGES, MAX_TAGS};
use crate::message::{Frame, Message, Packet, RangeContent};
use std::fmt;

pub use frame::frame_fields;

/// Why bytes are not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum WireError {
    /// Not the encoding of a packet, or bytes follow it.
    Encoding,
    /// A part of it is over its limit.
    Limit,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "not a packet",
            Self::Limit => "a part of the packet is over its limit",
        })
    }
}

impl std::error::Error for WireError {}

/// Bytes of a packet.
///
/// # Panics
/// Never for packets that the core made: all their parts are encodable.
#[must_use]
pub fn encode(packet: &Packet) -> Vec<u8> {
    #[allow(
        clippy::expect_used,
        reason = "a broken invariant of our own must be seen"
    )]
    if let Packet::Frame(frame) = packet {
        frame::encode(frame)
    } else {
        postcard::to_allocvec(packet)
    }
    .expect("packets have no unencodable part")
}

/// Length of [`encode`]'s result, without making it.
#[must_use]
pub fn packet_len(packet: &Packet) -> usize {
    if let Packet::Frame(frame) = packet {
        let messages = frame.messages.iter().map(encoded_len);
        frame_fields(frame) + messages.sum::<usize>()
    } else {
        encoded_len(packet)
    }
}

/// Length of a part of a packet, without encoding it.
#[must_use]
pub fn encoded_len<T: serde::Serialize>(value: &T) -> usize {
    #[allow(
        clippy::expect_used,
        reason = "a broken invariant of our own must be seen"
    )]
    postcard::experimental::serialized_size(value).expect("packets have no unencodable part")
}

/// Reads a packet.
///
/// # Errors
/// [`WireError`] for anything that is not exactly one packet within its limits.
pub fn decode(bytes: &[u8]) -> Result<Packet, WireError> {
    let framed = |first: &u8| first & frame::KIND_BITS == frame::KIND;
    let packet = if bytes.first().is_some_and(framed) {
        Packet::Frame(frame::decode(bytes)?)
    } else {
        let (packet, rest) =
            postcard::take_from_bytes::<Packet>(bytes).map_err(|_| WireError::Encoding)?;
        if !rest.is_empty() {
            return Err(WireError::Encoding);
        }
        packet
    };
    if within_limits(&packet) {
        Ok(packet)
    } else {
        Err(WireError::Limit)
    }
}

/// Reads a message that was put together from fragments.
///
/// # Errors
/// [`WireError`] as for [`decode`]; fragments within fragments are refused.
pub fn decode_message(bytes: &[u8]) -> Result<Message, WireError> {
    let (message, rest) =
        postcard::take_from_bytes::<Message>(bytes).map_err(|_| WireError::Encoding)?;
    if !rest.is_empty() {
        return Err(WireError::Encoding);
    }
    let nested = matches!(message, Message::Fragment(_));
    if !nested && message_within_limits(&message) {
        Ok(message)
    } else {
        Err(WireError::Limit)
    }
}

fn within_limits(packet: &Packet) -> bool {
    match packet {
        Packet::Hello(hello) => hello.address.0.len() <= MAX_ADDRESS,
        Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => true,
        Packet::Frame(frame) => frame_within_limits(frame),
    }
}

fn frame_within_limits(frame: &Frame) -> bool {
    frame.acks.len() <= MAX_ACK_RANGES
        && frame.acks.iter().all(|(first, last)| first <= last)
        && frame.messages.len() <= MAX_MESSAGES
        && (frame.number != 0 || frame.messages.is_empty())
        && frame.messages.iter().all(message_within_limits)
}

fn message_within_limits(message: &Message) -> bool {
    match message {
        Message::Push(push) => push.document.len() <= MAX_DOCUMENT,
        Message::Want(_, tags) | Message::Lack(_, tags) => tags.len() <= MAX_TAGS,
        Message::Reconcile(_, ranges) | Message::Audit(ranges) | Message::Compare(ranges) => {
            ranges.len() <= MAX_TAGS
                && ranges.iter().all(|range| match &range.content {
                    RangeContent::Tags(tags, _) => tags.len() <= MAX_TAGS,
                    RangeContent::Skip | RangeContent::Digest(_) => true,
                })
        }
        Message::Introduce(_, introduction) => introduction.address.0.len() <= MAX_ADDRESS,
        Message::Moved(address) => address.0.len() <= MAX_ADDRESS,
        Message::State(..)
        | Message::Open(..)
        | Message::Close(..)
        | Message::Seek(..)
        | Message::Digest(..)
        | Message::Fragment(_)
        | Message::Root(..)
        | Message::Resume(..)
        | Message::Ping => true,
    }
}
