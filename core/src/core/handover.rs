//! Handing over what a user wrote (PROTOCOL.md, *Hand over*).
//!
//! Who subscribes where its comment belongs pushes it, and is asked for it. Who does not
//! offers it to a subscriber there until somebody has it: to a neighbour that subscribes,
//! or to one to which it is guided along the path to the overlay root.

use super::Core;
use crate::id::{NodeId, Tag};
use crate::link::{LinkId, QueuedBody};
use crate::message::{Message, Purpose, Rank, Ticket};
use crate::overlay::Overlay;

/// So often an own comment is offered before the network in which it is offered may be left:
/// at least a minute. Guess.
const OFFER_TRIES: u32 = 12;
/// Peers asked for the way to a subscriber between two offers: a longer path takes more offers.
/// Guess.
const MAX_GUIDES: usize = 32;

impl Core {
    /// Nobody here wants the document, and no own comment on it waits for somebody who takes
    /// it (rule *Hand over*), or it has waited for long.
    pub(super) fn can_leave(&self, overlay: &Overlay) -> bool {
        let tries = |comment: &Overlay| comment.activity.as_ref().map_or(0, |a| a.offer.tries);
        let waits = |comment: &Tag| {
            let comment = self.overlays.get(comment).filter(|o| o.wishes.authored);
            comment.is_some_and(|comment| tries(comment) < OFFER_TRIES)
        };
        !overlay.wanted() && !overlay.comments.tags().iter().any(waits)
    }

    /// Rule *Hand over*: who does not subscribe where its comment belongs is not asked for
    /// it by anybody, so it offers it until a neighbour has it. Where no neighbour subscribes it
    /// looks for one that does.
    pub(super) fn offer_again(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let pushed = |parent: &Tag| self.overlays.get(parent).is_some_and(|o| !o.subscribes());
        let parents = overlay.parents.iter().map(|(parent, _)| *parent);
        let parents: Vec<Tag> = parents.filter(pushed).collect();
        if !overlay.to_offer(self.id) || parents.is_empty() {
            return self.rest(tag, |a| &mut a.offer);
        }
        let first = overlay.activity.as_ref().is_none_or(|a| a.offer.tries == 0);
        for via in &parents {
            // It was dropped from the set there when this node stopped to subscribe.
            if let Some(overlay) = self.overlays.get_mut(via) {
                overlay.comments.insert(tag);
            }
        }
        if !self.due(tag, u32::MAX, |a| &mut a.offer) || first {
            return;
        }
        for via in parents {
            // It may be left after so many offers.
            self.touch(via);
            let links: Vec<LinkId> = self.overlays.get(&via).map_or(Vec::new(), |overlay| {
                overlay.subscribers().map(|n| n.link).collect()
            });
            let at = self.draw(tag, links.len());
            if let Some(&link) = links.get(at) {
                self.hand(link, via, tag);
            } else {
                self.find_subscriber(tag, via);
            }
        }
    }

    /// A subscriber became a neighbour where own comments wait for one; it may not stay for long.
    pub(super) fn offer_soon(&mut self, via: Tag) {
        let comments = self.overlays.get(&via).map(|o| o.comments.tags().to_vec());
        for comment in comments.unwrap_or_default() {
            let overlay = self.overlays.get_mut(&comment);
            let waits = overlay.filter(|overlay| overlay.to_offer(self.id));
            if let Some(activity) = waits.and_then(|overlay| overlay.activity.as_mut()) {
                activity.offer.next = activity.offer.next.map(|_| self.now);
                self.touch(comment);
            }
        }
    }

    /// Looks for a subscriber of `via`, to whom the comment can be handed over, in the ways of
    /// rule *Climb*.
    fn find_subscriber(&mut self, comment: Tag, via: Tag) {
        let activity = self
            .overlays
            .get(&comment)
            .and_then(|o| o.activity.as_ref());
        let odd = activity.is_some_and(|activity| activity.offer.tries % 2 == 1);
        let rank = self.overlays.get(&via).map(|o| o.election.root.key.rank);
        if !rank.is_some_and(Rank::subscribes) {
            // The overlay root subscribes, if anybody does.
            return;
        }
        if let Some(link) = odd.then(|| self.follower_above(via)).flatten() {
            return self.hand(link, via, comment);
        }
        if let Some(overlay) = self.overlays.get_mut(&comment) {
            overlay.activity().guides.clear();
        }
        let upstream = self.overlays.get(&via).and_then(|o| o.election.upstream);
        if let Some(link) = upstream {
            self.approach(via, link, Purpose::Guide);
        }
    }

