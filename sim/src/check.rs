//! Properties, checked on the ground truth of the whole network.
//!
//! One file per property. *Always* properties are looked at while the run goes
//! on (at packets, at touched overlays, at samples), *eventually* properties on
//! a snapshot after the faults stopped, *sometimes* properties prove at the end
//! that the interesting case was reached. Checkers see everything and change
//! nothing; in the good case they allocate nothing.

mod bounded;
mod circles;
mod connected;
mod contact;
mod cost;
mod cut_off;
mod degree;
mod delivery;
#[cfg(test)]
pub(crate) mod fixture;
mod graph;
mod knowledge;
mod presence;
mod privacy;
mod root_subscribes;
mod silence;
mod sometimes;
mod subset;
mod symmetry;
mod tree;

pub(crate) use cut_off::CutOff;
pub(crate) use graph::Directory;
pub use knowledge::Knowledge;
pub use sometimes::SOMETIMES;

use crate::metrics::Metrics;
use crate::scenario::{Checks, Scenario};
use crate::snapshot::{DocumentTruth, Index, Snapshot};
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::{Command, Core, Packet};
use std::time::Duration;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violated {
    /// Name of the property, as in `scenarios/README.md`.
    pub property: &'static str,
    /// When it was seen.
    pub time: Time,
    /// The document concerned, if one is.
    pub document: Option<Tag>,
    /// The nodes concerned (at most 16 are named).
    pub nodes: Vec<Index>,
    /// What was expected and what was found, one or two sentences.
    pub detail: String,
}

impl std::fmt::Display for Violated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} violated at {:.3} s",
            self.property,
            self.time.as_secs_f64()
        )?;
        if let Some(tag) = self.document {
            write!(f, ", document {tag}")?;
        }
        if !self.nodes.is_empty() {
            write!(f, ", nodes {:?}", self.nodes)?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl std::error::Error for Violated {}

/// Names of the *eventually* properties, as `scenario.checks.skip` takes them.
pub const EVENTUALLY: [&str; 7] = [
    "symmetry",
    "connected_holders",
    "connected_subscribers",
    "tree",
    "root_subscribes",
    "delivery",
    "presence",
];

/// All checkers of one run.
#[derive(Debug)]
pub struct Checkers {
    checks: Checks,
    contact: contact::Contact,
    circles: circles::Circles,
    roots: sometimes::Roots,
    degree: degree::Degree,
    bounded: bounded::Bounded,
    silence: silence::Silence,
    privacy: privacy::Privacy,
    sometimes: sometimes::Sometimes,
}

impl Checkers {
    /// Checkers as the scenario asks for them.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            checks: scenario.checks.clone(),
            contact: contact::Contact::new(scenario),
            circles: circles::Circles::new(scenario),
            roots: sometimes::Roots::default(),
            degree: degree::Degree::new(scenario),
            bounded: bounded::Bounded::new(scenario),
            silence: silence::Silence::new(scenario),
            privacy: privacy::Privacy::default(),
            sometimes: sometimes::Sometimes::default(),
        }
    }

    /// A user's command reaches a node. Call it before the core handles it.
    pub fn command(&mut self, time: Time, node: Index, id: NodeId, command: &Command) {
        let _ = (time, id);
        self.contact.command(node, command);
    }

    /// A packet is sent (called before the network decides what becomes of it).
    ///
    /// # Errors
    /// The first property that the packet breaks.
    pub fn packet(
        &mut self,
        time: Time,
        from: Index,
        to: Index,
        packet: &Packet,
        truth: &dyn Knowledge,
    ) -> Result<(), Violated> {
        self.sometimes.packet(packet);
        self.contact.packet(time, from, to, packet, truth)?;
        self.privacy.packet(time, from, to, packet, truth)?;
        if truth.hostile(from) {
            return Ok(());
        }
        self.bounded.packet(time, from, to, packet)?;
        self.silence.packet(time, from, to, packet)
    }

    /// A core has handled an input. Checks nothing unless the scenario wants
    /// every step checked.
    ///
    /// # Errors
    /// The first property that a touched overlay breaks.
    pub fn handled(&mut self, time: Time, node: Index, core: &Core) -> Result<(), Violated> {
        if !self.checks.every_step {
            return Ok(());
        }
        for &tag in core.touched() {
            if let Some(view) = core.overlay_by_tag(tag) {
                self.overlay(time, node, &view)?;
            }
        }
        Ok(())
    }

    /// Checks the *always* properties on a whole snapshot.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn always(&mut self, snapshot: &Snapshot) -> Result<(), Violated> {
        self.degree.learn(snapshot);
        self.bounded.snapshot(snapshot)?;
        if self.roots.changed(snapshot) {
            self.sometimes.note("root_changed");
        }
        for truth in snapshot.documents.values() {
            for (&node, member) in &truth.members {
                if let (Some(view), true) = (&member.view, snapshot.nodes[node].counts()) {
                    self.overlay(snapshot.time, node, view)?;
                    subset::disk(snapshot.time, node, view, member.held)?;
                }
            }
        }
        self.circles.snapshot(snapshot)
    }

    fn overlay(&self, time: Time, node: Index, view: &OverlayView) -> Result<(), Violated> {
        self.degree.overlay(time, node, view)?;
        subset::overlay(time, node, view)?;
        self.bounded.overlay(time, node, view)
    }

    /// Checks the *eventually* properties on a whole snapshot, but for those
    /// that the scenario skips.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn eventually(&mut self, snapshot: &Snapshot) -> Result<(), Violated> {
        let mut graph = graph::Graph::new(snapshot);
        let cut_off = CutOff::new(snapshot, self.checks.cut_off);
        let held = delivery::Held::new(snapshot, cut_off);
        let asked = EVENTUALLY.map(|name| !self.checks.skip.iter().any(|skipped| skipped == name));
        for (&tag, truth) in &snapshot.documents {
            graph.load(tag, truth);
            for (name, _) in EVENTUALLY.iter().zip(asked).filter(|(_, asked)| *asked) {
                network(name, &graph, truth, &held)?;
            }
        }
        Ok(())
    }

    /// Checks at the end what must have been seen and what figures may be.
    ///
    /// # Errors
    /// The first *sometimes* property not seen, or the first figure over its bound.
    pub fn finish(&mut self, metrics: &Metrics, time: Time) -> Result<(), Violated> {
        self.sometimes.finish(&self.checks.sometimes, time)?;
        cost::finish(&self.checks.at_most, metrics, time)
    }

    /// Longest life of a circle of upstreams that snapshots showed, for the report.
    #[must_use]
    pub fn longest_circle(&self) -> Duration {
        self.circles.longest()
    }

    /// From now on nothing changes (no command, no fault), or no longer so.
    pub fn quiet(&mut self, time: Time, on: bool) {
        self.silence.set(time, on);
    }

    /// Something from [`SOMETIMES`] happened, which packets do not show.
    pub fn note(&mut self, name: &'static str) {
        self.sometimes.note(name);
    }
}

/// Checks one *eventually* property of one network.
fn network(
    name: &str,
    graph: &graph::Graph,
    truth: &DocumentTruth,
    held: &delivery::Held,
) -> Result<(), Violated> {
    match name {
        "symmetry" => symmetry::check(graph),
        "connected_holders" => connected::holders(graph, held.cut_off()),
        "connected_subscribers" => connected::subscribers(graph, held.cut_off()),
        "tree" => tree::check(graph),
        "root_subscribes" => root_subscribes::check(graph),
        "delivery" => delivery::check(graph, truth, held),
        _ => presence::check(graph),
    }
}
