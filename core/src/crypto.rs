//! The seam behind which hashing, signing and verifying live.
//!
//! The protocol needs four operations. [`Ed25519Blake3`] is what the wire
//! prescribes; a simulator may inject a cheap stand-in with the same sizes.
//! Verifying *documents* is not done here but asked of the runner
//! ([`crate::Effect::Admit`]), so that a node may do it in batches elsewhere.

use crate::id::{DocumentId, NodeId, PublicKey, SecretKey, Signature, Tag};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Arc;

/// What the protocol asks of cryptography. Implementations are pure: the same
/// arguments give the same result.
pub trait Suite: Debug + Send + Sync {
    /// 32-byte hash of `parts` one after another, under a `domain` that keeps uses apart.
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32];
    /// Public key that belongs to a secret key.
    fn public_key(&self, secret: &SecretKey) -> PublicKey;
    /// Signs a message.
    fn sign(&self, secret: &SecretKey, message: &[u8]) -> Signature;
    /// True if `signature` over `message` was made with the secret of `key`.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;

    /// Id of the document with these canonical bytes.
    fn document_id(&self, bytes: &[u8]) -> DocumentId {
        DocumentId(self.hash("document", &[bytes]))
    }

    /// Id of the node with this key.
    fn node_id(&self, key: &PublicKey) -> NodeId {
        NodeId(prefix(&self.hash("node", &[&key.0])))
    }

    /// Blinded short name of a document.
    fn tag(&self, id: &DocumentId) -> Tag {
        Tag(prefix(&self.hash("tag", &[&id.0])))
    }
}

/// Shared handle to a suite.
pub type SharedSuite = Arc<dyn Suite>;

/// First `N` bytes of a hash.
#[must_use]
pub fn prefix<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut short = [0; N];
    short.copy_from_slice(&hash[..N]);
    short
}

/// The suite of the wire: BLAKE3 over `cliqueclique/1/`, the domain, a zero byte
/// and the parts; Ed25519 with strict verification.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519Blake3;

thread_local! {
    /// The key that this thread used last. To expand a secret costs as much as to sign with it,
    /// and a node signs with one secret on a thread of its own. It is wiped when it goes.
    static LAST: RefCell<Option<SigningKey>> = const { RefCell::new(None) };
}

/// Uses a secret in its expanded form. A memo of a pure function: nobody can tell it from the
/// function but by time.
fn expanded<T>(secret: &SecretKey, with: impl FnOnce(&SigningKey) -> T) -> T {
    LAST.with_borrow_mut(|last| {
        let known = last.take().filter(|key| *key.as_bytes() == secret.0);
        with(last.insert(known.unwrap_or_else(|| SigningKey::from_bytes(&secret.0))))
    })
}

impl Suite for Ed25519Blake3 {
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"cliqueclique/1/");
        hasher.update(domain.as_bytes());
        hasher.update(&[0]);
        for part in parts {
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    fn public_key(&self, secret: &SecretKey) -> PublicKey {
        expanded(secret, |key| PublicKey(key.verifying_key().to_bytes()))
    }

    fn sign(&self, secret: &SecretKey, message: &[u8]) -> Signature {
        expanded(secret, |key| {
            Signature::from_bytes(&key.sign(message).to_bytes())
        })
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.to_bytes());
        VerifyingKey::from_bytes(&key.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let suite = Ed25519Blake3;
        let secret = SecretKey([7; 32]);
        let key = suite.public_key(&secret);
        let signature = suite.sign(&secret, b"hello");
        assert!(suite.verify(&key, b"hello", &signature));
        assert!(!suite.verify(&key, b"hellp", &signature));
        assert!(!suite.verify(&suite.public_key(&SecretKey([8; 32])), b"hello", &signature));
        assert!(!suite.verify(&PublicKey([255; 32]), b"hello", &signature));
    }

    #[test]
    fn keys_that_take_turns_sign_as_keys_that_are_expanded_anew() {
        let suite = Ed25519Blake3;
        for at in [1, 2, 2, 1, 3, 3, 1] {
            let secret = SecretKey([at; 32]);
            let fresh = SigningKey::from_bytes(&secret.0);
            let message = [at; 9];
            let signature = suite.sign(&secret, &message).to_bytes();
            assert_eq!(signature, fresh.sign(&message).to_bytes());
            assert_eq!(
                suite.public_key(&secret).0,
                fresh.verifying_key().to_bytes()
            );
        }
    }

    #[test]
    fn domains_keep_hashes_apart() {
        let suite = Ed25519Blake3;
        assert_ne!(suite.hash("a", &[b"x"]), suite.hash("b", &[b"x"]));
    }
}
