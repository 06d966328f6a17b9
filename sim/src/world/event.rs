//! What waits in the queue, and the hash over everything that happened.

use crate::host::{Action, Payload};
use crate::network::{End, Handle};
use crate::random::mix;
use crate::snapshot::Index;
use cliqueclique_core::Input;
use cliqueclique_core::time::Time;

/// One event.
#[derive(Debug)]
pub(crate) enum Event {
    /// A packet of so many bytes reaches an end.
    Deliver(End, Payload, u32),
    /// A core's deadline.
    Wake(Index),
    /// The dial at this end is through.
    Stands(End),
    /// The channel at this end is gone.
    Dropped(End),
    /// The transport drops the connection of this end.
    Expire(End),
    /// The workload's next item.
    Work,
    /// A user tries again.
    Again(Index, Action),
    /// The fault with this number in the scenario.
    Fault(usize),
    /// The script's entry with this number, and those who act with it.
    Script(usize),
    /// A disturbance ends.
    Calm(Handle),
    /// A paused node goes on, if its epoch is still this.
    Resume(Index, u32),
    /// A crashed node starts again, if its epoch is still this.
    Restart(Index, u32),
    /// Overlays of a node that were not used lately are evicted.
    Sweep(Index),
    /// Wall clocks are set right.
    Clocks,
}

/// Running hash over every input of every core.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Digest(u64);

impl Digest {
    /// Takes in one input.
    pub(crate) fn input(&mut self, now: Time, node: Index, input: &Input) {
        self.number(now.0 ^ (node as u64) << 40);
        self.number(fingerprint(input));
    }

    /// Takes in a number.
    pub(crate) fn number(&mut self, value: u64) {
        self.0 = mix(self.0 ^ value);
    }

    /// The hash so far.
    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

/// Kind of an input with what is cheap to tell of its content.
fn fingerprint(input: &Input) -> u64 {
    let first = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    match input {
        Input::Wake => 1,
        Input::Clock(wall) => 2 ^ wall.0 << 4,
        Input::Connected { channel, .. } => 3 ^ channel.0 << 4,
        Input::Disconnected(channel) => 4 ^ channel.0 << 4,
        Input::Received(channel, packet) => {
            5 ^ channel.0 << 4 ^ super::history::shape(packet) << 24
        }
        Input::Malformed(channel, _) => 6 ^ channel.0 << 4,
        Input::Admitted(id, _) => 7 ^ u64::from(id.0[0]) << 4,
        Input::Loaded(id, _) => 8 ^ u64::from(id.0[0]) << 4,
        Input::Thawed(tag, _) => 9 ^ first(&tag.0) << 4,
        Input::Recalled(_, records) => 10 ^ (records.len() as u64) << 4,
        Input::Evict(tag) => 11 ^ first(&tag.0) << 4,
        Input::Command(request, _) => 12 ^ request.0 << 4,
    }
}
