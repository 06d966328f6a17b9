//! What rests on disk: the node's record, one record per overlay; and cold
//! overlays, which are only there (PROTOCOL.md, "State at rest").
//!
//! A cold overlay costs no memory. Whatever touches it is parked until the runner
//! has answered; the record holds all that the hot overlay was.

mod inspect;

pub use inspect::AtRest;

use super::Core;
use crate::config::{Config, ConfigError};
use crate::crypto::SharedSuite;
use crate::deadline::Alarm;
use crate::effect::{Effect, Record};
use crate::id::{Address, ChannelId, DocumentId, NodeId, PublicKey, RequestId, Tag};
use crate::input::Command;
use crate::link::{LinkId, QueuedBody};
use crate::message::{Claim, Hello, Message, Mode, Purpose};
use crate::overlay::{Election, Neighbor, Overlay, Root, RootKey, Stage, Wishes};
use crate::time::WallTime;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Most things parked for one cold overlay, and most cold overlays waited for.
const MAX_PARKED: usize = 64;
const MAX_AWAITED: usize = 4_096;
/// A restarted node leaps so far ahead in its claims' sequence: more than it can have
/// claimed since its record was written.
const SEQUENCE_LEAP: u64 = 1 << 24;
/// How long the records of peers, and of the states in overlays, may lag behind: they
/// are only convenient.
const RECORD_LAG: Duration = Duration::from_secs(60);

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
#[derive(Clone, Debug, Hash)]
pub(super) enum Parked {
    Message(LinkId, u32, Box<Message>),
    Hello(ChannelId, Box<Hello>),
    Command(RequestId, Box<Command>),
    Body(LinkId, QueuedBody),
    ParentMode(Tag, Mode),
    /// What a comment's network waits for: who its relatives are.
    Relatives(Tag),
    Mend(NodeId),
    Reopen(NodeId),
}

/// What is known of cold overlays: only how many there are, and what waits for them.
#[derive(Clone, Debug, Hash, Default)]
pub(super) struct Cold {
    count: usize,
    parked: BTreeMap<Tag, Vec<Parked>>,
    /// Records asked for: how many answers are to come, and how many of them tell of an overlay
    /// that was deleted since.
    asked: BTreeMap<Tag, (u32, u32)>,
    /// Known not to be stored, while what was parked for it is replayed.
    absent: Option<Tag>,
    /// All records are to be read (after a restart, at a shutdown).
    recall_all: bool,
    /// Recalls that are not answered yet, and what was deleted since the first of them: an
    /// answer may still tell of it. Bounded by what was held.
    recalls: u32,
    deleted: BTreeSet<Tag>,
    /// Overlays whose records do not tell the latest states; bounded by those in memory.
    pub(super) stale: BTreeSet<Tag>,
}

impl Cold {
    /// The overlay is deleted: answers that are under way are of before.
    pub(super) fn delete(&mut self, tag: Tag) {
        if let Some((due, outdated)) = self.asked.get_mut(&tag) {
            *outdated = *due;
        }
        if self.recalls > 0 {
            self.deleted.insert(tag);
        }
    }

    /// A Recall is answered; gives what is not to be taken from the answer.
    fn recalled(&mut self) -> BTreeSet<Tag> {
        self.recalls = self.recalls.saturating_sub(1);
        if self.recalls == 0 {
            std::mem::take(&mut self.deleted)
        } else {
            self.deleted.clone()
        }
    }

    /// An answer comes; false if it is of before a deletion.
    fn answered(&mut self, tag: Tag) -> bool {
        let Some((due, outdated)) = self.asked.get_mut(&tag) else {
            return true;
        };
        *due -= 1;
        let current = *outdated == 0;
        *outdated = outdated.saturating_sub(1);
        if *due == 0 {
            self.asked.remove(&tag);
        }
        current
    }

    /// The link's frames will be counted anew: what waits is older than all of them.
    pub(super) fn restart_frames(&mut self, link: LinkId) {
        for parked in self.parked.values_mut().flatten() {
            if let Parked::Message(from, frame, _) = parked
                && *from == link
            {
                *frame = 0;
            }
        }
    }

