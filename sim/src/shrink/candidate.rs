//! A failing run laid open, in two parts that are edited apart: the frame (settings, network,
//! checks, as TOML) and the script (what happens).

use crate::adversary;
use crate::scenario::script::{Act, Script};
use crate::scenario::{self, Scenario, ScenarioError, Workload, units};
use std::time::Duration;
use toml::{Table, Value};

/// A scenario that is laid open.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    frame: Table,
    scenario: Scenario,
}

/// How large a candidate is: what shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Nodes that start.
    pub nodes: usize,
    /// Documents that are published.
    pub documents: usize,
    /// Things that happen: entries of `[[schedule]]`.
    pub scheduled: usize,
    /// Packets and connections to which something happens.
    pub packets: usize,
    /// Time until the last of it.
    pub lasts: Duration,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} nodes, {} documents, {} scheduled events, {} packets, {:.1} s",
            self.nodes,
            self.documents,
            self.scheduled,
            self.packets,
            self.lasts.as_secs_f64()
        )
    }
}

/// Tables and keys that a script replaces, or that say nothing once it is laid open.
const REPLACED: [&str; 6] = [
    "fault",
    "workload",
    "schedule",
    "packet",
    "dial",
    "snapshots",
];

impl Candidate {
    /// The scenario of `text`, which ran with this seed and this script.
    pub(super) fn lay_open(
        text: &str,
        scenario: &Scenario,
        seed: u64,
        script: Script,
    ) -> Result<Self, ScenarioError> {
        let mut frame: Table = toml::from_str(text).unwrap_or_default();
        REPLACED.iter().for_each(|key| {
            frame.remove(*key);
        });
        let nodes = scenario.workload.nodes().max(highest(&script) + 1);
        frame.insert("workload".to_owned(), workload(nodes));
        frame.insert("seed".to_owned(), Value::Integer(seed.cast_signed()));
        frame.insert("sample".to_owned(), time(scenario.sample));
        if !matches!(scenario.workload, Workload::Scripted(_)) {
            let network = table(&mut frame, "network");
            for chance in ["loss", "duplicate", "reorder"] {
                network.insert(chance.to_owned(), Value::Integer(0));
            }
            network.insert("jitter".to_owned(), time(Duration::ZERO));
            network.insert("channel_life".to_owned(), Value::from("never"));
            network.remove("reorder_delay");
        }
        name_adversaries(&mut frame, &adversary::who(scenario, seed));
        if let Some(Value::Table(checks)) = frame.get_mut("checks") {
            checks.remove("sometimes");
        }
        Self::new(frame, script)
    }

    fn new(frame: Table, script: Script) -> Result<Self, ScenarioError> {
        let text = toml::to_string(&frame).unwrap_or_default();
        let mut scenario = scenario::parse("shrunk.toml", &text, &[])?;
        scenario.script = script;
        Ok(Self { frame, scenario })
    }

    /// To be run.
    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What happens.
    pub(super) fn script(&self) -> &Script {
        &self.scenario.script
    }

    /// All but what happens.
    pub(super) fn frame(&self) -> &Table {
        &self.frame
    }

    /// The same frame with another script.
    pub(super) fn with_script(&self, mut script: Script) -> Self {
        script.prune();
        let mut other = self.clone();
        other.scenario.script = script;
        other
    }

    /// The same script in another frame; `None` if that is no scenario.
    pub(super) fn with_frame(&self, edit: impl FnOnce(&mut Table)) -> Option<Self> {
        let mut frame = self.frame.clone();
        edit(&mut frame);
        if frame == self.frame {
            return None;
        }
        Self::new(frame, self.script().clone()).ok()
    }

    /// Takes out of the frame what says nothing.
    pub(super) fn tidy(&mut self) {
        for name in ["network", "protocol", "checks"] {
            let keys: Vec<String> = match self.frame.get(name) {
                Some(Value::Table(table)) => table.keys().cloned().collect(),
                _ => continue,
            };
            for key in &keys {
                self.drop_if_idle(|frame| {
                    table(frame, name).remove(key);
                });
            }
            self.drop_if_idle(|frame| {
                frame.remove(name);
            });
        }
    }

    fn drop_if_idle(&mut self, edit: impl FnOnce(&mut Table)) {
        if let Some(other) = self.with_frame(edit)
            && other.scenario == self.scenario
        {
            *self = other;
        }
    }

    /// How large it is.
    pub(super) fn size(&self) -> Size {
        let script = self.script();
        let published = script
            .schedule
            .iter()
            .filter_map(|entry| entry.act()?.1.makes());
        Size {
            nodes: script.nodes().len(),
            documents: published.count(),
            scheduled: script.schedule.len(),
            packets: script.packets.len() + script.dials.len(),
            lasts: script
                .schedule
                .last()
                .map_or(Duration::ZERO, |entry| entry.at),
        }
    }

    /// As a scenario file. `about` is one sentence.
    pub(super) fn text(&self, about: &str) -> String {
        let (mut head, mut tables) = (Table::new(), Table::new());
        for (key, value) in &self.frame {
            let lists = |list: &Vec<Value>| list.iter().any(Value::is_table);
            let is_table = value.is_table() || value.as_array().is_some_and(lists);
            let part = if is_table { &mut tables } else { &mut head };
            part.insert(key.clone(), value.clone());
        }
        head.insert("about".to_owned(), Value::from(about));
        let show = |table: &Table| toml::to_string(table).unwrap_or_default();
        format!(
            "# {about}\n{}{}\n{}",
            show(&head),
            self.script().text(),
            show(&tables)
        )
    }
}

/// Says by index who is hostile, since a draw would hit others once nodes are gone.
fn name_adversaries(frame: &mut Table, who: &[Vec<usize>]) {
    let Some(Value::Array(tables)) = frame.get_mut("adversary") else {
        return;
    };
    let index = |node: &usize| Value::Integer(i64::try_from(*node).unwrap_or(0));
    for (table, nodes) in tables.iter_mut().zip(who) {
        if let Value::Table(table) = table {
            table.remove("share");
            table.remove("count");
            table.insert(
                "nodes".to_owned(),
                Value::Array(nodes.iter().map(index).collect()),
            );
        }
    }
}

fn highest(script: &Script) -> usize {
    let nodes = script.schedule.iter().flat_map(|entry| entry.nodes());
    nodes.max().unwrap_or(0)
}

/// A workload of so many nodes.
pub(super) fn workload(nodes: usize) -> Value {
    let count = Value::Integer(i64::try_from(nodes).unwrap_or(i64::MAX));
    Value::Table(Table::from_iter([
        ("kind".to_owned(), Value::from("script")),
        ("nodes".to_owned(), count),
    ]))
}

/// A length of time.
pub(super) fn time(duration: Duration) -> Value {
    Value::String(units::exact(duration))
}

/// A table of the frame, made if it is not there.
pub(super) fn table<'a>(frame: &'a mut Table, key: &str) -> &'a mut Table {
    let entry = frame
        .entry(key.to_owned())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(table) = entry {
        return table;
    }
    unreachable!("a scenario whose `{key}` is no table is refused")
}

/// True for acts that only start a node.
pub(super) fn only_starts(act: Act) -> bool {
    act == Act::Start
}
