//! kill -9 again and again while posting goes on: nothing acknowledged is lost, no store is
//! damaged, everybody converges. `CLIQUECLIQUE_KILLS` says how often (default 12).

mod common;

use common::{Node, Workspace, eventually};
use std::thread::JoinHandle;
use std::time::Duration;

/// Kills by default: for a run of some tens of seconds.
const KILLS: usize = 12;
/// For all to have everything after the last kill: longer than the pauses before peers that
/// were away are dialled again.
const PATIENCE: Duration = Duration::from_secs(240);

/// Numbers that differ, from a seed that is printed by a failure (it is fixed).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Posts until the killer has done its work; gives what was acknowledged. (Without a node a command
/// would work on the store by itself, and never fail.)
fn post_until_dead(node: &Node, forum: &str, round: usize, killer: &JoinHandle<()>) -> Vec<String> {
    (0..)
        .take_while(|_| !killer.is_finished())
        .map_while(|number| {
            let text = format!("round {round} number {number}");
            node.try_run(&["post", forum, &text])
        })
        .collect()
}

#[test]
fn nothing_acknowledged_is_lost_by_kills() {
    let kills = std::env::var("CLIQUECLIQUE_KILLS");
    let kills = kills
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS);
    let space = Workspace::new("kills");
    let mut nodes = [space.node("a"), space.node("b"), space.node("c")];
    let forum = nodes[0].say(&["forum", "new", "A forum"]);
    nodes[1].join(&nodes[0], &forum);
    nodes[2].join(&nodes[0], &forum);
    let (mut dice, mut acknowledged) = (Dice(7), vec![forum.clone()]);
    for round in 0..kills {
        let victim = usize::try_from(dice.below(3)).expect("small");
        let pause = Duration::from_millis(dice.below(900));
        let pid = nodes[victim].pid().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(pause);
            let status = std::process::Command::new("kill")
                .args(["-9", &pid])
                .status();
            assert!(status.expect("kill runs").success());
        });
        acknowledged.extend(post_until_dead(&nodes[victim], &forum, round, &killer));
        killer.join().expect("killed");
        nodes[victim].kill();
        nodes[victim].start();
        for node in &nodes {
            let text = format!("between, after round {round}");
            acknowledged.extend(node.try_run(&["post", &forum, &text]));
        }
    }
    assert!(acknowledged.len() > 2 * kills, "posting went on meanwhile");
    acknowledged.sort();
    let whole = |node: &Node| {
        let thread = node.thread(&forum);
        acknowledged
            .iter()
            .all(|id| thread.binary_search(id).is_ok())
    };
    eventually("everything acknowledged is everywhere", PATIENCE, || {
        nodes.iter().all(whole)
    });
    // What was stored but not acknowledged may be there too, then everywhere.
    eventually("all have the same", PATIENCE, || {
        let first = nodes[0].thread(&forum);
        nodes.iter().all(|node| node.thread(&forum) == first)
    });
    for node in &mut nodes {
        node.stop();
        node.run(&["check"]);
    }
}
