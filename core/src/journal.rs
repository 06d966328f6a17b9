//! What one core was given and what it answered, written down, so that somebody else can give
//! it the same and must get the same, byte for byte. For nodes that run with real keys
//! ([`Ed25519Blake3`]). A journal holds the node's **secret key**: without it no answer that
//! is signed could be made again.
//!
//! The form: [`MAGIC`], then entries, each with its length (4 bytes, little-endian) before it.
//! Pure: whoever keeps a journal reads and writes the bytes.

use crate::crypto::Ed25519Blake3;
use crate::{
    Address, Config, Core, Document, Effect, Identity, Input, RestoreError, SecretKey, Time,
    WallTime,
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// First bytes of a journal; the number is that of its form.
pub const MAGIC: &[u8] = b"cliqueclique journal 2\n";

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// The core begins; the first entry, and no other.
    Start(Box<Start>),
    /// It is given something.
    Input(Time, Input),
    /// Its effects, each encoded by [`encode_effect`].
    Effects(Vec<Bytes>),
}

/// All that a core is made of.
#[derive(Clone, Serialize, Deserialize)]
pub struct Start {
    /// Settings.
    pub config: Config,
    /// The node's secret key.
    pub secret: [u8; 32],
    /// Its address.
    pub address: Address,
    /// Its seed.
    pub seed: [u8; 32],
    /// Wall time at the start.
    pub wall: WallTime,
    /// Its own record, if it has run before.
    pub record: Option<Bytes>,
    /// Records of peers.
    pub peers: Vec<Bytes>,
}

/// Why a journal cannot be played on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// Bytes that are no entry.
    Damaged,
    /// An entry where it does not belong.
    Order,
    /// The core cannot be made.
    Start(String),
    /// The core answered something else than is written.
    Different {
        /// Which input, counted from 1.
        input: u64,
        /// Which of its effects, counted from 1.
        effect: usize,
        /// What is written; nothing if it is one too many.
        written: Option<String>,
        /// What came; nothing if it is missing.
        came: Option<String>,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        match self {
            Self::Damaged => f.write_str("bytes that are no entry of a journal"),
            Self::Order => f.write_str("an entry where it does not belong"),
            Self::Start(error) => write!(f, "the core cannot be made: {error}"),
            Self::Different {
                input,
                effect,
                written,
                came,
            } => write!(
                f,
                "input {input}, effect {effect} differs:\n  written: {}\n  came:    {}",
                or(written),
                or(came)
            ),
        }
    }
}

impl std::error::Error for JournalError {}

/// Bytes of an effect that are the same for the same effect.
#[must_use]
pub fn encode_effect(effect: &Effect) -> Bytes {
    to_bytes(effect).into()
}

/// An entry with its length before it.
#[must_use]
pub fn encode(entry: &Entry) -> Vec<u8> {
    let body = to_bytes(entry);
    let length = u32::try_from(body.len()).expect("entries are far below 4 GiB");
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(body);
    bytes
}

fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("all of an entry can be encoded")
}

/// Reads what stood behind a length.
///
/// # Errors
/// [`JournalError::Damaged`].
pub fn decode(body: &[u8]) -> Result<Entry, JournalError> {
    match postcard::take_from_bytes(body) {
        Ok((entry, [])) => Ok(entry),
        Ok(_) | Err(_) => Err(JournalError::Damaged),
    }
}

/// Plays a journal to a new core.
#[derive(Debug, Default)]
pub struct Player {
    core: Option<Core>,
    inputs: u64,
    effects: Vec<Effect>,
    /// The last input's effects were not compared yet.
    open: bool,
}

impl Player {
    /// Plays one entry.
    ///
    /// # Errors
    /// The entry does not belong here, or the core answered something else.
    pub fn play(&mut self, entry: Entry) -> Result<(), JournalError> {
        match (entry, &mut self.core) {
            (Entry::Start(start), None) => {
                let core = start.core();
                let core = core.map_err(|error| JournalError::Start(error.to_string()))?;
                self.core = Some(core);
                Ok(())
            }
            (Entry::Input(now, input), Some(core)) if !self.open => {
                self.inputs += 1;
                self.open = true;
                self.effects.clear();
                core.handle(now, input, &mut self.effects);
                Ok(())
            }
            (Entry::Effects(written), Some(_)) if self.open => {
                self.open = false;
                self.compare(&written)
            }
            (Entry::Start(_) | Entry::Input(..) | Entry::Effects(_), _) => Err(JournalError::Order),
        }
    }

