//! Doubts about upstreams that freeze and thaw for ever (PROTOCOL.md, rule *Distrust*).

use super::root::RootKey;
use crate::link::LinkId;
use crate::time::Time;
use std::time::Duration;

/// So many freezes of one upstream are taken from it, and one more for each hop that we are
/// away from the root: of several nodes below one that plays with them, the first loses its
/// trust first, and the others need not. Guess.
const FREEZES: u16 = 8;
/// At most so many of those hops count.
const MAX_HOPS: u16 = 24;
/// A freeze that only *Patience* ends counts as so many.
pub(crate) const GIVEN_UP: u16 = 4;
/// The time of distrust doubles at most so often.
const MAX_DOUBLINGS: u32 = 6;
/// Doubts of one network; the oldest goes. K is at most as much.
const MAX_DOUBTS: usize = 64;

#[derive(Clone, Debug, Hash)]
struct Doubt {
    link: LinkId,
    /// The least of the roots under which it froze us.
    least: RootKey,
    /// Freezes since the last time of distrust.
    freezes: u16,
    /// Times of distrust so far.
    times: u32,
    /// End of the last one.
    until: Time,
    /// Then all is forgotten.
    forgotten: Time,
}

/// Which upstreams have frozen us how often.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Doubts(Vec<Doubt>);

impl Doubts {
    /// An upstream froze us, at this distance below this root; that counts `weight` times.
    pub(crate) fn froze(
        &mut self,
        (now, patience): (Time, Duration),
        link: LinkId,
        (root, distance): (RootKey, u16),
        weight: u16,
    ) {
        self.0.retain(|doubt| doubt.forgotten > now);
        let mut doubt = match self.0.iter().position(|doubt| doubt.link == link) {
            Some(at) => self.0.remove(at),
            None => Doubt {
                link,
                least: root,
                freezes: 0,
                times: 0,
                until: Time::ZERO,
                forgotten: now,
            },
        };
        doubt.least = doubt.least.min(root);
        doubt.freezes = doubt.freezes.saturating_add(weight);
        doubt.forgotten = doubt.forgotten.max(now + patience);
        if doubt.freezes >= FREEZES + distance.min(MAX_HOPS) {
            let length = patience * (1 << doubt.times.min(MAX_DOUBLINGS));
            doubt.freezes = 0;
            doubt.times += 1;
            doubt.until = now + length;
            doubt.forgotten = now + length * 2 + patience;
        }
        if self.0.len() >= MAX_DOUBTS {
            self.0.remove(0);
        }
        self.0.push(doubt);
    }

    /// A neighbour is not taken as upstream under this root now.
    pub(crate) fn bar(&self, now: Time, link: LinkId, root: RootKey) -> bool {
        let barred = |doubt: &Doubt| doubt.link == link && doubt.until > now && root >= doubt.least;
        self.0.iter().any(barred)
    }

    /// When the next time of distrust ends.
    pub(crate) fn next(&self, now: Time) -> Option<Time> {
        let ends = self.0.iter().map(|doubt| doubt.until);
        ends.filter(|until| *until > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::message::Rank;

    const PATIENCE: Duration = Duration::from_secs(90);
    const LIAR: LinkId = LinkId(1);

    fn root(id: u8) -> RootKey {
        RootKey::first(Rank::Subscriber, NodeId([id; 16]), 1)
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    /// Freezes us every second from `from` on until that is no longer possible; gives when.
    fn tease(doubts: &mut Doubts, from: u64, distance: u16) -> u64 {
        let mut now = from;
        while !doubts.bar(at(now), LIAR, root(9)) {
            doubts.froze((at(now), PATIENCE), LIAR, (root(9), distance), 1);
            now += 1;
            assert!(now < from + 1_000, "an endless series");
        }
        now - from
    }

    #[test]
    fn an_endless_series_ends_and_each_one_is_followed_by_a_longer_rest() {
        let mut doubts = Doubts::default();
        let mut now = 0;
        for rest in [90, 180, 360, 720, 1_440, 2_880, 5_760, 5_760] {
            now += tease(&mut doubts, now, 1);
            let end = doubts.next(at(now));
            assert_eq!(end, Some(at(now - 1 + rest)));
            now += rest;
            assert!(!doubts.bar(at(now), LIAR, root(9)));
        }
    }

    #[test]
    fn only_this_neighbour_is_barred_and_only_under_roots_not_below_those_that_froze_us() {
        let mut doubts = Doubts::default();
        let now = tease(&mut doubts, 0, 1);
        assert!(doubts.bar(at(now), LIAR, root(10)));
        assert!(!doubts.bar(at(now), LIAR, root(8)));
        assert!(!doubts.bar(at(now), LinkId(2), root(9)));
    }

    #[test]
    fn who_is_nearer_to_the_root_loses_its_trust_first() {
        let series = |distance| tease(&mut Doubts::default(), 0, distance);
        assert!((1..=MAX_HOPS).all(|distance| series(distance) == series(distance - 1) + 1));
    }

    #[test]
    fn freezes_now_and_then_are_forgotten() {
        let mut doubts = Doubts::default();
        for turn in 0..1_000 {
            doubts.froze((at(turn * 90), PATIENCE), LIAR, (root(9), 1), 1);
            assert!(!doubts.bar(at(turn * 90), LIAR, root(9)));
        }
        assert_eq!(doubts.0.len(), 1);
    }

    #[test]
    fn doubts_are_bounded() {
        let mut doubts = Doubts::default();
        for link in 0..1_000 {
            doubts.froze((at(0), PATIENCE), LinkId(link), (root(9), 1), 1);
        }
        assert_eq!(doubts.0.len(), MAX_DOUBTS);
    }
}
