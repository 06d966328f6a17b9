//! The cliqueclique protocol as a pure state machine.
//!
//! [`Core::handle`] is the one door: it takes the time and one [`Input`], changes
//! the state, and appends [`Effect`]s in the order in which the runner must
//! perform them. [`Core::next_deadline`] says when to call again at the latest.
//! There is no I/O, no clock, no thread and no entropy here: the same inputs in
//! the same order give the same effects, byte for byte. Everything else is a
//! getter.

pub mod config;
mod core;
pub mod crypto;
mod deadline;
pub mod document;
pub mod effect;
pub mod id;
pub mod input;
pub mod journal;
mod link;
pub mod message;
mod overlay;
mod reconcile;
mod table;
pub mod time;
pub mod view;
pub mod violation;
pub mod wire;

pub use crate::core::{AtRest, Core, Identity, RestoreError};
pub use config::Config;
pub use document::{Document, Draft};
pub use effect::{CommandError, Effect, Notification, Record};
pub use id::{
    Address, ChannelId, DocumentId, NodeId, PublicKey, RequestId, SecretKey, Signature, Tag,
};
pub use input::{Admission, Command, Input};
pub use message::{Mode, Packet};
pub use time::{Time, WallTime};
pub use violation::Violation;
