//! How a node with a large store starts and idles.

use crate::common::{Node, Workspace, eventually};
use crate::network::costs;
use crate::say;
use crate::writers::{Caller, Dice, Look, Writers};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(3_600);
/// A node settles for so long before it is watched, for so long.
const SETTLES: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(60);

/// Two nodes have a large forum, and one of them has links to others besides, with which it shares
/// a small one. That one is watched; it restarts; it is watched again.
pub(crate) fn store(comments: usize, links: usize) {
    let space = Workspace::new("store");
    let (a, mut b) = (space.node("a"), space.node("b"));
    let forum = a.say(&["forum", "new", "A large forum"]);
    b.join(&a, &forum);
    let small = b.say(&["forum", "new", "A small forum"]);
    let others: Vec<Node> = (1..links).map(|at| space.node(&at.to_string())).collect();
    others.iter().for_each(|other| other.join(&b, &small));
    let writers = 50.min(comments);
    let begun = Instant::now();
    let all = Writers::begin(&a, &forum, writers, comments.div_ceil(writers)).join();
    let look = Look::at(&b);
    eventually("all at b", PATIENCE, || look.documents() > all + 1);
    let size = std::fs::metadata(b.folder.join("store.sqlite")).map_or(0, |data| data.len());
    say(&format!(
        "made: {all} documents, {} MB of store, in {:.0} s",
        size / 1_000_000,
        begun.elapsed().as_secs_f64()
    ));
    eventually("all words at b", PATIENCE, || look.is_indexed());
    idle(&b);
    b.stop();
    let begun = Instant::now();
    b.start();
    let ready = begun.elapsed().as_secs_f64();
    let mut caller = Caller::of(&b);
    caller.status();
    let answers = begun.elapsed().as_secs_f64();
    caller.comment(&forum, &Dice(9).text(1_000));
    let writes = begun.elapsed().as_secs_f64();
    say(&format!(
        "started: ready after {ready:.2} s, a status after {answers:.2} s, a comment after \
         {writes:.2} s"
    ));
    idle(&b);
    b.stop();
}

fn idle(node: &Node) {
    std::thread::sleep(SETTLES);
    let status = || Caller::of(node).status();
    let moved = |status: &serde_json::Value| {
        let bytes = |key: &str| status[key].as_u64().unwrap_or(0);
        bytes("bytes_sent") + bytes("bytes_received")
    };
    let ((before, _), first) = (costs(node), status());
    std::thread::sleep(WATCHED);
    let ((after, memory), last) = (costs(node), status());
    let share = (after - before) / WATCHED.as_secs_f64() * 100.0;
    say(&format!(
        "idle with {} links: {share:.2} % of a core, {memory} MB, {} networks in memory, {} bytes \
         on the wire in {} s",
        last["links"],
        last["overlays_in_memory"],
        moved(&last) - moved(&first),
        WATCHED.as_secs()
    ));
}
