//! Documents: immutable, signed forum messages and their canonical bytes.
//!
//! Layout (PROTOCOL.md, "Documents"), all integers little-endian:
//! version u8 = 1 · flags u8 · author key 32 · created u64 · parent count u8 ·
//! parents 32 each · child count u8 · children 32 each · body length u32 ·
//! body · signature 64 over everything before it. There is exactly one encoding
//! of a document: no field may be left out, no byte may follow.

use crate::config::{MAX_DOCUMENT, MAX_RELATIVES};
use crate::crypto::Suite;
use crate::id::{DocumentId, NodeId, PublicKey, SecretKey, Signature, Tag};
use crate::time::WallTime;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

const VERSION: u8 = 1;
const FOUNDER: u8 = 1;
const FIXED: usize = 2 + 32 + 8;

/// What an author decides about a new document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Draft {
    /// Documents that this one comments on; at most [`MAX_RELATIVES`].
    pub parents: Vec<DocumentId>,
    /// Existing documents that this one attaches below its parents (a *link*
    /// document has at least one); at most [`MAX_RELATIVES`].
    pub children: Vec<DocumentId>,
    /// Content, opaque to the protocol.
    pub body: Bytes,
    /// The author's claim of the date.
    pub created: WallTime,
    /// The author subscribes to this document from its birth, and so founds its
    /// network as its first overlay root.
    pub founder: bool,
}

/// A parsed document whose form is right. Its signature is checked by
/// [`Document::is_signed`], usually by the runner.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Document(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    bytes: Bytes,
    id: DocumentId,
    tag: Tag,
    author: PublicKey,
    author_id: NodeId,
    created: WallTime,
    founder: bool,
    parents: Vec<DocumentId>,
    children: Vec<DocumentId>,
    body: std::ops::Range<usize>,
}

/// Why bytes are not a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentError {
    /// Larger than [`MAX_DOCUMENT`].
    TooLarge,
    /// Ends too early, or goes on after its end.
    Length,
    /// A version that this code does not know.
    Version,
    /// Unknown flag bits.
    Flags,
    /// Too many parents or children, or one named twice.
    Relatives,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "document is larger than allowed",
            Self::Length => "document length does not match its content",
            Self::Version => "unknown document version",
            Self::Flags => "unknown document flags",
            Self::Relatives => "too many or doubled parents or children",
        })
    }
}

impl std::error::Error for DocumentError {}

impl Document {
    /// Encodes and signs a draft.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`] and [`DocumentError::Relatives`] if the draft
    /// breaks a limit.
    pub fn sign(
        draft: &Draft,
        secret: &SecretKey,
        suite: &dyn Suite,
    ) -> Result<Self, DocumentError> {
        check_relatives(&draft.parents, &draft.children)?;
        let mut bytes = unsigned_bytes(draft, &suite.public_key(secret))?;
        let signature = suite.sign(secret, &bytes);
        bytes.extend_from_slice(&signature.to_bytes());
        Self::parse(Bytes::from(bytes), suite)
    }

    /// Reads canonical bytes, without checking the signature.
    ///
    /// # Errors
    /// A [`DocumentError`] that names the first rule broken.
    pub fn parse(bytes: Bytes, suite: &dyn Suite) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(DocumentError::TooLarge);
        }
        let mut reader = Reader {
            bytes: &bytes,
            at: 0,
        };
        let [version, flags] = reader.array()?;
        if version != VERSION {
            return Err(DocumentError::Version);
        }
        if flags & !FOUNDER != 0 {
            return Err(DocumentError::Flags);
        }
        let author = PublicKey(reader.array()?);
        let created = WallTime(u64::from_le_bytes(reader.array()?));
        let parents = reader.relatives()?;
        let children = reader.relatives()?;
        check_relatives(&parents, &children)?;
        let body = reader.body()?;
        if bytes.len() != body.end + Signature::LEN {
            return Err(DocumentError::Length);
        }
        let id = suite.document_id(&bytes);
        let (tag, author_id, founder) =
            (suite.tag(&id), suite.node_id(&author), flags & FOUNDER != 0);
        Ok(Self(Arc::new(Parts {
            bytes,
            id,
            tag,
            author,
            author_id,
            created,
            founder,
            parents,
            children,
            body,
        })))
    }

    /// True if the author's signature is right. Takes about 70 µs with Ed25519.
    #[must_use]
    pub fn is_signed(&self, suite: &dyn Suite) -> bool {
        let (message, tail) = self.0.bytes.split_at(self.0.body.end);
        <&[u8; 64]>::try_from(tail)
            .is_ok_and(|tail| suite.verify(&self.0.author, message, &Signature::from_bytes(tail)))
    }

    /// Canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }
    /// Hash of the canonical bytes.
    #[must_use]
    pub fn id(&self) -> DocumentId {
        self.0.id
    }
    /// Blinded short name.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.0.tag
    }
    /// Key of the author.
    #[must_use]
    pub fn author(&self) -> PublicKey {
        self.0.author
    }
    /// Node id of the author.
    #[must_use]
    pub fn author_id(&self) -> NodeId {
        self.0.author_id
    }
    /// When the author says it was written.
    #[must_use]
    pub fn created(&self) -> WallTime {
        self.0.created
    }
    /// The author founded the document's network by subscribing at birth.
    #[must_use]
    pub fn founder(&self) -> bool {
        self.0.founder
    }
    /// Documents that it comments on.
    #[must_use]
    pub fn parents(&self) -> &[DocumentId] {
        &self.0.parents
    }
    /// Documents that it attaches below its parents.
    #[must_use]
    pub fn children(&self) -> &[DocumentId] {
        &self.0.children
    }
    /// Content.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.bytes[self.0.body.clone()]
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {} bytes)", self.0.id, self.0.bytes.len())
    }
}

