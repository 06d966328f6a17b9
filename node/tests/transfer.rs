//! Files that pages give out and take in, over HTTP: documents, threads, mails, accounts.

mod common;

use common::browser::{Browser, Empty};
use common::{Workspace, eventually};
use std::fmt::Write as _;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn mbox(mails: usize) -> Vec<u8> {
    let mut text = String::new();
    for at in 0..mails {
        let above = format!("In-Reply-To: <{}@x>\n", at / 2);
        let above = if at == 0 { "" } else { &above };
        let _ = write!(
            text,
            "From a@b Thu Jan  1 00:00:00 1970\nMessage-ID: <{at}@x>\n{above}From: Ann <a@b>\n\
             Subject: Mail {at}\nDate: Thu, 1 Jan 2004 10:00:{:02} +0000\n\nText {at}\n\n",
            at % 60
        );
    }
    text.into_bytes()
}

/// Waits until the last import ended; gives the page.
fn ended(browser: &Browser) -> String {
    eventually("the import ends", PATIENCE, || {
        let page = browser.get("/files").body;
        page.contains("Hide this") || page.contains("Go on")
    });
    browser.get("/files").body
}

fn file(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"file\" value=\"").expect("a file");
    rest.split('"').next().expect("a name").to_owned()
}

#[test]
fn a_thread_is_saved_at_one_node_and_taken_in_at_another() {
    let space = Workspace::new("pages-thread");
    let nodes = ["a", "b"].map(|name| Empty::start(&space.path(name)));
    let mut ann = Browser::welcome(&nodes[0].url, "ann");
    let mut bob = Browser::welcome(&nodes[1].url, "bob");
    let forum = ann
        .post("/new", &[("text", "# Roses"), ("do", "post")])
        .path();
    let comment = ann.post(
        &format!("{forum}/reply"),
        &[("text", "Red ones"), ("do", "post")],
    );
    let saved = ann.get(&format!("{forum}/export?form=thread"));
    assert_eq!(saved.status, 200);
    assert!(
        saved
            .header("content-disposition")
            .is_some_and(|it| it.starts_with("attachment"))
    );
    let mails = ann.get(&format!("{forum}/export?form=mbox")).body;
    assert!(
        mails.starts_with("From ") && mails.contains("Red ones"),
        "{mails}"
    );
    assert_eq!(ann.get(&format!("{forum}/export?form=zip")).status, 422);
    assert_eq!(bob.get(&format!("{forum}/export?form=thread")).status, 404);

    let bytes = saved.bytes;
    assert_eq!(
        bob.upload("/files/import", &[], ("roses.clq", &bytes))
            .path(),
        "/files"
    );
    let page = ended(&bob);
    assert!(
        page.contains("2 documents are here") && page.contains(&forum),
        "{page}"
    );
    bob.get(&comment.path()).has("Red ones");
    bob.post(
        "/files/change",
        &[("file", &file(&page)), ("do", "discard")],
    );
    assert!(!bob.get("/files").body.contains("Taken in"));
    // What is wrong changes nothing.
    let mut damaged = bytes.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    bob.upload("/files/import", &[], ("roses.clq", &damaged));
    let page = ended(&bob);
    assert!(
        page.contains("roses.clq") && page.contains("othing was changed"),
        "{page}"
    );
    bob.post(
        "/files/change",
        &[("file", &file(&page)), ("do", "discard")],
    );
    for (name, content, part) in [
        ("a.zip", &b"PK"[..], "nothing that can be imported"),
        ("ann.account", b"cliqueclique account 1\n", "new user"),
        ("", b"", "hoose a file"),
    ] {
        let refused = bob.upload("/files/import", &[], (name, content));
        assert_eq!(refused.status, 422, "{name}");
        refused.has(part);
    }
    for file in ["../../keys/bob.key", "0011223344556677"] {
        let refused = bob.post("/files/change", &[("file", file), ("do", "discard")]);
        assert_eq!(refused.status, 422);
        refused.has("here is no import");
    }
}

#[test]
fn an_import_of_mails_that_was_killed_goes_on_at_a_press_of_a_button() {
    let space = Workspace::new("pages-mails");
    let folder = space.path("a");
    let node = Empty::start(&folder);
    let mut ann = Browser::welcome(&node.url, "ann");
    let forum = [("forum", "A list"), ("below", "")];
    let answer = ann.upload("/files/import", &forum, ("list.mbox", &mbox(2_000)));
    assert_eq!(answer.path(), "/files");
    eventually("some are here", PATIENCE, || {
        ann.get("/").body.contains("A list")
    });
    drop(node);
    let again = Empty::start(&folder);
    ann.host = Browser::at(&again.url).host;
    let page = ann.get("/files").body;
    assert!(
        page.contains("list.mbox") && page.contains("t was stopped"),
        "{page}"
    );
    ann.post("/files/change", &[("file", &file(&page)), ("do", "go-on")]);
    let page = ended(&ann);
    let (_, told) = page.split_once("list.mbox: ").expect("told");
    let counts: Vec<usize> = told
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .take(2)
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 2_000, "{told}");
    ann.upload("/files/import", &forum, ("again.mbox", &mbox(2_000)));
    eventually("all are known", PATIENCE, || {
        ann.get("/files")
            .body
            .contains("0 mails are new, 2000 were here")
    });
}

#[test]
fn an_account_is_saved_under_a_passphrase_and_for_nobody_else() {
    let space = Workspace::new("pages-account");
    let node = Empty::start(&space.path("a"));
    let mut ann = Browser::welcome(&node.url, "ann");
    for (passphrase, again, part) in [
        ("five random words", "five other words", "differ"),
        ("short", "short", "8 characters"),
    ] {
        let fields = [("passphrase", passphrase), ("again", again)];
        let refused = ann.post("/files/account", &fields);
        assert_eq!(refused.status, 422);
        refused.has(part);
    }
    let fields = [
        ("passphrase", "five random words"),
        ("again", "five random words"),
    ];
    let saved = ann.post("/files/account", &fields);
    assert_eq!(saved.status, 200);
    assert!(saved.bytes.starts_with(b"cliqueclique account 1\n"));
    // The command line opens it, in another folder.
    let path = space.path("ann.account");
    std::fs::write(&path, &saved.bytes).expect("written");
    let secret = space.path("secret");
    std::fs::write(&secret, "five random words\n").expect("written");
    let new = common::Node::at(&space.path("b"));
    let told = new.run(&["import", &path, "--passphrase-file", &secret]).1;
    assert!(told.contains("the account 'ann' is here"), "{told}");
    let nobody = Browser::at(&node.url);
    let origin = format!("http://{}", nobody.host);
    assert_eq!(
        nobody
            .form("/files/account", &fields, &[("Origin", &origin)])
            .status,
        401
    );
}
