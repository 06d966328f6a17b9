//! Every protocol in a network in which nothing goes wrong, and what is refused.

use cliqueclique_baselines::catalogue::{ALL, find};
use cliqueclique_sim::arena::Figures;
use cliqueclique_sim::metrics::CostKind;
use cliqueclique_sim::scenario::{Scenario, parse};

const CALM: &str = "
about = \"Thirty nodes.\"
duration = \"10m\"
settle = \"1m\"
sample = \"30s\"
[protocol]
keep_alive_min = \"10s\"
keep_alive_max = \"60s\"
[network]
preset = \"internet\"
[workload]
nodes = 30
join_over = \"1m\"
comments = 20
comments_from = \"90s\"
comments_until = \"9m\"
body = 100
";

fn scenario(more: &str) -> Scenario {
    parse("calm.toml", &format!("{CALM}{more}"), &[]).expect("it is right")
}

fn figures(name: &str, more: &str) -> Figures {
    let entry = find(name).expect("a protocol of that name");
    entry
        .run(&scenario(more), 1, 10_000_000)
        .expect("it can be run")
}

#[test]
fn everybody_gets_everything_in_calm() {
    for entry in ALL {
        let sum = figures(entry.name, "").completeness;
        assert!(sum.wanted > 500, "{}: {sum:?}", entry.name);
        // Gossip has no catch-up: who has not quite joined a topic misses what is said there.
        let gossip = entry.name.starts_with("iroh");
        let bound = if gossip { sum.wanted / 50 } else { 0 };
        assert!(sum.missing <= bound, "{}: {sum:?}", entry.name);
    }
}

#[test]
fn a_server_sends_each_comment_once_to_each_who_wants_it() {
    let figures = figures("central", "");
    let delivered = figures.metrics.delivered;
    // Authors send them to the server, the forum's root, too; and the server sends them to all others.
    assert_eq!(figures.metrics.bodies, delivered + 21);
    assert!(figures.metrics.hops.max() == 2, "over the server");
}

/// The stage must charge ours as the simulator does. What users write differs a little, since
/// they see the first document sooner; so it is compared per delivery and without bodies.
#[test]
fn ours_costs_the_same_on_the_stage_and_in_the_simulator() {
    let kinds = [
        CostKind::Push,
        CostKind::Frame,
        CostKind::State,
        CostKind::Set,
        CostKind::Introduction,
        CostKind::Handshake,
        CostKind::KeepAlive,
    ];
    let (stage, checked) = (figures("ours", ""), figures("ours-checked", ""));
    assert_eq!(stage.metrics.delivered, checked.metrics.delivered);
    let [stage, checked] = [stage, checked].map(|figures| figures.wire(&kinds));
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = stage.bytes as f64 / checked.bytes as f64;
    assert!((0.85..1.15).contains(&ratio), "{stage:?} {checked:?}");
}

#[test]
fn flood_gives_each_comment_to_all_neighbours() {
    let flood = figures("flood", "");
    assert!(flood.metrics.bodies > 2 * flood.metrics.delivered);
    assert_eq!(flood.wire(&[CostKind::Retransmission]).bytes, 0);
}

#[test]
fn nobody_in_netnews_gets_an_article_twice() {
    let figures = figures("nntp", "");
    assert_eq!(figures.metrics.bodies, figures.metrics.delivered);
}

#[test]
fn gossip_pays_for_idle_topics_and_does_not_catch_up() {
    let gossip = figures("iroh-gossip", "");
    assert!(gossip.wire(&[CostKind::KeepAlive]).messages > 1_000);
    let asleep = "[[fault]]\nat = \"3m\"\nkind = \"pause\"\ncount = 3\nlasts = \"5m\"\n";
    let missing = |name: &str| figures(name, asleep).completeness.missing;
    assert!(
        missing("iroh-tuned") > 0,
        "what came meanwhile is lost to it"
    );
    assert_eq!(missing("nntp"), 0);
    assert_eq!(missing("central"), 0);
}

#[test]
fn a_newsgroup_is_read_over_a_server() {
    let group = "
about = \"A small group.\"
duration = \"3d\"
settle = \"1h\"
sample = \"6h\"
[network]
preset = \"internet\"
[workload]
kind = \"newsgroup\"
authors = 10
messages = 30
span = \"2d\"
readers = 5
follow_all = 0.5
follow_thread = 0.2
";
    let group = parse("group.toml", group, &[]).expect("it is right");
    for name in ["central", "nntp"] {
        let entry = find(name).expect("a protocol of that name");
        let figures = entry.run(&group, 1, 10_000_000).expect("it can be run");
        let sum = figures.completeness;
        assert!(sum.wanted > 30 && sum.missing == 0, "{name}: {sum:?}");
    }
}
