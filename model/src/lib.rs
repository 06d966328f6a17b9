//! Model checking of the protocol core: the core itself, not a model of it.
//!
//! A [`World`] holds a few real cores, their disks, and the packets between them. Every
//! choice that a network, a crash or a user can make is an [`Action`]; Stateright takes all
//! of them, in every order, within the bounds of a [`Case`]. See `README.md`.

mod act;
pub mod broken;
pub mod case;
pub mod cases;
mod check;
mod ghost;
mod judge;
mod node;
mod perform;
mod settle;
mod suite;
pub mod world;

pub use case::{Bounds, Case, Order};
pub use check::{Checked, Outcome, Seen};
pub use world::{Action, World};
