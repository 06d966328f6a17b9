//! Seeded, deterministic simulator of cliqueclique networks: many cores, one
//! event queue, a modelled network, and checkers that look at the whole graph.

mod accounting;
mod adversary;
pub mod arena;
pub mod check;
pub mod compare;
pub mod driver;
pub mod export;
mod faults;
pub mod folder;
pub mod goals;
pub mod host;
pub mod metrics;
mod network;
mod queue;
mod random;
pub mod report;
pub mod scenario;
pub mod shrink;
pub mod snapshot;
pub mod suite;
pub mod swarm;
pub mod sweep;
pub mod tape;
mod truth;
pub mod workload;
mod world;
