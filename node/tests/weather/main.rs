//! Nodes over bad networks: late bytes, bytes held up, cuts of both directions and of one. All
//! nodes have the same in the end. By default everything is scaled down to seconds;
//! `CLIQUECLIQUE_WEATHER=full` is the whole thing, with cuts of ten minutes.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes waits in real time"
)]

#[path = "../common/mod.rs"]
mod common;
mod proxy;

use common::{Node, Workspace, eventually};
use proxy::{Sky, Weather};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How large things are: one part in so many.
fn scale() -> u32 {
    let full = std::env::var("CLIQUECLIQUE_WEATHER").is_ok_and(|word| word == "full");
    if full { 1 } else { 100 }
}

/// For all to have the same again. A peer that was not reached for ten minutes is called after
/// pauses of up to as much.
fn patience() -> Duration {
    Duration::from_secs(120) + Duration::from_secs(1_200) / scale()
}

/// Three nodes that reach each other under this sky only; one forum that all have.
fn network(space: &Workspace, sky: &Sky) -> (Vec<Node>, String) {
    let nodes: Vec<Node> = ["a", "b", "c"].map(|name| under(space, sky, name)).into();
    let forum = nodes[0].say(&["forum", "new", "A forum"]);
    for node in &nodes[1..] {
        node.join(&nodes[0], &forum);
    }
    (nodes, forum)
}

fn under(space: &Workspace, sky: &Sky, name: &str) -> Node {
    let mut node = space.asleep(name, &["init", "--listen", "tcp"]);
    let settings = std::fs::read_to_string(node.folder.join("settings.toml")).expect("settings");
    let place = settings.split("listen = \"tcp:").nth(1).expect("a place");
    let place = place.split('"').next().expect("a place").to_owned();
    let announced = format!("announce = \"tcp:{}\"", proxy::begin(sky, place));
    node.edit("# announce = \"tcp:203.0.113.7:4711\"", &announced);
    node.start();
    node
}

/// Each node writes `count` comments; gives all ids.
fn write(nodes: &[Node], forum: &str, about: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        for node in nodes {
            ids.push(node.say(&["post", forum, &format!("{about}, number {number}")]));
        }
    }
    ids
}

fn converge(nodes: &[Node], forum: &str, written: usize) {
    let whole = |node: &Node| node.thread(forum).len() == written + 1;
    eventually("everything everywhere", patience(), || {
        nodes.iter().all(whole)
    });
    let first = nodes[0].thread(forum);
    assert!(nodes.iter().all(|node| node.thread(forum) == first));
}

#[test]
fn late_bytes_and_stalls() {
    let (space, sky) = (Workspace::new("late"), Sky::default());
    let bad = Weather {
        latency: Duration::from_secs(3) / scale().min(10),
        stalled: 10,
        stall: Duration::from_secs(3) / scale().min(10),
        ..Weather::default()
    };
    sky.set(bad);
    let (nodes, forum) = network(&space, &sky);
    let begun = Instant::now();
    let written = write(&nodes, &forum, "Slowly", 5).len();
    converge(&nodes, &forum, written);
    assert!(begun.elapsed() > bad.latency, "the weather was bad");
}

#[test]
fn a_cut_ends_and_all_meet_again() {
    let (space, sky) = (Workspace::new("cut"), Sky::default());
    let (nodes, forum) = network(&space, &sky);
    let before = write(&nodes, &forum, "Before", 1).len();
    converge(&nodes, &forum, before);
    sky.set(Weather {
        cut: true,
        ..Weather::default()
    });
    sleep(Duration::from_secs(1));
    let during = write(&nodes, &forum, "Apart", 3);
    sleep(Duration::from_secs(600) / scale());
    let own = |node: &Node| during.iter().filter(|id| node.has(id)).count();
    assert!(nodes.iter().all(|node| own(node) == 3), "the cut was whole");
    sky.set(Weather::default());
    converge(&nodes, &forum, before + during.len());
}

/// Bytes go one way only; the other way they wait, as TCP's do.
fn one_way(name: &str, there: bool) {
    let (space, sky) = (Workspace::new(name), Sky::default());
    let (nodes, forum) = network(&space, &sky);
    sky.set(Weather {
        held_there: there,
        held_back: !there,
        ..Weather::default()
    });
    let during = write(&nodes, &forum, "One way", 2);
    sleep(Duration::from_secs(600) / scale());
    let all = |node: &Node| during.iter().all(|id| node.has(id));
    assert!(!nodes.iter().all(all), "something was held back");
    sky.set(Weather::default());
    converge(&nodes, &forum, during.len());
}

#[test]
fn a_cut_of_the_way_there() {
    one_way("there", true);
}

#[test]
fn a_cut_of_the_way_back() {
    one_way("back", false);
}
