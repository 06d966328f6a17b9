//! Messages of 2010 as bytes: one signed container per peer, with a part for each
//! state, acknowledgement and suggestion. They were MIME texts signed with S/MIME;
//! the same rules in a compact form show how much of the cost that is.

use super::network::State;
use crate::wire::{decode, encode};
use cliqueclique_core::id::DocumentId;
use cliqueclique_sim::arena::{Disk, Packet, Peer};
use cliqueclique_sim::metrics::CostKind;
use serde::{Deserialize, Serialize};

/// What S/MIME adds to a container: headers, signature and certificate in base 64.
/// Measured with OpenSSL 3, a key of 1,024 bits and the certificate that it made.
const SIGNED: usize = 1_971;
/// A certificate as PEM, likewise.
const CERTIFICATE: usize = 871;
/// Length of ids of documents and nodes as text.
const HASH: usize = 53;
/// Public key and signature in the compact form.
const COMPACT_SIGNED: usize = 32 + 64;

/// A part of a message. The body of an update is filled in when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    Update([u8; 32], State, Option<Vec<u8>>),
    Ack([u8; 32], i64),
    Suggestion([u8; 32], Peer),
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As in 2010. Only the length is that of the text; it is padded to it.
    Text,
    /// Postcard, a key and a signature.
    Compact,
}

impl Form {
    pub(super) fn packet(self, parts: &[Part], disk: &dyn Disk) -> Packet {
        let parts: Vec<Part> = parts.iter().map(|part| filled(part, disk)).collect();
        let bodies: Vec<usize> = parts.iter().filter_map(body).collect();
        let documents = bodies.iter().sum();
        let mut bytes = encode(&parts).to_vec();
        let length = match self {
            Self::Text => SIGNED + container() + parts.iter().map(text).sum::<usize>() + documents,
            Self::Compact => bytes.len() + COMPACT_SIGNED,
        };
        bytes.resize(length.max(bytes.len()), 0);
        Packet::mixed(bytes, kind(&parts), (bodies.len() as u64, documents))
    }
}

/// The parts of a message; what is behind them is padding.
pub(super) fn read(bytes: &[u8]) -> Vec<Part> {
    let read = postcard::take_from_bytes::<Vec<Part>>(bytes);
    read.map(|(parts, _)| parts)
        .ok()
        .or_else(|| decode(bytes))
        .unwrap_or_default()
}

fn filled(part: &Part, disk: &dyn Disk) -> Part {
    match part {
        Part::Update(id, state, Some(_)) => {
            let document = disk.load(&DocumentId(*id));
            Part::Update(
                *id,
                *state,
                document.map(|document| document.bytes().to_vec()),
            )
        }
        Part::Update(_, _, None) | Part::Ack(..) | Part::Suggestion(..) => part.clone(),
    }
}

fn body(part: &Part) -> Option<usize> {
    match part {
        Part::Update(_, _, body) => body.as_ref().map(Vec::len),
        Part::Ack(..) | Part::Suggestion(..) => None,
    }
}

fn kind(parts: &[Part]) -> CostKind {
    let suggestion = |part: &Part| matches!(part, Part::Suggestion(..));
    if parts.iter().all(suggestion) {
        CostKind::Introduction
    } else {
        CostKind::State
    }
}

const BOUNDARY: &str = "===============8123456789012345678==";

/// Length of the container around the parts.
fn container() -> usize {
    let hash = "x".repeat(HASH);
    let text = format!(
        "Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\nMIME-Version: 1.0\n\
         receiver_node_id: {hash}\n\n--{BOUNDARY}--\n"
    );
    text.len()
}

/// Length of a part as text, without a document in it.
fn text(part: &Part) -> usize {
    let hash = "x".repeat(HASH);
    let head = format!(
        "--{BOUNDARY}\nContent-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\nMIME-Version: 1.0\n\
         message_type: subscription_update\ndocument_id: {hash}\n"
    );
    let tail = format!("\n--{BOUNDARY}\n\n--{BOUNDARY}--\n");
    let truth = |is: bool| if is { "True" } else { "False" };
    match part {
        Part::Update(_, state, _) => {
            let fields = format!(
                "has_enought_peers: {}\nis_wanted: {}\nis_subscribed: {}\n\
                 center_node_is_subscribed: {}\ncenter_node_id: {hash}\ncenter_distance: {}\nserial: {}\n",
                truth(state.has_enough_peers),
                truth(state.is_wanted),
                truth(state.is_subscribed),
                truth(state.center_is_subscribed),
                state.distance,
                state.serial
            );
            head.len() + fields.len() + tail.len()
        }
        // It repeats the fields of the state that it acknowledges.
        Part::Ack(id, serial) => {
            let state = State {
                serial: *serial,
                ..State::default()
            };
            text(&Part::Update(*id, state, None))
        }
        Part::Suggestion(..) => head.len() + CERTIFICATE + 1,
    }
}
