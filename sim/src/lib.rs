//! Seeded, deterministic simulator of cliqueclique networks: many cores, one
//! event queue, a modelled network, and checkers that look at the whole graph.

pub mod check;
pub mod driver;
pub mod export;
pub mod goals;
pub mod metrics;
pub mod scenario;
pub mod snapshot;
