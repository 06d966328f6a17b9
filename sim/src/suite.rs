//! A cheap stand-in for cryptography with the sizes of the real one, so that
//! hashing and signing do not decide the speed of a simulation. Nobody forges in
//! a simulation that uses it: whoever knows a public key could.
//!
//! Hashes are four lanes of folded multiplication (after wyhash, Wang Yi 2019).
//! A document's id covers its header, the first bytes of its body, its length
//! and its signature; bodies in a simulation begin with a counter, so documents
//! differ there.

use cliqueclique_core::crypto::Suite;
use cliqueclique_core::id::{DocumentId, PublicKey, SecretKey, Signature};

const KEYS: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];
/// Bytes of a long message that a signature covers at its start: the largest
/// header of a document and the counter of its body fit.
const HEAD: usize = 616;
/// Bytes at its end.
const TAIL: usize = 64;

/// The stand-in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cheap;

impl Suite for Cheap {
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = Hasher::new(domain);
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }

    fn public_key(&self, secret: &SecretKey) -> PublicKey {
        PublicKey(secret.0.map(|byte| byte ^ 0xa5))
    }

    fn sign(&self, secret: &SecretKey, message: &[u8]) -> Signature {
        signature(&self.public_key(secret), message)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], given: &Signature) -> bool {
        signature(key, message) == *given
    }

    fn document_id(&self, bytes: &[u8]) -> DocumentId {
        let mut hasher = Hasher::new("document");
        hasher.update(&bytes[..header_length(bytes)]);
        hasher.update(&bytes[bytes.len().saturating_sub(TAIL)..]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        DocumentId(hasher.finish())
    }
}

/// Length of a document's header with the counter at the front of its body.
fn header_length(bytes: &[u8]) -> usize {
    let count = |at: usize| bytes.get(at).map_or(0, |&count| usize::from(count));
    let children = 43 + 32 * count(42);
    (children + 1 + 32 * count(children) + 4 + 8).min(bytes.len())
}

fn signature(key: &PublicKey, message: &[u8]) -> Signature {
    let mut hasher = Hasher::new("sign");
    hasher.update(&key.0);
    if message.len() <= HEAD + TAIL {
        hasher.update(message);
    } else {
        hasher.update(&message[..HEAD]);
        hasher.update(&message[message.len() - TAIL..]);
    }
    hasher.update(&(message.len() as u64).to_le_bytes());
    let half = hasher.finish();
    let mut bytes = [0; Signature::LEN];
    bytes[..32].copy_from_slice(&half);
    bytes[32..].copy_from_slice(&half.map(|byte| byte.rotate_left(3)));
    Signature::from_bytes(&bytes)
}

/// Takes bytes as one stream, however they are cut into parts.
struct Hasher {
    lanes: [u64; 4],
    next: usize,
    carry: [u8; 8],
    carried: usize,
    total: u64,
}

impl Hasher {
    fn new(domain: &str) -> Self {
        let mut hasher = Self {
            lanes: KEYS,
            next: 0,
            carry: [0; 8],
            carried: 0,
            total: 0,
        };
        hasher.update(domain.as_bytes());
        hasher.update(&[0]);
        hasher
    }

    fn update(&mut self, mut part: &[u8]) {
        self.total += part.len() as u64;
        if self.carried > 0 {
            let take = part.len().min(8 - self.carried);
            self.carry[self.carried..self.carried + take].copy_from_slice(&part[..take]);
            self.carried += take;
            part = &part[take..];
            if self.carried < 8 {
                return;
            }
            self.word(u64::from_le_bytes(self.carry));
            self.carried = 0;
        }
        let (words, rest) = part.as_chunks::<8>();
        words
            .iter()
            .for_each(|word| self.word(u64::from_le_bytes(*word)));
        self.carry[..rest.len()].copy_from_slice(rest);
        self.carried = rest.len();
    }

    fn word(&mut self, word: u64) {
        let lane = &mut self.lanes[self.next];
        *lane = fold(*lane ^ word, KEYS[self.next]).wrapping_add(word.rotate_left(23));
        self.next = (self.next + 1) % 4;
    }

    fn finish(mut self) -> [u8; 32] {
        self.carry[self.carried..].fill(0);
        self.word(u64::from_le_bytes(self.carry));
        self.word(self.total);
        for _ in 0..2 {
            let [a, b, c, d] = self.lanes;
            self.lanes = [
                fold(a ^ b, KEYS[1]).wrapping_add(c),
                fold(b ^ c, KEYS[2]).wrapping_add(d),
                fold(c ^ d, KEYS[3]).wrapping_add(a),
                fold(d ^ a, KEYS[0]).wrapping_add(b),
            ];
        }
        let mut bytes = [0; 32];
        for (lane, out) in self.lanes.iter().zip(bytes.as_chunks_mut::<8>().0) {
            *out = lane.to_le_bytes();
        }
        bytes
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "folding the two halves of a product"
)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cliqueclique_core::document::{Document, Draft};

    #[test]
    fn a_hash_depends_on_every_byte_and_not_on_the_cuts() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = Cheap.hash("x", &[&bytes]);
        assert_eq!(
            whole,
            Cheap.hash("x", &[&bytes[..3], &bytes[3..50], &bytes[50..]])
        );
        assert_ne!(whole, Cheap.hash("y", &[&bytes]));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(whole, Cheap.hash("x", &[&other]), "byte {at}");
        }
    }

    #[test]
    fn signatures_hold_for_their_key_and_message() {
        let secret = SecretKey([3; 32]);
        let key = Cheap.public_key(&secret);
        let signature = Cheap.sign(&secret, b"hello");
        assert!(Cheap.verify(&key, b"hello", &signature));
        assert!(!Cheap.verify(&key, b"hellp", &signature));
        assert!(!Cheap.verify(&Cheap.public_key(&SecretKey([4; 32])), b"hello", &signature));
    }

    #[test]
    fn documents_differ_by_counter_author_and_length() {
        let document = |counter: u64, secret: u8, length: usize| {
            let mut body = vec![0; length];
            body[..8].copy_from_slice(&counter.to_le_bytes());
            let draft = Draft {
                body: Bytes::from(body),
                ..Draft::default()
            };
            Document::sign(&draft, &SecretKey([secret; 32]), &Cheap).expect("within limits")
        };
        let first = document(1, 1, 2_000);
        assert!(first.is_signed(&Cheap));
        for other in [
            document(2, 1, 2_000),
            document(1, 2, 2_000),
            document(1, 1, 2_001),
        ] {
            assert_ne!(first.id(), other.id());
            assert_ne!(first.tag(), other.tag());
        }
    }

    #[test]
    fn any_bytes_have_an_id() {
        for length in 0..200 {
            let bytes = vec![0xff; length];
            let _ = Cheap.document_id(&bytes);
        }
    }
}
