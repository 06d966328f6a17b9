//! Users: what an administrator may do and see, and what is left of who is removed. By pages, by the
//! API, and by commands beside a node that runs.

mod common;

use common::browser::{Browser, Empty};
use common::{Node, Workspace, eventually};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const CAT: [(&str, &str); 3] = [
    ("name", "cat"),
    ("password", "a cat's word"),
    ("reach", "tcp"),
];

fn sign_in(url: &str, name: &str, password: &str) -> Browser {
    let mut browser = Browser::at(url);
    let fields = [("name", name), ("password", password), ("next", "")];
    let answer = browser.post("/sign-in", &fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser
}

/// A node with the administrator ann and the user cat, both in their browsers.
fn two(space: &Workspace) -> (Empty, Browser, Browser) {
    let node = Empty::start(&space.path("a"));
    let mut ann = Browser::welcome(&node.url, "ann");
    assert_eq!(ann.post("/users/add", &CAT).path(), "/users");
    let cat = sign_in(&node.url, "cat", "a cat's word");
    (node, ann, cat)
}

#[test]
fn an_administrator_reads_nothing_that_is_private_of_others() {
    let space = Workspace::new("users-private");
    let (_node, mut ann, mut cat) = two(&space);
    let forum = cat
        .post("/new", &[("text", "Purring in secret"), ("do", "post")])
        .path();
    let file = cat.upload(
        &format!("{forum}/reply"),
        &[("text", ""), ("do", "post")],
        ("secret.txt", b"a secret mouse"),
    );
    let file = file.path();
    cat.post(&forum, &[("do", "bookmark")]);
    cat.post(
        "/new",
        &[("text", "A half-written secret"), ("do", "preview")],
    );
    cat.get(&file).has("secret.txt");
    let token = ann.post("/tokens", &[("name", "t"), ("opens", "api")]);
    let token = token
        .body
        .split("<code>")
        .nth(1)
        .and_then(|it| it.split('<').next());
    let token = format!("Bearer {}", token.expect("a token"));
    let id = forum.trim_start_matches("/d/");
    for path in [
        forum.clone(),
        format!("{file}/file"),
        format!("{forum}/network"),
        format!("{forum}/export?form=thread"),
    ] {
        assert_eq!(ann.get(&path).status, 404, "{path}");
    }
    assert_eq!(
        ann.post(&format!("{forum}/reply"), &[("text", "x"), ("do", "post")])
            .status,
        404
    );
    tells_nothing(&ann, &token, id);
}

/// Neither pages nor the API tell of words or ids of somebody else.
fn tells_nothing(ann: &Browser, token: &str, id: &str) {
    for path in [
        "/",
        "/activity",
        "/bookmarks",
        "/new",
        "/search?q=mouse",
        "/status",
        "/users",
        "/you",
        "/files",
        "/tokens",
        "/users/remove?name=cat",
    ] {
        let page = ann.get(path);
        assert_eq!(page.status, 200, "{path}");
        for secret in ["urring", "secret", id] {
            assert!(
                !page.body.contains(secret),
                "{secret} at {path}: {}",
                page.body
            );
        }
    }
    for path in [
        "/forums",
        "/drafts",
        "/search?q=purring",
        "/users",
        "/sessions",
        "/imports",
    ] {
        let head = [("Host", ann.host.as_str()), ("Authorization", token)];
        let answer = ann.send(&format!("GET /api/v1{path}"), &head, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        for secret in ["urring", "secret", id, "argon2"] {
            assert!(
                !answer.body.contains(secret),
                "{secret} at {path}: {}",
                answer.body
            );
        }
    }
    for path in [
        "documents",
        "documents/{id}/thread",
        "documents/{id}/export",
    ] {
        let path = path
            .replace("documents", &format!("documents/{id}"))
            .replace("/{id}", "");
        let head = [("Host", ann.host.as_str()), ("Authorization", token)];
        assert_eq!(
            ann.send(&format!("GET /api/v1/{path}"), &head, "").status,
            404,
            "{path}"
        );
    }
}

#[test]
fn who_is_removed_is_gone_and_what_others_hold_stays() {
    let space = Workspace::new("users-remove");
    let (node, mut ann, mut cat) = two(&space);
    let shared = ann
        .post("/new", &[("text", "Shared by both"), ("do", "post")])
        .path();
    let network = ann.get(&format!("{shared}/network")).body;
    let invite = network
        .split("cliqueclique:")
        .nth(1)
        .and_then(|it| it.split('<').next());
    let invite = format!("cliqueclique:{}", invite.expect("an invitation")).replace("&amp;", "&");
    cat.post("/join", &[("invite", &invite)]);
    cat.until(&shared, "Shared by both");
    cat.post("/new", &[("text", "Only of cat"), ("do", "post")]);
    let key = Path::new(&space.path("a")).join("keys/cat.key");
    assert!(key.exists());

    ann.get("/users").has("/users/remove?name=cat");
    let page = ann.get("/users/remove?name=cat");
    for part in [
        "cannot be undone",
        "keys are destroyed",
        "Of its 2 documents",
        "Suspend",
    ] {
        assert!(
            page.body.to_lowercase().contains(&part.to_lowercase()),
            "{part}: {}",
            page.body
        );
    }
    let wrong = ann.post("/users/remove", &[("name", "cat"), ("again", "cta")]);
    assert_eq!(wrong.status, 422);
    wrong.has("nothing was changed");
    let refused = ann.post("/users/remove", &[("name", "ann"), ("again", "ann")]);
    refused.has("cannot be removed");
    assert_eq!(
        cat.post("/users/remove", &[("name", "ann"), ("again", "ann")])
            .status,
        403
    );
    cat.get(&shared).has("Shared by both");

    assert_eq!(
        ann.post("/users/remove", &[("name", "cat"), ("again", "cat")])
            .path(),
        "/users"
    );
    assert!(!key.exists());
    assert_eq!(cat.get("/").status, 303, "signed out");
    ann.get(&shared).has("Shared by both");
    assert!(!ann.get("/users").body.contains("cat"));
    // The name is free; who gets it now has another key and none of the documents.
    assert_eq!(ann.post("/users/add", &CAT).path(), "/users");
    let cat = sign_in(&node.url, "cat", "a cat's word");
    cat.get("/").has("There is no forum here yet");
    drop(node);
    let again = Empty::start(&space.path("a"));
    sign_in(&again.url, "cat", "a cat's word")
        .get("/")
        .has("There is no forum here yet");
}

#[test]
fn browsers_are_signed_out_and_passwords_reset() {
    let space = Workspace::new("users-sessions");
    let (node, mut ann, mut cat) = two(&space);
    let other = sign_in(&node.url, "cat", "a cat's word");
    let page = cat.get("/you").body;
    let token = page
        .split("name=\"token\" value=\"")
        .nth(1)
        .and_then(|it| it.split('"').next());
    let token = token.expect("the other browser").to_owned();
    // Not by somebody else.
    ann.post("/you/sessions", &[("token", &token)]);
    assert_eq!(other.get("/").status, 200);
    cat.post("/you/sessions", &[("token", &token)]);
    assert_eq!((other.get("/").status, cat.get("/").status), (303, 200));
    let short = ann.post(
        "/users",
        &[("name", "cat"), ("do", "password"), ("password", "x")],
    );
    assert_eq!(short.status, 422);
    assert_eq!(cat.get("/").status, 200);
    let reset = [
        ("name", "cat"),
        ("do", "password"),
        ("password", "another word"),
    ];
    assert_eq!(ann.post("/users", &reset).path(), "/users");
    assert_eq!(cat.get("/").status, 303, "signed out");
    sign_in(&node.url, "cat", "another word");
}

/// Makes and ends what the dog's programs and browsers have; gives a browser in which it is signed in.
fn tokens_sessions_and_drafts(node: &Empty, shell: &Node, dog: &Browser) -> Browser {
    let token = shell.say(&[
        "--account",
        "dog",
        "token",
        "new",
        "reader",
        "--opens",
        "feeds",
    ]);
    let feed = Browser::at(&node.url).get(&format!("/feed.atom?token={token}"));
    feed.has("Bones");
    let listed = shell.json(&["--account", "dog", "token", "list"]);
    let hash = listed[0]["token"].as_str().expect("a token").to_owned();
    shell.run(&["--account", "dog", "token", "revoke", &hash]);
    assert_eq!(
        Browser::at(&node.url)
            .get(&format!("/feed.atom?token={token}"))
            .status,
        401
    );
    let sessions = shell.json(&["--account", "dog", "session", "list"]);
    let session = sessions[0]["session"]
        .as_str()
        .expect("a session")
        .to_owned();
    shell.run(&["--account", "dog", "session", "end", &session]);
    assert_eq!(dog.get("/").status, 303);
    shell.run(&["--account", "dog", "draft", "keep", "half a bone"]);
    let dog = sign_in(&node.url, "dog", "a dog's word");
    dog.get("/new").has("half a bone");
    assert_eq!(
        shell.json(&["--account", "dog", "draft", "list"])[0]["text"],
        "half a bone"
    );
    dog
}

#[test]
fn commands_add_suspend_and_remove_users_beside_a_node_that_runs() {
    let space = Workspace::new("users-commands");
    let folder = space.path("a");
    let node = Empty::start(&folder);
    let _ann = Browser::welcome(&node.url, "ann");
    let shell = Node::at(&folder);
    let secret = space.path("secret");
    std::fs::write(&secret, "a dog's word\n").expect("written");
    let add = [
        "user",
        "add",
        "dog",
        "--listen",
        "tcp",
        "--password-file",
        &secret,
    ];
    shell.run(&add);
    shell.fails(&add, 5, "here already");
    // The node sees it.
    eventually("the account runs", PATIENCE, || {
        shell
            .try_run(&["--account", "dog", "forum", "new", "Bones"])
            .is_some()
    });
    let dog = sign_in(&node.url, "dog", "a dog's word");
    dog.get("/").has("Bones");
    let dog = tokens_sessions_and_drafts(&node, &shell, &dog);

    shell.run(&["user", "suspend", "dog"]);
    assert_eq!(dog.get("/").status, 303);
    shell.fails(&["user", "suspend", "ann"], 5, "administrator");
    eventually("the account ends", PATIENCE, || {
        shell.try_run(&["--account", "dog", "peers"]).is_none()
    });
    shell.run(&["user", "resume", "dog"]);
    eventually("the account runs again", PATIENCE, || {
        shell.try_run(&["--account", "dog", "peers"]).is_some()
    });
    shell.fails(&["user", "remove", "dog"], 2, "--yes");
    shell.run(&["user", "remove", "dog", "--yes"]);
    shell.fails(&["user", "password", "dog"], 4, "no user");
    assert!(!Path::new(&folder).join("keys/dog.key").exists());
    assert_eq!(shell.run(&["user", "list"]).1, "ann  administrator");
}

#[test]
fn an_account_moves_to_another_node_in_a_file() {
    let space = Workspace::new("users-move");
    let old = Empty::start(&space.path("a"));
    let mut cat = Browser::welcome(&old.url, "cat");
    let other = Empty::start(&space.path("c"));
    let mut dan = Browser::welcome(&other.url, "dan");
    let forum = dan
        .post("/new", &[("text", "# Roses"), ("do", "post")])
        .path();
    let network = dan.get(&format!("{forum}/network")).body;
    let invite = network
        .split("cliqueclique:")
        .nth(1)
        .and_then(|it| it.split('<').next());
    let invite = format!("cliqueclique:{}", invite.expect("an invitation")).replace("&amp;", "&");
    cat.post("/join", &[("invite", &invite)]);
    cat.until(&forum, "Roses");
    cat.post(&forum, &[("do", "read")]);
    let own = |page: &str| {
        let (_, rest) = page
            .split_once("know you: <span class=\"id\">")
            .expect("an id");
        rest.split('<').next().expect("digits").to_owned()
    };
    let node = own(&cat.get("/you").body);
    let words = [
        ("passphrase", "five random words"),
        ("again", "five random words"),
    ];
    let file = cat.post("/files/account", &words).bytes;
    drop(old);

    let new = Empty::start(&space.path("b"));
    let token = new.url.split("token=").nth(1).expect("a token");
    let fields = |token: &'static str, passphrase: &'static str| {
        [
            ("token", token),
            ("name", ""),
            ("password", "a new word"),
            ("again", "a new word"),
            ("passphrase", passphrase),
        ]
    };
    let token: &'static str = Box::leak(token.to_owned().into_boxed_str());
    let nobody = Browser::at(&new.url);
    let path = "/welcome/file";
    assert_eq!(
        nobody
            .upload(path, &fields("0", "five random words"), ("f", &file))
            .status,
        403
    );
    let wrong = nobody.upload(path, &fields(token, "six random words"), ("f", &file));
    assert_eq!(wrong.status, 422);
    wrong.has("passphrase is wrong");
    let moved = nobody.upload(path, &fields(token, "five random words"), ("f", &file));
    assert_eq!(moved.path(), "/start");
    let cat = sign_in(&new.url, "cat", "a new word");
    assert_eq!(own(&cat.get("/you").body), node, "the same key");
    cat.until(&forum, "Roses");
    cat.get(&forum).has("Mark as unread");
}
