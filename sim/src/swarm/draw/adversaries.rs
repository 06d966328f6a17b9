//! `[[adversary]]`: who is hostile, in one case of ten.

use super::dice::Dice;
use super::plan::Plan;
use crate::adversary::STEADY;
use std::fmt::Write;

/// Writes the table.
pub(super) fn draw(dice: &mut Dice, plan: Plan, text: &mut String) {
    if !plan.hostile {
        return;
    }
    let first = dice.one(&STEADY);
    let second = dice.one(&STEADY);
    let behaviors = if first == second || dice.chance(0.7) {
        format!("[\"{first}\"]")
    } else {
        format!("[\"{first}\", \"{second}\"]")
    };
    let _ = writeln!(
        text,
        "\n[[adversary]]\nbehaviors = {behaviors}\ncount = {}\nrate = {}",
        dice.between(1, plan.nodes.div_ceil(4)),
        dice.one(&[0.2, 1.0, 5.0])
    );
    if dice.chance(0.5) {
        let _ = writeln!(text, "from = \"{}ms\"", dice.moment(0, plan.active / 2));
    }
    if dice.chance(0.5) {
        let until = dice.moment(plan.active / 2 + 1, plan.active);
        let _ = writeln!(text, "until = \"{until}ms\"");
    }
}
