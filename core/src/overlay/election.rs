//! Election of the overlay root by *freeze and release from the top*.
//!
//! A label is (root key, distance). Outside a freeze labels only improve, and a
//! node takes as upstream only a neighbour whose label is better than its own, so
//! that no circle can form. A node that loses its upstream and finds no better
//! neighbour freezes with its whole subtree; when all have acknowledged, the
//! subtree is released from its top. A dead root's name dies in time
//! proportional to the depth. Rules are named as in PROTOCOL.md, "Election".
//! This module is pure: it knows neither links nor messages.

use super::neighbor::Neighbor;
use super::root::{Root, RootKey};
use crate::config::MAX_DISTANCE;
use crate::link::LinkId;
use crate::message::{Mode, Rank};
use std::cmp::Reverse;
use std::sync::Arc;

/// Where the election stands at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The label holds.
    Settled,
    /// Frozen; waits for its subtree.
    Frozen,
    /// Frozen on purpose, to give up a label: joins nobody before its release.
    Resigning,
    /// Frozen, and so is all below.
    Done,
    /// As `Done`, after `Resigning`.
    Resigned,
}

impl Phase {
    fn frozen(self) -> bool {
        self != Self::Settled
    }

    fn resigns(self) -> bool {
        matches!(self, Self::Resigning | Self::Resigned)
    }
}

/// This node's label and upstream in one overlay.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Election {
    pub(crate) root: Arc<Root>,
    pub(crate) distance: u16,
    pub(crate) upstream: Option<LinkId>,
    pub(crate) phase: Phase,
    /// Root that gives up: whom it has asked to succeed it (rule *Succeed*).
    pub(crate) heir: Option<LinkId>,
}

/// What the rules need to know of this node.
pub(crate) struct Own<'a> {
    /// Its own key.
    pub(crate) key: RootKey,
    /// It prefers an upstream that gets as much as itself.
    pub(crate) mode: Mode,
    /// It does not change its upstream for a shorter way to the same root: a tree born
    /// with its document (rule *Inherit*) is good enough, and one change brings many. But
    /// a subscriber below one that is none goes on upwards (rule *Climb*).
    pub(crate) stays: bool,
    /// It takes no root as good as this from this neighbour now (rule *Distrust*).
    pub(crate) barred: &'a dyn Fn(LinkId, RootKey) -> bool,
    /// Makes its claim; called only when it becomes root, since that signs.
    pub(crate) claim: &'a dyn Fn() -> Arc<Root>,
}

impl Election {
    /// A node alone: its own root.
    pub(crate) fn alone(root: Arc<Root>) -> Self {
        Self {
            root,
            distance: 0,
            upstream: None,
            phase: Phase::Settled,
            heir: None,
        }
    }

    /// Rule *Succeed*: the key with which this node takes the lost root's place, if
    /// `link` was its upstream and the root itself. It is better than the old label,
    /// so that the tree changes its name without a freeze.
    pub(crate) fn succession(
        &self,
        link: LinkId,
        own: RootKey,
        subscriber: bool,
    ) -> Option<RootKey> {
        let old = self.root.key;
        let fit = match old.rank {
            Rank::Leaving => false,
            Rank::Holder | Rank::Author => true,
            Rank::Subscriber | Rank::Founder => subscriber,
        };
        let below = self.upstream == Some(link) && self.distance == 1 && !self.frozen();
        let generation = old.generation.checked_add(1)?;
        (below && fit).then_some(RootKey {
            rank: old.rank,
            line: old.line,
            generation,
            ..own
        })
    }

    /// Frozen or done.
    pub(crate) fn frozen(&self) -> bool {
        self.phase.frozen()
    }

    /// Nothing is under way.
    pub(crate) fn calm(&self) -> bool {
        self.phase == Phase::Settled && self.heir.is_none()
    }

