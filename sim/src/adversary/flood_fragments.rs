//! `flood-fragments`: begins large messages, a byte at a time, and finishes none.

use super::Trick;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::message::{Fragment, Message};

/// Length that each message claims to have, bytes.
const TOTAL: u32 = 100_000;
/// Messages begun on each link.
const TRANSFERS: u32 = 16;
/// Fragments of one message each time.
const PIECES: u32 = 32;

/// The trick.
#[derive(Debug, Default)]
pub(super) struct FloodFragments {
    offset: u32,
}

impl Trick for FloodFragments {
    fn act(&mut self, stage: &mut Stage) {
        for channel in stage.channels() {
            for transfer in 0..TRANSFERS {
                for piece in 0..PIECES {
                    let fragment = Fragment {
                        transfer: 1_000_000 + transfer,
                        offset: (self.offset + piece * 2) % (TOTAL - 2),
                        total: TOTAL,
                        bytes: Bytes::from_static(b"x"),
                    };
                    stage.say(channel, Message::Fragment(fragment));
                }
            }
            stage.done();
        }
        self.offset += PIECES * 2;
    }
}
