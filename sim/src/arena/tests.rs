use super::*;
use crate::metrics::CostKind;
use crate::scenario::{Scenario, parse};
use cliqueclique_core::time::Time;

/// Sends what it writes to whom it joined by, and to whom joined by it.
#[derive(Debug, Default)]
struct Star {
    peers: Vec<Peer>,
}

impl Protocol for Star {
    fn handle(&mut self, _now: Time, input: Input, _disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Joined(held) => effects.extend(held.via.map(Effect::Connect)),
            Input::Connected(peer, _) => self.peers.push(peer),
            Input::Disconnected(peer) => self.peers.retain(|other| *other != peer),
            Input::Published(document, _) => {
                let packet = Packet::push(document.bytes().clone(), document.bytes().len());
                let send = |&peer: &Peer| Effect::Send(peer, packet.clone());
                effects.extend(self.peers.iter().map(send));
            }
            Input::Received(_, bytes) => {
                let document = cliqueclique_core::Document::parse(bytes, &crate::suite::Cheap);
                effects.extend(document.ok().map(Effect::Store));
            }
            Input::Leave => effects.push(Effect::Left),
            Input::Start(_)
            | Input::Wake
            | Input::Wish(..)
            | Input::Bookmark(..)
            | Input::Forget(_) => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        None
    }

    fn degrees(&self) -> Vec<usize> {
        vec![self.peers.len()]
    }
}

const CALM: &str = "
about = \"Two nodes.\"
duration = \"10m\"
settle = \"1m\"
sample = \"1m\"
[network]
preset = \"internet\"
[workload]
nodes = 2
join_over = \"10s\"
comments = 20
comments_from = \"1m\"
comments_until = \"9m\"
reply = 0.0
";

fn scenario(sets: &[&str], more: &str) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse("calm.toml", &format!("{CALM}{more}"), &sets).expect("it is right")
}

const TERMS: Terms = Terms {
    seed: 1,
    events: 100_000,
    server: false,
};

fn star(scenario: &Scenario) -> Result<Figures, Refused> {
    run(scenario, TERMS, &mut |_| Box::<Star>::default())
}

#[test]
fn bytes_are_counted_by_purpose_and_copies_by_body() {
    let figures = star(&scenario(&["network.jitter=0s"], "")).expect("it can be run");
    assert_eq!(
        figures.completeness.wanted, 40,
        "two nodes, twenty comments"
    );
    assert_eq!(figures.completeness.missing, 0);
    assert_eq!(
        (figures.metrics.delivered, figures.metrics.bodies),
        (20, 20)
    );
    let body = figures.wire(&[CostKind::Document]);
    assert_eq!(body.bytes, figures.metrics.delivered_bytes);
    let headers = figures.wire(&[CostKind::Push, CostKind::Frame]);
    assert_eq!(
        headers.bytes,
        2 * 20,
        "nothing but the prefix of the transport"
    );
    assert_eq!(figures.wire(&[CostKind::Retransmission]).bytes, 0);
}

#[test]
fn what_is_lost_is_sent_again_and_counted_again() {
    let lossy = scenario(&["network.loss=0.4"], "");
    let figures = star(&lossy).expect("it can be run");
    assert_eq!(figures.completeness.missing, 0);
    assert_eq!(
        (figures.metrics.delivered, figures.metrics.bodies),
        (20, 20)
    );
    let again = figures.wire(&[CostKind::Retransmission]);
    assert!(again.messages > 5, "{again:?}");
    assert_eq!(
        figures.wire(&[CostKind::Document]).bytes,
        figures.metrics.delivered_bytes
    );
}

#[test]
fn the_same_seed_gives_the_same_figures_and_another_one_others() {
    let scenario = scenario(&["workload.nodes=20"], "");
    let figures = |seed| {
        let terms = Terms { seed, ..TERMS };
        let figures = run(&scenario, terms, &mut |_| Box::<Star>::default());
        format!("{:?}", figures.expect("it can be run").metrics)
    };
    assert_eq!(figures(1), figures(1));
    assert_ne!(figures(1), figures(2));
}

#[test]
fn who_crashes_is_missed_and_who_is_cut_off_lacks_what_was_written() {
    let crash = "[[fault]]\nat = \"30s\"\nkind = \"crash\"\nnode = 1\n";
    let figures = star(&scenario(&[], crash)).expect("it can be run");
    assert_eq!(figures.metrics.delivered, 0);
    assert_eq!(figures.completeness.subscribers, 1, "only one runs");
    let cut = "[[fault]]\nat = \"30s\"\nkind = \"partition\"\nnode = 1\nlasts = \"9m\"\n";
    let quick = ["protocol.keep_alive_min=1s", "protocol.keep_alive_max=2s"];
    let figures = star(&scenario(&quick, cut)).expect("it can be run");
    assert!(figures.completeness.missing > 10, "a star has no repair");
}

#[test]
fn what_only_cores_can_do_is_refused() {
    let hostile = "[[adversary]]\nbehaviors = [\"junk\"]\ncount = 1\n";
    let hostile = parse("h.toml", &format!("{CALM}{hostile}"), &[]);
    let refused = star(&hostile.expect("it is right")).expect_err("hostile nodes");
    assert_eq!(
        refused.to_string(),
        "cannot run a scenario with adversaries"
    );
    let few = Terms { events: 3, ..TERMS };
    let stopped = run(&scenario(&[], ""), few, &mut |_| Box::<Star>::default());
    assert!(matches!(stopped, Err(Refused::TooLong(3, _))));
}

#[test]
fn silence_costs_a_keep_alive_an_interval() {
    let silent = [
        "workload.comments=0",
        "protocol.keep_alive_min=10s",
        "protocol.keep_alive_max=10s",
    ];
    let figures = star(&scenario(&silent, "")).expect("it can be run");
    let upkeep = figures.wire(&[CostKind::KeepAlive]);
    // From about the tenth second to the end of ten minutes.
    assert!((57..=60).contains(&(upkeep.messages / 2)), "{upkeep:?}");
    assert_eq!(upkeep.bytes, 10 * upkeep.messages);
}
