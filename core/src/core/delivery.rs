//! Documents on their way: publishing, eager push along the tree, answering
//! requests, admission, and the birth of a comment's own network
//! (PROTOCOL.md, *Push*, *Inherit*, *Hand over*).

use super::Core;
use super::import::ImportWish;
use super::records::Parked;
use crate::deadline::Alarm;
use crate::document::Document;
use crate::effect::{CommandError, Effect, Notification};
use crate::id::{DocumentId, NodeId, RequestId, Tag};
use crate::input::Admission;
use crate::link::{LinkId, QueuedBody};
use crate::message::{
    CloseReason, Frame, Message, Mode, Packet, Purpose, Push, Rank, STATE_ASSUMED, STATE_UPSTREAM,
    State,
};
use crate::overlay::neighbor::{PRESUMED, TOLD};
use crate::overlay::{Neighbor, Overlay, QUEUED, Root, RootKey, Stage};
use crate::time::Time;
use crate::violation::Violation;
use std::collections::{BTreeMap, VecDeque};

/// Comments kept that came too early, and the largest kept. More are found missing
/// by the next comparison of sets.
const MAX_EARLY: usize = 256;
const MAX_EARLY_BYTES: usize = 16 * 1024;
/// Documents read from the store at once for one link.
const LOADS: usize = 16;

/// Where a document that is being admitted came from.
#[derive(Clone, Debug, Hash)]
enum Origin {
    /// A user here wrote it.
    Local(RequestId, Mode),
    /// A user has it from elsewhere.
    Imported(RequestId, ImportWish),
    /// A peer pushed it along this document's network.
    Remote { via: Tag, fresh: bool },
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Pending {
    pub(super) document: Document,
    origin: Origin,
    /// Who offered it, and the state that each told with it.
    pub(super) offers: Vec<(LinkId, u32, Option<State>)>,
}

/// Documents between arrival and admission, and between request and load.
#[derive(Clone, Debug, Hash, Default)]
pub(super) struct Delivery {
    pending: BTreeMap<DocumentId, Pending>,
    pending_bytes: usize,
    loads: BTreeMap<DocumentId, Vec<(LinkId, QueuedBody)>>,
    /// Comments that came before the document on which they comment.
    early: VecDeque<(LinkId, u32, Push)>,
    /// States for documents that are not here (yet).
    early_states: VecDeque<EarlyState>,
}

#[derive(Clone, Debug, Hash)]
struct EarlyState {
    at: Time,
    tag: Tag,
    link: LinkId,
    frame: u32,
    state: State,
}

impl Delivery {
    /// Bytes of documents that wait for admission.
    pub(super) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// The link's frames will be counted anew: what waits is older than all of them.
    pub(super) fn restart_frames(&mut self, link: LinkId) {
        let early = self.early.iter_mut().map(|(from, frame, _)| (*from, frame));
        let states = self.early_states.iter_mut().map(|e| (e.link, &mut e.frame));
        let offers = self
            .pending
            .values_mut()
            .flat_map(|pending| &mut pending.offers);
        let offers = offers.map(|(from, frame, _)| (*from, frame));
        for (from, frame) in early.chain(states).chain(offers) {
            *frame = if from == link { 0 } else { *frame };
        }
    }

    /// Nothing is read for this link any more; gives the networks of what was.
    pub(super) fn stop_loads(&mut self, link: LinkId) -> Vec<Tag> {
        let mut vias = Vec::new();
        for bodies in self.loads.values_mut() {
            bodies.retain(|(to, body)| {
                if *to == link {
                    vias.push(body.via);
                }
                *to != link
            });
        }
        vias
    }

    fn insert(&mut self, pending: Pending) {
        self.pending_bytes += pending.document.bytes().len();
        self.pending.insert(pending.document.id(), pending);
    }

    fn remove(&mut self, id: &DocumentId) -> Option<Pending> {
        let pending = self.pending.remove(id)?;
        self.pending_bytes -= pending.document.bytes().len();
        Some(pending)
    }

