//! A lost link may come back (PROTOCOL.md, *Await*).
//!
//! Computers restart, laptops sleep, tunnels die, and most peers come back soon. So
//! the relations on a lost link are kept for a while, as *absent*: in a quiet network
//! nothing is done at all. Whatever happens in a network ends the patience for it:
//! a comment, a freeze, somebody who needs the place. When the peer is back and both
//! ends remember the same relations, two small messages settle it for all of them.

use super::Core;
use super::contact::Ending;
use crate::crypto::prefix;
use crate::deadline::Alarm;
use crate::id::{NodeId, Tag};
use crate::link::{Absence, Link, LinkId};
use crate::message::{Message, Range, RangeContent, SetDigest};
use crate::overlay::Stage;
use std::collections::BTreeSet;
use std::time::Duration;

/// A node that hears from somebody this long after it lost a link takes it that the peer
/// is away and not itself. Then it gives up absent neighbours that a network cannot do
/// without. Guess: longer than a handshake over I2P takes.
const DOUBT_WAIT: Duration = Duration::from_secs(30);
/// The same after an own restart, when all links are to be made again.
const RESTART_WAIT: Duration = Duration::from_secs(60);
/// Links that are asked for a sign of life when one is lost.
const WITNESSES: usize = 3;

impl Core {
    /// Names this node's memory: another one after each restart.
    pub(super) fn memory_mark(&self) -> [u8; 8] {
        prefix(&self.suite.hash("memory", &[&self.seed]))
    }

    fn absence(&self, doubt: Duration) -> Absence {
        Absence {
            since: self.now,
            until: self.now + self.config.absence,
            doubt_at: Some(self.now + doubt),
        }
    }

    /// True if the relations on a lost link are worth keeping.
    pub(super) fn worth_waiting(&self, link: LinkId) -> bool {
        let waits = !self.stopping && !self.config.absence.is_zero();
        let whole = |link: &&Link| link.used() && link.absence.is_none() && !link.outbound.tears();
        waits && self.links.get(&link).filter(whole).is_some()
    }

    /// A link was lost: its relations wait for it, but for those of which the peer may
    /// not know all that it should.
    pub(super) fn await_link(&mut self, link_id: LinkId, ending: Ending) {
        let absence = self.absence(DOUBT_WAIT);
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        let (node, channel) = (link.node, link.channel);
        let mut unsure = link.unsettled();
        unsure.extend(self.delivery.stop_loads(link_id));
        unsure.extend(self.cold.bodies(link_id));
        link.loading = 0;
        link.absence = Some(absence);
        let tags = link.documents.clone();
        self.linked.remove(&node);
        self.absent.insert(node, link_id);
        if self.channels.remove(channel).is_some() {
            self.hang_up(channel);
        }
        for &tag in &tags {
            let Some(overlay) = self.overlays.get_mut(&tag) else {
                continue;
            };
            let calm = overlay.stage == Stage::Holding
                && overlay.election.calm()
                && overlay.activity.is_none();
            if let Some(activity) = &mut overlay.activity {
                activity.unlink(link_id);
            }
            if let Some(neighbor) = overlay.neighbor_mut(link_id) {
                neighbor.go_absent();
            }
            if !calm || unsure.contains(&tag) {
                self.lose_neighbor(tag, link_id, node, ending);
            }
        }
        self.delivery.restart_frames(link_id);
        self.cold.restart_frames(link_id);
        self.give_up_attempts(link_id, node);
        self.lose_peer(node, tags);
        let witnesses: Vec<LinkId> = self.linked.values().copied().take(WITNESSES).collect();
        witnesses
            .into_iter()
            .for_each(|link| self.say(link, Message::Ping));
        self.deadlines.set(Alarm::Link(link_id), absence.next());
    }

    /// A link that a restarted node remembers from before.
    pub(super) fn remembered_link(&mut self, node: NodeId) -> Option<LinkId> {
        if let Some(known) = self.link_of(node) {
            return Some(known);
        }
        let address = self.peers.known.get(&node)?.address.clone();
        if self.config.absence.is_zero() || self.links.len() >= self.config.max_links {
            return None;
        }
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let absence = self.absence(RESTART_WAIT);
        let link = Link::remembered((node, address), absence, self.now, &self.config);
        self.links.insert(id, link);
        self.absent.insert(node, id);
        self.deadlines.set(Alarm::Link(id), absence.next());
        Some(id)
    }

    /// The link to a node, whether it stands or is waited for.
    pub(super) fn link_of(&self, node: NodeId) -> Option<LinkId> {
        let link = self.linked.get(&node).or_else(|| self.absent.get(&node));
        link.copied()
    }

