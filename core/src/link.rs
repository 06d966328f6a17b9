//! One authenticated connection to another node: numbered frames, one
//! acknowledgement per frame, retransmission, flow control, keep-alive, failure
//! detection. It knows documents by tag only and nothing of their networks.

mod assembly;
mod inbound;
mod outbound;

pub(crate) use assembly::{Assembly, fragments};
pub(crate) use inbound::{Inbound, Intake};
pub(crate) use outbound::Outbound;

use crate::config::{Config, PATIENCE};
use crate::id::{Address, ChannelId, NodeId, Tag};
use crate::message::{Confirm, SetDigest};
use crate::overlay::comments::mix;
use crate::time::Time;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Number of a link at this node, kept while its connection is waited for; never used
/// for another peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LinkId(pub(crate) u32);

/// Digest that no set of networks has.
const UNKNOWN: SetDigest = SetDigest {
    count: u32::MAX,
    sum: 0,
};

/// A document that waits for room on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueuedBody {
    /// Document whose network carries it.
    pub(crate) via: Tag,
    /// The document.
    pub(crate) document: Tag,
    /// Pushed, not asked for.
    pub(crate) fresh: bool,
}

/// What the two ends of a link remember of each other's states (rule *Remember*).
#[derive(Clone, Debug, Hash, Default)]
pub(crate) struct Comparison {
    /// Comparisons that this end began on the connection.
    pub(crate) begun: u8,
    /// Those that the peer began.
    pub(crate) answered: u8,
    /// Fingerprints that are being compared, with the networks they stand for.
    pub(crate) items: Option<Vec<(Tag, Tag)>>,
    /// When the next one begins.
    pub(crate) at: Option<Time>,
    /// One begins when the cold overlays are read back.
    pub(crate) recalled: bool,
    /// Digest of the fingerprints of cold relations.
    pub(crate) cold: SetDigest,
}

/// A link that was lost and may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Absence {
    /// Since when.
    pub(crate) since: Time,
    /// Its relations are given up then.
    pub(crate) until: Time,
    /// When it is given up as upstream, and where there is no other neighbour.
    pub(crate) doubt_at: Option<Time>,
}

impl Absence {
    /// What comes first.
    pub(crate) fn next(self) -> Option<Time> {
        Some(self.doubt_at.map_or(self.until, |at| at.min(self.until)))
    }
}

/// One link.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    pub(crate) address: Address,
    pub(crate) channel: ChannelId,
    /// Secret of this session in which both sides agree; goes into proofs.
    pub(crate) session: [u8; 32],
    /// Document whose id the peer has proven to know in the handshake.
    pub(crate) proven: Option<Tag>,
    /// On the dialling side: the end of the handshake, in case it was lost.
    pub(crate) confirm: Option<Confirm>,
    /// Nodes to which the peer was introduced here, and for which documents.
    pub(crate) introduced: BTreeSet<(NodeId, Tag)>,
    /// Networks (hot ones) that use the link.
    pub(crate) documents: BTreeSet<Tag>,
    /// Number of cold overlays that use it.
    pub(crate) cold: usize,
    /// Digest of all networks that use the link, hot and cold.
    relations: SetDigest,
    /// The same as last told to the peer (rule *Audit*).
    audited: SetDigest,
    /// When they are told without waiting for a keep-alive.
    pub(crate) audit_at: Option<Time>,
    /// Overlays whose state for this peer is to be sent.
    pub(crate) dirty: Vec<Tag>,
    /// When those are sent at the latest.
    pub(crate) states_at: Option<Time>,
    /// Documents that wait for room.
    pub(crate) bodies: VecDeque<QueuedBody>,
    /// The peer's credit did not suffice: nothing is read before it tells more.
    pub(crate) starved: bool,
    /// Documents being read from the store for this link.
    pub(crate) loading: usize,
    pub(crate) outbound: Outbound,
    pub(crate) inbound: Inbound,
    pub(crate) assembly: Assembly,
    /// Violations that the peer may still commit.
    patience: u32,
    last_heard: Time,
    keep_alive: Duration,
    /// Since when no document uses the link.
    pub(crate) unused_since: Option<Time>,
    /// The connection is lost and waited for (rule *Await*).
    pub(crate) absence: Option<Absence>,
    /// Number of connections so far.
    pub(crate) sessions: u32,
    pub(crate) comparison: Comparison,
    /// Its cold overlays are being read back.
    pub(crate) recalling: bool,
    /// A Resume came on this connection.
    pub(crate) resumed: bool,
    /// Mark of the peer's memory: another after each restart.
    pub(crate) memory: Option<[u8; 8]>,
}

impl Link {
    pub(crate) fn new(
        peer: (NodeId, Address),
        channel: ChannelId,
        session: [u8; 32],
        frame_limit: usize,
        now: Time,
        config: &Config,
    ) -> Self {
        let (node, address) = peer;
        Self {
            node,
            address,
            channel,
            session,
            proven: None,
            introduced: BTreeSet::new(),
            confirm: None,
            documents: BTreeSet::new(),
            cold: 0,
            relations: SetDigest::default(),
            audited: SetDigest::default(),
            audit_at: None,
            dirty: Vec::new(),
            states_at: None,
            bodies: VecDeque::new(),
            starved: false,
            loading: 0,
            outbound: Outbound::new(frame_limit, config),
            inbound: Inbound::new(now, config),
            assembly: Assembly::default(),
            patience: PATIENCE,
            last_heard: now,
            keep_alive: config.keep_alive_min,
            unused_since: Some(now),
            absence: None,
            sessions: 1,
            comparison: Comparison::default(),
            resumed: false,
            recalling: false,
            memory: None,
        }
    }