    /// True if a comment of the document, or a document over it, waits for admission.
    pub(super) fn concerns(&self, id: &DocumentId) -> bool {
        self.pending.values().any(|pending| {
            let document = &pending.document;
            document.parents().contains(id) || document.children().contains(id)
        })
    }

    /// True if a document with this tag waits for admission.
    pub(super) fn awaits(&self, tag: Tag) -> bool {
        self.pending
            .values()
            .any(|pending| pending.document.tag() == tag)
    }
}

impl Core {
    /// A user's new document goes to be stored.
    pub(super) fn admit_own(&mut self, request: RequestId, document: Document, mode: Mode) {
        self.delivery.insert(Pending {
            document: document.clone(),
            origin: Origin::Local(request, mode),
            offers: Vec::new(),
        });
        self.effects.push(Effect::Admit(document));
    }

    /// A document that a user has from elsewhere goes to be verified and stored.
    pub(super) fn admit_import(
        &mut self,
        request: RequestId,
        document: &Document,
        wish: ImportWish,
    ) {
        self.delivery.insert(Pending {
            document: document.clone(),
            origin: Origin::Imported(request, wish),
            offers: Vec::new(),
        });
        self.effects.push(Effect::Admit(document.clone()));
    }

    /// A document came in.
    pub(super) fn on_push(&mut self, link: LinkId, frame: u32, push: Push) {
        self.counters.bodies += 1;
        let Ok(document) = Document::parse(push.document.clone(), &*self.suite) else {
            self.violation(link, Violation::BadDocument);
            return;
        };
        let tag = document.tag();
        if self.keep_early(link, frame, &push) {
            return;
        }
        if !self.expects(link, push.via, &document) {
            self.decline(link, &push);
            return;
        }
        if self
            .overlays
            .get(&tag)
            .is_some_and(|overlay| overlay.stage != Stage::Joining)
        {
            self.on_duplicate(link, frame, tag, &push);
        } else if let Some(pending) = self.delivery.pending.get_mut(&document.id()) {
            self.counters.duplicates += 1;
            pending.offers.push((link, frame, push.edge));
        } else if self.knows_cold(push.via, tag) {
            self.park(
                tag,
                Parked::Message(link, frame, Box::new(Message::Push(Box::new(push)))),
            );
        } else {
            self.admit(link, frame, push, document);
        }
    }

    /// A push that is not taken in: its sender must not count on us in the
    /// document's own network.
    fn decline(&mut self, link: LinkId, push: &Push) {
        if push.edge.is_some() {
            let tag = self.suite.tag(&self.suite.document_id(&push.document));
            if self
                .overlays
                .get(&tag)
                .is_none_or(|overlay| overlay.neighbor(link).is_none())
            {
                self.say(link, Message::Close(tag, CloseReason::Surplus));
                self.doubt(link);
            }
        }
    }

    /// Keeps a comment whose document is not here yet: frames may overtake each
    /// other, and admission takes time.
    fn keep_early(&mut self, link: LinkId, frame: u32, push: &Push) -> bool {
        let early = push.fresh
            && !self.overlays.contains_key(&push.via)
            && push.document.len() <= MAX_EARLY_BYTES;
        if early {
            let full = self.delivery.early.len() >= MAX_EARLY;
            if let Some((late, _, dropped)) = if full {
                self.delivery.early.pop_front()
            } else {
                None
            } {
                self.decline(late, &dropped);
            }
            self.delivery.early.push_back((link, frame, push.clone()));
        }
        early
    }

    /// Keeps a state for a document that is not here: it may be on its way. If it
    /// does not come soon, the sender is told.
    pub(super) fn keep_early_state(&mut self, link: LinkId, frame: u32, tag: Tag, state: &State) {
        let states = &mut self.delivery.early_states;
        let full = states.len() >= MAX_EARLY;
        let late = if full { states.pop_front() } else { None };
        states.push_back(EarlyState {
            at: self.now,
            tag,
            link,
            frame,
            state: state.clone(),
        });
        if let Some(late) = late.filter(|late| !self.is_neighbor(late.tag, late.link)) {
            self.say(late.link, Message::Close(late.tag, CloseReason::Unknown));
        }
        self.deadlines
            .advance(Alarm::Node, self.now + self.config.request_timeout);
    }

