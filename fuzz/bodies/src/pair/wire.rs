//! The wire: connections, what is on its way, and all that can be done to it.

use super::Pair;
use crate::stage::peer::binding;
use cliqueclique_core::message::Message;
use cliqueclique_core::wire::{self, WireError};
use cliqueclique_core::{Address, ChannelId, Input, Packet};
use std::collections::{BTreeMap, VecDeque};

/// Most packets on their way: what comes then is lost.
const MOST: usize = 512;
/// Packets that can be brought back.
const SEEN: usize = 32;

/// One end of a connection: node and channel.
pub(super) type End = (usize, ChannelId);

/// Something on its way.
#[derive(Clone, Debug)]
struct Flight {
    to: End,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Up([u8; 32]),
    Packet(Packet),
    Junk(WireError),
    Down,
}

#[derive(Debug, Default)]
pub(super) struct Wire {
    ends: BTreeMap<End, End>,
    flights: VecDeque<Flight>,
    seen: VecDeque<Packet>,
    next_channel: u64,
    /// Dials fail.
    pub(super) refuses: bool,
}

impl Wire {
    pub(super) fn idle(&self) -> bool {
        self.flights.is_empty()
    }

    pub(super) fn send(&mut self, from: End, packet: Packet) {
        let Some(&to) = self.ends.get(&from) else {
            return;
        };
        self.seen.push_back(packet.clone());
        if self.seen.len() > SEEN {
            self.seen.pop_front();
        }
        self.fly(to, What::Packet(packet));
    }

    fn fly(&mut self, to: End, what: What) {
        if self.flights.len() < MOST || !matches!(what, What::Packet(_)) {
            self.flights.push_back(Flight { to, what });
        }
    }

    /// One side ends a connection; the other hears of it after all that was sent.
    pub(super) fn hang_up(&mut self, end: End) {
        if let Some(other) = self.ends.remove(&end) {
            self.ends.remove(&other);
            self.flights.retain(|flight| flight.to != end);
            self.fly(other, What::Down);
        }
    }

    /// Ends every connection; gives both ends of each.
    pub(super) fn cut_all(&mut self) -> Vec<End> {
        self.flights.clear();
        std::mem::take(&mut self.ends).into_keys().collect()
    }

    fn packet(&mut self, index: usize) -> Option<&mut Flight> {
        let at = index.checked_rem(self.flights.len())?;
        let flight = self.flights.get_mut(at)?;
        matches!(flight.what, What::Packet(_)).then_some(flight)
    }

    pub(super) fn lose(&mut self, index: usize) {
        if self.packet(index).is_some() {
            self.flights.remove(index % self.flights.len());
        }
    }

    pub(super) fn double(&mut self, index: usize) {
        if let Some(flight) = self.packet(index) {
            let flight = flight.clone();
            self.fly(flight.to, flight.what);
        }
    }

    /// Changes one byte of a packet; true if there was one.
    pub(super) fn spoil(&mut self, index: usize, at: usize, to: u8) -> bool {
        let Some(flight) = self.packet(index) else {
            return false;
        };
        let What::Packet(packet) = &flight.what else {
            return false;
        };
        let mut bytes = wire::encode(packet);
        let length = bytes.len();
        bytes[at % length] = to;
        flight.what = match wire::decode(&bytes) {
            Ok(packet) => What::Packet(packet),
            Err(error) => What::Junk(error),
        };
        true
    }

    /// Puts an earlier packet, of whatever connection, in the place of one; true if it could.
    pub(super) fn bring_back(&mut self, index: usize, which: usize) -> bool {
        let at = which.checked_rem(self.seen.len());
        let Some(old) = at.and_then(|at| self.seen.get(at)).cloned() else {
            return false;
        };
        let flight = self.packet(index);
        flight.is_some_and(|flight| {
            flight.what = What::Packet(old);
            true
        })
    }

    /// Adds a message to a frame; true if there was one.
    pub(super) fn forge(&mut self, index: usize, message: Message) -> bool {
        let Some(flight) = self.packet(index) else {
            return false;
        };
        let What::Packet(Packet::Frame(frame)) = &mut flight.what else {
            return false;
        };
        frame.number = frame.number.max(1);
        frame.messages.push(message);
        true
    }
}

impl Pair {
    pub(super) fn dial(&mut self, at: usize, channel: ChannelId, address: &Address) {
        let other = usize::from(at == 0);
        let there = address
            .0
            .first()
            .is_some_and(|name| usize::from(*name) == other);
        if self.wire.refuses || !there {
            return self.wire.fly((at, channel), What::Down);
        }
        self.wire.next_channel += 1;
        let mirrored = ChannelId(self.wire.next_channel * 2 - 1);
        let (here, there) = ((at, channel), (other, mirrored));
        self.wire.ends.insert(here, there);
        self.wire.ends.insert(there, here);
        self.wire.fly(here, What::Up(binding(mirrored)));
        self.wire.fly(there, What::Up(binding(mirrored)));
    }

    /// Delivers something that is on its way; false if nothing is.
    pub(super) fn deliver(&mut self, index: usize) -> bool {
        let Some(at) = index.checked_rem(self.wire.flights.len()) else {
            return false;
        };
        let Some(Flight { to, what }) = self.wire.flights.remove(at) else {
            return false;
        };
        let (node, channel) = to;
        let open = &mut self.hosts[node].open;
        let input = match what {
            What::Up(binding) => {
                if !self.wire.ends.contains_key(&to) {
                    return true;
                }
                open.insert(channel);
                Input::Connected {
                    channel,
                    frame_limit: 1_200,
                    binding,
                }
            }
            What::Packet(_) | What::Junk(_) if !open.contains(&channel) => return true,
            What::Packet(packet) => Input::Received(channel, packet),
            What::Junk(error) => Input::Malformed(channel, error),
            What::Down => {
                open.remove(&channel);
                // Nothing comes from a connection that is gone.
                self.wire.flights.retain(|flight| flight.to != to);
                Input::Disconnected(channel)
            }
        };
        self.give(node, input);
        true
    }

    /// Breaks one connection; both sides are told, and what was on its way is lost.
    pub(super) fn cut(&mut self, index: usize) {
        let ends: Vec<End> = self.wire.ends.keys().copied().collect();
        let Some(at) = index.checked_rem(ends.len()) else {
            return;
        };
        let here = ends[at];
        let Some(there) = self.wire.ends.remove(&here) else {
            return;
        };
        self.wire.ends.remove(&there);
        self.wire
            .flights
            .retain(|flight| flight.to != here && flight.to != there);
        for (node, channel) in [here, there] {
            self.hosts[node].open.remove(&channel);
            self.give(node, Input::Disconnected(channel));
        }
    }
}
