//! `two-faced`: tells one half of its neighbours another state than the other
//! half: another root, another mode.

use super::stage::Stage;
use super::{Trick, claims};
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Mode, Packet};

/// Generations of the two claims; any two that differ would do.
const CLAIMS: [u32; 2] = [1_000, 2_000];
/// Bits of a state's flags that tell the mode.
const MODE: u8 = 3;

/// The trick.
#[derive(Debug)]
pub(super) struct TwoFaced;

impl Trick for TwoFaced {
    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let peer = stage.lines.get(&to).and_then(|line| line.peer);
        let face = peer.map_or(0, |peer| usize::from(peer.0[0] & 1));
        for (tag, state) in claims::states(packet) {
            let Some(document) = tag.and_then(|tag| stage.documents.get(&tag)) else {
                continue;
            };
            let claim = claims::best(stage, document, CLAIMS[face]);
            claims::crown(state, claim);
            let mode = [Mode::Hold, Mode::Follow][face];
            state.flags = state.flags & !MODE | mode as u8;
            stage.done();
        }
        true
    }
}
