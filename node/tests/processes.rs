//! Real processes over TCP on loopback.

mod common;

use common::{Node, Workspace, eventually};
use serde_json::Value;
use std::time::Duration;

/// For what should take far less, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn two_nodes_join_talk_and_meet_again() {
    let space = Workspace::new("two");
    let (mut a, mut b) = (space.node("a"), space.node("b"));
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let hello = b.say(&["post", &forum, "Hello from b"]);
    eventually("the comment at a", PATIENCE, || a.has(&hello));
    let answer = a.say(&["comment", &hello, "Hello from a"]);
    eventually("the answer at b", PATIENCE, || b.has(&answer));
    // What is said while one is away arrives when it is back.
    b.stop();
    let late = a.say(&["post", &forum, "Are you there?"]);
    b.start();
    eventually("the late comment at b", PATIENCE, || b.has(&late));
    a.kill();
    let later = b.say(&["post", &late, "Yes"]);
    a.start();
    eventually("the later comment at a", PATIENCE, || a.has(&later));
    assert_eq!(a.thread(&forum), b.thread(&forum));
    assert_eq!(a.thread(&forum).len(), 5);
}

#[test]
fn three_nodes_are_introduced_and_outlive_the_first() {
    let space = Workspace::new("three");
    let (mut a, b, c) = (space.node("a"), space.node("b"), space.node("c"));
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    c.join(&a, &forum);
    let linked = |node: &Node| node.json(&["peers"]).as_array().map_or(0, Vec::len) == 2;
    eventually("b and c know each other", PATIENCE, || {
        linked(&b) && linked(&c)
    });
    a.kill();
    let hello = b.say(&["post", &forum, "Without a"]);
    eventually("the comment at c", PATIENCE, || c.has(&hello));
    a.start();
    eventually("the comment at a", PATIENCE, || a.has(&hello));
}

#[test]
fn ten_nodes_hear_each_other() {
    let space = Workspace::new("ten");
    let nodes: Vec<Node> = (0..10).map(|at| space.node(&at.to_string())).collect();
    let forum = nodes[0].say(&["forum", "new", "A forum"]);
    nodes[1..]
        .iter()
        .for_each(|node| node.join(&nodes[0], &forum));
    let posts: Vec<String> = nodes
        .iter()
        .map(|node| node.say(&["post", &forum, "Hello"]))
        .collect();
    eventually("everything everywhere", PATIENCE, || {
        let all = |node: &Node| posts.iter().all(|post| node.has(post));
        nodes.iter().all(all)
    });
    for node in &nodes {
        assert_eq!(node.thread(&forum).len(), 11);
    }
}

#[test]
fn wishes_marks_and_lists_last() {
    let space = Workspace::new("marks");
    let mut a = space.node("a");
    let forum = a.say(&["forum", "new", "A forum\n\nAbout nothing"]);
    let post = a.say(&["post", &forum, "First"]);
    a.say(&["bookmark", &post]);
    a.say(&["unfollow", &forum]);
    a.run(&["read", &post, "--unread"]);
    a.kill();
    a.start();
    let thread = a.json(&["list", &forum]);
    let first = &thread[0];
    assert_eq!(first["subject"], "A forum");
    assert_eq!(
        (&first["mode"], &first["comments"]),
        (&"hold".into(), &1.into())
    );
    let second = &thread[1];
    assert_eq!(
        (&second["bookmarked"], &second["read"]),
        (&true.into(), &false.into())
    );
    // A shortened id, on the store alone.
    a.stop();
    let full = a.json(&["read", &post[..10], "--peek"]);
    assert_eq!(full["body"], "First");
    assert_eq!(full["parents"][0], Value::from(forum));
}

