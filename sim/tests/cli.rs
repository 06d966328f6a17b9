//! The binary as its users meet it: exit codes, what goes where, what is left behind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for one test, with a small scenario in it.
struct Place(PathBuf);

/// These tests are about the binary, so nothing is asked of the protocol in the end.
const SMALL: &str = r#"# Small.
about = "Small."
duration = "2m"
settle = "5m"
sample = "10s"
snapshots = ["1m"]

[protocol]
keep_alive_max = "30s"
link_timeout = "20s"

[network]
preset = "lan"

[workload]
nodes = 6
join_over = "10s"
comments = 5
comments_from = "20s"
comments_until = "90s"

[checks]
skip = ["connected_holders", "connected_subscribers", "tree", "root_subscribes", "delivery", "presence", "symmetry"]
sometimes = ["joined"]
"#;

impl Place {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{test}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("small.toml"), SMALL).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cliqueclique-sim"))
            .current_dir(&self.0)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Everything in it, by name.
    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.0.join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}

#[test]
fn a_good_run_leaves_a_whole_folder_and_a_table() {
    let place = Place::new("good");
    let output = place.run(&["run", "small.toml", "--events"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(place.names("runs"), ["small-1"]);
    let files = [
        "events.jsonl",
        "manifest.json",
        "metrics.csv",
        "report.html",
        "snapshots.jsonl",
    ];
    assert_eq!(place.names("runs/small-1"), files);
    let table = out(&output);
    for word in [
        "Small.",
        "passed",
        "comments delivered",
        "overhead",
        "runs/small-1/report.html",
    ] {
        assert!(table.contains(word), "no `{word}` in {table}");
    }
    assert_eq!(err(&output), "", "nothing to say off a terminal");
}

#[test]
fn json_parses_and_agrees_with_the_manifest() {
    let place = Place::new("json");
    let output = place.run(&[
        "run",
        "small.toml",
        "--seed",
        "7",
        "--set",
        "workload.nodes=5",
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let told = json(&output);
    assert_eq!(told["seed"], 7);
    assert_eq!(told["outcome"], "passed");
    assert!(told["goals"].is_array());
    let text = std::fs::read_to_string(place.0.join("runs/small-7/manifest.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["digest"], told["digest"]);
    assert!(
        kept["scenario"].as_str().unwrap().contains("nodes = 5"),
        "the text is that after overrides"
    );
    assert!(
        kept["replay"]
            .as_str()
            .unwrap()
            .contains("run small.toml --seed 7 --set workload.nodes=5")
    );
}

#[test]
fn bad_usage_and_bad_scenarios_end_with_2_and_leave_nothing() {
    let place = Place::new("bad");
    place.write("bad.toml", "duration = \"5 parsecs\"");
    place.write(
        "trace.csv",
        "seconds,message,parent,author,bytes\n1,0,,0,10\n2,1,7,0,10\n",
    );
    place.write(
        "trace.toml",
        "about = \"x\"\nduration = \"1h\"\n[workload]\nkind = \"newsgroup\"\nreplay = \"trace.csv\"\n",
    );
    let cases: [(&[&str], &str); 8] = [
        (&["run"], "required"),
        (&["run", "none.toml"], "none.toml"),
        (&["run", "bad.toml"], "bad.toml:1:12"),
        (
            &["run", "small.toml", "--set", "workload.nodez=3"],
            "did you mean `nodes`?",
        ),
        (&["run", "trace.toml"], "trace.csv:3"),
        (&["sweep", "small.toml", "--seeds", "5..1"], "--seeds 5..1"),
        (&["replay", "runs/none"], "runs/none"),
        (&["compare", "small.toml"], "two runs"),
    ];
    for (arguments, expected) in cases {
        let output = place.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", err(&output));
        assert!(
            err(&output).contains(expected),
            "{arguments:?}: {}",
            err(&output)
        );
        assert_eq!(out(&output), "", "{arguments:?}");
        assert_eq!(
            place.names("runs"),
            Vec::<String>::new(),
            "{arguments:?} left something"
        );
    }
}

#[test]
fn a_violated_property_ends_with_1_and_a_line_that_replays_it() {
    let place = Place::new("violated");
    let impossible = ["run", "small.toml", "--set", "checks.at_most.overhead=0.5"];
    let output = place.run(&impossible);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let told = err(&output);
    assert!(told.contains("`cost`"), "{told}");
    assert!(
        told.contains("run small.toml --seed 1 --set checks.at_most.overhead=0.5"),
        "{told}"
    );
    assert_eq!(
        place.names("runs"),
        ["small-1"],
        "the folder of a failed run is whole too"
    );
    assert_eq!(
        code(&place.run(&["replay", "runs/small-1"])),
        0,
        "a failed run replays as well"
    );
}

#[test]
fn two_processes_come_to_the_same_digest_and_a_forged_one_is_found() {
    let place = Place::new("replay");
    assert_eq!(code(&place.run(&["run", "small.toml", "--quiet"])), 0);
    let again = json(&place.run(&["replay", "runs/small-1", "--json"]));
    assert_eq!(again["same"], true, "{again}");
    let path = place.0.join("runs/small-1/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let digest = again["digest"].as_str().unwrap();
    std::fs::write(&path, text.replace(digest, "0123456789abcdef")).unwrap();
    let output = place.run(&["replay", "runs/small-1"]);
    assert_eq!(code(&output), 3, "{}", err(&output));
    assert!(err(&output).contains("0123456789abcdef"));
    assert_eq!(code(&place.run(&["report", "runs/small-1"])), 3);
}

#[test]
fn events_can_be_filtered() {
    let place = Place::new("events");
    assert_eq!(
        code(&place.run(&["run", "small.toml", "--events", "--out", "all"])),
        0
    );
    assert_eq!(
        code(&place.run(&[
            "run",
            "small.toml",
            "--events",
            "--event-node",
            "2",
            "--out",
            "one"
        ])),
        0
    );
    let read =
        |folder: &str| std::fs::read_to_string(place.0.join(folder).join("events.jsonl")).unwrap();
    let (all, one) = (read("all"), read("one"));
    assert!(one.lines().count() > 0 && one.lines().count() < all.lines().count());
    for line in one.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["node"] == 2 || event["peer"] == 2, "{line}");
    }
}

#[test]
fn a_folder_that_is_no_run_is_left_alone() {
    let place = Place::new("foreign");
    std::fs::create_dir(place.0.join("mine")).unwrap();
    place.write("mine/letter.txt", "dear");
    let output = place.run(&["run", "small.toml", "--out", "mine"]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("not a run folder"),
        "{}",
        err(&output)
    );
    assert_eq!(place.names("mine"), ["letter.txt"]);
    assert_eq!(
        code(&place.run(&["run", "small.toml", "--out", "run", "--quiet"])),
        0
    );
    assert_eq!(
        code(&place.run(&["run", "small.toml", "--out", "run", "--quiet"])),
        0,
        "a run may replace a run"
    );
}

#[test]
fn sweeps_do_not_depend_on_the_number_of_jobs_and_shards_merge() {
    let place = Place::new("sweep");
    let sweep = [
        "sweep",
        "small.toml",
        "--seeds",
        "1..4",
        "--param",
        "workload.nodes=4,5",
    ];
    let with = |more: &[&str]| place.run(&[sweep.as_slice(), more].concat());
    let alone = with(&["--jobs", "1"]);
    assert_eq!(code(&alone), 0, "{}", err(&alone));
    assert_eq!(out(&alone).lines().count(), 6);
    assert_eq!(out(&alone), out(&with(&["--jobs", "3"])));
    for shard in ["1/2", "2/2"] {
        assert_eq!(code(&with(&["--shard", shard, "--out", "rows"])), 0);
    }
    assert_eq!(
        place.names("rows"),
        ["sweep-1-of-2.jsonl", "sweep-2-of-2.jsonl"]
    );
    let merged = place.run(&[
        "merge",
        "rows/sweep-2-of-2.jsonl",
        "rows/sweep-1-of-2.jsonl",
    ]);
    assert_eq!(out(&merged), out(&alone));
    let table = place.run(&[
        "merge",
        "--table",
        "rows/sweep-1-of-2.jsonl",
        "rows/sweep-2-of-2.jsonl",
    ]);
    assert!(out(&table).contains("workload.nodes=4"), "{}", out(&table));
}

#[test]
fn runs_are_compared_exported_and_reported() {
    let place = Place::new("after");
    for (seed, folder) in [("1", "a"), ("2", "b")] {
        assert_eq!(
            code(&place.run(&[
                "run",
                "small.toml",
                "--seed",
                seed,
                "--out",
                folder,
                "--quiet"
            ])),
            0
        );
    }
    let compared = place.run(&["compare", "a", "b"]);
    assert_eq!(code(&compared), 0);
    assert!(out(&compared).contains("overhead"), "{}", out(&compared));
    assert_eq!(
        code(&place.run(&[
            "compare",
            "--base",
            "a/manifest.json",
            "a",
            "--tolerance",
            "0%"
        ])),
        0
    );
    for (format, count) in [("graphml", 2), ("dot", 4)] {
        assert_eq!(code(&place.run(&["export", "a", "--format", format])), 0);
        assert_eq!(
            place.names("a/graphs").len(),
            count,
            "the forum root, at one minute and at the end"
        );
    }
    std::fs::remove_file(place.0.join("a/report.html")).unwrap();
    let report = place.run(&["report", "a"]);
    assert_eq!(code(&report), 0, "{}", err(&report));
    assert!(place.0.join("a/report.html").is_file());
}

#[test]
fn scenarios_are_listed_with_what_they_show() {
    let place = Place::new("list");
    assert!(out(&place.run(&["list", "."])).contains("small  Small."));
    let list = json(&place.run(&["list", ".", "--json"]));
    assert_eq!(list[0]["name"], "small");
    let gallery = place.run(&["gallery", "."]);
    assert_eq!(code(&gallery), 0, "{}", err(&gallery));
    assert!(out(&gallery).contains("passed"));
}

#[test]
fn a_swarm_tells_each_failure_once_and_leaves_its_scenario() {
    let place = Place::new("swarm");
    let output = place.run(&[
        "swarm", "--seeds", "1..41", "--out", "found", "--json", "--jobs", "1",
    ]);
    let lines: Vec<serde_json::Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(err(&output).contains("40 seeds in"), "{}", err(&output));
    let codes = ["crash", "safety", "liveness", "mismatch"];
    let worst = codes
        .iter()
        .position(|class| lines.iter().any(|line| line["class"] == *class));
    assert_eq!(code(&output), worst.map_or(0, |at| [4, 5, 6, 3][at]));
    assert_eq!(place.names("found").len(), lines.len());
    for line in lines {
        let again = place.run(&[
            "run",
            line["scenario"].as_str().unwrap(),
            "--out",
            "run",
            "--json",
        ]);
        let manifest: serde_json::Value = serde_json::from_str(&out(&again)).unwrap();
        assert_eq!(manifest["failure"]["property"], line["property"], "{line}");
    }
}

#[test]
fn a_swarm_is_decided_by_its_seeds() {
    let place = Place::new("swarm-again");
    let run = |jobs| {
        out(&place.run(&[
            "swarm", "--from", "1", "--count", "20", "--json", "--jobs", jobs,
        ]))
    };
    assert_eq!(run("1"), run("2"));
    let output = place.run(&["swarm", "--seeds", "5..2"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("expected A..B"), "{}", err(&output));
}

#[test]
fn what_does_not_fail_cannot_be_shrunk_and_what_fails_becomes_small() {
    let place = Place::new("shrink");
    let output = place.run(&["shrink", "small.toml"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("does not fail"), "{}", err(&output));
    let bound = "checks.at_most={ bytes = 100 }";
    let output = place.run(&[
        "shrink",
        "small.toml",
        "--set",
        bound,
        "--out",
        "smaller.toml",
    ]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("runs, nodes: "), "{}", err(&output));
    assert!(
        out(&output).contains("after:  2 nodes, 1 documents, 2 scheduled"),
        "{}",
        out(&output)
    );
    let again = place.run(&["run", "smaller.toml"]);
    assert_eq!(code(&again), 1);
    assert!(
        err(&again).contains("`cost` does not hold"),
        "{}",
        err(&again)
    );
}

/// The recording of a core that writes a document.
fn recording() -> Vec<Vec<u8>> {
    use cliqueclique_core::journal::{Entry, Start, encode, encode_effect};
    use cliqueclique_core::{Address, Command, Config, Input, Mode, RequestId, Time, WallTime};
    let start = Start {
        config: Config::default(),
        secret: [1; 32],
        address: Address(bytes::Bytes::from_static(b"here")),
        seed: [2; 32],
        wall: WallTime(1),
        record: None,
        peers: Vec::new(),
    };
    let mut core = start.core().unwrap();
    let publish = Command::Publish {
        parents: Vec::new(),
        children: Vec::new(),
        body: bytes::Bytes::from_static(b"hello"),
        mode: Mode::Follow,
        created: None,
    };
    let mut entries = vec![encode(&Entry::Start(Box::new(start)))];
    for input in [Input::Wake, Input::Command(RequestId(1), publish)] {
        let mut effects = Vec::new();
        core.handle(Time(7), input.clone(), &mut effects);
        entries.push(encode(&Entry::Input(Time(7), input)));
        let effects = effects.iter().map(encode_effect).collect();
        entries.push(encode(&Entry::Effects(effects)));
    }
    entries
}

#[test]
fn replay_node_compares_a_recording_byte_for_byte() {
    let place = Place::new("replay-node");
    let magic = cliqueclique_core::journal::MAGIC;
    let ran = |bytes: &[u8]| {
        std::fs::write(place.0.join("recording"), bytes).unwrap();
        let output = place.run(&["replay-node", "recording"]);
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    let whole = [magic, &recording().concat()[..]].concat();
    let (code, text) = ran(&whole);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 inputs, the same, to the end"), "{text}");
    let (code, text) = ran(&whole[..whole.len() - 3]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("until the recording was cut off"), "{text}");
    // The word in the user's command is another one: another document comes.
    let at = whole.windows(5).position(|word| word == b"hello").unwrap();
    let mut other = whole.clone();
    other[at] = b'j';
    let (code, text) = ran(&other);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("input 2") && text.contains("NOT the same"),
        "{text}"
    );
    let (code, text) = ran(&whole[1..]);
    assert_eq!(code, Some(2), "{text}");
    let junk = [magic, &[4, 0, 0, 0, 255, 255, 255, 255]].concat();
    assert_eq!(ran(&junk).0, Some(2));
    assert_eq!(
        place.run(&["replay-node", "nothing"]).status.code(),
        Some(2)
    );
}
