//! One story twice: told to the simulator, and lived by real processes over TCP. The same
//! documents must be at the same nodes in the end. Only this test knows both; neither knows the
//! other.

mod common;

use cliqueclique_core::Mode;
use cliqueclique_sim::driver::{Observer, run};
use cliqueclique_sim::scenario::script::{Act, Deed, Entry, Name};
use cliqueclique_sim::scenario::{FaultKind, Scenario, parse};
use common::{Node, Workspace, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Leaving a network may take a minute.
const PATIENCE: Duration = Duration::from_secs(180);

/// A forum, read by some in full, by one only in part; a node that is away while others talk;
/// somebody who keeps one comment and stops following; somebody who forgets everything.
const STORY: &str = r#"# One story, for the simulator and for real nodes.
about = "One story, for the simulator and for real nodes."
duration = "10m"
settle = "20m"
schedule = [
  { at = "0s", do = "publish", node = 0, document = 1 },
  { at = "10s", do = "join", node = 1, document = 1, via = 0 },
  { at = "20s", do = "join", node = 2, document = 1, via = 0, mode = "subscribe" },
  { at = "30s", do = "join", node = 3, document = 1, via = 1 },
  { at = "40s", do = "join", node = 4, document = 1, via = 2 },
  { at = "60s", do = "publish", node = 1, document = 2, parent = 1 },
  { at = "70s", do = "publish", node = 2, document = 3, parent = 1, mode = "subscribe" },
  { at = "80s", do = "publish", node = 0, document = 4, parent = 2 },
  { at = "90s", do = "publish", node = 4, document = 5, parent = 3 },
  { at = "100s", do = "crash", nodes = [3], restart = "60s" },
  { at = "110s", do = "publish", node = 1, document = 6, parent = 4 },
  { at = "120s", do = "publish", node = 2, document = 7, parent = 5 },
  { at = "250s", do = "publish", node = 3, document = 8, parent = 6 },
  { at = "300s", do = "bookmark", node = 4, document = 6 },
  { at = "310s", do = "set", node = 4, document = 1, mode = "hold" },
  { at = "320s", do = "forget", node = 1, document = 1 },
  { at = "400s", do = "publish", node = 0, document = 9, parent = 1 },
]

[network]
preset = "lan"

[workload]
kind = "script"
nodes = 5
"#;

/// Documents by node, by their names in the story.
type Holdings = Vec<BTreeSet<Name>>;

struct Watcher;

impl Observer for Watcher {}

fn simulated(scenario: &Scenario) -> Holdings {
    let outcome = run(scenario, 1, &mut Watcher).expect("no trace is read");
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    let publishes = scenario
        .script
        .schedule
        .iter()
        .filter_map(|entry| match entry.deed {
            Deed::User {
                node,
                act: Act::Publish { document, .. },
            } => Some((node, document)),
            Deed::User { .. } | Deed::Fault { .. } => None,
        });
    // The simulator's documents, in the order in which they were written.
    let mut truths: Vec<_> = outcome.last.documents.values().collect();
    truths.sort_by_key(|truth| truth.published);
    let mut all = vec![BTreeSet::new(); scenario.workload.nodes()];
    for ((author, name), truth) in publishes.zip(truths) {
        assert_eq!(author, truth.author, "document {name}");
        for (node, member) in &truth.members {
            if member.view.as_ref().is_some_and(|view| view.holds) {
                all[*node].insert(name);
            }
        }
    }
    all
}

/// Real nodes that live a story.
struct Cast {
    nodes: Vec<Node>,
    ids: BTreeMap<Name, String>,
}

impl Cast {
    /// What an entry is about must be there before it happens, as it is in the simulator, where
    /// time passes between entries.
    fn here(&self, node: usize, name: Name) -> &str {
        let id = &self.ids[&name];
        let what = format!("document {name} at node {node}");
        eventually(&what, PATIENCE, || self.nodes[node].has(id));
        id
    }

    fn act(&mut self, at: usize, act: Act) {
        let node = &self.nodes[at];
        match act {
            Act::Publish {
                document,
                parent,
                mode,
                ..
            } => {
                let text = format!("document {document}");
                let id = match parent {
                    Some(parent) => {
                        let parent = self.here(at, parent);
                        node.say(&["post", parent, &text, "--mode", word(mode)])
                    }
                    None => node.say(&["forum", "new", &text]),
                };
                self.ids.insert(document, id);
            }
            Act::Join {
                document,
                via,
                mode,
            } => {
                let invite = self.nodes[via].say(&["invite", self.here(via, document)]);
                node.run(&["join", &invite, "--mode", word(mode), "--wait", "60"]);
            }
            Act::Set(document, mode) => {
                let id = self.here(at, document);
                match mode {
                    Mode::Hold => node.run(&["unfollow", id]),
                    Mode::Subscribe => node.run(&["follow", id, "--only"]),
                    Mode::Follow => node.run(&["follow", id]),
                };
            }
            Act::Bookmark(document, on) => {
                let id = self.here(at, document);
                let verb: &[&str] = if on { &[] } else { &["--remove"] };
                node.run(&[&["bookmark", id], verb].concat());
            }
            Act::Forget(document) => {
                node.run(&["forget", self.here(at, document)]);
            }
            Act::Start | Act::Leave => panic!("no command does that"),
        }
    }

    fn lives(&mut self, entry: &Entry, away: &mut Vec<(Duration, usize)>) {
        away.retain(|(back, node)| {
            let due = *back <= entry.at;
            if due {
                self.nodes[*node].start();
            }
            !due
        });
        match &entry.deed {
            Deed::User { node, act } => self.act(*node, *act),
            Deed::Fault {
                nodes,
                kind:
                    FaultKind::Crash {
                        restart: Some(after),
                        ..
                    },
            } => {
                for node in nodes {
                    self.nodes[*node].kill();
                    away.push((entry.at + *after, *node));
                }
            }
            Deed::Fault { .. } => panic!("the story has no other faults"),
        }
    }

    fn holdings(&self) -> Holdings {
        let held = |node: &Node| {
            let names = self.ids.iter().filter(|(_, id)| node.has(id));
            names.map(|(name, _)| *name).collect()
        };
        self.nodes.iter().map(held).collect()
    }
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Hold => "hold",
        Mode::Subscribe => "subscribe",
        Mode::Follow => "follow",
    }
}

#[test]
fn the_simulator_and_real_nodes_agree_on_who_has_what() {
    let scenario = parse("story.toml", STORY, &[]).expect("a valid scenario");
    let expected = simulated(&scenario);
    // The story tells nodes apart.
    let distinct: BTreeSet<_> = expected.iter().collect();
    assert_eq!(distinct.len(), 4, "{expected:?}");
    let space = Workspace::new("agree");
    let nodes = (0..scenario.workload.nodes()).map(|at| space.node(&at.to_string()));
    let mut cast = Cast {
        nodes: nodes.collect(),
        ids: BTreeMap::new(),
    };
    let mut away = Vec::new();
    for entry in &scenario.script.schedule {
        cast.lives(entry, &mut away);
    }
    assert!(away.is_empty(), "all came back");
    let end = format!("the same at the same nodes, {expected:?}");
    eventually(&end, PATIENCE, || cast.holdings() == expected);
}
