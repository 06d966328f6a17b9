//! Comment sets: lazy push by digest, and range-based reconciliation of what
//! differs (PROTOCOL.md, *Lazy push*, *Reconcile*; Meyer 2022, "Range-Based Set
//! Reconciliation"). Costs grow with the difference, not with the set.

use super::Core;
use crate::config::MAX_TAGS;
use crate::id::Tag;
use crate::link::LinkId;
use crate::message::{CloseReason, Message, Purpose, Range, RangeContent, SetDigest};
use crate::overlay::Neighbor;
use crate::overlay::activity::Comparison;
use crate::reconcile::{self, Step};
use crate::time::{Time, WallTime};
use crate::violation::Violation;
use std::time::Duration;

impl Core {
    /// When a change of the comment set is told to neighbours off the tree: after
    /// `lazy_delay` and up to as much again, so that most find that they agree.
    pub(super) fn lazy_time(&mut self, tag: Tag) -> Time {
        let spread = self.draw(tag, 1_000);
        self.now
            + self.config.lazy_delay
            + self.config.lazy_delay * u32::try_from(spread).unwrap_or(0) / 1_000
    }

    /// Tells one neighbour the digest of our comment set.
    pub(super) fn tell_digest(&mut self, tag: Tag, link: LinkId) {
        if let Some(digest) = self
            .overlays
            .get(&tag)
            .map(|overlay| overlay.comments.digest())
        {
            self.say(link, Message::Digest(tag, digest));
        }
    }

    /// Tells all subscribing neighbours.
    pub(super) fn tell_digest_to_subscribers(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let links: Vec<LinkId> = overlay.subscribers().map(|n| n.link).collect();
        links
            .into_iter()
            .for_each(|link| self.tell_digest(tag, link));
    }

    /// Rule *Lazy push*.
    pub(super) fn announce_due(&mut self, tag: Tag) {
        let now = self.now;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let Some(activity) = overlay
            .activity
            .as_mut()
            .filter(|a| a.lazy.is_some_and(|at| at <= now))
        else {
            return;
        };
        activity.lazy = None;
        let agreed = std::mem::take(&mut activity.agreed);
        let attaches = std::mem::take(&mut activity.astray) || !overlay.children.is_empty();
        let told = |link: &LinkId| !agreed.contains(link);
        let others = overlay
            .subscribers()
            .filter(|n| attaches || !overlay.on_tree(n));
        let links: Vec<LinkId> = others.map(|n| n.link).filter(told).collect();
        links
            .into_iter()
            .for_each(|link| self.tell_digest(tag, link));
    }

    /// A comment did not come by the tree: those below us have not got it either.
    pub(super) fn announce_astray(&mut self, tag: Tag) {
        let lazy = self.lazy_time(tag);
        let Some(overlay) = self
            .overlays
            .get_mut(&tag)
            .filter(|overlay| overlay.subscribes())
        else {
            return;
        };
        let activity = overlay.activity();
        activity.astray = true;
        activity.lazy = Some(lazy);
        activity.agreed.clear();
        self.touch(tag);
    }

    /// A neighbour tells its digest.
    pub(super) fn on_digest(&mut self, link: LinkId, tag: Tag, theirs: SetDigest) {
        let delay = self.config.reconcile_delay;
        let now = self.now;
        let Some(overlay) = self
            .overlays
            .get_mut(&tag)
            .filter(|o| o.subscribes() && o.neighbor(link).is_some())
        else {
            return;
        };
        let ours = overlay.comments.digest();
        if ours == theirs {
            overlay.caught_up = true;
            if let Some(activity) = &mut overlay.activity {
                activity
                    .comparisons
                    .retain(|comparison| comparison.link != link);
                activity.agreed.push(link);
            }
            return;
        }
        let at = if ours.count == 0 { now } else { now + delay };
        let comparisons = &mut overlay.activity().comparisons;
        let old = comparisons.iter().find(|old| old.link == link);
        let since = old.map_or(now, |old| old.since);
        comparisons.retain(|comparison| comparison.link != link);
        comparisons.push(Comparison {
            link,
            theirs,
            at,
            since,
        });
        self.touch(tag);
    }

    /// Looks into differences that have lasted.
    pub(super) fn compare_due(&mut self, tag: Tag) {
        let now = self.now;
        let delay = self.config.reconcile_delay;
        let (_, patience) = self.hope();
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let ours = overlay.comments.digest();
        let Some(activity) = &mut overlay.activity else {
            return;
        };
        activity
            .comparisons
            .retain(|comparison| comparison.theirs != ours);
        // What is on its way may settle it; but not for longer than that may take.
        if activity.wants.hopes(now) {
            activity
                .comparisons
                .iter_mut()
                .filter(|c| c.at <= now && c.since + patience > now)
                .for_each(|c| c.at = now + delay);
        }
        let due: Vec<LinkId> = activity
            .comparisons
            .iter()
            .filter(|c| c.at <= now)
            .map(|c| c.link)
            .collect();
        activity
            .comparisons
            .retain(|comparison| comparison.at > now);
        for link in due {
            let whole = Range {
                from: Tag([0; 8]),
                content: RangeContent::Digest(ours),
            };
            self.say(link, Message::Reconcile(tag, vec![whole]));
        }
    }

    /// Rule *Reconcile*: one step.
    pub(super) fn on_reconcile(&mut self, link: LinkId, tag: Tag, ranges: &[Range]) {
        let Some(overlay) = self
            .overlays
            .get(&tag)
            .filter(|o| o.subscribes())
            .filter(|o| o.neighbor(link).is_some_and(|n| n.mode.subscribes()))
        else {
            return;
        };
        let Some(Step {
            reply,
            missing,
            extra,
            ..
        }) = reconcile::step(overlay.comments.tags(), ranges)
        else {
            self.violation(link, Violation::BadReconcile);
            return;
        };
        if !reply.is_empty() {
            self.say(link, Message::Reconcile(tag, reply));
        }
        extra
            .into_iter()
            .for_each(|comment| self.queue_body(link, tag, comment));
        self.want(link, tag, missing);
    }

