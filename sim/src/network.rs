//! The network between nodes: how long a packet takes, and whether it comes.
//! It knows nodes by index and channels by their ends, and nothing of what they
//! carry. Latencies of pairs are a function of (seed, pair) and kept only with
//! the connections that use them; all else is drawn from one seeded stream.

mod connection;
mod disturbance;
mod latency;
mod rules;

pub(crate) use connection::{End, Side, Stage};
pub(crate) use disturbance::{Disturbance, Handle};

use crate::random::{Purpose, exponential, fork, up_to};
use crate::scenario;
use crate::scenario::script::{Fate, Script};
use crate::snapshot::Index;
use crate::tape::Tape;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::time::{Time, micros};
use connection::Connections;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// How long a node waits for the answer to a dial that cannot come. Usual
/// connect time-outs are 5 to 75 s; proxies of anonymous networks take about this.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a lost opening packet is sent again (RFC 6298, section 2.1).
const DIAL_RETRY: Duration = Duration::from_secs(1);
/// Openings that may be lost before a dial is given up.
const DIAL_TRIES: u32 = 5;

/// When the copies of a packet arrive: none, one or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Passage {
    /// The packet.
    pub(crate) first: Option<Time>,
    /// Its duplicate.
    pub(crate) second: Option<Time>,
}

/// The network.
#[derive(Debug)]
pub(crate) struct Network {
    model: scenario::Network,
    seed: u64,
    rng: ChaCha8Rng,
    connections: Connections,
    disturbance: Disturbance,
    rules: rules::Rules,
}

impl Network {
    /// A network of `nodes` nodes without connections, with a script's rules for single packets.
    pub(crate) fn new(model: &scenario::Network, script: &Script, seed: u64, nodes: usize) -> Self {
        Self {
            model: model.clone(),
            seed,
            rng: fork(seed, Purpose::Packets, 0),
            connections: Connections::default(),
            disturbance: Disturbance::new(nodes),
            rules: rules::Rules::new(script),
        }
    }

    /// From now on what is drawn is written down.
    pub(crate) fn record(&mut self, tape: Tape) {
        self.rules.record(tape);
    }

    /// From now on nothing goes wrong by chance.
    pub(crate) fn heal(&mut self) {
        let model = &mut self.model;
        (model.loss, model.duplicate, model.reorder) = (0.0, 0.0, 0.0);
        model.channel_life = None;
    }

    /// Largest packet.
    pub(crate) fn frame_limit(&self) -> usize {
        self.model.frame_limit
    }

    /// Partitions and degradations in force.
    pub(crate) fn disturbance(&mut self) -> &mut Disturbance {
        &mut self.disturbance
    }

    /// Starts a connection from `dialler`'s channel to node `to` (`None`: a dead
    /// address). Returns the dialler's end and when both ends stand, or when the
    /// dial fails. The caller asks [`Network::reachable`] again at that time.
    pub(crate) fn dial(
        &mut self,
        now: Time,
        dialler: Index,
        channel: ChannelId,
        to: Option<Index>,
    ) -> (End, Result<Time, Time>) {
        let (out, back) = to.map_or((0, 0), |to| {
            (self.latency(dialler, to), self.latency(to, dialler))
        });
        let end = self.connections.add(
            Side::new(dialler, channel, out),
            to.map(|to| Side::new(to, channel, back)),
        );
        let delay = to.and_then(|to| self.dial_delay(end, dialler, to));
        let round_trip = Duration::from_micros(out + back);
        (
            end,
            delay
                .map(|delay| now + delay + round_trip)
                .ok_or(now + CONNECT_TIMEOUT),
        )
    }

    /// Time lost to lost opening packets; `None` if all were.
    fn dial_delay(&mut self, end: End, from: Index, to: Index) -> Option<Duration> {
        let loss = self.loss(from, to);
        let lost = (0..DIAL_TRIES)
            .take_while(|_| loss > 0.0 && self.rng.random_bool(loss))
            .count();
        let lost = u32::try_from(lost).unwrap_or(DIAL_TRIES);
        let (lost, number) = self.rules.dial(from, to, lost);
        if let Some(side) = self.connections.side_mut(end) {
            side.number = number;
        }
        (lost < DIAL_TRIES && self.reachable(from, to)).then(|| DIAL_RETRY * lost)
    }

    /// True if packets pass in both directions.
    pub(crate) fn reachable(&self, a: Index, b: Index) -> bool {
        !self.disturbance.cut(a, b) && !self.disturbance.cut(b, a)
    }

