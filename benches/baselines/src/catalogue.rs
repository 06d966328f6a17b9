//! The protocols by name, and running one of them.

use crate::{central, core, gossip, nntp, original};
use cliqueclique_sim::arena::{self, Figures, Protocol, Refused, Seat, Terms};
use cliqueclique_sim::driver::{self, Observer};
use cliqueclique_sim::scenario::Scenario;

/// What makes a node.
type Make = fn(&Seat) -> Box<dyn Protocol>;

/// One protocol.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name in tables and on the command line.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// `None`: ours, run by the simulator itself.
    make: Option<Make>,
    /// It needs a server.
    server: bool,
}

/// Ours in the simulator itself: it measures the same as on the stage, but takes longer, so it
/// runs only if asked for.
pub const CHECKED: &str = "ours-checked";

/// All protocols; ours is the first.
pub const ALL: [Entry; 9] = [
    Entry {
        name: "ours",
        about: "cliqueclique: its core, on the stage of the others",
        make: Some(|seat| Box::new(core::Cored::new(seat, core::Bodies::Tree))),
        server: false,
    },
    Entry {
        name: CHECKED,
        about: "cliqueclique as cliqueclique-sim runs it, all guarantees checked",
        make: None,
        server: false,
    },
    Entry {
        name: "flood",
        about: "our overlay of the forum; comments go to all neighbours, no tree",
        make: Some(|seat| Box::new(core::Cored::new(seat, core::Bodies::Flood))),
        server: false,
    },
    Entry {
        name: "iroh-gossip",
        about: "iroh-gossip 0.101, a topic per document, default settings",
        make: Some(|seat| Box::new(gossip::Gossip::new(seat, gossip::default_settings()))),
        server: false,
    },
    Entry {
        name: "iroh-tuned",
        about: "the same with settings in its favour",
        make: Some(|seat| Box::new(gossip::Gossip::new(seat, gossip::tuned_settings()))),
        server: false,
    },
    Entry {
        name: "2010",
        about: "the first cliqueclique by its rules, signed MIME texts",
        make: Some(|seat| Box::new(original::Original::new(seat, original::Form::Text))),
        server: false,
    },
    Entry {
        name: "2010-compact",
        about: "the same rules with messages as compact as ours",
        make: Some(|seat| Box::new(original::Original::new(seat, original::Form::Compact))),
        server: false,
    },
    Entry {
        name: "nntp",
        about: "everybody gets everything, offered by streaming NNTP",
        make: Some(|seat| Box::new(nntp::News::new(seat))),
        server: false,
    },
    Entry {
        name: "central",
        about: "a server that never fails, not counted itself: the lower bound of bytes",
        make: Some(central::node),
        server: true,
    },
];

/// The protocol of a name.
#[must_use]
pub fn find(name: &str) -> Option<Entry> {
    ALL.into_iter().find(|entry| entry.name == name)
}

struct Nobody;

impl Observer for Nobody {}

impl Entry {
    /// Runs a scenario with it; at most `events` inputs are handled (ours: as many as it takes).
    ///
    /// # Errors
    /// In words, why there are no figures: the scenario cannot be set up, asks for what the
    /// protocol does not have, or takes too long.
    pub fn run(&self, scenario: &Scenario, seed: u64, events: u64) -> Result<Figures, String> {
        let Some(mut make) = self.make else {
            let outcome = driver::run(scenario, seed, &mut Nobody);
            let outcome = outcome.map_err(|error| error.to_string())?;
            return Ok(Figures::of_core(&outcome));
        };
        let terms = Terms {
            seed,
            events,
            server: self.server,
        };
        arena::run(scenario, terms, &mut make).map_err(|error: Refused| error.to_string())
    }
}
