//! Adversaries: nodes that misbehave on purpose. A [`Chain`] stands between a
//! node's core and the wire. It hands each packet in either direction to its
//! tricks, one after another, and lets them act by themselves at their rate.
//!
//! A trick knows what a real attacker knows: the node's keys, what its links
//! said, the documents that it got, and what its fellows tell it ([`Ring`]). It
//! sees nothing of other nodes' state. One file per trick.
//!
//! [`Chain`]: chain::Chain
//! [`Ring`]: ring::Ring

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a trick is about few kinds of messages and leaves all others as they are"
)]

mod cast;
mod chain;
mod claims;
mod cling;
mod eclipse;
mod flood_documents;
mod flood_fragments;
mod flood_introductions;
mod flood_links;
mod flood_requests;
mod forged_distance;
mod forged_root;
mod forged_sequence;
mod forged_signature;
mod junk;
mod lie_comments;
mod lie_subscription;
mod line;
mod probe_names;
mod proof;
mod ring;
mod slow;
mod stage;
mod stay_frozen;
mod tickets;
mod two_faced;
mod withhold_acks;
mod withhold_bodies;

pub(crate) use cast::{cast, who};

use crate::scenario::Adversary;
use cliqueclique_core::Input;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;
use stage::Stage;
use std::fmt::Debug;
use tickets::{Kind, Tickets};

/// One way to misbehave. A trick counts what it does with [`Stage::done`]: a
/// run in which it never did anything proves nothing, and fails.
trait Trick: Debug {
    /// The own core (or a trick before this one) sends a packet. Returns false to keep it back.
    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let _ = (stage, to, packet);
        true
    }

    /// A packet came. Returns false to keep it from the core.
    fn coming(&mut self, stage: &mut Stage, from: ChannelId, packet: &mut Packet) -> bool {
        let _ = (stage, from, packet);
        true
    }

    /// Something happened on a channel that a trick dialled itself. The core knows nothing of it.
    fn own(&mut self, stage: &mut Stage, channel: ChannelId, input: &Input) {
        let _ = (stage, channel, input);
    }

    /// Called at the rate that the scenario gives.
    fn act(&mut self, stage: &mut Stage) {
        let _ = stage;
    }
}

/// Names that `behaviors` in an `[[adversary]]` takes.
pub(crate) const BEHAVIORS: [&str; 23] = [
    "cling",
    "eclipse",
    "flood-documents",
    "flood-fragments",
    "flood-introductions",
    "flood-links",
    "flood-requests",
    "forged-distance",
    "forged-root",
    "forged-sequence",
    "forged-signature",
    "forged-tickets",
    "junk",
    "lie-comments",
    "lie-subscription",
    "probe-names",
    "replayed-tickets",
    "resold-tickets",
    "slow",
    "stay-frozen",
    "two-faced",
    "withhold-acks",
    "withhold-bodies",
];

/// Those of them that the swarm draws: they keep to one lie, cost little, and were tried in
/// networks as small as its.
pub(crate) const STEADY: [&str; 2] = ["forged-distance", "withhold-bodies"];

/// The trick with this name, as a scenario wants it.
fn trick(name: &str, adversary: &Adversary) -> Box<dyn Trick> {
    match name {
        "cling" => Box::new(cling::Cling::default()),
        "eclipse" => Box::new(eclipse::Eclipse::new(adversary.victim.unwrap_or(0))),
        "flood-documents" => Box::new(flood_documents::FloodDocuments),
        "flood-fragments" => Box::new(flood_fragments::FloodFragments::default()),
        "flood-introductions" => Box::new(flood_introductions::FloodIntroductions),
        "flood-links" => Box::new(flood_links::FloodLinks),
        "flood-requests" => Box::new(flood_requests::FloodRequests),
        "forged-distance" => Box::new(forged_distance::ForgedDistance),
        "forged-root" => Box::new(forged_root::ForgedRoot),
        "forged-sequence" => Box::new(forged_sequence::ForgedSequence::default()),
        "forged-signature" => Box::new(forged_signature::ForgedSignature),
        "forged-tickets" => Box::new(Tickets::new(Kind::Forged)),
        "junk" => Box::new(junk::Junk::default()),
        "lie-comments" => Box::new(lie_comments::LieComments::default()),
        "lie-subscription" => Box::new(lie_subscription::LieSubscription),
        "probe-names" => Box::new(probe_names::ProbeNames),
        "replayed-tickets" => Box::new(Tickets::new(Kind::Replayed)),
        "resold-tickets" => Box::new(Tickets::new(Kind::Resold)),
        "slow" => Box::new(slow::Slow::default()),
        "stay-frozen" => Box::new(stay_frozen::StayFrozen),
        "two-faced" => Box::new(two_faced::TwoFaced),
        "withhold-acks" => Box::new(withhold_acks::WithholdAcks),
        _ => Box::new(withhold_bodies::WithholdBodies),
    }
}