    /// Tells those whose states were about documents that did not come.
    pub(super) fn refuse_early_states(&mut self) {
        let patience = self.config.request_timeout;
        while self
            .delivery
            .early_states
            .front()
            .is_some_and(|early| early.at + patience <= self.now)
        {
            let Some(late) = self.delivery.early_states.pop_front() else {
                return;
            };
            if !self.is_neighbor(late.tag, late.link) {
                self.say(late.link, Message::Close(late.tag, CloseReason::Unknown));
            }
        }
        if let Some(early) = self.delivery.early_states.front() {
            self.deadlines.advance(Alarm::Node, early.at + patience);
        }
    }

    fn replay_early_states(&mut self, tag: Tag) {
        if self
            .delivery
            .early_states
            .iter()
            .all(|early| early.tag != tag)
        {
            return;
        }
        let early = std::mem::take(&mut self.delivery.early_states);
        let (ready, rest): (VecDeque<_>, VecDeque<_>) =
            early.into_iter().partition(|early| early.tag == tag);
        self.delivery.early_states = rest;
        ready
            .into_iter()
            .for_each(|early| self.on_state(early.link, early.frame, tag, &early.state));
    }

    /// A document is here: comments that came before it are looked at again.
    pub(super) fn replay_early(&mut self, tag: Tag) {
        self.replay_early_states(tag);
        if self
            .delivery
            .early
            .iter()
            .all(|(_, _, push)| push.via != tag)
        {
            return;
        }
        let early = std::mem::take(&mut self.delivery.early);
        let (ready, rest): (VecDeque<_>, VecDeque<_>) =
            early.into_iter().partition(|(_, _, push)| push.via == tag);
        self.delivery.early = rest;
        ready
            .into_iter()
            .for_each(|(link, frame, push)| self.on_push(link, frame, push));
    }

    fn admit(&mut self, link: LinkId, frame: u32, push: Push, document: Document) {
        let twice = self.config.admission_window * 2;
        if self.delivery.pending_bytes + document.bytes().len() > twice
            || self.overlays.len() >= self.config.max_documents
        {
            self.violation(link, Violation::Flood);
            return;
        }
        let origin = Origin::Remote {
            via: push.via,
            fresh: push.fresh,
        };
        self.delivery.insert(Pending {
            document: document.clone(),
            origin,
            offers: vec![(link, frame, push.edge)],
        });
        self.effects.push(Effect::Admit(document));
    }

    /// True if a document may come this way: from a neighbour in a network whose
    /// comments we want, or from its author, as a comment there; or because we asked for it.
    fn expects(&mut self, link: LinkId, via: Tag, document: &Document) -> bool {
        let Some(overlay) = self.overlays.get(&via) else {
            return false;
        };
        if via == document.tag() {
            return overlay.id == document.id();
        }
        let asked = overlay
            .activity
            .as_ref()
            .is_some_and(|a| a.wants.asked_from(link, document.tag()));
        let neighbor = overlay.neighbor(link).is_some();
        let comment =
            document.parents().contains(&overlay.id) || overlay.children.contains(&document.tag());
        if neighbor && !comment {
            self.violation(link, Violation::Unsolicited);
            return false;
        }
        // Who wrote it shows by it that it knows our document's id (rule *Hand over*).
        let node = self.links.get(&link).map(|link| link.node);
        let wrote = Some(document.author_id()) == node;
        comment && (neighbor || asked || wrote) && overlay.subscribes()
    }

    /// The body was here already: only the sender's state counts.
    fn on_duplicate(&mut self, link: LinkId, frame: u32, tag: Tag, push: &Push) {
        self.counters.duplicates += 1;
        self.add_comment(push.via, tag);
        self.arrived(push.via, tag, link);
        let Some(state) = &push.edge else { return };
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        if overlay.neighbor(link).is_some() {
            self.take_state(link, frame, tag, state, true);
        } else if overlay.active() && overlay.degree() < self.config.max_peers {
            self.accept(link, frame, tag, state);
        } else {
            self.say(link, Message::Close(tag, CloseReason::Full));
        }
    }

