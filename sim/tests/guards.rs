//! Guards for the guards: for each checker a core that is broken on purpose,
//! which it must catch. Every case runs twice: as it is, where all properties
//! must hold, and with the broken node or nodes, where the named one must not.

mod broken;

use cliqueclique_core::document::Document;
use cliqueclique_core::message::Mode;
use cliqueclique_sim::check::{Checkers, Violated};
use cliqueclique_sim::driver::{Observer, Outcome, run_with};
use cliqueclique_sim::host::Behavior;
use cliqueclique_sim::scenario::{Scenario, parse};
use cliqueclique_sim::snapshot::Index;
use std::collections::BTreeMap;

struct Blind;

impl Observer for Blind {}

/// Twelve nodes in one forum. Comments go on to the end, so that what a broken
/// node says for ever is not yet caught as a breach of silence.
const TEXT: &str = r#"about = "Test."
duration = "4m"
settle = "5m"
sample = "2s"

[protocol]
max_peers = 4
keep_alive_min = "5s"
keep_alive_max = "20s"
link_timeout = "15s"

[network]
preset = "lan"

[workload]
nodes = 12
join_over = "20s"
comments = 20
comments_from = "30s"
comments_until = "4m"
"#;

/// The above with some values changed (by their dotted names) and with more tables.
fn scenario(sets: &[&str], tables: &str) -> Scenario {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    parse("guard.toml", &format!("{TEXT}{tables}"), &sets).expect("a valid scenario")
}

fn go(scenario: &Scenario, broken: impl Fn(Index) -> Option<Box<dyn Behavior>>) -> Outcome {
    let behaviors = (0..16)
        .filter_map(|node| Some((node, broken(node)?)))
        .collect();
    run_with(scenario, 1, &mut Blind, behaviors).expect("no trace to read")
}

/// The property that does not hold with the broken nodes, after all held without them.
fn caught(
    sets: &[&str],
    tables: &str,
    broken: impl Fn(Index) -> Option<Box<dyn Behavior>>,
) -> Violated {
    let scenario = scenario(sets, tables);
    let healthy = go(&scenario, |_| None);
    assert!(
        healthy.failure.is_none(),
        "without a broken node: {:?}",
        healthy.failure.map(|(violated, _)| violated)
    );
    go(&scenario, broken)
        .failure
        .expect("a broken node must be caught")
        .0
}

fn skip(but: &str) -> String {
    let all = cliqueclique_sim::check::EVENTUALLY;
    let names: Vec<_> = all
        .iter()
        .filter(|name| **name != but)
        .map(|name| format!("\"{name}\""))
        .collect();
    format!("[checks]\nskip = [{}]\n", names.join(", "))
}

#[test]
fn delivery_catches_a_node_that_throws_comments_away() {
    let violated = caught(&[], &skip("delivery"), |node| {
        (node == 5).then(broken::throws_comments_away)
    });
    assert_eq!((violated.property, violated.nodes[0]), ("delivery", 5));
}

#[test]
fn delivery_catches_nodes_that_never_push() {
    let violated = caught(&[], &skip("delivery"), |_| Some(broken::never_pushes()));
    assert_eq!(violated.property, "delivery");
}

#[test]
fn presence_catches_a_node_that_never_lets_go() {
    let fault = "[[fault]]\nat = \"200s\"\nkind = \"forget\"\nnode = 5\n";
    let violated = caught(&[], &(skip("presence") + fault), |_| {
        Some(broken::ignores_forget())
    });
    assert_eq!((violated.property, violated.nodes), ("presence", vec![5]));
}

#[test]
fn presence_catches_a_node_that_does_not_do_what_its_user_wishes() {
    let fault = "[[fault]]\nat = \"200s\"\nkind = \"toggle\"\nnode = 5\n";
    let violated = caught(&[], &(skip("presence") + fault), |_| {
        Some(broken::ignores_wishes())
    });
    assert_eq!((violated.property, violated.nodes), ("presence", vec![5]));
}

#[test]
fn silence_catches_a_node_that_talks_about_documents_for_no_reason() {
    let sets = ["duration=20m", "workload.comments_until=2m"];
    // All chatter: which end of a link sends its keep-alives is not for a test to know.
    let violated = caught(&sets, &skip(""), |_| Some(broken::chatters()));
    assert_eq!(violated.property, "silence");
}

#[test]
fn privacy_catches_a_node_that_tells_names_to_outsiders() {
    // Every node joins two of four forums, so neighbours share some and not others.
    let sets = [
        "workload.forums=4",
        "workload.zipf=0.1",
        "workload.interests=2",
    ];
    let violated = caught(&sets, &skip(""), |_| Some(broken::tells_names()));
    assert_eq!(violated.property, "privacy");
}

#[test]
fn contact_catches_a_node_that_calls_strangers() {
    let sets = [
        "protocol.min_acquaintances=0",
        "protocol.max_acquaintances=4",
    ];
    let violated = caught(&sets, &skip(""), |node| {
        (node == 1).then(broken::calls_strangers)
    });
    assert_eq!((violated.property, violated.nodes[0]), ("contact", 1));
}

#[test]
fn bounded_catches_a_node_that_sends_too_much_at_once() {
    let violated = caught(&[], &skip(""), |node| (node == 2).then(broken::floods));
    assert_eq!((violated.property, violated.nodes[0]), ("bounded", 2));
}

#[test]
fn tree_catches_nodes_that_lie_about_their_distance() {
    assert_eq!(
        caught(&[], &skip("tree"), |_| Some(broken::lies_about_distance())).property,
        "tree"
    );
}

