//! What an operator does and meets: new settings for a running node, figures, limits of
//! bandwidth, a disk that is full, a stop that cannot store.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes waits in real time"
)]

mod common;

use common::{Node, Workspace, eventually};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Size of the largest file that the node may write, in blocks of 512 bytes or, by some shells,
/// of 1,024: the store's log of changes reaches it after some hundred comments.
const BLOCKS: u32 = 2_000;

fn figures(place: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(place).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    text
}

fn free_place() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").to_string()
}

#[test]
fn settings_are_read_again_and_wrong_ones_change_nothing() {
    let space = Workspace::new("reload");
    let (a, b) = (space.node("a"), space.node("b"));
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let post = a.say(&["post", &forum, "A comment"]);
    eventually("the comment at b", PATIENCE, || b.has(&post));
    let in_memory = |node: &Node| node.json(&["status"])["overlays_in_memory"].clone();
    assert_eq!(in_memory(&a), 2);
    a.edit("# cold-after = 600", "cold-after = 0");
    a.signal("HUP");
    let logged = |part: &str| eventually(part, PATIENCE, || a.log().contains(part));
    logged("the settings stay as they are");
    logged("must be at least 1 (second)");
    a.edit("cold-after = 0", "cold-after = 1");
    a.edit("# log = \"info\"", "log = \"debug\"");
    a.edit("# links = 256", "links = 100");
    a.signal("HUP");
    logged("a restart is needed for limits");
    eventually("the comment's network is cold", PATIENCE, || {
        in_memory(&a) == 1
    });
    a.edit("links = 100", "# links = 256");
    a.signal("HUP");
    logged("the settings were read again\n");
}

#[test]
fn figures_are_told_on_this_machine_only() {
    let space = Workspace::new("metrics");
    let mut a = space.asleep("a", &["init", "--listen", "tcp"]);
    let place = free_place();
    a.edit(
        "# listen = \"127.0.0.1:9464\"",
        "listen = \"192.0.2.1:9464\"",
    );
    a.fails(&["config", "check"], 2, "is not on this machine");
    a.edit("192.0.2.1:9464", &place);
    a.start();
    let b = space.node("b");
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let text = figures(&place, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    let number = |text: &str, name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} in {text}"));
        let number = line.rsplit(' ').next().expect("a number");
        number.parse().expect("a number")
    };
    assert_eq!(number(&text, "cliqueclique_links{account=\"me\"}"), 1.0);
    assert_eq!(number(&text, "cliqueclique_well{account=\"me\"}"), 1.0);
    assert!(number(&text, "cliqueclique_bytes_sent_total{account=\"me\"}") > 100.0);
    assert!(number(&text, "cliqueclique_store_commits_total") > 1.0);
    assert!(number(&text, "cliqueclique_disk_free_bytes") > 1.0);
    let own = a.json(&["status"])["node"].to_string();
    assert!(!text.contains(own.trim_matches('"')), "no id is told");
    assert!(figures(&place, "/").starts_with("HTTP/1.1 404"));
}

#[test]
fn uploads_keep_to_their_limit() {
    let space = Workspace::new("pace");
    let mut a = space.asleep("a", &["init", "--listen", "tcp"]);
    a.edit("# upload = 0", "upload = 15");
    a.fails(&["config", "check"], 2, "limits.upload must be 0");
    a.edit("upload = 15", "upload = 40");
    a.start();
    let b = space.node("b");
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let (begun, text) = (Instant::now(), "many words ".repeat(2_000));
    let posts: Vec<String> = (0..4)
        .map(|number| a.say(&["post", &forum, &format!("{number} {text}")]))
        .collect();
    eventually("all at b", PATIENCE, || posts.iter().all(|id| b.has(id)));
    // 88 kB at 40 kB per second; the last packets of a burst pass without waiting for their time.
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1_500), "{took:?}");
    // Without a limit, by a reload.
    a.edit("upload = 40", "upload = 0");
    a.signal("HUP");
    eventually("read again", PATIENCE, || a.log().contains("read again"));
    let begun = Instant::now();
    let post = a.say(&["post", &forum, &format!("5 {text}")]);
    eventually("the last at b", PATIENCE, || b.has(&post));
    assert!(begun.elapsed() < took, "{:?}", begun.elapsed());
}