    /// Networks of documents that wait for a cold overlay to be sent on this link.
    pub(super) fn bodies(&self, link: LinkId) -> Vec<Tag> {
        let parked = self.parked.values().flatten();
        let via = |parked: &Parked| {
            if let Parked::Body(to, body) = parked
                && *to == link
            {
                Some(body.via)
            } else {
                None
            }
        };
        parked.filter_map(via).collect()
    }

    /// True if there may be cold overlays.
    pub(super) fn any(&self) -> bool {
        self.count > 0
    }
}

#[derive(Serialize, Deserialize)]
struct NodeRecord {
    version: u8,
    sequence: u64,
    blocked_peers: BTreeSet<NodeId>,
    blocked_authors: BTreeSet<NodeId>,
}

#[derive(Serialize, Deserialize)]
struct PeerRecord {
    version: u8,
    node: NodeId,
    key: Option<PublicKey>,
    address: Address,
    grounds: Vec<Tag>,
}

#[derive(Serialize, Deserialize)]
struct OverlayRecord<'a> {
    version: u8,
    id: DocumentId,
    author: NodeId,
    founder: bool,
    stage: Stage,
    inherited: bool,
    wishes: Cow<'a, Wishes>,
    mode: Mode,
    key: RootKey,
    parents: Cow<'a, [(Tag, Mode)]>,
    children: Cow<'a, [Tag]>,
    /// Former neighbours.
    former: Cow<'a, [NodeId]>,
    doors: Cow<'a, [Address]>,
    draws: u32,
    place: Place,
    evicted: Option<Evicted>,
}

/// Where the node stood in the network; after a restart, where it was last known to
/// stand (rule *Await*).
#[derive(Serialize, Deserialize)]
struct Place {
    roots: Vec<(RootKey, Option<Claim>)>,
    /// Index of the root, distance, upstream.
    label: (u8, u16, Option<NodeId>),
    neighbors: Vec<ColdNeighbor>,
}

/// The rest of an evicted overlay: valid only in the session that wrote it.
#[derive(Serialize, Deserialize)]
struct Evicted {
    memory: [u8; 8],
    caught_up: bool,
    reelected: bool,
    spent: u8,
    comments: Vec<Tag>,
}

#[derive(Serialize, Deserialize)]
struct ColdNeighbor {
    node: NodeId,
    /// Number of the link; another one knows nothing of the relation.
    link: u32,
    /// Connection of the link that `heard` and `sent` belong to.
    session: u32,
    mode: Mode,
    flags: u8,
    since: u32,
    distance: u16,
    heard: u32,
    sent: u64,
    root: Option<u8>,
    shown: [u8; 4],
    /// What was remembered of the relation when the overlay went cold.
    memory: Tag,
}

const VERSION: u8 = 4;

/// More bytes than most records have.
const USUAL_RECORD: usize = 1_024;

/// A record's bytes, in memory of just their size.
fn encode(record: &impl Serialize) -> Bytes {
    let buffer = Vec::with_capacity(USUAL_RECORD);
    let bytes = postcard::to_extend(record, buffer).unwrap_or_default();
    Bytes::copy_from_slice(&bytes)
}

impl Core {
    /// A node that starts again. `node` is its own record, if it has one, and `peers` are
    /// those of peers, in any order; it will ask for those of its overlays. A damaged
    /// record of a peer is left out, since it is only convenient.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore<'a>(
        config: Config,
        identity: super::Identity,
        seed: [u8; 32],
        suite: SharedSuite,
        wall: WallTime,
        node: Option<&[u8]>,
        peers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, RestoreError> {
        let mut core =
            Self::new(config, identity, seed, suite, wall).map_err(RestoreError::Config)?;
        core.cold.recall_all = true;
        core.cold.count = 1;
        core.deadlines
            .set(Alarm::Node, Some(crate::time::Time::ZERO));
        for bytes in peers {
            core.restore_peer(bytes);
        }
        let Some(bytes) = node else { return Ok(core) };
        let record: NodeRecord = postcard::from_bytes(bytes).map_err(|_| RestoreError::Record)?;
        if record.version != VERSION {
            return Err(RestoreError::Record);
        }
        core.sequence = record.sequence.saturating_add(SEQUENCE_LEAP);
        core.peers.blocked = record.blocked_peers;
        core.blocked_authors = record.blocked_authors;
        Ok(core)
    }