#[test]
fn failures_say_what_is_wrong_and_have_their_codes() {
    let space = Workspace::new("wrong");
    let mut a = space.node("a");
    let forum = a.say(&["forum", "new", "A forum"]);
    let unknown = "ab".repeat(32);
    let cases: [(&[&str], i32, &str); 10] = [
        (&["post", &unknown, "x"], 4, "not held here"),
        (&["read", &unknown], 4, "not here"),
        (&["read", "abcd"], 4, "no document here begins"),
        (&["read", "xyz!"], 2, "no document id"),
        (&["join", &unknown], 2, "an id alone is not enough"),
        (&["join", &unknown, "tcp:127.0.0.1:1"], 2, "has no key"),
        (&["join", "cliqueclique:12?at=x"], 2, "64 hex digits"),
        (&["invite", &unknown], 4, "not here"),
        (&["--account", "you", "peers"], 4, "no account 'you'"),
        (&["fly"], 2, "unrecognized subcommand"),
    ];
    for (arguments, code, part) in cases {
        a.fails(arguments, code, part);
    }
    a.fails(&["init"], 5, "there already");
    a.fails(&["run"], 5, "another node runs");
    let long = "x".repeat(131_072);
    a.fails_with_input(&["post", &forum], &long, 5, "131,072 bytes");
    assert_eq!(a.thread(&forum).len(), 1, "nothing was changed");
    a.stop();
    a.fails(&["status"], 3, "no node runs");
    let settings = a.folder.join("settings.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(&settings, text.replace("reach", "reech")).expect("written");
    a.fails(&["config", "check"], 2, "line 22");
    a.fails(&["run"], 2, "expected `reach`");
}

#[test]
fn nobody_else_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let space = Workspace::new("private");
    let mut a = space.node("a");
    let mode = |name: &str| {
        let data = std::fs::metadata(a.folder.join(name)).expect(name);
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode("."), 0o700);
    assert_eq!(mode("control.sock"), 0o600);
    assert_eq!(mode("keys/me.key"), 0o600);
    let key = a.folder.join("keys/me.key");
    a.stop();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("set");
    a.fails(&["run"], 1, "others may read the key");
}

#[test]
fn two_accounts_in_one_process_are_two_nodes() {
    let space = Workspace::new("accounts");
    let mut a = space.node("a");
    a.stop();
    let settings = a.folder.join("settings.toml");
    let mut text = std::fs::read_to_string(&settings).expect("settings");
    text += "\n[[account]]\nname = \"other\"\nlisten = \"tcp:127.0.0.1:0\"\n";
    std::fs::write(&settings, text).expect("written");
    a.start();
    let forum = a.say(&["forum", "new", "A forum"]);
    let invite = a.say(&["invite", &forum]);
    let (_, other) = a.run(&["--account", "other", "list", "--json"]);
    assert_eq!(other, "[]", "accounts do not see each other's documents");
    a.run(&["--account", "other", "join", &invite, "--wait", "60"]);
    let hello = a.say(&["--account", "other", "post", &forum, "Hello from the other"]);
    eventually("the comment at the first account", PATIENCE, || {
        a.has(&hello)
    });
}

