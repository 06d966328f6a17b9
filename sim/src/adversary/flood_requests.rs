//! `flood-requests`: asks for all that can be asked for, again and again.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::config::MAX_TAGS;
use cliqueclique_core::id::{ChannelId, Tag};
use cliqueclique_core::message::{Message, Purpose, Range, RangeContent, SetDigest};
use rand::RngExt;

/// Networks about which it asks each time that it acts.
const AT_ONCE: usize = 32;

/// The trick.
#[derive(Debug)]
pub(super) struct FloodRequests;

impl Trick for FloodRequests {
    fn act(&mut self, stage: &mut Stage) {
        let relations = stage.some_relations(AT_ONCE);
        for &(channel, tag) in &relations {
            for message in about(stage, tag) {
                stage.say(channel, message);
                stage.done();
            }
        }
        let mut channels: Vec<ChannelId> = relations.iter().map(|(channel, _)| *channel).collect();
        channels.dedup();
        for channel in channels {
            let lie: u64 = stage.rng.random();
            stage.say(channel, Message::Audit(everything(lie)));
            stage.say(channel, Message::Compare(everything(lie)));
            stage.done();
        }
    }
}

/// All requests about one network.
fn about(stage: &mut Stage, tag: Tag) -> Vec<Message> {
    let short: [u8; 4] = stage.rng.random();
    let lie: u64 = stage.rng.random();
    let unknown: Vec<Tag> = (0..MAX_TAGS).map(|_| Tag(stage.rng.random())).collect();
    vec![
        Message::Seek(tag, Purpose::Neighbor),
        Message::Seek(tag, Purpose::Subscriber),
        Message::Seek(tag, Purpose::Acquaintance),
        Message::Seek(tag, Purpose::Heal),
        Message::Want(tag, vec![tag]),
        Message::Want(tag, unknown),
        Message::Digest(tag, digest(lie)),
        Message::Reconcile(tag, everything(lie)),
        Message::Root(tag, short, false),
    ]
}

fn digest(sum: u64) -> SetDigest {
    SetDigest { count: 7, sum }
}

fn everything(sum: u64) -> Vec<Range> {
    vec![Range {
        from: Tag([0; 8]),
        content: RangeContent::Digest(digest(sum)),
    }]
}
