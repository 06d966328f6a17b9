//! The sending half of a link: frames in flight, time-outs after RFC 6298,
//! window after AIMD, the peer's credit.

use crate::config::{CREDIT_UNIT, Config};
use crate::id::Tag;
use crate::message::{Frame, Message};
use crate::time::{Time, micros};
use crate::wire;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Bytes that a frame's own fields may take.
pub(super) const FRAME_HEADER: usize = 48;
/// Smallest congestion window, bytes.
const MIN_WINDOW: usize = 16 * 1024;
/// Frames sent again at one time-out.
const RESEND_BATCH: usize = 8;

/// A frame in flight.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Sent {
    number: u32,
    messages: Vec<Message>,
    /// Overlays whose state rides in it.
    pub(crate) states: Vec<Tag>,
    bytes: usize,
    first: Time,
    last: Time,
    tries: u32,
}

impl Sent {
    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Its messages.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }
}

/// Sending half.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Outbound {
    pub(crate) frame_limit: usize,
    next_number: u32,
    next_transfer: u32,
    queue: VecDeque<(Message, Option<Tag>)>,
    flight: VecDeque<Sent>,
    flight_bytes: usize,
    window: usize,
    max_window: usize,
    /// Bytes of documents that the peer is ready to take.
    credit: usize,
    smoothed: Option<Duration>,
    variation: Duration,
    first_timeout: Duration,
    min_timeout: Duration,
    last_sent: Time,
}

impl Outbound {
    pub(crate) fn new(frame_limit: usize, config: &Config) -> Self {
        Self {
            frame_limit,
            next_number: 1,
            next_transfer: 1,
            queue: VecDeque::new(),
            flight: VecDeque::new(),
            flight_bytes: 0,
            window: config.send_window,
            max_window: config.send_window,
            credit: config.send_window,
            smoothed: None,
            variation: Duration::ZERO,
            first_timeout: config.first_timeout,
            min_timeout: config.min_timeout,
            last_sent: Time::ZERO,
        }
    }

    /// Queues a message; one that is larger than a frame is cut. `state` is the
    /// overlay whose state it tells, if it tells one.
    pub(crate) fn push(&mut self, message: Message, state: Option<Tag>) {
        let room = self.frame_limit - FRAME_HEADER;
        if may_be_large(&message) && wire::encoded_len(&message) > room {
            let transfer = self.next_transfer;
            self.next_transfer += 1;
            let pieces = super::fragments(&message, transfer, self.frame_limit);
            self.queue
                .extend(pieces.into_iter().map(|piece| (piece, None)));
            if let Some((_, last)) = self.queue.back_mut() {
                *last = state;
            }
        } else {
            self.queue.push_back((message, state));
        }
    }

    fn unacknowledged(&self) -> impl Iterator<Item = &Message> {
        let flying = self.flight.iter().flat_map(|sent| &sent.messages);
        flying.chain(self.queue.iter().map(|(message, _)| message))
    }

    /// Networks of which something other than a state is unacknowledged.
    pub(crate) fn unsettled(&self) -> BTreeSet<Tag> {
        let said = self.unacknowledged();
        let spoken = said.filter(|message| !matches!(message, Message::State(..)));
        spoken.filter_map(Message::network).collect()
    }

    /// True if part of a large message is unacknowledged.
    pub(crate) fn tears(&self) -> bool {
        let mut said = self.unacknowledged();
        said.any(|message| matches!(message, Message::Fragment(_)))
    }

    /// Number of the last frame built; 0 if none.
    pub(crate) fn last_number(&self) -> u32 {
        self.next_number - 1
    }

    /// True if no message waits for a frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// True if the window has room for another frame.
    pub(crate) fn has_window(&self) -> bool {
        self.flight_bytes < self.window
    }

    /// True if a document of so many bytes may be sent now; if so, its credit is used.
    pub(crate) fn use_credit(&mut self, bytes: usize) -> bool {
        let enough = self.credit >= bytes;
        if enough {
            self.credit -= bytes;
        }
        enough
    }

    /// The peer told its credit.
    pub(crate) fn set_credit(&mut self, units: u8) {
        self.credit = (usize::from(units) * CREDIT_UNIT).min(self.max_window);
    }

    /// When something was last sent.
    pub(crate) fn last_sent(&self) -> Time {
        self.last_sent
    }

    /// Notes that a frame without number went out.
    pub(crate) fn sent_bare(&mut self, now: Time) {
        self.last_sent = now;
    }

