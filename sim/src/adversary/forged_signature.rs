//! `forged-signature`: claims in the name of other nodes, documents in the name
//! of their authors, all with signatures that nobody made.

use super::Trick;
use super::proof;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::message::{Claim, Message, Mode, Push, Rank, RootRef, State};

/// The trick.
#[derive(Debug)]
pub(super) struct ForgedSignature;

impl Trick for ForgedSignature {
    fn act(&mut self, stage: &mut Stage) {
        for (channel, tag) in stage.relations() {
            let Some(key) = stage.lines.get(&channel).and_then(|line| line.key) else {
                continue;
            };
            let claim = Claim {
                rank: Rank::Subscriber,
                key,
                succeeds: None,
                sequence: u64::MAX,
                signature: proof::unsigned(),
            };
            let state = State {
                flags: Mode::Follow as u8,
                distance: 1,
                root: RootRef::Full(Box::new(claim)),
            };
            stage.say(channel, Message::State(tag, state));
            stage.done();
            let forged = stage.comment_of(tag).map(|comment| {
                let mut bytes = comment.bytes().to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                Bytes::from(bytes)
            });
            if let Some(document) = forged {
                let push = Push {
                    via: tag,
                    edge: None,
                    fresh: true,
                    document,
                };
                stage.say(channel, Message::Push(Box::new(push)));
                stage.done();
            }
        }
    }
}
