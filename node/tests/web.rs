//! The forum in the browser, over HTTP: real processes, and what a browser would send.

mod common;

use common::browser::{Browser, Empty};
use common::{Node, Workspace};
use std::path::Path;

#[test]
fn two_people_start_a_forum_invite_join_comment_and_find() {
    let space = Workspace::new("web-two");
    let nodes = ["a", "b"].map(|name| Empty::start(&space.path(name)));
    let mut ann = Browser::welcome(&nodes[0].url, "ann");
    let mut bob = Browser::welcome(&nodes[1].url, "bob");
    let text = "# Gardening\r\n\r\nAbout *plants*. <script>alert(1)</script>";
    let new = ann.post("/new", &[("text", text), ("do", "post")]);
    let forum = new.path();
    let page = ann.get(&forum);
    page.has("<em>plants</em>");
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let network = ann.get(&format!("{forum}/network")).body;
    let invite = network
        .split("<code>")
        .nth(1)
        .and_then(|it| it.split('<').next());
    let invite = invite.expect("an invitation").replace("&amp;", "&");
    let joining = bob.post("/join", &[("invite", &format!("Come: {invite}"))]);
    assert_eq!(joining.path(), "/join");
    bob.until(
        joining.header("location").expect("it waits"),
        "The forum is here: “Gardening”",
    );
    bob.until(&forum, "<em>plants</em>");
    let comment = bob.post(
        &format!("{forum}/reply"),
        &[("text", "When do you prune?"), ("do", "post")],
    );
    let comment = comment.path();
    ann.until(&forum, "When do you prune?");
    ann.get(&comment).has("Mark as read");
    ann.post(&comment, &[("do", "read")]);
    ann.get(&comment).has("Mark as unread");
    ann.post(&comment, &[("do", "bookmark")]);
    ann.get("/bookmarks").has("When do you prune?");
    // Words are indexed when the store has nothing else to do.
    ann.until("/search?q=prune", &comment);
    ann.get("/search?q=%22%20AND%20(")
        .has("Nothing here has all");
    ann.get("/status").has("All is well");
    ann.get(&format!("{forum}/network"))
        .has("<svg class=\"network\"");
}

#[test]
fn a_form_that_is_wrong_says_why_and_keeps_what_was_typed() {
    let space = Workspace::new("web-forms");
    let folder = space.path("a");
    let node = Empty::start(&folder);
    let mut ann = Browser::welcome(&node.url, "ann");
    let long = "word ".repeat(30_000);
    let refused = ann.post("/new", &[("text", &long), ("do", "post")]);
    assert_eq!(refused.status, 422);
    refused.has("breaks a limit");
    refused.has(&long[..1_000]);
    let wrong = ann.post("/join", &[("invite", "cliqueclique:12?at=x")]);
    assert_eq!(wrong.status, 422);
    wrong.has("64 hex digits");
    wrong.has("value=\"cliqueclique:12?at=x\"");
    // A draft outlives the process.
    ann.post("/new", &[("text", "half a thought"), ("do", "preview")]);
    drop(node);
    let again = Empty::start(&folder);
    assert!(!again.url.contains("token"), "there is a user already");
    let mut ann = Browser::at(&again.url);
    let sign = [
        ("name", "ann"),
        ("password", "wrong horse"),
        ("next", "//evil"),
    ];
    assert_eq!(ann.post("/sign-in", &sign).status, 422);
    let sign = [
        ("name", "ann"),
        ("password", "correct horse"),
        ("next", "//evil"),
    ];
    assert_eq!(ann.post("/sign-in", &sign).header("location"), Some("/"));
    ann.get("/new").has("half a thought");
    assert!(Path::new(&folder).join("keys/ann.key").exists());
}