#[test]
fn a_clock_that_is_behind_the_store_is_told() {
    let space = Workspace::new("clock");
    let mut a = space.node("a");
    assert!(state(&a).contains("all is well"), "{}", state(&a));
    a.stop();
    let store = std::fs::File::options()
        .write(true)
        .open(a.folder.join("store.sqlite"));
    let later = std::time::SystemTime::now() + Duration::from_secs(7_260);
    store.expect("a store").set_modified(later).expect("set");
    a.start();
    assert!(state(&a).contains("clock is wrong"), "{}", state(&a));
    assert!(a.log().contains("clock is wrong"), "{}", a.log());
    // It works all the same.
    a.say(&["forum", "new", "A forum"]);
}

/// Posts until the node says that it cannot; gives what was acknowledged.
fn fill(node: &Node, forum: &str) -> Vec<String> {
    let text = "x".repeat(30_000);
    let post = |number: usize| node.try_run(&["post", forum, &format!("{number} {text}")]);
    let posts: Vec<String> = (0..200).map_while(post).collect();
    assert!(posts.len() < 200, "the limit was reached");
    posts
}

fn state(node: &Node) -> String {
    node.json(&["status"])["state"].to_string()
}

/// Whether this system can change the limits of a process that runs.
fn limits_can_change() -> bool {
    Command::new("prlimit").arg("--version").output().is_ok()
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_and_is_over_when_there_is_room() {
    let space = Workspace::new("full");
    let (mut a, b) = (
        space.asleep("a", &["init", "--listen", "tcp"]),
        space.node("b"),
    );
    // A signal that ends programs is what a full disk does not send.
    a.start_after(&format!("trap '' XFSZ; ulimit -S -f {BLOCKS}"));
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let mut posts = fill(&a, &forum);
    assert!(!posts.is_empty());
    assert!(
        state(&a).contains("the store cannot be written"),
        "{}",
        state(&a)
    );
    a.fails(&["post", &forum, "another"], 1, "nothing was done");
    for post in &posts {
        assert!(a.has(post), "what was acknowledged can be read");
    }
    let elsewhere = b.say(&["post", &forum, "Meanwhile at b"]);
    if limits_can_change() {
        let pid = a.pid().to_string();
        let prlimit = Command::new("prlimit")
            .args(["--pid", &pid, "--fsize=unlimited"])
            .status();
        assert!(prlimit.expect("it runs").success());
        eventually("all is well", PATIENCE, || {
            state(&a).contains("all is well")
        });
    } else {
        a.kill();
        a.start();
    }
    posts.push(a.say(&["post", &forum, "There is room again"]));
    posts.push(elsewhere);
    for node in [&a, &b] {
        let all = || posts.iter().all(|id| node.has(id));
        eventually("everything acknowledged is everywhere", PATIENCE, all);
    }
    a.stop();
    a.run(&["check"]);
}

#[test]
fn a_stop_with_a_full_disk_ends_in_time_and_keeps_what_was_acknowledged() {
    let space = Workspace::new("fullstop");
    let mut a = space.asleep("a", &["init", "--listen", "tcp"]);
    a.start_after(&format!("trap '' XFSZ; ulimit -S -f {BLOCKS}"));
    let forum = a.say(&["forum", "new", "A forum"]);
    let posts = fill(&a, &forum);
    a.signal("TERM");
    assert_eq!(a.ends(), Some(6), "{}", a.log());
    a.start();
    for post in &posts {
        assert!(a.has(post));
    }
    assert!(a.thread(&forum).len() > posts.len());
    a.stop();
    a.run(&["check"]);
}
