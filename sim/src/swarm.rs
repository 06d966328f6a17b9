//! A swarm: many small runs in which the seed draws not only chance but the scenario itself: who
//! there is, what they do, the network, the settings of the protocol, and what goes wrong.
//!
//! Each run has a phase in which only the *always* properties are checked; then all faults end,
//! and every *eventually* property must come to hold in a bounded time. A case is a text that
//! runs again by itself: the swarm knows nothing that its scenario does not say.

mod draw;
mod judge;
mod panics;

pub use draw::{Case, bound, draw};
pub use judge::{Broken, Class, Finding, Judged, judge, judge_twice, nobody, record};
