//! `flood-introductions`: introduces nodes that do not exist, at addresses where
//! nobody is and at those of others, for every purpose. The tickets are its own.

use super::Trick;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::id::{Address, ChannelId, NodeId, Tag};
use cliqueclique_core::message::{Introduction, Message, Purpose};
use rand::RngExt;

const PURPOSES: [Purpose; 5] = [
    Purpose::Neighbor,
    Purpose::Subscriber,
    Purpose::Bridge,
    Purpose::Acquaintance,
    Purpose::Heal,
];

/// Introductions each time that it acts.
const AT_ONCE: usize = 32;

/// The trick.
#[derive(Debug)]
pub(super) struct FloodIntroductions;

impl Trick for FloodIntroductions {
    fn act(&mut self, stage: &mut Stage) {
        for (channel, tag) in stage.some_relations(AT_ONCE) {
            let peer = NodeId(stage.rng.random());
            let address = match stage.ring.any_address(&mut stage.rng) {
                Some(address) if stage.rng.random() => address,
                _ => Address(Bytes::copy_from_slice(&stage.rng.random::<[u8; 8]>())),
            };
            let purpose = PURPOSES[stage.rng.random_range(0..PURPOSES.len())];
            introduce(stage, channel, tag, (peer, address), purpose);
        }
    }
}

/// Introduces somebody to the peer on a channel, with a ticket of one's own.
pub(super) fn introduce(
    stage: &mut Stage,
    channel: ChannelId,
    tag: Tag,
    (peer, address): (NodeId, Address),
    purpose: Purpose,
) {
    let receiver = stage.lines.get(&channel).and_then(|line| line.peer);
    let document = stage.documents.get(&tag).cloned();
    let (Some(receiver), Some(document)) = (receiver, document) else {
        return;
    };
    let ticket = stage.ticket((receiver, peer), &document.id(), purpose == Purpose::Bridge);
    let introduction = Introduction {
        peer,
        address,
        ticket: Some(ticket),
        purpose,
    };
    stage.say(channel, Message::Introduce(tag, Box::new(introduction)));
    stage.done();
}
