//! One document's network as one node of 2010 sees it.

use super::form::Part;
use super::{FIRST, OPTIMAL, ROUND, another};
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::time::Time;
use cliqueclique_sim::arena::Peer;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a node tells its peers about itself. Ids of nodes are in order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) has_enough_peers: bool,
    pub(super) is_wanted: bool,
    pub(super) is_subscribed: bool,
    pub(super) center_is_subscribed: bool,
    pub(super) center: Option<u64>,
    pub(super) distance: u32,
    pub(super) serial: i64,
}

/// Whose place is better: `Greater` if `a` is upstream of `b` by more than `closer`.
fn compare(a: &State, b: &State, closer: u32) -> Ordering {
    if a.center == b.center {
        return b.distance.cmp(&a.distance.saturating_add(closer));
    }
    let subscribed = a.center_is_subscribed.cmp(&b.center_is_subscribed);
    subscribed.then(a.center.cmp(&b.center))
}

/// What is known of a peer, and what it knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Known {
    state: State,
    /// Serial that it acknowledged.
    acknowledged: i64,
    interval: Option<Duration>,
    resend: Time,
    /// It is owed an acknowledgement. So is who was never heard of.
    owed: bool,
    has_copy: bool,
}

/// A document here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Network {
    pub(super) parents: Vec<DocumentId>,
    pub(super) peers: BTreeMap<Peer, Known>,
    pub(super) bookmarked: bool,
    pub(super) subscribed_here: bool,
    /// Its user follows comments of comments. (The first program left that to the user.)
    pub(super) follows: bool,
    own: State,
}

impl Network {
    pub(super) fn new(parents: Vec<DocumentId>, subscribed_here: bool) -> Self {
        Self {
            parents,
            peers: BTreeMap::new(),
            bookmarked: false,
            subscribed_here,
            follows: false,
            own: State::default(),
        }
    }

    /// A peer takes part, as far as this node knows.
    pub(super) fn ensure(&mut self, peer: Peer) {
        let state = State {
            is_wanted: true,
            serial: -1,
            ..State::default()
        };
        self.peers.entry(peer).or_insert(Known {
            state,
            acknowledged: -1,
            interval: None,
            resend: Time::ZERO,
            owed: true,
            has_copy: false,
        });
    }

