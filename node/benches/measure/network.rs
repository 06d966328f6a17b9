//! How fast two nodes are, and how soon a newcomer has everything.

use crate::common::{Node, Workspace, eventually};
use crate::say;
use crate::writers::{Look, Writers};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(600);

/// Processor seconds and memory (MB) of a node's process so far.
pub(crate) fn costs(node: &Node) -> (f64, u64) {
    let read = |name: &str| {
        std::fs::read_to_string(format!("/proc/{}/{name}", node.pid())).unwrap_or_default()
    };
    let stat = read("stat");
    // After the name in brackets; fields 14 and 15 count ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse().ok()).unwrap_or(0.0);
    ((ticks(12) + ticks(13)) / 100.0, memory(node.pid()))
}

/// Resident memory of a process, MB.
pub(crate) fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: u64 = kilobytes.and_then(|k| k.parse().ok()).unwrap_or(0);
    kilobytes / 1_024
}

/// Comments per second that one node takes in, and that are durable at both.
pub(crate) fn throughput(seconds: usize, writers: usize) {
    let space = Workspace::new("throughput");
    let (a, b) = (space.node("a"), space.node("b"));
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let (near, far) = (Look::at(&a), Look::at(&b));
    let begun = Instant::now();
    let crowd = Writers::begin(&a, &forum, writers, usize::MAX);
    let mut last = 1;
    for second in 1..=seconds {
        std::thread::sleep(Duration::from_secs(1));
        let (here, there) = (near.documents(), far.documents());
        say(&format!(
            "{second:>4} s: {here} at a, {there} at b (+{})",
            there - last
        ));
        last = there;
    }
    let written = crowd.end();
    let took = begun.elapsed();
    eventually("all at b", PATIENCE, || far.documents() > written);
    let all = begun.elapsed();
    let rate = |time: Duration| written as f64 / time.as_secs_f64();
    say(&format!(
        "{written} comments of 1 kB: {:.0} per second acknowledged at a, {:.0} per second durable \
         at both ({:.2} s after the last was written)",
        rate(took),
        rate(all),
        (all - took).as_secs_f64()
    ));
    for (name, node) in [("a", &a), ("b", &b)] {
        let (processor, memory) = costs(node);
        let each = processor * 1e6 / written as f64;
        say(&format!(
            "{name}: {each:.0} µs of processor time per comment, {memory} MB"
        ));
    }
}

/// How long a newcomer needs until it has a whole forum, with a kill on the way.
pub(crate) fn newcomer(comments: usize) {
    let space = Workspace::new("newcomer");
    let a = space.node("a");
    let forum = a.say(&["forum", "new", "A forum"]);
    let writers = 50.min(comments);
    let crowd = Writers::begin(&a, &forum, writers, comments.div_ceil(writers));
    let all = crowd.join() + 1;
    for kill in [false, true] {
        let mut b = space.node(if kill { "c" } else { "b" });
        let far = Look::at(&b);
        let begun = Instant::now();
        b.join(&a, &forum);
        let mut kept = 0;
        if kill {
            eventually("a half", PATIENCE, || far.documents() > all / 2);
            b.kill();
            kept = far.documents();
            b.start();
        }
        eventually("all", PATIENCE, || far.documents() >= all);
        let took = begun.elapsed().as_secs_f64();
        let (_, memory) = costs(&b);
        let story = if kill {
            format!(", killed when it had {kept}")
        } else {
            String::new()
        };
        say(&format!(
            "a newcomer has all {all} documents after {took:.1} s ({memory} MB){story}"
        ));
        b.stop();
    }
}
