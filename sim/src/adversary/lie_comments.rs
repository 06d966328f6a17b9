//! `lie-comments`: agrees with every set of comments that a peer tells, and finds
//! no difference in any, so that nobody learns from it what is missing.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::{ChannelId, Tag};
use cliqueclique_core::message::{Message, Packet, SetDigest};
use std::collections::BTreeMap;

/// The trick, with the last digest that each peer told.
#[derive(Debug, Default)]
pub(super) struct LieComments {
    told: BTreeMap<(ChannelId, Tag), SetDigest>,
}

impl Trick for LieComments {
    fn coming(&mut self, stage: &mut Stage, from: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &frame.messages {
            if let Message::Digest(tag, digest) = message {
                self.told.insert((from, *tag), *digest);
                stage.say(from, Message::Digest(*tag, *digest));
                stage.done();
            }
        }
        true
    }

    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            let lie = match message {
                Message::Digest(tag, _) => self
                    .told
                    .get(&(to, *tag))
                    .map(|&digest| Message::Digest(*tag, digest)),
                Message::Reconcile(..) => Some(Message::Ping),
                _ => None,
            };
            if let Some(lie) = lie {
                *message = lie;
                stage.done();
            }
        }
        true
    }
}
