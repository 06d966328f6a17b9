//! `[protocol]`: settings of the nodes, within what makes sense together.

use super::dice::Dice;
use super::plan::Plan;
use std::fmt::Write;

/// Settings that are times: name, shortest and longest in milliseconds, and shortest where
/// latencies are of seconds. A quarter of them is drawn each time.
const TIMES: [(&str, u64, u64, u64); 15] = [
    ("handshake_timeout", 10_000, 60_000, 60_000),
    ("first_timeout", 500, 5_000, 3_000),
    ("min_timeout", 50, 1_000, 200),
    ("ack_delay", 1, 500, 1),
    ("state_delay", 1, 2_000, 1),
    ("freeze_timeout", 60_000, 180_000, 90_000),
    ("audit_delay", 5_000, 60_000, 30_000),
    ("linger", 1_000, 120_000, 10_000),
    ("lazy_delay", 100, 20_000, 1_000),
    ("reconcile_delay", 100, 10_000, 500),
    ("request_timeout", 5_000, 40_000, 20_000),
    ("redial_min", 500, 10_000, 2_000),
    ("probe_interval", 2_000, 60_000, 10_000),
    ("leave_timeout", 5_000, 90_000, 30_000),
    ("ticket_life", 30_000, 900_000, 120_000),
];

/// Writes the table.
pub(super) fn draw(dice: &mut Dice, plan: Plan, text: &mut String) {
    let _ = writeln!(text, "\n[protocol]");
    peers(dice, text);
    let _ = writeln!(
        text,
        "keep_alive_min = {}\nkeep_alive_max = {}\nlink_timeout = {}",
        dice.time(2_000, 15_000),
        dice.time(15_000, 120_000),
        dice.time(if plan.slow { 40_000 } else { 10_000 }, 60_000),
    );
    let absence = dice.one(&["0s", "5s", "30s", "2m", "10m"]);
    let _ = writeln!(
        text,
        "absence = \"{absence}\"\nredial_max = {}",
        dice.time(10_000, 180_000)
    );
    for (name, low, high, slow) in TIMES {
        if dice.chance(0.25) {
            let low = if plan.slow { slow } else { low };
            let _ = writeln!(text, "{name} = {}", dice.time(low, high));
        }
    }
    if dice.chance(0.1) {
        let _ = writeln!(text, "send_queue = {}", dice.one(&[1, 4, 64]));
    }
}

fn peers(dice: &mut Dice, text: &mut String) {
    let high = dice.one(&[2, 3, 3, 4, 5, 8]);
    let low = if dice.chance(0.25) {
        let low = dice.between(2, high);
        let _ = writeln!(text, "max_peers_range = [{low}, {high}]");
        low
    } else {
        let _ = writeln!(text, "max_peers = {high}");
        high
    };
    if dice.chance(0.2) {
        let _ = writeln!(text, "min_peers = {}", dice.between(1, low));
    }
}
