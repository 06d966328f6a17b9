//! Peers that this node may contact (again): former neighbours, and
//! acquaintances by introduction. Kept per node, not per document.

use super::Core;
use crate::config::Config;
use crate::deadline::Alarm;
use crate::effect::Record;
use crate::id::{Address, NodeId, PublicKey, Tag};
use crate::message::AdmissionKind;
use crate::time::Time;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most documents noted per peer as grounds for contact, and those of them that are saved.
const MAX_GROUNDS: usize = 256;
const SAVED_GROUNDS: usize = 16;
/// Failed attempts after which a peer is forgotten. With the longest pause of an
/// hour that is two weeks.
const MAX_FAILURES: u32 = 340;
/// Calls in a row that were answered by hanging up, after which a peer is forgotten: it runs,
/// and does not know us any more (it lost its disk, or came back from an old backup). Guess.
const MAX_REFUSALS: u8 = 6;
/// But not before so long after the first of them: it may be joining again. Guess.
const REFUSED_FOR: Duration = Duration::from_secs(600);
/// Calls of one attempt, each for another document that was common: the peer may not hold some of
/// them any more. Guess.
const CALLS: u8 = 4;
/// Peers drawn at random of which the one with most failures makes room for a new one. Guess.
const PEERS_COMPARED: usize = 16;
/// Most departures remembered, for tickets written just before them.
const MAX_DEPARTED: usize = 1_024;
/// How long a peer that used up our patience is refused.
const SHUN: Duration = Duration::from_secs(3600);

/// One peer.
#[derive(Clone, Debug, Hash)]
pub(super) struct Peer {
    /// Known once there was a link.
    pub(super) key: Option<PublicKey>,
    pub(super) address: Address,
    /// Documents for which we were introduced or shared a network.
    pub(super) grounds: Grounds,
    /// Networks in which it was a neighbour when its link was lost.
    pub(super) lost: BTreeSet<Tag>,
    pub(super) failures: u32,
    /// Of the last of them in a row, those in which it hung up on our Hello.
    pub(super) refusals: u8,
    /// When the first of those was.
    pub(super) refused_since: Time,
    /// Calls of this attempt on which it hung up: the next is for another document.
    pub(super) calls: u8,
    /// It knows us too: there was a link, or both were told of each other.
    pub(super) mutual: bool,
}

/// Documents for which two nodes were introduced or shared a network; at most
/// `MAX_GROUNDS`. The first are the most lasting, forums and threads: the last gives way.
#[derive(Clone, Debug, Hash, Default)]
pub(super) struct Grounds {
    sorted: Vec<Tag>,
    first: Vec<Tag>,
    last: Option<Tag>,
}

impl Grounds {
    /// True if the document is among them.
    pub(super) fn contains(&self, tag: Tag) -> bool {
        self.sorted.binary_search(&tag).is_ok()
    }

    /// Those to be saved.
    pub(super) fn lasting(&self) -> &[Tag] {
        &self.first
    }

    /// True if it is among those to be saved.
    pub(super) fn add(&mut self, tag: Tag) -> bool {
        if self.contains(tag) {
            return false;
        }
        if self.sorted.len() >= MAX_GROUNDS
            && let Some(last) = self.last
        {
            self.remove(last);
        }
        if let Err(at) = self.sorted.binary_search(&tag) {
            self.sorted.insert(at, tag);
        }
        self.last = Some(tag);
        let lasts = self.first.len() < SAVED_GROUNDS;
        if lasts {
            self.first.push(tag);
        }
        lasts
    }

    /// True if it was among those to be saved.
    fn remove(&mut self, tag: Tag) -> bool {
        if let Ok(at) = self.sorted.binary_search(&tag) {
            self.sorted.remove(at);
        }
        let before = self.first.len();
        self.first.retain(|first| *first != tag);
        if self.last == Some(tag) {
            self.last = self.sorted.first().copied();
        }
        self.first.len() < before
    }
}

/// All peers known.
#[derive(Clone, Debug, Hash, Default)]
pub(super) struct Peers {
    pub(super) known: BTreeMap<NodeId, Peer>,
    /// Those whose records are to be written.
    pub(super) unsaved: BTreeSet<NodeId>,
    pub(super) blocked: BTreeSet<NodeId>,
    shunned: BTreeMap<NodeId, Time>,
    /// Who left a network lately, and until when its tickets there are good.
    departed: BTreeMap<(NodeId, Tag), Time>,
    /// Attempts in a row, in any network, to make acquaintances that brought none.
    pub(super) barren: u32,
    /// Overlays that wait for a link to a peer.
    pub(super) awaited: BTreeMap<NodeId, BTreeSet<Tag>>,
}

