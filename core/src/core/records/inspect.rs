//! What records say, for who looks after a store without running a node.

use super::{Core, NodeRecord, OverlayRecord, PeerRecord, RestoreError, SEQUENCE_LEAP, VERSION};
use crate::crypto::Suite;
use crate::effect::Record;
use crate::id::DocumentId;
use crate::overlay::Stage;
use bytes::Bytes;
use std::collections::BTreeSet;

/// What an overlay's record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    /// The document whose overlay it is.
    pub document: DocumentId,
    /// The document is stored, too.
    pub held: bool,
    /// Sequence of the claim that the node made there: at most the highest that it used.
    pub sequence: u64,
}

impl Core {
    /// Reads a record as a restart would: what it says, if it is an overlay's.
    ///
    /// # Errors
    /// [`RestoreError::Record`] if it is damaged, of another version, or of something else than
    /// `record` names.
    pub fn inspect(
        record: Record,
        bytes: &[u8],
        suite: &dyn Suite,
    ) -> Result<Option<AtRest>, RestoreError> {
        let damaged = |_| RestoreError::Record;
        let (fits, says) = match record {
            Record::Node => {
                let read: NodeRecord = postcard::from_bytes(bytes).map_err(damaged)?;
                (read.version == VERSION, None)
            }
            Record::Peer(node) => {
                let read: PeerRecord = postcard::from_bytes(bytes).map_err(damaged)?;
                (read.version == VERSION && read.node == node, None)
            }
            Record::Overlay(tag) => {
                let read: OverlayRecord<'_> = postcard::from_bytes(bytes).map_err(damaged)?;
                let says = AtRest {
                    document: read.id,
                    held: read.stage == Stage::Holding,
                    sequence: read.key.sequence,
                };
                let fits = read.version == VERSION && suite.tag(&read.id) == tag;
                (fits, Some(says))
            }
        };
        if fits {
            Ok(says)
        } else {
            Err(RestoreError::Record)
        }
    }

    /// A record for a node that lost its own: it blocks nobody, and its claims will be newer than
    /// any that it made, if `sequence` is the highest in the records of its overlays.
    #[must_use]
    pub fn record_after(sequence: u64) -> Bytes {
        super::encode(&NodeRecord {
            version: VERSION,
            sequence: sequence.saturating_add(SEQUENCE_LEAP),
            blocked_peers: BTreeSet::new(),
            blocked_authors: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519Blake3;
    use crate::id::{NodeId, Tag};

    #[test]
    fn a_new_record_is_read_and_half_of_it_is_not() {
        let bytes = Core::record_after(5);
        let look = |record, bytes: &[u8]| Core::inspect(record, bytes, &Ed25519Blake3);
        assert_eq!(look(Record::Node, &bytes), Ok(None));
        assert_eq!(look(Record::Node, &bytes[..2]), Err(RestoreError::Record));
        let mut other = bytes.to_vec();
        other[0] ^= 1;
        assert_eq!(look(Record::Node, &other), Err(RestoreError::Record));
        for record in [Record::Peer(NodeId([1; 16])), Record::Overlay(Tag([1; 8]))] {
            assert_eq!(look(record, &bytes), Err(RestoreError::Record));
        }
    }
}
