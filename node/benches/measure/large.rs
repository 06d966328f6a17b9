//! How a node with a large store starts and idles.

use crate::common::Workspace;
use crate::network::costs;
use crate::say;
use crate::writers::{Caller, Dice, Writers};
use std::time::{Duration, Instant};

/// Idling is watched for so long.
const WATCHED: Duration = Duration::from_secs(30);

/// Makes a store by writing, starts a node on it, and watches it.
pub(crate) fn store(comments: usize) {
    let space = Workspace::new("store");
    let mut a = space.node("a");
    let forum = a.say(&["forum", "new", "A forum"]);
    let writers = 50.min(comments);
    Writers::begin(&a, &forum, writers, comments.div_ceil(writers)).join();
    let size = |name: &str| {
        let data = std::fs::metadata(a.folder.join(name));
        data.map_or(0, |data| data.len() / 1_000_000)
    };
    say(&format!("made: {} MB of store", size("store.sqlite")));
    a.stop();
    let begun = Instant::now();
    a.start();
    let ready = begun.elapsed().as_secs_f64();
    let mut caller = Caller::of(&a);
    caller.status();
    let answers = begun.elapsed().as_secs_f64();
    caller.comment(&forum, &Dice(9).text(1_000));
    let writes = begun.elapsed().as_secs_f64();
    say(&format!(
        "started: ready after {ready:.2} s, a status after {answers:.2} s, a comment after \
         {writes:.2} s"
    ));
    std::thread::sleep(Duration::from_secs(10));
    let (before, _) = costs(&a);
    std::thread::sleep(WATCHED);
    let (after, memory) = costs(&a);
    let share = (after - before) / WATCHED.as_secs_f64() * 100.0;
    say(&format!("idle: {share:.2} % of a core, {memory} MB"));
    a.stop();
}
