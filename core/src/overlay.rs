//! One document's network as one node takes part in it: wishes, neighbours,
//! election, comment set. Pure state; the flows between nodes are in `core/`.

pub(crate) mod activity;
pub(crate) mod comments;
pub(crate) mod doubts;
pub(crate) mod election;
pub(crate) mod neighbor;
pub(crate) mod root;
pub(crate) mod wants;

pub(crate) use activity::Activity;
pub(crate) use comments::Comments;
use doubts::Doubts;
pub(crate) use election::{Election, Own};
pub(crate) use neighbor::{Neighbor, QUEUED};
pub(crate) use root::{Root, RootKey};

use crate::document::Document;
use crate::id::{Address, DocumentId, NodeId, Tag};
use crate::link::LinkId;
use crate::message::{
    Mode, RootRef, STATE_DONE, STATE_FROZEN, STATE_HEIR, STATE_UNRESOLVED, STATE_UPSTREAM, State,
};
use crate::time::Time;
use neighbor::mode_bits;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why this node is in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Wishes {
    /// Mode that the user chose for this document; otherwise it follows from the parents.
    pub(crate) chosen: Option<Mode>,
    /// Bookmarked.
    pub(crate) bookmarked: bool,
    /// Written here, and nobody else is known to hold it yet.
    pub(crate) authored: bool,
    /// A parent is subscribed to.
    pub(crate) comment: bool,
}

/// How far this node is in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The user wants it, its bytes have not come yet.
    Joining,
    /// Holds the document.
    Holding,
    /// On the way out.
    Leaving,
}

/// One document's network at this node.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Overlay {
    pub(crate) id: DocumentId,
    /// The author, once the document is here.
    pub(crate) author: NodeId,
    /// The author founded the network.
    pub(crate) founder: bool,
    pub(crate) stage: Stage,
    /// Born with its neighbours from a parent's network (rule *Inherit*): it seeks
    /// more only when it has none left.
    pub(crate) inherited: bool,
    pub(crate) wishes: Wishes,
    /// Own mode, as told to neighbours.
    pub(crate) mode: Mode,
    /// Own root key.
    pub(crate) key: RootKey,
    pub(crate) election: Election,
    pub(crate) neighbors: Vec<Neighbor>,
    /// Upstreams that froze and thawed again and again (rule *Distrust*).
    pub(crate) doubts: Doubts,
    /// Documents that this one comments on (parents, and link documents that
    /// attach it), each with this node's mode there as last known.
    pub(crate) parents: Vec<(Tag, Mode)>,
    /// Documents that it attaches.
    pub(crate) children: Box<[Tag]>,
    pub(crate) comments: Comments,
    /// Its comment set has agreed with a subscribing neighbour's since this node subscribed.
    pub(crate) caught_up: bool,
    /// Neighbours lost to failures, for repair; at most K.
    pub(crate) former: Vec<NodeId>,
    /// Addresses that the user gave.
    pub(crate) doors: Vec<Address>,
    /// Draws taken from this overlay's random stream.
    pub(crate) draws: u32,
    /// It has another root than at its birth: parts of it may exist that do not know
    /// of each other.
    pub(crate) reelected: bool,
    /// Efforts that were given up ([`activity::REFILL`] …) until something changes.
    pub(crate) spent: u8,
    /// What is under way; none when all is quiet.
    pub(crate) activity: Option<Box<Activity>>,
}

impl Overlay {
    /// A network that this node enters, alone at first.
    pub(crate) fn new(id: DocumentId, stage: Stage, key: RootKey, root: Arc<Root>) -> Self {
        Self {
            id,
            author: NodeId([0; 16]),
            founder: false,
            stage,
            inherited: false,
            wishes: Wishes::default(),
            mode: Mode::Hold,
            election: Election::alone(root),
            key,
            neighbors: Vec::new(),
            doubts: Doubts::default(),
            parents: Vec::new(),
            children: Box::default(),
            comments: Comments::default(),
            caught_up: false,
            former: Vec::new(),
            doors: Vec::new(),
            draws: 0,
            reelected: false,
            spent: 0,
            activity: None,
        }
    }

    /// Takes over what the document itself says.
    pub(crate) fn learn(&mut self, document: &Document, tag_of: impl Fn(&DocumentId) -> Tag) {
        self.author = document.author_id();
        self.founder = document.founder();
        for parent in document.parents() {
            self.add_parent(tag_of(parent));
        }
        self.children = document.children().iter().map(tag_of).collect();
    }

    /// The mode in which the author is presumed to be (rule *Inherit*): its document says
    /// whether it gets the comments on it.
    pub(crate) fn authors_mode(&self) -> Mode {
        if self.founder {
            Mode::Follow
        } else {
            Mode::Hold
        }
    }

