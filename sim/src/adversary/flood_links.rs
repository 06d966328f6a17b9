//! `flood-links`: attaches documents below each other by link documents, as many
//! as a document may name, again and again.

use super::Trick;
use super::flood_documents::push;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::config::MAX_RELATIVES;
use cliqueclique_core::id::Tag;
use rand::RngExt;

/// The trick.
#[derive(Debug)]
pub(super) struct FloodLinks;

impl Trick for FloodLinks {
    fn act(&mut self, stage: &mut Stage) {
        let mut known: Vec<Tag> = stage.documents.keys().copied().collect();
        let relations = stage.relations();
        if known.len() < 2 || relations.is_empty() {
            return;
        }
        let via = relations[stage.rng.random_range(0..relations.len())].1;
        known.retain(|tag| *tag != via);
        let mut children = Vec::new();
        while children.len() < MAX_RELATIVES && !known.is_empty() {
            children.push(known.swap_remove(stage.rng.random_range(0..known.len())));
        }
        let mark = stage.rng.random::<u64>().to_le_bytes();
        let body = Bytes::copy_from_slice(&mark);
        let Some(document) = stage.write(&[via], &children, body) else {
            return;
        };
        for (channel, _) in relations.iter().filter(|(_, network)| *network == via) {
            push(stage, *channel, via, &document);
        }
    }
}
