//! *cost*: figures of the report that a scenario bounds (`at_most`).

use super::Violated;
use crate::metrics::{CostKind, Metrics};
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;

/// Computes a figure.
type Figure = fn(&Metrics) -> f64;

/// Names of figures that `at_most` may bound, with their meaning and how they are computed.
pub const FIGURES: [(&str, &str, Figure); 21] = [
    ("circle_ms", "longest life of a circle of upstreams, milliseconds", |m| count(m.longest_circle_ms)),
    ("control_bytes", "bytes sent for anything but documents", |m| count(control_bytes(m))),
    ("copies", "bodies received for each one delivered", |m| ratio(m.bodies, m.delivered)),
    ("degree_max", "most neighbours of a node for a document at the end", |m| count(m.degree.max())),
    ("degree_mean", "mean number of neighbours for a document at the end", |m| m.degree.mean()),
    ("delay_max_ms", "longest delay of a fresh delivery, milliseconds", |m| count(m.delay_ms.max())),
    ("delay_p50_ms", "median delay of fresh deliveries, milliseconds", |m| count(m.delay_ms.quantile(0.5))),
    ("delay_p99_ms", "99th percentile of the delay of fresh deliveries, milliseconds", |m| count(m.delay_ms.quantile(0.99))),
    ("distance_max", "largest distance from an overlay root at the end, hops", |m| count(m.distance.max())),
    ("events", "events handled", |m| count(m.events)),
    ("fault_messages_max", "most messages after a fault, per document of the nodes hit", |m| fault(m, 1.0)),
    ("fault_messages_mean", "mean number of messages after a fault, per document of the nodes hit", fault_mean),
    ("fault_messages_median", "median number of messages after a fault, per document of the nodes hit", |m| fault(m, 0.5)),
    ("hops_mean", "mean hops of fresh deliveries", |m| m.hops.mean()),
    ("last_hop", "hops of the last delivery of a comment, mean", |m| m.last_hop.mean()),
    ("last_hop_max", "hops of the last delivery of a comment, most", |m| count(m.last_hop.max())),
    ("links_max", "most links of a node at the end", |m| count(m.links.max())),
    ("links_mean", "mean number of links of a node at the end", |m| m.links.mean()),
    ("overhead", "all bytes sent for each byte of documents delivered", |m| ratio(all_bytes(m), m.delivered_bytes)),
    ("settled_ms", "time from the end of the faults until everything held, milliseconds", settled),
    ("violations", "rules broken by peers, as nodes counted them", |m| count(m.violations)),
];

/// A figure of the run by its name in [`FIGURES`].
#[must_use]
pub fn figure(name: &str, metrics: &Metrics) -> Option<f64> {
    FIGURES.iter().find(|(known, _, _)| *known == name).map(|(_, _, compute)| compute(metrics))
}

/// Fails if a bounded figure is over its bound.
pub(super) fn finish(at_most: &BTreeMap<String, f64>, metrics: &Metrics, time: Time) -> Result<(), Violated> {
    at_most.iter().try_for_each(|(name, &bound)| {
        let detail = match figure(name, metrics) {
            Some(found) if found <= bound => return Ok(()),
            Some(found) => format!("{name} must be at most {bound}, found {found:.3}"),
            None => format!("there is no figure called `{name}`"),
        };
        Err(Violated { property: "cost", time, document: None, nodes: Vec::new(), detail })
    })
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn count(value: u64) -> f64 {
    value as f64
}

/// Zero if nothing was spent, infinite if something was spent for nothing.
fn ratio(spent: u64, gained: u64) -> f64 {
    if spent == 0 { 0.0 } else { count(spent) / count(gained) }
}

fn all_bytes(metrics: &Metrics) -> u64 {
    metrics.costs.values().map(|cost| cost.bytes).sum()
}

fn control_bytes(metrics: &Metrics) -> u64 {
    metrics.costs.iter().filter(|(kind, _)| **kind != CostKind::Document).map(|(_, cost)| cost.bytes).sum()
}

/// Infinite if it never settled.
fn settled(metrics: &Metrics) -> f64 {
    metrics.settled_ms.map_or(f64::INFINITY, count)
}

fn per_fault(metrics: &Metrics) -> Vec<f64> {
    let mut costs: Vec<_> = metrics
        .fault_messages
        .iter()
        .filter(|fault| fault.memberships > 0)
        .map(|fault| ratio(fault.messages, fault.memberships as u64))
        .collect();
    costs.sort_by(f64::total_cmp);
    costs
}

fn fault_mean(metrics: &Metrics) -> f64 {
    let costs = per_fault(metrics);
    if costs.is_empty() { 0.0 } else { costs.iter().sum::<f64>() / count(costs.len() as u64) }
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "q is between 0 and 1, so the rank is within the list"
)]
fn fault(metrics: &Metrics, q: f64) -> f64 {
    let costs = per_fault(metrics);
    let rank = (count(costs.len() as u64) * q).ceil().max(1.0) as usize;
    costs.get(rank - 1).copied().unwrap_or(0.0)
}
