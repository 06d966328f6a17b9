//! The table of deadlines: state, not effects. To cancel one is to remove it.

use crate::id::{ChannelId, NodeId, Tag};
use crate::link::LinkId;
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What a deadline is for; at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Alarm {
    /// When to give up a handshake.
    Handshake(ChannelId),
    /// When to send, send again, acknowledge, keep alive or give up on a link.
    Link(LinkId),
    /// When an overlay's activity wants attention.
    Overlay(Tag),
    /// When to dial a peer (again).
    Redial(NodeId),
    /// When to look after the node as a whole.
    Node,
}

/// Deadlines of links: one of each, moved with every packet. There are few enough to look
/// at all of them, side by side in memory.
#[derive(Clone, Debug, Hash, Default)]
struct Links {
    links: Vec<LinkId>,
    times: Vec<Time>,
}

impl Links {
    fn get(&self, link: LinkId) -> Option<Time> {
        let at = self.links.binary_search(&link).ok()?;
        self.times.get(at).copied()
    }

    fn set(&mut self, link: LinkId, time: Option<Time>) {
        match (self.links.binary_search(&link), time) {
            (Ok(at), Some(time)) => self.times[at] = time,
            (Err(at), Some(time)) => {
                self.links.insert(at, link);
                self.times.insert(at, time);
            }
            (Ok(at), None) => {
                self.links.remove(at);
                self.times.remove(at);
            }
            (Err(_), None) => {}
        }
    }

    /// Of several at the same time, that of the lowest link.
    fn first(&self) -> Option<(Time, Alarm)> {
        let &time = self.times.iter().min()?;
        let at = self.times.iter().position(|other| *other == time)?;
        Some((time, Alarm::Link(self.links[at])))
    }
}

/// Deadlines by time and by purpose.
#[derive(Clone, Debug, Hash, Default)]
pub(crate) struct Deadlines {
    links: Links,
    /// All others.
    by_time: BTreeSet<(Time, Alarm)>,
    by_alarm: BTreeMap<Alarm, Time>,
    /// The earliest of all.
    first: Option<(Time, Alarm)>,
}

impl Deadlines {
    /// Sets, moves or (with `None`) cancels.
    pub(crate) fn set(&mut self, alarm: Alarm, at: Option<Time>) {
        if let Alarm::Link(link) = alarm {
            self.links.set(link, at);
        } else {
            self.set_other(alarm, at);
        }
        if self.first.is_some_and(|(_, first)| first == alarm) {
            self.first = self.find_first();
        } else if let Some(at) = at {
            let entry = (at, alarm);
            self.first = Some(self.first.map_or(entry, |first| first.min(entry)));
        }
    }

    fn set_other(&mut self, alarm: Alarm, at: Option<Time>) {
        let old = match at {
            Some(at) => self.by_alarm.insert(alarm, at),
            None => self.by_alarm.remove(&alarm),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.by_time.remove(&(old, alarm));
        }
        if let Some(at) = at {
            self.by_time.insert((at, alarm));
        }
    }

    fn get(&self, alarm: Alarm) -> Option<Time> {
        if let Alarm::Link(link) = alarm {
            return self.links.get(link);
        }
        self.by_alarm.get(&alarm).copied()
    }

    fn find_first(&self) -> Option<(Time, Alarm)> {
        let other = self.by_time.first().copied();
        self.links.first().into_iter().chain(other).min()
    }

    /// Brings an alarm forward to `at`, or sets it.
    pub(crate) fn advance(&mut self, alarm: Alarm, at: Time) {
        if self.get(alarm).is_none_or(|old| at < old) {
            self.set(alarm, Some(at));
        }
    }

    /// Earliest.
    pub(crate) fn next(&self) -> Option<Time> {
        self.first.map(|(at, _)| at)
    }

    /// Takes the earliest that is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Alarm> {
        let (at, alarm) = self.first?;
        if at > now {
            return None;
        }
        self.set(alarm, None);
        Some(alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_in_order_and_only_once() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Alarm::Node, Some(Time(5)));
        deadlines.set(Alarm::Link(LinkId(1)), Some(Time(3)));
        deadlines.advance(Alarm::Node, Time(9));
        deadlines.set(Alarm::Link(LinkId(2)), Some(Time(1)));
        deadlines.set(Alarm::Link(LinkId(2)), None);
        assert_eq!(deadlines.next(), Some(Time(3)));
        assert_eq!(deadlines.pop_due(Time(10)), Some(Alarm::Link(LinkId(1))));
        assert_eq!(deadlines.pop_due(Time(4)), None);
        assert_eq!(deadlines.pop_due(Time(5)), Some(Alarm::Node));
        assert_eq!(deadlines.next(), None);
    }

    fn alarm(number: u32) -> Alarm {
        match number % 5 {
            0 => Alarm::Overlay(Tag(u64::from(number).to_be_bytes())),
            1 => Alarm::Redial(NodeId([0; 16])),
            2 => Alarm::Handshake(ChannelId(number.into())),
            3 => Alarm::Node,
            _ => Alarm::Link(LinkId(number)),
        }
    }

    proptest::proptest! {
        #[test]
        fn the_earliest_comes_first_and_at_the_same_time_in_order_of_purpose(
            steps in proptest::collection::vec((0..40_u32, proptest::option::of(0..20_u64)), 0..200)
        ) {
            let (mut deadlines, mut model) = (Deadlines::default(), BTreeMap::new());
            let first = |model: &BTreeMap<Alarm, Time>| model.iter().map(|(a, t)| (*t, *a)).min();
            for (number, at) in steps {
                let at = at.map(Time);
                deadlines.set(alarm(number), at);
                match at {
                    Some(at) => model.insert(alarm(number), at),
                    None => model.remove(&alarm(number)),
                };
                proptest::prop_assert_eq!(deadlines.first, first(&model));
            }
            while let Some((_, alarm)) = first(&model) {
                model.remove(&alarm);
                proptest::prop_assert_eq!(deadlines.pop_due(Time(20)), Some(alarm));
            }
            proptest::prop_assert_eq!(deadlines.next(), None);
        }
    }
}
