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

/// Deadlines by time and by purpose.
#[derive(Clone, Debug, Hash, Default)]
pub(crate) struct Deadlines {
    by_time: BTreeSet<(Time, Alarm)>,
    by_alarm: BTreeMap<Alarm, Time>,
}

impl Deadlines {
    /// Sets, moves or (with `None`) cancels.
    pub(crate) fn set(&mut self, alarm: Alarm, at: Option<Time>) {
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

    /// Brings an alarm forward to `at`, or sets it.
    pub(crate) fn advance(&mut self, alarm: Alarm, at: Time) {
        if self.by_alarm.get(&alarm).is_none_or(|&old| at < old) {
            self.set(alarm, Some(at));
        }
    }

    /// Earliest.
    pub(crate) fn next(&self) -> Option<Time> {
        self.by_time.first().map(|&(at, _)| at)
    }

    /// Takes the earliest that is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Alarm> {
        let &(at, alarm) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        self.by_alarm.remove(&alarm);
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
}
