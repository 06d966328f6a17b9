//! Root keys: who may be overlay root, and which claim wins (PROTOCOL.md, *Root key*).

use crate::crypto::{Suite, prefix};
use crate::id::{DocumentId, NodeId, PublicKey, SecretKey, Signature};
use crate::message::{Claim, Rank};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What decides between claims: rank, line, generation, node id, sequence, in this
/// order; the greatest wins. A node's own claim begins a line with its id; who
/// succeeds a root keeps the line and adds one to the generation (rule *Succeed*).
/// The sequence lets a restarted node outbid its own ghost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RootKey {
    pub(crate) rank: Rank,
    pub(crate) line: NodeId,
    pub(crate) generation: u32,
    /// The root itself.
    pub(crate) id: NodeId,
    pub(crate) sequence: u64,
}

impl RootKey {
    /// The first of its line.
    pub(crate) fn first(rank: Rank, id: NodeId, sequence: u64) -> Self {
        Self {
            rank,
            line: id,
            generation: 0,
            id,
            sequence,
        }
    }

    /// The key that a document gives its author at its birth, with or without the founder's
    /// mark. It is proven by the document, not by a claim.
    pub(crate) fn of_birth(author: NodeId, founder: bool) -> Self {
        let rank = if founder { Rank::Founder } else { Rank::Author };
        Self::first(rank, author, 0)
    }

    /// Proven by the document, not by a claim.
    pub(crate) fn is_of_birth(&self) -> bool {
        self.rank.of_birth() && self.generation == 0
    }
}

/// A claim to be overlay root.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) key: RootKey,
    /// First bytes of the hash of the key: its name on the wire once it was shown.
    pub(crate) short: [u8; 4],
    /// The signed claim; none for a key of birth, which the document proves.
    pub(crate) claim: Option<Claim>,
}

impl Root {
    /// A root by its key; one of birth has no claim.
    pub(crate) fn new(key: RootKey, claim: Option<Claim>, suite: &dyn Suite) -> Arc<Self> {
        let parts: [&[u8]; 5] = [
            &[rank_byte(key.rank)],
            &key.line.0,
            &key.generation.to_le_bytes(),
            &key.id.0,
            &key.sequence.to_le_bytes(),
        ];
        Arc::new(Self {
            key,
            short: prefix(&suite.hash("root", &parts)),
            claim,
        })
    }

    /// The author of the document, since its birth.
    pub(crate) fn of_birth(author: NodeId, founder: bool, suite: &dyn Suite) -> Arc<Self> {
        Self::new(RootKey::of_birth(author, founder), None, suite)
    }

    /// Own claim, signed now.
    pub(crate) fn own(
        key: RootKey,
        document: &DocumentId,
        public: PublicKey,
        secret: &SecretKey,
        suite: &dyn Suite,
    ) -> Arc<Self> {
        if key.is_of_birth() {
            return Self::new(key, None, suite);
        }
        let mut claim = Claim {
            rank: key.rank,
            key: public,
            succeeds: (key.generation > 0).then_some((key.line, key.generation)),
            sequence: key.sequence,
            signature: Signature::from_bytes(&[0; 64]),
        };
        claim.signature = suite.sign(secret, &claim_message(suite, document, &claim));
        Self::new(key, Some(claim), suite)
    }

    /// A claim that somebody sent, if its signature is right.
    pub(crate) fn verified(
        claim: Claim,
        document: &DocumentId,
        suite: &dyn Suite,
    ) -> Option<Arc<Self>> {
        let message = claim_message(suite, document, &claim);
        let id = suite.node_id(&claim.key);
        let (line, generation) = claim.succeeds.unwrap_or((id, 0));
        let succeeds = generation > 0 && claim.rank >= Rank::Holder;
        let plain = claim.succeeds.is_none() && !claim.rank.of_birth();
        let good = (succeeds || plain) && suite.verify(&claim.key, &message, &claim.signature);
        let key = RootKey {
            rank: claim.rank,
            line,
            generation,
            id,
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

impl std::hash::Hash for Root {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

fn rank_byte(rank: Rank) -> u8 {
    match rank {
        Rank::Leaving => 0,
        Rank::Holder => 1,
        Rank::Subscriber => 2,
        Rank::Founder => 3,
        Rank::Author => 4,
    }
}

/// What a claimant signs.
fn claim_message(suite: &dyn Suite, document: &DocumentId, claim: &Claim) -> [u8; 32] {
    let (line, generation) = claim.succeeds.unwrap_or((NodeId([0; 16]), 0));
    suite.hash(
        "claim",
        &[
            &document.0,
            &[rank_byte(claim.rank)],
            &claim.sequence.to_le_bytes(),
            &line.0,
            &generation.to_le_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519Blake3;

    const SUITE: Ed25519Blake3 = Ed25519Blake3;

    fn key(rank: Rank, id: u8, sequence: u64) -> RootKey {
        RootKey::first(rank, NodeId([id; 16]), sequence)
    }

    fn own(rank: Rank) -> Arc<Root> {
        let secret = SecretKey([3; 32]);
        let public = SUITE.public_key(&secret);
        let id = SUITE.node_id(&public);
        let key = RootKey::first(rank, id, 7);
        Root::own(key, &DocumentId([1; 32]), public, &secret, &SUITE)
    }

    #[test]
    fn rank_counts_before_id_before_sequence() {
        let order = [
            key(Rank::Leaving, 9, 9),
            key(Rank::Holder, 1, 9),
            key(Rank::Holder, 2, 1),
            key(Rank::Holder, 2, 2),
            key(Rank::Author, 1, 0),
            key(Rank::Subscriber, 1, 1),
            key(Rank::Founder, 0, 0),
        ];
        assert!(order.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_own_claim_is_good_for_its_document_alone() {
        let root = own(Rank::Subscriber);
        let claim = root.claim.clone().expect("signed");
        let read = Root::verified(claim.clone(), &DocumentId([1; 32]), &SUITE);
        let read = read.expect("the signature is right");
        assert_eq!((read.key, read.short), (root.key, root.short));
        assert_eq!(
            Root::verified(claim.clone(), &DocumentId([2; 32]), &SUITE),
            None
        );
        for forged in [
            Claim {
                sequence: 8,
                ..claim.clone()
            },
            Claim {
                rank: Rank::Holder,
                ..claim.clone()
            },
            Claim {
                rank: Rank::Founder,
                ..claim.clone()
            },
            Claim {
                rank: Rank::Author,
                ..claim.clone()
            },
            Claim {
                succeeds: Some((NodeId([9; 16]), 1)),
                ..claim
            },
        ] {
            assert_eq!(Root::verified(forged, &DocumentId([1; 32]), &SUITE), None);
        }
    }

    #[test]
    fn a_key_of_birth_needs_no_claim() {
        let of = |id, founder| Root::of_birth(NodeId([id; 16]), founder, &SUITE);
        let founder = of(4, true);
        assert_eq!((founder.key.rank, founder.key.sequence), (Rank::Founder, 0));
        assert_ne!(founder.short, of(5, true).short);
        assert_ne!(founder.short, of(4, false).short);
        assert_eq!(own(Rank::Founder).claim, None);
        assert_eq!(own(Rank::Author).claim, None);
    }
}