    /// The runner has verified and stored a document, or could not.
    pub(super) fn on_admitted(&mut self, id: DocumentId, admission: Admission) {
        let Some(pending) = self.delivery.remove(&id) else {
            return;
        };
        self.tell_credit();
        let id_tag = self.suite.tag(&id);
        match (admission, pending.origin.clone()) {
            (Admission::Stored, Origin::Local(request, mode)) => {
                self.publish(&pending.document, request, mode)
            }
            (Admission::Stored, Origin::Remote { via, fresh }) => self.enter(&pending, via, fresh),
            (Admission::Stored, Origin::Imported(request, wish)) => {
                self.enter_import(&pending.document, request, wish);
                self.meet_offers(&pending);
            }
            (Admission::Forged, Origin::Imported(request, _)) => {
                self.refuse_import(request, pending);
            }
            (_, Origin::Local(request, _) | Origin::Imported(request, _)) => {
                self.notify(Notification::Failed(request, CommandError::Storage));
            }
            (Admission::Forged, Origin::Remote { .. }) => {
                for (link, _, _) in pending.offers {
                    self.violation(link, Violation::ForgedDocument);
                }
            }
            (Admission::Failed, Origin::Remote { .. }) => {
                let told = pending
                    .offers
                    .iter()
                    .filter(|(_, _, state)| state.is_some());
                let links: Vec<LinkId> = told.map(|(link, ..)| *link).collect();
                for link in links {
                    self.say(link, Message::Close(id_tag, CloseReason::Unknown));
                }
            }
        }
    }

    /// Own new document: found its network and push it.
    fn publish(&mut self, document: &Document, request: RequestId, mode: Mode) {
        let tag = document.tag();
        let mut overlay = self.newborn(document);
        overlay.wishes.chosen = Some(mode);
        overlay.wishes.authored = true;
        overlay.mode = mode;
        overlay.key = RootKey::of_birth(self.id, document.founder());
        overlay.election.root = self.claim(&overlay.id, overlay.key);
        overlay.inherited = !document.parents().is_empty();
        self.overlays.insert(tag, overlay);
        self.attach(tag, document);
        self.recompute(tag);
        self.inherit_neighbors(tag, None);
        self.unsaved(tag);
        // A node that is stopping leaves at once, but the document stays its user's.
        self.save_records();
        self.notify(Notification::Done(request, Some(document.id())));
        self.notify(Notification::Arrived {
            document: document.id(),
            mode,
            hidden: false,
        });
        self.spread(document, &[]);
        self.touch(tag);
    }

    /// A document from a peer enters: its network is born here.
    fn enter(&mut self, pending: &Pending, via: Tag, fresh: bool) {
        let document = &pending.document;
        let tag = document.tag();
        let joined = self.overlays.contains_key(&tag);
        if joined {
            self.complete_join(tag, document);
        } else {
            let overlay = self.newborn(document);
            self.overlays.insert(tag, overlay);
        }
        if via != tag
            && let Some(overlay) = self.overlays.get_mut(&tag)
        {
            overlay.inherited = !joined;
            overlay.add_parent(via);
        }
        self.attach(tag, document);
        self.recompute(tag);
        self.take_offers(tag, via, fresh, &pending.offers);
        self.unsaved(tag);
        let mode = self
            .overlays
            .get(&tag)
            .map_or(Mode::Hold, |overlay| overlay.mode);
        let hidden = self.blocked_authors.contains(&document.author_id());
        self.notify(Notification::Arrived {
            document: document.id(),
            mode,
            hidden,
        });
        let from: Vec<LinkId> = pending.offers.iter().map(|(link, _, _)| *link).collect();
        if fresh {
            self.spread(document, &from);
        }
        for (link, _, _) in &pending.offers {
            self.arrived(via, tag, *link);
        }
        if !fresh {
            self.announce_astray(via);
            self.after_pull(via, tag, document.created());
            if self.overlays.get(&tag).is_some_and(Overlay::subscribes) {
                self.tell_digest_to_subscribers(tag);
            }
        }
        self.touch(tag);
        self.replay_early(tag);
        if joined {
            self.replay_parked(tag);
        }
    }

