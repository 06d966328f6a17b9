//! Figures of a run by name, and the cost goals of the protocol's design beside
//! what was measured. All arithmetic from totals to figures lives here, so that
//! the table after a run, the report, `compare` and `checks.at_most` agree.

use crate::driver::Outcome;
use crate::metrics::{Burden, CostKind, FaultCost, Histogram, Metrics, Sample};
use crate::scenario::{Scenario, Workload};
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;

/// One goal beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalRow {
    /// What is measured.
    pub name: String,
    /// What it should be, in words.
    pub goal: String,
    /// What it was; `None` if this run cannot tell.
    pub measured: Option<f64>,
    /// Whether it was reached; `None` if this run cannot tell.
    pub reached: Option<bool>,
}

/// Names of figures, as in manifests, `compare` and `checks.at_most`.
pub const FIGURES: [&str; 31] = [
    "overhead",
    "overhead_late",
    "copies",
    "delivered",
    "delivered_bytes",
    "bytes",
    "packets",
    "retransmitted_share",
    "delay_p50_ms",
    "delay_p99_ms",
    "hops_mean",
    "hops_p99",
    "last_hop_mean",
    "degree_mean",
    "degree_max",
    "distance_max",
    "links_mean",
    "links_max",
    "fault_messages_median",
    "fault_messages_mean",
    "root_crash_messages_per_node",
    "violations",
    "longest_circle_ms",
    "settled_ms",
    "events",
    "hostile_acts",
    "cut_off_share",
    "honest_sent_mean",
    "honest_sent_max",
    "honest_inputs_max",
    "honest_stored_max",
];

/// One figure; `None` if the name is unknown or this run cannot tell.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
pub fn figure(metrics: &Metrics, name: &str) -> Option<f64> {
    let number = |value: u64| Some(value as f64);
    match name {
        "overhead" => ratio(bytes(metrics), metrics.delivered_bytes),
        "overhead_late" => overhead_late(&metrics.samples),
        "copies" => ratio(metrics.bodies, metrics.delivered),
        "delivered" => number(metrics.delivered),
        "delivered_bytes" => number(metrics.delivered_bytes),
        "bytes" => number(bytes(metrics)),
        "packets" => number(cost(metrics, CostKind::Frame).0),
        "retransmitted_share" => ratio(cost(metrics, CostKind::Retransmission).1, bytes(metrics)),
        "delay_p50_ms" => quantile(&metrics.delay_ms, 0.5),
        "delay_p99_ms" => quantile(&metrics.delay_ms, 0.99),
        "hops_mean" => mean(&metrics.hops),
        "hops_p99" => quantile(&metrics.hops, 0.99),
        "last_hop_mean" => mean(&metrics.last_hop),
        "degree_mean" => mean(&metrics.degree),
        "degree_max" => most(&metrics.degree),
        "distance_max" => most(&metrics.distance),
        "links_mean" => mean(&metrics.links),
        "links_max" => most(&metrics.links),
        "fault_messages_median" => median(per_document(&ordinary_crashes(metrics))),
        "fault_messages_mean" => average(&per_document(&ordinary_crashes(metrics))),
        "root_crash_messages_per_node" => root_crash(metrics),
        "violations" => number(metrics.violations),
        "longest_circle_ms" => number(metrics.longest_circle_ms),
        "settled_ms" => metrics.settled_ms.map(|time| time as f64),
        "events" => number(metrics.events),
        "hostile_acts" => metrics.cut_off.and(number(metrics.hostile_acts)),
        "cut_off_share" => metrics.cut_off,
        "honest_sent_mean" => burden_mean(metrics),
        "honest_sent_max" => burden_max(metrics, |burden| burden.sent),
        "honest_inputs_max" => burden_max(metrics, |burden| burden.inputs),
        "honest_stored_max" => burden_max(metrics, |burden| burden.stored),
        _ => None,
    }
}

/// Overhead since half of the time was over: without what it costs to come together.
fn overhead_late(samples: &[Sample]) -> Option<f64> {
    let last = samples.last()?;
    let middle = samples.iter().find(|s| s.time >= last.time / 2.0)?;
    let all = |sample: &Sample| sample.bytes.values().sum::<u64>();
    let delivered = last.delivered_bytes.checked_sub(middle.delivered_bytes)?;
    ratio(all(last).checked_sub(all(middle))?, delivered)
}

/// Largest burden of an honest node, if there are hostile ones.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn burden_max(metrics: &Metrics, part: impl Fn(&Burden) -> u64) -> Option<f64> {
    metrics
        .honest
        .iter()
        .map(part)
        .max()
        .map(|most| most as f64)
}

fn burden_mean(metrics: &Metrics) -> Option<f64> {
    let sent = metrics.honest.iter().map(|burden| burden.sent).sum();
    ratio(sent, metrics.honest.len() as u64)
}

