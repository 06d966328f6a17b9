//! What rests on disk: the node's record, one record per overlay; and cold
//! overlays, which are only there (PROTOCOL.md, "State at rest").
//!
//! A cold overlay costs no memory. Whatever touches it is parked until the runner
//! has answered; the record holds all that the hot overlay was.

use super::Core;
use super::peers::SAVED_GROUNDS;
use crate::config::{Config, ConfigError};
use crate::crypto::{SharedSuite, prefix};
use crate::deadline::Alarm;
use crate::effect::{Effect, Record};
use crate::id::{Address, ChannelId, DocumentId, NodeId, PublicKey, RequestId, Tag};
use crate::input::Command;
use crate::link::{LinkId, QueuedBody};
use crate::message::{Claim, Hello, Message, Mode, Purpose};
use crate::overlay::election::Phase;
use crate::overlay::{Comments, Election, Neighbor, Overlay, Root, RootKey, Stage, Wishes};
use crate::time::WallTime;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most things parked for one cold overlay, and most cold overlays waited for.
const MAX_PARKED: usize = 64;
const MAX_AWAITED: usize = 4_096;
/// A restarted node leaps so far ahead in its claims' sequence: more than it can have
/// claimed since its record was written.
const SEQUENCE_LEAP: u64 = 1 << 24;
/// How long the node's record may lag behind what is only convenient (peers).
const NODE_RECORD_LAG: Duration = Duration::from_secs(60);

/// Why a stored state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The record is damaged or of an unknown version.
    Record,
    /// The settings do not fit together.
    Config(ConfigError),
}

impl std::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record => f.write_str("the node's record is damaged or of an unknown version"),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {}

/// Something that waits for a cold overlay, or for a joining one.
#[derive(Debug)]
pub(super) enum Parked {
    Message(LinkId, u32, Box<Message>),
    Hello(ChannelId, Box<Hello>),
    Command(RequestId, Box<Command>),
    Body(LinkId, QueuedBody),
    ParentMode(Tag, Mode),
    Mend(NodeId),
    Reopen(NodeId),
}

/// What is known of cold overlays: only how many there are, and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Cold {
    count: usize,
    parked: BTreeMap<Tag, Vec<Parked>>,
    /// Known not to be stored, while what was parked for it is replayed.
    absent: Option<Tag>,
    /// All records are to be read (after a restart, at a shutdown).
    recall_all: bool,
}

impl Cold {
    /// True if there may be cold overlays.
    pub(super) fn any(&self) -> bool {
        self.count > 0
    }
}

#[derive(Serialize, Deserialize)]
struct NodeRecord {
    version: u8,
    sequence: u64,
    peers: Vec<(NodeId, Option<PublicKey>, Address, Vec<Tag>)>,
    blocked_peers: BTreeSet<NodeId>,
    blocked_authors: BTreeSet<NodeId>,
}

#[derive(Serialize, Deserialize)]
struct OverlayRecord {
    version: u8,
    id: DocumentId,
    author: NodeId,
    founder: bool,
    stage: Stage,
    inherited: bool,
    wishes: Wishes,
    mode: Mode,
    key: RootKey,
    parents: Vec<(Tag, Mode)>,
    children: Vec<Tag>,
    /// Neighbours, present and former.
    neighbors: Vec<NodeId>,
    doors: Vec<Address>,
    draws: u32,
    cold: Option<ColdState>,
}

/// The rest of an evicted overlay: valid only in the session that wrote it.
#[derive(Serialize, Deserialize)]
struct ColdState {
    session: [u8; 8],
    caught_up: bool,
    reelected: bool,
    spent: u8,
    roots: Vec<(RootKey, Option<Claim>)>,
    /// Index of the root, distance, upstream's link.
    label: (u8, u16, Option<u32>),
    neighbors: Vec<ColdNeighbor>,
    comments: Vec<Tag>,
}

#[derive(Serialize, Deserialize)]
struct ColdNeighbor {
    link: u32,
    mode: Mode,
    flags: u8,
    since: u32,
    distance: u16,
    heard: u32,
    sent: u64,
    root: Option<u8>,
    shown: [u8; 4],
}

const VERSION: u8 = 1;

