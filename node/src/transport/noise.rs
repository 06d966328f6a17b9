//! Secrecy for any stream: the Noise pattern NK (<https://noiseprotocol.org/noise.html>,
//! section 7.5). The dialler knows the key of the node it dials from the address. Who the
//! dialler is, and that the key belongs to the node, is proved by the core's own handshake,
//! which is signed over the *binding*: the hash of this one.

use super::{Call, Stream};
use cliqueclique_core::SecretKey;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::{Builder, HandshakeState, StatelessTransportState};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATTERN: &str = "Noise_NK_25519_ChaChaPoly_BLAKE2s";
/// Both sides must mean the same by what follows; the ends of the call stand behind it.
const PROLOGUE: &[u8] = b"cliqueclique/1/stream";
/// Length of each of the two handshake messages: a key and a tag.
const MESSAGE: usize = 48;
/// What encryption adds to a packet, bytes.
pub(crate) const OVERHEAD: usize = 16;

/// The key pair with which a node answers.
#[derive(Clone)]
pub(crate) struct StaticKey {
    secret: [u8; 32],
    /// What its address names.
    pub(crate) public: [u8; 32],
}

impl std::fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaticKey(..)")
    }
}

impl StaticKey {
    /// Made from the node's secret key, so that the address keeps it over restarts.
    ///
    /// # Errors
    /// The library has no X25519.
    pub(crate) fn of(secret: &SecretKey) -> io::Result<Self> {
        let secret = Ed25519Blake3.hash("stream key", &[&secret.0]);
        let mut dh = DefaultResolver
            .resolve_dh(&DHChoice::Curve25519)
            .ok_or_else(|| io::Error::other("no X25519 in this build"))?;
        dh.set(&secret);
        let mut public = [0; 32];
        public.copy_from_slice(dh.pubkey());
        Ok(Self { secret, public })
    }
}

/// A stream that nobody else can read or alter.
pub(crate) struct Secured {
    /// The bytes.
    pub(crate) stream: Stream,
    /// Keys of both directions.
    pub(crate) keys: StatelessTransportState,
    /// Known to both ends, and different for each connection.
    pub(crate) binding: [u8; 32],
}

fn broken(error: snow::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn builder(prologue: &[u8]) -> io::Result<Builder<'_>> {
    let pattern = PATTERN.parse().map_err(broken)?;
    Builder::new(pattern).prologue(prologue).map_err(broken)
}

fn prologue(ends: &[u8]) -> Vec<u8> {
    [PROLOGUE, ends].concat()
}

/// The dialling side's handshake.
///
/// # Errors
/// The stream breaks, the other side has not the key, or knows other ends.
pub(crate) async fn dial(call: Call, key: &[u8; 32]) -> io::Result<Secured> {
    let Call { mut stream, ends } = call;
    let prologue = prologue(&ends);
    let builder = builder(&prologue)?.remote_public_key(key).map_err(broken)?;
    let mut noise = builder.build_initiator().map_err(broken)?;
    say(&mut noise, &mut stream).await?;
    hear(&mut noise, &mut stream).await?;
    secured(noise, stream)
}

/// The dialled side's handshake.
///
/// # Errors
/// The stream breaks, or the other side does not know our key or the ends.
pub(crate) async fn answer(call: Call, key: &StaticKey) -> io::Result<Secured> {
    let Call { mut stream, ends } = call;
    let prologue = prologue(&ends);
    let builder = builder(&prologue)?
        .local_private_key(&key.secret)
        .map_err(broken)?;
    let mut noise = builder.build_responder().map_err(broken)?;
    hear(&mut noise, &mut stream).await?;
    say(&mut noise, &mut stream).await?;
    secured(noise, stream)
}

async fn say(noise: &mut HandshakeState, stream: &mut Stream) -> io::Result<()> {
    let mut message = [0; MESSAGE];
    noise.write_message(&[], &mut message).map_err(broken)?;
    stream.write_all(&message).await?;
    stream.flush().await
}

async fn hear(noise: &mut HandshakeState, stream: &mut Stream) -> io::Result<()> {
    let mut message = [0; MESSAGE];
    stream.read_exact(&mut message).await?;
    noise.read_message(&message, &mut []).map_err(broken)?;
    Ok(())
}

fn secured(noise: HandshakeState, stream: Stream) -> io::Result<Secured> {
    let mut binding = [0; 32];
    binding.copy_from_slice(noise.get_handshake_hash());
    let keys = noise.into_stateless_transport_mode().map_err(broken)?;
    Ok(Secured {
        stream,
        keys,
        binding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(near_ends: &[u8], far_ends: &[u8]) -> (Call, Call) {
        let (near, far) = tokio::io::duplex(1_024);
        let call = |stream, ends: &[u8]| Call {
            stream,
            ends: ends.to_vec(),
        };
        (
            call(Box::new(near), near_ends),
            call(Box::new(far), far_ends),
        )
    }

    #[tokio::test]
    async fn who_knows_other_ends_is_refused() {
        let key = StaticKey::of(&SecretKey([1; 32])).expect("a key");
        let (near, far) = pair(b"a to b", b"c to b");
        let (near, far) = tokio::join!(dial(near, &key.public), answer(far, &key));
        assert!(near.is_err() && far.is_err());
    }

    #[tokio::test]
    async fn both_ends_have_the_same_binding_and_each_connection_another() {
        let key = StaticKey::of(&SecretKey([1; 32])).expect("a key");
        let mut bindings = Vec::new();
        for _ in 0..2 {
            let (near, far) = pair(b"", b"");
            let (near, far) = tokio::join!(dial(near, &key.public), answer(far, &key));
            let (near, far) = (near.expect("dialled"), far.expect("answered"));
            assert_eq!(near.binding, far.binding);
            let mut sealed = [0; 5 + OVERHEAD];
            near.keys
                .write_message(0, b"hello", &mut sealed)
                .expect("sealed");
            let mut open = [0; 5];
            far.keys.read_message(0, &sealed, &mut open).expect("open");
            assert_eq!(&open, b"hello");
            assert!(far.keys.read_message(1, &sealed, &mut open).is_err());
            bindings.push(near.binding);
        }
        assert_ne!(bindings[0], bindings[1]);
    }

    #[tokio::test]
    async fn who_has_another_key_cannot_answer() {
        let key = StaticKey::of(&SecretKey([1; 32])).expect("a key");
        let other = StaticKey::of(&SecretKey([2; 32])).expect("a key");
        let (near, far) = pair(b"", b"");
        let (near, far) = tokio::join!(dial(near, &key.public), answer(far, &other));
        assert!(near.is_err() && far.is_err());
    }
}
