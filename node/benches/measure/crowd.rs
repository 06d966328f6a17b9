//! How soon a comment is everywhere when little goes on.

use crate::common::{Node, Workspace, eventually};
use crate::say;
use crate::writers::{Caller, Dice, Look};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Between comments.
const PAUSE: Duration = Duration::from_millis(50);
/// Between looks into the stores.
const LOOK: Duration = Duration::from_micros(200);

fn bytes(id: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("hex");
    (0..id.len()).step_by(2).map(byte).collect()
}

/// From the writer's request until a comment is durable at all of `count` nodes.
pub(crate) fn latency(count: usize, comments: usize) {
    let space = Workspace::new("latency");
    let nodes: Vec<Node> = (0..count).map(|at| space.node(&at.to_string())).collect();
    let forum = nodes[0].say(&["forum", "new", "A forum"]);
    for node in &nodes[1..] {
        node.join(&nodes[0], &forum);
    }
    let looks: Vec<Look> = nodes.iter().map(Look::at).collect();
    let mut callers: Vec<Caller> = nodes.iter().map(Caller::of).collect();
    eventually("the network stands", PATIENCE, || {
        nodes.iter().all(|node| node.has(&forum))
    });
    std::thread::sleep(Duration::from_secs(2));
    let mut dice = Dice(1);
    let (mut written, mut spread) = (Vec::new(), Vec::new());
    for number in 0..comments {
        let begun = Instant::now();
        let id = callers[number % count].comment(&forum, &dice.text(1_000));
        written.push(begun.elapsed());
        let id = bytes(&id);
        while !looks.iter().all(|look| look.has(&id)) {
            assert!(
                begun.elapsed() < PATIENCE,
                "comment {number} is not everywhere"
            );
            std::thread::sleep(LOOK);
        }
        spread.push(begun.elapsed());
        std::thread::sleep(PAUSE);
    }
    tell("acknowledged to its writer", written);
    tell(&format!("durable at all {count} nodes"), spread);
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    say(&format!(
        "{what}: after {:.1} ms in the median, {:.1} ms at the 90th percentile, {:.1} ms at worst",
        at(50),
        at(90),
        at(100)
    ));
}
