//! Frames as bytes (PROTOCOL.md, *Frames*). Most frames carry one message or one
//! acknowledgement, so their first byte says which parts follow: bits 0 to 2 the kind of
//! packet, 3 and 4 the acknowledgements, 5 the credit, 6 and 7 the messages.

use super::{WireError, encoded_len};
use crate::config::{MAX_ACK_RANGES, MAX_MESSAGES};
use crate::message::{Frame, Message};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Kind of packet that is a frame: its place in [`crate::message::Packet`].
pub(super) const KIND: u8 = 3;
/// Bits of the first byte that tell the kind of packet.
pub(super) const KIND_BITS: u8 = 0b111;

const ACKS: u8 = 3;
const ONE_FRAME: u8 = 1;
const ONE_RANGE: u8 = 2;
const RANGES: u8 = 3;
const CREDIT: u8 = 1 << 5;
const MESSAGES: u8 = 6;
const ONE_MESSAGE: u8 = 1;
const SOME_MESSAGES: u8 = 2;
/// Room for a frame without a document, bytes.
const USUAL: usize = 128;
/// Credit of a node with nothing to take in: it is left out.
const ALL_FREE: u8 = u8::MAX;

fn acks_kind(frame: &Frame) -> u8 {
    match frame.acks[..] {
        [] => 0,
        [(first, last)] if first == last => ONE_FRAME,
        [_] => ONE_RANGE,
        _ => RANGES,
    }
}

fn messages_kind(frame: &Frame) -> u8 {
    match frame.messages.len() {
        0 => 0,
        1 => ONE_MESSAGE,
        _ => SOME_MESSAGES,
    }
}

/// Hands all parts of a frame but the first byte, in order, to `part`.
fn parts(frame: &Frame, part: &mut impl FnMut(&Part<'_>)) {
    part(&Part::Number(frame.number));
    let kind = acks_kind(frame);
    if kind == RANGES {
        part(&Part::Count(frame.acks.len()));
    }
    for &(first, last) in &frame.acks {
        part(&Part::Number(first));
        if kind != ONE_FRAME {
            part(&Part::Number(last.wrapping_sub(first)));
        }
    }
    if frame.credit != ALL_FREE {
        part(&Part::Credit(frame.credit));
    }
    if messages_kind(frame) == SOME_MESSAGES {
        part(&Part::Count(frame.messages.len()));
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Number(u32),
    Count(usize),
    Credit(u8),
    Message(&'a Message),
}

/// Bytes of a frame.
pub(super) fn encode(frame: &Frame) -> Result<Vec<u8>, postcard::Error> {
    let credit = if frame.credit == ALL_FREE { 0 } else { CREDIT };
    let head = KIND | acks_kind(frame) << ACKS | credit | messages_kind(frame) << MESSAGES;
    let mut start = Vec::with_capacity(USUAL);
    start.push(head);
    let mut bytes = Ok(start);
    let mut add = |part: &Part<'_>| {
        let before = std::mem::replace(&mut bytes, Ok(Vec::new()));
        bytes = before.and_then(|before| postcard::to_extend(part, before));
    };
    parts(frame, &mut add);
    let messages = frame.messages.iter().map(Part::Message);
    messages.for_each(|message| add(&message));
    bytes
}

/// Length of a frame's own fields: all but its messages.
#[must_use]
pub fn frame_fields(frame: &Frame) -> usize {
    let mut length = 1;
    parts(frame, &mut |part| length += encoded_len(part));
    length
}

/// Reads a frame whose first byte is a frame's.
pub(super) fn decode(bytes: &[u8]) -> Result<Frame, WireError> {
    let (&head, mut rest) = bytes.split_first().ok_or(WireError::Encoding)?;
    let number = take(&mut rest)?;
    let acks = match head >> ACKS & 3 {
        0 => Vec::new(),
        ONE_FRAME => {
            let only = take(&mut rest)?;
            vec![(only, only)]
        }
        ONE_RANGE => vec![range(&mut rest)?],
        _ => {
            let count = count(&mut rest, MAX_ACK_RANGES)?;
            let ranges = (0..count).map(|_| range(&mut rest));
            ranges.collect::<Result<_, _>>()?
        }
    };
    let credit = if head & CREDIT == 0 {
        ALL_FREE
    } else {
        take(&mut rest)?
    };
    let count = match head >> MESSAGES {
        SOME_MESSAGES => count(&mut rest, MAX_MESSAGES)?,
        none_or_one @ (0 | ONE_MESSAGE) => usize::from(none_or_one),
        _ => return Err(WireError::Encoding),
    };
    let messages = (0..count).map(|_| take(&mut rest));
    let frame = Frame {
        number,
        acks,
        credit,
        messages: messages.collect::<Result<_, _>>()?,
    };
    // There is one encoding of a frame: a shorter one must have been used where it fits.
    let credit = head & CREDIT == 0 || frame.credit != ALL_FREE;
    let kinds = (acks_kind(&frame), messages_kind(&frame)) == (head >> ACKS & 3, head >> MESSAGES);
    if rest.is_empty() && credit && kinds {
        Ok(frame)
    } else {
        Err(WireError::Encoding)
    }
}

fn range(rest: &mut &[u8]) -> Result<(u32, u32), WireError> {
    let (first, more): (u32, u32) = (take(rest)?, take(rest)?);
    let last = first.checked_add(more).ok_or(WireError::Encoding)?;
    Ok((first, last))
}

fn count(rest: &mut &[u8], most: usize) -> Result<usize, WireError> {
    let count = take(rest)?;
    if count > most {
        return Err(WireError::Limit);
    }
    Ok(count)
}

fn take<T: DeserializeOwned>(rest: &mut &[u8]) -> Result<T, WireError> {
    let (value, after) = postcard::take_from_bytes(rest).map_err(|_| WireError::Encoding)?;
    *rest = after;
    Ok(value)
}
