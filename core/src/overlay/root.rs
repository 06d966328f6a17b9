//! Root keys: who may be overlay root, and which claim wins (PROTOCOL.md, *Root key*).

use crate::crypto::{Suite, prefix};
use crate::id::{DocumentId, NodeId, PublicKey, SecretKey};
use crate::message::{Claim, Rank};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What decides between claims: rank, then node id, then sequence; the greatest
/// wins. The sequence lets a restarted node outbid its own ghost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RootKey {
    pub(crate) rank: Rank,
    pub(crate) id: NodeId,
    pub(crate) sequence: u64,
}

/// A claim to be overlay root.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) key: RootKey,
    /// First bytes of the hash of the key: its name on the wire once it was shown.
    pub(crate) short: [u8; 4],
    /// The signed claim; none for a founder, whom the document proves.
    pub(crate) claim: Option<Claim>,
}

impl Root {
    /// A root by its key; a founder has no claim.
    pub(crate) fn new(key: RootKey, claim: Option<Claim>, suite: &dyn Suite) -> Arc<Self> {
        let parts: [&[u8]; 3] = [
            &[rank_byte(key.rank)],
            &key.id.0,
            &key.sequence.to_le_bytes(),
        ];
        Arc::new(Self {
            key,
            short: prefix(&suite.hash("root", &parts)),
            claim,
        })
    }

    /// The founder's key: the author of the document.
    pub(crate) fn founder(author: NodeId, suite: &dyn Suite) -> Arc<Self> {
        Self::new(
            RootKey {
                rank: Rank::Founder,
                id: author,
                sequence: 0,
            },
            None,
            suite,
        )
    }

    /// Own claim, signed now.
    pub(crate) fn own(
        key: RootKey,
        document: &DocumentId,
        public: PublicKey,
        secret: &SecretKey,
        suite: &dyn Suite,
    ) -> Arc<Self> {
        if key.rank == Rank::Founder {
            return Self::new(key, None, suite);
        }
        let signature = suite.sign(
            secret,
            &claim_message(suite, document, key.rank, key.sequence),
        );
        let claim = Claim {
            rank: key.rank,
            key: public,
            sequence: key.sequence,
            signature,
        };
        Self::new(key, Some(claim), suite)
    }

    /// A claim that somebody sent, if its signature is right.
    pub(crate) fn verified(
        claim: Claim,
        document: &DocumentId,
        suite: &dyn Suite,
    ) -> Option<Arc<Self>> {
        let message = claim_message(suite, document, claim.rank, claim.sequence);
        let good =
            claim.rank != Rank::Founder && suite.verify(&claim.key, &message, &claim.signature);
        let key = RootKey {
            rank: claim.rank,
            id: suite.node_id(&claim.key),
            sequence: claim.sequence,
        };
        good.then(|| Self::new(key, Some(claim), suite))
    }
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Root {}

fn rank_byte(rank: Rank) -> u8 {
    match rank {
        Rank::Leaving => 0,
        Rank::Holder => 1,
        Rank::Subscriber => 2,
        Rank::Founder => 3,
    }
}

/// What a claimant signs.
fn claim_message(suite: &dyn Suite, document: &DocumentId, rank: Rank, sequence: u64) -> [u8; 32] {
    suite.hash(
        "claim",
        &[&document.0, &[rank_byte(rank)], &sequence.to_le_bytes()],
    )
}
