//! A suite for speed: the hash of the simulator's stand-in, but over every byte, since
//! here somebody does forge.

use cliqueclique_core::crypto::Suite;
use cliqueclique_core::id::{DocumentId, PublicKey, SecretKey, Signature};
use cliqueclique_sim::suite::Cheap;

/// The suite. Whoever knows a public key could sign; no target does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brisk;

impl Suite for Brisk {
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        Cheap.hash(domain, parts)
    }

    fn public_key(&self, secret: &SecretKey) -> PublicKey {
        Cheap.public_key(secret)
    }

    fn sign(&self, secret: &SecretKey, message: &[u8]) -> Signature {
        signature(&self.public_key(secret), message)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], given: &Signature) -> bool {
        signature(key, message) == *given
    }

    fn document_id(&self, bytes: &[u8]) -> DocumentId {
        DocumentId(self.hash("document", &[bytes]))
    }
}

fn signature(key: &PublicKey, message: &[u8]) -> Signature {
    let mut bytes = [0; Signature::LEN];
    for (half, name) in bytes.as_chunks_mut::<32>().0.iter_mut().zip([b"a", b"b"]) {
        *half = Cheap.hash("sign", &[name, &key.0, message]);
    }
    Signature::from_bytes(&bytes)
}