#[test]
fn who_is_not_ours_is_refused() {
    let space = Workspace::new("web-gate");
    let node = Empty::start(&space.path("a"));
    let mut ann = Browser::welcome(&node.url, "ann");
    // A page that points its own name at this machine.
    let rebound = ann.send("GET /", &[("Host", "evil.example")], "");
    assert_eq!(rebound.status, 421);
    rebound.has("web.hosts");
    let fields = [("text", "evil"), ("do", "post")];
    for head in [
        vec![("Origin", "http://evil.example")],
        vec![("Origin", "null")],
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![],
    ] {
        let refused = ann.form("/new", &fields, &head);
        assert_eq!(refused.status, 403, "{head:?}");
        refused.has("nothing was changed");
    }
    let page = ann.get("/");
    page.has("There is no forum here yet");
    for (name, part) in [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "default-src 'none'"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert!(
            page.header(name).is_some_and(|it| it.contains(part)),
            "{}",
            page.head
        );
    }
    let mut nobody = Browser::at(&node.url);
    let sent = nobody.get("/status");
    assert_eq!(sent.header("location"), Some("/sign-in?next=/status"));
    assert_eq!(nobody.post("/new", &fields).status, 401);
    assert_eq!(ann.get("/out?to=javascript:alert(1)").status, 422);
    let giant = "x".repeat(1_000_000);
    let head = [("Host", ann.host.as_str()), ("X-Giant", &giant)];
    assert_eq!(ann.send("GET /", &head, "").status, 431);
    ann.post("/sign-out", &[]);
    assert_eq!(ann.get("/").status, 303, "the cookie is worth nothing");
}

#[test]
fn an_administrator_adds_and_suspends_users_whose_accounts_run_by_themselves() {
    let space = Workspace::new("web-users");
    let folder = space.path("a");
    let node = Empty::start(&folder);
    let mut ann = Browser::welcome(&node.url, "ann");
    let add = [
        ("name", "cat"),
        ("password", "a cat's word"),
        ("reach", "tcp"),
    ];
    assert_eq!(ann.post("/users/add", &add).path(), "/users");
    assert_eq!(ann.post("/users/add", &add).status, 422);
    let mut cat = Browser::at(&node.url);
    let sign = [("name", "cat"), ("password", "a cat's word"), ("next", "")];
    cat.post("/sign-in", &sign);
    let forum = cat.post("/new", &[("text", "Cats"), ("do", "post")]).path();
    assert_eq!(ann.get(&forum).status, 404, "it is cat's");
    assert_eq!(cat.get("/users").status, 403);
    ann.post("/users", &[("name", "cat"), ("do", "suspend")]);
    assert_eq!(cat.get("/").status, 303, "signed out");
    assert_eq!(cat.post("/sign-in", &sign).status, 422);
    ann.post("/users", &[("name", "cat"), ("do", "resume")]);
    cat.post("/sign-in", &sign);
    cat.get(&forum).has("Cats");
    // A new password ends what the old one began; own ones need the present.
    let change = [
        ("old", "wrong"),
        ("password", "another word"),
        ("again", "another word"),
    ];
    assert_eq!(cat.post("/you/password", &change).status, 422);
    let mut other = Browser::at(&node.url);
    other.post("/sign-in", &sign);
    let change = [
        ("old", "a cat's word"),
        ("password", "another word"),
        ("again", "another word"),
    ];
    assert_eq!(cat.post("/you/password", &change).status, 200);
    assert_eq!(other.get("/").status, 303, "signed out");
    cat.get(&forum).has("Cats");
    // Both accounts come back with the node.
    drop(node);
    let again = Empty::start(&folder);
    cat.host = Browser::at(&again.url).host;
    cat.get(&forum).has("Cats");
}

#[test]
fn the_account_of_init_is_taken_over_by_its_name() {
    let space = Workspace::new("web-init");
    let mut node: Node = space.asleep("a", &["init", "--listen", "tcp"]);
    node.start();
    let forum = node.say(&["forum", "new", "Gardening"]);
    node.stop();
    let run = Empty::start(&space.path("a"));
    let ann = Browser::welcome(&run.url, "me");
    ann.get(&format!("/d/{forum}")).has("Gardening");
}
