//! `probe-names`: asks its peers about documents that it does not share with
//! them, by names that its fellows know, to learn from their answers what they hold.

use super::stage::Stage;
use super::{Trick, claims, proof};
use cliqueclique_core::id::{ChannelId, Tag};
use cliqueclique_core::message::{
    Claim, Message, Mode, Open, Purpose, Range, RangeContent, Rank, SetDigest, State,
};
use rand::RngExt;

/// The trick.
#[derive(Debug)]
pub(super) struct ProbeNames;

impl Trick for ProbeNames {
    fn act(&mut self, stage: &mut Stage) {
        let own = &stage.documents;
        let mut foreign: Vec<Tag> = stage.ring.tags();
        foreign.retain(|tag| !own.contains_key(tag));
        if foreign.is_empty() {
            return;
        }
        for channel in stage.channels() {
            let tag = foreign[stage.rng.random_range(0..foreign.len())];
            probe(stage, channel, tag);
        }
    }
}

/// Asks all that can be asked about a network without being in it.
fn probe(stage: &mut Stage, channel: ChannelId, tag: Tag) {
    let digest = SetDigest {
        count: 1,
        sum: stage.rng.random(),
    };
    let range = Range {
        from: Tag([0; 8]),
        content: RangeContent::Digest(digest),
    };
    let open = Open {
        proof: stage.rng.random(),
        state: state(stage),
        ticket: None,
        heal: stage.rng.random(),
    };
    let questions = [
        Message::State(tag, state(stage)),
        Message::Open(tag, Box::new(open)),
        Message::Want(tag, vec![tag]),
        Message::Seek(tag, Purpose::Neighbor),
        Message::Digest(tag, digest),
        Message::Reconcile(tag, vec![range]),
        Message::Root(tag, stage.rng.random(), stage.rng.random()),
    ];
    let question = stage.rng.random_range(0..questions.len());
    stage.say(channel, questions[question].clone());
    stage.done();
}

fn state(stage: &Stage) -> State {
    let claim = Claim {
        rank: Rank::Subscriber,
        key: stage.key,
        succeeds: None,
        sequence: 1,
        signature: proof::unsigned(),
    };
    claims::reign(claim, Mode::Follow)
}
