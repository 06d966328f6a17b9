//! The bodies of the fuzz targets: each takes any bytes and panics if a rule is
//! broken. libFuzzer calls them from `fuzz/fuzz_targets`; an ordinary test calls them
//! with all that the corpus holds.

pub mod decoder;
pub mod lone;
pub mod pair;
pub mod scenario;
mod stage;
mod suite;

/// One body.
pub type Target = fn(&[u8]);

/// All targets by name; the corpus of each is in `fuzz/corpus/<name>`.
pub const TARGETS: [(&str, Target); 4] = [
    ("decoder", decoder::run),
    ("lone", lone::run),
    ("pair", pair::run),
    ("scenario", scenario::run),
];
