//! One simulated node: its core, its disk, its clock and its channels. It holds
//! state and answers questions about it; the world moves it.

mod channels;
mod clock;
mod disk;

pub(crate) use channels::Channels;
pub(crate) use clock::{Clock, wall};
pub(crate) use disk::{Disk, Undo};

use crate::network::End;
use crate::snapshot::Index;
use crate::truth::Number;
use bytes::Bytes;
use cliqueclique_core::id::{Address, ChannelId, NodeId, RequestId, Tag};
use cliqueclique_core::message::{Mode, Packet};
use cliqueclique_core::time::Time;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::wire::WireError;
use cliqueclique_core::{Config, Core, Effect, Identity, Input};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// A way to misbehave: stands between a node's core and the world. Tests break
/// cores with it on purpose; adversaries are made of it.
pub trait Behavior: Debug {
    /// Changes what the core wants to have done, at this time of the run.
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>);
    /// Changes what reaches the core, or keeps it from it.
    fn input(&mut self, input: Input) -> Option<Input>;
    /// Changes the settings that the core is started with. Its user's are others.
    fn settings(&self, config: &mut Config) {
        let _ = config;
    }
    /// When it wants to be called at the latest, although nothing happens.
    fn next(&self) -> Option<Time> {
        None
    }
    /// Bytes that it sends besides, which need be no packets.
    fn bytes(&mut self) -> Vec<(ChannelId, Bytes)> {
        Vec::new()
    }
    /// Hostile acts since the last call.
    fn fresh_acts(&mut self) -> u64 {
        0
    }
    /// Hostile acts in all, by what was done.
    fn tally(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// What a user does, by document numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Writes a document of `size` bytes of body.
    Publish {
        /// Document commented on; a forum root if there is none.
        parent: Option<Number>,
        /// Length of the body, bytes.
        size: usize,
        /// Own part in its network.
        mode: Mode,
        /// By which the workload knows it.
        ticket: usize,
    },
    /// Joins at a peer.
    Join {
        /// The document.
        number: Number,
        /// The peer.
        via: Index,
        /// Own part.
        mode: Mode,
    },
    /// Sets the own part.
    Set(Number, Mode),
    /// Sets or drops a bookmark.
    Bookmark(Number, bool),
    /// Drops all wishes for a document.
    Forget(Number),
    /// Leaves everything.
    Leave,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Was never started.
    Unborn,
    /// Runs.
    Up,
    /// Stands still.
    Paused,
    /// Crashed; true if it will come back.
    Down(bool),
    /// Left for ever.
    Left,
}

/// What travels: a packet, or (with real bytes) what could not be decoded.
#[derive(Debug)]
pub(crate) enum Payload {
    /// A packet.
    Packet(Packet),
    /// Bytes that are none.
    Malformed(WireError),
}

/// What comes to a node that stands still.
#[derive(Debug)]
pub(crate) enum Deferred {
    /// A packet.
    Packet(End, Payload, u32),
    /// The end of a channel.
    Dropped(End),
}

