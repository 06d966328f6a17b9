//! `[protocol]`: the settings of the nodes, each by the name it has in
//! [`cliqueclique_core::Config`].

use super::error::Problem;
use super::reader::Reader;
use super::tree::Table;
use cliqueclique_core::Config;
use cliqueclique_core::config::MAX_PEERS;
use std::time::Duration;

/// Largest number that any bound may be set to.
const LARGEST: usize = 1 << 40;
/// Neighbours sought, unless K is smaller.
const MIN_PEERS: usize = 3;

const KEYS: &[&str] = &[
    "max_peers",
    "max_peers_range",
    "min_peers",
    "max_links",
    "max_documents",
    "max_comments",
    "max_acquaintances",
    "min_acquaintances",
    "handshake_timeout",
    "first_timeout",
    "min_timeout",
    "link_timeout",
    "ack_delay",
    "state_delay",
    "keep_alive_min",
    "keep_alive_max",
    "keep_alive_pace",
    "audit_delay",
    "absence",
    "freeze_timeout",
    "linger",
    "lazy_delay",
    "reconcile_delay",
    "request_timeout",
    "redial_min",
    "redial_max",
    "probe_interval",
    "leave_timeout",
    "ticket_life",
    "clock_tolerance",
    "send_window",
    "send_queue",
    "admission_window",
    "rate_limit",
    "rate_burst",
];

/// Reads `[protocol]`: the settings, and the range of K if one is given.
pub(crate) fn read(table: &Table) -> Result<(Config, Option<(usize, usize)>), Problem> {
    let reader = Reader::open(table, "[protocol]", KEYS)?;
    let mut config = Config::default();
    let range = peers(&reader, &mut config)?;
    counts(&reader, &mut config)?;
    times(&reader, &mut config)?;
    rates(&reader, &mut config)?;
    match config.validate() {
        Ok(()) => Ok((config, range)),
        Err(error) => Err(unfit(&reader, error.0)),
    }
}

/// Points at the setting that the core's refusal begins with, if the scenario sets it.
fn unfit(reader: &Reader<'_>, message: &str) -> Problem {
    let named = message.split([' ', ',']).filter(|word| KEYS.contains(word));
    let key = named
        .clone()
        .find(|key| reader.has(key))
        .unwrap_or("max_peers");
    Problem::new(reader.at(key), message).note("the settings in [protocol] do not fit together")
}

fn peers(reader: &Reader<'_>, config: &mut Config) -> Result<Option<(usize, usize)>, Problem> {
    let range = reader.range("max_peers_range", 2, MAX_PEERS)?;
    if range.is_some() && reader.has("max_peers") {
        return Err(reader.refuse(
            "max_peers_range",
            "cannot stand beside `max_peers`: it replaces it",
        ));
    }
    let (lowest, highest) = match range {
        Some(range) => range,
        None => {
            let peers = reader
                .count("max_peers", 2, MAX_PEERS)?
                .unwrap_or(config.max_peers);
            (peers, peers)
        }
    };
    config.max_peers = highest;
    let most = lowest;
    config.min_peers = reader
        .count("min_peers", 1, most)?
        .unwrap_or(MIN_PEERS.min(lowest));
    Ok(range)
}

fn counts(reader: &Reader<'_>, config: &mut Config) -> Result<(), Problem> {
    let set = |key, value: &mut usize| {
        reader
            .count(key, 0, LARGEST)
            .map(|found| *value = found.unwrap_or(*value))
    };
    set("max_links", &mut config.max_links)?;
    set("max_documents", &mut config.max_documents)?;
    set("max_comments", &mut config.max_comments)?;
    set("max_acquaintances", &mut config.max_acquaintances)?;
    set("min_acquaintances", &mut config.min_acquaintances)?;
    set("send_queue", &mut config.send_queue)?;
    let size = |key, value: &mut usize| {
        reader
            .size(key)
            .map(|found| *value = found.unwrap_or(*value))
    };
    size("send_window", &mut config.send_window)?;
    size("admission_window", &mut config.admission_window)
}

fn times(reader: &Reader<'_>, config: &mut Config) -> Result<(), Problem> {
    let set = |key, value: &mut Duration| {
        reader
            .duration(key)
            .map(|found| *value = found.unwrap_or(*value))
    };
    set("handshake_timeout", &mut config.handshake_timeout)?;
    set("first_timeout", &mut config.first_timeout)?;
    set("min_timeout", &mut config.min_timeout)?;
    set("link_timeout", &mut config.link_timeout)?;
    set("ack_delay", &mut config.ack_delay)?;
    set("state_delay", &mut config.state_delay)?;
    set("keep_alive_min", &mut config.keep_alive_min)?;
    set("keep_alive_max", &mut config.keep_alive_max)?;
    set("keep_alive_pace", &mut config.keep_alive_pace)?;
    set("audit_delay", &mut config.audit_delay)?;
    set("absence", &mut config.absence)?;
    set("freeze_timeout", &mut config.freeze_timeout)?;
    set("linger", &mut config.linger)?;
    set("lazy_delay", &mut config.lazy_delay)?;
    set("reconcile_delay", &mut config.reconcile_delay)?;
    set("request_timeout", &mut config.request_timeout)?;
    set("redial_min", &mut config.redial_min)?;
    set("redial_max", &mut config.redial_max)?;
    set("probe_interval", &mut config.probe_interval)?;
    set("leave_timeout", &mut config.leave_timeout)?;
    set("ticket_life", &mut config.ticket_life)?;
    set("clock_tolerance", &mut config.clock_tolerance)
}

fn rates(reader: &Reader<'_>, config: &mut Config) -> Result<(), Problem> {
    let set = |key, value: &mut u32| {
        let found = reader.count(key, 1, u32::MAX as usize)?;
        *value = found
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(*value);
        Ok::<(), Problem>(())
    };
    set("rate_limit", &mut config.rate_limit)?;
    set("rate_burst", &mut config.rate_burst)
}
