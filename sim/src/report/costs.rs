//! What the bytes were spent on.

use super::style::SERIES;
use super::words::{bytes, count, percent, share};
use crate::metrics::{Cost, CostKind, Metrics};
use std::fmt::Write;

/// Kinds with their names and what they are, in the order of [`CostKind`].
pub(super) const KINDS: [(CostKind, &str, &str); 9] = [
    (CostKind::Document, "documents", "the comments themselves"),
    (
        CostKind::Push,
        "push headers",
        "headers of pushes and fragments",
    ),
    (
        CostKind::Frame,
        "frames",
        "numbers, acknowledgements, length prefixes",
    ),
    (CostKind::KeepAlive, "keep-alives", "on idle links"),
    (
        CostKind::State,
        "overlay state",
        "state, opening and closing of relations",
    ),
    (CostKind::Set, "sets", "digests, reconciliation, asking"),
    (
        CostKind::Introduction,
        "introductions",
        "introducing and seeking",
    ),
    (CostKind::Handshake, "handshakes", "new links"),
    (
        CostKind::Retransmission,
        "sent again",
        "packets that were lost or seemed so",
    ),
];

/// The section; empty if nothing was sent.
pub(super) fn section(metrics: &Metrics) -> String {
    let total: u64 = metrics.costs.values().map(|cost| cost.bytes).sum();
    if total == 0 {
        return String::new();
    }
    let mut html = String::from("<section><h2>What the bytes were spent on</h2>");
    html.push_str(&bar(metrics, total));
    html.push_str("<div class=\"scroll\"><table><tr><th>kind</th><th class=\"n\">messages</th><th class=\"n\">bytes</th><th class=\"n\">share</th></tr>");
    for (at, (kind, name, what)) in KINDS.iter().enumerate() {
        let cost = cost(metrics, *kind);
        let _ = write!(
            html,
            "<tr><td><span class=\"key {}\"></span>{name} <span class=\"soft\">{what}</span></td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            SERIES[at],
            count(cost.messages),
            bytes(cost.bytes),
            percent(share(cost.bytes, total))
        );
    }
    let _ = writeln!(
        html,
        "<tr><td><b>all</b></td><td></td><td class=\"n\"><b>{}</b></td><td></td></tr></table></div>\
         <p class=\"soft\">Delivered to subscribers: {} in {} deliveries.</p></section>",
        bytes(total),
        bytes(metrics.delivered_bytes),
        count(metrics.delivered)
    );
    html
}

fn cost(metrics: &Metrics, kind: CostKind) -> Cost {
    metrics.costs.get(&kind).copied().unwrap_or_default()
}

/// All bytes as one bar.
fn bar(metrics: &Metrics, total: u64) -> String {
    let mut svg = String::from(
        "<svg viewBox=\"0 0 1000 44\" preserveAspectRatio=\"none\" style=\"height:34px;margin:4px 0 12px\" role=\"img\" aria-label=\"Bytes by kind\">",
    );
    let mut x = 0.0;
    for (at, (kind, name, _)) in KINDS.iter().enumerate() {
        let part = share(cost(metrics, *kind).bytes, total);
        let width = 1000.0 * part;
        if width >= 0.05 {
            let _ = write!(
                svg,
                "<rect class=\"{}\" x=\"{x:.2}\" y=\"0\" width=\"{width:.2}\" height=\"44\"><title>{name}: {}</title></rect>",
                SERIES[at],
                percent(part)
            );
        }
        x += width;
    }
    svg + "</svg>"
}
