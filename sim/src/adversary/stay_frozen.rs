//! `stay-frozen`: is frozen in all networks and never done, so that whoever
//! waits for it waits in vain.

use super::stage::Stage;
use super::{Trick, claims};
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Packet, STATE_DONE, STATE_FROZEN};

/// The trick.
#[derive(Debug)]
pub(super) struct StayFrozen;

impl Trick for StayFrozen {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        for (_, state) in claims::states(packet) {
            state.flags = state.flags & !STATE_DONE | STATE_FROZEN;
            stage.done();
        }
        true
    }
}
