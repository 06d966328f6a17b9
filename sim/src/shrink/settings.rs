//! A plainer frame: defaults instead of settings, an even network, no adversaries.

use super::candidate::{table, time};
use super::ddmin::ddmin;
use super::search::Search;
use crate::swarm;
use toml::{Table, Value};

/// Keys at the top that are tried without.
const TOP: [&str; 4] = ["evict_after", "real_crypto", "quiet", "sample"];
/// Keys of `[network]` that are tried without; `latency` is made even first.
const NETWORK: [&str; 7] = [
    "heals",
    "latency",
    "bandwidth",
    "frame_limit",
    "crash_notice",
    "drift_ppm",
    "preset",
];

/// All of it.
pub(super) fn plain(search: &mut Search<'_>) {
    search.pass("settings");
    adversaries(search);
    for key in TOP {
        search.take_frame(|frame| {
            frame.remove(key);
        });
    }
    if !search.take_frame(|frame| {
        frame.insert("network".to_owned(), lan());
    }) {
        search.take_frame(|frame| {
            table(frame, "network").insert("latency".to_owned(), Value::from("10ms"));
        });
        for key in NETWORK {
            search.take_frame(|frame| {
                table(frame, "network").remove(key);
            });
        }
    }
    protocol(search);
    for key in ["circle_bound", "every_step", "at_most"] {
        search.take_frame(|frame| {
            table(frame, "checks").remove(key);
        });
    }
    settle(search);
}

fn lan() -> Value {
    Value::Table(Table::from_iter([(
        "preset".to_owned(),
        Value::from("lan"),
    )]))
}

fn adversaries(search: &mut Search<'_>) {
    let Some(Value::Array(all)) = search.best.frame().get("adversary").cloned() else {
        return;
    };
    ddmin(&all, |some| {
        search.take_frame(|frame| {
            if some.is_empty() {
                frame.remove("adversary");
            } else {
                frame.insert("adversary".to_owned(), Value::Array(some.to_vec()));
            }
        })
    });
}

/// Settings of the protocol, one after another.
fn protocol(search: &mut Search<'_>) {
    let Some(Value::Table(all)) = search.best.frame().get("protocol").cloned() else {
        return;
    };
    for key in all.keys() {
        search.take_frame(|frame| {
            table(frame, "protocol").remove(key);
        });
    }
}

/// The time to become whole is as long as the settings ask for, and not longer.
fn settle(search: &mut Search<'_>) {
    let bound = swarm::bound(search.best.scenario());
    if bound < search.best.scenario().settle {
        search.take_frame(|frame| {
            frame.insert("settle".to_owned(), time(bound));
        });
    }
}