    /// Notes that this document is a comment of another; true if that is new.
    pub(crate) fn add_parent(&mut self, parent: Tag) -> bool {
        let new = !self.parents.iter().any(|(tag, _)| *tag == parent)
            && self.parents.len() < 4 * crate::config::MAX_RELATIVES;
        if new {
            self.parents.push((parent, Mode::Hold));
        }
        new
    }

    /// Stays, though it was on its way out.
    pub(crate) fn come_back(&mut self) {
        self.stage = Stage::Holding;
        self.activity = None;
    }

    pub(crate) fn holds(&self) -> bool {
        self.stage != Stage::Joining
    }

    /// In the network, and not on its way out.
    pub(crate) fn active(&self) -> bool {
        self.stage == Stage::Holding
    }

    /// This node gets every comment.
    pub(crate) fn subscribes(&self) -> bool {
        self.active() && self.mode.subscribes()
    }

    /// Somebody here wants the document.
    pub(crate) fn wanted(&self) -> bool {
        let wishes = &self.wishes;
        self.mode.subscribes() || wishes.bookmarked || wishes.authored || wishes.comment
    }

    /// A comment that nobody else may have: its author has not handed it over, or has it for
    /// itself again.
    pub(crate) fn to_offer(&self, own: NodeId) -> bool {
        let again = self.author == own && self.neighbors.is_empty() && !self.parents.is_empty();
        self.wishes.authored || (again && self.active())
    }

    pub(crate) fn neighbor(&self, link: LinkId) -> Option<&Neighbor> {
        self.neighbors.iter().find(|n| n.link == link)
    }

    pub(crate) fn neighbor_mut(&mut self, link: LinkId) -> Option<&mut Neighbor> {
        self.neighbors.iter_mut().find(|n| n.link == link)
    }

    /// Takes a neighbour out; true if it was one.
    pub(crate) fn remove(&mut self, link: LinkId) -> bool {
        let before = self.neighbors.len();
        self.neighbors.retain(|n| n.link != link);
        before != self.neighbors.len()
    }

    /// A neighbour is gone, and this node is overlay root, not by birth and with nobody below it
    /// that it knows of: heirs that told nothing may have another root, and are told ours (rule
    /// *Tell*).
    pub(crate) fn call_heirs(&mut self) {
        let presumed = self.election.root.key.is_of_birth();
        let below = self.neighbors.iter().any(Neighbor::downstream);
        if self.election.is_root() && !presumed && !below {
            let silent = self.neighbors.iter_mut().filter(|n| n.root.is_none());
            silent.for_each(|n| n.sent = 0);
        }
    }

    /// Neighbours plus places promised to peers that were asked.
    pub(crate) fn degree(&self) -> usize {
        self.neighbors.len()
    }

    /// Places taken or promised.
    pub(crate) fn reserved(&self) -> usize {
        self.neighbors.len() + self.activity.as_ref().map_or(0, |a| a.opens.len())
    }

    /// Neighbours that are in the network by us alone, as far as we know: those below us, and
    /// newcomers that have told nothing yet but that they are alone.
    pub(crate) fn dependents(&self) -> impl Iterator<Item = &Neighbor> {
        self.neighbors
            .iter()
            .filter(|n| n.downstream() || n.is_newcomer())
    }

