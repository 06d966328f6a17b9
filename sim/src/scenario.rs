//! Scenarios: TOML in, validated model out.

mod model;

pub use model::*;