impl Core {
    /// A node that starts again. `node` is its own record, if it has one; it will
    /// ask for those of its overlays.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(
        config: Config,
        identity: super::Identity,
        seed: [u8; 32],
        suite: SharedSuite,
        wall: WallTime,
        node: Option<&[u8]>,
    ) -> Result<Self, RestoreError> {
        let mut core =
            Self::new(config, identity, seed, suite, wall).map_err(RestoreError::Config)?;
        core.cold.recall_all = true;
        core.cold.count = 1;
        core.deadlines
            .set(Alarm::Node, Some(crate::time::Time::ZERO));
        let Some(bytes) = node else { return Ok(core) };
        let record: NodeRecord = postcard::from_bytes(bytes).map_err(|_| RestoreError::Record)?;
        if record.version != VERSION {
            return Err(RestoreError::Record);
        }
        core.sequence = record.sequence.saturating_add(SEQUENCE_LEAP);
        core.peers.blocked = record.blocked_peers;
        core.blocked_authors = record.blocked_authors;
        for (peer, key, address, grounds) in record.peers {
            grounds
                .into_iter()
                .for_each(|ground| core.peers.note(peer, key, address.clone(), ground));
        }
        Ok(core)
    }

    /// Writes all records that changed.
    pub(super) fn save_records(&mut self) {
        while let Some(record) = self.unsaved.pop_first() {
            let bytes = match record {
                Record::Node => Some(self.node_record()),
                Record::Overlay(tag) => match self.overlays.get(&tag) {
                    Some(overlay) => Some(self.overlay_record(overlay, None)),
                    None => continue,
                },
            };
            self.effects.push(Effect::Save(record, bytes));
        }
    }

    fn node_record(&self) -> Bytes {
        let peers = self.peers.known.iter().map(|(node, p)| {
            let grounds = p.grounds.iter().take(SAVED_GROUNDS).copied().collect();
            (*node, p.key, p.address.clone(), grounds)
        });
        let record = NodeRecord {
            version: VERSION,
            sequence: self.sequence,
            peers: peers.collect(),
            blocked_peers: self.peers.blocked.clone(),
            blocked_authors: self.blocked_authors.clone(),
        };
        Bytes::from(postcard::to_allocvec(&record).unwrap_or_default())
    }

    fn overlay_record(&self, overlay: &Overlay, cold: Option<ColdState>) -> Bytes {
        let present = overlay
            .neighbors
            .iter()
            .filter_map(|n| self.links.get(&n.link))
            .map(|link| link.node);
        let mut neighbors: Vec<NodeId> = present.chain(overlay.former.iter().copied()).collect();
        neighbors.truncate(2 * self.config.max_peers);
        let record = OverlayRecord {
            version: VERSION,
            id: overlay.id,
            author: overlay.author,
            founder: overlay.founder,
            stage: overlay.stage,
            inherited: overlay.inherited,
            wishes: overlay.wishes.clone(),
            mode: overlay.mode,
            key: overlay.key,
            parents: overlay.parents.clone(),
            children: overlay.children.to_vec(),
            neighbors,
            doors: overlay.doors.clone(),
            draws: overlay.draws,
            cold,
        };
        Bytes::from(postcard::to_allocvec(&record).unwrap_or_default())
    }

    /// The node's own deadline: read back records, write its own.
    pub(super) fn on_node_alarm(&mut self) {
        if self.cold.recall_all {
            self.recall_all();
        }
        self.refuse_early_states();
        self.unsaved.insert(Record::Node);
    }

    /// The node's record should be written before long.
    pub(super) fn node_changed(&mut self) {
        self.deadlines
            .advance(Alarm::Node, self.now + NODE_RECORD_LAG);
    }

    /// Asks for the records of all cold overlays.
    pub(super) fn recall_all(&mut self) {
        if self.cold.count > 0 {
            self.effects.push(Effect::Recall(self.id));
        }
    }

    /// The runner wants an overlay's memory back. Only one in which nothing is under way goes.
    pub(super) fn evict(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let lonely = overlay.inherited && overlay.neighbors.is_empty();
        let quiet = overlay.active()
            && !lonely
            && overlay.activity.is_none()
            && !overlay.election.frozen()
            && overlay
                .neighbors
                .iter()
                .all(|n| n.flight == 0 && !overlay.owes(n));
        if !quiet {
            return;
        }
        let bytes = self.overlay_record(overlay, Some(self.cold_state(overlay)));
        for neighbor in &overlay.neighbors {
            if let Some(link) = self.links.get_mut(&neighbor.link) {
                link.freeze(tag);
            }
        }
        self.overlays.remove(&tag);
        self.deadlines.set(Alarm::Overlay(tag), None);
        self.cold.count += 1;
        self.unsaved.remove(&Record::Overlay(tag));
        self.effects
            .push(Effect::Save(Record::Overlay(tag), Some(bytes)));
    }

    fn session_mark(&self) -> [u8; 8] {
        prefix(&self.suite.hash("cold session", &[&self.seed]))
    }

    fn cold_state(&self, overlay: &Overlay) -> ColdState {
        let mut roots: Vec<(RootKey, Option<Claim>)> = Vec::new();
        let mut index = |root: &Root| {
            let entry = (root.key, root.claim.clone());
            let at = roots
                .iter()
                .position(|known| *known == entry)
                .unwrap_or_else(|| {
                    roots.push(entry);
                    roots.len() - 1
                });
            u8::try_from(at).unwrap_or(0)
        };
        let label = (
            index(&overlay.election.root),
            overlay.election.distance,
            overlay.election.upstream.map(|l| l.0),
        );
        let neighbors = overlay.neighbors.iter().map(|n| ColdNeighbor {
            link: n.link.0,
            mode: n.mode,
            flags: n.flags,
            since: n.since,
            distance: n.distance,
            heard: n.heard,
            sent: n.sent,
            root: n.root.as_ref().map(|root| index(root)),
            shown: n.shown,
        });
        let neighbors = neighbors.collect();
        let comments = overlay.comments.tags().to_vec();
        ColdState {
            session: self.session_mark(),
            caught_up: overlay.caught_up,
            reelected: overlay.reelected,
            spent: overlay.spent,
            roots,
            label,
            neighbors,
            comments,
        }
    }

    /// True if an overlay may be cold: only the runner knows.
    pub(super) fn is_cold(&self, tag: Tag) -> bool {
        self.cold.count > 0 && !self.overlays.contains_key(&tag) && self.cold.absent != Some(tag)
    }

    /// True if a comment is known and can only be cold.
    pub(super) fn knows_cold(&self, via: Tag, tag: Tag) -> bool {
        self.is_cold(tag)
            && self
                .overlays
                .get(&via)
                .is_some_and(|overlay| overlay.comments.contains(tag))
    }

    /// True if a message must wait: for a cold overlay, or, on a joining node, for the document.
    pub(super) fn must_park(&self, tag: Tag, message: &Message) -> bool {
        match self.overlays.get(&tag) {
            None => self.is_cold(tag),
            Some(overlay) => {
                overlay.stage == Stage::Joining
                    && matches!(
                        message,
                        Message::State(..) | Message::Introduce(..) | Message::Digest(..)
                    )
            }
        }
    }

    /// Parks something; the first for a cold overlay asks the runner.
    pub(super) fn park(&mut self, tag: Tag, parked: Parked) {
        let cold = !self.overlays.contains_key(&tag);
        if !self.cold.parked.contains_key(&tag) {
            if self.cold.parked.len() >= MAX_AWAITED {
                return;
            }
            if cold {
                self.effects.push(Effect::Thaw(tag));
            }
        }
        let waiting = self.cold.parked.entry(tag).or_default();
        if waiting.len() < MAX_PARKED {
            waiting.push(parked);
        }
    }

    /// The runner answers: a cold overlay's record, or none.
    pub(super) fn on_thawed(&mut self, tag: Tag, record: Option<&[u8]>) {
        // A Recall may have brought it back meanwhile: the record is older then.
        let hot = self.overlays.contains_key(&tag);
        let known = hot || record.is_some_and(|bytes| self.thaw(tag, bytes));
        if !known {
            self.cold.absent = Some(tag);
        }
        self.replay_parked(tag);
        self.cold.absent = None;
    }

    /// What was parked for an overlay happens now.
    pub(super) fn replay_parked(&mut self, tag: Tag) {
        for parked in self.cold.parked.remove(&tag).unwrap_or_default() {
            match parked {
                Parked::Message(link, frame, message) => self.on_message(link, frame, *message),
                Parked::Hello(channel, hello) => self.on_hello(channel, *hello),
                Parked::Command(request, command) => self.on_command(request, *command),
                Parked::Body(link, body) => self.queue_body(link, body.via, body.document),
                Parked::ParentMode(parent, mode) => self.on_parent_mode(tag, parent, mode),
                Parked::Mend(node) => self.mend_thawed(tag, node),
                Parked::Reopen(node) => {
                    self.try_open(tag, node, Purpose::Heal, None);
                }
            }
        }
    }

    /// Records of cold overlays that name a peer; or, for our own id, all there are.
    pub(super) fn on_recalled(&mut self, peer: NodeId, records: Vec<(Tag, Bytes)>) {
        let mut lost = BTreeSet::new();
        for (tag, bytes) in records {
            if !self.overlays.contains_key(&tag) && self.thaw(tag, &bytes) {
                let overlay = self.overlays.get(&tag);
                if overlay.is_some_and(|overlay| overlay.former.contains(&peer)) {
                    lost.insert(tag);
                }
            }
        }
        // What was cold when the peer's link was lost is reopened like the rest.
        if self.linked.contains_key(&peer) {
            lost.into_iter().for_each(|tag| self.reopen(tag, peer));
        } else if peer != self.id {
            self.lose_peer(peer, lost);
        }
        if peer == self.id {
            self.cold.count = 0;
            self.cold.recall_all = false;
            let tags: Vec<Tag> = self.overlays.keys().copied().collect();
            tags.into_iter().for_each(|tag| self.tie(tag));
            self.redial_former();
        }
    }

    /// Makes a cold overlay hot. False if the record is damaged.
    fn thaw(&mut self, tag: Tag, bytes: &[u8]) -> bool {
        let Ok(record) = postcard::from_bytes::<OverlayRecord>(bytes) else {
            return false;
        };
        if record.version != VERSION {
            return false;
        }
        self.cold.count = self.cold.count.saturating_sub(1);
        let session = self.session_mark();
        let cold = record.cold.as_ref().filter(|cold| cold.session == session);
        let fresh = cold.is_none();
        let root = match cold.and_then(|cold| cold.roots.get(usize::from(cold.label.0))) {
            Some((key, claim)) => Root::new(*key, claim.clone(), &*self.suite),
            None => self.claim(&record.id, record.key),
        };
        let mut overlay = Overlay::new(record.id, record.stage, record.key, root);
        overlay.former = record.neighbors;
        if let Some(cold) = record.cold.filter(|_| !fresh) {
            self.warm(tag, &mut overlay, cold);
        }
        (overlay.author, overlay.founder, overlay.inherited) =
            (record.author, record.founder, record.inherited);
        (overlay.wishes, overlay.mode, overlay.parents) =
            (record.wishes, record.mode, record.parents);
        (overlay.children, overlay.doors, overlay.draws) =
            (record.children.into(), record.doors, record.draws);
        overlay.former.truncate(self.config.max_peers);
        self.overlays.insert(tag, overlay);
        if fresh {
            self.renew_key(tag);
        }
        self.touch(tag);
        true
    }

    /// Puts back the neighbours whose links still stand.
    fn warm(&mut self, tag: Tag, overlay: &mut Overlay, cold: ColdState) {
        let roots: Vec<_> = cold
            .roots
            .into_iter()
            .map(|(key, claim)| Root::new(key, claim, &*self.suite))
            .collect();
        for n in cold.neighbors {
            let Some(link) = self.links.get_mut(&LinkId(n.link)) else {
                continue;
            };
            link.thaw(tag);
            overlay.former.retain(|former| *former != link.node);
            let root = n.root.and_then(|at| roots.get(usize::from(at)).cloned());
            overlay.neighbors.push(Neighbor {
                link: LinkId(n.link),
                mode: n.mode,
                flags: n.flags,
                since: n.since,
                distance: n.distance,
                heard: n.heard,
                flight: 0,
                sent: n.sent,
                root,
                shown: n.shown,
            });
        }
        let (_, distance, upstream) = cold.label;
        let root = overlay.election.root.clone();
        overlay.election = Election {
            root,
            distance,
            upstream: upstream.map(LinkId),
            phase: Phase::Settled,
            heir: None,
        };
        overlay.caught_up = cold.caught_up;
        (overlay.reelected, overlay.spent) = (cold.reelected, cold.spent);
        let mut comments = Comments::default();
        cold.comments.into_iter().for_each(|comment| {
            comments.insert(comment);
        });
        overlay.comments = comments;
    }

    /// After a restart a node claims anew: it may have been away for long, and the
    /// founder's mark is lost (rule *Inherit*).
    fn renew_key(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let rank = if overlay.mode.subscribes() {
            crate::message::Rank::Subscriber
        } else {
            crate::message::Rank::Holder
        };
        let (id, stage) = (overlay.id, overlay.stage);
        let key = self.own_key(rank);
        let root = self.claim(&id, key);
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.key = key;
            // Its neighbours may be in different parts by now.
            overlay.reelected = true;
            overlay.election = Election::alone(root);
            if stage == Stage::Leaving {
                overlay.stage = Stage::Holding;
            }
        }
    }

    /// Ties an overlay read back to the comment sets of its parents.
    fn tie(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag).filter(|overlay| overlay.holds()) else {
            return;
        };
        let parents: Vec<Tag> = overlay.parents.iter().map(|(parent, _)| *parent).collect();
        for parent in parents {
            self.add_comment(parent, tag);
        }
        self.recompute(tag);
    }

    /// Dials the neighbours that overlays had before the restart.
    fn redial_former(&mut self) {
        let mut lost: BTreeMap<NodeId, BTreeSet<Tag>> = BTreeMap::new();
        for (tag, overlay) in &self.overlays {
            for former in &overlay.former {
                lost.entry(*former).or_default().insert(*tag);
            }
        }
        lost.into_iter()
            .for_each(|(node, tags)| self.lose_peer(node, tags));
    }
}