    /// Opens both ends; the accepting one under the channel number given. Returns
    /// when the transport will drop the connection, if it will.
    pub(crate) fn open(&mut self, now: Time, dialler: End, accepted: ChannelId) -> Option<Time> {
        self.connections.open(dialler, accepted);
        let rng = &mut self.rng;
        let drawn = self
            .model
            .channel_life
            .map(|mean| exponential(rng, mean.as_secs_f64()))
            .map(|life| whole_micros(Duration::from_secs_f64(life)));
        let (from, to) = (self.side(dialler)?, self.side(dialler.other())?);
        let (number, from, to) = (from.number, from.node, to.node);
        let life = self.rules.life(from, to, number, drawn);
        life.map(|life| now + life)
    }

    /// The side at an end, if the connection still exists.
    pub(crate) fn side(&self, end: End) -> Option<&Side> {
        self.connections.side(end)
    }

    /// The same, to change what the caller keeps there.
    pub(crate) fn side_mut(&mut self, end: End) -> Option<&mut Side> {
        self.connections.side_mut(end)
    }

    /// Closes one end; nothing more is sent from it or delivered to it. When both
    /// are closed the connection is forgotten.
    pub(crate) fn close(&mut self, end: End) {
        self.connections.close(end);
    }

    /// When news that `end` closed reaches the other end, after all packets sent
    /// before; `None` if it does not pass.
    pub(crate) fn farewell(&mut self, now: Time, end: End) -> Option<Time> {
        let (from, to) = (self.side(end)?.node, self.side(end.other())?.node);
        if self.disturbance.cut(from, to) {
            return None;
        }
        let side = self.connections.side_mut(end)?;
        Some((now + Duration::from_micros(side.latency)).max(side.last_arrival))
    }

    /// Sends a packet of `size` bytes from an open end.
    pub(crate) fn send(&mut self, now: Time, end: End, size: usize) -> Passage {
        let Some(from) = self.side(end).map(|side| side.node) else {
            return Passage::default();
        };
        let Some(to) = self.side(end.other()).map(|side| side.node) else {
            return Passage::default();
        };
        let Some(depart) = self.serialise(now, end, size) else {
            return Passage::default();
        };
        let drawn = (!self.disturbance.cut(from, to)).then(|| self.fate(from, to));
        match self.rules.packet(from, to, drawn) {
            None | Some(Fate::Lost) => Passage::default(),
            Some(Fate::Comes { late, held, copy }) => self.arrivals(depart, end, late, held, copy),
        }
    }

    /// What becomes of a packet by chance.
    fn fate(&mut self, from: Index, to: Index) -> Fate {
        let loss = self.loss(from, to);
        let (rng, model, seed) = (&mut self.rng, &self.model, self.seed);
        let chance = |rng: &mut ChaCha8Rng, p: f64| p > 0.0 && rng.random_bool(p);
        if chance(rng, loss) {
            return Fate::Lost;
        }
        let held = if chance(rng, model.reorder) {
            up_to(rng, model.reorder_delay)
        } else {
            Duration::ZERO
        };
        let doubled = chance(rng, model.duplicate);
        let late = up_to(rng, model.jitter);
        let copy = doubled.then(|| {
            let latency = latency::draw(model.latency, seed, from, to);
            whole_micros(up_to(rng, Duration::from_micros(latency)))
        });
        Fate::Comes {
            late: whole_micros(late),
            held: whole_micros(held),
            copy,
        }
    }

    /// When the last byte leaves, behind what was sent before in this direction.
    fn serialise(&mut self, now: Time, end: End, size: usize) -> Option<Time> {
        let rate = self.model.bandwidth;
        let side = self.connections.side_mut(end)?;
        let Some(rate) = rate else { return Some(now) };
        let micros = (size as u64).saturating_mul(1_000_000) / rate.max(1);
        side.busy_until = side.busy_until.max(now) + Duration::from_micros(micros);
        Some(side.busy_until)
    }

    fn arrivals(
        &mut self,
        depart: Time,
        end: End,
        late: Duration,
        held: Duration,
        copy: Option<Duration>,
    ) -> Passage {
        let Some(side) = self.connections.side_mut(end) else {
            return Passage::default();
        };
        let latency = Duration::from_micros(side.latency);
        let in_order = (depart + latency + late).max(side.last_arrival);
        let first = in_order + held;
        if held.is_zero() {
            side.last_arrival = first;
        }
        Passage {
            first: Some(first),
            second: copy.map(|copy| first + copy),
        }
    }

    fn loss(&self, from: Index, to: Index) -> f64 {
        self.model.loss.max(self.disturbance.loss(from, to))
    }

    /// One-way latency from one node to another, microseconds.
    pub(crate) fn latency(&self, from: Index, to: Index) -> u64 {
        latency::draw(self.model.latency, self.seed, from, to)
    }
}

/// Time in the simulator is counted so.
fn whole_micros(duration: Duration) -> Duration {
    Duration::from_micros(micros(duration))
}

#[cfg(test)]
mod tests;
