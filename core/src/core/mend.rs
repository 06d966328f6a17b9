//! Finding and joining other parts of a network that has fallen apart
//! (PROTOCOL.md, *Mend*, *Probe*).
//!
//! Peers that share a parent document but are no neighbours in a comment's network
//! compare the names of their overlay roots there, which costs one small message;
//! only if these differ does one ask the other for a place.

use super::Core;
use super::records::Parked;
use crate::id::{NodeId, Tag};
use crate::link::LinkId;
use crate::message::{Message, Mode, Purpose};
use crate::overlay::Overlay;
use std::collections::BTreeSet;

/// Peers dialled at once in a round of probing. Guess.
const PROBE_WIDTH: usize = 8;
/// Attempts to join another part that has no room, at doubling pauses: about six
/// hours in all. Guess.
const MEND_TRIES: u32 = 10;
/// After a change of root for the worse the new root, and one in so many of the
/// others, look for other parts among so many acquaintances, since the root of a
/// small part may know nobody outside. Guess.
const SCOUT_ONE_IN: usize = 4;
const SCOUT_WIDTH: usize = 2;
/// Each of them compares with so many with whom a comment is shared, at one small message
/// each. Guess.
const SCOUT_COMMENTERS: usize = 2;
/// Rounds of probing by a new overlay root, `PROBE_WIDTH` peers each: for two hours, in
/// which it may get to know more of them.
const PROBE_TRIES: u32 = 40;
/// In the first so many of them also those are asked with whom a parent is shared.
const PROBES_NEAR: u32 = 2;
/// The first so many of them are passed down by a root without room, and also go to the
/// address that the user gave and to peers with whom a comment is shared. Guess.
const PROBES_FIRST: u32 = 10;
/// So often each acquaintance is asked. Guess.
const PROBES_EACH: u8 = 2;

impl Core {
    /// Rule *Mend*: after a change of overlay root, whoever has got another compares
    /// it with those subscribers of a parent document that are not its neighbours here:
    /// they hold the document too, and belong to another part if their root differs.
    pub(super) fn mend(&mut self, tag: Tag) {
        let now = self.now;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let Some(activity) = overlay
            .activity
            .as_mut()
            .filter(|a| a.broken.is_some_and(|at| at <= now))
        else {
            return;
        };
        activity.broken = None;
        if let Some(parent) = self.cold_parent(tag) {
            return self.park(parent, Parked::Relatives(tag));
        }
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let Some(activity) = &mut overlay.activity else {
            return;
        };
        let scouts = std::mem::take(&mut activity.scouts);
        let root = overlay.election.is_root();
        for peer in self.relatives(tag) {
            self.compare_roots(tag, peer);
        }
        if root || scouts {
            self.compare_with_commenters(tag, SCOUT_COMMENTERS);
        }
        if self.can_take(tag) && (root || (scouts && self.draw(tag, SCOUT_ONE_IN) == 0)) {
            self.heal_with_acquaintances(tag, SCOUT_WIDTH);
        }
    }

