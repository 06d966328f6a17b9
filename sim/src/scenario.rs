//! Scenarios: TOML in, validated model out.
//!
//! `tree` keeps the place of every key and value and applies `--set`; `reader`
//! gives typed access with errors that point at that place; one reader per
//! table makes the `model`. The format is described in `scenarios/README.md`.

mod adversary;
mod checks;
mod error;
mod faults;
mod model;
mod network;
mod parse;
mod protocol;
mod reader;
pub mod script;
#[cfg(test)]
mod tests;
mod tree;
pub mod units;
mod workload;

pub use error::ScenarioError;
pub use model::*;
pub use parse::{Loaded, load, parse, read_file, read_text};
