//! One node's part in one document, in one byte.

use cliqueclique_core::message::Mode;

/// Mode in the lowest two bits, then flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell(u8);

impl Cell {
    /// A command named the document: its mode is not inherited.
    pub(crate) const EXPLICIT: u8 = 1 << 2;
    /// The user wants to keep it.
    pub(crate) const BOOKMARKED: u8 = 1 << 3;
    /// It is on the node's disk.
    pub(crate) const HELD: u8 = 1 << 4;
    /// A fresh delivery is under way.
    pub(crate) const EXPECTED: u8 = 1 << 5;
    /// The overlay was used since the last sweep.
    pub(crate) const TOUCHED: u8 = 1 << 6;
    /// The node gave a wish or the document up: peers may not know yet.
    pub(crate) const ONCE: u8 = 1 << 7;

    /// The wish.
    pub(crate) fn mode(self) -> Mode {
        match self.0 & 3 {
            0 => Mode::Hold,
            1 => Mode::Subscribe,
            _ => Mode::Follow,
        }
    }

    /// Sets the wish.
    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.0 = self.0 & !3 | mode as u8;
    }

    /// True if any of the flags is set.
    pub(crate) fn has(self, flags: u8) -> bool {
        self.0 & flags != 0
    }

    /// Sets flags.
    pub(crate) fn set(&mut self, flags: u8) {
        self.0 |= flags;
    }

    /// Clears flags.
    pub(crate) fn clear(&mut self, flags: u8) {
        self.0 &= !flags;
    }

    /// Sets or clears flags.
    pub(crate) fn put(&mut self, flags: u8, on: bool) {
        if on {
            self.set(flags);
        } else {
            self.clear(flags);
        }
    }
}
