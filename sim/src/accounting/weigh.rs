//! The encoded size of a packet, split by what it carries.

use crate::metrics::{Cost, CostKind};
use cliqueclique_core::message::{Frame, Message, Packet, Push};
use cliqueclique_core::wire::{encoded_len, frame_fields, packet_len};

/// Number of kinds.
pub(crate) const KINDS: usize = CostKind::Retransmission as usize + 1;
/// Length prefix that a stream transport puts before each packet, bytes.
pub(crate) const PREFIX: u64 = 2;

/// All kinds, in order.
pub(crate) fn all_kinds() -> impl Iterator<Item = CostKind> {
    let kinds: [CostKind; KINDS] = [
        CostKind::Document,
        CostKind::Push,
        CostKind::Frame,
        CostKind::KeepAlive,
        CostKind::State,
        CostKind::Set,
        CostKind::Introduction,
        CostKind::Handshake,
        CostKind::Retransmission,
    ];
    kinds.into_iter()
}

/// One packet's bytes by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Encoded bytes and the transport's prefix.
    pub(crate) total: u64,
    /// The same, split.
    pub(crate) parts: [Cost; KINDS],
}

impl Weight {
    fn add(&mut self, kind: CostKind, messages: u64, bytes: usize) {
        self.total += bytes as u64;
        self.parts[kind as usize].messages += messages;
        self.parts[kind as usize].bytes += bytes as u64;
    }

    /// Encoded bytes without the transport's prefix.
    pub(crate) fn encoded(&self) -> usize {
        usize::try_from(self.total - PREFIX).unwrap_or(usize::MAX)
    }
}

/// Weighs a packet.
pub(crate) fn weigh(packet: &Packet) -> Weight {
    let mut weight = Weight {
        total: PREFIX,
        ..Weight::default()
    };
    weight.parts[CostKind::Frame as usize] = Cost {
        messages: 1,
        bytes: PREFIX,
    };
    match packet {
        Packet::Hello(_) | Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => {
            weight.add(CostKind::Handshake, 1, packet_len(packet));
        }
        Packet::Frame(frame) => weigh_frame(&mut weight, frame),
    }
    weight
}

fn weigh_frame(weight: &mut Weight, frame: &Frame) {
    weight.add(CostKind::Frame, 0, frame_fields(frame));
    frame
        .messages
        .iter()
        .for_each(|message| weigh_message(weight, message));
}

fn weigh_message(weight: &mut Weight, message: &Message) {
    let kind = match message {
        Message::Push(push) => return weigh_push(weight, push),
        Message::Fragment(fragment) => {
            weight.add(CostKind::Document, 0, fragment.bytes.len());
            weight.add(
                CostKind::Push,
                1,
                encoded_len(message) - fragment.bytes.len(),
            );
            return;
        }
        Message::State(..) | Message::Open(..) | Message::Close(..) | Message::Root(..) => {
            CostKind::State
        }
        Message::Introduce(..) | Message::Seek(..) | Message::Moved(_) => CostKind::Introduction,
        Message::Digest(..)
        | Message::Audit(..)
        | Message::Resume(..)
        | Message::Compare(..)
        | Message::Reconcile(..)
        | Message::Want(..)
        | Message::Lack(..) => CostKind::Set,
        Message::Ping => CostKind::KeepAlive,
    };
    weight.add(kind, 1, encoded_len(message));
}

/// A push without walking its document: variant, and all fields but that.
fn weigh_push(weight: &mut Weight, push: &Push) {
    let (via, fresh, option) = (8, 1, 1);
    let edge = push.edge.as_ref().map_or(0, encoded_len);
    let length = varint(push.document.len() as u64);
    weight.add(CostKind::Document, 0, push.document.len());
    weight.add(CostKind::Push, 1, 1 + via + option + edge + fresh + length);
}

/// Length of a number as postcard writes it: seven bits a byte.
fn varint(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cliqueclique_core::id::Tag;
    use cliqueclique_core::message::{Fragment, RootRef, SetDigest, State};

    fn frame(messages: Vec<Message>) -> Packet {
        Packet::Frame(Frame {
            number: 300,
            acks: vec![(1, 200)],
            credit: 100,
            messages,
        })
    }

    fn agrees(packet: &Packet) -> Weight {
        let weight = weigh(packet);
        assert_eq!(weight.encoded(), packet_len(packet), "{packet:?}");
        assert_eq!(
            weight.parts.iter().map(|part| part.bytes).sum::<u64>(),
            weight.total
        );
        weight
    }

    #[test]
    fn the_parts_add_up_to_the_encoded_length() {
        let state = State {
            flags: 1,
            distance: 200,
            root: RootRef::Author,
        };
        let push = |edge| Push {
            via: Tag([1; 8]),
            edge,
            fresh: true,
            document: Bytes::from(vec![0; 700]),
        };
        agrees(&frame(vec![]));
        agrees(&frame(vec![
            Message::Ping,
            Message::State(Tag([2; 8]), state.clone()),
        ]));
        agrees(&frame(vec![Message::Push(Box::new(push(None)))]));
        agrees(&frame(vec![Message::Push(Box::new(push(Some(state))))]));
        agrees(&frame(vec![Message::Digest(
            Tag([3; 8]),
            SetDigest {
                count: 1 << 20,
                sum: u64::MAX,
            },
        )]));
        agrees(&Packet::Goodbye);
    }

    #[test]
    fn a_push_is_split_by_hand_computed_figures() {
        let push = Push {
            via: Tag([1; 8]),
            edge: None,
            fresh: true,
            document: Bytes::from(vec![0; 700]),
        };
        let weight = agrees(&frame(vec![Message::Push(Box::new(push))]));
        assert_eq!(
            weight.parts[CostKind::Document as usize],
            Cost {
                messages: 0,
                bytes: 700
            }
        );
        assert_eq!(
            weight.parts[CostKind::Push as usize],
            Cost {
                messages: 1,
                bytes: 1 + 8 + 1 + 1 + 2
            }
        );
        assert_eq!(
            weight.parts[CostKind::Frame as usize],
            Cost {
                messages: 1,
                bytes: 2 + 1 + 2 + 3 + 1
            }
        );
    }

    #[test]
    fn a_fragment_is_split_into_bytes_and_header() {
        let fragment = Fragment {
            transfer: 1,
            offset: 0,
            total: 9_000,
            bytes: Bytes::from(vec![0; 100]),
        };
        let weight = agrees(&frame(vec![Message::Fragment(fragment)]));
        assert_eq!(weight.parts[CostKind::Document as usize].bytes, 100);
        assert_eq!(
            weight.parts[CostKind::Push as usize],
            Cost {
                messages: 1,
                bytes: 1 + 1 + 1 + 2 + 1
            }
        );
    }

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        let lengths = [0, 127, 128, 16_383, 16_384, u64::MAX].map(varint);
        assert_eq!(lengths, [1, 1, 2, 2, 3, 10]);
    }
}
