//! The arena: protocols side by side in the simulator's network.
//!
//! A [`Protocol`] is what one node of a network does: inputs go in, effects come
//! out, and a deadline says when it wants to be called. The arena gives it what
//! the core has in [`crate::driver`]: the same workload, users, faults, latencies
//! and losses, drawn from the same streams, and the same accounts of bytes. It
//! checks no guarantee; it measures what a protocol costs and what it delivers.
//!
//! What the arena gives for nothing, in favour of those that it compares with us:
//! connections need no handshake and are reliable without acknowledgements; a
//! document that a user joins comes with the invitation; and a break of the
//! connection is noticed as soon as our own keep-alives would notice it.

mod deeds;
mod faults;
mod figures;
mod lines;
mod protocol;
mod stage;
mod users;

pub use figures::{Completeness, Figures, Wire};
pub use protocol::{Disk, Effect, Held, Input, Line, Packet, Peer, Protocol, Seat};
pub use stage::{Refused, Terms, run};

#[cfg(test)]
mod tests;
