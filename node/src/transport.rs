//! Transports: ways to get a stream of bytes to a place and from it. What is the same for
//! all of them stands in `channel` (packets in a stream) and `noise` (secrecy, binding).
//!
//! An address is `SCHEME:PLACE/KEY`: the place is the transport's own, the key is the
//! X25519 key that the node answers with. So nobody in between can read or alter a
//! handshake, and a peer that moves a name elsewhere is found out.

pub(crate) mod channel;
pub(crate) mod door;
pub(crate) mod i2p;
pub(crate) mod noise;
pub(crate) mod pace;
pub(crate) mod silent;
pub(crate) mod tcp;

use cliqueclique_core::Address;
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Both directions of a connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection of any transport.
pub(crate) type Stream = Box<dyn Duplex>;

/// A connection that was made, before the handshake of the stream.
pub(crate) struct Call {
    /// Its bytes.
    pub(crate) stream: Stream,
    /// Who is at its ends, caller first, where the transport knows that for sure: the
    /// handshake proves that both sides know the same. Empty on TCP.
    pub(crate) ends: Vec<u8>,
}

/// How long a transport may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For one connection.
    pub(crate) connect: Duration,
    /// For the handshake of the stream on it.
    pub(crate) handshake: Duration,
    /// How often both are tried before a peer counts as not there.
    pub(crate) tries: usize,
}

/// What a transport's work will give.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// One way to reach others.
pub(crate) trait Transport: Debug + Send + Sync {
    /// First part of its addresses.
    fn scheme(&self) -> &'static str;
    /// How long it may take.
    fn deadlines(&self) -> Deadlines;
    /// Connects to a place. The caller sets the deadline. `InvalidInput` and
    /// `PermissionDenied` mean that trying again cannot help.
    fn connect<'a>(&'a self, place: &'a str) -> Pending<'a, Call>;
    /// Begins to take connections at a place of our own.
    fn listen<'a>(&'a self, place: &'a str) -> Pending<'a, Box<dyn Listener>>;
    /// Why it cannot reach anybody now, and how to mend that.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// Where connections come in.
pub(crate) trait Listener: Send {
    /// The place that others can connect to.
    fn place(&self) -> String;
    /// The next connection.
    fn accept(&mut self) -> Pending<'_, Call>;
}

/// The parts of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which transport.
    pub(crate) scheme: String,
    /// Where, in that transport's words.
    pub(crate) place: String,
    /// Key that the node there answers with.
    pub(crate) key: [u8; 32],
}

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    /// Which part is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected SCHEME:PLACE/KEY, such as tcp:127.0.0.1:4711/ and 64 hex digits";
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("'{text}' is no address: {expected}"))?;
        let (place, key) = rest
            .rsplit_once('/')
            .ok_or_else(|| format!("the address '{text}' has no key: {expected}"))?;
        let key = crate::text::unhex(key)
            .ok_or_else(|| format!("the key of the address '{text}' is wrong: {expected}"))?;
        Ok(Self {
            scheme: scheme.to_owned(),
            place: place.to_owned(),
            key,
        })
    }

    /// The address as the core knows it.
    pub(crate) fn address(&self) -> Address {
        let key = crate::text::hex(&self.key);
        let text = format!("{}:{}/{key}", self.scheme, self.place);
        Address(text.into_bytes().into())
    }

    /// Reads an address that the core gave.
    ///
    /// # Errors
    /// As [`Place::parse`].
    pub(crate) fn of(address: &Address) -> Result<Self, String> {
        let text = std::str::from_utf8(&address.0).map_err(|_| "an address is no text")?;
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        let place = Place {
            scheme: "tcp".to_owned(),
            place: "[::1]:80".to_owned(),
            key: [7; 32],
        };
        assert_eq!(Place::of(&place.address()), Ok(place));
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        for (text, part) in [
            ("", "no address"),
            ("tcp:127.0.0.1:1", "no key"),
            ("tcp:127.0.0.1:1/12", "key of the address"),
        ] {
            let error = Place::parse(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
        assert!(Place::of(&Address(vec![255].into())).is_err());
    }
}