    /// Inputs that were played.
    #[must_use]
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    fn compare(&self, written: &[Bytes]) -> Result<(), JournalError> {
        let count = written.len().max(self.effects.len());
        let differs = (0..count).find(|&at| {
            let came = self.effects.get(at).map(encode_effect);
            came.as_ref() != written.get(at)
        });
        let Some(at) = differs else {
            return Ok(());
        };
        let shown = |bytes: &Bytes| match postcard::from_bytes::<Effect>(bytes) {
            Ok(effect) => format!("{effect:?}"),
            Err(_) => "bytes that are no effect".to_owned(),
        };
        Err(JournalError::Different {
            input: self.inputs,
            effect: at + 1,
            written: written.get(at).map(shown),
            came: self.effects.get(at).map(|effect| format!("{effect:?}")),
        })
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        Self::parse(bytes, &Ed25519Blake3).map_err(serde::de::Error::custom)
    }
}

impl Start {
    /// The core.
    ///
    /// # Errors
    /// As [`Core::restore`].
    pub fn core(&self) -> Result<Core, RestoreError> {
        let identity = Identity {
            secret: SecretKey(self.secret),
            address: self.address.clone(),
        };
        Core::restore(
            self.config.clone(),
            identity,
            self.seed,
            Arc::new(Ed25519Blake3),
            self.wall,
            self.record.as_deref(),
            self.peers.iter().map(|peer| &peer[..]),
        )
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the key, nor the seed, from which nonces come.
        f.debug_struct("Start").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Mode, RequestId};

    fn start() -> Start {
        Start {
            config: Config::default(),
            secret: [1; 32],
            address: Address(Bytes::from_static(b"here")),
            seed: [2; 32],
            wall: WallTime(1_000_000),
            record: None,
            peers: Vec::new(),
        }
    }

    /// A journal of a core that writes a document.
    fn written() -> Vec<Entry> {
        let mut core = start().core().expect("made");
        let publish = Command::Publish {
            parents: Vec::new(),
            children: Vec::new(),
            body: Bytes::from_static(b"hello"),
            mode: Mode::Follow,
            created: None,
        };
        let mut entries = vec![Entry::Start(Box::new(start()))];
        for (at, input) in [
            Input::Clock(WallTime(1_000_000)),
            Input::Command(RequestId(1), publish),
            Input::Wake,
        ]
        .into_iter()
        .enumerate()
        {
            let now = Time(at as u64 * 1_000);
            let mut effects = Vec::new();
            core.handle(now, input.clone(), &mut effects);
            entries.push(Entry::Input(now, input));
            entries.push(Entry::Effects(effects.iter().map(encode_effect).collect()));
        }
        entries
    }

    fn play(entries: Vec<Entry>) -> Result<u64, JournalError> {
        let mut player = Player::default();
        for entry in entries {
            let bytes = encode(&entry);
            player.play(decode(&bytes[4..])?)?;
        }
        Ok(player.inputs())
    }

    #[test]
    fn what_was_written_comes_again() {
        let entries = written();
        let answered = |entry: &Entry| matches!(entry, Entry::Effects(all) if !all.is_empty());
        assert!(
            entries.iter().any(answered),
            "there is something to compare"
        );
        assert_eq!(play(entries), Ok(3));
    }

    #[test]
    fn another_seed_or_another_effect_is_found_out() {
        let mut entries = written();
        for entry in &mut entries {
            if let Entry::Effects(effects) = entry {
                effects.push(encode_effect(&Effect::Hangup(crate::ChannelId(1))));
            }
        }
        let error = play(entries).expect_err("one too many");
        assert!(error.to_string().contains("came:    nothing"), "{error}");
        let mut entries = written();
        let Some(Entry::Start(start)) = entries.first_mut() else {
            panic!("no start");
        };
        start.secret = [3; 32];
        let error = play(entries).expect_err("other signatures");
        assert!(matches!(error, JournalError::Different { .. }));
    }

    #[test]
    fn junk_and_wrong_order_are_refused() {
        assert_eq!(decode(&[255; 9]).err(), Some(JournalError::Damaged));
        let mut entries = written();
        entries.swap(1, 2);
        assert_eq!(play(entries), Err(JournalError::Order));
        let bytes = encode(&Entry::Effects(Vec::new()));
        let longer = [&bytes[4..], &[0]].concat();
        assert_eq!(decode(&longer).err(), Some(JournalError::Damaged));
    }
}