    /// Now, and how long comments that were asked for are waited for.
    fn hope(&self) -> (Time, Duration) {
        (self.now, self.config.request_timeout * 2)
    }

    /// Asks for comments that are not here and not on their way from another.
    fn want(&mut self, link: LinkId, tag: Tag, tags: Vec<Tag>) {
        let hope = self.hope();
        let delivery = &self.delivery;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let missing: Vec<Tag> = tags
            .into_iter()
            .filter(|tag| !overlay.comments.contains(*tag) && !delivery.awaits(*tag))
            .collect();
        let mut missing = overlay.activity().wants.ask(hope, link, missing);
        let held: Vec<Tag> = missing
            .iter()
            .copied()
            .filter(|comment| self.overlays.contains_key(comment))
            .collect();
        for comment in held {
            // Held on another account already: only the tie was missing.
            self.add_comment(tag, comment);
            self.recompute(comment);
            self.arrived(tag, comment, link);
            missing.retain(|other| *other != comment);
        }
        for chunk in missing.chunks(MAX_TAGS) {
            self.say(link, Message::Want(tag, chunk.to_vec()));
        }
        self.touch(tag);
    }

    /// A comment that may have been asked for has come.
    pub(super) fn arrived(&mut self, via: Tag, comment: Tag, link: LinkId) {
        let hope = self.hope();
        let Some(overlay) = self.overlays.get_mut(&via) else {
            return;
        };
        let Some(activity) = overlay.activity.as_mut() else {
            return;
        };
        if activity.wants.arrived(hope, link, comment) {
            self.tell_digest(via, link);
            self.touch(via);
        }
    }

    /// After a comment was pulled that the eager push should have brought: others
    /// may count on us as a neighbour in its network, so ask them; and whoever
    /// should have pushed it may be dead, so see. Relations younger than the comment
    /// are no ground for either.
    pub(super) fn after_pull(&mut self, via: Tag, comment: Tag, created: WallTime) {
        let (wall, now) = (self.wall().0, u64::from(self.seconds()));
        let latest = created
            .0
            .saturating_add(self.config.clock_tolerance.as_secs());
        let Some(overlay) = self.overlays.get(&via) else {
            return;
        };
        let older =
            |n: &&Neighbor| wall.saturating_sub(now.saturating_sub(u64::from(n.since))) <= latest;
        let links: Vec<LinkId> = overlay
            .subscribers()
            .filter(older)
            .map(|n| n.link)
            .collect();
        let upstream = overlay
            .election
            .upstream
            .filter(|link| links.contains(link));
        for link in links {
            let Some(node) = self.links.get(&link).map(|link| link.node) else {
                continue;
            };
            // Who is being asked already, since it gave the comment, must not take it back.
            let related = self.overlays.get(&comment).is_none_or(|overlay| {
                let mut opens = overlay.activity.iter().flat_map(|a| &a.opens);
                overlay.neighbor(link).is_some() || opens.any(|open| open.peer == node)
            });
            self.doubt(link);
            if !related && !self.try_open(comment, node, Purpose::Neighbor, None) {
                self.say(link, Message::Close(comment, CloseReason::Full));
            }
        }
        let idle = upstream
            .and_then(|link| self.links.get(&link))
            .is_some_and(|link| link.outbound.backlog() == 0);
        if let Some(upstream) = upstream.filter(|_| idle) {
            self.say(upstream, Message::Ping);
        }
    }

    /// A neighbour asks for comments, or a joining node for the document itself.
    pub(super) fn on_want(&mut self, link_id: LinkId, tag: Tag, tags: &[Tag]) {
        let Some(link) = self.links.get(&link_id) else {
            return;
        };
        let known = link.proven == Some(tag);
        let Some(overlay) = self.overlays.get(&tag).filter(|overlay| overlay.holds()) else {
            self.say(link_id, Message::Lack(tag, tags.to_vec()));
            return;
        };
        let neighbor = overlay.neighbor(link_id);
        let mut lacks = Vec::new();
        let mut serves = Vec::new();
        for &wanted in tags {
            let own =
                wanted == tag && (known || neighbor.is_some() || self.asked_here(tag, link_id));
            let comment =
                overlay.comments.contains(wanted) && neighbor.is_some_and(|n| n.mode.subscribes());
            if own || comment {
                serves.push(wanted)
            } else {
                lacks.push(wanted)
            }
        }
        serves
            .into_iter()
            .for_each(|wanted| self.queue_body(link_id, tag, wanted));
        if !lacks.is_empty() {
            self.say(link_id, Message::Lack(tag, lacks));
        }
    }

    /// The peer has proven to know the id by an Open that waits for a splice.
    fn asked_here(&self, tag: Tag, link: LinkId) -> bool {
        self.overlays
            .get(&tag)
            .and_then(|overlay| overlay.activity.as_ref())
            .is_some_and(|activity| {
                activity
                    .splices
                    .iter()
                    .any(|splice| splice.newcomer == link)
            })
    }

    /// A neighbour cannot give what we asked for.
    pub(super) fn on_lack(&mut self, link: LinkId, tag: Tag, tags: &[Tag]) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let Some(activity) = &mut overlay.activity else {
            return;
        };
        activity.wants.lacks(link, tags);
        self.touch(tag);
    }
}
