//! How quickly pages come while many are asked for at a steady rate, whatever the answers take: so
//! one that is slow does not keep the next from being asked, and is counted from when it was due.

use crate::common::Workspace;
use crate::common::browser::{Browser, Empty};
use crate::network::memory;
use crate::say;
use crate::writers::{Look, Writers};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections side by side.
const CONNECTIONS: usize = 16;
/// Seconds between two looks at the memory.
const LOOK: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Where the public website is, during the measurement.
const PUBLIC: &str = "127.0.0.1:18467";

/// Something to ask for.
struct Want {
    what: &'static str,
    host: String,
    path: String,
    head: String,
}

/// How long answers took, of one kind: from when they were due, and from when they were asked for.
#[derive(Default)]
struct Times {
    due: Vec<Duration>,
    asked: Vec<Duration>,
}

/// A connection that is kept.
struct Line {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Line {
    fn to(host: &str) -> Self {
        let stream = TcpStream::connect(host).expect("it listens");
        stream.set_nodelay(true).expect("set");
        Self {
            host: host.to_owned(),
            stream: BufReader::new(stream),
        }
    }

    /// Asks, reads all of the answer, and gives its status.
    fn get(&mut self, want: &Want, number: usize) -> String {
        // A website behind a proxy counts its readers by what that says.
        let reader = number % 250;
        let text = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.{reader}\r\n{}\r\n",
            want.path, want.host, want.head
        );
        self.stream
            .get_mut()
            .write_all(text.as_bytes())
            .expect("asked");
        let (mut status, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("answered");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if status.is_empty() {
                line.clone_into(&mut status);
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("answered");
        status
    }
}

/// Asks at a rate for some seconds, each kind in its turn.
fn load(pid: u32, wants: &[Want], seconds: usize, rate: usize) {
    let next = AtomicUsize::new(0);
    let times: Vec<Mutex<Times>> = wants.iter().map(|_| Mutex::default()).collect();
    let begun = Instant::now();
    let total = seconds * rate;
    let work = || {
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return;
            }
            let due = begun
                + Duration::from_secs(1) * u32::try_from(number).expect("few")
                    / u32::try_from(rate).expect("few");
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let want = &wants[number % wants.len()];
            let at = lines.iter().position(|line| line.host == want.host);
            let at = at.unwrap_or_else(|| {
                lines.push(Line::to(&want.host));
                lines.len() - 1
            });
            let asked = Instant::now();
            let status = lines[at].get(want, number);
            assert!(status.contains(" 200 "), "{status}: {}", want.path);
            let mut times = times[number % wants.len()].lock().expect("no panic");
            times.due.push(due.elapsed());
            times.asked.push(asked.elapsed());
        }
    };
    let looks = std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(work);
        }
        let mut looks = vec![memory(pid)];
        while next.load(Ordering::Relaxed) < total {
            std::thread::sleep(Duration::from_secs(LOOK));
            looks.push(memory(pid));
        }
        looks
    });
    let looks: Vec<String> = looks.iter().map(u64::to_string).collect();
    say(&format!(
        "{total} requests in {:.1} s; MB of memory each {LOOK} s: {}",
        begun.elapsed().as_secs_f64(),
        looks.join(" ")
    ));
    for (want, times) in wants.iter().zip(times) {
        let Times { due, asked } = times.into_inner().expect("no panic");
        say(&format!(
            "{:>28}: {} from when it was due {}",
            want.what,
            spread(asked),
            spread(due)
        ));
    }
}

/// Median, 99th percentile and the longest, ms.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        let place = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, Duration::as_secs_f64) * 1e3
    };
    format!("{:.1} / {:.1} / {:.1} ms", at(50), at(99), at(100))
}

