//! An account in a file that a passphrase protects: all that makes it this user's.
//!
//! The form: [`MAGIC`]; Argon2id's memory (KiB), passes and lanes (4 bytes each, little-endian),
//! its salt (16 bytes); the nonce (24 bytes); and, encrypted by XChaCha20-Poly1305 with all before
//! as associated data, JSON of an [`Account`]. A wrong passphrase and a changed byte look the same:
//! nothing of a file is used before all of it has proved right.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use std::fmt;

/// First bytes; the number is that of the form.
pub(crate) const MAGIC: &[u8] = b"cliqueclique account 1\n";
/// Largest file, bytes: the read marks of some million documents.
pub(crate) const LARGEST: u64 = 512 * 1024 * 1024;
/// Cost of a guess: memory in KiB, passes, lanes (RFC 9106, second recommended choice).
const COST: [u32; 3] = [64 * 1024, 3, 4];
/// Most memory in KiB, and most passes and lanes, that a file may ask for.
const MOST: [u32; 3] = [1024 * 1024, 16, 16];
const SALT: usize = 16;
const NONCE: usize = 24;
const HEAD: usize = MAGIC.len() + 12 + SALT + NONCE;
/// Shortest passphrase, characters: a file may fall into other hands.
pub(crate) const SHORTEST: usize = 8;

/// What an account is. Ids and keys are hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// Its secret key.
    pub(crate) key: String,
    /// The secret keys of its I2P destination, if it has one.
    pub(crate) i2p: Option<String>,
    /// Where it listens, and what it tells others instead.
    pub(crate) listen: String,
    pub(crate) announce: Option<String>,
    /// Documents and what the user chose for them: hold, subscribe, follow.
    pub(crate) wishes: Vec<Wish>,
    /// Documents that are kept.
    pub(crate) bookmarks: Vec<String>,
    /// Documents that were read.
    pub(crate) read: Vec<String>,
    /// Authors that are hidden.
    pub(crate) muted: Vec<String>,
    /// Peers that are refused.
    pub(crate) blocked: Vec<String>,
}

/// What the user chose for a document, and who may have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The document.
    pub(crate) id: String,
    /// Own part; nothing if it is only bookmarked.
    pub(crate) mode: Option<String>,
    /// Addresses of peers that had it.
    pub(crate) places: Vec<String>,
}

/// Why a file is not taken, or none is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is no such file, or too short.
    Form,
    /// It asks for more than this machine gives.
    Cost,
    /// The passphrase is wrong, or a byte.
    Closed,
    /// What it holds is none of ours.
    Content(String),
    /// The passphrase is too short.
    Weak,
    /// No randomness.
    Entropy,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "it is no whole file of an account: `export account` writes such, this one may \
                 be cut off",
            ),
            Self::Cost => f.write_str(
                "it asks for more memory or time than an account's file does: it is damaged, or \
                 made to do harm",
            ),
            Self::Closed => f.write_str(
                "the passphrase is wrong, or the file was damaged; expected the passphrase that \
                 was given to `export account`",
            ),
            Self::Content(why) => write!(f, "what it holds is no account: {why}"),
            Self::Weak => write!(
                f,
                "the passphrase is too short: expected {SHORTEST} characters or more, better five \
                 random words"
            ),
            Self::Entropy => f.write_str("this machine gives no random numbers"),
        }
    }
}

/// Encrypts an account.
///
/// # Errors
/// The passphrase is too short.
pub(crate) fn seal(account: &Account, passphrase: &str) -> Result<Vec<u8>, Flaw> {
    if passphrase.chars().count() < SHORTEST {
        return Err(Flaw::Weak);
    }
    let mut random = [0; SALT + NONCE];
    getrandom::fill(&mut random).map_err(|_| Flaw::Entropy)?;
    let mut bytes = MAGIC.to_vec();
    COST.iter()
        .for_each(|cost| bytes.extend(cost.to_le_bytes()));
    bytes.extend(random);
    let text = serde_json::to_vec(account).map_err(|error| Flaw::Content(error.to_string()))?;
    let cipher = cipher(&bytes, passphrase)?;
    let payload = Payload {
        msg: &text,
        aad: &bytes,
    };
    let nonce = XNonce::from_slice(&bytes[HEAD - NONCE..]);
    let sealed = cipher.encrypt(nonce, payload).map_err(|_| Flaw::Form)?;
    bytes.extend(sealed);
    Ok(bytes)
}

/// Decrypts an account.
///
/// # Errors
/// What is wrong.
pub(crate) fn open(file: &[u8], passphrase: &str) -> Result<Account, Flaw> {
    if file.len() < HEAD || !file.starts_with(MAGIC) {
        return Err(Flaw::Form);
    }
    let (head, sealed) = file.split_at(HEAD);
    let cipher = cipher(head, passphrase)?;
    let payload = Payload {
        msg: sealed,
        aad: head,
    };
    let nonce = XNonce::from_slice(&head[HEAD - NONCE..]);
    let text = cipher.decrypt(nonce, payload).map_err(|_| Flaw::Closed)?;
    serde_json::from_slice(&text).map_err(|error| Flaw::Content(error.to_string()))
}

/// The cipher that a head and a passphrase give.
fn cipher(head: &[u8], passphrase: &str) -> Result<XChaCha20Poly1305, Flaw> {
    let costs = &head[MAGIC.len()..];
    let cost = |at: usize| {
        let bytes = costs[4 * at..4 * at + 4].try_into().unwrap_or_default();
        u32::from_le_bytes(bytes)
    };
    let [memory, passes, lanes] = [cost(0), cost(1), cost(2)];
    if memory > MOST[0] || passes > MOST[1] || lanes > MOST[2] {
        return Err(Flaw::Cost);
    }
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| Flaw::Cost)?;
    let salt = &costs[12..12 + SALT];
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(|_| Flaw::Cost)?;
    Ok(XChaCha20Poly1305::new(Key::from_slice(&key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_reads_back_with_its_passphrase_only() {
        let account = Account {
            name: "me".to_owned(),
            key: "11".repeat(32),
            read: vec!["22".repeat(32)],
            ..Account::default()
        };
        let file = seal(&account, "correct horse").expect("sealed");
        assert_eq!(open(&file, "correct horse"), Ok(account.clone()));
        assert_eq!(open(&file, "correct house"), Err(Flaw::Closed));
        assert_ne!(file, seal(&account, "correct horse").expect("sealed"));
        let wrong = |at: usize| {
            let mut other = file.clone();
            other[at] ^= 1;
            open(&other, "correct horse").expect_err("refused")
        };
        // The salt, the nonce, what is encrypted.
        for at in [HEAD - NONCE - 1, HEAD - 1, HEAD, file.len() - 1] {
            assert_eq!(wrong(at), Flaw::Closed, "byte {at}");
        }
        assert_eq!(
            open(&file[..file.len() - 1], "correct horse"),
            Err(Flaw::Closed)
        );
        assert_eq!(open(&file[..HEAD - 1], "correct horse"), Err(Flaw::Form));
        assert_eq!(open(b"junk", "correct horse"), Err(Flaw::Form));
    }

    #[test]
    fn a_file_cannot_ask_for_the_whole_memory_and_short_passphrases_are_refused() {
        let mut file = MAGIC.to_vec();
        file.extend([255; 12]);
        file.extend([0; SALT + NONCE + 16]);
        assert_eq!(open(&file, "correct horse"), Err(Flaw::Cost));
        assert_eq!(seal(&Account::default(), "short"), Err(Flaw::Weak));
    }
}
