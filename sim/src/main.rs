//! Simulator binary.

fn main() {}
