//! Benchmarks of cliqueclique; see `benches/`.
