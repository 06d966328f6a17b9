//! What leaves a node in files and comes back: documents, threads, accounts, mails; what is wrong
//! with a file changes nothing. And commands on a folder where no node runs.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes waits in real time"
)]

mod common;

use common::{Node, Workspace, eventually};
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn asleep(space: &Workspace, name: &str) -> Node {
    space.asleep(name, &["init", "--listen", "tcp"])
}

/// A forum with a comment that is answered, and one that attaches another forum.
fn forum(node: &Node) -> String {
    let forum = node.say(&["forum", "new", "A forum"]);
    let other = node.say(&["forum", "new", "Another forum"]);
    let post = node.say(&["post", &forum, "A comment"]);
    node.say(&["post", &post, "An answer"]);
    node.say(&["link", &forum, &other, "See there"]);
    forum
}

#[test]
fn commands_work_where_no_node_runs_and_a_node_goes_on_from_there() {
    let space = Workspace::new("direct");
    let mut a = asleep(&space, "a");
    let forum = forum(&a);
    assert_eq!(a.thread(&forum).len(), 5);
    a.run(&["bookmark", &forum]);
    a.run(&["read", &forum]);
    a.fails(&["status"], 3, "no node runs");
    a.fails(&["peers"], 3, "no node runs");
    a.fails(&["post", &"12".repeat(32), "x"], 4, "not held here");
    let invite = a.say(&["invite", &forum]);
    a.start();
    let b = space.node("b");
    b.run(&["join", &invite, "--wait", "60"]);
    eventually("all at b", PATIENCE, || b.thread(&forum).len() == 5);
    assert!(a.run(&["list"]).1.contains("[kept]"));
}

#[test]
fn a_file_goes_below_a_document_and_comes_out_of_it() {
    let space = Workspace::new("file");
    let (a, b) = (asleep(&space, "a"), space.path("notes.bin"));
    let forum = a.say(&["forum", "new", "A forum"]);
    fs::write(&b, [0_u8, 1, 2, 255]).expect("written");
    let id = a.say(&["attach", &forum, &b]);
    a.fails(&["export", "file", &id, &b], 5, "is there already");
    let out = space.path("out.bin");
    assert!(
        a.run(&["export", "file", &id, &out])
            .1
            .contains("'notes.bin'")
    );
    assert_eq!(fs::read(&out).expect("a file"), [0, 1, 2, 255]);
    let other = space.path("other");
    a.fails(&["export", "file", &forum, &other], 4, "is no file");
    assert!(!fs::exists(&other).expect("looked"));
    fs::write(&other, vec![7; 95_001]).expect("written");
    a.fails(&["attach", &forum, &other], 2, "at most 95000");
    a.fails(&["attach", &forum, &space.path("none")], 4, "none");
    assert_eq!(a.thread(&forum).len(), 2);
}

#[test]
fn a_thread_goes_from_node_to_node_in_a_file() {
    let space = Workspace::new("thread");
    let (a, b) = (asleep(&space, "a"), space.node("b"));
    let forum = forum(&a);
    let file = space.path("thread");
    a.run(&["export", "thread", &forum, &file]);
    a.fails(&["export", "thread", &forum, &file], 5, "is there already");
    assert_eq!(b.say(&["import", &file]), forum);
    assert_eq!(b.thread(&forum), a.thread(&forum));
    // Again, and where no node runs: nothing is there twice.
    b.run(&["import", &file]);
    let c = asleep(&space, "c");
    c.run(&["import", &file]);
    c.run(&["import", &file, "--mode", "hold"]);
    assert_eq!(c.thread(&forum), a.thread(&forum));
    let single = space.path("single");
    a.run(&["export", "document", &forum, &single]);
    let d = asleep(&space, "d");
    d.run(&["import", &single, "--mode", "hold"]);
    assert_eq!(d.thread(&forum), std::slice::from_ref(&forum));
    assert!(d.run(&["list"]).1.contains("[kept]"));
}

#[test]
fn imported_copies_meet_the_network_that_is_there() {
    let space = Workspace::new("meet");
    let (a, b) = (space.node("a"), space.node("b"));
    let forum = forum(&a);
    let file = space.path("thread");
    a.run(&["export", "thread", &forum, &file]);
    b.run(&["import", &file]);
    let own = b.say(&["post", &forum, "Written below the copy"]);
    b.join(&a, &forum);
    eventually("what b wrote is at a", PATIENCE, || a.has(&own));
    let answer = a.say(&["post", &own, "An answer to that"]);
    eventually("the answer is at b", PATIENCE, || b.has(&answer));
    assert_eq!(a.thread(&forum), b.thread(&forum));
}