#[test]
fn the_demo_loses_a_node_and_heals() {
    let space = Workspace::new("demo");
    let folder = space.path("demo");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cliqueclique"))
        .args(["demo", &folder])
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {:?}", output.stderr);
    for part in [
        "is killed",
        "all who run have all 6 documents",
        "is back",
        "the demo is over",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn cold_networks_leave_the_memory_and_come_back() {
    let space = Workspace::new("cold");
    let (mut a, mut b) = (space.node("a"), space.node("b"));
    for node in [&mut a, &mut b] {
        node.stop();
        node.edit("# cold-after = 600", "cold-after = 1");
        node.start();
    }
    let forum = a.say(&["forum", "new", "A forum"]);
    b.join(&a, &forum);
    let first = b.say(&["post", &forum, "First"]);
    let second = b.say(&["post", &first, "Second"]);
    eventually("all at a", PATIENCE, || a.has(&second));
    // The forum's own network looks for more neighbours than there are, and stays.
    let cold = |node: &Node| node.json(&["status"])["overlays_in_memory"] == 1;
    let all = "the comments' networks are cold at both";
    eventually(all, PATIENCE, || cold(&a) && cold(&b));
    let third = a.say(&["post", &second, "Third"]);
    eventually("a comment below what was cold", PATIENCE, || b.has(&third));
    eventually("they are cold again", PATIENCE, || cold(&b));
    b.kill();
    let fourth = a.say(&["post", &first, "Fourth"]);
    b.start();
    eventually("what b missed", PATIENCE, || b.has(&fourth));
    assert_eq!(a.thread(&forum), b.thread(&forum));
}

#[test]
fn without_a_router_the_node_runs_and_says_what_is_missing() {
    let space = Workspace::new("routerless");
    // Nobody listens on a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let mut a = space.over_i2p("a", "i2p", port);
    a.start();
    let forum = a.say(&["forum", "new", "A forum"]);
    let invite = a.say(&["invite", &forum]);
    assert!(invite.contains("?at=i2p:"), "{invite}");
    let state = || a.json(&["status"])["state"].to_string();
    eventually("the state tells it", PATIENCE, || {
        state().contains("no I2P router answers") && state().contains("apt install i2pd")
    });
    let log = std::fs::read_to_string(a.folder.join("log")).expect("a log");
    assert_eq!(log.matches("no I2P router answers").count(), 1, "{log}");
    // The address stays, so that invitations stay good.
    a.stop();
    a.start();
    assert_eq!(a.say(&["invite", &forum]), invite);
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let space = Workspace::new("contradict");
    let a = space.asleep("a", &["init", "--listen", "tcp"]);
    a.edit("transport = \"auto\"", "transport = \"i2p\"");
    a.fails(&["run"], 2, "since `transport` is \"i2p\"");
    a.fails(&["init", "--listen", "moon"], 2, "i2p or tcp:IP:PORT");
}

#[test]
fn words_are_found_while_they_are_here() {
    let space = Workspace::new("search");
    let a = space.node("a");
    let forum = a.say(&["forum", "new", "Gardening"]);
    let pruning = a.say(&["post", &forum, "When do you prune apple trees?"]);
    let found = |words: &[&str]| {
        let hits = a.json(&[&["search"], words].concat());
        let hits = hits.as_array().expect("a list").clone();
        let id = |hit: Value| hit["id"].as_str().expect("an id").to_owned();
        hits.into_iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(found(&["APPLE", "prune"]), [&*pruning]);
    assert_eq!(found(&["gardening"]), [&*forum]);
    assert!(found(&["apple", "pear"]).is_empty());
    assert!(found(&["apple\"", "AND", "(x"]).is_empty());
    a.fails(&["search", "()"], 2, "no word");
    a.say(&["forget", &pruning]);
    a.say(&["forget", &forum]);
    eventually("they are gone", PATIENCE, || found(&["apple"]).is_empty());
}

#[test]
fn a_backup_of_a_running_node_can_be_restored() {
    let space = Workspace::new("backup");
    let mut a = space.node("a");
    let forum = a.say(&["forum", "new", "A forum"]);
    let before = a.thread(&forum);
    let backup = space.path("backup");
    a.run(&["backup", &backup]);
    a.fails(&["backup", &backup], 5, "there already");
    a.say(&["post", &forum, "After the backup"]);
    let node = a.json(&["status"])["node"].clone();
    a.stop();
    a.fails(&["restore", &backup], 5, "there already");
    std::fs::remove_dir_all(&a.folder).expect("lost");
    a.fails(&["restore", &space.path("nothing")], 4, "no node's data");
    a.run(&["restore", &backup]);
    a.run(&["check"]);
    a.start();
    assert_eq!(a.thread(&forum), before);
    assert_eq!(a.json(&["status"])["node"], node, "it is the same node");
}

#[test]
fn each_command_has_a_manual_page() {
    let space = Workspace::new("man");
    let a = space.asleep("a", &["init", "--listen", "tcp"]);
    let folder = space.path("man");
    a.fails(&["man", &folder], 1, "cannot write manual pages");
    std::fs::create_dir(&folder).expect("a folder");
    a.run(&["man", &folder]);
    let page = |name: &str| std::fs::read_to_string(format!("{folder}/{name}.1")).expect(name);
    assert!(page("cliqueclique").contains("Exit codes"));
    assert!(page("cliqueclique-backup").contains("also while the node runs"));
    assert!(page("cliqueclique-forum-new").contains("Make a forum"));
}
