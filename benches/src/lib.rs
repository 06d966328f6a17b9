//! What the benchmarks in `benches/` share: two cores in memory, inputs of each kind,
//! one packet of each kind, and the paths whose instructions are counted.

pub mod kinds;
pub mod pair;
pub mod paths;
pub mod samples;