    /// A deadline of an absent link.
    pub(super) fn on_absence_alarm(&mut self, link_id: LinkId, absence: Absence) {
        let used = self.links.get(&link_id).is_some_and(Link::used);
        if absence.until <= self.now || !used {
            return self.end_link(link_id, Ending::Lost);
        }
        if absence.doubt_at.is_none_or(|at| at > self.now) {
            return;
        }
        let heard = |link: &LinkId| {
            self.links
                .get(link)
                .is_some_and(|l| l.heard_since(absence.since))
        };
        let away = !self.linked.values().any(heard);
        let absence = Absence {
            doubt_at: away.then_some(self.now + DOUBT_WAIT),
            ..absence
        };
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        link.absence = Some(absence);
        let (node, tags) = (link.node, link.documents.clone());
        self.deadlines.set(Alarm::Link(link_id), absence.next());
        for tag in tags.into_iter().filter(|_| !away) {
            let upstream = self.overlays.get(&tag).map(|o| o.election.upstream);
            if upstream == Some(Some(link_id)) {
                self.lose_neighbor(tag, link_id, node, Ending::Lost);
            }
            self.give_up_if_cut_off(tag);
        }
    }

    /// Gives up absent neighbours where there are no others.
    pub(super) fn give_up_if_cut_off(&mut self, tag: Tag) {
        let cut_off =
            |overlay: &crate::overlay::Overlay| overlay.neighbors.iter().all(|n| n.absent);
        if self.overlays.get(&tag).is_some_and(cut_off) {
            self.lose_absent(tag);
        }
    }

    /// Something happens in a network: absent neighbours are lost to it now. True if
    /// there were any.
    pub(super) fn lose_absent(&mut self, tag: Tag) -> bool {
        let Some(overlay) = self.overlays.get(&tag) else {
            return false;
        };
        let absent = overlay.neighbors.iter().filter(|n| n.absent);
        let absent: Vec<LinkId> = absent.map(|n| n.link).collect();
        for &link in &absent {
            if let Some(node) = self.links.get(&link).map(|link| link.node) {
                self.lose_neighbor(tag, link, node, Ending::Lost);
            }
        }
        !absent.is_empty()
    }

    /// An awaited link stands again: its relations are as they were.
    pub(super) fn welcome_back(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get(&link_id) else {
            return;
        };
        let digest = link.relations();
        for tag in link.documents.clone() {
            if let Some(neighbor) = self
                .overlays
                .get_mut(&tag)
                .and_then(|overlay| overlay.neighbor_mut(link_id))
            {
                neighbor.absent = false;
                // Frames are counted anew.
                neighbor.heard = 0;
            }
            self.touch(tag);
        }
        let mark = self.memory_mark();
        self.say(link_id, Message::Resume(mark, digest));
    }

    /// The peer tells which memory it has, and what it takes for our common networks.
    pub(super) fn on_resume(&mut self, link_id: LinkId, memory: [u8; 8], theirs: SetDigest) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if std::mem::replace(&mut link.resumed, true) {
            return self.violation(link_id, crate::violation::Violation::Flood);
        }
        let node = link.node;
        let same = link.memory.replace(memory) == Some(memory);
        if !link.used() {
            return;
        }
        if theirs.count == 0 {
            // It remembers nothing. Whom we heard in the meantime is a neighbour anew.
            let cold = link.cold > 0;
            for tag in link.documents.clone() {
                let neighbor = self.overlays.get(&tag).and_then(|o| o.neighbor(link_id));
                if neighbor.is_some_and(|n| n.heard == 0) {
                    self.lose_neighbor(tag, link_id, node, Ending::Lost);
                    // It may have found another part meanwhile.
                    self.compare_roots(tag, node);
                }
            }
            if cold {
                self.ask_records(node);
            }
            return;
        }
        if !same {
            self.settle_memories(link_id);
        }
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if link.relations() == theirs {
            link.agree();
        } else if self.id < node {
            let whole = Range {
                from: Tag([0; 8]),
                content: RangeContent::Digest(theirs),
            };
            self.on_audit(link_id, &[whole]);
        }
    }

    /// The end with the smaller id begins to compare, after a restart of either.
    fn settle_memories(&mut self, link_id: LinkId) {
        let first = self.links.get(&link_id).is_some_and(|l| self.id < l.node);
        if first {
            self.compare_memories(link_id);
        }
    }

    /// Attempts that waited for an answer on a link, or for the link itself.
    pub(super) fn give_up_attempts(&mut self, link: LinkId, node: NodeId) {
        let awaited: BTreeSet<Tag> = self.peers.awaited.remove(&node).unwrap_or_default();
        awaited
            .into_iter()
            .for_each(|tag| self.attempt_failed(tag, node));
        self.forget_attempts(link);
    }
}