#[test]
fn files_that_are_wrong_change_nothing() {
    let space = Workspace::new("wrong");
    let (a, b) = (asleep(&space, "a"), asleep(&space, "b"));
    let forum = forum(&a);
    let file = space.path("thread");
    a.run(&["export", "thread", &forum, &file]);
    let whole = fs::read(&file).expect("read");
    let bad = space.path("bad");
    let tries = [
        (whole[..whole.len() - 1].to_vec(), "cut off after"),
        (whole[..60].to_vec(), "cut off after 0 whole documents"),
        (vec![7; 400], "nothing that can be imported"),
        (Vec::new(), "nothing that can be imported"),
        (
            b"cliqueclique account 1\nxx".to_vec(),
            "no whole file of an account",
        ),
    ];
    for (bytes, part) in tries {
        fs::write(&bad, bytes).expect("written");
        b.fails_with_input(&["import", &bad], "a passphrase\n", 2, part);
    }
    let at = whole.len() / 2;
    let mut garbled = whole.clone();
    garbled[at] ^= 1;
    fs::write(&bad, garbled).expect("written");
    b.fails(&["import", &bad], 2, "damaged");
    b.fails(&["import", &space.path("none")], 4, "cannot read");
    b.fails(&["import", &space.path("")], 2, "is a folder");
    b.fails(
        &["export", "thread", "zz", &space.path("x")],
        2,
        "is no document id",
    );
    b.fails(
        &["export", "thread", &forum, &space.path("x")],
        4,
        "is not here",
    );
    assert!(!std::path::Path::new(&space.path("x")).exists());
    assert_eq!(b.json(&["list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn an_account_moves_with_its_passphrase_only() {
    let space = Workspace::new("account");
    let (mut a, b) = (space.node("a"), space.node("b"));
    let forum = forum(&b);
    a.join(&b, &forum);
    a.run(&["bookmark", &forum]);
    a.run(&["read", &forum]);
    let author = "ab".repeat(16);
    a.run(&["mute", &author]);
    let (file, secret) = (space.path("me"), space.path("secret"));
    fs::write(&secret, "short\n").expect("written");
    let export = ["export", "account", &file, "--passphrase-file", &secret];
    a.fails(&export, 2, "too short");
    fs::write(&secret, "five random words and more\n").expect("written");
    a.run(&export);
    let keys = a.json(&["keys"]);
    let bytes = fs::read(&file).expect("read");
    let key = fs::read_to_string(a.folder.join("keys/me.key")).expect("a key");
    let shows = |part: &str| bytes.windows(part.len()).any(|w| w == part.as_bytes());
    assert!(!shows(key.trim()) && !shows(&forum));
    let right = "five random words and more\n";
    a.fails_with_input(&["import", &file], right, 5, "stop it first");
    a.stop();
    a.fails_with_input(&["import", &file], right, 5, "two accounts");
    let mut new = Node::at(&space.path("new"));
    new.fails_with_input(
        &["import", &file],
        "five random words\n",
        2,
        "passphrase is wrong",
    );
    assert!(!new.folder.exists(), "nothing was made");
    new.run(&["import", &file, "--passphrase-file", &secret]);
    assert_eq!(new.json(&["keys"])["node"], keys["node"]);
    assert_eq!(new.json(&["keys"])["public_key"], keys["public_key"]);
    new.start();
    eventually("the forum comes", PATIENCE, || new.has(&forum));
    let entry = new.json(&["list"])[0].clone();
    assert_eq!(
        (&entry["bookmarked"], &entry["read"]),
        (&true.into(), &true.into())
    );
    assert_eq!(entry["mode"], "follow");
    // Into a folder with another account, under another name.
    let c = asleep(&space, "c");
    c.run(&[
        "import",
        &file,
        "--passphrase-file",
        &secret,
        "--name",
        "you",
    ]);
    let moved = c.json(&["keys", "--account", "you"]);
    assert_eq!(moved["node"], keys["node"]);
    assert_ne!(c.json(&["keys"])["node"], keys["node"]);
}

/// Mails in threads of ten, each answering the one before.
fn mails(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let _ = write!(
            text,
            "From a@example.org Thu Jan  1 00:00:00 2004\nFrom: A <a{}@example.org>\n\
             Message-ID: <{at}@example.org>\nDate: Thu, 1 Jan 2004 00:00:{:02} +0000\n",
            at % 7,
            at % 60
        );
        if at % 10 > 0 {
            let _ = writeln!(text, "In-Reply-To: <{}@example.org>", at - 1);
        }
        let _ = write!(text, "Subject: Mail {at}\n\nThe text of mail {at}.\n\n");
    }
    text
}

#[test]
fn an_mbox_becomes_a_forum_and_a_forum_an_mbox() {
    let space = Workspace::new("mbox");
    let a = space.node("a");
    let file = space.path("list.mbox");
    fs::write(&file, mails(30)).expect("written");
    let forum = a.say(&["import", &file]);
    let list = a.json(&["list", &forum]);
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 31);
    assert_eq!(list[0]["subject"], "list");
    let fifth = list
        .iter()
        .find(|entry| entry["subject"] == "Mail 5")
        .expect("a mail");
    assert_eq!(fifth["depth"], 6);
    assert_eq!(fifth["created"], 1_072_915_205);
    let body = a.run(&["read", fifth["id"].as_str().expect("an id")]).1;
    assert!(
        body.contains("A (a5@example.org)") && body.contains("The text of mail 5."),
        "{body}"
    );
    // Again, and with more: only what is new comes.
    assert_eq!(a.json(&["import", &file])["new"], 0);
    fs::write(&file, mails(33)).expect("written");
    assert_eq!(a.json(&["import", &file])["new"], 3);
    let back = space.path("back.mbox");
    a.run(&["export", "thread", &forum, &back, "--mbox"]);
    let again = a.json(&["import", &back, "--name", "Once more"]);
    assert_eq!((&again["new"], &again["mails"]), (&34.into(), &34.into()));
    let other = a.thread(again["id"].as_str().expect("an id"));
    assert_eq!(other.len(), 35);
    fs::write(&file, "From x\nno head").expect("written");
    a.run(&["import", &file, "--forum", &forum]);
    a.fails(
        &["import", &file, "--forum", &"12".repeat(32)],
        4,
        "not here",
    );
}

#[test]
fn an_import_that_is_killed_goes_on_and_doubles_nothing() {
    const MAILS: usize = 1_500;
    let space = Workspace::new("killed");
    let a = asleep(&space, "a");
    let file = space.path("list.mbox");
    fs::write(&file, mails(MAILS)).expect("written");
    for kill in 0..4 {
        let mut import = Command::new(env!("CARGO_BIN_EXE_cliqueclique"))
            .arg("--data")
            .arg(&a.folder)
            .args(["import", &file])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(300 + 150 * kill));
        import.kill().expect("killed");
        import.wait().expect("gone");
    }
    let last = a.json(&["import", &file]);
    let whole = u64::try_from(MAILS).expect("fits");
    assert_eq!(
        last["new"]
            .as_u64()
            .zip(last["known"].as_u64())
            .map(|(a, b)| a + b),
        Some(whole)
    );
    let forum = last["id"].as_str().expect("an id").to_owned();
    assert_eq!(a.thread(&forum).len(), MAILS + 1);
    assert_eq!(
        a.json(&["list"]).as_array().map(Vec::len),
        Some(1),
        "one forum"
    );
    a.run(&["check"]);
}

#[test]
fn a_document_is_forwarded_attached_or_wrapped() {
    let space = Workspace::new("forward");
    let a = space.node("a");
    let forum = forum(&a);
    let other = a.say(&["forum", "new", "Elsewhere"]);
    let post = a.say(&["post", &forum, "Look\nat this"]);
    a.run(&["forward", &post, &other, "See"]);
    assert!(a.thread(&other).contains(&post));
    let wrapped = a.say(&["forward", &post, &other, "--wrap"]);
    let body = a.run(&["read", &wrapped]).1;
    assert!(
        body.contains("Fwd: Look") && body.contains("> at this") && body.contains(&post),
        "{body}"
    );
    a.fails(&["forward", &"12".repeat(32), &other], 4, "not here");
}
