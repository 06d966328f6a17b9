//! `forged-distance`: says of every overlay root that it is one hop away, so
//! that trees grow towards the liar.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Message, Packet, State};

/// The trick.
#[derive(Debug)]
pub(super) struct ForgedDistance;

impl Trick for ForgedDistance {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            if let Some(state) = state_of(message)
                && state.distance > 1
            {
                state.distance = 1;
                stage.done();
            }
        }
        true
    }
}

/// The state that a message tells.
pub(super) fn state_of(message: &mut Message) -> Option<&mut State> {
    match message {
        Message::State(_, state) => Some(state),
        Message::Open(_, open) => Some(&mut open.state),
        Message::Push(push) => push.edge.as_mut(),
        _ => None,
    }
}