    pub(super) fn newborn(&mut self, document: &Document) -> Overlay {
        let key = self.own_key(Rank::Holder);
        let root = Root::new(key, None, &*self.suite);
        let mut overlay = Overlay::new(document.id(), Stage::Holding, key, root);
        overlay.learn(document, |id| self.suite.tag(id));
        overlay
    }

    pub(super) fn complete_join(&mut self, tag: Tag, document: &Document) {
        let first_probe = self.now + self.config.probe_interval;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        overlay.activity().probe.next = Some(first_probe);
        overlay.stage = Stage::Holding;
        overlay.learn(document, |id| self.suite.tag(id));
        if let Some(activity) = &mut overlay.activity {
            activity.knock = Default::default();
        }
    }

    /// Ties a document to those it comments on and those it attaches.
    pub(super) fn attach(&mut self, tag: Tag, document: &Document) {
        let parents: Vec<Tag> = self.overlays.get(&tag).map_or(Vec::new(), |o| {
            o.parents.iter().map(|(parent, _)| *parent).collect()
        });
        for parent in parents {
            self.add_comment(parent, tag);
        }
        for child in document.children() {
            let child = self.suite.tag(child);
            if self.overlays.contains_key(&child) {
                self.add_comment(tag, child);
                self.recompute(child);
            }
        }
    }

    /// A comment is new to a network.
    pub(super) fn add_comment(&mut self, parent: Tag, comment: Tag) {
        if self.note_comment(parent, comment) {
            self.lose_absent(parent);
        }
        let leaves = |overlay: &Overlay| overlay.stage == Stage::Leaving;
        if self.overlays.get(&comment).is_some_and(leaves) {
            // It came back, or its parent was subscribed to again, before it was gone.
            self.recompute(comment);
        }
    }

    /// Notes a comment in the set of the document that it comments on.
    pub(super) fn note_comment(&mut self, parent: Tag, comment: Tag) -> bool {
        if parent == comment {
            return false;
        }
        let lazy = self.lazy_time(parent);
        let Some(overlay) = self.overlays.get_mut(&parent) else {
            return false;
        };
        if overlay.comments.tags().len() >= self.config.max_comments
            || !overlay.comments.insert(comment)
        {
            return false;
        }
        let mode = overlay.mode;
        let attaches = !overlay.children.is_empty();
        let elsewhere = overlay
            .subscribers()
            .any(|n| attaches || !overlay.on_tree(n));
        if overlay.subscribes() && elsewhere {
            let activity = overlay.activity();
            activity.lazy = Some(lazy);
            activity.agreed.clear();
        }
        let child = self.overlays.get_mut(&comment);
        let fresh = child.is_some_and(|child| {
            let fresh = child.add_parent(parent);
            if let Some(entry) = child.parents.iter_mut().find(|(tag, _)| *tag == parent) {
                entry.1 = mode;
            }
            fresh
        });
        if fresh {
            // A document here attached it: its own record does not say so yet.
            self.unsaved(comment);
        }
        self.touch(parent);
        true
    }

    /// First neighbours of a network that is born here: those who offered the
    /// document, and for a fresh one all that get it as we do.
    fn take_offers(
        &mut self,
        tag: Tag,
        via: Tag,
        fresh: bool,
        offers: &[(LinkId, u32, Option<State>)],
    ) {
        for (link, frame, state) in offers {
            let Some(state) = state else { continue };
            let room = self
                .overlays
                .get(&tag)
                .is_some_and(|o| o.degree() < self.config.max_peers);
            if room {
                self.accept(*link, *frame, tag, state);
            } else {
                self.say(*link, Message::Close(tag, CloseReason::Full));
            }
        }
        if fresh {
            self.inherit_neighbors(tag, Some(via));
        } else {
            self.doubt_heirs(tag, via);
        }
        if !fresh && self.degree(tag).is_some_and(|(degree, _)| degree == 0) {
            // Whoever gave it had no room; it knows where some is.
            let givers = offers.iter().filter_map(|(link, ..)| self.links.get(link));
            let givers: Vec<NodeId> = givers.map(|link| link.node).collect();
            for giver in givers {
                self.try_open(tag, giver, Purpose::Neighbor, None);
            }
        }
        self.settle_birth(tag, via, offers);
    }