    /// Frozen, and all below are.
    pub(crate) fn done(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Resigned)
    }

    /// This node is the root of its own label.
    pub(crate) fn is_root(&self) -> bool {
        self.distance == 0
    }

    /// Applies the rules until none does anything. `told(neighbour)` is true if the
    /// neighbour has acknowledged our frozen state.
    pub(crate) fn settle(
        &mut self,
        own: &Own<'_>,
        neighbors: &[Neighbor],
        told: impl Fn(&Self, &Neighbor) -> bool,
    ) {
        // Each pass improves the label, freezes, or releases; release is followed
        // by at most one join. Four passes always suffice; more would be a bug.
        for _ in 0..8 {
            if !self.step(own, neighbors, &told) {
                return;
            }
        }
        debug_assert!(false, "the election did not settle");
    }

    fn step(
        &mut self,
        own: &Own<'_>,
        neighbors: &[Neighbor],
        told: &impl Fn(&Self, &Neighbor) -> bool,
    ) -> bool {
        if own.key > self.root.key {
            *self = Self::alone((own.claim)());
            return true;
        }
        if self
            .upstream
            .is_some_and(|link| neighbors.iter().all(|n| n.link != link))
        {
            self.upstream = None;
            return true;
        }
        if !self.phase.resigns()
            && let Some(best) = self.best(own, neighbors)
        {
            return self.join(best);
        }
        if self.is_root() && self.root.key == own.key && !self.phase.resigns() {
            return self.thaw();
        }
        if self.heir.is_some() {
            // The heir's label will be better than ours.
            return false;
        }
        if !self.frozen() {
            return self.freeze(neighbors);
        }
        self.drop_thawed_upstream(neighbors);
        self.finish(own, neighbors, told)
    }

    /// Rule *Join*: the best neighbour that is settled, not below us, and better than our label.
    fn best<'a>(&self, own: &Own<'_>, neighbors: &'a [Neighbor]) -> Option<&'a Neighbor> {
        let better = |n: &Neighbor| {
            n.root.as_ref().is_some_and(|root| {
                let label = (root.key, Reverse(n.distance));
                let there = !n.absent || self.upstream == Some(n.link);
                there
                    && !n.frozen()
                    && !n.downstream()
                    && label > (self.root.key, Reverse(self.distance))
                    && root.key.id != own.key.id
                    && n.distance < MAX_DISTANCE
                    && !(own.barred)(n.link, root.key)
            })
        };
        neighbors.iter().filter(|n| better(n)).max_by_key(|n| {
            let preferred = own.mode.min(n.mode);
            let present = self.upstream == Some(n.link);
            (
                n.root.as_ref().map(|root| root.key),
                preferred,
                present && own.stays && preferred == own.mode,
                Reverse(n.distance),
                present,
                n.mode,
                Reverse(n.link),
            )
        })
    }

    fn join(&mut self, best: &Neighbor) -> bool {
        let Some(root) = &best.root else { return false };
        let same = self.upstream == Some(best.link)
            && self.phase == Phase::Settled
            && self.distance == best.distance + 1
            && self.root == *root;
        if !same {
            *self = Self {
                root: root.clone(),
                distance: best.distance + 1,
                upstream: Some(best.link),
                phase: Phase::Settled,
                heir: None,
            };
        }
        !same
    }

    fn thaw(&mut self) -> bool {
        let changed = self.phase != Phase::Settled || self.upstream.is_some();
        self.phase = Phase::Settled;
        self.upstream = None;
        changed
    }

    /// Rule *Freeze*: no better neighbour; keep the upstream only if it is frozen itself.
    fn freeze(&mut self, neighbors: &[Neighbor]) -> bool {
        self.phase = Phase::Frozen;
        self.drop_thawed_upstream(neighbors);
        true
    }

    fn drop_thawed_upstream(&mut self, neighbors: &[Neighbor]) {
        let kept = |link: &LinkId| neighbors.iter().any(|n| n.link == *link && n.frozen());
        self.upstream = self.upstream.filter(kept);
    }

    /// Rules *Done* and *Release*.
    fn finish(
        &mut self,
        own: &Own<'_>,
        neighbors: &[Neighbor],
        told: &impl Fn(&Self, &Neighbor) -> bool,
    ) -> bool {
        let subtree_done = || {
            neighbors
                .iter()
                .all(|n| told(self, n) && (!n.downstream() || n.done()))
        };
        if !self.done() {
            if !subtree_done() {
                return false;
            }
            self.phase = if self.phase.resigns() {
                Phase::Resigned
            } else {
                Phase::Done
            };
            return true;
        }
        if self.upstream.is_some() {
            return false;
        }
        *self = Self::alone((own.claim)());
        true
    }

    /// Rule *Patience*: somebody keeps the subtree from being done for longer than any
    /// failure takes to be found; releases this node alone.
    pub(crate) fn give_up(&mut self) {
        self.phase = Phase::Resigned;
        self.upstream = None;
    }

    /// Rule *Resign*: gives up the label, because the own key got worse or a better
    /// place is known that the label hides.
    pub(crate) fn resign(&mut self) {
        if !self.phase.resigns() {
            self.phase = Phase::Resigning;
            self.upstream = None;
            self.heir = None;
        }
    }
}