/// Private pages, feeds, the API and the public website of a node with a large forum.
pub(crate) fn pages(comments: usize, seconds: usize, rate: usize) {
    let space = Workspace::new("pages");
    let mut node = space.node("a");
    let forum = node.say(&["forum", "new", "# A large forum\n\nAbout everything."]);
    let writers = 50.min(comments);
    let all = Writers::begin(&node, &forum, writers, comments.div_ceil(writers)).join();
    let look = Look::at(&node);
    crate::common::eventually("all words", PATIENCE, || look.is_indexed());
    let comment = node.json(&["list", &forum, "--most", "3"])[1]["id"].clone();
    let comment = comment.as_str().expect("an id").to_owned();
    node.stop();
    let public = format!(
        "[public]\nlisten = \"{PUBLIC}\"\naccount = \"me\"\nforums = [\"{forum}\"]\nbehind-proxy = true\n"
    );
    node.edit("[public]\n", &public);
    let run = Empty::start(&node.folder.display().to_string());
    let mut browser = Browser::welcome(&run.url, "me");
    browser.post(&format!("/d/{forum}"), &[("do", "bookmark")]);
    let feeds = token(&mut browser, "feeds");
    let api = token(&mut browser, "api");
    let wants = wants(&browser, (&forum, &comment), (&feeds, &api), comments);
    say(&format!(
        "made: {all} documents; median / 99 % / longest follow"
    ));
    // Caches fill, and the core reads the records of all networks.
    load(run.pid(), &wants, 5, rate);
    say("and now for the figures");
    load(run.pid(), &wants, seconds, rate);
}

/// One of each kind.
fn wants(
    browser: &Browser,
    (forum, comment): (&str, &str),
    (feeds, api): (&str, &str),
    comments: usize,
) -> Vec<Want> {
    let cookie = format!(
        "Cookie: {}\r\n",
        browser.cookie.as_deref().expect("signed in")
    );
    let bearer = format!("Authorization: Bearer {api}\r\n");
    let want = |what, host: &str, path: String, head: &str| Want {
        what,
        host: host.to_owned(),
        path,
        head: head.to_owned(),
    };
    let own = browser.host.as_str();
    let page = |what, path: String| want(what, own, path, &cookie);
    vec![
        page("forums", "/".to_owned()),
        page("a forum", format!("/d/{forum}")),
        page(
            "the end of a forum",
            format!("/d/{forum}?from={}", comments / 20 - 50),
        ),
        page("a thread", format!("/d/{comment}")),
        page("activity", "/activity".to_owned()),
        page("bookmarks", "/bookmarks".to_owned()),
        page("status", "/status".to_owned()),
        page("a network", format!("/d/{forum}/network")),
        page("you", "/you".to_owned()),
        page("search, rare words", "/search?q=w1500+w7".to_owned()),
        page("search, all have it", "/search?q=w0".to_owned()),
        page(
            "search in a forum",
            format!("/search?q=w1500&below={forum}"),
        ),
        want(
            "feed",
            own,
            format!("/feed.atom?token={feeds}&below={forum}"),
            "",
        ),
        want(
            "API: a document",
            own,
            format!("/api/v1/documents/{comment}"),
            &bearer,
        ),
        want(
            "API: search",
            own,
            "/api/v1/search?q=w1500&most=20".to_owned(),
            &bearer,
        ),
        want("public: forums", PUBLIC, "/".to_owned(), ""),
        want("public: a forum", PUBLIC, format!("/d/{forum}"), ""),
        want("public: a thread", PUBLIC, format!("/d/{comment}"), ""),
        want(
            "public: a feed",
            PUBLIC,
            format!("/d/{forum}/feed.atom"),
            "",
        ),
    ]
}

fn token(browser: &mut Browser, opens: &str) -> String {
    let page = browser
        .post("/tokens", &[("name", "load"), ("opens", opens)])
        .body;
    let codes = page
        .split("<code>")
        .skip(1)
        .filter_map(|rest| rest.split('<').next());
    let mut ends = codes.filter_map(|code| code.rsplit('=').next());
    let token = ends.find(|end| end.len() == 64);
    token.expect("a token").to_owned()
}