    /// Builds the next frame from the queue, as full as it gets.
    pub(crate) fn build(&mut self, now: Time) -> Option<&Sent> {
        let room = self.frame_limit - FRAME_HEADER;
        let (mut messages, mut bytes, mut states) = (Vec::new(), 0, Vec::new());
        while let Some((message, state)) = self.queue.front() {
            let length = wire::encoded_len(message);
            if !messages.is_empty()
                && (bytes + length > room || messages.len() >= crate::config::MAX_MESSAGES)
            {
                break;
            }
            bytes += length;
            states.extend(*state);
            messages.extend(self.queue.pop_front().map(|(message, _)| message));
        }
        if messages.is_empty() {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.flight_bytes += bytes;
        self.last_sent = now;
        self.flight.push_back(Sent {
            number,
            messages,
            states,
            bytes,
            first: now,
            last: now,
            tries: 0,
        });
        self.flight.back()
    }

    /// Takes acknowledged frames out of flight. False if one was never sent.
    pub(crate) fn acknowledge(
        &mut self,
        ranges: &[(u32, u32)],
        now: Time,
        done: &mut Vec<Sent>,
    ) -> bool {
        let honest = ranges.iter().all(|&(_, last)| last < self.next_number);
        let hit = |number: u32| {
            ranges
                .iter()
                .any(|&(first, last)| (first..=last).contains(&number))
        };
        let mut at = 0;
        while at < self.flight.len() {
            if hit(self.flight[at].number) {
                let Some(sent) = self.flight.remove(at) else {
                    break;
                };
                self.flight_bytes -= sent.bytes;
                self.window = (self.window + sent.bytes / 4).min(self.max_window);
                if sent.tries == 0 {
                    self.measure(now.since(sent.last));
                }
                done.push(sent);
            } else {
                at += 1;
            }
        }
        honest
    }

    /// RFC 6298, section 2, with Karn's rule (only frames sent once are measured).
    fn measure(&mut self, sample: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(sample);
                self.variation = sample / 2;
            }
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(sample)) / 4;
                self.smoothed = Some((smoothed * 7 + sample) / 8);
            }
        }
    }

    /// Smoothed round trip, microseconds; 0 if unknown.
    pub(crate) fn round_trip(&self) -> u64 {
        self.smoothed.map_or(0, micros)
    }

    fn timeout(&self) -> Duration {
        self.smoothed.map_or(self.first_timeout, |smoothed| {
            (smoothed + self.variation * 4).max(self.min_timeout)
        })
    }

    fn resend_at(&self, sent: &Sent) -> Time {
        sent.last + self.timeout() * (1 << sent.tries.min(6))
    }

    /// When the earliest frame must be sent again.
    pub(crate) fn next_resend(&self) -> Option<Time> {
        self.flight
            .iter()
            .take(RESEND_BATCH)
            .map(|sent| self.resend_at(sent))
            .min()
    }

    /// When the oldest frame in flight was first sent.
    pub(crate) fn oldest(&self) -> Option<Time> {
        self.flight.front().map(|sent| sent.first)
    }

    /// Frames to send again now. Only the oldest few: the others wait for those.
    pub(crate) fn resend(&mut self, now: Time) -> Vec<Frame> {
        let due: Vec<bool> = self
            .flight
            .iter()
            .take(RESEND_BATCH)
            .map(|sent| self.resend_at(sent) <= now)
            .collect();
        let mut frames = Vec::new();
        for (sent, due) in self.flight.iter_mut().zip(due) {
            if due {
                sent.tries += 1;
                sent.last = now;
                frames.push(Frame {
                    number: sent.number,
                    messages: sent.messages.clone(),
                    ..Frame::default()
                });
            }
        }
        if !frames.is_empty() {
            self.window = (self.window / 2).max(MIN_WINDOW);
            self.last_sent = now;
        }
        frames
    }

    /// Bytes of messages in the queue and in flight are bounded by the window
    /// and by the bounds of those who queue; this is their number.
    pub(crate) fn backlog(&self) -> usize {
        self.queue.len() + self.flight.len()
    }
}

/// Kinds that can be larger than a frame; the others never are.
fn may_be_large(message: &Message) -> bool {
    matches!(
        message,
        Message::Push(_)
            | Message::Reconcile(..)
            | Message::Audit(_)
            | Message::Compare(_)
            | Message::Want(..)
            | Message::Lack(..)
            | Message::Introduce(..)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound() -> Outbound {
        Outbound::new(1_200, &Config::default())
    }

    #[test]
    fn frames_fill_up_and_leave_flight_when_acknowledged() {
        let mut outbound = outbound();
        (0..1_000).for_each(|_| outbound.push(Message::Want(Tag([1; 8]), vec![Tag([2; 8])]), None));
        let frame = outbound.build(Time::ZERO).expect("work");
        assert!((50..70).contains(&frame.messages().len()));
        let mut done = Vec::new();
        assert!(outbound.acknowledge(&[(1, 1)], Time(50_000), &mut done));
        assert_eq!((done.len(), outbound.round_trip()), (1, 50_000));
        assert!(
            !outbound.acknowledge(&[(9, 9)], Time(50_000), &mut done),
            "never sent"
        );
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_at_growing_intervals() {
        let mut outbound = outbound();
        outbound.push(Message::Ping, None);
        outbound.build(Time::ZERO);
        let mut at = Vec::new();
        for _ in 0..4 {
            let next = outbound.next_resend().expect("in flight");
            at.push(next.0 / 1_000_000);
            assert!(outbound.resend(next - Duration::from_micros(1)).is_empty());
            assert_eq!(outbound.resend(next).len(), 1);
        }
        assert_eq!(at, [3, 9, 21, 45]);
    }

    #[test]
    fn whatever_can_be_large_is_cut_to_the_frame_limit() {
        let ranges = |_| crate::message::Range {
            from: Tag([0; 8]),
            content: crate::message::RangeContent::Tags(vec![Tag([1; 8]); 2], false),
        };
        let ranges: Vec<_> = (0..512).map(ranges).collect();
        let tags = vec![Tag([1; 8]); 512];
        let tag = Tag([2; 8]);
        for message in [
            Message::Reconcile(tag, ranges.clone()),
            Message::Audit(ranges.clone()),
            Message::Compare(ranges),
            Message::Want(tag, tags.clone()),
            Message::Lack(tag, tags),
        ] {
            let mut outbound = outbound();
            outbound.push(message, None);
            while let Some(sent) = outbound.build(Time::ZERO) {
                let frame = crate::message::Packet::Frame(Frame {
                    number: sent.number(),
                    messages: sent.messages().to_vec(),
                    ..Frame::default()
                });
                assert!(wire::encode(&frame).len() <= 1_200, "{frame:?}");
            }
        }
    }

    #[test]
    fn a_document_needs_credit() {
        let mut outbound = outbound();
        outbound.set_credit(1);
        assert!(outbound.use_credit(20_000));
        assert!(!outbound.use_credit(20_000));
    }
}
