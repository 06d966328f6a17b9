//! The receiving half of a link: which frames came, what is to be acknowledged,
//! how fast the peer may send.
//!
//! Acknowledgements take effect in order: an acknowledgement in a frame that
//! overtook others waits until those have come. So an acknowledged freeze means
//! that everything the peer said before has been heard (PROTOCOL.md, *Done*).

use crate::config::{Config, MAX_ACK_RANGES};
use crate::message::Frame;
use crate::time::Time;
use std::collections::{BTreeSet, VecDeque};

/// Frames that may have overtaken a missing one. More are dropped and come again.
const MAX_AHEAD: usize = 4_096;
/// Acknowledgements that may wait for a missing frame. More are dropped and come again.
const MAX_WAITING: usize = 64;

/// Acknowledgement ranges that ride on a frame of messages: they fit into
/// [`super::outbound::FRAME_HEADER`].
pub(super) const RIDING_RANGES: usize = 3;

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Intake {
    /// Process its messages.
    New,
    /// It came before, or carries none: look at its acknowledgements only.
    Old,
    /// Over the rate or the window: as if it had been lost.
    Drop,
}

/// Receiving half.
#[derive(Clone, Debug)]
pub(crate) struct Inbound {
    /// All frames up to this number have come.
    floor: u32,
    ahead: BTreeSet<u32>,
    to_acknowledge: Vec<u32>,
    /// When acknowledgements must go out at the latest.
    pub(crate) acknowledge_at: Option<Time>,
    waiting: VecDeque<(u32, Vec<(u32, u32)>)>,
    tokens: f64,
    refilled: Time,
    rate: f64,
    burst: f64,
    /// Credit last told to the peer.
    pub(crate) told_credit: u8,
}

/// Without the rate's tokens: they change with every message, and matter only near the limit.
impl std::hash::Hash for Inbound {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.floor, &self.ahead, &self.to_acknowledge).hash(state);
        (self.acknowledge_at, &self.waiting, self.told_credit).hash(state);
    }
}

impl Inbound {
    pub(crate) fn new(now: Time, config: &Config) -> Self {
        Self {
            floor: 0,
            ahead: BTreeSet::new(),
            to_acknowledge: Vec::new(),
            acknowledge_at: None,
            waiting: VecDeque::new(),
            tokens: f64::from(config.rate_burst),
            refilled: now,
            rate: f64::from(config.rate_limit),
            burst: f64::from(config.rate_burst),
            told_credit: u8::MAX,
        }
    }

    /// Registers a frame.
    pub(crate) fn register(&mut self, frame: &Frame, now: Time, config: &Config) -> Intake {
        if frame.messages.is_empty() {
            return Intake::Old;
        }
        if frame.number <= self.floor || self.ahead.contains(&frame.number) {
            self.owe(frame.number, now, config);
            return Intake::Old;
        }
        if self.ahead.len() >= MAX_AHEAD || !self.pay(frame.messages.len(), now) {
            return Intake::Drop;
        }
        if frame.number == self.floor + 1 {
            self.floor += 1;
        } else {
            self.ahead.insert(frame.number);
        }
        while self.ahead.remove(&(self.floor + 1)) {
            self.floor += 1;
        }
        self.owe(frame.number, now, config);
        Intake::New
    }

