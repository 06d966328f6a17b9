//! `[[fault]]`: what goes wrong, when, and whom it hits.

use super::dice::Dice;
use super::plan::Plan;
use std::fmt::Write;

/// Kinds, the frequent ones several times.
const KINDS: [&str; 12] = [
    "crash",
    "crash",
    "crash",
    "crash",
    "leave",
    "pause",
    "partition",
    "partition",
    "move",
    "forget",
    "toggle",
    "degrade",
];

/// Writes the tables.
pub(super) fn draw(dice: &mut Dice, plan: Plan, text: &mut String) {
    let mut moved = false;
    for _ in 0..plan.faults {
        let kind = dice.one(&KINDS);
        // Two peers who both move before they could tell each other never find each other again.
        if kind != "move" || !std::mem::replace(&mut moved, true) {
            one(dice, plan, kind, text);
        }
    }
}

fn one(dice: &mut Dice, plan: Plan, kind: &str, text: &mut String) {
    let at = dice.moment(1_000, plan.active);
    let _ = writeln!(text, "\n[[fault]]\nat = \"{at}ms\"\nkind = \"{kind}\"");
    let whom = if kind == "move" {
        format!("node = {}", dice.between(0, plan.nodes - 1))
    } else {
        target(dice, plan)
    };
    let _ = writeln!(text, "{whom}");
    let lasts = dice.time(100, 180_000);
    match kind {
        "crash" => crash(dice, text),
        "pause" => {
            let _ = writeln!(text, "lasts = {lasts}");
        }
        "partition" => {
            let _ = writeln!(text, "lasts = {lasts}\none_way = {}", dice.chance(0.3));
        }
        "degrade" => {
            let _ = writeln!(text, "lasts = {lasts}\nloss = {}", dice.percent(10, 90));
        }
        _ => {}
    }
    if kind != "move" && dice.chance(0.15) {
        let _ = writeln!(
            text,
            "every = {}\nuntil = \"{}ms\"",
            dice.time(2_000, 60_000),
            plan.active
        );
    }
}

fn crash(dice: &mut Dice, text: &mut String) {
    if dice.chance(0.25) {
        return;
    }
    let _ = writeln!(text, "restart = {}", dice.time(1, 120_000));
    match dice.between(0, 3) {
        0 => {
            let _ = writeln!(text, "disk = \"lost\"");
        }
        1 => {
            let _ = writeln!(text, "disk = \"backup\"\nage = {}", dice.time(100, 120_000));
        }
        _ => {
            let _ = writeln!(text, "disk = \"kept\"");
        }
    }
}

fn target(dice: &mut Dice, plan: Plan) -> String {
    match dice.between(0, 3) {
        0 => "root = true".to_owned(),
        1 => format!("count = {}", dice.between(1, plan.nodes.div_ceil(3))),
        2 => format!("share = {}", dice.percent(10, 60)),
        _ => format!("node = {}", dice.between(0, plan.nodes - 1)),
    }
}
