//! `[[schedule]]`, `[[packet]]` and `[[dial]]`.

use super::super::error::Problem;
use super::super::faults;
use super::super::reader::Reader;
use super::super::tree::Table;
use super::{Act, Deed, DialRule, Entry, Fate, Name, PacketRule, Script};
use cliqueclique_core::config::MAX_DOCUMENT;
use cliqueclique_core::message::Mode;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const DEEDS: [&str; 12] = [
    "start",
    "publish",
    "join",
    "set",
    "bookmark",
    "forget",
    "leave",
    "crash",
    "pause",
    "partition",
    "degrade",
    "move",
];
const SCHEDULE: &[&str] = &[
    "at", "do", "node", "nodes", "document", "parent", "via", "body", "mode", "on", "restart",
    "disk", "age", "lasts", "one_way", "loss",
];
const PACKET: &[&str] = &["from", "to", "number", "lost", "late", "held", "copy"];
const DIAL: &[&str] = &["from", "to", "number", "lost", "life"];
const MODES: [&str; 3] = ["hold", "subscribe", "follow"];
/// Largest name of a document, number of a packet, of a connection.
const LARGEST: usize = 1 << 40;
/// A dial is given up after fewer lost packets.
const MOST_LOST: usize = 16;

/// Reads what is laid open in a scenario of this length with so many nodes.
pub(in super::super) fn read(
    reader: &Reader<'_>,
    duration: Duration,
    nodes: usize,
) -> Result<Script, Problem> {
    let mut entries = Vec::new();
    for table in reader.tables("schedule")? {
        entries.push((entry(table, duration, nodes)?, table));
    }
    entries.sort_by_key(|(entry, _)| entry.at);
    made_before_needed(&entries)?;
    Ok(Script {
        schedule: entries.into_iter().map(|(entry, _)| entry).collect(),
        packets: once(reader.tables("packet")?, |table| packet(table, nodes))?,
        dials: once(reader.tables("dial")?, |table| dial(table, nodes))?,
    })
}

fn entry(table: &Table, duration: Duration, nodes: usize) -> Result<Entry, Problem> {
    let reader = Reader::open(table, "[[schedule]]", SCHEDULE)?;
    let name = reader
        .word("do", &DEEDS)?
        .ok_or_else(|| missing(&reader, "do", &DEEDS.join(", ")))?;
    only(&reader, table, name)?;
    let at = reader
        .duration("at")?
        .ok_or_else(|| missing(&reader, "at", "when it happens, such as \"10m\""))?;
    if at > duration {
        return Err(reader
            .refuse("at", "lies after the end of the scenario")
            .note("expected a time within `duration`"));
    }
    let deed = if own(name).contains(&"node") {
        Deed::User {
            node: number(&reader, "node", 0, nodes.saturating_sub(1))?,
            act: act(&reader, name, nodes)?,
        }
    } else {
        Deed::Fault {
            nodes: reader.counts("nodes", nodes.saturating_sub(1))?,
            kind: faults::kind(&reader, name)?,
        }
    };
    Ok(Entry { at, deed })
}

/// Keys of a deed besides `at` and `do`.
fn own(name: &str) -> &'static [&'static str] {
    match name {
        "publish" => &["node", "document", "parent", "body", "mode"],
        "join" => &["node", "document", "via", "mode"],
        "set" => &["node", "document", "mode"],
        "bookmark" => &["node", "document", "on"],
        "forget" => &["node", "document"],
        "crash" => &["nodes", "restart", "disk", "age"],
        "pause" => &["nodes", "lasts"],
        "partition" => &["nodes", "lasts", "one_way"],
        "degrade" => &["nodes", "lasts", "loss"],
        "move" => &["nodes"],
        _ => &["node"],
    }
}

fn only(reader: &Reader<'_>, table: &Table, name: &str) -> Result<(), Problem> {
    let own = own(name);
    let stray =
        |key: &&String| !["at", "do"].contains(&key.as_str()) && !own.contains(&key.as_str());
    match table.entries.keys().find(stray) {
        None => Ok(()),
        Some(key) => Err(reader
            .refuse(
                key,
                &format!("does not belong to an entry with do = \"{name}\""),
            )
            .note(format!("allowed: at, do, {}", own.join(", ")))),
    }
}

