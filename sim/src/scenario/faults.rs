//! `[[fault]]`: what goes wrong, when, and whom it hits.

use super::error::Problem;
use super::model::{Disk, Fault, FaultKind, Target};
use super::reader::Reader;
use super::tree::Table;
use std::time::Duration;

const KINDS: [&str; 8] = [
    "crash",
    "leave",
    "pause",
    "partition",
    "move",
    "forget",
    "toggle",
    "degrade",
];
const DISKS: [&str; 3] = ["kept", "lost", "backup"];
/// Every key that some kind of fault has.
const ALL: &[&str] = &[
    "at", "every", "until", "kind", "share", "count", "node", "root", "restart", "disk", "age",
    "lasts", "one_way", "loss",
];
/// Keys of every kind.
const COMMON: [&str; 8] = [
    "at", "every", "until", "kind", "share", "count", "node", "root",
];
const TARGETS: [&str; 4] = ["share", "count", "node", "root"];

/// Reads one `[[fault]]` of a scenario of this length with so many nodes (`None`: known only later).
pub(crate) fn read(
    table: &Table,
    duration: Duration,
    nodes: Option<usize>,
) -> Result<Fault, Problem> {
    let reader = Reader::open(table, "[[fault]]", ALL)?;
    let name = reader
        .word("kind", &KINDS)?
        .ok_or_else(|| missing(&reader, "kind", &KINDS.join(", ")))?;
    only_own_keys(&reader, table, name)?;
    let kind = kind(&reader, name)?;
    let (at, every, until) = times(&reader, duration)?;
    Ok(Fault {
        at,
        every,
        until,
        kind,
        target: target(&reader, nodes)?,
    })
}

fn missing(reader: &Reader<'_>, key: &str, expected: &str) -> Problem {
    Problem::new(reader.at(key), format!("this fault has no `{key}`"))
        .note(format!("expected {expected}"))
}

/// Keys that a kind has besides the common ones.
fn own_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "crash" => &["restart", "disk", "age"],
        "pause" => &["lasts"],
        "partition" => &["lasts", "one_way"],
        "degrade" => &["lasts", "loss"],
        _ => &[],
    }
}

fn only_own_keys(reader: &Reader<'_>, table: &Table, kind: &str) -> Result<(), Problem> {
    let own = own_keys(kind);
    let stray = table
        .entries
        .keys()
        .find(|key| !COMMON.contains(&key.as_str()) && !own.contains(&key.as_str()));
    match stray {
        Some(key) => {
            let allowed = [COMMON.as_slice(), own].concat().join(", ");
            Err(reader
                .refuse(
                    key,
                    &format!("does not belong to a fault of kind \"{kind}\""),
                )
                .note(format!("allowed: {allowed}")))
        }
        None => Ok(()),
    }
}

/// What goes wrong, by the name of its kind.
pub(super) fn kind(reader: &Reader<'_>, name: &str) -> Result<FaultKind, Problem> {
    let lasts = || {
        reader
            .interval("lasts")?
            .ok_or_else(|| missing(reader, "lasts", "how long it lasts, such as \"10m\""))
    };
    Ok(match name {
        "crash" => FaultKind::Crash {
            restart: reader.interval("restart")?,
            disk: disk(reader)?,
        },
        "leave" => FaultKind::Leave,
        "pause" => FaultKind::Pause(lasts()?),
        "partition" => FaultKind::Partition {
            lasts: lasts()?,
            one_way: reader.flag("one_way")?.unwrap_or(false),
        },
        "move" => FaultKind::Move,
        "forget" => FaultKind::Forget,
        "toggle" => FaultKind::Toggle,
        _ => FaultKind::Degrade {
            lasts: lasts()?,
            loss: reader
                .share("loss")?
                .ok_or_else(|| missing(reader, "loss", "the loss meanwhile, such as \"30%\""))?,
        },
    })
}

fn disk(reader: &Reader<'_>) -> Result<Disk, Problem> {
    let name = reader.word("disk", &DISKS)?;
    if name.is_some() && !reader.has("restart") {
        return Err(reader.refuse(
            "disk",
            "needs `restart`: a node that stays down never reads it",
        ));
    }
    let age = reader.interval("age")?;
    match (name, age) {
        (Some("backup"), Some(age)) => Ok(Disk::Backup(age)),
        (Some("backup"), None) => Err(missing(
            reader,
            "age",
            "the age of the backup at the crash, such as \"1h\"",
        )),
        (_, Some(_)) => Err(reader.refuse("age", "belongs to `disk = \"backup\"`")),
        (Some("lost"), None) => Ok(Disk::Lost),
        (_, None) => Ok(Disk::Kept),
    }
}

type Times = (Duration, Option<Duration>, Option<Duration>);

fn times(reader: &Reader<'_>, duration: Duration) -> Result<Times, Problem> {
    let at = reader
        .duration("at")?
        .ok_or_else(|| missing(reader, "at", "when it happens, such as \"10m\""))?;
    if at > duration {
        return Err(reader
            .refuse("at", "lies after the end of the scenario")
            .note("expected a time within `duration`"));
    }
    let (every, until) = (reader.interval("every")?, reader.duration("until")?);
    match until {
        Some(_) if every.is_none() => Err(reader.refuse("until", "needs `every`")),
        Some(until) if until < at => Err(reader.refuse("until", "must be at or after `at`")),
        Some(until) if until > duration => {
            Err(reader.refuse("until", "lies after the end of the scenario"))
        }
        _ => Ok((at, every, until)),
    }
}

fn target(reader: &Reader<'_>, nodes: Option<usize>) -> Result<Target, Problem> {
    let given: Vec<_> = TARGETS
        .iter()
        .copied()
        .filter(|key| reader.has(key))
        .collect();
    let &[key] = given.as_slice() else {
        let problem = match given.last() {
            Some(last) => reader.refuse(last, "makes more than one target"),
            None => Problem::new(reader.at("share"), "this fault hits nobody"),
        };
        return Err(problem
            .note("expected exactly one of share = \"10%\", count = 5, node = 3, root = true"));
    };
    let most = nodes.unwrap_or(usize::MAX);
    match key {
        "share" => Ok(Target::Share(reader.share(key)?.unwrap_or(0.0))),
        "count" => Ok(Target::Count(reader.count(key, 1, most)?.unwrap_or(1))),
        "node" => Ok(Target::Node(reader.count(key, 0, most - 1)?.unwrap_or(0))),
        _ if reader.flag(key)? == Some(false) => Err(reader.refuse(key, "must be true, or absent")),
        _ => Ok(Target::Root),
    }
}
