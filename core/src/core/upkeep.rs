//! Upkeep of one network: more neighbours after a failure, a subscribing upstream
//! for a subscriber, acquaintances for bad times. (Other parts: `mend`.)
//! Each effort has growing pauses and an end, so that all falls silent.

use super::Core;
use super::records::Parked;
use crate::effect::Notification;
use crate::id::{Address, NodeId, Tag};
use crate::link::LinkId;
use crate::message::{CloseReason, Message, Mode, Purpose};
use crate::overlay::activity::{self, Effort};
use crate::overlay::{Overlay, Stage};
use crate::time::Time;
use std::collections::BTreeSet;
use std::time::Duration;

/// Tries to find more neighbours while at least one is there. Guess.
const REFILL_TRIES: u32 = 6;
/// Peers dialled at once by a node that has no neighbour. Guess.
const RESCUE_WIDTH: usize = 8;
/// At every so manyth try it also knocks at the address that its user gave. Guess.
const DOOR_EVERY: u32 = 4;
/// Who has knocked so often, and has nothing yet, tells its user.
const KNOCKS_BEFORE_DELAY: u32 = 3;
/// So often in a row a door may refuse a node that holds the document already, before it is
/// forgotten. Guess.
const DOOR_REFUSALS: u8 = 6;
/// Tries of a follower to get below another follower, where a subscriber is above it, until it
/// loses a neighbour or changes its mode; 63 at most. Guess.
const FOLLOW_TRIES: u8 = 16;
/// So many tries follow each other at short pauses, before hope is scarce. Guess.
const EAGER_TRIES: u32 = 40;
/// Tries to collect acquaintances; one that brings none counts for four. Guess.
const COLLECT_TRIES: u32 = 100;
/// After so many in a row, in all networks together, that brought none, a node takes it that
/// there is nobody else to know, until it hears of somebody. Guess.
const BARREN_TRIES: u32 = 60;
/// So many tries are made in each network all the same: who takes part in it is worth knowing.
const COLLECT_ANYWAY: u32 = 3;

impl Core {
    /// Looks after one overlay.
    pub(super) fn upkeep(&mut self, tag: Tag) {
        self.expire(tag);
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        match overlay.stage {
            Stage::Joining if !overlay.wanted() || self.stopping => self.give_up_joining(tag),
            Stage::Joining => self.knock(tag),
            Stage::Leaving => self.leave_step(tag),
            Stage::Holding if self.stopping || self.can_leave(overlay) => self.start_leaving(tag),
            Stage::Holding => {
                self.refill(tag);
                self.climb(tag);
                self.mend(tag);
                self.collect(tag);
                self.probe(tag);
                self.compare_due(tag);
                self.announce_due(tag);
                self.offer_again(tag);
            }
        }
    }