fn check_relatives(parents: &[DocumentId], children: &[DocumentId]) -> Result<(), DocumentError> {
    if parents.len() > MAX_RELATIVES || children.len() > MAX_RELATIVES {
        return Err(DocumentError::Relatives);
    }
    let all = || parents.iter().chain(children);
    let doubled = all()
        .enumerate()
        .any(|(i, id)| all().skip(i + 1).any(|other| other == id));
    if doubled {
        Err(DocumentError::Relatives)
    } else {
        Ok(())
    }
}

fn unsigned_bytes(draft: &Draft, author: &PublicKey) -> Result<Vec<u8>, DocumentError> {
    let relatives = (draft.parents.len() + draft.children.len()) * 32;
    let total = FIXED + 2 + relatives + 4 + draft.body.len() + Signature::LEN;
    if total > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(&[VERSION, if draft.founder { FOUNDER } else { 0 }]);
    bytes.extend_from_slice(&author.0);
    bytes.extend_from_slice(&draft.created.0.to_le_bytes());
    for relatives in [&draft.parents, &draft.children] {
        bytes.push(u8::try_from(relatives.len()).map_err(|_| DocumentError::Relatives)?);
        relatives
            .iter()
            .for_each(|id| bytes.extend_from_slice(&id.0));
    }
    let length = u32::try_from(draft.body.len()).map_err(|_| DocumentError::TooLarge)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&draft.body);
    Ok(bytes)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DocumentError> {
        let slice = self
            .bytes
            .get(self.at..self.at + N)
            .ok_or(DocumentError::Length)?;
        self.at += N;
        slice.try_into().map_err(|_| DocumentError::Length)
    }

    fn relatives(&mut self) -> Result<Vec<DocumentId>, DocumentError> {
        let [count] = self.array()?;
        if usize::from(count) > MAX_RELATIVES {
            return Err(DocumentError::Relatives);
        }
        (0..count).map(|_| self.array().map(DocumentId)).collect()
    }

    fn body(&mut self) -> Result<std::ops::Range<usize>, DocumentError> {
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| DocumentError::TooLarge)?;
        let end = self.at.checked_add(length).ok_or(DocumentError::TooLarge)?;
        if end > self.bytes.len() {
            Err(DocumentError::Length)
        } else {
            Ok(self.at..end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519Blake3;

    fn draft() -> Draft {
        Draft {
            parents: vec![DocumentId([1; 32]), DocumentId([2; 32])],
            children: vec![DocumentId([3; 32])],
            body: Bytes::from_static(b"hello"),
            created: WallTime(1_000),
            founder: true,
        }
    }

    #[test]
    fn bytes_parse_back_to_the_same_document() {
        let document =
            Document::sign(&draft(), &SecretKey([9; 32]), &Ed25519Blake3).expect("within limits");
        let again = Document::parse(document.bytes().clone(), &Ed25519Blake3).expect("canonical");
        assert_eq!(document, again);
        assert!(again.is_signed(&Ed25519Blake3));
        assert_eq!(again.body(), b"hello");
    }

    #[test]
    fn any_changed_byte_changes_the_id_and_breaks_form_or_signature() {
        let document =
            Document::sign(&draft(), &SecretKey([9; 32]), &Ed25519Blake3).expect("within limits");
        for at in 0..document.bytes().len() {
            let mut bytes = document.bytes().to_vec();
            bytes[at] ^= 0x41;
            if let Ok(other) = Document::parse(Bytes::from(bytes), &Ed25519Blake3) {
                assert_ne!(other.id(), document.id());
                assert!(!other.is_signed(&Ed25519Blake3), "byte {at}");
            }
        }
    }

    #[test]
    fn short_long_and_doubled_are_refused() {
        let document =
            Document::sign(&draft(), &SecretKey([9; 32]), &Ed25519Blake3).expect("within limits");
        for end in 0..document.bytes().len() {
            assert!(Document::parse(document.bytes().slice(..end), &Ed25519Blake3).is_err());
        }
        let mut longer = document.bytes().to_vec();
        longer.push(0);
        assert_eq!(
            Document::parse(Bytes::from(longer), &Ed25519Blake3),
            Err(DocumentError::Length)
        );
        let doubled = Draft {
            children: vec![DocumentId([1; 32])],
            ..draft()
        };
        assert_eq!(
            Document::sign(&doubled, &SecretKey([9; 32]), &Ed25519Blake3),
            Err(DocumentError::Relatives)
        );
        let large = Draft {
            body: Bytes::from(vec![0; MAX_DOCUMENT]),
            ..draft()
        };
        assert_eq!(
            Document::sign(&large, &SecretKey([9; 32]), &Ed25519Blake3),
            Err(DocumentError::TooLarge)
        );
    }
}
