//! What the benchmarks in `benches/` share: two cores in memory, and one packet
//! of each kind.

pub mod pair;
pub mod samples;
