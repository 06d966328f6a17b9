//! Relations between nodes in one network: opening, closing, and the states that
//! neighbours tell each other (PROTOCOL.md, "Neighbours").

use super::Core;
use super::contact::Ending;
use super::records::Parked;
use crate::id::{NodeId, Tag};
use crate::link::LinkId;
use crate::message::{
    AdmissionKind, CloseReason, Message, Open, Purpose, Rank, RootRef, STATE_HEIR,
    STATE_UNRESOLVED, State, Ticket,
};
use crate::overlay::activity::{self, OpenAttempt};
use crate::overlay::neighbor::{TOLD, UNRESOLVED, mode_of};
use crate::overlay::{Neighbor, Root, RootKey, Stage};
use crate::violation::Violation;
use std::sync::Arc;

/// Why a state's root is not known.
enum NoRoot {
    /// Its short name means nothing here: ask for the claim.
    Unresolved,
    /// The peer has none that matters.
    Alone,
    Bad(Violation),
}

/// After so many answers that it does not hold a comment, a peer that should is given it by who
/// has no neighbour there. Guess.
const LACKS_FOR_LONG: u8 = 2;
/// A node that knows fewer peers asks each new neighbour for acquaintances at once. Guess.
const FEW_PEERS: usize = 16;

impl Core {
    /// Tries to make a peer a neighbour: at once over a link, or by dialling first.
    /// False if there is no room or it is under way already.
    pub(super) fn try_open(
        &mut self,
        tag: Tag,
        peer: NodeId,
        purpose: Purpose,
        ticket: Option<Ticket>,
    ) -> bool {
        let link = self.linked.get(&peer).copied();
        let related = self.link_of(peer);
        let until = self.now + self.config.request_timeout + self.config.handshake_timeout;
        let max = self.config.max_peers;
        if self.overlays.get(&tag).is_some_and(|o| o.reserved() >= max) {
            self.lose_absent(tag);
        }
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return false;
        };
        let known = related.is_some_and(|link| overlay.neighbor(link).is_some());
        let room = overlay.reserved() < max
            || matches!(
                purpose,
                Purpose::Bridge | Purpose::Heal | Purpose::Subscriber | Purpose::Guide
            );
        let activity = overlay.activity();
        let useless = ticket.is_none() && activity.knows_nothing(peer);
        if known || !room || useless || activity.opens.iter().any(|open| open.peer == peer) {
            return false;
        }
        activity.opens.push(OpenAttempt {
            peer,
            purpose,
            ticket: ticket.clone(),
            asked: None,
            mark: 0,
            until,
        });
        match link {
            Some(link) => self.ask(tag, peer, link),
            None => {
                self.peers.awaited.entry(peer).or_default().insert(tag);
                let introduced = ticket.map(AdmissionKind::Introduced);
                self.dial_peer(peer, tag, introduced.unwrap_or(AdmissionKind::Reunion));
                if !self.is_meeting(peer) && !self.linked.contains_key(&peer) {
                    self.attempt_failed(tag, peer);
                }
            }
        }
        self.touch(tag);
        true
    }

    /// The link for which an attempt waited stands.
    pub(super) fn ask_awaited(&mut self, tag: Tag, peer: NodeId, link: LinkId) {
        let waits = |overlay: &crate::overlay::Overlay| {
            overlay
                .activity
                .as_ref()
                .is_some_and(|a| a.opens.iter().any(|o| o.peer == peer && o.asked.is_none()))
        };
        if self.overlays.get(&tag).is_some_and(waits) {
            self.ask(tag, peer, link);
        }
    }

    /// Asks a peer that is a neighbour already to give us its introducer's place.
    pub(super) fn ask_for_place(&mut self, tag: Tag, link_id: LinkId, ticket: Ticket) {
        let (Some(link), Some(overlay)) = (self.links.get(&link_id), self.overlays.get(&tag))
        else {
            return;
        };
        let proof = self.open_proof(&overlay.id, &link.session);
        let state = overlay.state_for(link_id, [0; 4], false);
        let open = Open {
            proof,
            state,
            ticket: Some(ticket),
            heal: false,
        };
        self.say(link_id, Message::Open(tag, Box::new(open)));
    }

    /// A guide answers who knows the id. Whoever called us for this document has met us for it;
    /// any other is shown the id by an Open, which is refused at once. (Where we called for this
    /// document ourselves, that is 27 bytes too many.)
    pub(super) fn show_id(&mut self, tag: Tag, peer: NodeId, link: LinkId) {
        let proven = self.links.get(&link).and_then(|link| link.proven);
        if proven != Some(tag) {
            self.try_open(tag, peer, Purpose::Heal, None);
        }
    }

    fn ask(&mut self, tag: Tag, peer: NodeId, link_id: LinkId) {
        if let Some(purpose) = self.guided_to(tag, peer) {
            self.attempt_failed(tag, peer);
            self.show_id(tag, peer, link_id);
            return self.approach(tag, link_id, purpose);
        }
        let Some(link) = self.links.get(&link_id) else {
            return;
        };
        let session = link.session;
        let until = self.now + self.config.request_timeout;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let id = overlay.id;
        // Nobody has heard the root of a node that is alone: if it lasts, it must be told.
        let mark = if overlay.is_alone() {
            0
        } else {
            overlay.mark_for(link_id)
        };
        let heals = |open: &OpenAttempt| open.peer == peer && open.purpose == Purpose::Heal;
        let heal = overlay.activity().opens.iter().any(heals);
        // Who heals is most often refused: the claim is sent when it is asked for.
        let shown = if heal {
            overlay.election.root.short
        } else {
            [0; 4]
        };
        let state = overlay.state_for(link_id, shown, false);
        let Some(open) = overlay
            .activity()
            .opens
            .iter_mut()
            .find(|open| open.peer == peer)
        else {
            return;
        };
        (open.asked, open.mark, open.until) = (Some(link_id), mark, until);
        let ticket = open.ticket.clone();
        self.asked.entry(link_id).or_default().insert(tag);
        let proof = self.open_proof(&id, &session);
        self.say(
            link_id,
            Message::Open(
                tag,
                Box::new(Open {
                    proof,
                    state,
                    ticket,
                    heal,
                }),
            ),
        );
    }

    /// The peer was dialled to hand a comment over, not for a place.
    fn guided_to(&self, tag: Tag, peer: NodeId) -> Option<Purpose> {
        let overlay = self.overlays.get(&tag).filter(|o| !o.mode.subscribes())?;
        let mut opens = overlay.activity.as_ref()?.opens.iter();
        let open = opens.find(|open| open.peer == peer)?;
        matches!(open.purpose, Purpose::Subscriber | Purpose::Guide).then_some(open.purpose)
    }

    /// An attempt came to nothing.
    pub(super) fn attempt_failed(&mut self, tag: Tag, peer: NodeId) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let opens = &mut overlay.activity().opens;
        let at = opens.iter().position(|open| open.peer == peer);
        let failed = at.map(|at| opens.remove(at));
        self.touch(tag);
        if let Some(failed) = failed {
            self.give_up_splice(tag, &failed);
        }
    }

    /// Rule *Splice*: the partner does not take us in, so its introducer has no use for us
    /// either, and may be asked again.
    fn give_up_splice(&mut self, tag: Tag, refused: &OpenAttempt) {
        let ticket = refused.ticket.as_ref().filter(|ticket| ticket.replaces);
        let introducer = ticket.and_then(|ticket| self.linked.get(&ticket.introducer));
        let Some(&introducer) = introducer.filter(|link| !self.is_neighbor(tag, **link)) else {
            return;
        };
        if self.end_attempt(tag, introducer).is_some() {
            self.say(introducer, Message::Close(tag, CloseReason::Surplus));
        }
    }

    /// Attempts that were asked on a link that is gone.
    pub(super) fn forget_attempts(&mut self, link: LinkId) {
        let concerned = |overlay: &crate::overlay::Overlay| {
            overlay
                .activity
                .as_ref()
                .is_some_and(|a| a.opens.iter().any(|open| open.asked == Some(link)))
        };
        for tag in self.asked.remove(&link).unwrap_or_default() {
            if let Some(overlay) = self.overlays.get_mut(&tag).filter(|o| concerned(o)) {
                overlay.activity().unlink(link);
                self.touch(tag);
            }
        }
    }

    /// Makes a peer a neighbour.
    pub(super) fn add_neighbor(&mut self, tag: Tag, mut neighbor: Neighbor) {
        let link_id = neighbor.link;
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        let node = link.node;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        // The link may have been lost while the document was being stored or read back.
        neighbor.absent = link.absence.is_some();
        // A relation that we presume says nothing of what the peer holds.
        let neighbor_heard = neighbor.root.is_some();
        link.relate(tag);
        if let Some(old) = overlay.neighbor_mut(link_id) {
            *old = neighbor;
        } else {
            overlay.neighbors.push(neighbor);
        }
        overlay.former.retain(|former| *former != node);
        if let Some(activity) = &mut overlay.activity {
            activity.opens.retain(|open| open.peer != node);
            if neighbor_heard {
                activity.ignorant.remove(&node);
            }
            activity.refill = Default::default();
        }
        overlay.spent &= !activity::REFILL;
        let few = !overlay.inherited && self.peers.len() < FEW_PEERS;
        self.unsaved(tag);
        self.touch(tag);
        if few {
            // Whom it knows may be all that is left one day.
            self.say(link_id, Message::Seek(tag, Purpose::Acquaintance));
        }
    }

    /// Ends a relation here, without telling the other side. True if there was one.
    pub(super) fn remove_neighbor(&mut self, tag: Tag, link_id: LinkId) -> bool {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return false;
        };
        let was = overlay.remove(link_id);
        if was {
            overlay.call_heirs();
        }
        if let Some(activity) = &mut overlay.activity {
            activity.unlink(link_id);
        }
        if was && overlay.degree() == 0 {
            // What was given up while there was a neighbour left is needed now.
            overlay.spent &= !activity::REFILL;
        }
        if was {
            self.release_link(tag, link_id);
            self.unsaved(tag);
            self.touch(tag);
        }
        was
    }

    /// A network no longer uses a link.
    pub(super) fn release_link(&mut self, tag: Tag, link_id: LinkId) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        link.part(tag, self.now);
        if !link.used() {
            self.active_links.insert(link_id);
        }
    }

    /// A neighbour's link was lost.
    pub(super) fn lose_neighbor(&mut self, tag: Tag, link: LinkId, node: NodeId, ending: Ending) {
        if ending != Ending::Replaced && self.succeed(tag, link) {
            // The lost root may have been all that held two parts together.
            let (probe, mend) = (self.config.probe_interval, self.config.reconcile_delay);
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.reelected = true;
                overlay.activity().probe.next = Some(self.now + probe);
                overlay.activity().broken = Some(self.now + mend);
            }
        }
        if !self.remove_neighbor(tag, link) {
            return;
        }
        self.remember_former(tag, node);
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.spent &= activity::COLLECT;
            if let Some(activity) = &mut overlay.activity {
                activity.refill = Default::default();
            }
        }
    }

    /// Who was a neighbour may be asked again when none is left.
    fn remember_former(&mut self, tag: Tag, node: NodeId) {
        let max = self.config.max_peers;
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.former.retain(|former| *former != node);
            if overlay.former.len() >= max {
                overlay.former.remove(0);
            }
            overlay.former.push(node);
        }
    }

    /// Rule *Succeed*: the overlay root above us is gone, or asks us to take its place.
    fn succeed(&mut self, tag: Tag, upstream: LinkId) -> bool {
        let succession = |core: &Self, own| {
            let overlay = core.overlays.get(&tag).filter(|overlay| overlay.active())?;
            let subscriber = overlay.mode.subscribes();
            overlay.election.succession(upstream, own, subscriber)
        };
        if succession(self, RootKey::first(Rank::Holder, self.id, 0)).is_none() {
            return false;
        }
        let own = self.own_key(Rank::Holder);
        let key = succession(self, own);
        if let (Some(key), Some(overlay)) = (key, self.overlays.get_mut(&tag)) {
            overlay.key = key;
            self.touch(tag);
        }
        true
    }

    /// Ends a relation and says so.
    pub(super) fn close(&mut self, tag: Tag, link: LinkId, reason: CloseReason) {
        if self.remove_neighbor(tag, link) {
            self.confirm_inherited(tag, link);
        }
        self.say(link, Message::Close(tag, reason));
    }

    /// A neighbour, or a peer that accepts our Open, tells its state.
    pub(super) fn on_state(&mut self, link: LinkId, frame: u32, tag: Tag, state: &State) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            self.keep_early_state(link, frame, tag, state);
            return;
        };
        match overlay.neighbor(link) {
            Some(neighbor) if frame < neighbor.heard => {}
            Some(_) => self.take_state(link, frame, tag, state, false),
            None => self.on_accepted(link, frame, tag, state),
        }
    }

    /// Takes a neighbour's state over. With `answer`, ours is told in any case.
    pub(super) fn take_state(
        &mut self,
        link: LinkId,
        frame: u32,
        tag: Tag,
        state: &State,
        answer: bool,
    ) {
        let root = self.resolve(tag, &state.root);
        let node = self.links.get(&link).map(|link| link.node);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let subscribed = overlay.mode.subscribes();
        let own = overlay.election.root.clone();
        // A joining node that tells more than its Open holds the document by now.
        overlay.wishes.authored &= answer || !overlay.parents.is_empty();
        let Some(neighbor) = overlay.neighbor_mut(link) else {
            return;
        };
        if frame < neighbor.heard {
            // Overtaken by a later state; only the answer is still due.
            neighbor.sent = if answer { 0 } else { neighbor.sent };
            self.touch(tag);
            return;
        }
        let first = neighbor.root.is_none();
        let was_subscriber = neighbor.mode.subscribes();
        let was_downstream = neighbor.downstream();
        match root {
            Ok(root) if (state.distance == 0) != (Some(root.key.id) == node) => {
                return self.violation(link, Violation::BadState);
            }
            Ok(root) => neighbor.take(state, root, frame),
            Err(NoRoot::Unresolved) => {
                neighbor.flags |= UNRESOLVED;
                neighbor.heard = frame;
                neighbor.sent = 0;
            }
            Err(NoRoot::Alone) => neighbor.take_alone(state, frame),
            Err(NoRoot::Bad(violation)) => return self.violation(link, violation),
        }
        if state.flags & STATE_UNRESOLVED != 0 {
            neighbor.shown = [0; 4];
            neighbor.sent = 0;
        }
        let heir =
            neighbor.since == 0 && !neighbor.frozen() && neighbor.root.as_ref() == Some(&own);
        if answer || (first && !heir) {
            neighbor.sent = 0;
        }
        let called = state.flags & STATE_HEIR != 0 && neighbor.distance == 0;
        let subscribes = neighbor.mode.subscribes();
        let attached =
            neighbor.downstream() && !was_downstream && overlay.comments.digest().count > 0;
        self.state_stale(tag);
        if called {
            self.succeed(tag, link);
        }
        if subscribes && subscribed && (!was_subscriber || attached) {
            self.tell_digest(tag, link);
        }
        if subscribes && !subscribed && (first || !was_subscriber) {
            self.offer_soon(tag);
        }
        self.touch(tag);
    }

    /// A peer that we asked accepts us; anybody else is told that there is no relation.
    fn on_accepted(&mut self, link: LinkId, frame: u32, tag: Tag, state: &State) {
        let attempt = self.overlays.get_mut(&tag).and_then(|overlay| {
            let opens = &mut overlay.activity.as_mut()?.opens;
            let at = opens.iter().position(|open| open.asked == Some(link))?;
            Some(opens.remove(at))
        });
        let Some(attempt) = attempt else {
            if self.has_right(tag, link) && self.has_room(tag, link) {
                // The other side never took us for anything but a neighbour: it does not compare.
                if !self.accept(link, frame, tag, state) {
                    self.compare_with(tag, link, state);
                }
            } else if let Some(parent) = self.cold_parent(tag) {
                let state = Message::State(tag, state.clone());
                self.park(parent, Parked::Message(link, frame, Box::new(state)));
            } else if self.is_insider(tag, link) {
                self.say(link, Message::Close(tag, CloseReason::Surplus));
                self.doubt(link);
            } else {
                // The answer does not show that the document is here.
                self.keep_early_state(link, frame, tag, state);
            }
            return;
        };
        let full = self
            .overlays
            .get(&tag)
            .is_none_or(|overlay| overlay.degree() >= self.config.max_peers);
        if full && !self.make_room(tag, &attempt, state) {
            self.say(link, Message::Close(tag, CloseReason::Surplus));
            return;
        }
        let mut neighbor = Neighbor::silent(link, mode_of(state.flags));
        neighbor.since = self.seconds();
        neighbor.sent = attempt.mark;
        neighbor.flags = if attempt.mark == 0 { 0 } else { TOLD };
        self.add_neighbor(tag, neighbor);
        self.learn_new_neighbor(link, frame, tag, state, attempt.mark);
        self.compare_with(tag, link, state);
        self.mend_comments(tag, link);
        if attempt.purpose == Purpose::Acquaintance {
            self.on_roamed(tag, link);
        }
    }

    /// Tells our comment set to a neighbour that subscribes like us.
    fn compare_with(&mut self, tag: Tag, link: LinkId, state: &State) {
        let subscribes = self.overlays.get(&tag).is_some_and(|o| o.subscribes());
        if subscribes && mode_of(state.flags).subscribes() {
            self.tell_digest(tag, link);
        }
    }

    /// True if the peer is known to have the document, or is near it: it has a relation with us
    /// in the network of a document on which this one comments, or of a comment.
    pub(super) fn is_insider(&self, tag: Tag, link: LinkId) -> bool {
        let Some(peer) = self.links.get(&link) else {
            return false;
        };
        let grounds = self.peers.known.get(&peer.node);
        let near = |parent: &Tag| peer.documents.contains(parent);
        let parents = self.overlays.get(&tag).map(|overlay| &overlay.parents);
        peer.proven == Some(tag)
            || grounds.is_some_and(|peer| peer.grounds.contains(tag))
            || parents.is_some_and(|parents| parents.iter().any(|(parent, _)| near(parent)))
            || self.has_right(tag, link)
            || self.is_commenter(tag, link)
    }

    /// True if the peer may take us for a neighbour without asking: as an heir, or since
    /// it was one until its link was lost.
    pub(super) fn has_right(&self, tag: Tag, link: LinkId) -> bool {
        let node = self.links.get(&link).map(|link| link.node);
        let overlay = self.overlays.get(&tag).filter(|overlay| overlay.active());
        let former = overlay.is_some_and(|o| node.is_some_and(|node| o.former.contains(&node)));
        former || self.is_relative(tag, link)
    }

    /// True if the peer subscribes to a document on which this one comments, and so
    /// takes us for a neighbour here by right (rule *Inherit*).
    pub(super) fn is_relative(&self, tag: Tag, link: LinkId) -> bool {
        let subscribes = |parent: &Tag| {
            self.overlays
                .get(parent)
                .and_then(|o| o.neighbor(link))
                .is_some_and(|n| n.mode.subscribes())
        };
        self.overlays
            .get(&tag)
            .is_some_and(|o| o.active() && o.parents.iter().any(|(parent, _)| subscribes(parent)))
    }

    /// This node's time in whole seconds, at least 1.
    pub(super) fn seconds(&self) -> u32 {
        u32::try_from(self.now.0 / 1_000_000)
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// First state of a neighbour whose relation was agreed on explicitly: ours
    /// went with the Open (`mark`), so it need not be told again unless it changed.
    fn learn_new_neighbor(&mut self, link: LinkId, frame: u32, tag: Tag, state: &State, mark: u64) {
        self.take_state(link, frame, tag, state, false);
        if let Some(neighbor) = self
            .overlays
            .get_mut(&tag)
            .and_then(|overlay| overlay.neighbor_mut(link))
            && !neighbor.unresolved()
            && state.flags & STATE_UNRESOLVED == 0
        {
            neighbor.sent = mark;
        }
    }

    /// Somebody wants to be a neighbour.
    pub(super) fn on_open(&mut self, link_id: LinkId, frame: u32, tag: Tag, open: Open) {
        let Some((node, session)) = self.links.get(&link_id).map(|l| (l.node, l.session)) else {
            return;
        };
        let Some(overlay) = self.overlays.get(&tag).filter(|overlay| overlay.holds()) else {
            if !self.joins_by(tag, link_id) {
                self.say(link_id, Message::Close(tag, CloseReason::Unknown));
            }
            return;
        };
        if open.proof != self.open_proof(&overlay.id, &session) {
            // The answer does not show that the document is here.
            self.violation(link_id, Violation::Uninvited);
            self.say(link_id, Message::Close(tag, CloseReason::Unknown));
            return;
        }
        if let Some(peer) = self.peers.known.get_mut(&node) {
            peer.grounds.add(tag);
        }
        if !overlay.active() {
            self.send_on(tag, link_id);
            self.say(link_id, Message::Close(tag, CloseReason::Full));
        } else if overlay.neighbor(link_id).is_some() {
            self.take_state(link_id, frame, tag, &open.state, true);
            self.compare_with(tag, link_id, &open.state);
            self.release_introducer(link_id, tag, &open);
        } else if open.ticket.as_ref().is_some_and(|ticket| ticket.replaces) {
            self.on_replacement(link_id, frame, tag, &open);
        } else if open.heal && overlay.degree() > 0 && overlay.has_root(&open.state.root) {
            self.say(link_id, Message::Close(tag, CloseReason::Surplus));
        } else if self.has_room(tag, link_id)
            || (self.lose_absent(tag) && self.has_room(tag, link_id))
        {
            self.accept(link_id, frame, tag, &open.state);
        } else {
            self.on_open_when_full(link_id, frame, tag, &open);
        }
    }

    /// We join and have asked the peer for a place: its own Open crossed ours, which it answers.
    fn joins_by(&self, tag: Tag, link: LinkId) -> bool {
        let joining = |o: &&crate::overlay::Overlay| o.stage == Stage::Joining;
        let joining = self.overlays.get(&tag).filter(joining);
        joining.is_some_and(|overlay| {
            let opens = overlay.activity.as_ref().map_or(&[][..], |a| &a.opens);
            overlay.neighbor(link).is_some() || opens.iter().any(|open| open.asked == Some(link))
        })
    }

    /// True if there is a free place that is not promised to somebody else.
    pub(super) fn has_room(&self, tag: Tag, link: LinkId) -> bool {
        let node = self.links.get(&link).map(|link| link.node);
        self.overlays.get(&tag).is_some_and(|overlay| {
            let promised = overlay.activity.as_ref().map_or(0, |a| {
                a.opens
                    .iter()
                    .filter(|open| Some(open.peer) != node && open.purpose != Purpose::Heal)
                    .count()
            });
            overlay.degree() + promised < self.config.max_peers
        })
    }

    /// Takes a peer in. True if our comment set was told.
    pub(super) fn accept(&mut self, link: LinkId, frame: u32, tag: Tag, state: &State) -> bool {
        let mut neighbor = Neighbor::silent(link, mode_of(state.flags));
        neighbor.since = self.seconds();
        self.add_neighbor(tag, neighbor);
        self.take_state(link, frame, tag, state, true);
        // The other side compares too, unless two Opens crossed or its attempt had ended.
        let gives = |o: &crate::overlay::Overlay| o.subscribes() && o.comments.digest().count > 0;
        let tells = mode_of(state.flags).subscribes() && self.overlays.get(&tag).is_some_and(gives);
        // Who says that it is below us was told with its state.
        let neighbor = self.overlays.get(&tag).and_then(|o| o.neighbor(link));
        let below = neighbor.is_some_and(Neighbor::downstream);
        if tells && !below {
            self.tell_digest(tag, link);
        }
        self.mend_comments(tag, link);
        tells
    }

    /// A relation ends, or an attempt is refused.
    pub(super) fn on_close(&mut self, link: LinkId, frame: u32, tag: Tag, reason: CloseReason) {
        let overtaken = |overlay: &crate::overlay::Overlay| {
            overlay.neighbor(link).is_some_and(|n| n.heard > frame)
        };
        if self.overlays.get(&tag).is_some_and(overtaken) {
            return;
        }
        let let_go = matches!(
            reason,
            CloseReason::Full | CloseReason::Surplus | CloseReason::Replaced(_)
        );
        if let_go && !self.overlays.contains_key(&tag) {
            // A comment that is on its way to us: we shall take the peer for an heir.
            return self.doubt(link);
        }
        let attempt = self.end_attempt(tag, link);
        if let Some(attempt) = &attempt {
            self.give_up_splice(tag, attempt);
        }
        let attempt = attempt.map(|attempt| attempt.purpose);
        if reason == CloseReason::Unknown && attempt.is_some() {
            self.on_ignorance(tag, link);
        }
        if matches!(reason, CloseReason::Full | CloseReason::Denied) && self.is_crossing(tag, link)
        {
            return;
        }
        if reason == CloseReason::Left {
            self.succeed(tag, link);
        }
        let one_sided = reason == CloseReason::Surplus && self.is_tree_edge(tag, link);
        let splice = self.take_splice(tag, link, reason);
        let replaced = matches!(reason, CloseReason::Replaced(_));
        if replaced && splice.is_none() && self.is_tree_edge(tag, link) {
            // Another got our place, as a climber or a healer: ours is where it was.
            self.suspect_parts(tag);
        }
        let was_neighbor = self.remove_neighbor(tag, link);
        if matches!(reason, CloseReason::Left | CloseReason::Unknown) {
            self.forget_ground(link, tag);
        } else if was_neighbor
            && self
                .overlays
                .get(&tag)
                .is_some_and(|o| o.neighbors.is_empty())
            && let Some(node) = self.links.get(&link).map(|link| link.node)
        {
            self.remember_former(tag, node);
        }
        self.on_refused(tag, attempt, reason, was_neighbor);
        self.touch(tag);
        if let (true, Some(splice)) = (was_neighbor, splice) {
            self.end_splice(tag, &splice);
        }
        if was_neighbor {
            self.confirm_inherited(tag, link);
            self.give_up_if_cut_off(tag);
        }
        if let (true, Some(link)) = (one_sided, self.links.get(&link)) {
            // It never knew of the relation, which may have been all that joins two parts.
            let node = link.node;
            self.try_open(tag, node, Purpose::Heal, None);
        }
    }

    /// A peer that we asked for a place does not hold the document.
    fn on_ignorance(&mut self, tag: Tag, link: LinkId) {
        let node = self.links.get(&link).map(|link| link.node);
        let overlay = self.overlays.get_mut(&tag).filter(|o| o.active());
        if let (Some(node), Some(overlay)) = (node, overlay) {
            let said = overlay.activity().lacks(node);
            // At first it may be on its way there, and others may give it.
            if said == LACKS_FOR_LONG && overlay.neighbors.is_empty() {
                self.offer_to_relative(tag, link);
            }
        }
    }

    fn is_tree_edge(&self, tag: Tag, link: LinkId) -> bool {
        self.overlays.get(&tag).is_some_and(|overlay| {
            let downstream = overlay.neighbor(link).is_some_and(|n| n.downstream());
            overlay.active() && (downstream || overlay.election.upstream == Some(link))
        })
    }

    /// A refusal may mean that the other is in another part.
    fn on_refused(
        &mut self,
        tag: Tag,
        attempt: Option<Purpose>,
        reason: CloseReason,
        was_neighbor: bool,
    ) {
        let refused = matches!(reason, CloseReason::Surplus | CloseReason::Full);
        match attempt {
            Some(Purpose::Neighbor) => self.suspect_parts(tag),
            Some(Purpose::Heal) if reason == CloseReason::Full => self.mend_again(tag),
            Some(_) => {}
            None if was_neighbor && refused => self.suspect_parts(tag),
            None => {}
        }
    }

    /// Whom we asked has answered; gives the attempt, if we had asked.
    fn end_attempt(&mut self, tag: Tag, link: LinkId) -> Option<OpenAttempt> {
        let activity = self.overlays.get_mut(&tag)?.activity.as_mut()?;
        let at = activity
            .opens
            .iter()
            .position(|open| open.asked == Some(link))?;
        Some(activity.opens.remove(at))
    }

    /// A refusal that met an agreed relation: two Opens crossed, and one was taken in.
    /// Our state asks the other side which it is.
    fn is_crossing(&mut self, tag: Tag, link: LinkId) -> bool {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return false;
        };
        let agreed = overlay
            .neighbor_mut(link)
            .filter(|neighbor| neighbor.since != 0);
        let crossing = agreed.map(|neighbor| neighbor.sent = 0).is_some();
        self.doubt(link);
        self.touch(tag);
        crossing
    }

    /// Relations in the networks of comments may rest on the one that just ended
    /// (rule *Inherit*): those never confirmed are confirmed now.
    fn confirm_inherited(&mut self, tag: Tag, link: LinkId) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let comments: Vec<Tag> = overlay.comments.tags().to_vec();
        for comment in comments {
            if let Some(overlay) = self.overlays.get_mut(&comment)
                && let Some(neighbor) = overlay.neighbor_mut(link)
                && neighbor.root.is_none()
            {
                neighbor.sent = 0;
                self.touch(comment);
            }
        }
    }

    /// What is wrong with the claim in a state, if anything.
    pub(super) fn bad_claim(&self, tag: Tag, state: &State) -> Option<Violation> {
        match self.resolve(tag, &state.root) {
            Err(NoRoot::Bad(violation)) => Some(violation),
            Ok(_) | Err(NoRoot::Alone | NoRoot::Unresolved) => None,
        }
    }

    /// Finds the root that a state names.
    fn resolve(&self, tag: Tag, root: &RootRef) -> Result<Arc<Root>, NoRoot> {
        let Some(overlay) = self.overlays.get(&tag) else {
            return Err(NoRoot::Unresolved);
        };
        let heard = overlay.neighbors.iter().filter_map(|n| n.root.as_ref());
        let mut known = std::iter::once(&overlay.election.root).chain(heard);
        match root {
            RootRef::Known(short) => known
                .find(|root| root.short == *short)
                .cloned()
                .ok_or(NoRoot::Unresolved),
            RootRef::Alone => Err(NoRoot::Alone),
            RootRef::Author if overlay.stage == Stage::Joining => Err(NoRoot::Unresolved),
            RootRef::Author => {
                let known = known
                    .find(|root| root.key.is_of_birth() && root.key.id == overlay.author)
                    .cloned();
                let born = || Root::of_birth(overlay.author, overlay.founder, &*self.suite);
                Ok(known.unwrap_or_else(born))
            }
            RootRef::Full(claim) => {
                let same = |root: &&Arc<Root>| root.claim.as_ref() == Some(&**claim);
                match known.find(same) {
                    Some(root) => Ok(root.clone()),
                    None => Root::verified((**claim).clone(), &overlay.id, &*self.suite)
                        .filter(|root| overlay.allows_line(root.key))
                        .ok_or(NoRoot::Bad(Violation::BadClaim)),
                }
            }
        }
    }
}
