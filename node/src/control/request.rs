//! What can be asked of a running node: one line of JSON each way.

use crate::fault::Fault;
use bytes::Bytes;
use cliqueclique_core as core;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Longest line, bytes: a document of 128 KiB in which every character is escaped.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// One line of a caller.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Which account.
    pub(crate) account: String,
    /// What is wanted.
    pub(crate) request: Request,
}

/// As [`Line`], for who asks.
#[derive(Debug, Serialize)]
pub(crate) struct LineOf<'a> {
    /// Which account.
    pub(crate) account: &'a str,
    /// What is wanted.
    pub(crate) request: &'a Request,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Done, and durable.
    Ok(Value),
    /// Not done, unless the message says so.
    Fault(Fault),
}

macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident, $of:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name(pub(crate) $of);

        impl From<$name> for $of {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let bytes = crate::text::unhex(&text)
                    .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no id")))?;
                Ok(Self(<$of>::from(Fixed(bytes))))
            }
        }
    };
}

struct Fixed<const N: usize>([u8; N]);

impl From<Fixed<32>> for core::DocumentId {
    fn from(bytes: Fixed<32>) -> Self {
        Self(bytes.0)
    }
}

impl From<Fixed<16>> for core::NodeId {
    fn from(bytes: Fixed<16>) -> Self {
        Self(bytes.0)
    }
}

hex_name!(
    /// A document's id as 64 hex digits.
    Id,
    core::DocumentId
);
hex_name!(
    /// A node's id as 32 hex digits.
    Node,
    core::NodeId
);

/// What a document was made of, as the hash that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source(pub(crate) [u8; 32]);

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&crate::text::hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = crate::text::unhex(&text);
        let wrong = || serde::de::Error::custom(format!("'{text}' has not 64 hex digits"));
        bytes.map(Self).ok_or_else(wrong)
    }
}

/// Bytes of a document, in Base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) Bytes);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |error| serde::de::Error::custom(format!("the document's Base64: {error}"));
        let bytes = BASE64.decode(text.as_bytes()).map_err(wrong)?;
        Ok(Self(bytes.into()))
    }
}

/// Own part in a document's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// Keep the document, without its comments.
    Hold,
    /// Get its comments, but not theirs.
    Subscribe,
    /// Get everything below it.
    Follow,
}

impl From<Part> for core::Mode {
    fn from(part: Part) -> Self {
        match part {
            Part::Hold => Self::Hold,
            Part::Subscribe => Self::Subscribe,
            Part::Follow => Self::Follow,
        }
    }
}

/// A request without fields: serde would overlook what else is in it.
fn nothing_else<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let Nothing {} = Nothing::deserialize(deserializer)?;
    Ok(())
}

/// A request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// How the node does.
    #[serde(deserialize_with = "nothing_else")]
    Status,
    /// The links that stand.
    #[serde(deserialize_with = "nothing_else")]
    Peers,
    /// Where the account can be reached.
    #[serde(deserialize_with = "nothing_else")]
    Address,
    /// The network of a document.
    Overlay {
        /// The document.
        document: Id,
    },
    /// Write a document.
    Publish {
        /// Documents commented on.
        parents: Vec<Id>,
        /// Documents attached.
        children: Vec<Id>,
        /// Content.
        body: String,
        /// Own part in its network.
        mode: Part,
        /// The date that it is to have, seconds since 1970, if not now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created: Option<u64>,
        /// What it was made of, such as a mail: noted together with it, so that an import that
        /// begins again knows what is here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
    },
    /// Take in a document that somebody signed.
    Import {
        /// Its canonical bytes.
        document: Raw,
        /// A document here that attaches it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Id>,
        /// Own part in its network; without one it stays as long as a document is followed on
        /// which it comments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Part>,
    },
    /// What of an account is not in tables: whom it hides and refuses, whom it knows.
    #[serde(deserialize_with = "nothing_else")]
    Portrait,
    /// Join a document's network.
    Join {
        /// The document.
        document: Id,
        /// Addresses of peers that have it.
        places: Vec<String>,
        /// Own part.
        mode: Part,
    },
    /// Set the own part.
    Subscribe {
        /// The document.
        document: Id,
        /// The part.
        mode: Part,
    },
    /// Keep a document, or no longer.
    Bookmark {
        /// The document.
        document: Id,
        /// Keep.
        on: bool,
    },
    /// Drop all wishes for a document.
    Forget {
        /// The document.
        document: Id,
    },
    /// Mark as read, or unread.
    Read {
        /// The document.
        document: Id,
        /// Read.
        on: bool,
    },
    /// Hide an author's documents, or no longer.
    BlockAuthor {
        /// The author.
        author: Node,
        /// Hide.
        on: bool,
    },
    /// Refuse a peer, or no longer.
    BlockPeer {
        /// The peer.
        peer: Node,
        /// Refuse.
        on: bool,
    },
    /// Stop the node.
    #[serde(deserialize_with = "nothing_else")]
    Stop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_wrong_ones_are_refused() {
        let text = r#"{"account":"me","request":{"do":"forget","document":"ID"}}"#;
        let text = text.replace("ID", &"ab".repeat(32));
        let line: Line = serde_json::from_str(&text).expect("a line");
        assert_eq!(serde_json::to_string(&line).expect("text"), text);
        for wrong in [
            text.replace("ab", "zz"),
            text.replace("forget", "fly"),
            text.replace("\"account\"", "\"acount\""),
        ] {
            assert!(serde_json::from_str::<Line>(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_without_fields_refuse_any() {
        for name in ["status", "peers", "address", "portrait", "stop"] {
            let good = format!(r#"{{"do":"{name}"}}"#);
            let request: Request = serde_json::from_str(&good).expect(name);
            assert_eq!(serde_json::to_string(&request).expect("text"), good);
            let more = format!(r#"{{"do":"{name}","document":"x"}}"#);
            let error = serde_json::from_str::<Request>(&more).expect_err(name);
            assert!(error.to_string().contains("`document`"), "{error}");
        }
    }
}