    /// A link that a restarted node had before, waited for.
    pub(crate) fn remembered(
        peer: (NodeId, Address),
        absence: Absence,
        now: Time,
        config: &Config,
    ) -> Self {
        let channel = ChannelId(u64::MAX);
        let limit = crate::config::MIN_FRAME_LIMIT;
        Self {
            absence: Some(absence),
            sessions: 0,
            ..Self::new(peer, channel, [0; 32], limit, now, config)
        }
    }

    /// A new connection takes the place of a lost one, with all relations.
    pub(crate) fn take_over(&mut self, old: Self) {
        self.documents = old.documents;
        self.cold = old.cold;
        self.relations = old.relations;
        self.audited = UNKNOWN;
        self.introduced = old.introduced;
        self.loading = old.loading;
        self.patience = old.patience;
        self.unused_since = old.unused_since;
        self.sessions = old.sessions + 1;
        self.comparison.cold = old.comparison.cold;
        self.memory = old.memory;
    }

    /// Networks of which the peer may not have got all that was said.
    pub(crate) fn unsettled(&self) -> BTreeSet<Tag> {
        let mut tags = self.outbound.unsettled();
        tags.extend(self.bodies.iter().map(|body| body.via));
        tags
    }

    /// Counts a violation; false when patience is used up.
    pub(crate) fn forgive(&mut self) -> bool {
        self.patience = self.patience.saturating_sub(1);
        self.patience > 0
    }

    /// Notes that something came in; traffic sets the keep-alive interval back
    /// only if it was more than an answer to one of our own pings.
    pub(crate) fn heard(&mut self, now: Time) {
        self.last_heard = now;
    }

    /// Something came in since then.
    pub(crate) fn heard_since(&self, since: Time) -> bool {
        self.last_heard >= since
    }

    /// When the next keep-alive is due: only if nothing is in flight, since a
    /// frame in flight proves as much. One side (`second`) waits a little longer:
    /// the ping of the first serves both.
    pub(crate) fn keep_alive_at(&self, second: bool) -> Time {
        let wait = if second {
            self.keep_alive * 5 / 4
        } else {
            self.keep_alive
        };
        self.last_heard.max(self.outbound.last_sent()) + wait
    }

    /// Called when a keep-alive is sent: the next waits twice as long. A link
    /// that was up for long is likely to stay up for long, and whoever misses a
    /// comment suspects its upstream and pings it at once.
    pub(crate) fn stretch_keep_alive(&mut self, longest: Duration) {
        self.keep_alive = (self.keep_alive * 2).min(longest);
    }

    /// A network uses the link from now on.
    pub(crate) fn relate(&mut self, tag: Tag) {
        if self.documents.insert(tag) {
            self.relations.count += 1;
            self.relations.sum = self.relations.sum.wrapping_add(mix(tag));
        }
        self.unused_since = None;
    }

    /// A network no longer uses the link.
    pub(crate) fn part(&mut self, tag: Tag, now: Time) {
        if self.documents.remove(&tag) {
            self.relations.count -= 1;
            self.relations.sum = self.relations.sum.wrapping_sub(mix(tag));
        }
        if !self.used() {
            self.unused_since = Some(now);
        }
    }

    /// An overlay went cold, of which `memory` is remembered.
    pub(crate) fn freeze(&mut self, tag: Tag, memory: Tag) {
        if self.documents.remove(&tag) {
            self.cold += 1;
            let cold = &mut self.comparison.cold;
            cold.count = cold.count.wrapping_add(1);
            cold.sum = cold.sum.wrapping_add(mix(memory));
        }
    }

    /// A cold overlay is hot again, of which `memory` was remembered.
    pub(crate) fn thaw(&mut self, tag: Tag, memory: Tag) {
        if self.documents.insert(tag) {
            self.cold = self.cold.saturating_sub(1);
            let cold = &mut self.comparison.cold;
            cold.count = cold.count.wrapping_sub(1);
            cold.sum = cold.sum.wrapping_sub(mix(memory));
        }
    }

    /// The networks to be compared with the peer, if they changed since the last time.
    pub(crate) fn take_audit(&mut self) -> Option<SetDigest> {
        self.audit_at = None;
        let changed = self.audited != self.relations;
        self.audited = self.relations;
        changed.then_some(self.relations)
    }

    /// Digest of all networks that use the link, hot and cold.
    pub(crate) fn relations(&self) -> SetDigest {
        self.relations
    }

    /// The peer's set of networks is the same.
    pub(crate) fn agree(&mut self) {
        self.audited = self.relations;
        self.audit_at = None;
    }

    /// The two ends may differ about a network: compare at `at`, unless that is planned.
    pub(crate) fn doubt(&mut self, at: Time) {
        self.audited = UNKNOWN;
        self.audit_at.get_or_insert(at);
    }

    /// True if any document, hot or cold, uses the link.
    pub(crate) fn used(&self) -> bool {
        !self.documents.is_empty() || self.cold > 0
    }

    /// Marks an overlay's state as to be sent.
    pub(crate) fn mark_dirty(&mut self, tag: Tag, at: Time) {
        self.dirty.push(tag);
        self.states_at.get_or_insert(at);
    }
}
