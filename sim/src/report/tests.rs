//! The whole page, from hand-made runs.

use super::*;
use crate::check::Violated;
use crate::check::fixture::{self, network, tag};
use crate::driver::Event;
use crate::metrics::{Cost, CostKind, FaultCost, Metrics, Sample};
use cliqueclique_core::Time;
use std::collections::BTreeMap;

fn scenario() -> Scenario {
    let checks = "[checks]\nskip = [\"presence\"]\nsometimes = [\"spliced\"]";
    Scenario {
        name: "hand <made>".into(),
        ..fixture::scenario(checks)
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
        beyond_reach: false,
        metrics: metrics(),
        last: network(&[(0, 1), (1, 2)]),
        failure,
        scene: None,
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
        "Node 1 &lt;is&gt; wrong.",
        "State &amp; more",
        "run &lt;x&gt; --seed 7",
        "Nodes: 1, 2.",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
