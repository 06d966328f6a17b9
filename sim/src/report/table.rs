//! Tables: goals beside measurements, and what faults cost.

use super::words::{bytes, count, escape, figure, seconds, share};
use crate::goals::GoalRow;
use crate::metrics::{FaultCost, Metrics};
use std::fmt::Write;

/// Most faults listed one by one.
const FAULTS: usize = 40;

/// Goals; empty if there are none.
pub(super) fn goals(rows: &[GoalRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section><h2>Costs beside the goals</h2><div class=\"scroll\"><table><tr><th>quantity</th><th class=\"n\">goal</th>\
         <th class=\"n\">measured</th><th>reached</th></tr>",
    );
    for row in rows {
        let (class, word) = match row.reached {
            Some(true) => ("good", "✓ yes"),
            Some(false) => ("bad", "✗ no"),
            None => ("soft", "not measured here"),
        };
        let _ = write!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"{class}\">{word}</td></tr>",
            escape(&row.name),
            escape(&row.goal).replace("&lt;=", "≤"),
            row.measured.map_or_else(|| "–".into(), figure)
        );
    }
    html + "</table></div></section>\n"
}

/// What faults cost; empty if there were none.
pub(super) fn faults(metrics: &Metrics) -> String {
    let faults = &metrics.fault_messages;
    if faults.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<section><h2>What faults cost</h2><p class=\"soft\">Control messages from a fault until the next sample, \
         and how many that is for each document that a hit node shared. {}</p>\
         <div class=\"scroll\"><table><tr><th class=\"n\">time</th><th>fault</th><th class=\"n\">nodes hit</th>\
         <th class=\"n\">shared</th><th class=\"n\">messages</th><th class=\"n\">bytes</th><th class=\"n\">per document</th></tr>",
        omitted(faults.len())
    );
    faults
        .iter()
        .take(FAULTS)
        .for_each(|fault| row(&mut html, fault));
    html + "</table></div></section>\n"
}

fn omitted(number: usize) -> String {
    if number <= FAULTS {
        String::new()
    } else {
        format!("The first {FAULTS} of {}.", count(number as u64))
    }
}

fn row(html: &mut String, fault: &FaultCost) {
    let shared = fault.memberships as u64;
    let each = if shared == 0 {
        "–".into()
    } else {
        figure(share(fault.messages, shared))
    };
    let _ = write!(
        html,
        "<tr><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{each}</td></tr>",
        seconds(fault.time),
        escape(&fault.kind),
        count(fault.nodes as u64),
        count(shared),
        count(fault.messages),
        bytes(fault.bytes)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_fault_is_per_shared_document() {
        let fault = FaultCost {
            time: 300.0,
            kind: "crash".into(),
            nodes: 2,
            memberships: 4,
            messages: 10,
            bytes: 1_200,
        };
        let metrics = Metrics {
            fault_messages: vec![fault],
            ..Metrics::default()
        };
        let html = faults(&metrics);
        assert!(
            html.contains("<td class=\"n\">1.2 kB</td><td class=\"n\">2.5</td>"),
            "{html}"
        );
        assert!(html.contains("5 min"));
    }

    #[test]
    fn goals_say_what_was_reached() {
        let row = |measured, reached| GoalRow {
            name: "a < b".into(),
            goal: "<= 1.1".into(),
            measured,
            reached,
        };
        let html = goals(&[
            row(Some(1.05), Some(true)),
            row(Some(1.2), Some(false)),
            row(None, None),
        ]);
        assert!(html.contains("a &lt; b") && html.contains("≤ 1.1"));
        assert!(
            html.contains("1.05")
                && html.contains("✓ yes")
                && html.contains("✗ no")
                && html.contains("not measured here")
        );
    }
}
