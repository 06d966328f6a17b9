//! After a restart, both ends of a link compare what they remember (PROTOCOL.md,
//! *Remember*).
//!
//! A node that restarts reads back what its records say, which may be older than what
//! it told and heard since. Telling all again would cost a state for every common
//! document. So the two compare one fingerprint for each relation, over what either
//! holds for the state of each, by ranges of sorted fingerprints; only where those
//! differ are states told again. Peers that remember the same pay two small messages.

use super::Core;
use crate::id::Tag;
use crate::link::{Link, LinkId};
use crate::message::{Message, Range, RangeContent, SetDigest};
use crate::overlay::comments::{digest_of, mix};
use crate::overlay::{Neighbor, Overlay};
use crate::reconcile;
use crate::violation::Violation;

/// Comparisons that one end begins on a connection: another follows where states had to
/// be told, since one message names a bounded number of differences. Guess.
const MAX_COMPARISONS: u8 = 16;

impl Core {
    /// Begins to compare what both ends of a link remember.
    pub(super) fn compare_memories(&mut self, link_id: LinkId) {
        let items = self.memories(link_id);
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        link.comparison.at = None;
        if link.comparison.begun >= MAX_COMPARISONS {
            return;
        }
        link.comparison.begun += 1;
        let digest = whole(link, &items);
        link.comparison.items = Some(items);
        let range = Range {
            from: Tag([0; 8]),
            content: RangeContent::Digest(digest),
        };
        self.say(link_id, Message::Compare(vec![range]));
    }

    /// One fingerprint for each relation of a link in a network that is in memory, with
    /// the network's tag; sorted.
    fn memories(&self, link_id: LinkId) -> Vec<(Tag, Tag)> {
        let Some(link) = self.links.get(&link_id) else {
            return Vec::new();
        };
        let item = |tag: &Tag| {
            let overlay = self.overlays.get(tag)?;
            let neighbor = overlay.neighbor(link_id)?;
            Some((
                fingerprint(*tag, overlay, neighbor, self.id < link.node),
                *tag,
            ))
        };
        let mut items: Vec<(Tag, Tag)> = link.documents.iter().filter_map(item).collect();
        items.sort_unstable();
        items
    }

    /// The fingerprint of one relation, for when its overlay goes cold.
    pub(super) fn memory_of(&self, overlay: &Overlay, tag: Tag, neighbor: &Neighbor) -> Tag {
        let first = self
            .links
            .get(&neighbor.link)
            .is_some_and(|link| self.id < link.node);
        fingerprint(tag, overlay, neighbor, first)
    }

    /// The peer tells fingerprints of what it remembers.
    pub(super) fn on_compare(&mut self, link_id: LinkId, ranges: &[Range]) {
        let digest = match ranges {
            [
                Range {
                    content: RangeContent::Digest(theirs),
                    ..
                },
            ] => Some(*theirs),
            _ => None,
        };
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if digest.is_some() {
            link.comparison.items = None;
            link.comparison.answered += 1;
        }
        if link.comparison.answered > MAX_COMPARISONS {
            return self.violation(link_id, Violation::Flood);
        }
        let kept = link.comparison.items.take();
        let items = kept.unwrap_or_else(|| self.memories(link_id));
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if digest.is_some_and(|theirs| theirs == whole(link, &items)) {
            return;
        }
        if link.cold > 0 {
            link.comparison.recalled = true;
            return self.recall(link_id);
        }
        self.compare_step(link_id, items, ranges);
    }

    fn compare_step(&mut self, link_id: LinkId, items: Vec<(Tag, Tag)>, ranges: &[Range]) {
        let ours: Vec<Tag> = items.iter().map(|(item, _)| *item).collect();
        let Some(step) = reconcile::step(&ours, ranges) else {
            return self.violation(link_id, Violation::BadReconcile);
        };
        let differs = |item: &Tag| {
            let at = items.partition_point(|(other, _)| other < item);
            items.get(at).filter(|(other, _)| other == item)
        };
        let tags: Vec<Tag> = step.extra.iter().filter_map(differs).map(|i| i.1).collect();
        let again = !tags.is_empty();
        tags.into_iter().for_each(|tag| self.recount(tag, link_id));
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if again {
            let at = self.now + self.config.audit_delay;
            link.comparison.at.get_or_insert(at);
            self.active_links.insert(link_id);
        }
        if !step.reply.is_empty() {
            link.comparison.items = Some(items);
            self.say(link_id, Message::Compare(step.reply));
        }
    }

    /// The two ends remember a relation differently: both tell their states.
    fn recount(&mut self, tag: Tag, link: LinkId) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let subscribes = overlay.subscribes();
        let Some(neighbor) = overlay.neighbor(link) else {
            return;
        };
        // Also of an empty set: it may be ours alone that lacks something.
        let compares = subscribes && neighbor.mode.subscribes();
        self.ask_state(tag, link);
        if compares {
            self.tell_digest(tag, link);
        }
    }

    /// Asks for the cold overlays of a link, once.
    pub(super) fn recall(&mut self, link_id: LinkId) {
        if let Some(link) = self.links.get_mut(&link_id)
            && !std::mem::replace(&mut link.recalling, true)
        {
            let node = link.node;
            self.ask_records(node);
        }
    }
}

/// Digest over hot and cold relations.
fn whole(link: &Link, items: &[(Tag, Tag)]) -> SetDigest {
    let hot: Vec<Tag> = items.iter().map(|(item, _)| *item).collect();
    let hot = digest_of(&hot);
    let cold = link.comparison.cold;
    SetDigest {
        count: hot.count.wrapping_add(cold.count),
        sum: hot.sum.wrapping_add(cold.sum),
    }
}

/// Fingerprint of what one end holds for both states of a relation; `first` if that
/// end has the smaller id. Where both subscribe, their comment sets must be the same.
fn fingerprint(tag: Tag, overlay: &Overlay, neighbor: &Neighbor, first: bool) -> Tag {
    let (own, theirs) = (overlay.told(neighbor), neighbor.heard_word());
    let (lower, upper) = if first { (own, theirs) } else { (theirs, own) };
    let set = if overlay.subscribes() && neighbor.mode.subscribes() {
        overlay.comments.digest()
    } else {
        SetDigest::default()
    };
    let fold = |x: u64, word: u64| mix(Tag((x ^ word).to_le_bytes()));
    let words = [lower, upper, set.sum, u64::from(set.count)];
    let x = words.into_iter().fold(mix(tag), fold);
    Tag(x.to_le_bytes())
}
