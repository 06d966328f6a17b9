//! What one check explores: a network, who does what in it, and what may go wrong how often.

use crate::broken::Broken;
use cliqueclique_core::Mode;
use std::time::Duration;

/// What a user does. Documents go by small numbers, their bodies' first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Write document `label`, as a comment of `parent` if there is one.
    Publish {
        /// Its number.
        label: u8,
        /// What it comments on.
        parent: Option<u8>,
        /// Own part in its network.
        mode: Mode,
    },
    /// Join the network of a document at node `via`.
    Join {
        /// The document.
        label: u8,
        /// Whose address the user enters.
        via: usize,
        /// Own part.
        mode: Mode,
    },
    /// Set the own part.
    Set(u8, Mode),
    /// Drop all wishes for a document.
    Forget(u8),
}

impl Order {
    /// The document that it is about.
    #[must_use]
    pub fn label(self) -> u8 {
        match self {
            Self::Publish { label, .. } | Self::Join { label, .. } => label,
            Self::Set(label, _) | Self::Forget(label) => label,
        }
    }
}

/// How often something may go wrong on one path. Together with the script they make the
/// set of reachable states finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Packets (or notices of a closed channel) lost.
    pub lost: u8,
    /// Packets doubled.
    pub doubled: u8,
    /// Packets that overtake earlier ones of their channel; [`ANY`]: as many as can.
    pub overtaken: u8,
    /// Crashes.
    pub crashes: u8,
    /// Crashes between two effects of one input, of those above.
    pub torn: u8,
    /// Restarts; the others that crash stay away.
    pub restarts: u8,
    /// Restarts with an empty disk, of those above.
    pub wiped: u8,
    /// Deadlines that come while packets are still on their way.
    pub late: u8,
    /// Deadlines that are waited for when nothing is on its way.
    pub waits: u8,
}

/// No bound.
pub const ANY: u8 = u8::MAX;

/// One check.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What it is about, for people.
    pub about: &'static str,
    /// Number of nodes.
    pub nodes: usize,
    /// K.
    pub max_peers: usize,
    /// What happened before, each step followed by a calm minute without faults.
    pub before: Vec<(usize, Order)>,
    /// What users do, at any time, each node's in this order.
    pub script: Vec<(usize, Order)>,
    /// What may go wrong.
    pub bounds: Bounds,
    /// Nodes that may crash.
    pub mortal: Vec<usize>,
    /// Of the states in which packets are on their way one in so many is healed and settled
    /// (all others are): 0 for none.
    pub sample: u64,
    /// A core broken on purpose.
    pub broken: Option<Broken>,
    /// A known defect of the core that this case shows; a counter-example is then no failure.
    pub open: Option<&'static str>,
    /// What must have been seen.
    pub sometimes: Vec<&'static str>,
}

/// A circle of upstreams may last so long: a link is given up as upstream within a minute.
pub const CIRCLE_BOUND: Duration = Duration::from_secs(60);
