//! `[workload]`: who there is and what they do.

use super::error::Problem;
use super::model::{Newsgroup, Synthetic, Workload};
use super::reader::Reader;
use super::tree::Table;
use cliqueclique_core::config::MAX_DOCUMENT;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most nodes, comments, messages of a scenario. More would not fit into memory.
const MOST: usize = 10_000_000;

const SYNTHETIC: &[&str] = &[
    "kind",
    "nodes",
    "forums",
    "join_over",
    "subscribe",
    "follow",
    "zipf",
    "interests",
    "join_anywhere",
    "comments",
    "comments_from",
    "comments_until",
    "reply",
    "body",
];
const NEWSGROUP: &[&str] = &[
    "kind",
    "replay",
    "replay_required",
    "authors",
    "messages",
    "span",
    "readers",
    "follow_all",
    "follow_thread",
    "join_before",
    "limit",
];
const SCRIPT: &[&str] = &["kind", "nodes"];
const KINDS: [&str; 3] = ["synthetic", "newsgroup", "script"];

/// Where things are that a workload is read against.
pub(crate) struct Around<'a> {
    /// Length of the scenario.
    pub(crate) duration: Duration,
    /// Folders in which the trace is looked for, in order.
    pub(crate) folders: &'a [PathBuf],
}

/// Reads `[workload]`.
pub(crate) fn read(table: &Table, around: &Around<'_>) -> Result<Workload, Problem> {
    match kind(table)? {
        "newsgroup" => newsgroup(
            &Reader::open(table, "[workload] of kind \"newsgroup\"", NEWSGROUP)?,
            around,
        ),
        "script" => {
            let reader = Reader::open(table, "[workload] of kind \"script\"", SCRIPT)?;
            let nodes = reader.count("nodes", 1, MOST)?;
            nodes.map(Workload::Scripted).ok_or_else(|| {
                Problem::new(&table.at, "this workload has no `nodes`")
                    .note("expected the number of nodes")
            })
        }
        _ => synthetic(
            &Reader::open(table, "[workload] of kind \"synthetic\"", SYNTHETIC)?,
            around.duration,
        ),
    }
}

/// The kind decides which other keys there are, so it is read first.
fn kind(table: &Table) -> Result<&'static str, Problem> {
    let mut only = Table {
        at: table.at.clone(),
        ..Table::default()
    };
    if let Some(entry) = table.entries.get("kind") {
        only.entries.insert("kind".to_owned(), entry.clone());
    }
    Ok(Reader::open(&only, "[workload]", &["kind"])?
        .word("kind", &KINDS)?
        .unwrap_or("synthetic"))
}

fn synthetic(reader: &Reader<'_>, duration: Duration) -> Result<Workload, Problem> {
    let join_over = reader
        .duration("join_over")?
        .unwrap_or(Duration::from_secs(60).min(duration));
    let workload = Synthetic {
        nodes: reader.count("nodes", 1, MOST)?.unwrap_or(100),
        forums: reader.count("forums", 1, MOST)?.unwrap_or(1),
        join_over,
        subscribe: reader.share("subscribe")?.unwrap_or(1.0),
        follow: reader.share("follow")?.unwrap_or(1.0),
        zipf: reader.number("zipf")?,
        interests: reader.count("interests", 1, MOST)?.unwrap_or(1),
        join_anywhere: reader.flag("join_anywhere")?.unwrap_or(true),
        comments: reader.count("comments", 0, MOST)?.unwrap_or(0),
        comments_from: reader.duration("comments_from")?.unwrap_or(join_over),
        comments_until: reader.duration("comments_until")?.unwrap_or(duration),
        reply: reader.share("reply")?.unwrap_or(0.5),
        body: reader.size("body")?.unwrap_or(677),
    };
    fit(reader, &workload, duration).map(|()| Workload::Synthetic(workload))
}

fn fit(reader: &Reader<'_>, workload: &Synthetic, duration: Duration) -> Result<(), Problem> {
    let rules = [
        (
            workload.join_over <= duration,
            "join_over",
            "must be within the scenario's `duration`",
        ),
        (
            workload.comments_from <= workload.comments_until,
            "comments_from",
            "must be at or before `comments_until` (which is `duration` if it is not given)",
        ),
        (
            workload.comments_until <= duration,
            "comments_until",
            "must be within the scenario's `duration`",
        ),
        (
            workload.interests <= workload.forums,
            "interests",
            "must be at most the number of `forums`",
        ),
        (
            workload.interests == 1 || workload.zipf.is_some(),
            "interests",
            "needs `zipf`: without it every node joins all forums",
        ),
        (
            (1..=MAX_DOCUMENT / 2).contains(&workload.body),
            "body",
            "must be between 1 byte and 64 KiB",
        ),
    ];
    match rules.iter().find(|(holds, _, _)| !holds) {
        Some((_, key, message)) => Err(reader.refuse(key, message)),
        None => Ok(()),
    }
}

fn newsgroup(reader: &Reader<'_>, around: &Around<'_>) -> Result<Workload, Problem> {
    let workload = Newsgroup {
        replay: replay(reader, around.folders)?,
        replay_required: reader.flag("replay_required")?.unwrap_or(false),
        authors: reader.count("authors", 2, MOST)?.unwrap_or(1_131),
        messages: reader.count("messages", 1, MOST)?.unwrap_or(17_305),
        span: reader.interval("span")?.unwrap_or(around.duration),
        readers: reader.count("readers", 0, MOST)?.unwrap_or(0),
        follow_all: reader.share("follow_all")?.unwrap_or(0.1),
        follow_thread: reader.share("follow_thread")?.unwrap_or(0.1),
        join_before: reader
            .duration("join_before")?
            .unwrap_or(Duration::from_secs(3600)),
        limit: reader.count("limit", 1, MOST)?,
    };
    if workload.span > around.duration {
        return Err(reader.refuse("span", "must be within the scenario's `duration`"));
    }
    if workload.authors > workload.messages {
        return Err(reader.refuse("authors", "must be at most the number of `messages`"));
    }
    Ok(Workload::Newsgroup(workload))
}

/// The trace where it is found; `None`, and so the generator, if it is not there.
fn replay(reader: &Reader<'_>, folders: &[PathBuf]) -> Result<Option<PathBuf>, Problem> {
    let required = reader.flag("replay_required")?.unwrap_or(false);
    let Some(name) = reader.text("replay")? else {
        return if required {
            Err(reader.refuse("replay_required", "needs `replay`"))
        } else {
            Ok(None)
        };
    };
    let found = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if required && found.is_none() {
        let tried: Vec<_> = folders
            .iter()
            .map(|folder| show(&folder.join(name)))
            .collect();
        return Err(reader
            .refuse("replay", "names a file that is not there")
            .note(format!("tried {}", tried.join(", "))));
    }
    Ok(found)
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
