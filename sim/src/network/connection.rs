//! Connections between two nodes. Each has two sides; an [`End`] names one side
//! of one connection and stays harmless after the connection is gone, so events
//! on their way need not be searched for and taken back.

use crate::snapshot::Index;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::time::Time;

/// One side of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    slot: u32,
    generation: u32,
    side: u8,
}

impl End {
    /// The other side.
    pub(crate) fn other(self) -> Self {
        Self {
            side: 1 - self.side,
            ..self
        }
    }

    /// True at the side that dialled.
    pub(crate) fn dialled(self) -> bool {
        self.side == 0
    }
}

/// How far a side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The dial is under way.
    Dialling,
    /// Packets may flow.
    Open,
    /// Closed.
    Closed,
}

/// State of one side.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// The node at this side.
    pub(crate) node: Index,
    /// The number by which its core knows the channel.
    pub(crate) channel: ChannelId,
    /// How far it is.
    pub(crate) stage: Stage,
    /// From this side to the other, microseconds.
    pub(crate) latency: u64,
    /// The line is busy until then with what was sent from here.
    pub(crate) busy_until: Time,
    /// Packets sent from here arrive in order, after this.
    pub(crate) last_arrival: Time,
    /// At the side that dialled: which connection of the two nodes this is.
    pub(crate) number: u64,
    /// Highest frame number sent from here.
    pub(crate) highest_frame: u32,
    /// Bytes that wait here while the node is paused.
    pub(crate) waiting: usize,
}

impl Side {
    /// A side whose dial is under way.
    pub(crate) fn new(node: Index, channel: ChannelId, latency: u64) -> Self {
        Self {
            node,
            channel,
            stage: Stage::Dialling,
            latency,
            busy_until: Time::ZERO,
            last_arrival: Time::ZERO,
            number: 0,
            highest_frame: 0,
            waiting: 0,
        }
    }

    /// True if packets may flow.
    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }
}

#[derive(Debug)]
struct Connection {
    generation: u32,
    sides: [Side; 2],
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Connection>,
    free: Vec<u32>,
}

impl Connections {
    /// Adds a connection and returns the dialler's end. Without an acceptor the
    /// other side is closed from the start.
    pub(crate) fn add(&mut self, dialler: Side, acceptor: Option<Side>) -> End {
        let acceptor = acceptor.unwrap_or_else(|| Side {
            stage: Stage::Closed,
            ..dialler.clone()
        });
        let sides = [dialler, acceptor];
        if let Some(slot) = self.free.pop() {
            let connection = &mut self.slots[slot as usize];
            connection.sides = sides;
            return End {
                slot,
                generation: connection.generation,
                side: 0,
            };
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Connection {
            generation: 0,
            sides,
        });
        End {
            slot,
            generation: 0,
            side: 0,
        }
    }

    /// Opens both sides.
    pub(crate) fn open(&mut self, dialler: End, accepted: ChannelId) {
        for end in [dialler, dialler.other()] {
            if let Some(side) = self.side_mut(end) {
                side.stage = Stage::Open;
            }
        }
        if let Some(side) = self.side_mut(dialler.other()) {
            side.channel = accepted;
        }
    }

    /// The side at an end, if the connection still exists.
    pub(crate) fn side(&self, end: End) -> Option<&Side> {
        let connection = self.slots.get(end.slot as usize)?;
        (connection.generation == end.generation).then(|| &connection.sides[usize::from(end.side)])
    }

    /// The same, to change it.
    pub(crate) fn side_mut(&mut self, end: End) -> Option<&mut Side> {
        let connection = self.slots.get_mut(end.slot as usize)?;
        (connection.generation == end.generation)
            .then(|| &mut connection.sides[usize::from(end.side)])
    }

    /// Closes a side; the connection is forgotten when both are closed.
    pub(crate) fn close(&mut self, end: End) {
        let Some(side) = self.side_mut(end) else {
            return;
        };
        side.stage = Stage::Closed;
        let over = self
            .side(end.other())
            .is_some_and(|other| other.stage == Stage::Closed);
        if over {
            self.slots[end.slot as usize].generation += 1;
            self.free.push(end.slot);
        }
    }
}
