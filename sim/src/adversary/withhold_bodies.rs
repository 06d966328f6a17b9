//! `withhold-bodies`: takes all comments, acknowledges them, and passes none on,
//! neither by push nor when asked. All else it does as it should.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Message, Packet};

/// The trick.
#[derive(Debug)]
pub(super) struct WithholdBodies;

impl Trick for WithholdBodies {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            // Ping keeps the frame numbered, so that it is acknowledged.
            if matches!(message, Message::Push(_) | Message::Fragment(_)) {
                *message = Message::Ping;
                stage.done();
            }
        }
        true
    }
}
