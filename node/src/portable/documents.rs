//! Signed documents in a file: one, or a whole thread. Each is there byte for byte as it was
//! signed, so a file needs no trust.
//!
//! The form: [`MAGIC`]; for each document its length (4 bytes, little-endian) and its canonical
//! bytes, each behind one of those that it stands below, if it has any there; length 0; the number
//! of documents (8 bytes, little-endian); BLAKE3 of all before. Read and written one by one.

use bytes::Bytes;
use cliqueclique_core::Document;
use cliqueclique_core::config::MAX_DOCUMENT;
use cliqueclique_core::crypto::Ed25519Blake3;
use std::fmt;
use std::io::{self, Read, Write};

/// First bytes; the number is that of the form.
pub(crate) const MAGIC: &[u8] = b"cliqueclique documents 1\n";

/// Writes such a file.
pub(crate) struct Writer<W> {
    out: W,
    hasher: blake3::Hasher,
    count: u64,
}

impl<W: Write> Writer<W> {
    /// Begins it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn begin(out: W) -> io::Result<Self> {
        let mut writer = Self {
            out,
            hasher: blake3::Hasher::new(),
            count: 0,
        };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    /// Adds a document.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn add(&mut self, document: &[u8]) -> io::Result<()> {
        let length = u32::try_from(document.len()).map_err(io::Error::other)?;
        self.put(&length.to_le_bytes())?;
        self.put(document)?;
        self.count += 1;
        Ok(())
    }

    /// Ends it; gives what was written to, and the number of documents.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn end(mut self) -> io::Result<(W, u64)> {
        self.put(&0_u32.to_le_bytes())?;
        self.put(&self.count.to_le_bytes())?;
        self.out.write_all(self.hasher.finalize().as_bytes())?;
        self.out.flush()?;
        Ok((self.out, self.count))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Why a file is not taken.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// It cannot be read.
    Read(io::Error),
    /// It begins otherwise.
    Magic,
    /// It ends too early: after so many documents.
    Short(u64),
    /// Something is no document, or is not signed: the how-manieth, and why.
    Document(u64, String),
    /// All is there, but not as it was written.
    Altered,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "it cannot be read: {error}"),
            Self::Magic => f.write_str("it is no file of documents: `export` writes such"),
            Self::Short(count) => write!(
                f,
                "it is cut off after {count} whole documents: get the rest of it"
            ),
            Self::Document(number, why) => write!(
                f,
                "its document {number} is damaged ({why}): get the file again"
            ),
            Self::Altered => f.write_str(
                "it is not as it was written (its hash differs at the end): get the file again",
            ),
        }
    }
}

/// Reads such a file.
pub(crate) struct Reader<R> {
    file: R,
    hasher: blake3::Hasher,
    count: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Begins.
    ///
    /// # Errors
    /// It is no such file.
    pub(crate) fn begin(file: R) -> Result<Self, Flaw> {
        let mut reader = Self {
            file,
            hasher: blake3::Hasher::new(),
            count: 0,
            ended: false,
        };
        let magic = reader.take(MAGIC.len())?;
        if magic == MAGIC {
            Ok(reader)
        } else {
            Err(Flaw::Magic)
        }
    }

    /// The next document, with its form checked; nothing at the end of a file that is whole.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn next(&mut self) -> Result<Option<Document>, Flaw> {
        if self.ended {
            return Ok(None);
        }
        let number = self.count + 1;
        let length = u32::from_le_bytes(self.fixed()?);
        if length == 0 {
            self.ended = true;
            return self.finish().map(|()| None);
        }
        let length = usize::try_from(length).ok();
        let Some(length) = length.filter(|length| *length <= MAX_DOCUMENT) else {
            return Err(Flaw::Document(number, "it is too large".to_owned()));
        };
        let bytes = Bytes::from(self.take(length)?);
        let document = Document::parse(bytes, &Ed25519Blake3)
            .map_err(|error| Flaw::Document(number, error.to_string()))?;
        self.count = number;
        Ok(Some(document))
    }

    fn finish(&mut self) -> Result<(), Flaw> {
        let count = u64::from_le_bytes(self.fixed()?);
        let expected = self.hasher.finalize();
        let hash = self.take(32)?;
        if count == self.count && hash == expected.as_bytes() {
            Ok(())
        } else {
            Err(Flaw::Altered)
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, Flaw> {
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                Flaw::Short(self.count)
            } else {
                Flaw::Read(error)
            }
        })?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes).map_err(|_| Flaw::Short(self.count))
    }
}

/// Looks at a whole file: form, hash, and every signature; gives the number of documents.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn check(file: impl Read) -> Result<u64, Flaw> {
    let mut reader = Reader::begin(file)?;
    while let Some(document) = reader.next()? {
        if !document.is_signed(&Ed25519Blake3) {
            let why = "its signature is wrong".to_owned();
            return Err(Flaw::Document(reader.count, why));
        }
    }
    Ok(reader.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliqueclique_core::{Draft, SecretKey};

    fn file() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new()).expect("written");
        for text in ["one", "two", "three"] {
            let draft = Draft {
                body: Bytes::from_static(text.as_bytes()),
                ..Draft::default()
            };
            let document = Document::sign(&draft, &SecretKey([1; 32]), &Ed25519Blake3);
            let document = document.expect("within limits");
            writer.add(document.bytes()).expect("written");
        }
        writer.end().expect("written").0
    }

    #[test]
    fn a_file_reads_back() {
        let bytes = file();
        assert_eq!(check(&bytes[..]).expect("whole"), 3);
        let mut reader = Reader::begin(&bytes[..]).expect("begun");
        let first = reader.next().expect("whole").expect("a document");
        assert_eq!(first.body(), b"one");
    }

    #[test]
    fn no_cut_and_no_changed_byte_passes() {
        let bytes = file();
        for end in 0..bytes.len() {
            assert!(check(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x21;
            assert!(check(&other[..]).is_err(), "byte {at}");
        }
    }
}
