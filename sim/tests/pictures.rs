//! The report of a run that failed shows what happened: space-time diagram, the
//! network before and after, and the line that runs it again.

mod broken;

use cliqueclique_sim::driver::{Fate, Observer, Outcome, Scene, StrokeKind, run_with};
use cliqueclique_sim::host::Behavior;
use cliqueclique_sim::report::{self, RunSummary};
use cliqueclique_sim::scenario::{Scenario, parse};
use cliqueclique_sim::snapshot::Index;
use std::collections::BTreeMap;

struct Blind;

impl Observer for Blind {}

const TEXT: &str = r#"about = "A node throws comments away, on a network that loses packets."
duration = "2m"
settle = "5m"
sample = "1s"

[protocol]
max_peers = 3
min_peers = 2
link_timeout = "15s"

[network]
preset = "internet"
loss = "5 %"

[workload]
nodes = 9
join_over = "20s"
comments = 12
comments_from = "30s"
comments_until = "2m"

[[fault]]
at = "110s"
kind = "crash"
count = 2
restart = "5s"
"#;

const REPLAY: &str = "cliqueclique-sim run picture.toml --seed 1";

fn fail(text: &str, broken: &dyn Fn(Index) -> Option<Box<dyn Behavior>>) -> (Scenario, Outcome) {
    let scenario = parse("picture.toml", text, &[]).expect("a valid scenario");
    let behaviors: BTreeMap<_, _> = (0..9)
        .filter_map(|node| Some((node, broken(node)?)))
        .collect();
    let outcome = run_with(&scenario, 1, &mut Blind, behaviors).expect("no trace to read");
    (scenario, outcome)
}

/// The report, left beside the test's other files for whoever wants to look at it.
fn page(name: &str, scenario: &Scenario, outcome: &Outcome) -> String {
    let summary = RunSummary {
        scenario,
        seed: 1,
        outcome,
        snapshots: &[],
        replay: REPLAY,
        goals: &[],
    };
    let mut bytes = Vec::new();
    report::write(&mut bytes, &summary).expect("memory takes it");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(path, &bytes).expect("the folder is there");
    String::from_utf8(bytes).expect("it is text")
}

fn check(page: &str, scene: &Scene) {
    assert_eq!(page.matches("<svg class=\"st\"").count(), 1);
    let diagram = page.split("<svg class=\"st\"").nth(1).expect("counted");
    let diagram = diagram.split("</svg>").next().expect("it ends");
    assert!(diagram.len() < 40_000, "{} bytes", diagram.len());
    let packets = scene.strokes.iter();
    let packets = packets.filter(|stroke| matches!(stroke.what, StrokeKind::Packet(..)));
    let drawn = ["got", "lost", "open"].map(|class| {
        let class = format!("<g class=\"{class}");
        diagram.matches(&class).count()
    });
    assert_eq!(drawn.iter().sum::<usize>(), packets.count());
    assert!(drawn[0] > 5, "packets that arrived: {drawn:?}");
    for part in [REPLAY, "Its network before", "Its network after"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains("href="));
}

#[test]
fn a_liar_about_distances_leaves_a_picture_of_the_tree() {
    let liar = |_| Some(broken::lies_about_distance());
    let (scenario, outcome) = fail(TEXT, &liar);
    let (violated, _) = outcome.failure.as_ref().expect("it must be caught");
    assert_eq!(violated.property, "tree");
    let scene = outcome.scene.as_ref().expect("there is a failure");
    assert!(scene.before.is_some() && scene.concerned > 0);
    check(&page("tree.html", &scenario, &outcome), scene);
}

#[test]
fn a_node_over_its_limit_is_shown_at_the_very_moment() {
    let flood = |node| (node == 3).then(broken::floods);
    let (scenario, outcome) = fail(TEXT, &flood);
    let (violated, _) = outcome.failure.as_ref().expect("it must be caught");
    assert_eq!(violated.property, "bounded");
    let scene = outcome.scene.as_ref().expect("there is a failure");
    let arrivals = scene.strokes.iter().filter_map(|stroke| match stroke.what {
        StrokeKind::Packet(_, Fate::Arrived(at)) => Some((stroke.at.time, at.time)),
        StrokeKind::Packet(..) | StrokeKind::Down | StrokeKind::Up | StrokeKind::Mark => None,
    });
    assert!(
        arrivals
            .into_iter()
            .all(|(sent, came)| sent < came && came <= violated.time)
    );
    page("bounded.html", &scenario, &outcome);
}

#[test]
fn a_run_that_passed_has_no_picture() {
    let (scenario, outcome) = fail(TEXT, &|_| None);
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert!(outcome.scene.is_none());
    assert!(!page("passed.html", &scenario, &outcome).contains("<svg class=\"st\""));
}
