//! One node's protocol state: the one door, and what all its rooms share.
//!
//! `handle` routes an input to the room that it concerns; rooms change overlays
//! and links, and *touch* what they changed. At the end every touched overlay is
//! settled (election, upkeep, records), then every link that has something to
//! say is flushed. So a burst of changes costs one message.

mod absence;
mod audit;
mod channels;
mod contact;
mod delivery;
mod digest;
mod flush;
mod frames;
mod handover;
mod import;
mod leave;
mod mend;
mod neighbors;
mod peers;
mod records;
mod remember;
mod sets;
mod splice;
mod upkeep;
mod wishes;

pub use records::{AtRest, RestoreError};

use crate::config::{Config, ConfigError};
use crate::crypto::{SharedSuite, prefix};
use crate::deadline::{Alarm, Deadlines};
use crate::effect::{Effect, Notification, Record};
use crate::id::{Address, ChannelId, DocumentId, NodeId, PublicKey, SecretKey, Signature, Tag};
use crate::input::Input;
use crate::link::{Link, LinkId};
use crate::message::Rank;
use crate::overlay::{Overlay, Root, RootKey};
use crate::table::{Agenda, Table};
use crate::time::{Time, WallTime};
use crate::view::{Counters, LinkView, NeighborView, OverlayView};
use crate::violation::Violation;
use channels::Channels;
use contact::{Ending, Repeat};
use delivery::Delivery;
use peers::Peers;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use records::Cold;
use std::collections::{BTreeMap, BTreeSet};

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its secret key.
    pub secret: SecretKey,
    /// Where it can be reached.
    pub address: Address,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Core {
    config: Config,
    suite: SharedSuite,
    secret: SecretKey,
    key: PublicKey,
    id: NodeId,
    address: Address,
    seed: [u8; 32],
    rng: ChaCha8Rng,
    now: Time,
    /// Wall time and the core's time at which it was told.
    clock: (WallTime, Time),
    /// Highest claim sequence used, and as of the node's record.
    sequence: u64,
    saved_sequence: u64,
    overlays: Table<Tag, Overlay>,
    links: Table<LinkId, Link>,
    linked: BTreeMap<NodeId, LinkId>,
    /// Links that are lost and waited for (rule *Await*).
    absent: BTreeMap<NodeId, LinkId>,
    /// Networks in which a place was asked for on a link, maybe long ago.
    asked: BTreeMap<LinkId, BTreeSet<Tag>>,
    next_link: u32,
    channels: Channels,
    /// Handshake packets that are sent again until answered.
    repeats: BTreeMap<ChannelId, Repeat>,
    next_channel: u64,
    peers: Peers,
    delivery: Delivery,
    cold: Cold,
    blocked_authors: BTreeSet<NodeId>,
    /// Replacing tickets that were used, with their expiry.
    used_tickets: BTreeMap<Signature, u64>,
    deadlines: Deadlines,
    stopping: bool,
    /// Overlays changed in this call.
    touched: Agenda<Tag>,
    /// Overlays changed in the last call, for checkers.
    last_touched: Vec<Tag>,
    /// Links with something to say.
    active_links: Agenda<LinkId>,
    unsaved: Agenda<Record>,
    notes: Vec<Notification>,
    effects: Vec<Effect>,
    counters: Counters,
}

impl Core {
    /// A fresh node. `seed` decides all its random choices; `wall` is the wall
    /// time at [`Time::ZERO`].
    ///
    /// # Errors
    /// [`ConfigError`] if the settings do not fit together.
    pub fn new(
        config: Config,
        identity: Identity,
        seed: [u8; 32],
        suite: SharedSuite,
        wall: WallTime,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let key = suite.public_key(&identity.secret);
        Ok(Self {
            id: suite.node_id(&key),
            key,
            secret: identity.secret,
            address: identity.address,
            seed,
            rng: ChaCha8Rng::from_seed(suite.hash("node stream", &[&seed])),
            now: Time::ZERO,
            clock: (wall, Time::ZERO),
            sequence: 0,
            saved_sequence: 0,
            overlays: Table::new(),
            links: Table::new(),
            linked: BTreeMap::new(),
            absent: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_link: 1,
            channels: Channels::default(),
            repeats: BTreeMap::new(),
            next_channel: 2,
            peers: Peers::default(),
            delivery: Delivery::default(),
            cold: Cold::default(),
            blocked_authors: BTreeSet::new(),
            used_tickets: BTreeMap::new(),
            deadlines: Deadlines::default(),
            stopping: false,
            touched: Agenda::new(),
            last_touched: Vec::new(),
            active_links: Agenda::new(),
            unsaved: Agenda::new(),
            notes: Vec::new(),
            effects: Vec::new(),
            counters: Counters::default(),
            config,
            suite,
        })
    }

