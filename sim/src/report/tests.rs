//! The whole page, from hand-made runs.

use super::*;
use crate::check::Violated;
use crate::check::fixture::{network, tag};
use crate::driver::Event;
use crate::metrics::{Cost, CostKind, FaultCost, Metrics, Sample};
use crate::scenario::{Checks, Latency, Network, Synthetic, Workload};
use cliqueclique_core::Time;
use std::collections::BTreeMap;
use std::time::Duration;

fn scenario() -> Scenario {
    let network = Network {
        latency: Latency::Constant(Duration::from_millis(50)),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_delay: Duration::ZERO,
        bandwidth: None,
        frame_limit: 16_384,
        channel_life: None,
        crash_notice: None,
        drift_ppm: 0.0,
    };
    let workload = Synthetic {
        nodes: 3,
        forums: 1,
        join_over: Duration::from_secs(1),
        subscribe: 1.0,
        follow: 1.0,
        zipf: None,
        interests: 1,
        join_anywhere: false,
        comments: 1,
        comments_from: Duration::ZERO,
        comments_until: Duration::from_secs(1),
        reply: 0.0,
        body: 100,
    };
    Scenario {
        name: "hand <made>".into(),
        about: "Shows nothing.".into(),
        seed: 1,
        duration: Duration::from_secs(60),
        settle: Duration::from_secs(60),
        protocol: cliqueclique_core::Config::default(),
        max_peers_range: None,
        real_crypto: false,
        evict_after: None,
        network,
        workload: Workload::Synthetic(workload),
        faults: Vec::new(),
        checks: Checks {
            every_step: true,
            skip: vec!["presence".into()],
            sometimes: vec!["spliced".into()],
            circle_bound: Duration::from_secs(1),
            at_most: BTreeMap::new(),
        },
        snapshots: Vec::new(),
        sample: Duration::from_secs(10),
    }
}

fn metrics() -> Metrics {
    let mut metrics = Metrics {
        delivered: 4,
        delivered_bytes: 1_000,
        bodies: 5,
        settled_ms: Some(2_500),
        ..Metrics::default()
    };
    metrics.costs.insert(
        CostKind::Document,
        Cost {
            messages: 5,
            bytes: 900,
        },
    );
    metrics.costs.insert(
        CostKind::State,
        Cost {
            messages: 7,
            bytes: 300,
        },
    );
    [10, 20, 400]
        .iter()
        .for_each(|delay| metrics.delay_ms.add(*delay));
    [1, 2, 2].iter().for_each(|hops| metrics.hops.add(*hops));
    let bytes = |documents| BTreeMap::from([(CostKind::Document, documents)]);
    metrics.samples = vec![
        Sample {
            time: 0.0,
            alive: 3,
            ..Sample::default()
        },
        Sample {
            time: 10.0,
            alive: 2,
            bytes: bytes(900),
            ..Sample::default()
        },
    ];
    metrics.fault_messages.push(FaultCost {
        time: 5.0,
        kind: "crash".into(),
        nodes: 1,
        memberships: 2,
        messages: 6,
        bytes: 80,
    });
    metrics
}

fn page(failure: Option<(Violated, Vec<Event>)>) -> String {
    let outcome = Outcome {
        metrics: metrics(),
        last: network(&[(0, 1), (1, 2)]),
        failure,
        digest: 0xabc,
        interrupted: false,
    };
    let goals = [GoalRow {
        name: "overhead".into(),
        goal: "<= 1.1".into(),
        measured: Some(1.2),
        reached: Some(false),
    }];
    let scenario = scenario();
    let summary = RunSummary {
        scenario: &scenario,
        seed: 7,
        outcome: &outcome,
        snapshots: &[],
        replay: "cliqueclique-sim run <x> --seed 7",
        goals: &goals,
    };
    let mut bytes = Vec::new();
    write(&mut bytes, &summary).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn figures_of_the_page_agree_with_hand_computed_ones() {
    let page = page(None);
    for part in [
        "✓ Every property held",
        "hand &lt;made&gt;",
        "<b>× 1.2</b><span>bytes sent for each byte delivered",
        "<b>1.25</b><span>copies",
        "<td class=\"n\">900 B</td><td class=\"n\">75.0 %</td>",
        "<td class=\"n\">80 B</td><td class=\"n\">3</td>",
        "2.5 s after the end of all faults",
        "half within 20 ms",
        "mean 1.667, most 2",
        "0000000000000abc",
        "3 live holders",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("presence") && page.contains("spliced"),
        "skipped properties are not claimed"
    );
}

#[test]
fn a_page_is_complete_in_itself() {
    let page = page(None);
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    for element in [
        "section", "figure", "svg", "table", "div", "header", "footer", "main", "title", "text",
    ] {
        let (open, close) = (
            page.matches(&format!("<{element}")).count(),
            page.matches(&format!("</{element}>")).count(),
        );

        assert_eq!(open, close, "<{element}> is closed");
    }
}

#[test]
fn a_failed_run_shows_what_broke_and_how_to_run_it_again() {
    let violated = Violated {
        property: "tree",
        time: Time(1_500_000),
        document: Some(tag(1)),
        nodes: vec![1, 2],
        detail: "node 1 <is> wrong".into(),
    };
    let event = Event {
        time: Time(1_400_000),
        node: 1,
        peer: Some(2),
        kind: "send",
        documents: vec![tag(1)],
        detail: "State & more".into(),
    };
    let page = page(Some((violated, vec![event])));
    for part in [
        "✗ tree does not hold",
        "node 1 &lt;is&gt; wrong",
        "State &amp; more",
        "run &lt;x&gt; --seed 7",
        "Nodes: 1, 2.",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