/// A node's rank changed for the worse: true if it must resign, since the label
/// still carries its old key.
pub(crate) fn must_resign(election: &Election, key: RootKey) -> bool {
    election.is_root() && election.root.key.id == key.id && election.root.key > key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519Blake3;
    use crate::id::NodeId;
    use crate::message::{Mode, STATE_DONE, STATE_FROZEN, STATE_UPSTREAM};

    fn key(rank: Rank, id: u8) -> RootKey {
        RootKey::first(rank, NodeId([id; 16]), 1)
    }

    fn root(id: u8) -> Arc<Root> {
        Root::new(key(Rank::Subscriber, id), None, &Ed25519Blake3)
    }

    fn neighbor(link: u32, id: u8, distance: u16, flags: u8) -> Neighbor {
        let mut neighbor = Neighbor::silent(LinkId(link), Mode::Subscribe);
        (neighbor.root, neighbor.distance, neighbor.flags) = (Some(root(id)), distance, flags);
        neighbor
    }

    /// Node 5 among these neighbours; all have been told.
    fn settle(election: &mut Election, neighbors: &[Neighbor]) {
        settle_with(election, neighbors, true);
    }

    fn settle_with(election: &mut Election, neighbors: &[Neighbor], told: bool) {
        settle_barring(election, neighbors, told, None);
    }

    fn settle_barring(
        election: &mut Election,
        neighbors: &[Neighbor],
        told: bool,
        barred: Option<LinkId>,
    ) {
        let claim = || root(5);
        let own = Own {
            key: key(Rank::Subscriber, 5),
            mode: Mode::Subscribe,
            stays: false,
            barred: &|link, _| Some(link) == barred,
            claim: &claim,
        };
        election.settle(&own, neighbors, |_, _| told);
    }

    fn label(election: &Election) -> (u8, u16, Option<u32>, Phase) {
        let upstream = election.upstream.map(|link| link.0);
        let id = election.root.key.id.0[0];
        (id, election.distance, upstream, election.phase)
    }

    #[test]
    fn the_best_root_then_the_shortest_way_then_the_oldest_link() {
        let mut election = Election::alone(root(5));
        settle(&mut election, &[neighbor(1, 4, 0, 0)]);
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
        settle(&mut election, &[neighbor(1, 8, 3, 0), neighbor(2, 9, 7, 0)]);
        assert_eq!(label(&election), (9, 8, Some(2), Phase::Settled));
        let nearer = [
            neighbor(2, 9, 7, 0),
            neighbor(3, 9, 4, 0),
            neighbor(4, 9, 4, 0),
        ];
        settle(&mut election, &nearer);
        assert_eq!(label(&election), (9, 5, Some(3), Phase::Settled));
    }

    #[test]
    fn nobody_follows_a_frozen_or_downstream_neighbor_or_its_own_ghost() {
        let mut election = Election::alone(root(5));
        let ghost = {
            let mut ghost = neighbor(3, 5, 2, 0);
            let key = RootKey {
                sequence: 9,
                ..key(Rank::Subscriber, 5)
            };
            ghost.root = Some(Root::new(key, None, &Ed25519Blake3));
            ghost
        };
        let neighbors = [
            neighbor(1, 9, 0, STATE_FROZEN),
            neighbor(2, 9, 0, STATE_UPSTREAM),
            ghost,
            neighbor(4, 9, MAX_DISTANCE, 0),
        ];
        settle(&mut election, &neighbors);
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
    }

    #[test]
    fn a_lost_upstream_freezes_until_all_below_are_done() {
        let mut election = Election::alone(root(5));
        let below = |flags| neighbor(2, 9, 2, STATE_UPSTREAM | flags);
        settle(&mut election, &[neighbor(1, 9, 0, 0), below(0)]);
        assert_eq!(label(&election), (9, 1, Some(1), Phase::Settled));
        settle(&mut election, &[below(0)]);
        assert_eq!(label(&election), (9, 1, None, Phase::Frozen));
        settle(&mut election, &[below(STATE_FROZEN)]);
        assert_eq!(label(&election), (9, 1, None, Phase::Frozen));
        settle(&mut election, &[below(STATE_FROZEN | STATE_DONE)]);
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
    }

    #[test]
    fn release_comes_from_the_top() {
        let mut election = Election::alone(root(5));
        settle(&mut election, &[neighbor(1, 9, 0, 0)]);
        let frozen = [neighbor(1, 9, 0, STATE_FROZEN)];
        settle_with(&mut election, &frozen, false);
        assert_eq!(label(&election), (9, 1, Some(1), Phase::Frozen));
        settle(&mut election, &frozen);
        assert_eq!(label(&election), (9, 1, Some(1), Phase::Done));
        // The upstream was released: so are we, and join whom it joined.
        settle(&mut election, &[neighbor(1, 7, 3, 0)]);
        assert_eq!(label(&election), (7, 4, Some(1), Phase::Settled));
    }

    #[test]
    fn a_better_way_thaws_at_once() {
        let mut election = Election::alone(root(5));
        settle(&mut election, &[neighbor(1, 9, 4, 0)]);
        settle_with(&mut election, &[neighbor(1, 9, 4, STATE_FROZEN)], false);
        assert!(election.frozen());
        let other = [neighbor(1, 9, 4, STATE_FROZEN), neighbor(2, 9, 3, 0)];
        settle_with(&mut election, &other, false);
        assert_eq!(label(&election), (9, 4, Some(2), Phase::Settled));
    }

    #[test]
    fn a_barred_upstream_is_left_by_a_freeze_and_not_taken_again() {
        let mut election = Election::alone(root(5));
        let teaser = [neighbor(1, 9, 1, 0)];
        settle(&mut election, &teaser);
        assert_eq!(label(&election), (9, 2, Some(1), Phase::Settled));
        settle_with(&mut election, &[neighbor(1, 9, 1, STATE_FROZEN)], false);
        assert_eq!(label(&election), (9, 2, Some(1), Phase::Frozen));
        settle_barring(&mut election, &teaser, false, Some(LinkId(1)));
        assert_eq!(label(&election), (9, 2, None, Phase::Frozen));
        settle_barring(&mut election, &teaser, true, Some(LinkId(1)));
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
    }

    #[test]
    fn who_resigns_joins_nobody_before_its_release() {
        let mut election = Election::alone(root(5));
        let better = [neighbor(1, 9, 0, 0)];
        election.resign();
        settle_with(&mut election, &better, false);
        assert_eq!(label(&election), (5, 0, None, Phase::Resigning));
        settle(&mut election, &better);
        assert_eq!(label(&election), (9, 1, Some(1), Phase::Settled));
    }

    #[test]
    fn a_root_whose_key_got_worse_must_resign() {
        let election = Election::alone(root(5));
        assert!(must_resign(&election, key(Rank::Holder, 5)));
        assert!(!must_resign(&election, key(Rank::Founder, 5)));
        assert!(!must_resign(&election, key(Rank::Holder, 4)));
    }

    /// Node 5 at a distance below link 1, under root 9 of this rank.
    fn below(rank: Rank, distance: u16) -> Election {
        let root = Root::new(key(rank, 9), None, &Ed25519Blake3);
        Election {
            distance,
            upstream: Some(LinkId(1)),
            ..Election::alone(root)
        }
    }

    #[test]
    fn a_successor_goes_on_with_the_line_and_beats_the_old_label() {
        let own = key(Rank::Holder, 5);
        for rank in [Rank::Holder, Rank::Subscriber, Rank::Founder] {
            let election = below(rank, 1);
            let succeeded = election.succession(LinkId(1), own, true);
            let expected = RootKey {
                rank,
                line: NodeId([9; 16]),
                generation: 1,
                ..own
            };
            assert_eq!(succeeded, Some(expected));
            assert!(expected > election.root.key);
            assert!(expected < key(rank, 10), "a better line stays better");
        }
    }

    #[test]
    fn only_who_is_directly_below_the_lost_root_and_fit_succeeds() {
        let own = key(Rank::Holder, 5);
        let succeeds = |election: &Election, link, subscriber| {
            election.succession(LinkId(link), own, subscriber).is_some()
        };
        assert!(!succeeds(&below(Rank::Holder, 1), 2, true), "another link");
        assert!(!succeeds(&below(Rank::Holder, 2), 1, true), "not the root");
        assert!(!succeeds(&Election::alone(root(5)), 1, true), "is root");
        assert!(!succeeds(&below(Rank::Leaving, 1), 1, true));
        assert!(succeeds(&below(Rank::Holder, 1), 1, false));
        assert!(!succeeds(&below(Rank::Subscriber, 1), 1, false));
        assert!(!succeeds(&below(Rank::Founder, 1), 1, false));
        for phase in [Phase::Frozen, Phase::Resigning, Phase::Done] {
            let election = Election {
                phase,
                ..below(Rank::Holder, 1)
            };
            assert!(!succeeds(&election, 1, true), "{phase:?}");
        }
    }

    #[test]
    fn generations_end() {
        let last = RootKey {
            generation: u32::MAX,
            ..key(Rank::Holder, 9)
        };
        let election = Election {
            root: Root::new(last, None, &Ed25519Blake3),
            ..below(Rank::Holder, 1)
        };
        let own = key(Rank::Holder, 5);
        assert_eq!(election.succession(LinkId(1), own, true), None);
    }

    #[test]
    fn who_waits_for_an_heir_keeps_its_label() {
        let mut election = Election::alone(Root::new(key(Rank::Founder, 5), None, &Ed25519Blake3));
        election.heir = Some(LinkId(1));
        let waiting = [neighbor(1, 4, 1, STATE_UPSTREAM)];
        settle(&mut election, &waiting);
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
        election.resign();
        settle_with(&mut election, &waiting, false);
        assert_eq!(label(&election), (5, 0, None, Phase::Resigning));
        assert_eq!(election.heir, None);
    }

    #[test]
    fn who_gives_up_a_freeze_is_released_without_its_subtree() {
        let mut election = Election::alone(root(5));
        let below = [neighbor(2, 9, 2, STATE_UPSTREAM)];
        settle(&mut election, &[neighbor(1, 9, 0, 0)]);
        settle_with(&mut election, &below, false);
        assert_eq!(label(&election), (9, 1, None, Phase::Frozen));
        election.give_up();
        settle_with(&mut election, &below, false);
        assert_eq!(label(&election), (5, 0, None, Phase::Settled));
    }
}
