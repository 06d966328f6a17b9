//! Measures nodes as people run them: real processes, TCP on loopback, stores on disk.
//!
//! `cargo bench -p cliqueclique-node --bench measure -- WHAT`, where WHAT is one of
//! `throughput`, `latency`, `ten`, `newcomer`, `store` and `pages`; numbers that follow change sizes, as
//! `USAGE` says. Without WHAT nothing is measured, so that `cargo bench` stays quick.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement of real processes reads real time"
)]

#[path = "../../tests/common/mod.rs"]
mod common;
mod crowd;
mod large;
mod network;
mod pages;
mod writers;

use std::process::ExitCode;

const USAGE: &str = "measure WHAT [NUMBER...]
  throughput [SECONDS [WRITERS]]   two nodes, comments of 1 kB (default 10 s, 60 writers)
  latency [COMMENTS]               two nodes, one comment after another (default 200)
  ten [COMMENTS]                   ten nodes, one comment after another (default 100)
  newcomer [COMMENTS]              a second node gets a whole forum, killed on the way once
                                   (default 17305)
  store [COMMENTS [LINKS]]         start and idling of a node with a large store
                                   (default 100000, 20 links)
  pages [COMMENTS [SECONDS [RATE]]]   pages of a large forum at a steady rate per second
                                   (default 100000, 60 s, 100)";

fn main() -> ExitCode {
    // Cargo adds --bench.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let numbers: Option<Vec<usize>> = words.iter().skip(1).map(|it| it.parse().ok()).collect();
    let Some(numbers) = numbers else {
        return usage();
    };
    let first = |usual: usize| numbers.first().copied().unwrap_or(usual);
    let second = |usual: usize| numbers.get(1).copied().unwrap_or(usual);
    match words.first().map(String::as_str) {
        Some("throughput") => network::throughput(first(10), second(60)),
        Some("latency") => crowd::latency(2, first(200)),
        Some("ten") => crowd::latency(10, first(100)),
        Some("newcomer") => network::newcomer(first(17_305)),
        Some("pages") => pages::pages(
            first(100_000),
            second(60),
            numbers.get(2).copied().unwrap_or(100),
        ),
        Some("store") => large::store(first(100_000), second(20)),
        Some(_) | None => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    say(USAGE);
    ExitCode::SUCCESS
}

/// Tells a figure.
#[allow(clippy::print_stdout, reason = "figures are for people")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