/// One node.
#[derive(Debug)]
pub(crate) struct Host {
    /// How it is.
    pub(crate) status: Status,
    /// Its protocol state while it runs or stands still.
    pub(crate) core: Option<Box<Core>>,
    /// Its settings.
    pub(crate) config: Config,
    /// Its key and present address.
    pub(crate) identity: Identity,
    /// Its id.
    pub(crate) id: NodeId,
    /// Its clock, since the last start.
    pub(crate) clock: Clock,
    /// Changes with every change of status, so that late events can tell.
    pub(crate) epoch: u32,
    /// How often it was started.
    pub(crate) starts: u64,
    /// Its address changes with this.
    pub(crate) generation: u32,
    /// Its ends of connections.
    pub(crate) channels: Channels,
    /// True time of the next wake-up in the queue.
    pub(crate) wake: Option<Time>,
    /// What is durable.
    pub(crate) disk: Disk,
    /// Last views of evicted overlays.
    pub(crate) cold: BTreeMap<Tag, OverlayView>,
    /// What came while it stood still.
    pub(crate) deferred: Vec<Deferred>,
    /// Commands without an answer yet.
    pub(crate) pending: BTreeMap<RequestId, Action>,
    /// What the user wanted while the node was away.
    pub(crate) todo: Vec<Action>,
    /// Peers, with the generation of their address, at which the user joined a document that has
    /// not come yet.
    pub(crate) joining: BTreeMap<Number, (Index, u32)>,
    /// Wishes to be told to the core again once the document arrives.
    pub(crate) unfulfilled: BTreeSet<Number>,
    /// Its disk is not what it was: the user will join again at its return.
    pub(crate) insist: bool,
    /// Its user left everything: if it crashes on its way out, nobody starts it again.
    pub(crate) parting: bool,
    /// Its guarantees do not count: the scenario makes it hostile.
    pub(crate) hostile: bool,
    /// How it misbehaves, if it does.
    pub(crate) behavior: Option<Box<dyn Behavior>>,
    next_channel: u64,
}

impl Host {
    /// A node that was never started.
    pub(crate) fn new(
        config: Config,
        identity: Identity,
        id: NodeId,
        clock: Clock,
        disk: Disk,
    ) -> Self {
        Self {
            status: Status::Unborn,
            core: None,
            config,
            identity,
            id,
            clock,
            epoch: 0,
            starts: 0,
            generation: 0,
            channels: Channels::default(),
            wake: None,
            disk,
            cold: BTreeMap::new(),
            deferred: Vec::new(),
            pending: BTreeMap::new(),
            todo: Vec::new(),
            joining: BTreeMap::new(),
            unfulfilled: BTreeSet::new(),
            insist: false,
            parting: false,
            hostile: false,
            behavior: None,
            next_channel: 1,
        }
    }

    /// True if it runs.
    pub(crate) fn is_up(&self) -> bool {
        self.status == Status::Up
    }

    /// Number for a connection that somebody else opened: odd.
    pub(crate) fn accept(&mut self, end: End) -> ChannelId {
        let channel = ChannelId(self.next_channel);
        self.next_channel += 2;
        self.channels.insert(channel, end);
        channel
    }

    /// Changes the status.
    pub(crate) fn become_status(&mut self, status: Status) {
        self.status = status;
        self.epoch += 1;
    }

    /// True time of the next deadline of the core, or of who stands before it.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let core = self.core.as_ref()?.next_deadline();
        let own = self.behavior.as_ref().and_then(|behavior| behavior.next());
        let core = core.map(|deadline| self.clock.true_time(deadline));
        core.into_iter().chain(own).min()
    }

    /// The core's view of an overlay, or the last one before it was evicted.
    pub(crate) fn view(&self, tag: Tag) -> Option<OverlayView> {
        let hot = self.core.as_ref()?.overlay_by_tag(tag);
        hot.or_else(|| self.cold.get(&tag).cloned())
    }

    /// Number of networks that it takes part in.
    pub(crate) fn memberships(&self) -> usize {
        self.core
            .as_ref()
            .map_or(0, |core| core.overlays().count() + self.cold.len())
    }
}

/// Address of a node.
pub(crate) fn address(node: Index, generation: u32) -> Address {
    let node = u32::try_from(node).unwrap_or(u32::MAX);
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&node.to_le_bytes());
    bytes[4..].copy_from_slice(&generation.to_le_bytes());
    Address(Bytes::copy_from_slice(&bytes))
}

/// Node and generation that an address names.
pub(crate) fn resolve(address: &Address) -> Option<(Index, u32)> {
    let bytes: &[u8; 8] = address.0.as_ref().try_into().ok()?;
    let [a, b, c, d, e, f, g, h] = *bytes;
    let node = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    Some((node, u32::from_le_bytes([e, f, g, h])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_node_and_a_generation() {
        assert_eq!(resolve(&address(70_000, 3)), Some((70_000, 3)));
        assert_eq!(resolve(&Address(Bytes::from_static(b"x"))), None);
    }
}