    fn restore_peer(&mut self, bytes: &[u8]) {
        let record: Option<PeerRecord> = postcard::from_bytes(bytes).ok();
        let Some(peer) = record.filter(|peer| peer.version == VERSION) else {
            return;
        };
        if self.peers.len() < self.config.max_acquaintances {
            for ground in peer.grounds {
                self.peers
                    .note(peer.node, peer.key, peer.address.clone(), ground);
            }
        }
    }

    /// Writes all records that changed.
    pub(super) fn save_records(&mut self) {
        while let Some(record) = self.unsaved.pop_first() {
            let bytes = match record {
                Record::Node => Some(self.node_record()),
                Record::Peer(node) => self.peer_record(node),
                Record::Overlay(tag) => match self.overlays.get(&tag) {
                    Some(overlay) => Some(self.overlay_record(tag, overlay, None)),
                    None => continue,
                },
            };
            self.effects.push(Effect::Save(record, bytes));
        }
    }

    fn node_record(&mut self) -> Bytes {
        self.saved_sequence = self.sequence;
        let record = NodeRecord {
            version: VERSION,
            sequence: self.sequence,
            blocked_peers: self.peers.blocked.clone(),
            blocked_authors: self.blocked_authors.clone(),
        };
        encode(&record)
    }

    fn peer_record(&self, node: NodeId) -> Option<Bytes> {
        let peer = self.peers.known.get(&node)?;
        let record = PeerRecord {
            version: VERSION,
            node,
            key: peer.key,
            address: peer.address.clone(),
            grounds: peer.grounds.lasting().to_vec(),
        };
        Some(encode(&record))
    }

    fn overlay_record(&self, tag: Tag, overlay: &Overlay, evicted: Option<Evicted>) -> Bytes {
        let record = OverlayRecord {
            version: VERSION,
            id: overlay.id,
            author: overlay.author,
            founder: overlay.founder,
            stage: overlay.stage,
            inherited: overlay.inherited,
            wishes: Cow::Borrowed(&overlay.wishes),
            mode: overlay.mode,
            key: overlay.key,
            parents: Cow::Borrowed(&overlay.parents),
            children: Cow::Borrowed(&overlay.children),
            former: Cow::Borrowed(&overlay.former),
            doors: Cow::Borrowed(&overlay.doors),
            draws: overlay.draws,
            place: self.place(tag, overlay),
            evicted,
        };
        encode(&record)
    }

    /// The node's own deadline: read back records, write those that lag.
    pub(super) fn on_node_alarm(&mut self) {
        if self.cold.recall_all {
            self.recall_all();
        }
        self.refuse_early_states();
        let peers = std::mem::take(&mut self.peers.unsaved);
        self.unsaved.extend(peers.into_iter().map(Record::Peer));
        let stale = std::mem::take(&mut self.cold.stale);
        self.unsaved.extend(stale.into_iter().map(Record::Overlay));
    }

    /// The overlay's record should tell the latest states before long.
    pub(super) fn state_stale(&mut self, tag: Tag) {
        self.cold.stale.insert(tag);
        self.deadlines.advance(Alarm::Node, self.now + RECORD_LAG);
    }

    /// The peer's record should be written before long.
    pub(super) fn peer_changed(&mut self, node: NodeId) {
        self.peers.unsaved.insert(node);
        self.deadlines.advance(Alarm::Node, self.now + RECORD_LAG);
    }

    /// The node's record tells the sequence, with a leap, before that leap is used up.
    pub(super) fn sequence_grew(&mut self) {
        if self.sequence > self.saved_sequence.saturating_add(SEQUENCE_LEAP / 2) {
            self.unsaved.insert(Record::Node);
        }
    }

    /// Asks for the records of all cold overlays.
    pub(super) fn recall_all(&mut self) {
        if self.cold.count > 0 {
            self.ask_records(self.id);
        }
    }

    /// Asks for the records of cold overlays that name a peer; or, for our own id, of all.
    pub(super) fn ask_records(&mut self, peer: NodeId) {
        self.cold.recalls += 1;
        self.effects.push(Effect::Recall(peer));
    }

