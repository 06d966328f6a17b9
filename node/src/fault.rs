//! What a command tells people when it fails, and its exit code.

use std::fmt;
use std::process::ExitCode;

/// Class of a failure; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// Anything else, such as an unwritable disk.
    Failed = 1,
    /// Wrong arguments or settings.
    Usage = 2,
    /// No node runs on this data folder.
    NotRunning = 3,
    /// The document or account is not here.
    NotFound = 4,
    /// The node refused: it is stopping, busy, or a limit is broken.
    Refused = 5,
    /// The store is damaged or of another version.
    Store = 6,
    /// Too much is under way: the same can be tried again at once.
    Busy = 7,
    /// What was written is here already, word for word.
    Duplicate = 8,
}

/// A failure: what was wrong, where, and how to mend it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Fault {
    /// Class.
    pub(crate) class: Class,
    /// For people.
    pub(crate) message: String,
}

impl Fault {
    /// A failure of a class.
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }

    /// Something could not be done at a place.
    pub(crate) fn at(place: &std::path::Path, doing: &str, error: &dyn fmt::Display) -> Self {
        let message = format!("cannot {doing} {}: {error}", place.display());
        Self::new(Class::Failed, message)
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(self.class as u8)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
