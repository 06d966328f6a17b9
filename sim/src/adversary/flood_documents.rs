//! `flood-documents`: writes comments as fast as it may, and pushes them to all
//! its neighbours at once. Each is well signed.

use super::Trick;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::message::{Message, Push};
use rand::RngExt;

/// Length of a body, bytes.
const BODY: usize = 64;

/// The trick.
#[derive(Debug)]
pub(super) struct FloodDocuments;

impl Trick for FloodDocuments {
    fn act(&mut self, stage: &mut Stage) {
        let relations = stage.relations();
        let mut body = [0; BODY];
        stage.rng.fill(&mut body);
        let mut networks: Vec<_> = relations.iter().map(|(_, tag)| *tag).collect();
        networks.sort_unstable();
        networks.dedup();
        if networks.is_empty() {
            return;
        }
        let tag = networks[stage.rng.random_range(0..networks.len())];
        let Some(document) = stage.write(&[tag], &[], Bytes::copy_from_slice(&body)) else {
            return;
        };
        for (channel, _) in relations.iter().filter(|(_, network)| *network == tag) {
            push(stage, *channel, tag, &document);
        }
    }
}

/// Pushes a document through a network.
pub(super) fn push(
    stage: &mut Stage,
    channel: cliqueclique_core::ChannelId,
    via: cliqueclique_core::Tag,
    document: &Document,
) {
    let push = Push {
        via,
        edge: None,
        fresh: true,
        document: document.bytes().clone(),
    };
    stage.say(channel, Message::Push(Box::new(push)));
    stage.done();
}
