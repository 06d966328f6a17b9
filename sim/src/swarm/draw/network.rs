//! `[network]`.

use super::dice::Dice;
use super::plan::Plan;
use std::fmt::Write;

/// Writes the table.
pub(super) fn draw(dice: &mut Dice, plan: Plan, text: &mut String) {
    let preset = match (plan.slow, dice.chance(0.5)) {
        (true, _) => "i2p",
        (false, true) => "lan",
        (false, false) => "internet",
    };
    let _ = writeln!(text, "\n[network]\npreset = \"{preset}\"\nheals = true");
    if !plan.slow && dice.chance(0.3) {
        let _ = writeln!(text, "latency = {}", latency(dice));
    }
    if dice.chance(0.4) {
        let _ = writeln!(text, "loss = {}", dice.percent(1, 20));
    }
    if dice.chance(0.2) {
        let _ = writeln!(text, "duplicate = {}", dice.percent(1, 30));
    }
    if dice.chance(0.2) {
        let _ = writeln!(
            text,
            "reorder = {}\nreorder_delay = {}",
            dice.percent(1, 30),
            dice.time(10, 5_000)
        );
    }
    if dice.chance(0.2) {
        let _ = writeln!(text, "jitter = {}", dice.time(1, 500));
    }
    if dice.chance(0.1) {
        let _ = writeln!(text, "frame_limit = {}", dice.one(&[1024, 1500, 4096]));
    }
    if dice.chance(0.1) {
        let _ = writeln!(text, "channel_life = {}", dice.time(20_000, 600_000));
    }
    if dice.chance(0.3) {
        let _ = writeln!(text, "crash_notice = {}", dice.time(1, 10_000));
    }
    if dice.chance(0.2) {
        let _ = writeln!(text, "drift_ppm = {}", dice.one(&[0, 50, 500]));
    }
}

fn latency(dice: &mut Dice) -> String {
    match dice.between(0, 2) {
        0 => dice.time(1, 1_000),
        1 => format!("{{ min = \"1ms\", max = {} }}", dice.time(2, 2_000)),
        _ => format!(
            "{{ median = {}, sigma = {} }}",
            dice.time(5, 300),
            dice.one(&[0.2, 0.5, 1.0])
        ),
    }
}