    /// Tells a peer that shares a parent document or a comment what our overlay root is.
    /// Who is alone asks for a place instead.
    pub(super) fn compare_roots(&mut self, tag: Tag, peer: NodeId) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let short = overlay.election.root.short;
        match self.linked.get(&peer).copied() {
            Some(link) if !overlay.neighbors.is_empty() => {
                self.say(link, Message::Root(tag, short, false));
            }
            Some(_) | None => {
                self.try_open(tag, peer, Purpose::Heal, None);
            }
        }
    }

    /// A peer that is no neighbour here tells its overlay root. If it is another than
    /// ours, one of the two asks the other for a place: we, unless we could not take the
    /// peer in, for then it is better sent on to where there is room.
    pub(super) fn on_root(&mut self, link: LinkId, tag: Tag, short: [u8; 4], answer: bool) {
        let Some(node) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let own = overlay.election.root.short;
        let frozen = overlay.election.frozen();
        let opens = overlay.activity.as_ref().map_or(&[][..], |a| &a.opens);
        let asks = opens.iter().any(|open| open.peer == node);
        if asks || (own == short && !frozen) || overlay.neighbor(link).is_some() {
            return;
        }
        let related =
            self.has_right(tag, link) || self.asks_above(tag, link) || self.is_commenter(tag, link);
        if !related {
            if let Some(parent) = self.cold_parent(tag) {
                let message = Message::Root(tag, short, answer);
                self.park(parent, Parked::Message(link, 0, Box::new(message)));
            }
        } else if frozen {
            // Ours is about to be replaced, or not; we compare when we know.
            self.suspect_parts(tag);
        } else if answer || self.can_take(tag) || overlay.neighbors.is_empty() {
            self.try_open(tag, node, Purpose::Heal, None);
        } else {
            self.say(link, Message::Root(tag, own, true));
        }
    }

    /// We have asked the peer for a place in a parent's network; it may have taken us in.
    fn asks_above(&self, tag: Tag, link: LinkId) -> bool {
        let asks = |parent: &Tag| {
            let activity = self.overlays.get(parent).and_then(|o| o.activity.as_ref());
            activity.is_some_and(|a| a.opens.iter().any(|open| open.asked == Some(link)))
        };
        let overlay = self.overlays.get(&tag).filter(|overlay| overlay.active());
        overlay.is_some_and(|o| o.parents.iter().any(|(parent, _)| asks(parent)))
    }

    /// True if a peer from another part could be taken in without cutting this one for good.
    fn can_take(&self, tag: Tag) -> bool {
        let max = self.config.max_peers;
        self.overlays.get(&tag).is_some_and(|o| o.can_take(max)) || self.stray(tag).is_some()
    }

    fn heal_with_acquaintances(&mut self, tag: Tag, width: usize) {
        let mut peers = self.candidates(tag);
        let start = self.draw(tag, peers.len());
        peers.rotate_left(start);
        for peer in peers.into_iter().take(width) {
            self.try_open(tag, peer, Purpose::Heal, None);
        }
    }

    /// A relation was made in a document's network: its comments' networks may be
    /// whole again through it (rule *Mend*).
    pub(super) fn mend_comments(&mut self, tag: Tag, link: LinkId) {
        let Some(overlay) = self
            .overlays
            .get(&tag)
            .filter(|overlay| overlay.subscribes())
        else {
            return;
        };
        if !overlay.neighbor(link).is_some_and(|n| n.mode.subscribes()) {
            return;
        }
        let Some(node) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let broken = |comment: &Tag| {
            self.overlays
                .get(comment)
                .is_some_and(|o| o.may_be_apart() && o.neighbor(link).is_none())
        };
        let all = overlay.comments.tags();
        let comments: Vec<Tag> = all.iter().copied().filter(broken).collect();
        let merged = overlay
            .neighbor(link)
            .is_some_and(|n| n.root.as_ref() != Some(&overlay.election.root));
        let cold: Vec<Tag> = all
            .iter()
            .copied()
            .filter(|tag| merged && self.is_cold(*tag))
            .collect();
        for comment in comments {
            self.compare_roots(comment, node);
        }
        // Two parts met: what is cold may have two parts as well.
        for comment in cold {
            self.park(comment, Parked::Mend(node));
        }
    }

    /// A cold comment's network was read back, since its parent's was in two parts.
    pub(super) fn mend_thawed(&mut self, tag: Tag, node: NodeId) {
        let link = self.linked.get(&node).copied();
        let neighbor = link.is_some_and(|link| self.is_neighbor(tag, link));
        let broken = self.overlays.get(&tag).is_some_and(Overlay::may_be_apart);
        if broken && !neighbor {
            self.compare_roots(tag, node);
        }
    }

    /// A parent's network was read back, or is not there after all: its comment's is
    /// looked after with the relatives there are.
    pub(super) fn relatives_thawed(&mut self, parent: Tag, comment: Tag) {
        let missing = !self.overlays.contains_key(&parent);
        let now = self.now;
        if let Some(overlay) = self.overlays.get_mut(&comment) {
            let entry = overlay.parents.iter_mut().find(|(tag, _)| *tag == parent);
            if let Some((_, mode)) = entry.filter(|_| missing) {
                *mode = Mode::Hold;
            }
            overlay.activity().broken.get_or_insert(now);
            self.touch(comment);
        }
    }

    /// Rule *Probe*: a node that became overlay root by a failure dials
    /// acquaintances, to find other parts of a broken network.
    pub(super) fn probe(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        if !overlay.election.is_root() {
            return self.rest(tag, |a| &mut a.probe);
        }
        let Some(activity) = &mut overlay.activity else {
            return;
        };
        let Some(next) = activity.probe.next else {
            return;
        };
        if next > self.now {
            return;
        }
        activity.probe.tries += 1;
        let tries = activity.probe.tries;
        let pause = self.config.probe_interval * (1 + tries / 4);
        activity.probe.next = (tries < PROBE_TRIES).then_some(self.now + pause);
        self.probe_here_or_below(tag, tries);
        let door = self.door(tag, tries - 1);
        if let Some(door) = door.filter(|_| tries <= PROBES_FIRST) {
            self.knock_at(tag, door);
        }
    }

    /// One round of probing; a node whose edges are all the tree's leaves it to one
    /// below, since there is room at the leaves.
    pub(super) fn probe_here_or_below(&mut self, tag: Tag, round: u32) {
        if !self.can_take(tag) {
            if round <= PROBES_FIRST {
                self.seek_below(tag);
            }
            return;
        }
        let relatives = self.relatives(tag);
        for peer in relatives.into_iter().filter(|_| round <= PROBES_NEAR) {
            self.compare_roots(tag, peer);
        }
        if round <= PROBES_FIRST {
            self.compare_with_commenters(tag, PROBE_WIDTH);
        }
        for peer in self.next_to_probe(tag) {
            self.try_open(tag, peer, Purpose::Heal, None);
        }
    }

    /// Compares roots with some of those with whom a comment is shared.
    fn compare_with_commenters(&mut self, tag: Tag, width: usize) {
        let mut peers = self.commenters(tag);
        let start = self.draw(tag, peers.len());
        peers.rotate_left(start);
        for peer in peers.into_iter().take(width) {
            self.compare_roots(tag, peer);
        }
    }

    /// The acquaintances of the next round, those asked least; nobody is asked too often.
    fn next_to_probe(&mut self, tag: Tag) -> Vec<NodeId> {
        let mut peers = self.candidates(tag);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return Vec::new();
        };
        let probed = &mut overlay.activity().probed;
        let count = |peer: &NodeId| probed.get(peer).copied().unwrap_or(0);
        peers.retain(|peer| count(peer) < PROBES_EACH);
        peers.sort_by_key(count);
        peers.truncate(PROBE_WIDTH);
        for peer in &peers {
            *probed.entry(*peer).or_default() += 1;
        }
        peers
    }

    /// Linked peers that are neighbours in a comment's network and not here: most of them
    /// are in this one too.
    pub(super) fn commenters(&self, tag: Tag) -> Vec<NodeId> {
        let Some(overlay) = self.overlays.get(&tag) else {
            return Vec::new();
        };
        let comments = overlay.comments.tags().iter();
        let comments = comments.filter_map(|comment| self.overlays.get(comment));
        let links: BTreeSet<LinkId> = comments
            .flat_map(Overlay::present)
            .map(|neighbor| neighbor.link)
            .filter(|link| overlay.neighbor(*link).is_none())
            .collect();
        links
            .iter()
            .filter_map(|link| self.links.get(link))
            .map(|link| link.node)
            .collect()
    }

    /// The peer is linked to us by a document that comments on this one.
    pub(super) fn is_commenter(&self, tag: Tag, link: LinkId) -> bool {
        let comments = |shared: &Tag| {
            let shared = self.overlays.get(shared);
            shared.is_some_and(|o| o.parents.iter().any(|(parent, _)| *parent == tag))
        };
        let link = self.links.get(&link);
        link.is_some_and(|link| link.documents.iter().any(comments))
    }

    fn seek_below(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let below = overlay.present().filter(|n| n.downstream());
        let below: Vec<LinkId> = below.map(|n| n.link).collect();
        let at = self.draw(tag, below.len());
        if let Some(&link) = below.get(at) {
            self.say(link, Message::Seek(tag, Purpose::Heal));
        }
    }

    /// We may be in another part than one that holds the document too: rule *Mend* finds
    /// out after a while.
    pub(super) fn suspect_parts(&mut self, tag: Tag) {
        let at = self.now + self.config.request_timeout;
        if let Some(overlay) = self
            .overlays
            .get_mut(&tag)
            .filter(|overlay| overlay.inherited)
        {
            overlay.reelected = true;
            overlay.activity().broken.get_or_insert(at);
        }
    }

    /// One in another part had no room for us: tries again after a while.
    pub(super) fn mend_again(&mut self, tag: Tag) {
        let (now, pause) = (self.now, self.config.request_timeout);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let activity = overlay.activity();
        if activity.mends < MEND_TRIES && activity.broken.is_none() {
            activity.broken = Some(now + pause * (1 << activity.mends));
            activity.mends += 1;
        }
    }
}
