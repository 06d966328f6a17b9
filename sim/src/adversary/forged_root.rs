//! `forged-root`: makes itself overlay root of all networks, by the highest claim
//! that there can be: the last generation of the founder's line, well signed.

use super::stage::Stage;
use super::{Trick, claims, proof};
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Message, Packet};

/// The trick.
#[derive(Debug)]
pub(super) struct ForgedRoot;

impl ForgedRoot {
    /// Its roots are the same wherever it names them.
    fn name(&self, stage: &mut Stage, packet: &mut Packet) {
        let Packet::Frame(frame) = packet else { return };
        for message in &mut frame.messages {
            if let Message::Root(tag, short, _) = message
                && let Some(document) = stage.documents.get(tag)
            {
                *short = proof::short(&*stage.suite, &claims::best(stage, document, u32::MAX));
                stage.done();
            }
        }
    }
}

impl Trick for ForgedRoot {
    fn leaving(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        for (tag, state) in claims::states(packet) {
            let Some(document) = tag.and_then(|tag| stage.documents.get(&tag)) else {
                continue;
            };
            let claim = claims::best(stage, document, u32::MAX);
            claims::crown(state, claim);
            stage.done();
        }
        self.name(stage, packet);
        true
    }
}
