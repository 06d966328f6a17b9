//! What went wrong, if something did.

use super::layout::layout;
use super::overlay::{self, MOST};
use super::plot::figure;
use super::words::{count, escape, plural, seconds};
use super::{RunSummary, spacetime};
use crate::check::Violated;
use crate::driver::{Event, Scene};
use crate::snapshot::Snapshot;
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
    if let Some(scene) = &summary.outcome.scene {
        diagram(&mut html, violated, scene);
        networks(&mut html, violated, scene, &summary.outcome.last);
    }
    if !events.is_empty() {
        table(&mut html, events);
    }
    html + "</section>\n"
}

const LEGEND: &str = "<p class=\"soft\">Time runs downwards, long pauses are shortened. An arrow is a packet from its \
    sending to its receipt, labelled by the messages in it; in colour, if one of them concerns the document. A cross ends a \
    packet that the network lost, a ring one that was still under way or that nobody was there to take. A life line is dotted \
    while its node is down; squares are users&#39; commands, other faults and reports.</p>";

fn diagram(html: &mut String, violated: &Violated, scene: &Scene) {
    if scene.strokes.is_empty() {
        return;
    }
    let _ = write!(
        html,
        "<h3>What happened last among them</h3><div class=\"scroll\">{}</div>{LEGEND}",
        spacetime::draw(scene, violated.time, violated.property)
    );
}

/// The document's network before and after, if the property names a document.
fn networks(html: &mut String, violated: &Violated, scene: &Scene, after: &Snapshot) {
    let Some(tag) = violated.document else { return };
    let marked = &scene.nodes[..scene.concerned];
    let mut drawings = String::new();
    for (snapshot, what) in [(scene.before.as_ref(), "before"), (Some(after), "after")] {
        let Some(snapshot) = snapshot.filter(|s| s.documents.contains_key(&tag)) else {
            continue;
        };
        let picture = layout(snapshot, tag, MOST);
        let time = seconds(snapshot.time.as_secs_f64());
        let caption = match what {
            "before" => format!("at {time}, when all that must always hold was last seen to hold"),
            _ => format!("at {time}, when it did not hold"),
        };
        let nodes = plural(picture.dots.len() as u64, "node");
        let caption = format!("{nodes} drawn, {caption}");
        let heading = format!("Its network {what}");
        drawings += &figure(&heading, &overlay::draw(&picture, marked), &caption);
    }
    if !drawings.is_empty() {
        let _ = write!(html, "<div class=\"grid before\">{drawings}</div>");
    }
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