    /// Takes the acknowledgements of a frame; gives all ranges that now count.
    pub(crate) fn acknowledgements(&mut self, frame: &mut Frame) -> Vec<(u32, u32)> {
        let after = if frame.messages.is_empty() {
            frame.number
        } else {
            frame.number - 1
        };
        let acks = std::mem::take(&mut frame.acks);
        if self.waiting.is_empty() && after <= self.floor {
            return acks;
        }
        if !acks.is_empty() && self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((after, acks));
        }
        let mut ready = Vec::new();
        let floor = self.floor;
        self.waiting.retain(|(after, ranges)| {
            let counts = *after <= floor;
            if counts {
                ready.extend_from_slice(ranges);
            }
            !counts
        });
        ready
    }

    fn owe(&mut self, number: u32, now: Time, config: &Config) {
        self.to_acknowledge.push(number);
        if self.acknowledge_at.is_none() {
            self.acknowledge_at = Some(now + config.ack_delay);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a message count is small")]
    fn pay(&mut self, messages: usize, now: Time) -> bool {
        let passed = now.since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        let price = messages as f64;
        // A full bucket lets any single frame through, however many messages it has.
        let affordable = self.tokens >= price.min(self.burst);
        if affordable {
            self.tokens -= price;
        }
        affordable
    }

    /// True if acknowledgements can wait no longer.
    pub(crate) fn acknowledges(&self, now: Time) -> bool {
        self.acknowledge_at.is_some_and(|at| at <= now)
    }

    /// Ranges to put into a frame of messages: all of them, or none if they are too
    /// many for its header and must go in a frame of their own.
    pub(crate) fn take_few_acknowledgements(&mut self, now: Time) -> Vec<(u32, u32)> {
        let ranges = self.owed();
        if ranges.len() <= RIDING_RANGES {
            self.to_acknowledge.clear();
            self.acknowledge_at = None;
            return ranges;
        }
        self.acknowledge_at = Some(now);
        Vec::new()
    }

    /// Ranges to put into the next frame.
    pub(crate) fn take_acknowledgements(&mut self) -> Vec<(u32, u32)> {
        let ranges = self.owed();
        self.to_acknowledge.clear();
        self.acknowledge_at = None;
        ranges
    }

    /// Numbers to be acknowledged, as ranges.
    fn owed(&mut self) -> Vec<(u32, u32)> {
        self.to_acknowledge.sort_unstable();
        self.to_acknowledge.dedup();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &number in &self.to_acknowledge {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        if ranges.len() > MAX_ACK_RANGES {
            ranges.drain(..ranges.len() - MAX_ACK_RANGES);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn frame(number: u32, acks: &[(u32, u32)]) -> Frame {
        Frame {
            number,
            acks: acks.to_vec(),
            credit: 0,
            messages: vec![Message::Ping],
        }
    }

    #[test]
    fn frames_count_once_and_are_acknowledged_as_ranges() {
        let config = Config::default();
        let mut inbound = Inbound::new(Time::ZERO, &config);
        for (number, expected) in [
            (1, Intake::New),
            (3, Intake::New),
            (3, Intake::Old),
            (2, Intake::New),
            (1, Intake::Old),
        ] {
            assert_eq!(
                inbound.register(&frame(number, &[]), Time::ZERO, &config),
                expected,
                "{number}"
            );
        }
        inbound.register(&frame(7, &[]), Time::ZERO, &config);
        assert_eq!(inbound.acknowledge_at, Some(Time::ZERO + config.ack_delay));
        assert_eq!(inbound.take_acknowledgements(), [(1, 3), (7, 7)]);
        assert_eq!(inbound.take_acknowledgements(), []);
    }

    #[test]
    fn acknowledgements_that_overtook_wait() {
        let config = Config::default();
        let mut inbound = Inbound::new(Time::ZERO, &config);
        let mut second = frame(2, &[(5, 5)]);
        inbound.register(&second, Time::ZERO, &config);
        assert_eq!(inbound.acknowledgements(&mut second), []);
        let mut first = frame(1, &[(4, 4)]);
        inbound.register(&first, Time::ZERO, &config);
        assert_eq!(inbound.acknowledgements(&mut first), [(5, 5), (4, 4)]);
        let mut only = Frame {
            number: 3,
            acks: vec![(6, 6)],
            ..Frame::default()
        };
        inbound.register(&only, Time::ZERO, &config);
        assert_eq!(
            inbound.acknowledgements(&mut only),
            [],
            "the third data frame is still missing"
        );
        let mut third = frame(3, &[]);
        inbound.register(&third, Time::ZERO, &config);
        assert_eq!(inbound.acknowledgements(&mut third), [(6, 6)]);
    }

    #[test]
    fn a_flood_is_slowed_to_the_rate() {
        let config = Config {
            rate_limit: 10,
            rate_burst: 5,
            ..Config::default()
        };
        let mut inbound = Inbound::new(Time::ZERO, &config);
        let taken = (1..100)
            .filter(|&n| inbound.register(&frame(n, &[]), Time::ZERO, &config) == Intake::New);
        assert_eq!(taken.count(), 5);
        let later = Time(1_000_000);
        let taken =
            (100..200).filter(|&n| inbound.register(&frame(n, &[]), later, &config) == Intake::New);
        assert_eq!(taken.count(), 5, "the bucket holds five");
    }
}
