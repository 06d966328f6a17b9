//! What scenarios mean, and what their errors look like.

use super::*;
use std::fmt::Write;
use std::time::Duration;

/// Smallest scenario, with lines after it.
fn with(lines: &str) -> String {
    format!("duration = \"10m\"\n{lines}")
}

fn sets(list: &[&str]) -> Vec<String> {
    list.iter().map(|set| (*set).to_owned()).collect()
}

fn error(text: &str, list: &[&str]) -> String {
    parse("x.toml", text, &sets(list)).unwrap_err().to_string()
}

/// Every way to be wrong, each with a title.
const WRONG: [(&str, &str); 49] = [
    ("an adversary that does nothing", "[[adversary]]\ncount = 2"),
    (
        "an adversary that is nobody",
        "[[adversary]]\nbehaviors = [\"withhold-bodies\"]",
    ),
    (
        "an unknown behaviour",
        "[[adversary]]\nbehaviors = [\"withhold-body\"]\ncount = 2",
    ),
    (
        "a hostile node that does not exist",
        "[workload]\nnodes = 5\n[[adversary]]\nbehaviors = [\"withhold-bodies\"]\nnodes = [1, 5]",
    ),
    (
        "an adversary that ends before it begins",
        "[[adversary]]\nbehaviors = [\"withhold-bodies\"]\ncount = 2\nfrom = \"2m\"\nuntil = \"1m\"",
    ),
    ("not TOML", "workload = = 3"),
    ("a key twice", "settle = \"1m\"\nsettle = \"2m\""),
    ("unknown key", "sttle = \"1m\""),
    ("unknown table", "[netwrok]\nloss = 0.1"),
    ("unknown key in a table", "[workload]\nnodez = 5"),
    (
        "key of another kind of workload",
        "[workload]\nkind = \"newsgroup\"\nnodes = 5",
    ),
    (
        "unknown protocol setting",
        "[protocol]\nkeep_alive = \"5s\"",
    ),
    ("time without a unit", "settle = 30"),
    ("wrong unit", "settle = \"30 parsecs\""),
    ("negative time", "settle = \"-30s\""),
    ("wrong type", "real_crypto = \"yes\""),
    ("share above one", "[network]\nloss = 1.5"),
    (
        "share above a hundred percent",
        "[network]\nduplicate = \"120%\"",
    ),
    ("share without a percent sign", "[network]\nloss = \"5\""),
    ("unknown preset", "[network]\npreset = \"i2q\""),
    ("frame limit too small", "[network]\nframe_limit = \"512B\""),
    (
        "smallest above largest",
        "[network]\nlatency = { min = \"80ms\", max = \"20ms\" }",
    ),
    (
        "half a distribution",
        "[network]\nlatency = { median = \"80ms\" }",
    ),
    (
        "size with a wrong unit",
        "[protocol]\nsend_window = \"256 Kilo\"",
    ),
    (
        "settings that do not fit",
        "[protocol]\nkeep_alive_min = \"25h\"",
    ),
    ("too many peers", "[protocol]\nmax_peers = 100"),
    (
        "range the wrong way round",
        "[protocol]\nmax_peers_range = [6, 3]",
    ),
    (
        "fault after the end",
        "[[fault]]\nat = \"11m\"\nkind = \"crash\"\ncount = 1",
    ),
    (
        "fault without a target",
        "[[fault]]\nat = \"1m\"\nkind = \"crash\"",
    ),
    (
        "fault with two targets",
        "[[fault]]\nat = \"1m\"\nkind = \"crash\"\ncount = 1\nroot = true",
    ),
    (
        "fault without its length",
        "[[fault]]\nat = \"1m\"\nkind = \"pause\"\ncount = 1",
    ),
    (
        "key of another kind of fault",
        "[[fault]]\nat = \"1m\"\nkind = \"leave\"\ncount = 1\nrestart = \"1m\"",
    ),
    (
        "backup without an age",
        "[[fault]]\nat = \"1m\"\nkind = \"crash\"\ncount = 1\nrestart = \"1m\"\ndisk = \"backup\"",
    ),
    (
        "node that is not there",
        "[workload]\nnodes = 5\n[[fault]]\nat = \"1m\"\nkind = \"move\"\nnode = 5",
    ),
    ("fault that is no list", "[fault]\nat = \"1m\""),
    ("unknown property", "[checks]\nsometimes = [\"crashd\"]"),
    ("property twice", "[checks]\nskip = [\"tree\", \"tree\"]"),
    ("unknown figure", "[checks]\nat_most = { overhed = 1.1 }"),
    ("snapshot after the end", "snapshots = [\"1m\", \"1h\"]"),
    (
        "comments the wrong way round",
        "[workload]\ncomments_from = \"5m\"\ncomments_until = \"4m\"",
    ),
    (
        "trace that is not there",
        "[workload]\nkind = \"newsgroup\"\nreplay = \"no.csv\"\nreplay_required = true",
    ),
    (
        "schedule without a script",
        "[[schedule]]\nat = \"1s\"\ndo = \"start\"\nnode = 0",
    ),
    (
        "unknown deed",
        "[workload]\nkind = \"script\"\nnodes = 2\n[[schedule]]\nat = \"1s\"\ndo = \"jion\"\nnode = 0",
    ),
    (
        "key of another deed",
        "[workload]\nkind = \"script\"\nnodes = 2\n[[schedule]]\nat = \"1s\"\ndo = \"crash\"\nnode = 0",
    ),
    (
        "document that is not there",
        "[workload]\nkind = \"script\"\nnodes = 2\n[[schedule]]\nat = \"1s\"\ndo = \"join\"\nnode = 0\nvia = 1\ndocument = 7",
    ),
    (
        "node that is not there",
        "[workload]\nkind = \"script\"\nnodes = 2\n[[schedule]]\nat = \"1s\"\ndo = \"move\"\nnodes = [1, 2]",
    ),
    (
        "packet twice",
        "packet = [{ from = 0, to = 1, number = 1 }, { from = 0, to = 1, number = 1, lost = true }]\n[workload]\nkind = \"script\"\nnodes = 2",
    ),
    (
        "late and lost",
        "packet = [{ from = 0, to = 1, number = 1, lost = true, late = \"1s\" }]\n[workload]\nkind = \"script\"\nnodes = 2",
    ),
    ("script without nodes", "[workload]\nkind = \"script\""),
];

