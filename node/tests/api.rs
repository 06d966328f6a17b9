//! The JSON API, the search and the feeds of a real node, as its first user gets them.

#[path = "common/mod.rs"]
mod common;

use common::Workspace;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A node whose first user has come in.
struct Site {
    process: Child,
    host: String,
    cookie: String,
    _workspace: Workspace,
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn send(host: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(host).expect("connected");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("asked");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("answered");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

impl Site {
    fn new(name: &str) -> Self {
        let workspace = Workspace::new(name);
        let mut process = Command::new(env!("CARGO_BIN_EXE_cliqueclique"))
            .args(["--data", &workspace.path("n"), "run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let out = BufReader::new(process.stdout.take().expect("an output"));
        let mut lines = out.lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.split_once("http://").map(|(_, url)| url.to_owned()));
        let url = url.expect("an address");
        let (host, path) = url.split_once('/').expect("a path");
        let token = path.split_once("token=").expect("a token").1;
        let form =
            format!("token={token}&name=ann&password=correct-horse&again=correct-horse&reach=tcp");
        let headers =
            format!("Origin: http://{host}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        let answer = send(host, "POST", "/welcome", &headers, &form);
        let cookie = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.unwrap_or_else(|| panic!("{} {}", answer.head, answer.body));
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Self {
            process,
            host: host.to_owned(),
            cookie,
            _workspace: workspace,
        }
    }

    fn form(&self, path: &str, body: &str) -> Answer {
        let headers = format!(
            "Origin: http://{}\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.host, self.cookie
        );
        send(&self.host, "POST", path, &headers, body)
    }

    fn page(&self, path: &str) -> Answer {
        send(
            &self.host,
            "GET",
            path,
            &format!("Cookie: {}\r\n", self.cookie),
            "",
        )
    }

    /// A token as the page shows it.
    fn token(&self, opens: &str) -> String {
        let page = self.form("/tokens", &format!("name=test&opens={opens}"));
        let codes = page
            .body
            .split("<code>")
            .skip(1)
            .filter_map(|rest| rest.split('<').next());
        let mut ends = codes.map(|code| code.rsplit('=').next().unwrap_or_default());
        let token = ends.find(|end| end.len() == 64).map(str::to_owned);
        token.unwrap_or_else(|| panic!("{}", page.body))
    }

    fn api(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let headers = format!("Authorization: Bearer {token}\r\n");
        send(
            &self.host,
            method,
            &format!("/api/v1{path}"),
            &headers,
            body,
        )
    }

    /// An import that cannot be done: its forum is not here.
    fn stopped_import(&self, token: &str) -> String {
        let path = format!("/imports?name=a.mbox&below={}", "ab".repeat(32));
        let made = self.api(token, "POST", &path, MAIL).json();
        let file = made["import"].as_str().expect("an import").to_owned();
        common::eventually("it stops", std::time::Duration::from_secs(30), || {
            let all = self.api(token, "GET", "/imports", "").json();
            let all = all.as_array().cloned().unwrap_or_default();
            all.iter()
                .any(|it| it["import"] == *file && it["state"] == "stopped")
        });
        file
    }

    fn publish(&self, token: &str, parents: &[&str], body: &str) -> String {
        let request = json!({ "do": "publish", "parents": parents, "children": [], "body": body, "mode": "follow" });
        let answer = self.api(token, "POST", "/requests", &request.to_string());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}

const MAIL: &str = "From a@b Thu Jan  1 00:00:00 1970\nSubject: A mail\n\nText\n";

/// What to send to a path of the description, and with which query.
fn example(method: &str, path: &str) -> (&'static str, &'static str) {
    match (method, path) {
        ("get", "/search") => ("?q=roses", ""),
        ("post", "/requests") => ("", "{\"do\":\"status\"}"),
        ("post", "/account/export") => ("", "{\"passphrase\":\"five random words\"}"),
        ("post", "/drafts") => ("", "{\"text\":\"half a thought\"}"),
        ("post", "/password") => (
            "",
            "{\"old\":\"correct-horse\",\"password\":\"correct-horse\"}",
        ),
        ("post", "/tokens") => ("", "{\"name\":\"more\",\"opens\":\"feeds\"}"),
        ("post", "/users") => (
            "",
            "{\"name\":\"bob\",\"password\":\"a bob's word\",\"reach\":\"tcp\"}",
        ),
        ("post", "/users/{name}") => ("", "{\"do\":\"suspend\"}"),
        ("post", "/imports") => ("?name=a.mbox", MAIL),
        ("post", "/documents/{id}/files") => ("?name=a.txt", "about roses"),
        _ => ("", ""),
    }
}

#[test]
fn every_path_of_the_description_answers_and_only_to_who_has_a_token() {
    let site = Site::new("api-paths");
    let token = site.token("api");
    let forum = site.publish(&token, &[], "# Roses");
    let file = format!("/documents/{forum}/files?name=b.txt");
    let file = site.api(&token, "POST", &file, "a file").json()["id"].clone();
    let file = file.as_str().expect("an id");
    let document = send(&site.host, "GET", "/api/v1/openapi.json", "", "").json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 8);
    let feeds = site.token("feeds");
    for (path, methods) in paths {
        for (method, described) in methods.as_object().expect("methods") {
            let (query, body) = example(method, path);
            let id = if path.ends_with("/file") {
                file
            } else {
                &forum
            };
            let mut at = path.replace("{id}", id) + query;
            for hash in ["{session}", "{token}"] {
                at = at.replace(hash, &"0".repeat(64));
            }
            if at.contains("{name}") {
                let new = format!(
                    "{{\"name\":\"{method}\",\"password\":\"a word of 8\",\"reach\":\"tcp\"}}"
                );
                assert_eq!(site.api(&token, "POST", "/users", &new).status, 200);
                at = at.replace("{name}", method);
            }
            if at.contains("{file}") {
                at = at.replace("{file}", &site.stopped_import(&token));
            }
            let method = method.to_uppercase();
            if path != "/openapi.json" {
                for wrong in ["", &"0".repeat(64), &feeds] {
                    let answer = site.api(wrong, &method, &at, body);
                    assert_eq!(answer.status, 401, "{method} {at}");
                    assert!(
                        answer.json()["message"]
                            .as_str()
                            .is_some_and(|it| it.contains("Bearer"))
                    );
                }
            }
            let answer = site.api(&token, &method, &at, body);
            assert_eq!(answer.status, 200, "{method} {at}: {}", answer.body);
            let kinds = described["responses"]["200"]["content"].as_object();
            let kind = kinds.expect("content").keys().next().expect("a kind");
            let told = format!("content-type: {kind}");
            assert!(answer.head.contains(&told), "{told} in {}", answer.head);
            if kind == "application/json" {
                answer.json();
            }
        }
    }
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let site = Site::new("api-wrong");
    let token = site.token("api");
    for (body, part) in [
        ("", "no request"),
        ("{\"do\":\"fly\"}", "unknown variant"),
        ("{\"do\":\"forget\"}", "missing field `document`"),
        ("{\"do\":\"forget\",\"document\":\"xyz\"}", "no id"),
        ("{\"do\":\"overlay\",\"more\":1}", "unknown field"),
    ] {
        let answer = site.api(&token, "POST", "/requests", body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.body);
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    for (path, status) in [
        ("/documents/xyz", 422),
        (&*format!("/documents/{}", "ab".repeat(32)), 404),
        ("/search?q=%22", 422),
        ("/search?q=a&most=0", 422),
        ("/nothing", 404),
    ] {
        assert_eq!(site.api(&token, "GET", path, "").status, status, "{path}");
    }
    assert_eq!(site.api(&token, "GET", "/forums", "").json(), json!([]));
}

#[test]
fn files_are_given_to_be_saved_and_nothing_else() {
    let site = Site::new("api-files");
    let token = site.token("api");
    let forum = site.publish(&token, &[], "# Roses");
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let attach = |name: &str, body: &str| {
        let path = format!("/documents/{forum}/files?name={name}");
        site.api(&token, "POST", &path, body)
    };
    let made = attach("..%2Frose%0D%0AX%3A.svg", svg).json();
    assert_eq!(made["name"], "rose_X_.svg");
    let id = made["id"].as_str().expect("an id");
    let saved = site.page(&format!("/d/{id}/file"));
    assert_eq!((saved.status, saved.body.as_str()), (200, svg));
    for part in [
        "content-type: application/octet-stream",
        "content-disposition: attachment; filename=\"rose_X_.svg\"",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; sandbox",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(saved.head.contains(part), "{part} in {}", saved.head);
    }
    let path = format!("/documents/{id}/file");
    assert_eq!(site.api(&token, "GET", &path, "").body, svg);
    let page = site.page(&format!("/d/{id}")).body;
    assert!(
        page.contains("may do something") && !page.contains("<svg xmlns='"),
        "{page}"
    );
    assert!(
        site.page(&format!("/d/{forum}"))
            .body
            .contains("Attachment: rose_X_.svg")
    );
    // Nobody else gets it, and nothing that is no file.
    let nobody = send(&site.host, "GET", &format!("/d/{id}/file"), "", "");
    assert_eq!(nobody.status, 303);
    assert_eq!(site.page(&format!("/d/{forum}/file")).status, 404);
    for (name, body, part) in [
        ("a", String::new(), "empty"),
        ("a", "x".repeat(95_001), "at most 95000"),
        (
            "a.gif",
            "GIF89a\u{7f}\u{7f}\u{7f}\u{7f}".to_owned(),
            "32639 × 32639 pixels",
        ),
        ("a.gif", "GIF89a".to_owned(), "damaged"),
    ] {
        let refused = attach(name, &body);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    let large = attach("a", &"x".repeat(600_000));
    assert_eq!(large.status, 413);
    assert!(
        large.json()["message"]
            .as_str()
            .is_some_and(|it| it.contains("too much"))
    );
}

#[test]
fn documents_are_found_by_words_author_place_and_time_and_as_a_feed() {
    let site = Site::new("api-search");
    let token = site.token("api");
    let forum = site.publish(&token, &[], "# Roses");
    let other = site.publish(&token, &[], "# Kitchen: pruning knives");
    let post = site.publish(&token, &[&forum], "Pruning <b>climbers</b> in February");
    let author = site
        .api(&token, "GET", &format!("/documents/{post}"), "")
        .json();
    let author = author["author"].as_str().expect("an author").to_owned();
    let finds = |query: &str, id: &str| {
        site.page(&format!("/search?{query}"))
            .body
            .contains(&format!("/d/{id}\""))
    };

    let page = site.page("/search?q=pruning");
    assert!(
        page.body.contains("<mark>Pruning</mark> &lt;b&gt;climbers"),
        "{}",
        page.body
    );
    assert!(finds("q=pruning", &post) && finds("q=pruning", &other));
    let inside = format!("q=pruning&below={forum}");
    assert!(finds(&inside, &post) && !finds(&inside, &other));
    assert!(finds(&format!("author={author}"), &post));
    assert!(!finds(&format!("author={}", "ab".repeat(16)), &post));
    assert!(
        finds("q=pruning&since=2020-01-01", &post) && !finds("q=pruning&until=2020-01-01", &post)
    );
    for wrong in ["q=%28", "q=a&author=xyz", "q=a&since=tomorrow"] {
        let page = site.page(&format!("/search?{wrong}"));
        assert_eq!(page.status, 422, "{wrong}");
        assert!(page.body.contains("role=\"alert\""), "{}", page.body);
    }
    for words in ["foo%22", "AND", "col%3Ax", "NEAR%28a", "a*"] {
        assert_eq!(
            site.page(&format!("/search?q={words}")).status,
            200,
            "{words}"
        );
    }

    let feeds = site.token("feeds");
    let feed = |query: &str| send(&site.host, "GET", &format!("/feed.atom?{query}"), "", "");
    let found = feed(&format!("token={feeds}&{inside}"));
    assert_eq!(found.status, 200);
    assert!(
        found.body.contains(&post) && !found.body.contains(&other),
        "{}",
        found.body
    );
    assert!(
        !found.body.contains(&feeds),
        "a feed does not tell its token"
    );
    assert_eq!(feed("q=pruning").status, 401);
    assert_eq!(
        feed(&format!("token={token}")).status,
        401,
        "a token opens one thing only"
    );
    // Revoked is revoked.
    let page = site.page("/tokens");
    for rest in page.body.split("name=\"hash\" value=\"").skip(1) {
        let hash = rest.split('"').next().expect("a hash");
        assert_eq!(
            site.form("/tokens/revoke", &format!("hash={hash}")).status,
            303
        );
    }
    assert_eq!(feed(&format!("token={feeds}")).status, 401);
    assert_eq!(site.api(&token, "GET", "/status", "").status, 401);
}
