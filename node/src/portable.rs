//! What leaves a node in a file and comes into it: forms of files and nothing else. They know
//! neither the store nor the running node; the commands in `cli/carry` bring these together.

pub(crate) mod account;
pub(crate) mod documents;
pub(crate) mod mail;
pub(crate) mod mbox;

use std::io::{self, BufRead};

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Signed documents.
    Documents,
    /// An account, encrypted.
    Account,
    /// Mails.
    Mbox,
    /// Something else.
    Unknown,
}

impl Kind {
    /// Looks at the beginning of a file, without taking it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn of(file: &mut impl BufRead) -> io::Result<Self> {
        let begin = file.fill_buf()?;
        let kinds = [
            (documents::MAGIC, Self::Documents),
            (account::MAGIC, Self::Account),
            (mbox::FROM, Self::Mbox),
        ];
        let kind = kinds.iter().find(|(magic, _)| begin.starts_with(magic));
        Ok(kind.map_or(Self::Unknown, |(_, kind)| *kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_beginning() {
        let of = |mut bytes: &[u8]| Kind::of(&mut bytes).expect("read");
        assert_eq!(of(documents::MAGIC), Kind::Documents);
        assert_eq!(of(account::MAGIC), Kind::Account);
        assert_eq!(of(b"From a@b Thu Jan  1 00:00:00 1970\n"), Kind::Mbox);
        for junk in [&b""[..], b"From", b"cliqueclique", b"%PDF-1.4"] {
            assert_eq!(of(junk), Kind::Unknown);
        }
    }
}