#[test]
fn tree_catches_nodes_that_keep_a_freeze_to_themselves() {
    // The root dies, and most others, so that nobody below it is left to succeed it.
    let crash = "[[fault]]\nat = \"200s\"\nkind = \"crash\"\nroot = true\n\
                 [[fault]]\nat = \"200s\"\nkind = \"crash\"\nshare = \"60%\"\n";
    assert_eq!(
        caught(&[], &(skip("tree") + crash), |_| Some(
            broken::hides_freezes()
        ))
        .property,
        "tree"
    );
}

#[test]
fn circles_catch_nodes_that_follow_each_other() {
    // Everybody claims to be next to the root and to follow nobody, for ever; then the root
    // dies, and most others with it, so that nobody below it is left to succeed it.
    let more = skip("")
        + "circle_bound = \"10s\"\n[[fault]]\nat = \"200s\"\nkind = \"crash\"\nroot = true\n"
        + "[[fault]]\nat = \"200s\"\nkind = \"crash\"\nshare = \"60%\"\n";
    assert_eq!(
        caught(&[], &more, |_| Some(broken::claims_to_be_near())).property,
        "circles"
    );
}

#[test]
fn symmetry_catches_a_node_that_does_not_hear_who_took_it() {
    let violated = caught(&[], &skip("symmetry"), |node| {
        (node == 5).then(broken::deaf)
    });
    assert_eq!(violated.property, "symmetry");
    assert!(violated.nodes.contains(&5), "{violated}");
}

#[test]
fn connected_holders_catches_a_node_that_refuses_all_neighbours() {
    let violated = caught(&[], &skip("connected_holders"), |node| {
        (node == 5).then(broken::refuses_neighbors)
    });
    assert_eq!(violated.property, "connected_holders");
}

#[test]
fn connected_subscribers_catches_holders_that_pretend_to_subscribe() {
    // Without comments: otherwise they would be pushed to those who only pretend, a breach of privacy.
    let sets = [
        "workload.nodes=16",
        "workload.subscribe=0.35",
        "workload.comments=0",
        "protocol.max_peers=2",
    ];
    assert_eq!(
        caught(&sets, &skip("connected_subscribers"), |_| Some(
            broken::pretends_to_subscribe()
        ))
        .property,
        "connected_subscribers"
    );
}

/// Few networks have the root of this one resign (the swarm finds one), so the checker is
/// shown the truth of a good run in which the root's user changed his mind.
#[test]
fn root_subscribes_catches_a_root_that_does_not_subscribe() {
    let scenario = scenario(&[], &skip("root_subscribes"));
    let outcome = go(&scenario, |_| None);
    let judge = |snapshot: &_| Checkers::new(&scenario).eventually(snapshot);
    assert_eq!(judge(&outcome.last), Ok(()));
    let mut other = outcome.last.clone();
    for truth in other.documents.values_mut() {
        for member in truth.members.values_mut() {
            let view = member.view.as_mut().filter(|view| view.distance == 0);
            if let Some(view) = view {
                view.mode = Mode::Hold;
                member.wish = Mode::Hold;
            }
        }
    }
    assert_eq!(
        judge(&other).expect_err("no root subscribes").property,
        "root_subscribes"
    );
}

#[test]
fn cost_catches_nodes_that_send_everything_twice() {
    let violated = caught(
        &[],
        &format!("{}at_most = {{ copies = 1.3 }}\n", skip("")),
        |_| Some(broken::sends_twice()),
    );
    assert_eq!(violated.property, "cost");
    assert!(
        violated
            .detail
            .starts_with("copies must be at most 1.3, found "),
        "{}",
        violated.detail
    );
}

#[test]
fn sometimes_catches_a_scenario_that_never_gets_there() {
    let scenario = scenario(
        &[],
        &format!("{}sometimes = [\"joined\", \"healed\"]\n", skip("")),
    );
    let violated = go(&scenario, |_| None)
        .failure
        .expect("nothing was parted, so nothing healed")
        .0;
    assert_eq!(violated.property, "sometimes");
    assert!(violated.detail.contains("`healed`"), "{}", violated.detail);
}

#[test]
fn degree_catches_a_node_that_takes_more_neighbours_than_its_user_allows() {
    let violated = caught(&[], &skip(""), |node| {
        (node == 1).then(broken::takes_too_many)
    });
    assert_eq!((violated.property, violated.nodes), ("degree", vec![1]));
}

#[test]
fn subset_catches_a_node_that_has_not_what_it_serves() {
    let violated = caught(&[], &skip(""), |node| {
        (node == 1).then(broken::stores_nothing)
    });
    assert_eq!((violated.property, violated.nodes), ("subset", vec![1]));
}

#[test]
fn a_run_is_decided_by_its_seed() {
    let faults = "[[fault]]\nat = \"1m\"\nevery = \"40s\"\nkind = \"crash\"\ncount = 1\nrestart = \"20s\"\ndisk = \"kept\"\n";
    let scenario = scenario(&[], &(skip("") + faults));
    let digest = |seed| {
        run_with(&scenario, seed, &mut Blind, BTreeMap::new())
            .expect("no trace to read")
            .digest
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn the_count_of_parents_is_where_it_is_looked_for() {
    let draft = |parents| cliqueclique_core::Draft {
        parents,
        ..Default::default()
    };
    let suite = cliqueclique_sim::suite::Cheap;
    let secret = cliqueclique_core::SecretKey([1; 32]);
    for count in [0_u8, 1, 3] {
        let parents = (0..count)
            .map(|at| cliqueclique_core::DocumentId([at; 32]))
            .collect();
        let document = Document::sign(&draft(parents), &secret, &suite).expect("within limits");
        assert_eq!(document.bytes()[42], count);
    }
}
