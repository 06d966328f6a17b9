//! Hex, ids and invitations as people see them.

use crate::transport::Place;
use cliqueclique_core::DocumentId;
use std::fmt::Write;

/// First part of an invitation.
const INVITE: &str = "cliqueclique:";

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Exactly `N` bytes from hex digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Option<Vec<u8>> = text.chars().map(nibble).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * N)?;
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(bytes)
}

fn nibble(digit: char) -> Option<u8> {
    digit
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// What one needs to join: a document, and peers that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    /// The document.
    pub(crate) document: DocumentId,
    /// Where it can be had; at least one.
    pub(crate) places: Vec<Place>,
}

impl Invite {
    /// Reads an invitation.
    ///
    /// # Errors
    /// Which part is wrong, and what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected cliqueclique:ID?at=ADDRESS, as `invite` prints it";
        let rest = text
            .strip_prefix(INVITE)
            .ok_or_else(|| format!("this is no invitation: {expected}"))?;
        let (id, places) = rest
            .split_once('?')
            .ok_or_else(|| format!("the invitation names no peer: {expected}"))?;
        let document = unhex(id)
            .map(DocumentId)
            .ok_or_else(|| format!("the id in the invitation has not 64 hex digits: {expected}"))?;
        let place = |part: &str| {
            let address = part
                .strip_prefix("at=")
                .ok_or_else(|| format!("'{part}' in the invitation is unknown: {expected}"))?;
            Place::parse(address)
        };
        let places = places.split('&').map(place).collect::<Result<_, _>>()?;
        Ok(Self { document, places })
    }
}

impl std::fmt::Display for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{INVITE}{}", self.document)?;
        for (at, place) in self.places.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            let key = hex(&place.key);
            write!(f, "{mark}at={}:{}/{key}", place.scheme, place.place)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_back_and_refuses_the_rest() {
        assert_eq!(unhex(&hex(&[0, 171, 255])), Some([0, 171, 255]));
        assert_eq!(unhex::<2>("abc"), None);
        assert_eq!(unhex::<1>("+1"), None);
        assert_eq!(unhex::<1>("é"), None);
    }

    #[test]
    fn invitations_read_back() {
        let place = |port: u16| Place {
            scheme: "tcp".to_owned(),
            place: format!("127.0.0.1:{port}"),
            key: [3; 32],
        };
        let invite = Invite {
            document: DocumentId([9; 32]),
            places: vec![place(1), place(2)],
        };
        assert_eq!(Invite::parse(&invite.to_string()), Ok(invite));
    }

    #[test]
    fn wrong_invitations_say_what_is_wrong() {
        for (text, part) in [
            ("http://x", "no invitation"),
            ("cliqueclique:12", "no peer"),
            ("cliqueclique:12?at=x", "64 hex digits"),
        ] {
            let error = Invite::parse(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }
}