    pub(super) fn subscribed_peers(&self) -> impl Iterator<Item = Peer> + '_ {
        let subscribed = self
            .peers
            .iter()
            .filter(|(_, known)| known.state.is_subscribed);
        subscribed.map(|(&peer, _)| peer)
    }

    pub(super) fn center(&self) -> Option<Peer> {
        self.own
            .center
            .and_then(|center| usize::try_from(center).ok())
    }

    /// A peer told its state: a better place than ours moves ours.
    pub(super) fn hear(&mut self, from: Peer, state: State) {
        self.ensure(from);
        let Some(known) = self.peers.get_mut(&from) else {
            return;
        };
        known.state = state;
        known.owed = true;
        if compare(&state, &self.own, 0) == Ordering::Greater {
            self.own.center_is_subscribed = state.center_is_subscribed;
            self.own.center = state.center;
            self.own.distance = state.distance.saturating_add(1);
        }
    }

    /// Election and what follows from what is known; a change gets a new serial number.
    pub(super) fn settle(&mut self, me: Peer, wanted_above: bool) {
        let before = self.own;
        let below = |known: &&Known| compare(&self.own, &known.state, 1) == Ordering::Greater;
        let downstream = self.peers.values().filter(below);
        let (mut wanters, mut subscribers) = (0, 0);
        downstream.for_each(|known| {
            wanters += 1;
            subscribers += usize::from(known.state.is_subscribed);
        });
        let me = me as u64;
        self.own.is_subscribed = subscribers > 0 || self.subscribed_here;
        self.own.is_wanted = wanters > 0 || self.bookmarked || wanted_above || self.subscribed_here;
        if self.own.center == Some(me) {
            self.own.center_is_subscribed = self.own.is_subscribed;
        } else if self.own.center.is_none()
            || (self.own.is_subscribed && !self.own.center_is_subscribed)
        {
            self.own.center_is_subscribed = self.own.is_subscribed;
            (self.own.center, self.own.distance) = (Some(me), 0);
        }
        let enough = usize::try_from(self.own.distance)
            .unwrap_or(usize::MAX)
            .min(OPTIMAL);
        self.own.has_enough_peers = self.peers.len() > enough;
        if self.own != before {
            self.own.serial += 1;
        }
    }

    /// A peer acknowledged a state. True if it is let go, since nothing is wanted here.
    pub(super) fn acknowledged(&mut self, from: Peer, serial: i64) -> bool {
        if self.own.serial != serial {
            return false;
        }
        if !self.own.is_wanted {
            return self.peers.remove(&from).is_some();
        }
        if let Some(known) = self.peers.get_mut(&from) {
            known.acknowledged = serial;
            known.has_copy = true;
        }
        false
    }

    /// What is to be sent to a peer now.
    pub(super) fn due(
        &mut self,
        now: Time,
        id: DocumentId,
        peer: Peer,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Part> {
        let suggestion = another(&self.peers, peer, rng);
        let own = self.own;
        let mut parts = Vec::new();
        let Some(known) = self.peers.get_mut(&peer) else {
            return parts;
        };
        if known.acknowledged == own.serial {
            known.interval = None;
        } else if known.resend <= now {
            let interval = known.interval.map_or(FIRST, |interval| interval * 2);
            (known.interval, known.resend) = (Some(interval), now + interval);
            let body = (!known.has_copy).then(Vec::new);
            parts.push(Part::Update(id.0, own, body));
        }
        if known.owed {
            known.owed = false;
            parts.push(Part::Ack(id.0, known.state.serial));
        }
        if !known.state.has_enough_peers
            && let Some(other) = suggestion
        {
            parts.push(Part::Suggestion(id.0, other));
        }
        if !known.state.is_wanted {
            self.peers.remove(&peer);
        }
        parts
    }

    /// When something is due next.
    pub(super) fn next(&self, now: Time) -> Option<Time> {
        let many = self.peers.len() > 1;
        let due = |known: &Known| {
            let resend = (known.acknowledged != self.own.serial).then_some(known.resend);
            let suggest = (many && !known.state.has_enough_peers).then_some(now + ROUND);
            let owed = known.owed.then_some(now + ROUND);
            [resend, suggest, owed].into_iter().flatten().min()
        };
        self.peers.values().filter_map(due).min()
    }

    /// Nobody wants it, and nobody is left to be told.
    pub(super) fn is_over(&self) -> bool {
        self.peers.is_empty() && !self.own.is_wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(center: u64, distance: u32) -> State {
        State {
            center_is_subscribed: true,
            center: Some(center),
            distance,
            is_wanted: true,
            serial: 1,
            ..State::default()
        }
    }

    #[test]
    fn the_best_centre_is_taken_and_distance_grows_by_one() {
        let mut network = Network::new(Vec::new(), true);
        network.settle(3, false);
        assert_eq!((network.center(), network.own.distance), (Some(3), 0));
        network.hear(7, state(9, 2));
        network.settle(3, false);
        assert_eq!((network.center(), network.own.distance), (Some(9), 3));
        network.hear(8, state(9, 5));
        network.hear(5, state(4, 0));
        network.settle(3, false);
        assert_eq!((network.center(), network.own.distance), (Some(9), 3));
    }

    #[test]
    fn a_state_is_sent_until_it_is_acknowledged_at_intervals_that_double() {
        let mut rng = rand::SeedableRng::from_seed([1; 32]);
        let mut network = Network::new(Vec::new(), true);
        network.ensure(7);
        network.settle(3, false);
        let mut sent = Vec::new();
        for second in 0..20 {
            let parts = network.due(Time(second * 1_000_000), DocumentId([0; 32]), 7, &mut rng);
            let update = |part: &Part| matches!(part, Part::Update(..));
            sent.extend(parts.iter().any(update).then_some(second));
        }
        assert_eq!(sent, [0, 1, 3, 7, 15]);
        network.acknowledged(7, network.own.serial);
        let parts = network.due(Time(99_000_000), DocumentId([0; 32]), 7, &mut rng);
        assert_eq!(parts, [], "it has it, and nobody else could be suggested");
    }
}
