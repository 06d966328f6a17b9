//! One neighbour in one overlay: what it told, and what it was told.

use super::root::Root;
use crate::link::LinkId;
use crate::message::{Mode, STATE_DONE, STATE_FROZEN, STATE_UPSTREAM, State};
use std::sync::Arc;

/// A queued state that is in no frame yet.
pub(crate) const QUEUED: u32 = u32::MAX;

/// Own flag: its root could not be resolved; the full claim is asked for.
pub(crate) const UNRESOLVED: u8 = 1 << 7;

/// Own flag: an heir (rule *Inherit*) that needs not be told our first state.
pub(crate) const PRESUMED: u8 = 1 << 6;

/// Own flag: it was told our state in so many words, or a push told it for us.
pub(crate) const TOLD: u8 = 1;

/// An established relation.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Neighbor {
    pub(crate) link: LinkId,
    pub(crate) mode: Mode,
    /// Its link is lost and waited for (rule *Await*): it counts as a neighbour that
    /// says nothing and is told nothing.
    pub(crate) absent: bool,
    /// `STATE_FROZEN`, `STATE_DONE`, `STATE_UPSTREAM` as last told.
    pub(crate) flags: u8,
    /// When the relation was agreed on, seconds of this node's time; 0 for heirs.
    pub(crate) since: u32,
    pub(crate) distance: u16,
    /// Number of the frame that told it; older ones are ignored.
    pub(crate) heard: u32,
    /// Frame in flight with our state: 0 for none, [`QUEUED`] if in no frame yet.
    pub(crate) flight: u32,
    /// The state last sent ([`word`]); 0 if none was ever sent.
    pub(crate) sent: u64,
    /// Its overlay root; `None` if it never told (rule *Inherit*).
    pub(crate) root: Option<Arc<Root>>,
    /// The root whose claim this link has seen in full, by its short name.
    pub(crate) shown: [u8; 4],
}

impl Neighbor {
    /// A neighbour of which only the mode is known.
    pub(crate) fn silent(link: LinkId, mode: Mode) -> Self {
        Self {
            link,
            mode,
            absent: false,
            flags: 0,
            since: 0,
            distance: 0,
            heard: 0,
            flight: 0,
            sent: 0,
            root: None,
            shown: [0; 4],
        }
    }

    /// Its link is lost. What was on its way is told again when it is back.
    pub(crate) fn go_absent(&mut self) {
        self.absent = true;
        self.heard = 0;
        if self.flight != 0 {
            self.sent = 0;
            self.flight = 0;
        }
    }

    /// Takes over what the neighbour tells.
    pub(crate) fn take(&mut self, state: &State, root: Arc<Root>, frame: u32) {
        self.mode = mode_of(state.flags);
        let heard = state.flags & (STATE_FROZEN | STATE_DONE | STATE_UPSTREAM);
        self.flags = heard | (self.flags & TOLD);
        self.distance = state.distance;
        self.heard = frame;
        self.shown = root.short;
        self.root = Some(root);
    }

    /// Takes over what a neighbour tells that was alone: all but its root.
    pub(crate) fn take_alone(&mut self, state: &State, frame: u32) {
        self.mode = mode_of(state.flags);
        self.flags &= TOLD;
        self.heard = frame;
        self.root = None;
    }

    /// It is an heir that was presumed to know our first state.
    pub(crate) fn presumed(&self) -> bool {
        self.flags & PRESUMED != 0
    }

    /// What it told, in one number; 0 if nothing (rule *Remember*).
    pub(crate) fn heard_word(&self) -> u64 {
        let told = self.flags & (STATE_FROZEN | STATE_DONE | STATE_UPSTREAM);
        let root = self.root.as_ref();
        root.map_or(0, |root| {
            word(mode_bits(self.mode) | told, self.distance, root.short)
        })
    }

    /// Its root could not be resolved.
    pub(crate) fn unresolved(&self) -> bool {
        self.flags & UNRESOLVED != 0
    }

    /// It says that it is frozen.
    pub(crate) fn frozen(&self) -> bool {
        self.flags & STATE_FROZEN != 0
    }

    /// It says that all below it are frozen too.
    pub(crate) fn done(&self) -> bool {
        self.flags & STATE_DONE != 0
    }

    /// It was taken in, and has told nothing since but that it was alone.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.since != 0 && self.root.is_none()
    }

    /// It says that we are its upstream.
    pub(crate) fn downstream(&self) -> bool {
        self.flags & STATE_UPSTREAM != 0
    }
}

/// A state in one number, never 0 (PROTOCOL.md, *Remember*): flags, distance, root.
pub(crate) fn word(flags: u8, distance: u16, root: [u8; 4]) -> u64 {
    let root = u64::from(u32::from_le_bytes(root));
    root << 32 | u64::from(distance) << 8 | 1 << 24 | u64::from(flags)
}

/// Mode in the lowest bits of state flags.
pub(crate) fn mode_of(flags: u8) -> Mode {
    match flags & 3 {
        0 => Mode::Hold,
        1 => Mode::Subscribe,
        _ => Mode::Follow,
    }
}

/// The reverse of [`mode_of`].
pub(crate) fn mode_bits(mode: Mode) -> u8 {
    match mode {
        Mode::Hold => 0,
        Mode::Subscribe => 1,
        Mode::Follow => 2,
    }
}
