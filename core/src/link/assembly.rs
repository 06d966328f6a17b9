//! Cutting a message that is larger than a frame, and putting it together again.

use crate::config::MAX_DOCUMENT;
use crate::message::{Fragment, Message};
use crate::time::Time;
use crate::violation::Violation;
use crate::wire;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// Largest message that may be cut, bytes: a document and its header.
const MAX_WHOLE: usize = MAX_DOCUMENT + 1024;
/// Most transfers under way in one direction of a link. The sender keeps to two.
const MAX_TRANSFERS: usize = 16;
/// Shortest fragment but for the last of a whole, bytes: frames of the smallest limit have
/// room for 960. Shorter ones would cost many times their length to keep.
const MIN_PIECE: usize = 512;
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
    /// When its last piece came.
    heard: Time,
}

impl Assembly {
    /// Takes a fragment that comes now; gives the message when it is whole. When there are too
    /// many transfers, those go that got nothing for as long as makes a link dead.
    pub(crate) fn take(
        &mut self,
        fragment: Fragment,
        now: Time,
        link_timeout: Duration,
    ) -> Result<Option<Message>, Violation> {
        let total = usize::try_from(fragment.total).map_err(|_| Violation::BadFragment)?;
        let end = u64::from(fragment.offset) + fragment.bytes.len() as u64;
        let short = fragment.bytes.len() < MIN_PIECE && end < u64::from(fragment.total);
        if total > MAX_WHOLE
            || end > u64::from(fragment.total)
            || fragment.bytes.is_empty()
            || short
        {
            return Err(Violation::BadFragment);
        }
        if self.transfers.len() >= MAX_TRANSFERS {
            self.transfers
                .retain(|_, transfer| transfer.heard + link_timeout > now);
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
                heard: now,
            });
        transfer.heard = now;
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

    const PATIENCE: Duration = Duration::from_secs(60);

    fn take(assembly: &mut Assembly, fragment: Fragment) -> Result<Option<Message>, Violation> {
        assembly.take(fragment, Time::ZERO, PATIENCE)
    }

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
            assert_eq!(take(&mut assembly, piece.clone()), Ok(None));
            assert_eq!(take(&mut assembly, piece), Ok(None));
        }
        assert_eq!(take(&mut assembly, last), Ok(Some(large())));
    }

    #[test]
    fn misfits_are_violations() {
        let mut assembly = Assembly::default();
        let piece = pieces().remove(0);
        let beyond = Fragment {
            offset: piece.total,
            ..piece.clone()
        };
        assert_eq!(take(&mut assembly, beyond), Err(Violation::BadFragment));
        assert_eq!(take(&mut assembly, piece.clone()), Ok(None));
        let other_total = Fragment {
            total: piece.total - 1,
            ..piece.clone()
        };
        assert_eq!(
            take(&mut assembly, other_total),
            Err(Violation::BadFragment)
        );
        let huge = Fragment {
            transfer: 2,
            total: u32::MAX,
            ..piece.clone()
        };
        assert_eq!(take(&mut assembly, huge), Err(Violation::BadFragment));
        for transfer in 2..17 {
            assert_eq!(
                take(
                    &mut assembly,
                    Fragment {
                        transfer,
                        ..piece.clone()
                    }
                ),
                Ok(None)
            );
        }
        assert_eq!(
            take(
                &mut assembly,
                Fragment {
                    transfer: 99,
                    ..piece.clone()
                }
            ),
            Err(Violation::Flood)
        );
        let late = Time::ZERO + PATIENCE;
        let piece = Fragment {
            transfer: 99,
            ..piece
        };
        assert_eq!(assembly.take(piece, late, PATIENCE), Ok(None));
        assert_eq!(assembly.transfers.len(), 1, "stalled ones are over");
    }

    #[test]
    fn only_the_last_piece_may_be_short() {
        let mut assembly = Assembly::default();
        let piece = pieces().remove(0);
        let short = Fragment {
            bytes: piece.bytes.slice(..MIN_PIECE - 1),
            ..piece.clone()
        };
        assert_eq!(take(&mut assembly, short), Err(Violation::BadFragment));
        let last = Fragment {
            offset: piece.total - 1,
            bytes: piece.bytes.slice(..1),
            ..piece
        };
        assert_eq!(take(&mut assembly, last), Ok(None));
    }
}
