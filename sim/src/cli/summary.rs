//! The table after a run.

use super::output::{figure, grouped, milliseconds, size, table};
use cliqueclique_sim::driver::Outcome;
use cliqueclique_sim::folder::Manifest;
use cliqueclique_sim::goals::{self, GoalRow};
use cliqueclique_sim::metrics::{FaultCost, Histogram, Metrics};
use cliqueclique_sim::scenario::{Scenario, units};
use std::collections::BTreeMap;

/// All of it.
pub(crate) fn text(
    scenario: &Scenario,
    manifest: &Manifest,
    outcome: &Outcome,
    goals: &[GoalRow],
) -> String {
    let parts = [
        head(scenario, manifest),
        table(&figures(manifest, outcome)),
        table(&costs(&outcome.metrics)),
        table(&faults(&outcome.metrics)),
        table(&goal_rows(goals)),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

fn head(scenario: &Scenario, manifest: &Manifest) -> String {
    format!(
        "{}: {}\n{} in {:.1} s: {} and {} to settle at most, seed {}, digest {}",
        scenario.name,
        scenario.about,
        manifest.outcome,
        manifest.wall_seconds,
        units::show(scenario.duration),
        units::show(scenario.settle),
        manifest.seed,
        manifest.digest,
    )
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people"
)]
fn figures(manifest: &Manifest, outcome: &Outcome) -> Vec<Vec<String>> {
    let metrics = &outcome.metrics;
    let alive = outcome.last.nodes.iter().filter(|node| node.alive).count();
    let known = |name: &str| goals::figure(metrics, name).map_or_else(|| "-".to_owned(), figure);
    let rate = grouped(manifest.events_per_second as u64);
    let mut rows = vec![
        row(
            "nodes",
            format!(
                "{} ({} alive at the end)",
                count(outcome.last.nodes.len()),
                count(alive)
            ),
        ),
        row("documents", count(outcome.last.documents.len())),
        row("comments delivered", grouped(metrics.delivered)),
        row(
            "overhead: all bytes / document bytes delivered",
            known("overhead"),
        ),
        row("overhead in the second half", known("overhead_late")),
        row("copies of a body per delivery", known("copies")),
        row("hops", spread(&metrics.hops, figure_of)),
        row(
            "hops of the last delivery",
            spread(&metrics.last_hop, figure_of),
        ),
        row("delay", spread(&metrics.delay_ms, milliseconds)),
        row("degree", spread(&metrics.degree, figure_of)),
        row(
            "distance from the overlay root",
            spread(&metrics.distance, figure_of),
        ),
        row("links per node", spread(&metrics.links, figure_of)),
        row(
            "events",
            format!("{} ({rate} per second)", grouped(metrics.events)),
        ),
        row("violations counted by nodes", grouped(metrics.violations)),
        row(
            "longest circle of upstreams",
            milliseconds(metrics.longest_circle_ms),
        ),
    ];
    if let Some(settled) = metrics.settled_ms {
        rows.push(row("all properties held after", milliseconds(settled)));
    }
    rows.extend(memory(manifest, metrics));
    rows
}

fn memory(manifest: &Manifest, metrics: &Metrics) -> Option<Vec<String>> {
    let peak = manifest.peak_memory?;
    let pairs = metrics
        .samples
        .iter()
        .map(|sample| sample.memberships as u64)
        .max()
        .unwrap_or(0);
    let each = peak.checked_div(pairs).map_or_else(String::new, |each| {
        format!(", {} per (node, document)", size(each))
    });
    Some(row(
        "peak memory of the process",
        format!("{}{each}", size(peak)),
    ))
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![format!("{name:<48}{value}")]
}

fn count(number: usize) -> String {
    grouped(number as u64)
}

fn figure_of(value: u64) -> String {
    grouped(value)
}

/// Median, 99th percentile, largest.
fn spread(histogram: &Histogram, show: fn(u64) -> String) -> String {
    if histogram.count() == 0 {
        return "-".to_owned();
    }
    let at = |q: f64| show(histogram.quantile(q));
    format!(
        "median {}, 99 % within {}, most {}",
        at(0.5),
        at(0.99),
        show(histogram.max())
    )
}

#[allow(clippy::cast_precision_loss, reason = "a share for people")]
fn costs(metrics: &Metrics) -> Vec<Vec<String>> {
    let all: u64 = metrics.costs.values().map(|cost| cost.bytes).sum();
    let mut rows = vec![cells(["cost by kind", "messages", "bytes", "share"])];
    for (kind, cost) in &metrics.costs {
        let share = format!("{:.1} %", 100.0 * cost.bytes as f64 / all.max(1) as f64);
        rows.push(vec![
            format!("  {kind:?}"),
            grouped(cost.messages),
            grouped(cost.bytes),
            share,
        ]);
    }
    if rows.len() > 1 { rows } else { Vec::new() }
}

fn cells<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// By kind of fault: how often, and messages per shared document.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn faults(metrics: &Metrics) -> Vec<Vec<String>> {
    let mut kinds: BTreeMap<&str, Vec<&FaultCost>> = BTreeMap::new();
    for fault in &metrics.fault_messages {
        kinds.entry(&fault.kind).or_default().push(fault);
    }
    if kinds.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![cells([
        "faults",
        "times",
        "nodes hit",
        "messages per shared document: median",
        "mean",
    ])];
    for (kind, faults) in kinds {
        let hit: usize = faults.iter().map(|fault| fault.nodes).sum();
        let shared = faults.iter().filter(|fault| fault.memberships > 0);
        let each: Vec<f64> = shared
            .map(|fault| fault.messages as f64 / fault.memberships as f64)
            .collect();
        let mean = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), figure);
        rows.push(vec![
            format!("  {kind}"),
            count(faults.len()),
            count(hit),
            show(goals::median(each)),
            show(mean),
        ]);
    }
    rows
}

fn goal_rows(goals: &[GoalRow]) -> Vec<Vec<String>> {
    let mut rows = vec![cells([
        "goals of the design",
        "goal",
        "measured",
        "reached",
    ])];
    for goal in goals
        .iter()
        .filter(|goal| goal.measured.is_some() || goal.reached.is_some())
    {
        let reached = goal
            .reached
            .map_or("-", |reached| if reached { "yes" } else { "no" });
        let measured = goal.measured.map_or_else(|| "-".to_owned(), figure);
        rows.push(vec![
            format!("  {}", goal.name),
            goal.goal.clone(),
            measured,
            reached.to_owned(),
        ]);
    }
    if rows.len() > 1 { rows } else { Vec::new() }
}