    /// Rule *Inherit*: whoever subscribes to a parent gets the comment too and will
    /// be a neighbour in its network; nobody needs to say so.
    fn inherit_neighbors(&mut self, tag: Tag, via: Option<Tag>) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let young = self
            .seconds()
            .saturating_sub(u32::try_from(self.config.request_timeout.as_secs()).unwrap_or(0));
        let author = self.link_of(overlay.author);
        let mut heirs: Vec<(LinkId, Mode, bool)> = Vec::new();
        for (from, _) in &overlay.parents {
            let chosen = via.is_none_or(|via| via == *from);
            let Some(parent) = self.overlays.get(from).filter(|_| chosen) else {
                continue;
            };
            let fresh = parent
                .subscribers()
                .filter(|n| overlay.neighbor(n.link).is_none());
            let mode = |n: &Neighbor| match author {
                Some(author) if author == n.link => overlay.authors_mode(),
                _ => n.mode.inherited(),
            };
            heirs.extend(fresh.map(|n| (n.link, mode(n), n.since < young)));
        }
        for (link, mode, settled) in heirs {
            let Some(overlay) = self.overlays.get(&tag) else {
                return;
            };
            if overlay.neighbor(link).is_some() {
                continue;
            }
            if overlay.degree() >= self.config.max_peers {
                // It may count on us all the same.
                self.say(link, Message::Close(tag, CloseReason::Full));
            } else {
                let mut heir = Neighbor::silent(link, mode);
                // What rests on a young relation may not be known on the other side.
                heir.flags = if settled { PRESUMED } else { 0 };
                self.add_neighbor(tag, heir);
            }
        }
    }

    /// A comment came late: those who got it in time may count on us in its network (rule
    /// *Inherit*), which both ends find out by an audit.
    fn doubt_heirs(&mut self, tag: Tag, via: Tag) {
        let (Some(overlay), Some(parent)) = (self.overlays.get(&tag), self.overlays.get(&via))
        else {
            return;
        };
        let others = parent.subscribers().map(|n| n.link);
        let others: Vec<LinkId> = others.filter(|l| overlay.neighbor(*l).is_none()).collect();
        others.into_iter().for_each(|link| self.doubt(link));
    }

    /// Applies the election at birth. Whoever pushed the document knows what follows
    /// for us from its state, and those who said nothing need nothing: so neither is told.
    fn settle_birth(&mut self, tag: Tag, via: Tag, offers: &[(LinkId, u32, Option<State>)]) {
        self.settle_only(tag);
        let expected = self
            .overlays
            .get(&via)
            .map_or(Mode::Hold, |parent| parent.mode.inherited());
        let told = self.told_of(via);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let plain = overlay.mode == expected && !overlay.election.frozen();
        let upstream = overlay.election.upstream;
        for at in 0..overlay.neighbors.len() {
            let link = overlay.neighbors[at].link;
            let offer = offers.iter().find(|(offer, _, _)| *offer == link);
            let offered = offer.is_some();
            let assumed = offer.is_some_and(|(_, _, state)| {
                state.as_ref().is_some_and(|s| s.flags & STATE_ASSUMED != 0)
            });
            let knows = if offered {
                assumed && upstream == Some(link)
            } else {
                overlay.neighbors[at].presumed()
            };
            let knows = knows && (via == tag || told.contains(&link));
            if plain && knows && !overlay.neighbors[at].unresolved() {
                let mark = overlay.mark_for(link);
                let short = overlay.election.root.short;
                overlay.neighbors[at].sent = mark;
                if offered {
                    overlay.neighbors[at].shown = short;
                    overlay.neighbors[at].flags |= TOLD;
                }
            }
        }
    }

