//! Names that scenarios may use for properties, as in `scenarios/README.md`.

/// Hold at every step.
pub const ALWAYS: [&str; 7] = [
    "degree", "subset", "contact", "privacy", "bounded", "silence", "circles",
];

/// Hold within `settle` after the faults stop.
pub const EVENTUALLY: [&str; 7] = [
    "connected_holders",
    "connected_subscribers",
    "tree",
    "root_subscribes",
    "delivery",
    "presence",
    "symmetry",
];

/// Happened at least once, if the scenario asks for it.
pub const SOMETIMES: [&str; 14] = [
    "crashed",
    "root_changed",
    "spliced",
    "healed",
    "pulled",
    "reconciled",
    "frozen",
    "joined",
    "left",
    "restarted",
    "paused",
    "fragmented",
    "retransmitted",
    "evicted",
];
