//! The verdict and the most important figures, in plain words.

use super::RunSummary;
use super::words::{bytes, count, duration, escape, figure, millis, plural, seconds, short};
use crate::check::EVENTUALLY;
use crate::goals;
use std::fmt::Write;

/// Head of the page.
pub(super) fn section(summary: &RunSummary<'_>) -> String {
    let (class, verdict) = verdict(summary);
    format!(
        "<header><p class=\"soft\">cliqueclique simulation</p><h1>{}</h1><p>{}</p><p class=\"verdict {class}\">{verdict}</p>\
         <p class=\"lead\">{}</p><div class=\"tiles\">{}</div></header>\n",
        escape(&summary.scenario.name),
        escape(&summary.scenario.about),
        story(summary),
        tiles(summary)
    )
}

fn verdict(summary: &RunSummary<'_>) -> (&'static str, String) {
    match &summary.outcome.failure {
        Some((violated, _)) => (
            "bad",
            format!("✗ {} does not hold", escape(violated.property)),
        ),
        None if summary.outcome.interrupted => ("warn", "Interrupted before the end".into()),
        None => ("good", "✓ Every property held".into()),
    }
}

/// What happened, in two or three sentences.
fn story(summary: &RunSummary<'_>) -> String {
    let (outcome, metrics) = (summary.outcome, &summary.outcome.metrics);
    let mut text = format!(
        "In {} of simulated time {} published {}, and {} to subscribers were made.",
        seconds(outcome.last.time.as_secs_f64()),
        plural(outcome.last.nodes.len() as u64, "node"),
        plural(outcome.last.documents.len() as u64, "document"),
        plural(metrics.delivered, "delivery").replace("deliverys", "deliveries"),
    );
    if !metrics.fault_messages.is_empty() {
        let _ = write!(
            text,
            " {} hit the network.",
            plural(metrics.fault_messages.len() as u64, "fault")
        );
    }
    if let Some(settled) = metrics.settled_ms {
        let _ = write!(
            text,
            " {} after the end of all faults everything was in order.",
            millis(settled)
        );
    }
    text
}

fn tiles(summary: &RunSummary<'_>) -> String {
    let (metrics, last) = (&summary.outcome.metrics, &summary.outcome.last);
    let alive = last.nodes.iter().filter(|node| node.alive).count() as u64;
    let total: u64 = metrics.costs.values().map(|cost| cost.bytes).sum();
    let known = |name: &str| goals::figure(metrics, name);
    let tiles = [
        (
            Some(format!(
                "{} of {}",
                count(alive),
                count(last.nodes.len() as u64)
            )),
            "nodes alive at the end",
        ),
        (Some(count(metrics.delivered)), "deliveries to subscribers"),
        (
            known("overhead").map(|value| format!("× {}", figure(value))),
            "bytes sent for each byte delivered",
        ),
        (known("copies").map(figure), "copies of a body per delivery"),
        (
            known("delay_p50_ms").map(|_| millis(metrics.delay_ms.quantile(0.5))),
            "median delay of a delivery",
        ),
        (known("links_mean").map(figure), "links per node"),
        (
            known("distance_max").map(figure),
            "hops from the overlay root, at most",
        ),
        (Some(bytes(total)), "sent in all"),
        (Some(count(metrics.violations)), "violations by peers"),
        (Some(short(metrics.events)), "events handled"),
    ];
    let shown = tiles
        .into_iter()
        .filter_map(|(value, what)| Some((value?, what)));
    shown
        .map(|(value, what)| format!("<div class=\"tile\"><b>{value}</b><span>{what}</span></div>"))
        .collect()
}

/// Foot of the page: what was checked, and how to run it again.
pub(super) fn footer(summary: &RunSummary<'_>) -> String {
    let checks = &summary.scenario.checks;
    let skipped = |name: &&&str| checks.skip.iter().any(|skip| skip == **name);
    let asked: Vec<_> = EVENTUALLY
        .iter()
        .filter(|name| !skipped(name))
        .copied()
        .collect();
    let seen: Vec<_> = checks.sometimes.iter().map(|name| escape(name)).collect();
    let mut html = format!(
        "<footer><h2>What was checked, and how to run it again</h2><p>{} the bounds on neighbours, sizes, contact, \
         names given away and circles; within {} after the end of faults and workload: {}.",
        if checks.every_step {
            "After every event"
        } else {
            "At every sample and packet"
        },
        duration(summary.scenario.settle),
        asked.join(", ").replace('_', " ")
    );
    if !seen.is_empty() {
        let _ = write!(
            html,
            " It had to be seen at least once: {}.",
            seen.join(", ").replace('_', " ")
        );
    }
    let _ = writeln!(
        html,
        "</p><pre>{}</pre><p class=\"soft\">Seed {}. Digest of everything that happened: {:016x}; the same seed gives the \
         same digest.</p></footer>",
        escape(summary.replay),
        summary.seed,
        summary.outcome.digest
    );
    html
}