    /// Neighbours that know our state: there is nothing new that they may not have heard yet.
    fn told_of(&self, tag: Tag) -> Vec<LinkId> {
        let Some(overlay) = self.overlays.get(&tag) else {
            return Vec::new();
        };
        let told = |n: &&Neighbor| n.flight == 0 && overlay.knows_mode(n);
        overlay
            .neighbors
            .iter()
            .filter(told)
            .map(|n| n.link)
            .collect()
    }

    /// Pushes a document along the trees of all networks that it belongs to.
    fn spread(&mut self, document: &Document, from: &[LinkId]) {
        let tag = document.tag();
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let parents: Vec<Tag> = overlay.parents.iter().map(|(parent, _)| *parent).collect();
        // The author's marks toward silent heirs, who presume its mode.
        let own = overlay.author == self.id;
        let plain = !own || overlay.mode == overlay.authors_mode();
        let heirs = overlay.neighbors.iter().filter(|n| plain && n.presumed());
        let silent: Vec<LinkId> = heirs.map(|n| n.link).collect();
        for link in silent {
            let Some(overlay) = self.overlays.get_mut(&tag) else {
                return;
            };
            let mark = overlay.mark_for(link);
            if let Some(neighbor) = overlay.neighbor_mut(link) {
                neighbor.sent = mark;
            }
        }
        let mut reached = from.to_vec();
        for via in parents {
            for link in self.eager_targets(via) {
                if !reached.contains(&link) {
                    reached.push(link);
                    self.offer(
                        link,
                        QueuedBody {
                            via,
                            document: tag,
                            fresh: true,
                        },
                        Some(document),
                    );
                }
            }
        }
    }

    /// Neighbours to which a comment is pushed at once: subscribers on the tree. A
    /// node that does not subscribe itself hands its comment to one of them.
    fn eager_targets(&self, via: Tag) -> Vec<LinkId> {
        let Some(overlay) = self.overlays.get(&via) else {
            return Vec::new();
        };
        let on_tree = overlay
            .subscribers()
            .filter(|n| overlay.on_tree(n))
            .map(|n| n.link);
        if overlay.subscribes() {
            return on_tree.collect();
        }
        let any = overlay.subscribers().map(|n| n.link);
        on_tree.chain(any).take(1).collect()
    }

    /// Sends a document now if the link has room, else later.
    pub(super) fn offer(&mut self, link_id: LinkId, body: QueuedBody, document: Option<&Document>) {
        let there = |link: &&mut crate::link::Link| link.absence.is_none();
        let Some(link) = self.links.get_mut(&link_id).filter(there) else {
            return;
        };
        self.active_links.insert(link_id);
        let length = document.map_or(0, |document| document.bytes().len());
        let now = document.filter(|_| link.bodies.is_empty() && link.outbound.has_window());
        match now {
            Some(document) if link.outbound.use_credit(length) => {
                self.send_document(link_id, body, document)
            }
            Some(_) | None if link.bodies.len() < self.config.send_queue => {
                link.bodies.push_back(body)
            }
            Some(_) | None => {}
        }
    }

    /// Queues a document that somebody asked for.
    pub(super) fn queue_body(&mut self, link: LinkId, via: Tag, document: Tag) {
        self.offer(
            link,
            QueuedBody {
                via,
                document,
                fresh: false,
            },
            None,
        );
    }

