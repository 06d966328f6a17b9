//! `[network]`: the link model, from a preset whose values can be replaced one by one.

use super::error::Problem;
use super::model::{Latency, Network};
use super::reader::Reader;
use super::tree::Table;
use cliqueclique_core::config::MIN_FRAME_LIMIT;
use std::time::Duration;

const KEYS: &[&str] = &[
    "preset",
    "latency",
    "jitter",
    "loss",
    "duplicate",
    "reorder",
    "reorder_delay",
    "bandwidth",
    "frame_limit",
    "channel_life",
    "crash_notice",
    "heals",
    "drift_ppm",
];
/// Names of presets.
const PRESETS: [&str; 3] = ["lan", "internet", "i2p"];
/// Largest packet of the transports without a limit of their own.
const WIDE_FRAME: usize = 64 * 1024;

/// Reads `[network]`.
pub(crate) fn read(table: &Table) -> Result<Network, Problem> {
    let reader = Reader::open(table, "[network]", KEYS)?;
    let base = preset(reader.word("preset", &PRESETS)?.unwrap_or("internet"));
    let network = Network {
        latency: latency(&reader)?.unwrap_or(base.latency),
        jitter: reader.duration("jitter")?.unwrap_or(base.jitter),
        loss: reader.share("loss")?.unwrap_or(base.loss),
        duplicate: reader.share("duplicate")?.unwrap_or(base.duplicate),
        reorder: reader.share("reorder")?.unwrap_or(base.reorder),
        reorder_delay: reader
            .duration("reorder_delay")?
            .unwrap_or(base.reorder_delay),
        bandwidth: reader
            .rate_or_unlimited("bandwidth")?
            .unwrap_or(base.bandwidth),
        frame_limit: reader.size("frame_limit")?.unwrap_or(base.frame_limit),
        channel_life: reader
            .interval_or_never("channel_life")?
            .unwrap_or(base.channel_life),
        crash_notice: reader
            .interval_or_never("crash_notice")?
            .unwrap_or(base.crash_notice),
        heals: reader.flag("heals")?.unwrap_or(base.heals),
        drift_ppm: reader.number("drift_ppm")?.unwrap_or(base.drift_ppm),
    };
    fit(&reader, &network).map(|()| network)
}

/// The network if a scenario has no `[network]`.
pub(crate) fn preset(name: &str) -> Network {
    let lan = Network {
        latency: Latency::Constant(Duration::from_millis(1)),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_delay: Duration::ZERO,
        bandwidth: None,
        frame_limit: WIDE_FRAME,
        channel_life: None,
        crash_notice: None,
        heals: false,
        drift_ppm: 0.0,
    };
    match name {
        "lan" => lan,
        "i2p" => i2p(lan),
        // Median one-way delay and spread between broadband hosts: guess,
        // after the King data set (median round trip near 150 ms).
        _ => Network {
            latency: Latency::Lognormal(Duration::from_millis(60), 0.5),
            jitter: Duration::from_millis(10),
            drift_ppm: 50.0,
            ..lan
        },
    }
}

/// Tunnels of three hops each way live ten minutes (I2P's tunnel life); the
/// streaming library repeats most of what they lose, at the price of delay.
fn i2p(base: Network) -> Network {
    Network {
        latency: Latency::Lognormal(Duration::from_millis(1500), 0.5),
        jitter: Duration::from_millis(500),
        loss: 0.01,
        reorder: 0.01,
        reorder_delay: Duration::from_secs(2),
        bandwidth: Some(32 * 1024),
        frame_limit: 16 * 1024,
        channel_life: Some(Duration::from_secs(600)),
        drift_ppm: 50.0,
        ..base
    }
}

/// `"60ms"`, `{ min, max }` or `{ median, sigma }`.
fn latency(reader: &Reader<'_>) -> Result<Option<Latency>, Problem> {
    if !reader.is_table("latency") {
        return Ok(reader.duration("latency")?.map(Latency::Constant));
    }
    let Some(table) = reader.table("latency")? else {
        return Ok(None);
    };
    let inner = Reader::open(table, "latency", &["min", "max", "median", "sigma"])?;
    let (low, high) = (inner.duration("min")?, inner.duration("max")?);
    let (median, sigma) = (inner.interval("median")?, inner.number("sigma")?);
    match (low, high, median, sigma) {
        (Some(low), Some(high), None, None) if low <= high => Ok(Some(Latency::Uniform(low, high))),
        (Some(_), Some(_), None, None) => Err(inner.refuse("min", "must be at most `max`")),
        (None, None, Some(median), Some(sigma)) if sigma <= 3.0 => Ok(Some(Latency::Lognormal(median, sigma))),
        (None, None, Some(_), Some(_)) => Err(inner.refuse("sigma", "must be at most 3")),
        _ => Err(Problem::new(reader.at("latency"), "`latency` is not complete")
            .note("expected \"60ms\", { min = \"20ms\", max = \"80ms\" } or { median = \"60ms\", sigma = 0.5 }")),
    }
}

fn fit(reader: &Reader<'_>, network: &Network) -> Result<(), Problem> {
    if network.frame_limit < MIN_FRAME_LIMIT {
        return Err(reader.refuse(
            "frame_limit",
            &format!("must be at least {MIN_FRAME_LIMIT} bytes"),
        ));
    }
    if network.loss >= 1.0 {
        return Err(reader.refuse("loss", "must be below 1: nothing would ever arrive"));
    }
    if network.drift_ppm > 10_000.0 {
        return Err(reader.refuse("drift_ppm", "must be at most 10000 (1 %)"));
    }
    Ok(())
}
