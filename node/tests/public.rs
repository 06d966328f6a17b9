//! The public website of a real node: what everybody may see of it, and what nobody may.

#[path = "common/mod.rs"]
mod common;

use common::{Node, Workspace};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A node that shows one of its forums to everybody.
struct Shown {
    node: Node,
    place: String,
    forum: String,
    secret: String,
}

/// Head and body of an answer.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

fn get(place: &str, path: &str, more: &str) -> Answer {
    let mut stream = TcpStream::connect(place).expect("connected");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("answered");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    Answer {
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

fn free_place() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a place").to_string()
}

fn shown(workspace: &Workspace) -> Shown {
    let mut node = workspace.node("a");
    let forum = node.say(&["forum", "new", "# Roses\nand *thorns* <script>x</script>"]);
    let secret = node.say(&["forum", "new", "A secret forum"]);
    node.say(&["post", &secret, "Nobody may read this"]);
    node.stop();
    let place = free_place();
    node.edit(
        "# listen = \"127.0.0.1:8080\"",
        &format!("listen = \"{place}\""),
    );
    node.edit("# forums = []", &format!("forums = [\"{forum}\"]"));
    node.edit("# address = ", "address = ");
    node.start();
    Shown {
        node,
        place,
        forum,
        secret,
    }
}

#[test]
fn everybody_reads_the_chosen_forums_and_nothing_else() {
    let workspace = Workspace::new("public-read");
    let site = shown(&workspace);
    let get = |path: &str| get(&site.place, path, "");
    let post = site.node.say(&[
        "post",
        &site.forum,
        "When do you prune?\n\n![x](http://evil.example/p.png) http://example.org/a",
    ]);
    let reply = site.node.say(&["post", &post, "In February."]);
    let hidden = site.node.json(&["list", &site.secret]);
    let hidden = hidden[1]["id"].as_str().expect("an id").to_owned();

    let front = get("/");
    assert_eq!(front.status(), "200");
    assert!(
        front.body.contains("Roses") && !front.body.contains("secret"),
        "{}",
        front.body
    );
    let page = get(&format!("/d/{}", site.forum));
    assert!(page.body.contains("When do you prune?") && page.body.contains("<em>thorns</em>"));
    assert!(
        !page.body.contains("<script") && !page.body.contains("<img"),
        "{}",
        page.body
    );
    let page = get(&format!("/d/{post}"));
    assert!(
        page.body.contains("In February.") && page.body.contains("/out?to="),
        "{}",
        page.body
    );
    assert_eq!(get(&format!("/d/{reply}")).status(), "200");

    // What is here but not on the site looks like what is not here at all.
    let absent = get(&format!("/d/{}", "ab".repeat(32)));
    for path in [&site.secret, &hidden].map(|id| format!("/d/{id}")) {
        let answer = get(&path);
        assert_eq!((answer.status(), &answer.body), ("404", &absent.body));
        assert_eq!(get(&format!("{path}/feed.atom")).status(), "404");
        assert_eq!(get(&format!("{path}/file")).status(), "404");
    }
    for path in [
        "/d/x",
        "/sign-in",
        "/api/v1/status",
        "/d/",
        "/../../etc/passwd",
    ] {
        assert_eq!(get(path).status(), "404", "{path}");
    }

    let feed = get(&format!("/d/{}/feed.atom", site.forum));
    assert!(
        feed.body.contains("In February.") && feed.body.contains("https://forum.example/d/"),
        "{}",
        feed.body
    );
    let map = get("/sitemap.xml");
    assert_eq!(
        map.body.matches("<loc>https://forum.example/d/").count(),
        3,
        "{}",
        map.body
    );
    assert!(
        get("/robots.txt")
            .body
            .contains("Sitemap: https://forum.example/sitemap.xml")
    );
    let out = get("/out?to=https%3A%2F%2Fbank.example%40evil.example%2F");
    assert!(out.body.contains("<bdi>evil.example</bdi>"), "{}", out.body);
    assert_eq!(get("/out?to=javascript:alert(1)").status(), "400");
}

#[test]
fn answers_are_kept_by_caches_and_carry_nothing_of_the_node() {
    let workspace = Workspace::new("public-head");
    let site = shown(&workspace);
    let status = site.node.json(&["status"]);
    let address = status["address"].as_str().expect("an address");
    for path in [
        "/".to_owned(),
        format!("/d/{}", site.forum),
        "/style.css".to_owned(),
        "/nowhere".to_owned(),
    ] {
        let answer = get(&site.place, &path, "");
        for absent in ["set-cookie", "server", "x-powered-by"] {
            assert_eq!(answer.header(absent), None, "{path}");
        }
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|it| it.starts_with("default-src 'none'"))
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(!answer.body.contains(address) && !answer.head.contains(address));
    }
    let path = format!("/d/{}", site.forum);
    let first = get(&site.place, &path, "");
    assert!(
        first
            .header("cache-control")
            .is_some_and(|it| it.contains("public"))
    );
    assert!(
        first
            .header("last-modified")
            .is_some_and(|it| it.ends_with("GMT"))
    );
    let tag = first.header("etag").expect("a tag").to_owned();
    let known = format!("If-None-Match: {tag}\r\n");
    let again = get(&site.place, &path, &known);
    assert_eq!((again.status(), again.body.as_str()), ("304", ""));
    site.node.say(&["post", &site.forum, "news"]);
    assert_eq!(get(&site.place, &path, &known).status(), "200");
    // It takes nothing in.
    let mut stream = TcpStream::connect(&site.place).expect("connected");
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .expect("asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    assert!(text.starts_with("HTTP/1.1 405"), "{text}");
}

#[test]
fn a_reader_who_asks_too_much_waits() {
    let workspace = Workspace::new("public-rate");
    let site = shown(&workspace);
    let answers = (0..700).map(|_| get(&site.place, "/robots.txt", ""));
    let refused = answers
        .into_iter()
        .find(|answer| answer.status() == "429")
        .expect("refused");
    assert_eq!(refused.header("retry-after"), Some("10"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}