#[test]
fn errors_point_at_the_place_and_say_what_was_expected() {
    let mut all = String::new();
    for (title, lines) in WRONG {
        writeln!(all, "# {title}\n{}\n", error(&with(lines), &[])).unwrap();
    }
    writeln!(all, "# no duration\n{}", error("seed = 1", &[])).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn errors_of_overrides_point_into_the_override() {
    let text = with("[[fault]]\nat = \"1m\"\nkind = \"crash\"\ncount = 1");
    let wrong = [
        "workload.nodes",
        "workload.nodez=5",
        "workload.nodes=many",
        "fault.0.at=5 minuets",
        "fault.3.at=5s",
        "duration.x=5s",
        "network..loss=1",
        "checks.skip=[\"tre\"]",
    ];
    let all: Vec<String> = wrong.iter().map(|set| error(&text, &[set])).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn an_override_may_be_toml_or_bare() {
    let text = with("[workload]\nnodes = 5\n[[fault]]\nat = \"1m\"\nkind = \"crash\"\ncount = 1");
    let list = sets(&[
        "workload.nodes=7",
        "fault.0.at=5s",
        "fault.1.at=2m",
        "fault.1.kind=leave",
        "fault.1.share=10%",
        "network.preset=lan",
    ]);
    let loaded = read_text("x.toml", &text, &list).unwrap();
    let Workload::Synthetic(workload) = &loaded.scenario.workload else {
        panic!("not synthetic")
    };
    assert_eq!(workload.nodes, 7);
    assert_eq!(loaded.scenario.faults[0].at, Duration::from_secs(5));
    assert_eq!(loaded.scenario.faults[1].target, Target::Share(0.1));
    assert_eq!(
        loaded.scenario.network.latency,
        Latency::Constant(Duration::from_millis(1))
    );
    let again = parse("x.toml", &loaded.text, &[]).unwrap();
    assert_eq!(
        again, loaded.scenario,
        "the text after overrides means the same"
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let scenario = parse("some/x.toml", &with(""), &[]).unwrap();
    assert_eq!(scenario.name, "x");
    assert_eq!(
        (scenario.seed, scenario.settle),
        (1, Duration::from_secs(600))
    );
    assert_eq!(scenario.sample, Duration::from_secs(6));
    assert_eq!(scenario.protocol, cliqueclique_core::Config::default());
    assert_eq!(
        scenario.network.latency,
        Latency::Lognormal(Duration::from_millis(60), 0.5)
    );
    let Workload::Synthetic(workload) = scenario.workload else {
        panic!("not synthetic")
    };
    assert_eq!(
        (workload.nodes, workload.forums, workload.comments),
        (100, 1, 0)
    );
    assert!(scenario.checks.every_step);
}

#[test]
fn a_preset_can_be_overridden_value_by_value() {
    let text = with(
        "[network]\npreset = \"i2p\"\nchannel_life = \"never\"\nbandwidth = \"unlimited\"\nloss = \"5%\"",
    );
    let network = parse("x.toml", &text, &[]).unwrap().network;
    assert_eq!((network.channel_life, network.bandwidth), (None, None));
    assert_eq!((network.loss, network.frame_limit), (0.05, 16 * 1024));
}

#[test]
fn a_small_degree_lowers_the_number_of_peers_sought() {
    let protocol = parse("x.toml", &with("[protocol]\nmax_peers = 2"), &[])
        .unwrap()
        .protocol;
    assert_eq!((protocol.max_peers, protocol.min_peers), (2, 2));
    let scenario = parse("x.toml", &with("[protocol]\nmax_peers_range = [2, 6]"), &[]).unwrap();
    assert_eq!(
        (
            scenario.max_peers_range,
            scenario.protocol.max_peers,
            scenario.protocol.min_peers
        ),
        (Some((2, 6)), 6, 2)
    );
}

#[test]
fn faults_are_in_order_of_time() {
    let text = with(
        "[[fault]]\nat = \"5m\"\nkind = \"move\"\ncount = 1\n[[fault]]\nat = \"1m\"\nkind = \"forget\"\nroot = true",
    );
    let faults = parse("x.toml", &text, &[]).unwrap().faults;
    assert_eq!(faults[0].kind, FaultKind::Forget);
    assert_eq!(faults[0].target, Target::Root);
    assert_eq!(faults[1].kind, FaultKind::Move);
}

#[test]
fn no_text_makes_the_parser_panic() {
    let good = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../scenarios/quickstart.toml"
    ))
    .unwrap();
    for at in (0..good.len()).filter(|&at| good.is_char_boundary(at)) {
        let _ = parse("x.toml", &good[..at], &[]);
        let _ = parse(
            "x.toml",
            &format!("{}\u{fc}={}", &good[..at], &good[at..]),
            &[],
        );
    }
    for set in [
        "",
        "=",
        ".=",
        "a.=1",
        "fault.=1",
        "fault.18446744073709551615.at=1s",
        "fault.0=1",
        "x=\n",
        "x=[[[",
        "seed=99999999999999999999",
    ] {
        let _ = parse("x.toml", &good, &sets(&[set]));
    }
}

/// Every kind of entry, as people may write it.
const SCRIPT: &str = r#"
schedule = [
  { at = "0s", do = "publish", node = 0, document = 1 },
  { at = "1ms", do = "publish", node = 0, document = 2, parent = 1, body = "1KiB", mode = "hold" },
  { at = "3us", do = "start", node = 1 },
  { at = "2s", do = "join", node = 1, document = 2, via = 0, mode = "subscribe" },
  { at = "2s", do = "set", node = 1, document = 2, mode = "hold" },
  { at = "2s", do = "bookmark", node = 1, document = 2 },
  { at = "3s", do = "bookmark", node = 1, document = 2, on = false },
  { at = "4s", do = "forget", node = 1, document = 2 },
  { at = "4s", do = "crash", nodes = [0, 1] },
  { at = "4s", do = "crash", nodes = [0], restart = "5s", disk = "backup", age = "1m" },
  { at = "4s", do = "crash", nodes = [0], restart = "5s", disk = "lost" },
  { at = "5s", do = "pause", nodes = [1], lasts = "1.5s" },
  { at = "5s", do = "partition", nodes = [1], lasts = "5s", one_way = true },
  { at = "5s", do = "degrade", nodes = [1], lasts = "5s", loss = 0.25 },
  { at = "5s", do = "move", nodes = [1] },
  { at = "9s", do = "leave", node = 0 },
]
packet = [
  { from = 1, to = 0, number = 3, late = "7us", held = "2s", copy = "0s" },
  { from = 0, to = 1, number = 3, lost = true },
]
dial = [{ from = 0, to = 1, number = 1, lost = 2, life = "90s" }]
[workload]
kind = "script"
nodes = 2
"#;

#[test]
fn a_script_is_written_as_it_is_read() {
    let script = parse("x.toml", &with(SCRIPT), &[]).unwrap().script;
    assert_eq!((script.len(), script.schedule.len()), (19, 16));
    assert!(script.schedule.is_sorted_by_key(|entry| entry.at));
    let again = format!("{}[workload]\nkind = \"script\"\nnodes = 2", script.text());
    assert_eq!(parse("x.toml", &with(&again), &[]).unwrap().script, script);
}
