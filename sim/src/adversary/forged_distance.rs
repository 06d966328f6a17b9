//! `forged-distance`: says of every overlay root that it is one hop away, so
//! that trees grow towards the liar.

use super::stage::Stage;
use super::{Trick, claims};
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;

/// The trick.
#[derive(Debug)]
pub(super) struct ForgedDistance;

impl Trick for ForgedDistance {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        for (_, state) in claims::states(packet) {
            if state.distance > 1 {
                state.distance = 1;
                stage.done();
            }
        }
        true
    }
}
