//! Heal and settle: from a state on, faults stop, packets arrive in order and at once, time
//! goes on from deadline to deadline. So every state has one fair continuation, on which
//! what must hold *eventually* is checked. That is less than all fair continuations, and
//! more than Stateright's own `eventually`, which does not see cycles and joins.

use crate::ghost::Fault;
use crate::judge;
use crate::world::{Cargo, World};
use cliqueclique_core::message::Message;
use cliqueclique_core::{Packet, Time};
use std::time::Duration;

/// Guarantees 7 to 12 must hold so long after the last fault and change.
pub(crate) const BOUND: Duration = Duration::from_secs(3600);
/// So long nothing is said before a network counts as silent: longer than any pause
/// between two efforts but for redialling the dead.
const QUIET: Duration = Duration::from_secs(900);
/// More packets at one instant are chatter without end.
const CHATTER: usize = 5_000;

/// What is delivered, for people, if they ask.
pub(crate) type Story = Option<Vec<String>>;

impl World {
    /// Lets everything arrive and all deadlines come until `end`.
    pub(crate) fn rest(&mut self, end: Time) {
        loop {
            self.drain(&mut None);
            let deadline = |at: usize| self.nodes[at].core.as_ref()?.next_deadline();
            let next = self.up().filter_map(deadline).min();
            if next.is_none_or(|next| next > end) || self.fault.is_some() {
                break;
            }
            self.advance();
        }
        self.now = self.now.max(end);
        for at in 0..self.nodes.len() {
            self.feed(at, cliqueclique_core::Input::Clock(crate::node::WALL), None);
        }
        self.drain(&mut None);
    }

    /// Delivers all that is on its way, in order. True if a document was spoken about.
    fn drain(&mut self, story: &mut Story) -> bool {
        let mut spoke = false;
        for _ in 0..CHATTER {
            if self.flight.is_empty() {
                return spoke;
            }
            let flying = self.flight.remove(0);
            if let Some(story) = story {
                story.push(format!("{:.3} s {flying:?}", self.now.as_secs_f64()));
            }
            spoke |= speaks(&flying.cargo);
            self.deliver(&flying, None);
            judge::instant(self, None);
        }
        self.blame(12, || "they chatter without end".into());
        spoke
    }

    /// The guarantees 7 to 12 that do not hold on the fair continuation, and any other
    /// that is broken on it.
    pub(crate) fn heal(&self, story: &mut Story) -> Vec<Fault> {
        let mut world = self.clone();
        world.left = crate::Bounds::default();
        let end = world.now + BOUND;
        let (mut spoke, mut still) = (world.now, 0);
        loop {
            if world.drain(story) {
                spoke = world.now;
            }
            if world.fault.is_some() {
                return world.fault.into_iter().collect();
            }
            let deadline = |at: usize| world.nodes[at].core.as_ref()?.next_deadline();
            let next = world.up().filter_map(deadline).min();
            let next = next.filter(|&next| next <= end).unwrap_or(end);
            let quiet = next.since(spoke) >= QUIET;
            if (quiet && judge::settled(&world).is_empty()) || next == end {
                return verdict(&world, quiet);
            }
            let before = world.now;
            world.advance();
            still = if world.now == before { still + 1 } else { 0 };
            if still > CHATTER {
                world.blame(12, || "deadlines come without end at one instant".into());
            }
        }
    }
}

fn verdict(world: &World, quiet: bool) -> Vec<Fault> {
    let mut faults = judge::settled(world);
    if !quiet {
        let what = "somebody still speaks, though nothing changes".into();
        faults.push(Fault {
            guarantee: 12,
            what,
        });
    }
    faults
}

/// More than a keep-alive or an acknowledgement.
fn speaks(cargo: &Cargo) -> bool {
    match cargo {
        Cargo::Packet(Packet::Frame(frame)) => {
            let idle = |message: &Message| matches!(message, Message::Ping | Message::Audit(_));
            !frame.messages.iter().all(idle)
        }
        Cargo::Packet(Packet::Hello(_)) => true,
        Cargo::Packet(_) | Cargo::Dial(_) | Cargo::Closed => false,
    }
}