/// All figures that this run can tell.
#[must_use]
pub fn figures(metrics: &Metrics) -> BTreeMap<&'static str, f64> {
    FIGURES
        .iter()
        .filter_map(|name| Some((*name, figure(metrics, name)?)))
        .collect()
}

/// The goals of the protocol's design, in its order.
#[must_use]
pub fn rows(scenario: &Scenario, outcome: &Outcome) -> Vec<GoalRow> {
    let metrics = &outcome.metrics;
    let below = |name: &str, figure_name: &str, most: f64| {
        let measured = figure(metrics, figure_name);
        let reached = measured.map(|value| value <= most);
        GoalRow {
            name: name.to_owned(),
            goal: format!("<= {most}"),
            measured,
            reached,
        }
    };
    vec![
        below("all bytes / comment bytes delivered", "overhead", 1.10),
        below(
            "the same, in the second half of the time",
            "overhead_late",
            1.10,
        ),
        below("copies of a body per delivery", "copies", 1.02),
        below(
            "messages per shared document after an ordinary crash, median",
            "fault_messages_median",
            4.0,
        ),
        below(
            "messages per shared document after an ordinary crash, mean",
            "fault_messages_mean",
            40.0,
        ),
        below(
            "messages per node after the overlay root crashed",
            "root_crash_messages_per_node",
            30.0,
        ),
        survivors(scenario, outcome),
        last_hop(scenario, outcome),
    ]
}

/// Passing `delivery` means that every survivor has everything, so the share is
/// known only for runs that got as far as checking it.
fn survivors(scenario: &Scenario, outcome: &Outcome) -> GoalRow {
    let skipped = scenario.checks.skip.iter().any(|name| name == "delivery");
    let failed = outcome
        .failure
        .as_ref()
        .map(|(violated, _)| violated.property == "delivery");
    let reached = match failed {
        Some(true) => Some(false),
        None if !skipped && !outcome.interrupted => Some(true),
        Some(false) | None => None,
    };
    GoalRow {
        name: "survivors that get everything, %".to_owned(),
        goal: "100".to_owned(),
        measured: reached.filter(|reached| *reached).map(|_| 100.0),
        reached,
    }
}

/// Hops of the last delivery over the depth of a perfect tree of degree K.
fn last_hop(scenario: &Scenario, outcome: &Outcome) -> GoalRow {
    let best = best_depth(widest(&outcome.last), scenario.protocol.max_peers);
    let measured = mean(&outcome.metrics.last_hop)
        .filter(|_| best > 0)
        .map(|hops| hops / f64::from(best));
    let group = matches!(scenario.workload, Workload::Newsgroup(_));
    let scope = if group {
        "largest network's"
    } else {
        "network's"
    };
    GoalRow {
        name: format!("hops of the last delivery / best possible at the {scope} size and K"),
        goal: "<= 1.5".to_owned(),
        measured,
        reached: measured.map(|value| value <= 1.5),
    }
}

/// Members of the largest network at the end.
fn widest(snapshot: &Snapshot) -> usize {
    let members = |document: &crate::snapshot::DocumentTruth| {
        document
            .members
            .values()
            .filter(|member| member.view.is_some())
            .count()
    };
    snapshot.documents.values().map(members).max().unwrap_or(0)
}

/// Depth of the shallowest tree in which every node has at most `degree` neighbours.
#[must_use]
pub fn best_depth(nodes: usize, degree: usize) -> u32 {
    let (mut reached, mut ring, mut depth) = (1_usize, degree, 0);
    while reached < nodes && ring > 0 {
        reached = reached.saturating_add(ring);
        ring = ring.saturating_mul(degree.saturating_sub(1));
        depth += 1;
    }
    depth
}

fn cost(metrics: &Metrics, kind: CostKind) -> (u64, u64) {
    metrics
        .costs
        .get(&kind)
        .map_or((0, 0), |cost| (cost.messages, cost.bytes))
}

