//! `forged-sequence`: claims to be root of the networks that it is in, and each
//! time that it acts with a higher generation than before, so that all labels
//! change again and again.

use super::stage::Stage;
use super::{Trick, claims};
use cliqueclique_core::message::{Message, Mode};

/// The trick.
#[derive(Debug, Default)]
pub(super) struct ForgedSequence {
    generation: u32,
}

impl Trick for ForgedSequence {
    fn act(&mut self, stage: &mut Stage) {
        self.generation += 1;
        for (channel, tag) in stage.relations() {
            let Some(document) = stage.documents.get(&tag).cloned() else {
                continue;
            };
            let claim = claims::best(stage, &document, self.generation);
            let state = claims::reign(claim, Mode::Follow);
            stage.say(channel, Message::State(tag, state));
            stage.done();
        }
    }
}