impl Peers {
    /// Notes a peer and a document as grounds for contact. True if that changes what is
    /// to be saved.
    pub(super) fn note(
        &mut self,
        node: NodeId,
        key: Option<PublicKey>,
        address: Address,
        ground: Tag,
    ) -> bool {
        let known = self.known.get(&node);
        let before = known.map(|peer| (peer.key, peer.address.clone()));
        let peer = self.known.entry(node).or_insert_with(|| Peer {
            key: None,
            address: address.clone(),
            grounds: Grounds::default(),
            lost: BTreeSet::new(),
            failures: 0,
            refusals: 0,
            refused_since: Time::ZERO,
            calls: 0,
            mutual: false,
        });
        // What the peer said itself counts more than what a third one says, until a call there
        // fails.
        if key.is_some() || peer.key.is_none() || peer.failures > 0 {
            peer.address = address;
        }
        peer.key = key.or(peer.key);
        peer.mutual |= key.is_some();
        let lasts = peer.grounds.add(ground);
        lasts || before.as_ref() != Some(&(peer.key, peer.address.clone()))
    }

    /// True if the peer is refused.
    pub(super) fn refused(&self, node: NodeId, now: Time) -> bool {
        self.blocked.contains(&node) || self.shunned.get(&node).is_some_and(|&until| now < until)
    }

    /// True if the peer shares a document with us by all we know, or did until lately.
    pub(super) fn shares(&self, node: NodeId, tag: Tag, now: Time) -> bool {
        let known = self.known.get(&node);
        known.is_some_and(|peer| peer.grounds.contains(tag))
            || self
                .departed
                .get(&(node, tag))
                .is_some_and(|&until| now < until)
    }

    fn depart(&mut self, node: NodeId, tag: Tag, until: Time) {
        if self.departed.len() >= MAX_DEPARTED {
            self.departed.pop_first();
        }
        self.departed.insert((node, tag), until);
    }

