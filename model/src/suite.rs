//! A cheap stand-in for cryptography with the sizes of the real one. Nobody forges in a
//! model, and hashing would be most of the work.

use cliqueclique_core::crypto::Suite;
use cliqueclique_core::id::{PublicKey, SecretKey, Signature};

/// Odd constants of wyhash (Wang Yi 2019).
const KEYS: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

/// The stand-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cheap;

impl Suite for Cheap {
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut state = absorb(KEYS[0], domain.as_bytes());
        for part in parts {
            state = absorb(state, part);
        }
        let mut hash = [0; 32];
        for (key, out) in KEYS.iter().zip(hash.as_chunks_mut::<8>().0) {
            *out = fold(state ^ key, *key).to_le_bytes();
        }
        hash
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
}

fn signature(key: &PublicKey, message: &[u8]) -> Signature {
    let half = Cheap.hash("sign", &[&key.0, message]);
    let mut bytes = [0; Signature::LEN];
    bytes[..32].copy_from_slice(&half);
    bytes[32..].copy_from_slice(&half);
    Signature::from_bytes(&bytes)
}

/// Takes in bytes, and where they end.
fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let state = words.iter().fold(state, |state, word| {
        fold(state ^ u64::from_le_bytes(*word), KEYS[1])
    });
    let state = fold(state ^ u64::from_le_bytes(last), KEYS[2]);
    fold(state ^ bytes.len() as u64, KEYS[3])
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "folding the two halves of a product"
)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ KEYS[3]) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
