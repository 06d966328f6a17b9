//! Whole swarms, and the shrinking of what they find: every core of `broken` is found by the swarm
//! and made small.

mod broken;

use cliqueclique_sim::check::EVENTUALLY;
use cliqueclique_sim::host::Behavior;
use cliqueclique_sim::scenario::{parse, read_text};
use cliqueclique_sim::shrink::{self, Cores, Shrunk};
use cliqueclique_sim::snapshot::Index;
use cliqueclique_sim::swarm::{self, Broken};

/// Seeds that the swarm may need to find a broken core.
const MOST_SEEDS: u64 = 300;
/// What a failure must be shrunk to.
const MOST_NODES: usize = 6;
const MOST_EVENTS: usize = 20;

#[test]
fn a_run_laid_open_is_the_same_run() {
    for seed in 1..40 {
        let case = swarm::draw(seed).expect("a scenario");
        let drawn = swarm::judge(&case.scenario, seed, &swarm::nobody);
        let text = shrink::laid_open(&case.text, seed, &swarm::nobody).expect("a scenario");
        let open = parse("open.toml", &text, &[]).unwrap_or_else(|error| panic!("{error}"));
        let again = swarm::judge(&open, seed, &swarm::nobody);
        assert_eq!(
            (drawn.digest, drawn.finding),
            (again.digest, again.finding),
            "seed {seed}"
        );
    }
}

type Core = fn() -> Box<dyn Behavior>;

/// The first seed whose run fails with broken cores only, by this property, made small. Of the
/// *eventually* properties only this one is asked for; `sets` are overrides.
fn hunt(property: &str, sets: &[&str], broken: Broken<'_>) -> Shrunk {
    let others = EVENTUALLY.iter().filter(|name| **name != property);
    let skip: Vec<String> = others.map(|name| format!("\"{name}\"")).collect();
    let mut all = vec![format!("checks.skip=[{}]", skip.join(", "))];
    all.extend(sets.iter().map(ToString::to_string));
    let cores = Cores {
        broken,
        to_blame: true,
    };
    for seed in 1..=MOST_SEEDS {
        let case = swarm::draw(seed).expect("a scenario");
        let loaded = read_text("swarm.toml", &case.text, &all).expect("sound overrides");
        let found = swarm::judge(&loaded.scenario, seed, broken).finding;
        if found.is_none_or(|found| found.property != property)
            || swarm::judge(&loaded.scenario, seed, &swarm::nobody)
                .finding
                .is_some()
        {
            continue;
        }
        let shrunk = shrink::shrink(&loaded.text, seed, cores, shrink::MOST_RUNS, &mut |_| true);
        // What was written down with broken cores may ask too much of sound ones.
        let Ok(shrunk) = shrunk else { continue };
        eprintln!(
            "{property}: seed {seed}, from {} to {} in {} runs",
            shrunk.before, shrunk.after, shrunk.runs
        );
        return shrunk;
    }
    panic!("no seed up to {MOST_SEEDS} finds it");
}

/// Hunts a broken core, and replays what is left of the run that found it from its text.
fn found_and_shrunk(property: &str, sets: &[&str], broken: Broken<'_>) {
    let shrunk = hunt(property, sets, broken);
    let size = shrunk.after;
    assert!(size.nodes <= MOST_NODES, "{size}\n{}", shrunk.text);
    assert!(
        size.scheduled + size.packets <= MOST_EVENTS,
        "{size}\n{}",
        shrunk.text
    );
    let small = parse("small.toml", &shrunk.text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let again = swarm::judge(&small, small.seed, broken);
    let finding = again.finding.expect("it still fails");
    assert_eq!(finding.property, property, "{finding}");
    assert_eq!(
        swarm::judge(&small, small.seed, &swarm::nobody).finding,
        None,
        "sound cores do not"
    );
}

/// All nodes are broken.
fn everywhere(property: &str, sets: &[&str], core: Core) {
    found_and_shrunk(property, sets, &|_| Some(core()));
}

/// One node is broken: the first that joins.
fn at_one(property: &str, core: Core) {
    found_and_shrunk(property, &[], &|node: Index| (node == 1).then(core));
}

#[test]
fn a_node_that_throws_comments_away() {
    at_one("delivery", broken::throws_comments_away);
}

#[test]
fn nodes_that_never_push() {
    everywhere("delivery", &[], broken::never_pushes);
}

#[test]
fn nodes_that_never_let_go() {
    everywhere("presence", &[], broken::ignores_forget);
}

#[test]
fn nodes_that_do_not_do_what_their_users_wish() {
    everywhere("presence", &[], broken::ignores_wishes);
}

#[test]
fn nodes_that_talk_for_no_reason() {
    everywhere("silence", &[], broken::chatters);
}

#[test]
fn nodes_that_tell_names_to_outsiders() {
    everywhere("privacy", &[], broken::tells_names);
}

#[test]
fn a_node_that_calls_strangers() {
    at_one("contact", broken::calls_strangers);
}

#[test]
fn a_node_that_sends_too_much_at_once() {
    at_one("bounded", broken::floods);
}

#[test]
fn nodes_that_lie_about_their_distance() {
    everywhere("tree", &[], broken::lies_about_distance);
}

#[test]
fn nodes_that_keep_a_freeze_to_themselves() {
    everywhere("tree", &[], broken::hides_freezes);
}

#[test]
fn nodes_that_follow_each_other() {
    everywhere(
        "circles",
        &["checks.circle_bound=10s"],
        broken::claims_to_be_near,
    );
}

#[test]
fn a_node_that_does_not_hear_who_took_it() {
    at_one("symmetry", broken::deaf);
}

#[test]
fn a_node_that_refuses_all_neighbours() {
    at_one("connected_holders", broken::refuses_neighbors);
}

#[test]
fn holders_that_pretend_to_subscribe() {
    everywhere("connected_subscribers", &[], broken::pretends_to_subscribe);
}

#[test]
fn nodes_that_hide_that_their_root_resigns() {
    everywhere(
        "root_subscribes",
        &["protocol.min_peers=1", "workload.follow=0.0"],
        broken::hides_resignations,
    );
}

#[test]
fn a_node_that_takes_too_many_neighbours() {
    at_one("degree", broken::takes_too_many);
}

#[test]
fn a_node_that_stores_nothing() {
    at_one("subset", broken::stores_nothing);
}

#[test]
fn nodes_that_send_everything_twice() {
    everywhere(
        "cost",
        &["checks.at_most={ copies = 1.6 }"],
        broken::sends_twice,
    );
}
