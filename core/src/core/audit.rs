//! Both ends of a link must agree in which networks they are neighbours (PROTOCOL.md,
//! *Audit*).
//!
//! Most relations are never spoken of: a comment's network inherits those of its
//! parent's. Where a comment came late, an old backup came back, or messages
//! crossed, one end may count on the other in vain. So a keep-alive on a link whose
//! relations changed carries the digest of all of them, and a difference is
//! narrowed down and settled. An unchanged link pays nothing.

use super::Core;
use crate::id::Tag;
use crate::link::LinkId;
use crate::message::{CloseReason, Message, Purpose, Range, RangeContent};
use crate::overlay::neighbor::UNRESOLVED;
use crate::reconcile;
use crate::violation::Violation;

impl Core {
    /// Sends the digest of the relations, if they changed since the last time.
    pub(super) fn audit(&mut self, link_id: LinkId) -> bool {
        let changed = self
            .links
            .get_mut(&link_id)
            .and_then(crate::link::Link::take_audit);
        if let Some(digest) = changed {
            let whole = Range {
                from: Tag([0; 8]),
                content: RangeContent::Digest(digest),
            };
            self.say(link_id, Message::Audit(vec![whole]));
        }
        changed.is_some()
    }

    /// The peer tells what it takes for our common networks.
    pub(super) fn on_audit(&mut self, link_id: LinkId, ranges: &[Range]) {
        let longest = self.longest_keep_alive();
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if let [
            Range {
                content: RangeContent::Digest(theirs),
                ..
            },
        ] = ranges
        {
            link.stretch_keep_alive(longest);
            if *theirs == link.relations() {
                link.agree();
                return;
            }
        }
        if link.cold > 0 {
            // What is cold cannot be compared; the next keep-alive tries again.
            link.doubt(self.now + self.config.audit_delay);
            return self.recall(link_id);
        }
        let ours: Vec<Tag> = link.documents.iter().copied().collect();
        let Some(step) = reconcile::step(&ours, ranges) else {
            self.violation(link_id, Violation::BadReconcile);
            return;
        };
        if !step.reply.is_empty() {
            self.say(link_id, Message::Audit(step.reply));
        }
        step.missing
            .into_iter()
            .for_each(|tag| self.on_missed_relation(link_id, tag));
        step.extra
            .into_iter()
            .for_each(|tag| self.confirm(tag, link_id));
    }

    /// The peer takes us for a neighbour, we do not.
    fn on_missed_relation(&mut self, link: LinkId, tag: Tag) {
        let Some(node) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let asked = self.has_right(tag, link)
            && self.has_room(tag, link)
            && self.try_open(tag, node, Purpose::Neighbor, None);
        if !asked {
            self.say(link, Message::Close(tag, CloseReason::Surplus));
        }
    }

    /// Tells our state once more: whoever is no neighbour will say so, or become one.
    pub(super) fn confirm(&mut self, tag: Tag, link: LinkId) {
        if let Some(overlay) = self.overlays.get_mut(&tag)
            && let Some(neighbor) = overlay.neighbor_mut(link)
        {
            neighbor.sent = 0;
            self.touch(tag);
        }
    }

    /// As [`Self::confirm`], and wants the neighbour's state in return.
    pub(super) fn ask_state(&mut self, tag: Tag, link: LinkId) {
        if let Some(neighbor) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.neighbor_mut(link))
        {
            neighbor.flags |= UNRESOLVED;
        }
        self.confirm(tag, link);
    }

    /// The two ends of a link may differ about a network: see before long.
    pub(super) fn doubt(&mut self, link_id: LinkId) {
        if let Some(link) = self.links.get_mut(&link_id) {
            link.doubt(self.now + self.config.audit_delay);
            self.active_links.insert(link_id);
        }
    }
}