    /// The runner wants an overlay's memory back. Only one in which nothing is under way goes.
    pub(super) fn evict(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let lonely = overlay.inherited && overlay.neighbors.is_empty();
        // The root of what may be a part of a network looks for the rest (rule *Mend*).
        let top = overlay.reelected && overlay.election.is_root();
        // What is on its way would be lost unnoticed with its link (rule *Await*).
        let links = overlay.neighbors.iter();
        let mut links = links.filter_map(|n| self.links.get(&n.link));
        let speaks =
            links.any(|l| l.loading > 0 || l.outbound.tears() || l.unsettled().contains(&tag));
        let quiet = overlay.active()
            && !speaks
            && !lonely
            && !top
            && !self.delivery.concerns(&overlay.id)
            && !self.cold.deleted.contains(&tag)
            && overlay.activity.is_none()
            && !overlay.election.frozen()
            && overlay
                .neighbors
                .iter()
                .all(|n| n.flight == 0 && !n.absent && !overlay.owes(n));
        if !quiet {
            return;
        }
        let bytes = self.overlay_record(tag, overlay, Some(self.evicted(overlay)));
        let memory = |n: &Neighbor| (n.link, self.memory_of(overlay, tag, n));
        let memories: Vec<(LinkId, Tag)> = overlay.neighbors.iter().map(memory).collect();
        for (link, memory) in memories {
            if let Some(link) = self.links.get_mut(&link) {
                link.freeze(tag, memory);
            }
        }
        self.overlays.remove(&tag);
        self.deadlines.set(Alarm::Overlay(tag), None);
        self.cold.count += 1;
        self.unsaved.remove(&Record::Overlay(tag));
        self.effects
            .push(Effect::Save(Record::Overlay(tag), Some(bytes)));
    }

    fn place(&self, tag: Tag, overlay: &Overlay) -> Place {
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
        let node = |link: LinkId| self.links.get(&link).map(|link| link.node);
        let election = &overlay.election;
        let upstream = election.upstream.and_then(node);
        let label = (index(&election.root), election.distance, upstream);
        let neighbors = overlay.neighbors.iter().filter_map(|n| {
            let link = self.links.get(&n.link)?;
            Some(ColdNeighbor {
                node: link.node,
                link: n.link.0,
                session: link.sessions,
                mode: n.mode,
                flags: n.flags,
                since: n.since,
                distance: n.distance,
                heard: n.heard,
                sent: n.sent,
                root: n.root.as_ref().map(|root| index(root)),
                shown: n.shown,
                memory: self.memory_of(overlay, tag, n),
            })
        });
        let neighbors = neighbors.collect();
        Place {
            roots,
            label,
            neighbors,
        }
    }