fn bytes(metrics: &Metrics) -> u64 {
    metrics.costs.values().map(|cost| cost.bytes).sum()
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(histogram: &Histogram) -> Option<f64> {
    (histogram.count() > 0).then(|| histogram.mean())
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn most(histogram: &Histogram) -> Option<f64> {
    (histogram.count() > 0).then(|| histogram.max() as f64)
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn quantile(histogram: &Histogram, q: f64) -> Option<f64> {
    (histogram.count() > 0).then(|| histogram.quantile(q) as f64)
}

/// Crashes of single nodes that were not chosen for being root. What many
/// deaths at once cost says nothing about one death.
fn ordinary_crashes(metrics: &Metrics) -> Vec<&FaultCost> {
    metrics
        .fault_messages
        .iter()
        .filter(|fault| fault.kind == "crash" && fault.nodes == 1)
        .collect()
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn per_document(faults: &[&FaultCost]) -> Vec<f64> {
    let shared = faults.iter().filter(|fault| fault.memberships > 0);
    shared
        .map(|fault| fault.messages as f64 / fault.memberships as f64)
        .collect()
}

/// Mean over root crashes of messages per node alive at the last sample before.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn root_crash(metrics: &Metrics) -> Option<f64> {
    let per_node = |fault: &FaultCost| {
        let before = metrics
            .samples
            .iter()
            .take_while(|sample| sample.time <= fault.time)
            .last();
        let alive = before.map_or(0, |sample| sample.alive);
        (alive > 0).then(|| fault.messages as f64 / alive as f64)
    };
    let roots = metrics
        .fault_messages
        .iter()
        .filter(|fault| fault.kind == "crash root");
    average(&roots.filter_map(per_node).collect::<Vec<_>>())
}

/// Middle value, or the mean of the two middle ones.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn average(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Cost;

    fn metrics() -> Metrics {
        let mut metrics = Metrics {
            delivered: 4,
            delivered_bytes: 1000,
            bodies: 5,
            ..Metrics::default()
        };
        metrics.costs.insert(
            CostKind::Document,
            Cost {
                messages: 5,
                bytes: 1250,
            },
        );
        metrics.costs.insert(
            CostKind::Frame,
            Cost {
                messages: 10,
                bytes: 100,
            },
        );
        metrics.costs.insert(
            CostKind::Retransmission,
            Cost {
                messages: 1,
                bytes: 150,
            },
        );
        metrics
    }

    fn crash(kind: &str, messages: u64, memberships: usize) -> FaultCost {
        FaultCost {
            time: 20.0,
            kind: kind.to_owned(),
            nodes: 1,
            memberships,
            messages,
            bytes: 0,
        }
    }

    #[test]
    fn ratios_agree_with_hand_computed_ones() {
        let metrics = metrics();
        assert_eq!(figure(&metrics, "overhead"), Some(1.5));
        assert_eq!(figure(&metrics, "copies"), Some(1.25));
        assert_eq!(figure(&metrics, "retransmitted_share"), Some(0.1));
        assert_eq!(figure(&metrics, "packets"), Some(10.0));
        assert_eq!(figure(&metrics, "hops_mean"), None, "nothing was counted");
        assert_eq!(
            figure(&Metrics::default(), "overhead"),
            None,
            "nothing was delivered"
        );
    }

    #[test]
    fn the_second_half_is_measured_from_its_first_sample() {
        let sample = |time: f64, bytes: u64, delivered_bytes: u64| Sample {
            time,
            delivered_bytes,
            bytes: [(CostKind::Document, bytes)].into(),
            ..Sample::default()
        };
        let late = |samples: &[Sample]| overhead_late(samples);
        let samples = [
            sample(0.0, 0, 0),
            sample(60.0, 900, 100),
            sample(100.0, 1_200, 300),
        ];
        assert_eq!(late(&samples), Some(1.5), "300 bytes for 200");
        assert_eq!(late(&samples[..1]), None, "nothing was delivered");
    }

    #[test]
    fn fault_costs_agree_with_hand_computed_ones() {
        let mut metrics = metrics();
        metrics.samples.push(Sample {
            time: 10.0,
            alive: 50,
            ..Sample::default()
        });
        metrics.samples.push(Sample {
            time: 30.0,
            alive: 49,
            ..Sample::default()
        });
        metrics.fault_messages = vec![
            crash("crash", 10, 5),
            crash("crash", 40, 4),
            crash("crash", 9, 3),
            crash("crash root", 1000, 4),
        ];
        assert_eq!(
            figure(&metrics, "fault_messages_median"),
            Some(3.0),
            "of 2, 10 and 3"
        );
        assert_eq!(figure(&metrics, "fault_messages_mean"), Some(5.0));
        assert_eq!(figure(&metrics, "root_crash_messages_per_node"), Some(20.0));
    }

    #[test]
    fn a_perfect_tree_of_degree_four_has_1_5_17_53_nodes() {
        assert_eq!(best_depth(0, 4), 0);
        assert_eq!(best_depth(1, 4), 0);
        assert_eq!(best_depth(5, 4), 1);
        assert_eq!(best_depth(17, 4), 2);
        assert_eq!(best_depth(18, 4), 3);
        assert_eq!(best_depth(53, 4), 3);
        assert_eq!(best_depth(9, 2), 4, "a path");
    }

    #[test]
    fn every_name_is_known() {
        let mut metrics = metrics();
        metrics.settled_ms = Some(0);
        for name in ["events", "violations", "settled_ms", "longest_circle_ms"] {
            assert_eq!(figure(&metrics, name), Some(0.0), "{name}");
        }
        assert_eq!(figure(&metrics, "nonsense"), None);
        assert!(figures(&metrics).len() >= 10);
    }
}
