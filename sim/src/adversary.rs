//! Adversaries: nodes that misbehave on purpose. A [`Chain`] stands between a
//! node's core and the wire. It hands each packet in either direction to its
//! tricks, one after another, and lets them act by themselves at their rate.
//!
//! A trick knows what a real attacker knows: the node's keys, what its links
//! said, the documents that it got, and what its fellows tell it ([`Ring`]). It
//! sees nothing of other nodes' state. One file per trick.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a trick is about few kinds of messages and leaves all others as they are"
)]

mod cast;
mod chain;
mod forged_distance;
mod line;
mod proof;
mod stage;
mod withhold_bodies;

pub(crate) use cast::{cast, who};

use crate::scenario::Adversary;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;
use stage::Stage;
use std::fmt::Debug;

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

    /// Called at the rate that the scenario gives.
    fn act(&mut self, stage: &mut Stage) {
        let _ = stage;
    }
}

/// Names that `behaviors` in an `[[adversary]]` takes.
pub(crate) const BEHAVIORS: [&str; 2] = ["forged-distance", "withhold-bodies"];

/// The trick with this name, as a scenario wants it.
fn trick(name: &str, _: &Adversary) -> Box<dyn Trick> {
    match name {
        "forged-distance" => Box::new(forged_distance::ForgedDistance),
        _ => Box::new(withhold_bodies::WithholdBodies),
    }
}
