//! Comments that neighbours were asked for in one network (PROTOCOL.md, rule *Reconcile*).
//!
//! Each neighbour has a share of its own, so that one that names comments and never sends
//! them does not keep others from being asked.

use crate::id::Tag;
use crate::link::LinkId;
use crate::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Comments that one neighbour is asked for at once. More are asked for when these have come.
const MAX_WANTS: usize = 256;
/// The same for a neighbour that let the last ones wait for too long.
const MAX_LATE: usize = 16;

/// One comment.
#[derive(Clone, Copy, Debug, Hash)]
struct Want {
    from: LinkId,
    /// From then on another neighbour may be asked.
    until: Time,
}

/// A neighbour that was asked.
#[derive(Clone, Copy, Debug, Hash)]
struct Giver {
    /// When what it was asked for is given up; each arrival from it moves it on.
    until: Option<Time>,
    /// It came to that, and nothing came from it since.
    late: bool,
}

/// Comments asked for, and whom.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Wants {
    asked: BTreeMap<Tag, Want>,
    givers: BTreeMap<LinkId, Giver>,
}

impl Wants {
    /// Of comments that a neighbour has and we lack, those to ask it for now.
    pub(crate) fn ask(
        &mut self,
        (now, patience): (Time, Duration),
        from: LinkId,
        mut tags: Vec<Tag>,
    ) -> Vec<Tag> {
        let until = now + patience;
        let share = if self.late(from) { MAX_LATE } else { MAX_WANTS };
        tags.retain(|tag| match self.asked.get(tag) {
            Some(want) => want.from != from && (want.until <= now || self.late(want.from)),
            None => true,
        });
        tags.truncate(share.saturating_sub(self.count(from)));
        let want = Want { from, until };
        self.asked.extend(tags.iter().map(|tag| (*tag, want)));
        if !tags.is_empty() {
            // Only what comes moves it on.
            let giver = Giver {
                until: None,
                late: false,
            };
            let giver = self.givers.entry(from).or_insert(giver);
            giver.until.get_or_insert(until);
        }
        self.tidy();
        tags
    }

    /// A comment came from a neighbour: true if it was the last one asked for.
    pub(crate) fn arrived(
        &mut self,
        (now, patience): (Time, Duration),
        from: LinkId,
        tag: Tag,
    ) -> bool {
        let wanted = self.asked.remove(&tag).is_some();
        if let Some(giver) = self.givers.get_mut(&from).filter(|_| wanted) {
            (giver.until, giver.late) = (Some(now + patience), false);
        }
        self.tidy();
        wanted && self.asked.is_empty()
    }

    /// A neighbour cannot give them.
    pub(crate) fn lacks(&mut self, from: LinkId, tags: &[Tag]) {
        for tag in tags {
            if self.asked_from(from, *tag) {
                self.asked.remove(tag);
            }
        }
        self.tidy();
    }

    /// Gives up what waited too long; true if something did.
    pub(crate) fn expire(&mut self, now: Time) -> bool {
        let mut some = false;
        for (link, giver) in &mut self.givers {
            if giver.until.is_some_and(|until| until <= now) {
                giver.late = true;
                self.asked.retain(|_, want| want.from != *link);
                some = true;
            }
        }
        self.tidy();
        some
    }

    /// Forgets a neighbour.
    pub(crate) fn unlink(&mut self, link: LinkId) {
        self.asked.retain(|_, want| want.from != link);
        self.givers.remove(&link);
    }

    /// This neighbour was asked for this comment.
    pub(crate) fn asked_from(&self, from: LinkId, tag: Tag) -> bool {
        self.asked.get(&tag).is_some_and(|want| want.from == from)
    }

    /// Some comment may still come from whom it was asked.
    pub(crate) fn hopes(&self, now: Time) -> bool {
        let hope = |want: &Want| want.until > now && !self.late(want.from);
        self.asked.values().any(hope)
    }

    /// When something is given up next.
    pub(crate) fn next(&self) -> Option<Time> {
        self.givers.values().filter_map(|giver| giver.until).min()
    }

    fn late(&self, link: LinkId) -> bool {
        self.givers.get(&link).is_some_and(|giver| giver.late)
    }

