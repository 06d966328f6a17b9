//! The engine as a whole: same seed, same run; faults do what they say; a bad
//! trace is an error with file and line; a misbehaving node can be put in.

use cliqueclique_core::message::Packet;
use cliqueclique_core::time::Time;
use cliqueclique_core::{Effect, Input};
use cliqueclique_sim::driver::{Event, Observer, Outcome, run, run_with};
use cliqueclique_sim::host::Behavior;
use cliqueclique_sim::metrics::{CostKind, Sample};
use cliqueclique_sim::scenario::{Scenario, parse};
use std::collections::BTreeMap;

/// What the engine does is tested here, not what the protocol reaches.
const CHECKS: &str = r#"
[checks]
every_step = false
skip = ["connected_holders", "connected_subscribers", "tree", "root_subscribes", "delivery", "presence", "symmetry"]
"#;

#[derive(Default)]
struct Record {
    samples: Vec<Sample>,
    events: Vec<Event>,
    wants_events: bool,
}

impl Observer for Record {
    fn sample(&mut self, sample: &Sample, _: f64) {
        self.samples.push(sample.clone());
    }
    fn wants_events(&self) -> bool {
        self.wants_events
    }
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }
}

fn scenario(faults: &str) -> Scenario {
    let text = format!(
        r#"# Test.
about = "Test."
duration = "5m"
settle = "5m"
sample = "10s"

[protocol]
keep_alive_min = "10s"
keep_alive_max = "30s"
link_timeout = "20s"

[network]
preset = "internet"

[workload]
nodes = 12
join_over = "20s"
comments = 20
comments_from = "30s"
comments_until = "4m"
{faults}
{CHECKS}"#
    );
    parse("test.toml", &text, &[]).expect("a valid scenario")
}

fn record(scenario: &Scenario, seed: u64) -> (Outcome, Record) {
    let mut record = Record {
        wants_events: true,
        ..Record::default()
    };
    let outcome = run(scenario, seed, &mut record).expect("no trace to read");
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    (outcome, record)
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let scenario = scenario("");
    let ((first, told), (second, again), (other, _)) = (
        record(&scenario, 1),
        record(&scenario, 1),
        record(&scenario, 2),
    );
    assert_eq!(first.digest, second.digest);
    assert_eq!(told.events, again.events);
    assert_eq!(told.samples, again.samples);
    assert_ne!(first.digest, other.digest);
}

#[test]
fn the_parts_of_the_bytes_sent_add_up_to_what_was_seen_on_the_wire() {
    let (outcome, told) = record(&scenario(""), 1);
    let total: u64 = outcome.metrics.costs.values().map(|cost| cost.bytes).sum();
    let sent = told.events.iter().filter(|event| event.kind == "send");
    let size = |event: &Event| -> u64 {
        let words: Vec<&str> = event.detail.split(' ').collect();
        words[words.len() - 2]
            .parse()
            .expect("a length before the word bytes")
    };
    let seen: u64 = sent.map(|event| size(event) + 2).sum();
    assert_eq!(total, seen, "each packet has a prefix of two bytes");
    assert!(outcome.metrics.costs[&CostKind::Document].bytes >= outcome.metrics.delivered_bytes);
    assert_eq!(outcome.last.documents.len(), 21);
}

#[test]
fn crashed_nodes_are_away_and_come_back() {
    let faults = r#"
[[fault]]
at = "1m"
kind = "crash"
count = 3
restart = "1m"
disk = "kept"

[[fault]]
at = "3m"
kind = "crash"
count = 2
"#;
    let (outcome, told) = record(&scenario(faults), 3);
    let alive = |time: f64| {
        told.samples
            .iter()
            .find(|sample| sample.time >= time)
            .map(|sample| sample.alive)
    };
    assert_eq!(
        (alive(50.0), alive(70.0), alive(130.0)),
        (Some(12), Some(9), Some(12))
    );
    assert_eq!(
        outcome.last.nodes.iter().filter(|node| node.alive).count(),
        10
    );
    assert_eq!(outcome.metrics.fault_messages.len(), 2);
}

