//! An account's I2P destination. It is made here, not by a router, so that a node knows its
//! address before it has found one, and keeps it.
//!
//! A destination is 384 bytes of keys and a certificate that tells their kinds: signatures by
//! Ed25519 (7), encryption by ElGamal (0). Only the signing key is used: sessions encrypt to
//! keys of their own (`i2cp.leaseSetEncType`), and what stands in place of the other is noise,
//! as the specification allows (<https://geti2p.net/spec/common-structures>, Destination).

use data_encoding::{BASE32_NOPAD, BASE64, Encoding, Specification};
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::LazyLock;

/// Key certificate, 4 bytes: Ed25519, ElGamal.
const CERTIFICATE: [u8; 7] = [5, 0, 4, 0, 7, 0, 0];
const DESTINATION: usize = 384 + CERTIFICATE.len();
/// The destination, 256 bytes in place of the key of ElGamal, the signing key.
const PRIVATE: usize = DESTINATION + 256 + 32;
/// Longest destination that a peer may have; other certificates are longer than ours.
const LONGEST: usize = 1_024;

/// I2P's own alphabet.
static BASE: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification: Specification = BASE64.specification();
    specification.symbols = specification.symbols.replace('+', "-").replace('/', "~");
    // The standard alphabet with two letters replaced is an alphabet.
    specification.encoding().unwrap_or(BASE64)
});

/// A destination with its secret keys, as SAM has them.
#[derive(Clone)]
pub(crate) struct Keys(Vec<u8>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// New ones, from bytes that nobody can guess.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn make() -> io::Result<Self> {
        let mut bytes = vec![0; PRIVATE];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let seed = <[u8; 32]>::try_from(&bytes[PRIVATE - 32..]).map_err(io::Error::other)?;
        let public = SigningKey::from_bytes(&seed).verifying_key();
        bytes[384 - 32..384].copy_from_slice(public.as_bytes());
        bytes[384..DESTINATION].copy_from_slice(&CERTIFICATE);
        Ok(Self(bytes))
    }

    /// Reads the text of [`Keys::text`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE.decode(text.as_bytes()).ok()?;
        let seed = <[u8; 32]>::try_from(bytes.get(PRIVATE - 32..)?).ok()?;
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let fits =
            bytes[384 - 32..384] == *public.as_bytes() && bytes[384..DESTINATION] == CERTIFICATE;
        fits.then_some(Self(bytes))
    }

    /// As SAM's `DESTINATION=` and its `DEST GENERATE` have it. Secret.
    pub(crate) fn text(&self) -> String {
        BASE.encode(&self.0)
    }

    /// Hash of the destination, which names it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0[..DESTINATION]).into()
    }

    /// The destination without secrets, as routers tell it to others.
    #[cfg(test)]
    pub(crate) fn public(&self) -> String {
        BASE.encode(&self.0[..DESTINATION])
    }
}

/// Hash of a destination that a router told.
pub(crate) fn hash_of(text: &str) -> Option<[u8; 32]> {
    let bytes = BASE.decode(text.as_bytes()).ok()?;
    let fits = (384 + 3..=LONGEST).contains(&bytes.len());
    fits.then(|| Sha256::digest(&bytes).into())
}

/// A hash as `HASH.b32.i2p` has it: 52 letters and digits.
pub(crate) fn name(hash: &[u8; 32]) -> String {
    BASE32_NOPAD.encode(hash).to_ascii_lowercase()
}

/// The hash of a name.
pub(crate) fn unhash(name: &str) -> Option<[u8; 32]> {
    // One way to write it only: a peer has one address.
    let bytes = BASE32_NOPAD
        .decode(name.to_ascii_uppercase().as_bytes())
        .ok()?;
    let hash = bytes.try_into().ok()?;
    (self::name(&hash) == name).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_name_one_destination() {
        let keys = Keys::make().expect("made");
        let text = keys.text();
        assert_eq!((text.len(), keys.public().len()), (908, 524));
        let again = Keys::parse(&text).expect("read");
        assert_eq!(again.hash(), keys.hash());
        assert_eq!(hash_of(&keys.public()), Some(keys.hash()));
        assert_eq!(unhash(&name(&keys.hash())), Some(keys.hash()));
        assert_ne!(Keys::make().expect("made").hash(), keys.hash());
    }

    #[test]
    fn damaged_keys_and_names_are_refused() {
        let text = Keys::make().expect("made").text();
        assert!(Keys::parse(&text[4..]).is_none());
        assert!(Keys::parse(&format!("{}AAA=", &text[..904])).is_none());
        assert!(Keys::parse("").is_none());
        assert!(hash_of("AAAA").is_none());
        assert!(hash_of(&"A".repeat(4_000)).is_none());
        let name = name(&[7; 32]);
        assert!(unhash(&name.to_uppercase()).is_none());
        assert!(unhash(&name[1..]).is_none());
        assert!(unhash("a\nSTREAM").is_none());
    }
}
