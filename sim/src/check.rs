//! Properties, checked on the ground truth of the whole network.
//!
//! One file per property. *Always* properties are looked at while the run goes
//! on (at packets, at touched overlays, at samples), *eventually* properties on
//! a snapshot after the faults stopped, *sometimes* properties prove at the end
//! that the interesting case was reached. Checkers see everything and change
//! nothing; in the good case they allocate nothing.

mod bounded;
mod degree;
mod knowledge;
mod silence;
mod sometimes;
mod subset;

pub use knowledge::Knowledge;
pub use sometimes::SOMETIMES;

use crate::metrics::Metrics;
use crate::scenario::Scenario;
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::time::Time;
use cliqueclique_core::{Command, Core, Packet};

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
        write!(f, "{} violated at {:.3} s", self.property, self.time.as_secs_f64())?;
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

/// All checkers of one run.
#[derive(Debug)]
pub struct Checkers {
    every_step: bool,
    degree: degree::Degree,
    bounded: bounded::Bounded,
    silence: silence::Silence,
    sometimes: sometimes::Sometimes,
}

impl Checkers {
    /// Checkers as the scenario asks for them.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            every_step: scenario.checks.every_step,
            degree: degree::Degree::new(scenario),
            bounded: bounded::Bounded::new(scenario),
            silence: silence::Silence::new(scenario),
            sometimes: sometimes::Sometimes::default(),
        }
    }

    /// A user's command reaches a node. Call it before the core handles it.
    pub fn command(&mut self, time: Time, node: Index, id: NodeId, command: &Command) {
        let _ = (time, node, id, command);
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
        let _ = truth;
        self.sometimes.packet(packet);
        self.bounded.packet(time, from, to, packet)?;
        self.silence.packet(time, from, to, packet)
    }

    /// A core has handled an input. Checks nothing unless the scenario wants
    /// every step checked.
    ///
    /// # Errors
    /// The first property that a touched overlay breaks.
    pub fn handled(&mut self, time: Time, node: Index, core: &Core) -> Result<(), Violated> {
        if !self.every_step {
            return Ok(());
        }
        for &tag in core.touched() {
            if let Some(view) = core.overlay_by_tag(tag) {
                self.degree.overlay(time, node, &view)?;
                subset::overlay(time, node, &view)?;
                self.bounded.overlay(time, node, &view)?;
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
        self.bounded.snapshot(snapshot)
    }

    /// Checks the *eventually* properties on a whole snapshot.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn eventually(&mut self, snapshot: &Snapshot) -> Result<(), Violated> {
        let _ = snapshot;
        Ok(())
    }

    /// Checks at the end what must have been seen and what figures may be.
    ///
    /// # Errors
    /// The first *sometimes* property not seen, or the first figure over its bound.
    pub fn finish(&mut self, metrics: &Metrics, time: Time) -> Result<(), Violated> {
        let _ = (metrics, time);
        Ok(())
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
