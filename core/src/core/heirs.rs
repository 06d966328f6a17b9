//! Confirming, at the price of one number per digest, that both ends of a relation
//! agree on the networks that inherited it (PROTOCOL.md, *Inherit*).
//!
//! A comment's network is born with the relations of its parent's, and nobody says
//! so. Where a comment came late, or by another way, one end may count on the other
//! in vain. So both keep a short list of what they took for granted, compare its
//! sum when they compare comment sets, and speak up only if it differs.

use super::Core;
use crate::id::Tag;
use crate::link::LinkId;
use crate::message::Message;
use crate::overlay::comments::mix;

/// Most heirs remembered per network. More are taken for confirmed.
const MAX_HEIRS: usize = 256;

impl Core {
    /// Remembers that a peer was taken for a neighbour in a comment's network.
    pub(super) fn note_heir(&mut self, parent: Tag, comment: Tag, link: LinkId) {
        let until = self.now + self.config.lazy_delay * 4 + self.config.request_timeout * 2;
        let Some(overlay) = self.overlays.get_mut(&parent) else {
            return;
        };
        let activity = overlay.activity();
        if activity.heirs.len() < MAX_HEIRS {
            activity.heirs.push((comment, link));
            activity.heirs_until = Some(until);
        }
    }

    /// Forgets those that nobody contested in time.
    pub(super) fn expire_heirs(&mut self, tag: Tag) {
        let now = self.now;
        let Some(activity) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.activity.as_mut())
        else {
            return;
        };
        if activity.heirs_until.is_some_and(|until| until <= now) {
            activity.heirs.clear();
            activity.heirs_told.clear();
            activity.heirs_until = None;
        }
    }

    fn heirs(&self, tag: Tag, link: LinkId) -> Vec<Tag> {
        let Some(activity) = self
            .overlays
            .get(&tag)
            .and_then(|overlay| overlay.activity.as_ref())
        else {
            return Vec::new();
        };
        let stands = |comment: &Tag| {
            self.overlays
                .get(comment)
                .is_some_and(|o| o.neighbor(link).is_some())
        };
        let own = activity
            .heirs
            .iter()
            .filter(|(_, heir)| *heir == link)
            .map(|(comment, _)| *comment);
        own.filter(stands).collect()
    }

    /// Tells the sum, if there is one, before a digest.
    pub(super) fn tell_heirs(&mut self, tag: Tag, link: LinkId) {
        let sum = sum(&self.heirs(tag, link));
        if sum != 0 {
            self.say(link, Message::Heirs(tag, sum));
        }
    }

    /// A neighbour tells its sum; its digest follows.
    pub(super) fn on_heirs(&mut self, link: LinkId, tag: Tag, sum: u64) {
        let until = self.now + self.config.request_timeout;
        let Some(overlay) = self
            .overlays
            .get_mut(&tag)
            .filter(|o| o.neighbor(link).is_some())
        else {
            return;
        };
        let activity = overlay.activity();
        activity.heirs_told.retain(|(told, _)| *told != link);
        activity.heirs_told.push((link, sum));
        activity.heirs_until.get_or_insert(until);
        self.touch(tag);
    }

    /// The comment sets agree: so should the heirs. If not, both ends say what they
    /// took for granted, and the answers settle it.
    pub(super) fn compare_heirs(&mut self, tag: Tag, link: LinkId) {
        let ours = self.heirs(tag, link);
        let Some(activity) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.activity.as_mut())
        else {
            return;
        };
        let at = activity
            .heirs_told
            .iter()
            .position(|(told, _)| *told == link);
        let theirs = at.map_or(0, |at| activity.heirs_told.swap_remove(at).1);
        activity.heirs.retain(|(_, heir)| *heir != link);
        if sum(&ours) == theirs {
            return;
        }
        for comment in ours {
            if let Some(neighbor) = self
                .overlays
                .get_mut(&comment)
                .and_then(|overlay| overlay.neighbor_mut(link))
            {
                neighbor.sent = 0;
                self.touch(comment);
            }
        }
        if theirs != 0 {
            self.tell_digest(tag, link);
        }
    }
}

fn sum(comments: &[Tag]) -> u64 {
    comments
        .iter()
        .fold(0, |sum, comment| sum.wrapping_add(mix(*comment)))
}
