//! How large a case is and how long: mostly tiny and short, so that a seed costs milliseconds and
//! many can be tried; some are larger.

use super::dice::Dice;

/// The frame into which all else is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Nodes.
    pub(super) nodes: usize,
    /// Comments.
    pub(super) comments: usize,
    /// Joins are over by then, milliseconds.
    pub(super) joined: u64,
    /// Workload and faults are over by then, milliseconds.
    pub(super) active: u64,
    /// Entries of `[[fault]]`.
    pub(super) faults: usize,
    /// Latencies of seconds.
    pub(super) slow: bool,
    /// Some nodes are hostile.
    pub(super) hostile: bool,
    /// Nothing may happen for long after that, which must cost nothing.
    pub(super) quiet: bool,
}

impl Plan {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let (nodes, comments) = match dice.between(0, 999) {
            0 => (dice.between(31, 80), dice.between(5, 30)),
            1..20 => (dice.between(13, 30), dice.between(3, 20)),
            20..250 => (dice.between(8, 12), dice.between(0, 12)),
            _ => (dice.between(2, 7), dice.between(0, 8)),
        };
        let joined = dice.moment(1_000, 30_000);
        let faults = match dice.between(0, 9) {
            0 => 0,
            1..8 => dice.between(1, 4),
            _ => dice.between(5, 10),
        };
        Self {
            nodes,
            comments,
            joined,
            active: joined + dice.moment(20_000, 240_000),
            faults,
            slow: dice.chance(0.15),
            hostile: nodes > 2 && dice.chance(0.1),
            quiet: dice.chance(0.2),
        }
    }
}