    /// Reads from the store what the link has room for.
    pub(super) fn queue_bodies(&mut self, link_id: LinkId) {
        loop {
            let Some(link) = self.links.get_mut(&link_id) else {
                return;
            };
            if link.bodies.is_empty()
                || link.loading >= LOADS
                || link.starved
                || !link.outbound.has_window()
            {
                return;
            }
            let Some(body) = link.bodies.pop_front() else {
                return;
            };
            match self.overlays.get(&body.document) {
                Some(overlay) if overlay.holds() => {
                    link.loading += 1;
                    let id = overlay.id;
                    self.delivery
                        .loads
                        .entry(id)
                        .or_default()
                        .push((link_id, body));
                    self.effects.push(Effect::Load(id));
                }
                Some(_) => {}
                None if self.is_cold(body.document) => {
                    self.park(body.document, Parked::Body(link_id, body))
                }
                None => self.say(link_id, Message::Lack(body.via, vec![body.document])),
            }
        }
    }

    /// A stored document was read.
    pub(super) fn on_loaded(&mut self, id: DocumentId, document: Option<Document>) {
        for (link_id, body) in self.delivery.loads.remove(&id).unwrap_or_default() {
            let Some(link) = self.links.get_mut(&link_id) else {
                continue;
            };
            link.loading = link.loading.saturating_sub(1);
            self.active_links.insert(link_id);
            match &document {
                Some(document) if link.outbound.use_credit(document.bytes().len()) => {
                    self.send_document(link_id, body, document);
                }
                Some(_) => {
                    link.starved = true;
                    link.bodies.push_front(body);
                }
                None => self.say(link_id, Message::Lack(body.via, vec![body.document])),
            }
        }
    }

    /// Sends a document with our state in its network, if the receiver is or
    /// becomes a neighbour there.
    fn send_document(&mut self, link: LinkId, body: QueuedBody, document: &Document) {
        let edge = self.edge_for(link, body);
        let state = edge.is_some().then_some(body.document);
        let push = Push {
            via: body.via,
            edge,
            fresh: body.fresh,
            document: document.bytes().clone(),
        };
        if let Some(link) = self.links.get_mut(&link) {
            link.outbound.push(Message::Push(Box::new(push)), state);
        }
    }

    /// Makes the receiver of a push a neighbour in the document's own network, with
    /// the state that it will have if nothing else is known to it.
    fn edge_for(&mut self, link: LinkId, body: QueuedBody) -> Option<State> {
        let tag = body.document;
        let inherited = self
            .overlays
            .get(&body.via)?
            .neighbor(link)
            .map(|n| n.mode.inherited());
        let overlay = self.overlays.get(&tag)?;
        if !overlay.active()
            || (overlay.neighbor(link).is_none() && overlay.degree() >= self.config.max_peers)
        {
            return None;
        }
        let known = overlay.neighbor(link).is_some_and(|n| n.root.is_some());
        if overlay.neighbor(link).is_none() && body.via != tag {
            self.add_neighbor(tag, Neighbor::silent(link, inherited.unwrap_or(Mode::Hold)));
        }
        let overlay = self.overlays.get_mut(&tag)?;
        let (mark, root, distance) = (
            overlay.mark_for(link),
            overlay.election.root.clone(),
            overlay.election.distance,
        );
        let frozen = overlay.election.frozen();
        let neighbor = overlay.neighbor_mut(link)?;
        let shown = neighbor.shown;
        neighbor.sent = mark;
        neighbor.flight = QUEUED;
        neighbor.shown = root.short;
        neighbor.flags |= TOLD;
        let assumed = !known && !frozen;
        if assumed {
            neighbor.distance = distance + 1;
            neighbor.flags = STATE_UPSTREAM | TOLD;
            neighbor.root = Some(root);
        }
        let mut state = overlay.state_for(link, shown, false);
        if assumed {
            state.flags |= STATE_ASSUMED;
        }
        Some(state)
    }

    /// Tells peers that this node takes documents again, after it had to slow them.
    fn tell_credit(&mut self) {
        let credit = self.credit();
        if credit < 32 {
            return;
        }
        for link in self
            .links
            .values_mut()
            .filter(|link| link.inbound.told_credit < 8)
        {
            link.inbound.told_credit = credit;
            let frame = Frame {
                number: link.outbound.last_number(),
                credit,
                ..Frame::default()
            };
            self.effects
                .push(Effect::Send(link.channel, Packet::Frame(frame)));
        }
    }
}