    fn count(&self, link: LinkId) -> usize {
        self.asked.values().filter(|want| want.from == link).count()
    }

    /// Who is asked for nothing any more has no deadline; it is remembered only if it was late.
    fn tidy(&mut self) {
        let asked = &self.asked;
        self.givers.retain(|link, giver| {
            if asked.values().all(|want| want.from != *link) {
                giver.until = None;
            }
            giver.until.is_some() || giver.late
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(40);
    const LIAR: LinkId = LinkId(1);
    const HONEST: LinkId = LinkId(2);

    fn tags(numbers: std::ops::Range<u64>) -> Vec<Tag> {
        numbers.map(|n| Tag(n.to_be_bytes())).collect()
    }

    fn at(seconds: u64) -> (Time, Duration) {
        (Time::ZERO + Duration::from_secs(seconds), PATIENCE)
    }

    #[test]
    fn one_neighbor_cannot_take_the_places_of_others() {
        let mut wants = Wants::default();
        assert_eq!(wants.ask(at(0), LIAR, tags(1_000..9_000)).len(), MAX_WANTS);
        assert!(wants.ask(at(1), LIAR, tags(9_000..9_100)).is_empty());
        assert_eq!(wants.ask(at(1), HONEST, tags(0..300)).len(), MAX_WANTS);
    }

    #[test]
    fn what_one_names_and_does_not_send_another_is_asked_for() {
        let mut wants = Wants::default();
        assert_eq!(wants.ask(at(0), LIAR, tags(0..2)).len(), 2);
        assert!(
            wants.ask(at(39), HONEST, tags(0..2)).is_empty(),
            "it may come"
        );
        assert!(wants.hopes(at(39).0));
        assert!(wants.expire(at(40).0));
        // It names them again at once, and is asked once more; who has them is not kept waiting.
        assert_eq!(wants.ask(at(40), LIAR, tags(0..100)).len(), MAX_LATE);
        assert!(!wants.hopes(at(40).0));
        assert_eq!(wants.ask(at(41), HONEST, tags(0..2)).len(), 2);
        assert!(wants.ask(at(42), LIAR, tags(0..2)).is_empty());
        assert!(!wants.arrived(at(43), HONEST, Tag([0; 8])));
        wants.lacks(LIAR, &tags(2..100));
        assert!(wants.arrived(at(44), HONEST, tags(1..2)[0]));
        assert_eq!(wants.next(), None);
    }

    #[test]
    fn who_sends_one_now_and_then_holds_up_only_itself() {
        let mut wants = Wants::default();
        wants.ask(at(0), LIAR, tags(0..100));
        for turn in 0..10 {
            let now = at(39 * turn);
            assert!(!wants.arrived(now, LIAR, tags(turn..turn + 1)[0]));
            assert!(!wants.expire(now.0));
        }
        assert!(!wants.hopes(at(40).0), "those of the beginning are overdue");
        assert_eq!(wants.ask(at(391), HONEST, tags(10..100)).len(), 90);
    }

    #[test]
    fn arrivals_from_one_do_not_keep_up_the_hope_in_another() {
        let mut wants = Wants::default();
        wants.ask(at(0), LIAR, tags(0..1));
        wants.ask(at(0), HONEST, tags(1..9));
        wants.arrived(at(30), HONEST, tags(1..2)[0]);
        assert_eq!(wants.next(), Some(at(40).0));
        assert!(wants.expire(at(40).0));
        assert!(!wants.asked_from(LIAR, Tag([0; 8])));
        assert_eq!(wants.next(), Some(at(70).0));
        wants.unlink(HONEST);
        assert_eq!(wants.next(), None);
    }

    #[test]
    fn who_was_late_is_trusted_again_once_something_comes() {
        let mut wants = Wants::default();
        wants.ask(at(0), LIAR, tags(0..20));
        wants.expire(at(40).0);
        assert_eq!(wants.ask(at(41), LIAR, tags(0..20)).len(), MAX_LATE);
        wants.arrived(at(42), LIAR, Tag([0; 8]));
        assert_eq!(
            wants.ask(at(43), LIAR, tags(100..900)).len(),
            MAX_WANTS - 15
        );
    }
}