    /// Neighbours that can be spoken to.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Neighbor> {
        self.neighbors.iter().filter(|n| !n.absent)
    }

    /// Neighbours that subscribe and can be spoken to.
    pub(crate) fn subscribers(&self) -> impl Iterator<Item = &Neighbor> {
        self.present().filter(|n| n.mode.subscribes())
    }

    /// A neighbour on the tree: upstream or downstream.
    pub(crate) fn on_tree(&self, neighbor: &Neighbor) -> bool {
        neighbor.downstream() || self.election.upstream == Some(neighbor.link)
    }

    /// It may be let go without harm: it is off the tree, and not because its tree is another
    /// one still.
    pub(crate) fn spares(&self, neighbor: &Neighbor) -> bool {
        let root = neighbor.root.as_ref();
        !self.on_tree(neighbor) && root.is_none_or(|root| *root == self.election.root)
    }

    /// It has no neighbour, and so nobody knows of its root.
    pub(crate) fn is_alone(&self) -> bool {
        self.neighbors.is_empty() && !self.election.root.key.is_of_birth()
    }

    /// Only the author begins a line with the rank of the birth.
    pub(crate) fn allows_line(&self, key: RootKey) -> bool {
        let born = RootKey::of_birth(self.author, self.founder);
        !key.rank.of_birth() || (key.rank, key.line) == (born.rank, born.line)
    }

    /// True if a state names our overlay root.
    pub(crate) fn has_root(&self, root: &RootRef) -> bool {
        let own = &self.election.root;
        match root {
            RootRef::Author => own.key.is_of_birth(),
            RootRef::Known(short) => own.short == *short,
            RootRef::Full(claim) => own.claim.as_ref() == Some(&**claim),
            RootRef::Alone => false,
        }
    }

    /// There may be parts of this network that do not know of each other: its overlay
    /// root is not the first, or this node is alone.
    pub(crate) fn may_be_apart(&self) -> bool {
        let first = self.election.root.key.is_of_birth() && !self.reelected;
        self.active() && (!first || self.neighbors.is_empty())
    }

    /// True if a neighbour could be taken in without cutting the tree.
    pub(crate) fn can_take(&self, max_peers: usize) -> bool {
        self.neighbors.len() < max_peers || self.neighbors.iter().any(|n| self.spares(n))
    }

    /// What is under way, made if nothing was.
    pub(crate) fn activity(&mut self) -> &mut Activity {
        self.activity.get_or_insert_with(Box::default)
    }

    /// A root whose key got worse asks a neighbour below to succeed it; without one it resigns.
    fn abdicate(&mut self) {
        if self.election.frozen() {
            return self.election.resign();
        }
        let old = self.election.root.key;
        let outbids = |n: &Neighbor| n.root.as_ref().is_some_and(|root| root.key > old);
        if self.neighbors.iter().any(|n| !n.frozen() && outbids(n)) {
            // The heir has acted, or another root is known: rule *Join* does the rest.
            return;
        }
        let needs_subscriber = old.rank.subscribes();
        let fits = |n: &&Neighbor| {
            n.downstream() && !n.frozen() && (n.mode.subscribes() || !needs_subscriber)
        };
        let mut fit = self.neighbors.iter().filter(fits);
        let asked = self.election.heir;
        let stays = asked.filter(|link| fit.clone().any(|n| n.link == *link));
        self.election.heir = stays.or_else(|| fit.next().map(|n| n.link));
        if self.election.heir.is_none() {
            self.election.resign();
        }
    }

    /// Rule *Patience*: a freeze, or waiting for an heir, ends one way or the other.
    pub(crate) fn lose_patience(&mut self, (now, patience): (Time, std::time::Duration)) {
        if !self.election.frozen() && self.election.heir.is_none() {
            if let Some(activity) = &mut self.activity {
                activity.frozen_until = None;
            }
            return;
        }
        match self.activity().frozen_until {
            None => self.activity().frozen_until = Some(now + patience),
            Some(until) if until <= now => {
                self.activity().frozen_until = None;
                if self.election.heir.is_some() {
                    self.election.resign();
                } else {
                    // Done below: the upstream alone keeps us.
                    let to_blame = self.election.upstream.filter(|_| self.election.done());
                    let label = (self.election.root.key, self.election.distance);
                    if let Some(link) = to_blame {
                        self.doubts
                            .froze((now, patience), link, label, doubts::GIVEN_UP);
                    }
                    self.election.give_up();
                }
            }
            Some(_) => {}
        }
    }

    /// Applies the rules of the election to its end. With `roomy` places a follower prefers
    /// followers above it (rule *Join*). `patience` is that of rule *Distrust*.
    pub(crate) fn settle(
        &mut self,
        (now, patience): (Time, std::time::Duration),
        roomy: bool,
        claim: &dyn Fn(&DocumentId, RootKey) -> Arc<Root>,
    ) {
        if election::must_resign(&self.election, self.key) {
            self.abdicate();
        }
        let (was, label) = self.standing();
        let claim = || claim(&self.id, self.key);
        let own = Own {
            key: self.key,
            mode: if roomy {
                self.mode
            } else {
                self.mode.min(Mode::Subscribe)
            },
            stays: self.inherited,
            barred: &|link, root| self.doubts.bar(now, link, root),
            claim: &claim,
        };
        let mode = self.mode;
        self.election.settle(&own, &self.neighbors, |election, n| {
            n.flight == 0 && n.sent == mark(election, mode, n.link, false)
        });
        // A newborn overlay saves the signature until it stays its own root.
        if self.election.root.key == self.key
            && self.election.root.claim.is_none()
            && !self.key.is_of_birth()
        {
            self.election.root = claim();
        }
        if let (Some(link), true) = (was, self.election.frozen())
            && self.neighbor(link).is_some()
        {
            self.doubts.froze((now, patience), link, label, 1);
        }
        let distrusts = self.doubts.next(now);
        if distrusts.is_some() || self.activity.is_some() {
            self.activity().distrusts = distrusts;
        }
    }

    /// The upstream of a label that holds, and the label.
    fn standing(&self) -> (Option<LinkId>, (RootKey, u16)) {
        let election = &self.election;
        let upstream = election.upstream.filter(|_| !election.frozen());
        (upstream, (election.root.key, election.distance))
    }

    /// True if this neighbour has not been told the present state and nothing is in flight to it.
    /// A silent neighbour is told only once there is something that it cannot know.
    pub(crate) fn owes(&self, neighbor: &Neighbor) -> bool {
        let mark = self.mark_for(neighbor.link);
        let moved = (mark ^ neighbor.sent) & MARK_UPSTREAM != 0;
        let free = neighbor.flight == 0 || (moved && neighbor.flight != QUEUED);
        let news = neighbor.sent != mark && !self.leaves_unsaid(neighbor, mark);
        let calls = neighbor.frozen() && neighbor.flags & neighbor::TOLD == 0;
        free && !neighbor.absent && (news || calls) && self.stage != Stage::Joining
    }

    /// An heir that was never told our label needs it only when it freezes: until then it has
    /// an upstream (rule *Tell*).
    fn leaves_unsaid(&self, neighbor: &Neighbor, mark: u64) -> bool {
        let known = neighbor.sent != 0 && (mark ^ neighbor.sent) & !MARK_DISTANCE == 0;
        known && neighbor.flags & neighbor::TOLD == 0 && !self.presses(neighbor)
    }

    /// What this neighbour is owed cannot wait: it is on the tree, may be in need of an
    /// upstream, knows another overlay root, asked, or would send us what we gave up (rule *Tell*).
    pub(crate) fn presses(&self, neighbor: &Neighbor) -> bool {
        let mark = self.mark_for(neighbor.link);
        let root = neighbor.root.as_ref();
        let gives_up = neighbor.sent & MARK_MODE > mark & MARK_MODE;
        neighbor.sent == 0
            || gives_up
            || (mark ^ neighbor.sent) & MARK_UPSTREAM != 0
            || self.on_tree(neighbor)
            || self.election.frozen()
            || self.election.heir.is_some()
            || neighbor.frozen()
            || neighbor.is_newcomer()
            || root.is_some_and(|root| *root != self.election.root)
            || self.stage != Stage::Holding
    }

    /// State for a neighbour.
    pub(crate) fn state_for(&self, link: LinkId, shown: [u8; 4], unresolved: bool) -> State {
        let root = &self.election.root;
        let root = match &root.claim {
            _ if self.is_alone() => RootRef::Alone,
            None => RootRef::Author,
            Some(_) if shown == root.short => RootRef::Known(shown),
            Some(claim) => RootRef::Full(Box::new(claim.clone())),
        };
        let asks = if unresolved { STATE_UNRESOLVED } else { 0 };
        let flags = flags_for(&self.election, self.mode, link, true) | asks;
        State {
            flags,
            distance: self.election.distance,
            root,
        }
    }

    /// What a neighbour should hold for our state, in one number; 0 if it was never told
    /// (rule *Remember*).
    pub(crate) fn told(&self, neighbor: &Neighbor) -> u64 {
        if neighbor.flags & neighbor::TOLD == 0 {
            return 0;
        }
        self.mark_for(neighbor.link) & !u64::from(STATE_HEIR)
    }

    /// The neighbour was told all of our state but our label, which may be another by now.
    pub(crate) fn knows_mode(&self, neighbor: &Neighbor) -> bool {
        neighbor.sent != 0 && (self.mark_for(neighbor.link) ^ neighbor.sent) & 0xff == 0
    }

    /// Mark of the present state for a neighbour.
    pub(crate) fn mark_for(&self, link: LinkId) -> u64 {
        mark(&self.election, self.mode, link, true)
    }
}

