//! Cutting a message that is larger than a frame, and putting it together again.

use crate::config::MAX_DOCUMENT;
use crate::message::{Fragment, Message};
use crate::violation::Violation;
use crate::wire;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Largest message that may be cut, bytes: a document and its header.
const MAX_WHOLE: usize = MAX_DOCUMENT + 1024;
/// Most transfers under way in one direction of a link. The sender keeps to two.
const MAX_TRANSFERS: usize = 16;
/// Bytes that a fragment's header, and a frame around it, may take.
const HEADER: usize = 64;

/// Cuts a message into fragments that fit frames of `frame_limit` bytes.
pub(crate) fn fragments(message: &Message, transfer: u32, frame_limit: usize) -> Vec<Message> {
    #[allow(
        clippy::expect_used,
        reason = "a broken invariant of our own must be seen"
    )]
    let whole =
        Bytes::from(postcard::to_allocvec(message).expect("messages have no unencodable part"));
    let step = frame_limit - HEADER;
    #[allow(clippy::cast_possible_truncation, reason = "bounded by MAX_WHOLE")]
    let piece = |at: usize| {
        let bytes = whole.slice(at..(at + step).min(whole.len()));
        Message::Fragment(Fragment {
            transfer,
            offset: at as u32,
            total: whole.len() as u32,
            bytes,
        })
    };
    (0..whole.len()).step_by(step).map(piece).collect()
}

/// Transfers under way towards this node on one link.
#[derive(Clone, Debug, Hash, Default)]
pub(crate) struct Assembly {
    transfers: BTreeMap<u32, Transfer>,
}

#[derive(Clone, Debug, Hash)]
struct Transfer {
    total: usize,
    pieces: BTreeMap<u32, Bytes>,
    received: usize,
}

impl Assembly {
    /// Takes a fragment; gives the message when it is whole.
    pub(crate) fn take(&mut self, fragment: Fragment) -> Result<Option<Message>, Violation> {
        let total = usize::try_from(fragment.total).map_err(|_| Violation::BadFragment)?;
        let end = u64::from(fragment.offset) + fragment.bytes.len() as u64;
        if total > MAX_WHOLE || end > u64::from(fragment.total) || fragment.bytes.is_empty() {
            return Err(Violation::BadFragment);
        }
        if !self.transfers.contains_key(&fragment.transfer) && self.transfers.len() >= MAX_TRANSFERS
        {
            return Err(Violation::Flood);
        }
        let transfer = self
            .transfers
            .entry(fragment.transfer)
            .or_insert_with(|| Transfer {
                total,
                pieces: BTreeMap::new(),
                received: 0,
            });
        if transfer.total != total {
            return Err(Violation::BadFragment);
        }
        let number = fragment.transfer;
        if !transfer.pieces.contains_key(&fragment.offset) {
            transfer.received += fragment.bytes.len();
            transfer.pieces.insert(fragment.offset, fragment.bytes);
        }
        if transfer.received < total {
            return Ok(None);
        }
        self.transfers
            .remove(&number)
            .map_or(Ok(None), |transfer| transfer.join().map(Some))
    }
}

impl Transfer {
    fn join(self) -> Result<Message, Violation> {
        let mut whole = Vec::with_capacity(self.total);
        for (offset, piece) in self.pieces {
            if whole.len() as u64 != u64::from(offset) {
                return Err(Violation::BadFragment);
            }
            whole.extend_from_slice(&piece);
        }
        wire::decode_message(&whole).map_err(|_| Violation::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Tag;
    use crate::message::Push;

    fn large() -> Message {
        let document = Bytes::from(vec![7; 5_000]);
        Message::Push(Box::new(Push {
            via: Tag([1; 8]),
            edge: None,
            fresh: true,
            document,
        }))
    }

    fn pieces() -> Vec<Fragment> {
        fragments(&large(), 1, 1_200)
            .into_iter()
            .filter_map(|m| {
                if let Message::Fragment(f) = m {
                    Some(f)
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn pieces_join_in_any_order_and_doubled() {
        let mut assembly = Assembly::default();
        let mut pieces = pieces();
        pieces.reverse();
        let last = pieces.pop().expect("several");
        for piece in pieces {
            assert_eq!(assembly.take(piece.clone()), Ok(None));
            assert_eq!(assembly.take(piece), Ok(None));
        }
        assert_eq!(assembly.take(last), Ok(Some(large())));
    }

    #[test]
    fn misfits_are_violations() {
        let mut assembly = Assembly::default();
        let piece = pieces().remove(0);
        let beyond = Fragment {
            offset: piece.total,
            ..piece.clone()
        };
        assert_eq!(assembly.take(beyond), Err(Violation::BadFragment));
        assert_eq!(assembly.take(piece.clone()), Ok(None));
        let other_total = Fragment {
            total: piece.total - 1,
            ..piece.clone()
        };
        assert_eq!(assembly.take(other_total), Err(Violation::BadFragment));
        let huge = Fragment {
            transfer: 2,
            total: u32::MAX,
            ..piece.clone()
        };
        assert_eq!(assembly.take(huge), Err(Violation::BadFragment));
        for transfer in 2..17 {
            assert_eq!(
                assembly.take(Fragment {
                    transfer,
                    ..piece.clone()
                }),
                Ok(None)
            );
        }
        assert_eq!(
            assembly.take(Fragment {
                transfer: 99,
                ..piece
            }),
            Err(Violation::Flood)
        );
    }
}
