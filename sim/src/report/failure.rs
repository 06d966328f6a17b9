//! What went wrong, if something did.

use super::RunSummary;
use super::words::{count, escape};
use crate::driver::Event;
use std::fmt::Write;

/// Most events listed.
const EVENTS: usize = 60;

/// The section; empty if every property held.
pub(super) fn section(summary: &RunSummary<'_>) -> String {
    let Some((violated, events)) = &summary.outcome.failure else {
        return String::new();
    };
    let document = violated.document.map_or_else(
        || "none in particular".into(),
        |tag| format!("<code>{tag}</code>"),
    );
    let nodes: Vec<_> = violated.nodes.iter().map(ToString::to_string).collect();
    let nodes = if nodes.is_empty() {
        "none in particular".into()
    } else {
        nodes.join(", ")
    };
    let mut html = format!(
        "<section class=\"broken\"><h2 class=\"bad\">Property <code>{}</code> does not hold</h2><p class=\"lead\">{}</p>\
         <p>Seen at {:.6} s. Document: {document}. Nodes: {nodes}.</p><h3>This run again</h3><pre>{}</pre>",
        escape(violated.property),
        escape(&sentence(&violated.detail)),
        violated.time.as_secs_f64(),
        escape(summary.replay)
    );
    if !events.is_empty() {
        table(&mut html, events);
    }
    html + "</section>\n"
}

fn table(html: &mut String, events: &[Event]) {
    let shown = &events[events.len().saturating_sub(EVENTS)..];
    let _ = write!(
        html,
        "<h3>The last {} events among them</h3><div class=\"scroll\"><table><tr><th class=\"n\">time, s</th><th class=\"n\">node</th>\
         <th class=\"n\">peer</th><th>what</th><th>detail</th></tr>",
        count(shown.len() as u64)
    );
    for event in shown {
        let _ = write!(
            html,
            "<tr><td class=\"n\">{:.6}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"d\">{}</td></tr>",
            event.time.as_secs_f64(),
            event.node,
            event.peer.map_or_else(String::new, |peer| peer.to_string()),
            escape(event.kind),
            escape(&event.detail)
        );
    }
    html.push_str("</table></div>");
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}