fn flags_for(election: &Election, mode: Mode, link: LinkId, with_done: bool) -> u8 {
    let upstream = election.upstream == Some(link);
    let mut flags = mode_bits(mode);
    if election.frozen() {
        flags |= STATE_FROZEN;
    }
    if upstream {
        flags |= STATE_UPSTREAM;
    }
    if election.heir == Some(link) {
        flags |= STATE_HEIR;
    }
    if with_done && upstream && election.done() {
        flags |= STATE_DONE;
    }
    flags
}

/// The state for a neighbour in one number ([`neighbor::word`]).
fn mark(election: &Election, mode: Mode, link: LinkId, with_done: bool) -> u64 {
    let flags = flags_for(election, mode, link, with_done);
    neighbor::word(flags, election.distance, election.root.short)
}

/// Bit of a mark: the neighbour is our upstream. A change of it is told at once, even
/// if an older state is in flight, since an upstream must not take a freeze for done
/// while somebody below it is on the way to say so (rule *Done*).
const MARK_UPSTREAM: u64 = STATE_UPSTREAM as u64;
/// Bits of a mark: the mode. Who gives a document up says so at once: comments are nothing for it
/// any more.
const MARK_MODE: u64 = 3;
/// Bits of a mark: the distance.
const MARK_DISTANCE: u64 = 0xffff << 8;
