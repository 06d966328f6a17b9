//! `lie-subscription`: says in all states that it subscribes where it does not,
//! and that it does not where it does.

use super::stage::Stage;
use super::{Trick, claims};
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Mode, Packet};

/// Bits of a state's flags that tell the mode.
const MODE: u8 = 3;

/// The trick.
#[derive(Debug)]
pub(super) struct LieSubscription;

impl Trick for LieSubscription {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        for (_, state) in claims::states(packet) {
            let mode = if state.flags & MODE == Mode::Hold as u8 {
                Mode::Follow
            } else {
                Mode::Hold
            };
            state.flags = state.flags & !MODE | mode as u8;
            stage.done();
        }
        true
    }
}
