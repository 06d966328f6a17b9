//! A script as text: one line per entry, which reads back as the same.

use super::super::model::{Disk, FaultKind};
use super::{Act, Deed, DialRule, Entry, Fate, PacketRule, Script};
use crate::scenario::units;
use cliqueclique_core::message::Mode;
use std::fmt::Write;
use std::time::Duration;

impl Script {
    /// Three lists of inline tables, to stand before the first table of a scenario.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        list(&mut text, "schedule", &self.schedule, entry);
        list(&mut text, "packet", &self.packets, packet);
        list(&mut text, "dial", &self.dials, dial);
        text
    }
}

fn list<T>(text: &mut String, name: &str, items: &[T], line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{name} = [");
    for item in items {
        let _ = writeln!(text, "  {{ {} }},", line(item));
    }
    let _ = writeln!(text, "]");
}

fn time(duration: Duration) -> String {
    format!("\"{}\"", units::exact(duration))
}

fn entry(entry: &Entry) -> String {
    let deed = match &entry.deed {
        Deed::User { node, act: what } => act(*node, *what),
        Deed::Fault { nodes, kind } => fault(nodes, *kind),
    };
    format!("at = {}, {deed}", time(entry.at))
}

fn act(node: usize, act: Act) -> String {
    match act {
        Act::Start => format!("do = \"start\", node = {node}"),
        Act::Publish {
            document,
            parent,
            body,
            mode: part,
        } => {
            let parent = parent.map_or_else(String::new, |name| format!(", parent = {name}"));
            format!(
                "do = \"publish\", node = {node}, document = {document}{parent}, body = {body}, mode = {}",
                mode(part)
            )
        }
        Act::Join {
            document,
            via,
            mode: part,
        } => format!(
            "do = \"join\", node = {node}, document = {document}, via = {via}, mode = {}",
            mode(part)
        ),
        Act::Set(document, part) => format!(
            "do = \"set\", node = {node}, document = {document}, mode = {}",
            mode(part)
        ),
        Act::Bookmark(document, on) => {
            format!("do = \"bookmark\", node = {node}, document = {document}, on = {on}")
        }
        Act::Forget(document) => {
            format!("do = \"forget\", node = {node}, document = {document}")
        }
        Act::Leave => format!("do = \"leave\", node = {node}"),
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Hold => "\"hold\"",
        Mode::Subscribe => "\"subscribe\"",
        Mode::Follow => "\"follow\"",
    }
}

fn fault(nodes: &[usize], kind: FaultKind) -> String {
    let what = match kind {
        FaultKind::Crash { restart, disk } => crash(restart, disk),
        FaultKind::Pause(lasts) => format!("do = \"pause\", lasts = {}", time(lasts)),
        FaultKind::Partition { lasts, one_way } => {
            format!(
                "do = \"partition\", lasts = {}, one_way = {one_way}",
                time(lasts)
            )
        }
        FaultKind::Degrade { lasts, loss } => {
            format!("do = \"degrade\", lasts = {}, loss = {loss}", time(lasts))
        }
        FaultKind::Move => "do = \"move\"".to_owned(),
        // Users do these: a script has no such fault.
        FaultKind::Leave | FaultKind::Forget | FaultKind::Toggle => String::new(),
    };
    format!("{what}, nodes = {nodes:?}")
}

fn crash(restart: Option<Duration>, disk: Disk) -> String {
    let Some(restart) = restart else {
        return "do = \"crash\"".to_owned();
    };
    let disk = match disk {
        Disk::Kept => "disk = \"kept\"".to_owned(),
        Disk::Lost => "disk = \"lost\"".to_owned(),
        Disk::Backup(age) => format!("disk = \"backup\", age = {}", time(age)),
    };
    format!("do = \"crash\", restart = {}, {disk}", time(restart))
}

fn packet(rule: &PacketRule) -> String {
    let which = format!(
        "from = {}, to = {}, number = {}",
        rule.from, rule.to, rule.number
    );
    match rule.fate {
        Fate::Lost => format!("{which}, lost = true"),
        Fate::Comes { late, held, copy } => {
            let some = |key: &str, value: Duration| {
                if value.is_zero() {
                    String::new()
                } else {
                    format!(", {key} = {}", time(value))
                }
            };
            let copy = copy.map_or_else(String::new, |copy| format!(", copy = {}", time(copy)));
            format!("{which}{}{}{copy}", some("late", late), some("held", held))
        }
    }
}

fn dial(rule: &DialRule) -> String {
    let life = rule
        .life
        .map_or_else(String::new, |life| format!(", life = {}", time(life)));
    format!(
        "from = {}, to = {}, number = {}, lost = {}{life}",
        rule.from, rule.to, rule.number, rule.lost
    )
}