    fn evicted(&self, overlay: &Overlay) -> Evicted {
        Evicted {
            memory: self.memory_mark(),
            caught_up: overlay.caught_up,
            reelected: overlay.reelected,
            spent: overlay.spent,
            comments: overlay.comments.tags().to_vec(),
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
                        Message::State(..)
                            | Message::Introduce(..)
                            | Message::Digest(..)
                            | Message::Close(..)
                    )
            }
        }
    }

    /// A parent that we subscribe to and that is cold: who is related in its comment's
    /// network is not known without it. None while another is found to be missing.
    pub(super) fn cold_parent(&self, tag: Tag) -> Option<Tag> {
        let overlay = self.overlays.get(&tag)?;
        let mut held = overlay.parents.iter().filter(|(_, mode)| mode.subscribes());
        let cold = held.find(|(parent, _)| self.is_cold(*parent));
        cold.map(|(parent, _)| *parent)
            .filter(|_| self.cold.absent.is_none())
    }

    /// Parks something; the first for a cold overlay asks the runner.
    pub(super) fn park(&mut self, tag: Tag, parked: Parked) {
        let cold = !self.overlays.contains_key(&tag);
        // What comes from outside is bounded; our own is bounded by what we hold.
        let foreign = matches!(parked, Parked::Message(..) | Parked::Hello(..));
        if !self.cold.parked.contains_key(&tag) {
            if foreign && self.cold.parked.len() >= MAX_AWAITED {
                return;
            }
            if cold {
                self.effects.push(Effect::Thaw(tag));
                self.cold.asked.entry(tag).or_default().0 += 1;
            }
        }
        let waiting = self.cold.parked.entry(tag).or_default();
        if !foreign || waiting.len() < MAX_PARKED {
            waiting.push(parked);
        }
    }

    /// The runner answers: a cold overlay's record, or none.
    pub(super) fn on_thawed(&mut self, tag: Tag, record: Option<&[u8]>) {
        // A Recall may have brought it back meanwhile: the record is older then.
        let hot = self.overlays.contains_key(&tag);
        let current = self.cold.answered(tag);
        let record = record.filter(|_| current);
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
                Parked::ParentMode(parent, _) if self.cold.absent == Some(tag) => {
                    self.drop_comment(parent, tag);
                }
                Parked::ParentMode(parent, mode) => self.on_parent_mode(tag, parent, mode),
                Parked::Mend(node) => self.mend_thawed(tag, node),
                Parked::Relatives(comment) => self.relatives_thawed(tag, comment),
                Parked::Reopen(node) => {
                    self.try_open(tag, node, Purpose::Heal, None);
                }
            }
        }
    }

    /// Records of cold overlays that name a peer; or, for our own id, all there are.
    pub(super) fn on_recalled(&mut self, peer: NodeId, records: Vec<(Tag, Bytes)>) {
        let mut lost = BTreeSet::new();
        let deleted = self.cold.recalled();
        if let Some(link) = self
            .link_of(peer)
            .and_then(|link| self.links.get_mut(&link))
        {
            link.recalling = false;
        }
        let compares = self.link_of(peer).filter(|link| {
            let link = self.links.get_mut(link);
            link.is_some_and(|link| std::mem::take(&mut link.comparison.recalled))
        });
        for (tag, bytes) in records {
            let here = self.overlays.contains_key(&tag) || deleted.contains(&tag);
            if !here && self.thaw(tag, &bytes) {
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
        if let Some(link) = compares {
            self.compare_memories(link);
        }
        if peer == self.id {
            self.on_all_recalled();
        }
    }

    /// All overlays are in memory.
    fn on_all_recalled(&mut self) {
        self.cold.count = 0;
        self.cold.recall_all = false;
        let tags: Vec<Tag> = self.overlays.keys().copied().collect();
        tags.iter().for_each(|tag| self.tie_attached(*tag));
        tags.iter().for_each(|tag| self.tie(*tag));
        self.redial_former();
        // What a user wished since the start must not come after the rest is put in order.
        let waits = |tag: &Tag| self.cold.parked.contains_key(tag);
        let waiting: Vec<Tag> = tags.into_iter().filter(waits).collect();
        waiting.into_iter().for_each(|tag| self.replay_parked(tag));
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
        let memory = self.memory_mark();
        let evicted = record.evicted.filter(|evicted| evicted.memory == memory);
        let (index, distance, upstream) = record.place.label;
        let roots: Vec<Arc<Root>> = record
            .place
            .roots
            .into_iter()
            .map(|(key, claim)| Root::new(key, claim, &*self.suite))
            .collect();
        let root = match roots.get(usize::from(index)) {
            Some(root) => root.clone(),
            None => self.claim(&record.id, record.key),
        };
        let mut overlay = Overlay::new(record.id, record.stage, record.key, root);
        (overlay.author, overlay.founder, overlay.inherited) =
            (record.author, record.founder, record.inherited);
        (overlay.wishes, overlay.mode, overlay.parents) = (
            record.wishes.into_owned(),
            record.mode,
            record.parents.into_owned(),
        );
        (overlay.children, overlay.doors, overlay.draws) = (
            record.children.into_owned().into(),
            record.doors.into_owned(),
            record.draws,
        );
        overlay.former = record.former.into_owned();
        let fresh = evicted.is_none();
        for n in record.place.neighbors {
            let node = n.node;
            let root = n.root.and_then(|at| roots.get(usize::from(at)).cloned());
            let link = if fresh {
                self.remembered_link(node)
            } else {
                self.link_of(node).filter(|link| link.0 == n.link)
            };
            match link {
                Some(link) => self.put_back(tag, &mut overlay, (link, n, root), fresh),
                None => overlay.former.push(node),
            }
        }
        overlay.former.truncate(self.config.max_peers);
        overlay.election.distance = distance;
        let upstream = upstream.and_then(|node| self.link_of(node));
        overlay.election.upstream = upstream.filter(|link| overlay.neighbor(*link).is_some());
        if let Some(evicted) = evicted {
            overlay.caught_up = evicted.caught_up;
            (overlay.reelected, overlay.spent) = (evicted.reelected, evicted.spent);
            evicted.comments.into_iter().for_each(|comment| {
                overlay.comments.insert(comment);
            });
        } else if overlay.stage == Stage::Leaving {
            overlay.stage = Stage::Holding;
        }
        let alone = fresh && overlay.neighbors.is_empty();
        self.overlays.insert(tag, overlay);
        if alone {
            self.renew_key(tag);
        }
        self.touch(tag);
        true
    }

    /// Puts a neighbour back on its link. After a restart the two ends compare what they
    /// remember (rule *Remember*).
    fn put_back(
        &mut self,
        tag: Tag,
        overlay: &mut Overlay,
        neighbor: (LinkId, ColdNeighbor, Option<Arc<Root>>),
        restarted: bool,
    ) {
        let (link_id, n, root) = neighbor;
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if restarted {
            link.relate(tag);
        } else {
            link.thaw(tag, n.memory);
        }
        let heard = !restarted && n.session == link.sessions;
        overlay.former.retain(|former| *former != n.node);
        overlay.neighbors.push(Neighbor {
            link: link_id,
            mode: n.mode,
            absent: link.absence.is_some(),
            flags: n.flags,
            // Seconds of this run: older than all that comes now. 0 stays (an heir).
            since: if restarted { n.since.min(1) } else { n.since },
            distance: n.distance,
            heard: if heard { n.heard } else { 0 },
            flight: 0,
            sent: n.sent,
            root,
            shown: n.shown,
        });
    }

    /// Who has no neighbour to wait for after a restart claims anew: it may have been
    /// away for long, and the founder's mark is lost (rule *Inherit*).
    fn renew_key(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let rank = if overlay.mode.subscribes() {
            crate::message::Rank::Subscriber
        } else {
            crate::message::Rank::Holder
        };
        let id = overlay.id;
        let key = self.own_key(rank);
        let root = self.claim(&id, key);
        let first_probe = self.now + self.config.probe_interval;
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            // Whoever joins by it in the meantime knows nobody else either.
            if overlay.active() {
                overlay.activity().probe.next = Some(first_probe);
            }
            overlay.key = key;
            // Its neighbours may be in different parts by now.
            overlay.reelected = true;
            overlay.election = Election::alone(root);
        }
    }

    /// Ties what a document attaches to it.
    fn tie_attached(&mut self, tag: Tag) {
        let overlay = self.overlays.get(&tag).filter(|overlay| overlay.active());
        let children = overlay.map_or(Vec::new(), |overlay| overlay.children.to_vec());
        for child in children {
            if self.overlays.get(&child).is_some_and(Overlay::holds) {
                self.note_comment(tag, child);
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
            // It may have changed, or gone, and the crash came before that was written here.
            let mode = self.overlays.get(&parent).map(|parent| parent.mode);
            self.note_parent_mode(tag, parent, mode.unwrap_or_default());
            self.note_comment(parent, tag);
        }
        self.recompute(tag);
    }

    /// Dials the neighbours that overlays had before the restart.
    fn redial_former(&mut self) {
        let mut lost: BTreeMap<NodeId, BTreeSet<Tag>> = BTreeMap::new();
        for (tag, overlay) in self.overlays.iter() {
            for former in &overlay.former {
                lost.entry(*former).or_default().insert(*tag);
            }
        }
        for (node, link) in &self.absent {
            let shared = self.links.get(link).map(|link| &link.documents);
            lost.entry(*node)
                .or_default()
                .extend(shared.into_iter().flatten());
        }
        lost.into_iter()
            .for_each(|(node, tags)| self.lose_peer(node, tags));
    }
}