    /// Takes one input at time `now` (never before the last one) and appends the effects.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        std::mem::swap(&mut self.effects, effects);
        self.now = self.now.max(now);
        self.last_touched.clear();
        self.route(input);
        self.ring();
        self.finish();
        std::mem::swap(&mut self.effects, effects);
    }

    fn route(&mut self, input: Input) {
        match input {
            Input::Wake => {}
            Input::Clock(wall) => self.clock = (wall, self.now),
            Input::Connected {
                channel,
                frame_limit,
                binding,
            } => self.on_connected(channel, frame_limit, binding),
            Input::Disconnected(channel) => self.on_disconnected(channel),
            Input::Received(channel, packet) => self.on_packet(channel, packet),
            Input::Malformed(channel, _) => self.on_malformed(channel),
            Input::Admitted(id, admission) => self.on_admitted(id, admission),
            Input::Loaded(id, document) => self.on_loaded(id, document),
            Input::Thawed(tag, record) => self.on_thawed(tag, record.as_deref()),
            Input::Recalled(peer, records) => self.on_recalled(peer, records),
            Input::Evict(tag) => self.evict(tag),
            Input::Command(request, command) => self.on_command(request, command),
        }
    }

    /// Handles all deadlines that have come.
    fn ring(&mut self) {
        while let Some(alarm) = self.deadlines.pop_due(self.now) {
            match alarm {
                Alarm::Handshake(channel) => self.on_handshake_timeout(channel),
                Alarm::Link(link) => self.on_link_alarm(link),
                Alarm::Overlay(tag) => self.touch(tag),
                Alarm::Redial(peer) => self.redial(peer),
                Alarm::Node => self.on_node_alarm(),
            }
        }
    }

    /// Settles what was touched, then lets records, notes and packets out, in this order.
    fn finish(&mut self) {
        while let Some(tag) = self.touched.pop_first() {
            self.settle(tag);
        }
        self.save_records();
        self.effects
            .extend(self.notes.drain(..).map(Effect::Notify));
        while let Some(link) = self.active_links.pop_first() {
            self.flush(link);
        }
        self.last_touched.sort_unstable();
        self.last_touched.dedup();
    }

    fn settle(&mut self, tag: Tag) {
        self.last_touched.push(tag);
        if self.overlays.contains_key(&tag) {
            self.elect(tag);
            self.upkeep(tag);
            self.schedule(tag);
        } else {
            self.deadlines.set(Alarm::Overlay(tag), None);
        }
    }

    /// Applies the election's rules and marks who must be told.
    fn elect(&mut self, tag: Tag) {
        self.settle_only(tag);
        let calm = |overlay: &crate::overlay::Overlay| overlay.election.calm();
        if !self.overlays.get(&tag).is_some_and(calm) {
            self.lose_absent(tag);
        }
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let due = self.now + self.config.state_delay;
        let tell = overlay.activity.as_ref().and_then(|a| a.tell);
        let all = tell.is_some_and(|at| at <= self.now);
        let mut later = false;
        for at in 0..overlay.neighbors.len() {
            if overlay.owes(&overlay.neighbors[at]) {
                if !all && !overlay.presses(&overlay.neighbors[at]) {
                    later = true;
                    continue;
                }
                let neighbor = &mut overlay.neighbors[at];
                neighbor.flight = crate::overlay::QUEUED;
                if let Some(link) = self.links.get_mut(&neighbor.link) {
                    link.mark_dirty(tag, due);
                    self.active_links.insert(neighbor.link);
                }
            }
        }
        let next = tell
            .filter(|_| !all)
            .unwrap_or(self.now + self.config.lazy_delay);
        if later || tell.is_some() {
            overlay.activity().tell = later.then_some(next);
        }
    }

    /// Applies the election's rules.
    fn settle_only(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let old_root = overlay.election.root.key;
        let (was_root, was_below) = (overlay.election.is_root(), overlay.election.upstream);
        let old_distance = overlay.election.distance;
        let patience = (self.now, self.config.freeze_timeout);
        overlay.lose_patience(patience);
        let (public, secret, suite) = (self.key, &self.secret, &*self.suite);
        let roomy = self.config.roomy();
        overlay.settle(patience, roomy, &|document, key| {
            Root::own(key, document, public, secret, suite)
        });
        overlay.lose_patience(patience);
        let failed = overlay.election.root.key < old_root;
        let (root, distance) = (overlay.election.root.key, overlay.election.distance);
        if (root, distance, overlay.election.upstream) != (old_root, old_distance, was_below) {
            self.unsaved.insert(Record::Overlay(tag));
        }
        if failed && overlay.election.is_root() && !was_root && overlay.active() {
            overlay.activity().probe.next = Some(self.now + self.config.probe_interval);
        }
        let succeeded = overlay.election.root.key.generation > old_root.generation;
        if (failed || succeeded) && !overlay.election.frozen() && overlay.active() {
            overlay.reelected = true;
            overlay.activity().broken = Some(self.now + self.config.reconcile_delay);
            overlay.activity().scouts |= failed;
        }
        if !overlay.election.is_root() && overlay.key.generation > 0 && overlay.active() {
            // Another succeeded in our stead.
            let rank = if overlay.mode.subscribes() {
                Rank::Subscriber
            } else {
                Rank::Holder
            };
            overlay.key = RootKey::first(rank, self.id, self.sequence);
        }
        // What was pushed while the tree was being mended may have passed us by.
        let below = overlay
            .election
            .upstream
            .filter(|link| was_below != Some(*link));
        let subscribing =
            below.filter(|link| overlay.neighbor(*link).is_some_and(|n| n.mode.subscribes()));
        if let Some(link) =
            subscribing.filter(|_| overlay.subscribes() && overlay.comments.digest().count > 0)
        {
            self.tell_digest(tag, link);
        }
    }

    fn schedule(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        // What could not be done now, though due, is looked at again in a second.
        let soon = self.now + std::time::Duration::from_secs(1);
        let next = overlay
            .activity
            .as_ref()
            .and_then(|activity| activity.next());
        let next = next.map(|next| if next <= self.now { soon } else { next });
        if next.is_none() {
            overlay.activity = None;
        }
        self.deadlines.set(Alarm::Overlay(tag), next);
    }

    /// When `handle` must be called at the latest, with [`Input::Wake`] if nothing else comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    fn touch(&mut self, tag: Tag) {
        self.touched.insert(tag);
    }

    fn notify(&mut self, notification: Notification) {
        self.notes.push(notification);
    }

    fn unsaved(&mut self, tag: Tag) {
        self.unsaved.insert(Record::Overlay(tag));
    }

    /// Counts a violation of a linked peer; closes the link when patience is used up.
    fn violation(&mut self, link: LinkId, violation: Violation) {
        self.counters.violations += 1;
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        let (node, patient) = (state.node, state.forgive());
        self.effects.push(Effect::Report(Some(node), violation));
        if !patient {
            self.shun(node);
            self.drop_link(link, Ending::Closed);
        }
    }

    /// Wall time as this node believes it is.
    fn wall(&self) -> WallTime {
        WallTime(self.clock.0.0 + self.now.since(self.clock.1).as_secs())
    }

    /// A number below `bound` from the node's stream; 0 if `bound` is 0.
    fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            self.rng.random_range(0..bound)
        }
    }

    /// A number below `bound` from the stream of one document's network.
    fn draw(&mut self, tag: Tag, bound: usize) -> usize {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return 0;
        };
        if bound == 0 {
            return 0;
        }
        overlay.draws += 1;
        let seed = self
            .suite
            .hash("overlay stream", &[&self.seed, &overlay.id.0]);
        let mut stream = ChaCha8Rng::from_seed(seed);
        stream.set_word_pos(u128::from(overlay.draws) * 4);
        stream.random_range(0..bound)
    }

    fn nonce(&mut self) -> [u8; 16] {
        self.rng.random()
    }

    /// Proof that this node knows a document's id, for one link session.
    fn open_proof(&self, id: &DocumentId, session: &[u8; 32]) -> [u8; 8] {
        prefix(&self.suite.hash("open", &[&id.0, session]))
    }

    /// Own node id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Own key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// True if this node would know whom to call there on account of one of these documents: a
    /// peer that it met for it, or a user's word.
    #[must_use]
    pub fn knows_address(&self, address: &Address, grounds: &[Tag]) -> bool {
        let mut peers = self.peers.known.iter();
        let mut overlays = grounds.iter().filter_map(|tag| self.overlays.get(tag));
        peers.any(|(node, peer)| peer.address == *address && self.met_for(*node, peer, grounds))
            || overlays.any(|overlay| overlay.doors.contains(address))
    }

    /// The network of a document, if this node takes part and it is not cold.
    #[must_use]
    pub fn overlay(&self, document: &DocumentId) -> Option<OverlayView> {
        self.overlay_by_tag(self.suite.tag(document))
    }

    /// Tags of all hot overlays, in order.
    pub fn overlays(&self) -> impl Iterator<Item = Tag> + '_ {
        self.overlays.keys().copied()
    }

    /// Tags of the overlays that the last call of `handle` changed, in order, each once.
    #[must_use]
    pub fn touched(&self) -> &[Tag] {
        &self.last_touched
    }

    /// View of a hot overlay by its tag.
    #[must_use]
    pub fn overlay_by_tag(&self, tag: Tag) -> Option<OverlayView> {
        let overlay = self.overlays.get(&tag)?;
        let node = |link: LinkId| self.links.get(&link).map(|link| link.node);
        let neighbor = |n: &crate::overlay::Neighbor| {
            Some(NeighborView {
                node: node(n.link)?,
                mode: n.mode,
                downstream: n.downstream(),
            })
        };
        Some(OverlayView {
            document: overlay.id,
            tag,
            holds: overlay.holds(),
            leaving: overlay.stage == crate::overlay::Stage::Leaving,
            mode: overlay.mode,
            root: overlay.election.root.key.id,
            root_rank: overlay.election.root.key.rank,
            sequence: overlay.election.root.key.sequence,
            distance: overlay.election.distance,
            upstream: overlay.election.upstream.and_then(node),
            frozen: overlay.election.frozen(),
            neighbors: overlay.present().filter_map(neighbor).collect(),
            comments: overlay.comments.digest(),
            bookmarked: overlay.wishes.bookmarked,
            authored: overlay.wishes.authored,
        })
    }

    /// All links that stand.
    pub fn links(&self) -> impl Iterator<Item = LinkView> + '_ {
        let stands = |link: &&crate::link::Link| link.absence.is_none();
        self.links.values().filter(stands).map(|link| LinkView {
            node: link.node,
            address: link.address.clone(),
            documents: link.documents.len() + link.cold,
            round_trip: link.outbound.round_trip(),
        })
    }

    /// Authors whose documents are hidden, and peers that are refused, as the user said.
    #[must_use]
    pub fn blocked(&self) -> (Vec<NodeId>, Vec<NodeId>) {
        let authors = self.blocked_authors.iter().copied().collect();
        (authors, self.peers.blocked.iter().copied().collect())
    }

    /// Other nodes that this one knows, where they are, and some documents for which it met them.
    pub fn acquaintances(&self) -> impl Iterator<Item = (NodeId, &Address, &[Tag])> + '_ {
        let known = self.peers.known.iter();
        known.map(|(node, peer)| (*node, &peer.address, peer.grounds.lasting()))
    }

    /// Totals since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Number of neighbours of a hot overlay and its limit K, without building a view.
    #[must_use]
    pub fn degree(&self, tag: Tag) -> Option<(usize, usize)> {
        self.overlays
            .get(&tag)
            .map(|overlay| (overlay.neighbors.len(), self.config.max_peers))
    }
}
