//! Figures for Prometheus, over HTTP on this machine only; off unless the settings name a place.
//! They are those of `status`: numbers, without any address or id.

use crate::control::Desk;
use crate::fault::{Class, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Callers at once; more wait.
const CALLERS: usize = 4;
/// A caller has so long to ask and to take the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request, bytes.
const LONGEST: usize = 8 * 1024;

/// Settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// Where to answer; nowhere if there is none.
    pub(crate) listen: Option<SocketAddr>,
}

impl Settings {
    /// Looks whether they can be used.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn check(self) -> Result<(), String> {
        match self.listen {
            Some(place) if !place.ip().is_loopback() => Err(format!(
                "metrics.listen: {place} is not on this machine: expected 127.0.0.1:PORT or [::1]:PORT"
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// A figure of an account: key in its status, name, kind, meaning.
const FIGURES: [(&str, &str, &str, &str); 11] = [
    ("links", "links", "gauge", "Links to other nodes that stand"),
    (
        "overlays_in_memory",
        "overlays_in_memory",
        "gauge",
        "Networks that are in memory",
    ),
    ("messages", "messages_total", "counter", "Messages sent"),
    ("frames", "frames_total", "counter", "Frames sent"),
    (
        "frames_sent_again",
        "frames_sent_again_total",
        "counter",
        "Frames sent again",
    ),
    (
        "documents_received",
        "documents_received_total",
        "counter",
        "Documents received",
    ),
    (
        "documents_received_twice",
        "documents_received_twice_total",
        "counter",
        "Documents received that were here",
    ),
    (
        "violations_of_peers",
        "violations_of_peers_total",
        "counter",
        "Rules broken by peers",
    ),
    (
        "bytes_sent",
        "bytes_sent_total",
        "counter",
        "Bytes of packets sent",
    ),
    (
        "bytes_received",
        "bytes_received_total",
        "counter",
        "Bytes of packets received",
    ),
    (
        "well",
        "well",
        "gauge",
        "1 if nothing is wrong, else 0; `status` says what",
    ),
];

/// Opens the place.
///
/// # Errors
/// It cannot be had.
pub(crate) async fn listen(place: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(place).await.map_err(|error| {
        let message = format!(
            "cannot listen at {place} for metrics: {error}; change `metrics.listen` in {}",
            crate::settings::FILE
        );
        Fault::new(Class::Failed, message)
    })
}

/// Answers callers until the node stops.
pub(crate) async fn serve(listener: TcpListener, desk: Desk) {
    let callers = Arc::new(Semaphore::new(CALLERS));
    while let Ok(place) = callers.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(250)).await;
            continue;
        };
        let desk = desk.clone();
        tokio::spawn(async move {
            let _place = place;
            // A caller that goes away is no concern of the node.
            let _ = timeout(PATIENCE, attend(stream, &desk)).await;
        });
    }
}

async fn attend(mut stream: TcpStream, desk: &Desk) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() > LONGEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let answer = if request.starts_with(b"GET /metrics ") {
        let text = text(&desk.statuses().await, desk);
        answer("200 OK", &text)
    } else {
        answer("404 Not Found", "the figures are at /metrics\n")
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// All figures, account by account, then the store's.
fn text(statuses: &[(String, Value)], desk: &Desk) -> String {
    let mut text = String::new();
    for (key, name, kind, meaning) in FIGURES {
        head(&mut text, name, kind, meaning);
        for (account, status) in statuses {
            let number = if key == "well" {
                u64::from(status["state"] == crate::control::WELL)
            } else {
                status[key].as_u64().unwrap_or(0)
            };
            let _ = writeln!(
                text,
                "cliqueclique_{name}{{account=\"{account}\"}} {number}"
            );
        }
    }
    let (commits, failures) = desk.health.counts();
    head(
        &mut text,
        "store_commits_total",
        "counter",
        "Commits of the store",
    );
    let _ = writeln!(text, "cliqueclique_store_commits_total {commits}");
    head(
        &mut text,
        "store_failures_total",
        "counter",
        "Commits that failed and were tried again",
    );
    let _ = writeln!(text, "cliqueclique_store_failures_total {failures}");
    if let Some(room) = desk.machine.room() {
        head(
            &mut text,
            "disk_free_bytes",
            "gauge",
            "Room left on the disk of the data folder",
        );
        let _ = writeln!(text, "cliqueclique_disk_free_bytes {room}");
    }
    text
}

fn head(text: &mut String, name: &str, kind: &str, meaning: &str) {
    let _ = writeln!(
        text,
        "# HELP cliqueclique_{name} {meaning}\n# TYPE cliqueclique_{name} {kind}"
    );
}
