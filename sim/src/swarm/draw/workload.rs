//! `[workload]`.

use super::dice::Dice;
use super::plan::Plan;
use std::fmt::Write;

/// Writes the table.
pub(super) fn draw(dice: &mut Dice, plan: Plan, text: &mut String) {
    let forums = if dice.chance(0.7) {
        1
    } else {
        dice.between(2, 3)
    };
    let _ = writeln!(
        text,
        "\n[workload]\nnodes = {}\nforums = {forums}\njoin_over = \"{}ms\"",
        plan.nodes, plan.joined
    );
    let _ = writeln!(
        text,
        "subscribe = {}\nfollow = {}\njoin_anywhere = {}",
        dice.one(&[1.0, 1.0, 0.8, 0.5, 0.2]),
        dice.one(&[1.0, 0.5, 0.0]),
        dice.chance(0.7)
    );
    if forums > 1 && dice.chance(0.6) {
        let _ = writeln!(
            text,
            "zipf = {}\ninterests = {}",
            dice.one(&[0.1, 1.0]),
            dice.between(1, forums)
        );
    }
    let from = dice.moment(plan.joined / 2, plan.active / 2);
    let _ = writeln!(
        text,
        "comments = {}\ncomments_from = \"{from}ms\"\ncomments_until = \"{}ms\"",
        plan.comments,
        dice.moment(from, plan.active)
    );
    let body = match dice.between(0, 19) {
        0 => 20_000,
        1..4 => 3_000,
        _ => dice.one(&[20, 677]),
    };
    let _ = writeln!(
        text,
        "reply = {}\nbody = {body}",
        dice.one(&[0.0, 0.5, 0.9])
    );
}
