//! `withhold-acks`: never acknowledges anything, so that its peers send all again
//! until they take the link for dead.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;

/// The trick.
#[derive(Debug)]
pub(super) struct WithholdAcks;

impl Trick for WithholdAcks {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        if !frame.acks.is_empty() {
            frame.acks.clear();
            stage.done();
        }
        !frame.messages.is_empty()
    }
}