    /// Gives up what waited too long.
    fn expire(&mut self, tag: Tag) {
        let now = self.now;
        let Some(activity) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.activity.as_mut())
        else {
            return;
        };
        activity.splices.retain(|splice| splice.until > now);
        let late: Vec<NodeId> = activity
            .opens
            .iter()
            .filter(|o| o.until <= now)
            .map(|o| o.peer)
            .collect();
        activity.opens.retain(|open| open.until > now);
        let wants_late = activity.wants.expire(now);
        for peer in late {
            if let Some(tags) = self.peers.awaited.get_mut(&peer) {
                tags.remove(&tag);
            }
        }
        if wants_late {
            self.tell_digest_to_subscribers(tag);
        }
    }

    /// Degree that this node strives for.
    fn goal(&self, overlay: &Overlay) -> usize {
        if overlay.inherited {
            1
        } else {
            self.config.min_peers
        }
    }

    fn refill(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let (degree, reserved, goal) = (overlay.degree(), overlay.reserved(), self.goal(overlay));
        if degree >= goal {
            return self.rest(tag, |a| &mut a.refill);
        }
        let tries = if degree == 0 { u32::MAX } else { REFILL_TRIES };
        if degree == 0 && !self.has_hope(tag) {
            // Somebody may turn up in a parent's network.
            self.due(tag, tries, |a| &mut a.refill);
            return;
        }
        if reserved >= goal || self.spent(tag, activity::REFILL, tries, |a| &mut a.refill) {
            return;
        }
        if !self.due(tag, tries, |a| &mut a.refill) {
            return;
        }
        let need = goal - reserved;
        let mut opened = self.open_relatives(tag, need);
        if degree > 0 && opened < need {
            opened += self.open_acquaintances(tag, need - opened);
        }
        if opened >= need {
            return;
        }
        if degree == 0 {
            self.rescue(tag);
        } else {
            self.seek(tag, Purpose::Neighbor, need - opened);
        }
    }

    /// Somebody is known who might have the document.
    fn has_hope(&self, tag: Tag) -> bool {
        let Some(overlay) = self.overlays.get(&tag) else {
            return false;
        };
        let relatives = overlay.parents.iter().any(|(parent, _)| {
            self.overlays
                .get(parent)
                .is_some_and(|parent| parent.subscribers().next().is_some())
        });
        let commented = overlay.comments.tags().iter().any(|comment| {
            let comment = self.overlays.get(comment);
            comment.is_some_and(|overlay| overlay.present().next().is_some())
        });
        relatives
            || commented
            || !overlay.former.is_empty()
            || !overlay.doors.is_empty()
            || self
                .peers
                .known
                .values()
                .any(|peer| peer.grounds.contains(tag))
    }

    /// Subscribers of a document on which this one comments hold it too: asks them.
    fn open_relatives(&mut self, tag: Tag, need: usize) -> usize {
        let mut relatives = self.relatives(tag);
        let start = self.draw(tag, relatives.len());
        relatives.rotate_left(start);
        let mut opened = 0;
        let purpose = self.place_for_one(tag);
        for peer in relatives {
            if opened < need && self.try_open(tag, peer, purpose, None) {
                opened += 1;
            }
        }
        opened
    }

    /// Subscribers of parent documents that are neighbours there and not here.
    pub(super) fn relatives(&self, tag: Tag) -> Vec<NodeId> {
        let Some(overlay) = self.overlays.get(&tag) else {
            return Vec::new();
        };
        let mut relatives: Vec<NodeId> = Vec::new();
        for (parent, _) in &overlay.parents {
            let Some(parent) = self.overlays.get(parent) else {
                continue;
            };
            let fresh = parent
                .subscribers()
                .filter(|n| overlay.neighbor(n.link).is_none());
            relatives.extend(
                fresh
                    .filter_map(|n| self.links.get(&n.link))
                    .map(|link| link.node),
            );
        }
        relatives.sort_unstable();
        relatives.dedup();
        relatives
    }

    /// Asks nodes to which a neighbour introduced us.
    fn open_acquaintances(&mut self, tag: Tag, need: usize) -> usize {
        let mut peers = self.candidates(tag);
        let start = self.draw(tag, peers.len());
        peers.rotate_left(start);
        let mut opened = 0;
        let purpose = self.place_for_one(tag);
        for peer in peers {
            if opened < need && self.try_open(tag, peer, purpose, None) {
                opened += 1;
            }
        }
        opened
    }

    /// What a place is asked for. A full node answers by a splice, which takes two free places:
    /// who has but one asks to be sent down instead (rule *Heal*).
    fn place_for_one(&self, tag: Tag) -> Purpose {
        let max = self.config.max_peers;
        let reserved = self.overlays.get(&tag).map_or(max, Overlay::reserved);
        if reserved + 2 <= max {
            Purpose::Neighbor
        } else {
            Purpose::Heal
        }
    }

    /// No neighbour is left: asks former ones, acquaintances, those of the comments'
    /// networks, and the doors.
    fn rescue(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let mut peers = self.candidates(tag);
        peers.extend(&overlay.former);
        peers.extend(self.commenters(tag));
        let tries = overlay.activity.as_ref().map_or(0, |a| a.refill.tries);
        if tries % 2 == 1 {
            peers.extend(self.half_introduced(tag));
        }
        let mut seen = BTreeSet::new();
        peers.retain(|peer| seen.insert(*peer));
        let start = self.draw(tag, peers.len());
        peers.rotate_left(start);
        let mut dialled = 0;
        for peer in peers {
            if dialled < RESCUE_WIDTH && self.try_open(tag, peer, Purpose::Heal, None) {
                dialled += 1;
            }
        }
        // Those we know may all be gone for ever.
        if (dialled == 0 || tries.is_multiple_of(DOOR_EVERY))
            && let Some(door) = self.door(tag, tries / DOOR_EVERY)
        {
            self.knock_at(tag, door);
        }
    }

    /// The address given by the user whose turn it is.
    pub(super) fn door(&self, tag: Tag, turn: u32) -> Option<Address> {
        let doors = &self.overlays.get(&tag)?.doors;
        let turn = usize::try_from(turn).unwrap_or(0);
        doors.get(turn % doors.len().max(1)).cloned()
    }

    /// Asks random neighbours for introductions.
    fn seek(&mut self, tag: Tag, purpose: Purpose, count: usize) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let mut links: Vec<LinkId> = overlay.present().map(|n| n.link).collect();
        let start = self.draw(tag, links.len());
        links.rotate_left(start);
        for link in links.into_iter().take(count) {
            self.say(link, Message::Seek(tag, purpose));
        }
    }

    /// Rule *Climb*: a subscriber below a node that does not subscribe looks for a
    /// subscribing upstream, and a follower below a mere subscriber for a following one.
    fn climb(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let upstream = overlay
            .election
            .upstream
            .and_then(|link| overlay.neighbor(link));
        let Some(upstream) =
            upstream.filter(|n| overlay.mode.subscribes() && n.mode < overlay.mode)
        else {
            return self.rest(tag, |a| &mut a.climb);
        };
        // The comments' networks will be the better for it; this one needs it not.
        let convenient = upstream.mode.subscribes();
        let mode = overlay.mode;
        let (link, frozen) = (upstream.link, overlay.election.frozen());
        let root = upstream.root.clone();
        let beside = overlay
            .subscribers()
            .filter(|n| n.mode == mode || !convenient)
            .any(|n| !n.frozen() && !n.downstream() && n.root == root);
        let few = !self.config.roomy();
        if convenient && (few || overlay.spent / activity::CLIMB_ONE >= FOLLOW_TRIES) {
            return self.rest(tag, |a| &mut a.climb);
        }
        if frozen || !self.due(tag, u32::MAX, |a| &mut a.climb) {
            return;
        }
        if let Some(overlay) = self.overlays.get_mut(&tag).filter(|_| convenient) {
            overlay.spent += activity::CLIMB_ONE;
        }
        let odd = self
            .overlays
            .get_mut(&tag)
            .is_some_and(|o| o.activity().climb.tries % 2 == 1);
        if beside && odd {
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.election.resign();
            }
            self.elect(tag);
        } else if convenient || !(odd && self.climb_by_parent(tag)) {
            self.say(link, Message::Seek(tag, Purpose::Subscriber));
        }
    }

    /// Who follows a parent document subscribes to this one too: asks one of them whom we
    /// know, which saves the introduction. False if there is none.
    fn climb_by_parent(&mut self, tag: Tag) -> bool {
        let follower = self.follower_above(tag);
        let Some(peer) = follower.and_then(|link| self.links.get(&link)) else {
            return false;
        };
        let peer = peer.node;
        self.drop_surplus(tag);
        self.try_open(tag, peer, Purpose::Subscriber, None)
    }

    /// A peer that follows a parent document and is no neighbour in this one's network.
    pub(super) fn follower_above(&mut self, tag: Tag) -> Option<LinkId> {
        let overlay = self.overlays.get(&tag)?;
        let parents = overlay.parents.iter();
        let parents = parents.filter_map(|(parent, _)| self.overlays.get(parent));
        let followers = parents
            .flat_map(Overlay::subscribers)
            .filter(|n| n.mode == Mode::Follow && overlay.neighbor(n.link).is_none());
        let followers: Vec<LinkId> = followers.map(|n| n.link).collect();
        let at = self.draw(tag, followers.len());
        followers.get(at).copied()
    }

    /// Rule *Acquaint*: a newcomer gets to know nodes near and, by moving one edge
    /// about, far.
    fn collect(&mut self, tag: Tag) {
        let known = self.peers.len();
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let tries = overlay.activity.as_ref().map_or(0, |a| a.collect.tries);
        let idle = known >= self.config.min_acquaintances;
        if self.peers.barren >= BARREN_TRIES && tries >= COLLECT_ANYWAY {
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.spent |= activity::COLLECT;
            }
            return self.rest(tag, |a| &mut a.collect);
        }
        if overlay.inherited || idle || overlay.degree() == 0 {
            return self.rest(tag, |a| &mut a.collect);
        }
        if self.spent(tag, activity::COLLECT, COLLECT_TRIES, |a| &mut a.collect)
            || !self.due(tag, COLLECT_TRIES, |a| &mut a.collect)
        {
            return;
        }
        let pause = self.now + self.config.request_timeout / 4;
        let Some(activity) = self
            .overlays
            .get_mut(&tag)
            .map(|overlay| overlay.activity())
        else {
            return;
        };
        let barren = activity.acquainted == known;
        if barren {
            activity.collect.tries += 3;
            self.peers.barren += 1;
        }
        activity.acquainted = known;
        activity.collect.next = Some(pause);
        let roams = barren || activity.collect.tries % 2 == 0;
        if roams && self.roam(tag) {
            return;
        }
        self.seek(tag, Purpose::Acquaintance, 1);
    }

    /// Makes a random acquaintance a neighbour, at the cost of one off the tree.
    fn roam(&mut self, tag: Tag) -> bool {
        let peers = self.candidates(tag);
        let at = self.draw(tag, peers.len());
        let Some(&peer) = peers.get(at) else {
            return false;
        };
        self.drop_surplus(tag);
        self.try_open(tag, peer, Purpose::Acquaintance, None)
    }

    /// A joining node knocks at the doors that its user gave.
    fn knock(&mut self, tag: Tag) {
        if !self.due(tag, u32::MAX, |a| &mut a.knock) {
            return;
        }
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let tries = overlay.activity.as_ref().map_or(0, |a| a.knock.tries);
        let id = overlay.id;
        if let Some(door) = self.door(tag, tries) {
            self.knock_at(tag, door);
        }
        if tries > KNOCKS_BEFORE_DELAY {
            self.notify(Notification::JoinDelayed(id));
        }
    }

    pub(super) fn knock_at(&mut self, tag: Tag, door: Address) {
        let known = self
            .links
            .iter()
            .find(|(_, link)| link.address == door)
            .map(|(id, _)| *id);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let knocking = &mut overlay.activity().knocking;
        if knocking.contains(&door) {
            return;
        }
        knocking.push(door.clone());
        match known {
            Some(link) => self.on_door_open(tag, &door, link),
            None => self.dial_door(door, tag),
        }
    }

    /// A link to a door stands: ask for the document and for a place.
    pub(super) fn on_door_open(&mut self, tag: Tag, door: &Address, link: LinkId) {
        let Some(node) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let joining = overlay.stage == Stage::Joining;
        let Some(activity) = &mut overlay.activity else {
            return;
        };
        let before = activity.knocking.len();
        activity.knocking.retain(|knocking| knocking != door);
        if before == activity.knocking.len() {
            return;
        }
        let purpose = self.place_for_one(tag);
        self.try_open(tag, node, purpose, None);
        if joining {
            self.say(link, Message::Want(tag, vec![tag]));
        }
    }

    /// A door could not be reached.
    pub(super) fn on_door_shut(&mut self, tag: Tag, door: &Address) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        overlay
            .activity()
            .knocking
            .retain(|knocking| knocking != door);
        let (id, joining) = (overlay.id, overlay.stage == Stage::Joining);
        if joining {
            self.notify(Notification::JoinDelayed(id));
        }
        self.touch(tag);
    }

    /// Whoever lives at a door does not let us in for this document. A node that holds it
    /// does not knock there for ever; one that still joins does, at growing pauses, until its
    /// user gives up.
    pub(super) fn on_door_refused(&mut self, tag: Tag, door: &Address) {
        let holding = |overlay: &&mut Overlay| overlay.active();
        let Some(overlay) = self.overlays.get_mut(&tag).filter(holding) else {
            return;
        };
        let activity = overlay.activity();
        activity.refusals += 1;
        if activity.refusals >= DOOR_REFUSALS {
            activity.refusals = 0;
            overlay.doors.retain(|other| other != door);
            self.unsaved(tag);
        }
    }

    /// The link to a lost neighbour stands again, and we dialled.
    pub(super) fn reopen(&mut self, tag: Tag, node: NodeId) {
        if self.overlays.get(&tag).is_some_and(Overlay::active) {
            self.try_open(tag, node, Purpose::Heal, None);
        } else if self.is_cold(tag) {
            self.park(tag, Parked::Reopen(node));
        }
    }

    /// The link to a lost neighbour stands again, and it dialled: it will ask. If it
    /// lost its memory it will not; then whoever lacks neighbours finds it by itself.
    pub(super) fn expect_reopen(&mut self, tag: Tag, node: NodeId) {
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            if !overlay.former.contains(&node) && overlay.former.len() < self.config.max_peers {
                overlay.former.push(node);
            }
            self.touch(tag);
        }
    }

    /// A roaming edge stands: use it.
    pub(super) fn on_roamed(&mut self, tag: Tag, link: LinkId) {
        self.say(link, Message::Seek(tag, Purpose::Acquaintance));
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        if overlay.degree() <= self.goal(overlay) + 1 {
            return;
        }
        let old = overlay
            .neighbors
            .iter()
            .find(|n| overlay.spares(n) && n.link != link)
            .map(|n| n.link);
        if let Some(old) = old {
            self.close(tag, old, CloseReason::Surplus);
        }
    }

    /// True if an effort was given up, until something changes. It is, once it has
    /// used up its tries.
    fn spent(
        &mut self,
        tag: Tag,
        bit: u8,
        tries: u32,
        effort: impl Fn(&mut crate::overlay::Activity) -> &mut Effort,
    ) -> bool {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return true;
        };
        let tried = overlay
            .activity
            .as_mut()
            .map_or(0, |activity| effort(activity).tries);
        if tried >= tries {
            overlay.spent |= bit;
            *effort(overlay.activity()) = Effort::default();
        }
        overlay.spent & bit != 0
    }

    /// An effort is not needed any more.
    pub(super) fn rest(
        &mut self,
        tag: Tag,
        effort: impl Fn(&mut crate::overlay::Activity) -> &mut Effort,
    ) {
        if let Some(activity) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.activity.as_mut())
        {
            *effort(activity) = Effort::default();
        }
    }

    /// Starts an effort, or goes on with it: true if it is due now. The next try
    /// comes after a pause that doubles, up to `redial_max`; none after `tries`.
    pub(super) fn due(
        &mut self,
        tag: Tag,
        tries: u32,
        effort: impl Fn(&mut crate::overlay::Activity) -> &mut Effort,
    ) -> bool {
        let (now, first) = (self.now, self.config.request_timeout / 4);
        let urgent = self.config.request_timeout * 3;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return false;
        };
        let effort = effort(overlay.activity());
        if effort.next.is_some_and(|next| next > now) {
            return false;
        }
        if effort.tries >= tries {
            effort.next = None;
            return false;
        }
        effort.tries += 1;
        let longest = if effort.tries < EAGER_TRIES {
            urgent
        } else {
            self.config.redial_max
        };
        effort.next = Some(next_try(now, first, longest, effort.tries));
        true
    }
}

fn next_try(now: Time, first: Duration, longest: Duration, tries: u32) -> Time {
    now + (first * (1 << (tries - 1).min(12))).min(longest)
}