fn act(reader: &Reader<'_>, name: &str, nodes: usize) -> Result<Act, Problem> {
    let document = || number(reader, "document", 0, LARGEST).map(|name| name as Name);
    let last = nodes.saturating_sub(1);
    Ok(match name {
        "publish" => Act::Publish {
            document: document()?,
            parent: reader.count("parent", 0, LARGEST)?.map(|name| name as Name),
            body: body(reader)?,
            mode: mode(reader)?,
        },
        "join" => Act::Join {
            document: document()?,
            via: number(reader, "via", 0, last)?,
            mode: mode(reader)?,
        },
        "set" => Act::Set(document()?, mode(reader)?),
        "bookmark" => Act::Bookmark(document()?, reader.flag("on")?.unwrap_or(true)),
        "forget" => Act::Forget(document()?),
        "leave" => Act::Leave,
        _ => Act::Start,
    })
}

fn body(reader: &Reader<'_>) -> Result<usize, Problem> {
    match reader.size("body")?.unwrap_or(20) {
        body if (8..=MAX_DOCUMENT - 1024).contains(&body) => Ok(body),
        _ => Err(reader.refuse("body", "must be between 8 bytes and 127 KiB")),
    }
}

fn mode(reader: &Reader<'_>) -> Result<Mode, Problem> {
    Ok(match reader.word("mode", &MODES)? {
        Some("hold") => Mode::Hold,
        Some("subscribe") => Mode::Subscribe,
        _ => Mode::Follow,
    })
}

fn number(reader: &Reader<'_>, key: &str, least: usize, most: usize) -> Result<usize, Problem> {
    reader
        .count(key, least, most)?
        .ok_or_else(|| missing(reader, key, "a whole number"))
}

fn missing(reader: &Reader<'_>, key: &str, expected: &str) -> Problem {
    Problem::new(reader.at(key), format!("this entry has no `{key}`"))
        .note(format!("expected {expected}"))
}

/// Users act on documents that are there, and each is published once.
fn made_before_needed(entries: &[(Entry, &Table)]) -> Result<(), Problem> {
    let mut made = BTreeSet::new();
    for (entry, table) in entries {
        let Some((_, act)) = entry.act() else {
            continue;
        };
        if let Some(name) = act.needs().filter(|name| !made.contains(name)) {
            return Err(Problem::new(
                &table.at,
                format!("document {name} is not published before"),
            )
            .note("expected an earlier entry with do = \"publish\" and that number"));
        }
        if let Some(name) = act.makes().filter(|&name| !made.insert(name)) {
            return Err(Problem::new(
                &table.at,
                format!("document {name} is published twice"),
            ));
        }
    }
    Ok(())
}

type Which = (usize, usize, u64);

/// Reads tables each of which names another packet or connection.
fn once<T>(
    tables: Vec<&Table>,
    read: impl Fn(&Table) -> Result<(Which, T), Problem>,
) -> Result<Vec<T>, Problem> {
    let mut all = BTreeMap::new();
    for table in tables {
        let (which, rule) = read(table)?;
        if all.insert(which, rule).is_some() {
            let (from, to, number) = which;
            return Err(Problem::new(
                &table.at,
                format!("number {number} from node {from} to node {to} stands twice"),
            ));
        }
    }
    Ok(all.into_values().collect())
}

fn which(reader: &Reader<'_>, nodes: usize) -> Result<Which, Problem> {
    let last = nodes.saturating_sub(1);
    Ok((
        number(reader, "from", 0, last)?,
        number(reader, "to", 0, last)?,
        number(reader, "number", 1, LARGEST)? as u64,
    ))
}

fn packet(table: &Table, nodes: usize) -> Result<(Which, PacketRule), Problem> {
    let reader = Reader::open(table, "[[packet]]", PACKET)?;
    let (from, to, number) = which(&reader, nodes)?;
    let lost = reader.flag("lost")?.unwrap_or(false);
    let late = ["late", "held", "copy"];
    if let (true, Some(key)) = (lost, late.iter().find(|key| reader.has(key))) {
        return Err(reader.refuse(key, "does not belong to a packet that is lost"));
    }
    let fate = if lost {
        Fate::Lost
    } else {
        Fate::Comes {
            late: reader.duration("late")?.unwrap_or_default(),
            held: reader.duration("held")?.unwrap_or_default(),
            copy: reader.duration("copy")?,
        }
    };
    let rule = PacketRule {
        from,
        to,
        number,
        fate,
    };
    Ok(((from, to, number), rule))
}

fn dial(table: &Table, nodes: usize) -> Result<(Which, DialRule), Problem> {
    let reader = Reader::open(table, "[[dial]]", DIAL)?;
    let (from, to, number) = which(&reader, nodes)?;
    let lost = reader.count("lost", 0, MOST_LOST)?.unwrap_or(0);
    let rule = DialRule {
        from,
        to,
        number,
        lost: u32::try_from(lost).unwrap_or(0),
        life: reader.interval("life")?,
    };
    Ok(((from, to, number), rule))
}
