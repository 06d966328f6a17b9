//! One link of a hostile node as its tricks see it: who is at the other end,
//! what it said, and the numbers of frames. Frames that a tricks sends stand
//! between those of the core, so the core's numbers are not those on the wire.

use cliqueclique_core::id::{NodeId, PublicKey, Tag};
use cliqueclique_core::message::{Frame, Hello, Message};
use cliqueclique_core::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Own frames that are not acknowledged go again after this. Any attacker would.
const AGAIN: Duration = Duration::from_secs(3);

/// A link.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Who is there, once its handshake told.
    pub(super) peer: Option<NodeId>,
    /// Its key.
    pub(super) key: Option<PublicKey>,
    /// The transport's binding.
    pub(super) binding: [u8; 32],
    /// The Hello of this connection, from either side.
    pub(super) hello: Option<Hello>,
    /// What open proofs are made with; known once the handshake is over.
    pub(super) session: Option<[u8; 32]>,
    /// Networks in which the peer has spoken to us.
    pub(super) networks: BTreeSet<Tag>,
    /// Credit that the core last gave.
    credit: u8,
    /// Wire numbers of the core's frames, and the other way round.
    wire: BTreeMap<u32, u32>,
    core: BTreeMap<u32, u32>,
    last: u32,
    /// Own frames in flight.
    own: BTreeMap<u32, (Vec<Message>, Time)>,
}

impl Line {
    /// A connection that has just been made.
    pub(super) fn new(binding: [u8; 32]) -> Self {
        Self {
            binding,
            ..Self::default()
        }
    }

    /// Puts the number of the wire on a frame of the core.
    pub(super) fn renumber(&mut self, frame: &mut Frame) {
        self.credit = frame.credit;
        if frame.messages.is_empty() {
            frame.number = self.last;
            return;
        }
        frame.number = match self.wire.get(&frame.number) {
            Some(&wire) => wire,
            None => {
                self.last += 1;
                self.wire.insert(frame.number, self.last);
                self.core.insert(self.last, frame.number);
                self.last
            }
        };
    }

    /// A frame of one's own.
    pub(super) fn frame(&mut self, messages: Vec<Message>, now: Time) -> Frame {
        self.last += 1;
        self.own.insert(self.last, (messages.clone(), now + AGAIN));
        self.make(self.last, messages)
    }

    fn make(&self, number: u32, messages: Vec<Message>) -> Frame {
        Frame {
            number,
            acks: Vec::new(),
            credit: self.credit,
            messages,
        }
    }

    /// Puts the core's numbers on the acknowledgements that came.
    pub(super) fn hear(&mut self, frame: &mut Frame) {
        let mut acks: Vec<(u32, u32)> = Vec::new();
        for &(first, last) in &frame.acks {
            let own: Vec<u32> = self.own.range(first..=last).map(|(&n, _)| n).collect();
            for number in own {
                self.own.remove(&number);
            }
            for &core in self.core.range(first..=last).map(|(_, core)| core) {
                match acks.last_mut() {
                    Some((_, end)) if *end + 1 == core => *end = core,
                    _ => acks.push((core, core)),
                }
            }
        }
        frame.acks = acks;
    }

    /// When an own frame goes again.
    pub(super) fn next(&self) -> Option<Time> {
        self.own.values().map(|(_, again)| *again).min()
    }

    /// Own frames that go again now.
    pub(super) fn again(&mut self, now: Time) -> Vec<Frame> {
        let due: Vec<u32> = self
            .own
            .iter()
            .filter(|(_, (_, again))| *again <= now)
            .map(|(&number, _)| number)
            .collect();
        let mut frames = Vec::new();
        for number in due {
            if let Some((messages, again)) = self.own.get_mut(&number) {
                *again = now + AGAIN;
                let messages = messages.clone();
                frames.push(self.make(number, messages));
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u32, acks: &[(u32, u32)]) -> Frame {
        Frame {
            number,
            acks: acks.to_vec(),
            credit: 9,
            messages: vec![Message::Ping],
        }
    }

    #[test]
    fn own_frames_stand_between_those_of_the_core() {
        let mut line = Line::default();
        let mut first = frame(1, &[]);
        line.renumber(&mut first);
        let own = line.frame(vec![Message::Ping], Time(0));
        let (mut second, mut again) = (frame(2, &[]), frame(1, &[]));
        line.renumber(&mut second);
        line.renumber(&mut again);
        let numbers = [first.number, own.number, second.number, again.number];
        assert_eq!(numbers, [1, 2, 3, 1]);
        assert_eq!(own.credit, 9);
        let mut heard = frame(1, &[(1, 3)]);
        line.hear(&mut heard);
        assert_eq!(heard.acks, [(1, 2)]);
        assert_eq!(line.next(), None, "acknowledged");
    }

    #[test]
    fn own_frames_go_again_until_they_are_acknowledged() {
        let mut line = Line::default();
        line.frame(vec![Message::Ping], Time(0));
        assert!(line.again(Time(1)).is_empty());
        assert_eq!(line.again(Time(3_000_000)).len(), 1);
        assert!(line.again(Time(3_000_000)).is_empty());
    }
}