#[test]
fn every_kind_of_fault_runs() {
    let faults = ["pause", "partition", "move", "forget", "toggle", "leave"].map(|kind| {
        let lasts = if matches!(kind, "pause" | "partition") {
            "lasts = \"20s\"\n"
        } else {
            ""
        };
        format!("[[fault]]\nat = \"1m\"\nevery = \"50s\"\nkind = \"{kind}\"\ncount = 1\n{lasts}")
    });
    let restarts = ["\"lost\"", "\"kept\"", "\"backup\"\nage = \"40s\""].map(|disk| {
        format!("[[fault]]\nat = \"90s\"\nkind = \"crash\"\ncount = 1\nrestart = \"30s\"\ndisk = {disk}\n")
    });
    let (_, told) = record(&scenario(&(faults.concat() + &restarts.concat())), 4);
    let seen = |detail: &str| {
        told.events
            .iter()
            .any(|event| event.kind == "fault" && event.detail == detail)
    };
    for detail in ["pause", "resume", "partition", "move", "crash", "restart"] {
        assert!(seen(detail), "{detail}");
    }
}

#[test]
fn a_partition_lets_nothing_through_while_it_lasts() {
    let faults = "[[fault]]\nat = \"1m\"\nkind = \"partition\"\ncount = 5\nlasts = \"2m\"\n";
    let (_, told) = record(&scenario(faults), 5);
    let during = |event: &&Event| event.time > Time(61_000_000) && event.time < Time(179_000_000);
    let cut: Vec<usize> = told
        .events
        .iter()
        .filter(|event| event.detail == "partition")
        .map(|event| event.node)
        .collect();
    assert_eq!(cut.len(), 5);
    let crossing = told.events.iter().filter(during).filter(|event| {
        event.kind == "receive"
            && event
                .peer
                .is_some_and(|peer| cut.contains(&peer) != cut.contains(&event.node))
    });
    assert_eq!(crossing.count(), 0);
    assert!(
        told.events
            .iter()
            .filter(during)
            .any(|event| event.kind == "lose")
    );
}

#[test]
fn real_bytes_and_signatures_give_a_run_that_delivers_as_well() {
    let mut scenario = scenario("");
    scenario.real_crypto = true;
    let (outcome, _) = record(&scenario, 1);
    assert!(
        outcome.metrics.delivered > 100,
        "{}",
        outcome.metrics.delivered
    );
}

#[test]
fn a_bad_trace_is_an_error_with_file_and_line() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-bad-trace.csv");
    std::fs::write(
        &path,
        "seconds,message,parent,author,bytes\n1,0,,0,100\n2,1,x,0,100\n",
    )
    .expect("writable");
    let workload = format!(
        "kind = \"newsgroup\"\nreplay = \"{}\"\nreplay_required = true\n",
        path.display()
    );
    let text = format!(
        "about = \"Test.\"\nduration = \"1m\"\nsettle = \"1m\"\nsample = \"10s\"\n[network]\npreset = \"lan\"\n[workload]\n{workload}{CHECKS}"
    );
    let scenario = parse("test.toml", &text, &[]).expect("a valid scenario");
    let error = run(&scenario, 1, &mut Record::default()).expect_err("line 3 is wrong");
    assert!(
        error
            .to_string()
            .contains("engine-bad-trace.csv:3: expected a whole number in column `parent`"),
        "{error}"
    );
}

/// A node that never says anything after its handshakes.
#[derive(Debug)]
struct Mute;

impl Behavior for Mute {
    fn effects(&mut self, _: Time, effects: &mut Vec<Effect>) {
        effects.retain(|effect| !matches!(effect, Effect::Send(_, Packet::Frame(_))));
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        Some(input)
    }
}

#[test]
fn a_behavior_stands_between_a_core_and_the_world() {
    let scenario = scenario("");
    let mut told = Record {
        wants_events: true,
        ..Record::default()
    };
    let behaviors: BTreeMap<usize, Box<dyn Behavior>> = BTreeMap::from([(3, Box::new(Mute) as _)]);
    let outcome = run_with(&scenario, 1, &mut told, behaviors).expect("no trace to read");
    let frames = told
        .events
        .iter()
        .filter(|event| event.kind == "send" && event.detail.starts_with("frame"));
    assert!(frames.clone().count() > 100);
    assert_eq!(frames.filter(|event| event.node == 3).count(), 0);
    assert!(!outcome.interrupted);
}

#[test]
fn who_stands_still_until_its_hostile_time_is_over_wakes_nobody() {
    let text = r#"
duration = "2m"
[network]
preset = "lan"
[workload]
nodes = 3
join_over = "3s"
[[fault]]
at = "20s"
kind = "pause"
node = 2
lasts = "60s"
[[adversary]]
behaviors = ["withhold-bodies"]
nodes = [2]
until = "30s"
"#;
    let scenario = parse("still.toml", text, &[]).expect("a valid scenario");
    let outcome = run(&scenario, 1, &mut Record::default()).expect("no trace to read");
    assert!(
        outcome.metrics.events < 10_000,
        "{} inputs",
        outcome.metrics.events
    );
}