    /// Gives a subscriber of `via` an own comment.
    fn hand(&mut self, link: LinkId, via: Tag, comment: Tag) {
        // What has comments already is not new: who takes it is to ask for them.
        let overlay = self.overlays.get(&comment);
        let fresh = overlay.is_some_and(|overlay| overlay.comments.digest().count == 0);
        let body = QueuedBody {
            via,
            document: comment,
            fresh,
        };
        self.offer(link, body, None);
    }

    /// Own comments that wait for a subscriber of `via`.
    fn waiting(&self, via: Tag) -> Vec<Tag> {
        let Some(overlay) = self.overlays.get(&via).filter(|o| !o.subscribes()) else {
            return Vec::new();
        };
        let offered = |comment: &Tag| {
            let comment = self.overlays.get(comment);
            comment.is_some_and(|comment| comment.to_offer(self.id))
        };
        let comments = overlay.comments.tags().iter().copied();
        comments.filter(offered).collect()
    }

    /// We are introduced to a subscriber of `via`, or to somebody nearer to one, and have a
    /// comment to hand over: no place in the network is needed for that.
    pub(super) fn follow_guide(
        &mut self,
        via: Tag,
        peer: NodeId,
        purpose: Purpose,
        ticket: Ticket,
    ) -> bool {
        if self.waiting(via).is_empty() {
            return false;
        }
        match self.linked.get(&peer).copied() {
            Some(link) => {
                if purpose == Purpose::Guide {
                    self.show_id(via, peer, link);
                }
                self.approach(via, link, purpose);
            }
            None => {
                self.try_open(via, peer, purpose, Some(ticket));
            }
        }
        true
    }

    /// True if the peer was asked for the way to a subscriber of `via`.
    pub(super) fn is_guide(&self, via: Tag, link: LinkId) -> bool {
        self.waiting(via).iter().any(|comment| {
            let activity = self.overlays.get(comment).and_then(|o| o.activity.as_ref());
            activity.is_some_and(|activity| activity.guides.contains(&link))
        })
    }

    /// The link to a subscriber, or to a guide, stands.
    pub(super) fn approach(&mut self, via: Tag, link: LinkId, purpose: Purpose) {
        if purpose == Purpose::Subscriber {
            for comment in self.waiting(via) {
                self.hand(link, via, comment);
            }
            return;
        }
        let Some(&comment) = self.waiting(via).first() else {
            return;
        };
        let Some(overlay) = self.overlays.get_mut(&comment) else {
            return;
        };
        let guides = &mut overlay.activity().guides;
        if !guides.contains(&link) && guides.len() < MAX_GUIDES {
            guides.push(link);
            self.say(link, Message::Seek(via, Purpose::Subscriber));
        }
    }

    /// Rule *Hand over*: a peer that gets every comment of a parent document says that it has
    /// not got this one. Those who had it for the others may have lost it since.
    pub(super) fn offer_to_relative(&mut self, tag: Tag, link: LinkId) {
        let Some(overlay) = self.overlays.get(&tag).filter(|overlay| overlay.active()) else {
            return;
        };
        let takes = |parent: &Tag| {
            let parent = self.overlays.get(parent);
            parent
                .and_then(|parent| parent.neighbor(link))
                .is_some_and(|neighbor| neighbor.mode.subscribes())
        };
        let mut parents = overlay.parents.iter().map(|(parent, _)| *parent);
        if let Some(via) = parents.find(takes) {
            self.queue_body(link, via, tag);
        }
    }

    /// Rule *Hand over*: a neighbour has acknowledged the document.
    pub(super) fn hand_over(&mut self, tag: Tag) {
        if let Some(overlay) = self.overlays.get_mut(&tag)
            && overlay.wishes.authored
            && !overlay.parents.is_empty()
        {
            overlay.wishes.authored = false;
            let parents = overlay.parents.clone();
            self.unsaved(tag);
            self.touch(tag);
            parents
                .into_iter()
                .for_each(|(parent, _)| self.touch(parent));
        }
    }
}