    /// Both sides were told of each other.
    pub(super) fn acquaint(&mut self, node: NodeId) {
        if let Some(peer) = self.known.get_mut(&node) {
            peer.mutual = true;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

impl Core {
    /// Notes a peer; if there are too many, one with many failures makes room.
    pub(super) fn note_peer(
        &mut self,
        node: NodeId,
        key: Option<PublicKey>,
        address: Address,
        ground: Tag,
    ) {
        if node == self.id {
            return;
        }
        if !self.peers.known.contains_key(&node)
            && self.peers.len() >= self.config.max_acquaintances
        {
            self.make_room_for_peer();
        }
        let new = !self.peers.known.contains_key(&node);
        if new {
            self.peers.barren = 0;
        }
        if self.peers.note(node, key, address, ground) {
            self.peer_changed(node);
            if new {
                // Whom it was introduced to may be all that a node has after a crash.
                self.unsaved.insert(Record::Peer(node));
            }
        }
    }

    fn make_room_for_peer(&mut self) {
        let start = NodeId(self.rng.random());
        let spare = |node: &NodeId| {
            !self.linked.contains_key(node) && !self.peers.awaited.contains_key(node)
        };
        let known = &self.peers.known;
        let idle = |(node, peer): &(&NodeId, &Peer)| spare(node) && peer.lost.is_empty();
        // Ids are hashes of keys: who comes next to a random one is drawn at random.
        let from_here = known.range(start..).chain(known.range(..start));
        let drawn = from_here.clone().filter(idle).take(PEERS_COMPARED);
        let worst = drawn.max_by_key(|(_, peer)| peer.failures);
        // All are hoped for: strangers who came once and vanished must not fill memory.
        let hoped = |(node, _): &(&NodeId, &Peer)| spare(node) && !self.absent.contains_key(*node);
        let worst = worst.or_else(|| from_here.clone().find(hoped));
        if let Some((&node, _)) = worst {
            self.forget_peer(node);
        }
    }

    /// Forgets a peer and every hope of it.
    pub(super) fn forget_peer(&mut self, node: NodeId) {
        let Some(peer) = self.peers.known.remove(&node) else {
            return;
        };
        self.peer_changed(node);
        self.deadlines.set(Alarm::Redial(node), None);
        for tag in peer.lost {
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.former.retain(|former| *former != node);
            }
        }
    }

    /// A peer left a network: no ground for contact any more.
    pub(super) fn forget_ground(&mut self, link: crate::link::LinkId, tag: Tag) {
        let Some(node) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let Some(peer) = self.peers.known.get_mut(&node) else {
            return;
        };
        if peer.grounds.contains(tag) {
            let changed = peer.grounds.remove(tag);
            self.peers
                .depart(node, tag, self.now + self.config.ticket_life);
            if changed {
                self.peer_changed(node);
            }
        }
    }

    /// Refuses a peer for a while.
    pub(super) fn shun(&mut self, node: NodeId) {
        if self.peers.shunned.len() >= self.config.max_acquaintances {
            self.peers.shunned.pop_first();
        }
        self.peers.shunned.insert(node, self.now + SHUN);
    }

    /// A link was lost by a failure: dial again later, for the networks shared.
    pub(super) fn lose_peer(&mut self, node: NodeId, shared: BTreeSet<Tag>) {
        let Some(peer) = self.peers.known.get_mut(&node) else {
            return;
        };
        peer.lost.extend(shared);
        if !peer.lost.is_empty() {
            self.redial_later(node);
        }
    }

    /// Sets the next attempt, after a pause that doubles with each failure.
    pub(super) fn redial_later(&mut self, node: NodeId) {
        let Some(peer) = self.peers.known.get(&node) else {
            return;
        };
        let pause = pause(&self.config, peer.failures);
        let jitter = self.below(1_000);
        let jitter = u32::try_from(jitter).unwrap_or(0);
        let at = self.now + pause / 2 + pause * jitter / 1_000;
        self.deadlines.set(Alarm::Redial(node), Some(at));
    }

    /// The time to dial a lost peer has come.
    pub(super) fn redial(&mut self, node: NodeId) {
        if self.linked.contains_key(&node) || self.stopping {
            return;
        }
        let Some(peer) = self.peers.known.get_mut(&node) else {
            return;
        };
        let (overlays, cold) = (&self.overlays, self.cold.any());
        peer.lost
            .retain(|tag| overlays.get(tag).map_or(cold, |overlay| overlay.active()));
        // It may not hold the first of them any more.
        let turn = usize::try_from(peer.failures).unwrap_or(0) * usize::from(CALLS);
        let turn = turn % peer.lost.len().max(1);
        let ground = peer.lost.iter().nth(turn).copied();
        if let Some(tag) = ground {
            self.dial_peer(node, tag, AdmissionKind::Reunion);
        }
    }

    /// The peer hung up on a call for one document: the next that we had in common, unless
    /// enough were tried.
    pub(super) fn next_in_common(&mut self, node: NodeId, refused: Tag) -> Option<Tag> {
        let peer = self.peers.known.get_mut(&node)?;
        peer.calls = peer.calls.saturating_add(1);
        let common = peer.lost.iter().filter(|tag| **tag != refused).count();
        let later = peer.lost.range(refused..).find(|tag| **tag != refused);
        let next = later.or(peer.lost.first()).copied();
        let again = usize::from(peer.calls) <= common && peer.calls < CALLS;
        next.filter(|tag| again && *tag != refused)
    }

    /// Dialling a peer failed; `refused` if it was there and hung up.
    pub(super) fn peer_failed(&mut self, node: NodeId, refused: bool) {
        let Some(peer) = self.peers.known.get_mut(&node) else {
            return;
        };
        peer.failures += 1;
        peer.calls = 0;
        if !refused || peer.refusals == 0 {
            (peer.refusals, peer.refused_since) = (0, self.now);
        }
        peer.refusals = peer.refusals.saturating_add(u8::from(refused));
        let (failures, hoped) = (peer.failures, !peer.lost.is_empty());
        let refuses = peer.refusals >= MAX_REFUSALS;
        let refuses = refuses && peer.refused_since + REFUSED_FOR <= self.now;
        let hopeless = failures > MAX_FAILURES || refuses;
        if hopeless || !peer.mutual {
            self.forget_peer(node);
        } else if hoped {
            self.redial_later(node);
        }
    }

    /// Peers that we were told of on account of a document, when the word that they were told
    /// of us never came, in order of id: they may refuse us.
    pub(super) fn half_introduced(&self, tag: Tag) -> Vec<NodeId> {
        let fits = |(node, peer): &(&NodeId, &Peer)| {
            let here = !peer.mutual && peer.grounds.contains(tag);
            here && !self.peers.refused(**node, self.now)
        };
        let known = self.peers.known.iter().filter(fits);
        known.map(|(node, _)| *node).collect()
    }

    /// We have met the peer, or were introduced to it, for one of these documents.
    pub(super) fn met_for(&self, node: NodeId, peer: &Peer, grounds: &[Tag]) -> bool {
        grounds.iter().any(|tag| {
            let overlay = self.overlays.get(tag);
            let former = overlay.is_some_and(|overlay| overlay.former.contains(&node));
            former || peer.grounds.contains(*tag) || peer.lost.contains(tag)
        })
    }

    /// Peers known on account of a document that are no neighbours there, in order of id.
    pub(super) fn candidates(&self, tag: Tag) -> Vec<NodeId> {
        let neighbor = |node: &NodeId| {
            let link = self.link_of(*node);
            link.is_some_and(|link| self.is_neighbor(tag, link))
        };
        let barred = |node: &NodeId| neighbor(node) || self.peers.refused(*node, self.now);
        let former = self
            .overlays
            .get(&tag)
            .map_or(&[][..], |overlay| &overlay.former);
        let fits = |node: &NodeId, peer: &Peer| {
            let shared = peer.grounds.contains(tag) || peer.lost.contains(&tag);
            (peer.mutual && shared) || former.contains(node)
        };
        self.peers
            .known
            .iter()
            .filter(|(node, peer)| !barred(node) && fits(node, peer))
            .map(|(node, _)| *node)
            .collect()
    }
}

/// Pause before the next attempt after so many failures.
pub(super) fn pause(config: &Config, failures: u32) -> Duration {
    (config.redial_min * (1 << failures.min(16))).min(config.redial_max)
}
