//! Introductions, and splicing a newcomer into an edge of a full node
//! (PROTOCOL.md, *Introduce*, *Splice*).
//!
//! A full node A sends the newcomer B to a neighbour C with a ticket by which C
//! gives A's place to B in one step; C tells A, who gives C's place to B. No
//! degree ever exceeds K, and no place is given up before its new holder stands.

use super::Core;
use crate::config::MAX_PEERS;
use crate::id::{DocumentId, NodeId, Tag};
use crate::link::LinkId;
use crate::message::{CloseReason, Introduction, Message, Open, Purpose, State, Ticket};
use crate::overlay::activity::{OpenAttempt, Splice};
use crate::overlay::neighbor::mode_of;
use crate::overlay::{Neighbor, Overlay};
use crate::time::WallTime;
use crate::violation::Violation;

/// Most acquaintances given for one Seek.
const GENEROSITY: usize = 8;
/// Messages and frames waiting on a link beyond which its Seeks are ignored.
const MAX_BACKLOG: usize = 1_024;
/// Most tickets remembered as used.
const MAX_USED_TICKETS: usize = 1_024;

impl Core {
    fn ticket_message(
        &self,
        subject: NodeId,
        target: NodeId,
        document: &DocumentId,
        ticket: &Ticket,
    ) -> [u8; 32] {
        let expires = ticket.expires.0.to_le_bytes();
        let parts: [&[u8]; 6] = [
            &ticket.introducer.0,
            &subject.0,
            &target.0,
            &document.0,
            &expires,
            &[u8::from(ticket.replaces)],
        ];
        self.suite.hash("ticket", &parts)
    }

    fn ticket(
        &self,
        subject: NodeId,
        target: NodeId,
        document: &DocumentId,
        replaces: bool,
    ) -> Ticket {
        let expires = WallTime(self.wall().0 + self.config.ticket_life.as_secs());
        let unsigned = crate::id::Signature::from_bytes(&[0; 64]);
        let mut ticket = Ticket {
            introducer: self.id,
            expires,
            replaces,
            signature: unsigned,
        };
        let message = self.ticket_message(subject, target, document, &ticket);
        ticket.signature = self.suite.sign(&self.secret, &message);
        ticket
    }

    /// Checks a ticket that `subject` shows, and uses it up.
    pub(super) fn check_ticket(
        &mut self,
        ticket: &Ticket,
        subject: NodeId,
        tag: Tag,
    ) -> Result<(), Violation> {
        let Some(id) = self.overlays.get(&tag).map(|overlay| overlay.id) else {
            return Err(Violation::BadTicket);
        };
        let tolerance = self.config.clock_tolerance.as_secs();
        let (now, expires) = (self.wall().0, ticket.expires.0);
        let longest = now + self.config.ticket_life.as_secs() + 2 * tolerance;
        if expires.saturating_add(tolerance) < now || expires > longest {
            return Err(Violation::BadTicket);
        }
        let introducer = self.peers.known.get(&ticket.introducer);
        let shares = self.peers.shares(ticket.introducer, tag, self.now)
            || self
                .linked
                .get(&ticket.introducer)
                .is_some_and(|link| self.is_neighbor(tag, *link));
        let key = introducer.and_then(|peer| peer.key);
        let message = self.ticket_message(subject, self.id, &id, ticket);
        let signed = key.is_some_and(|key| self.suite.verify(&key, &message, &ticket.signature));
        if shares && signed {
            Ok(())
        } else {
            Err(Violation::BadTicket)
        }
    }

    /// Uses a replacing ticket up; false if it was used before.
    fn use_ticket(&mut self, ticket: &Ticket) -> bool {
        let now = self.wall().0;
        let tolerance = self.config.clock_tolerance.as_secs();
        self.used_tickets
            .retain(|_, expires| *expires + tolerance >= now);
        if self.used_tickets.len() >= MAX_USED_TICKETS {
            self.used_tickets.pop_first();
        }
        self.used_tickets
            .insert(ticket.signature, ticket.expires.0)
            .is_none()
    }

    pub(super) fn is_neighbor(&self, tag: Tag, link: LinkId) -> bool {
        self.overlays
            .get(&tag)
            .is_some_and(|overlay| overlay.neighbor(link).is_some())
    }

    /// Introduces the peer at `to` to the neighbour at `whom`.
    pub(super) fn introduce(
        &mut self,
        tag: Tag,
        to: LinkId,
        whom: LinkId,
        purpose: Purpose,
        replaces: bool,
    ) {
        let Some(id) = self.overlays.get(&tag).map(|overlay| overlay.id) else {
            return;
        };
        let (Some(subject), Some(target)) = (self.links.get(&to), self.links.get(&whom)) else {
            return;
        };
        let ticket = (purpose != Purpose::Acquaintance)
            .then(|| self.ticket(subject.node, target.node, &id, replaces));
        let introduction = Introduction {
            peer: target.node,
            address: target.address.clone(),
            ticket,
            purpose,
        };
        let (peer, most) = (target.node, self.config.max_acquaintances);
        if let Some(link) = self.links.get_mut(&to) {
            if link.introduced.len() >= most {
                link.introduced.pop_first();
            }
            link.introduced.insert((peer, tag));
        }
        self.say(to, Message::Introduce(tag, Box::new(introduction)));
    }

    /// A full node is asked: heal if the networks differ, else splice.
    pub(super) fn on_open_when_full(&mut self, link: LinkId, frame: u32, tag: Tag, open: &Open) {
        let Some(newcomer) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        let attempt = OpenAttempt {
            peer: newcomer,
            purpose: Purpose::Heal,
            ticket: None,
            asked: None,
            mark: 0,
            until: self.now,
        };
        if let Some(violation) = self.bad_claim(tag, &open.state) {
            self.violation(link, violation);
            self.say(link, Message::Close(tag, CloseReason::Denied));
            return;
        }
        if open.heal {
            if self.make_room(tag, &attempt, &open.state) {
                self.accept(link, frame, tag, &open.state);
            } else {
                self.send_down(tag, link, &open.state);
                self.say(link, Message::Close(tag, CloseReason::Full));
            }
            return;
        }
        if self.make_room_for_subscriber(tag, link, &open.state) {
            self.accept(link, frame, tag, &open.state);
            return;
        }
        let Some(partner) = self.splice_partner(tag, link) else {
            self.say(link, Message::Close(tag, CloseReason::Full));
            return;
        };
        let until = self.now + self.config.request_timeout * 2;
        let splice = Splice {
            newcomer: link,
            state: open.state.clone(),
            heard: frame,
            partner,
            until,
        };
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.activity().splices.push(splice);
        }
        self.introduce(tag, link, partner, Purpose::Neighbor, true);
        self.touch(tag);
    }

    /// Rule *Climb*: a full node lets go of a neighbour that only holds the
    /// document for one that subscribes, and introduces the two.
    fn make_room_for_subscriber(&mut self, tag: Tag, newcomer: LinkId, state: &State) -> bool {
        let Some(overlay) = self.overlays.get(&tag) else {
            return false;
        };
        let mode = mode_of(state.flags);
        if !mode.subscribes() {
            return false;
        }
        let roomy = self.config.roomy();
        let less = |n: &Neighbor| !n.mode.subscribes() || (roomy && n.mode < mode);
        // A holder's edges off the tree serve no subscriber.
        let idle = |n: &Neighbor| !overlay.on_tree(n) && !overlay.subscribes();
        let spare =
            |n: &&Neighbor| overlay.election.upstream != Some(n.link) && (less(n) || idle(n));
        let victim = overlay
            .neighbors
            .iter()
            .filter(spare)
            .min_by_key(|n| (n.mode.subscribes(), n.downstream()))
            .map(|n| (n.link, n.downstream()));
        let Some((victim, below)) = victim else {
            return false;
        };
        if below || !roomy {
            self.introduce(tag, victim, newcomer, Purpose::Bridge, false);
        }
        // Who was on the tree must not take it for a relation that we never knew of.
        let node = self.links.get(&newcomer).map(|link| link.node);
        let replaced = node.filter(|_| below).map(CloseReason::Replaced);
        self.close(tag, victim, replaced.unwrap_or(CloseReason::Surplus));
        true
    }

    /// The neighbour whose edge takes a newcomer in: off the tree if there is one,
    /// else a downstream one, else the upstream.
    fn splice_partner(&mut self, tag: Tag, newcomer: LinkId) -> Option<LinkId> {
        let overlay = self.overlays.get_mut(&tag)?;
        overlay
            .activity()
            .splices
            .retain(|splice| splice.newcomer != newcomer);
        let overlay = self.overlays.get(&tag)?;
        let splices = overlay
            .activity
            .as_ref()
            .map_or(&[][..], |activity| &activity.splices);
        if splices.len() >= MAX_PEERS {
            return None;
        }
        let free = |n: &&Neighbor| splices.iter().all(|splice| splice.partner != n.link);
        let class = |overlay: &Overlay, n: &Neighbor| {
            if !overlay.on_tree(n) {
                0
            } else if n.downstream() {
                1
            } else {
                2
            }
        };
        let best = overlay
            .neighbors
            .iter()
            .filter(free)
            .map(|n| class(overlay, n))
            .min()?;
        let choice: Vec<LinkId> = overlay
            .neighbors
            .iter()
            .filter(free)
            .filter(|n| class(overlay, n) == best)
            .map(|n| n.link)
            .collect();
        let at = self.draw(tag, choice.len());
        choice.get(at).copied()
    }

    /// Rule *Heal*: a full node lets go of a neighbour off the tree for a peer that
    /// belongs to another part of a broken network, or whom we asked urgently.
    pub(super) fn make_room(&mut self, tag: Tag, attempt: &OpenAttempt, state: &State) -> bool {
        if self.lose_absent(tag) {
            return true;
        }
        let Some(overlay) = self.overlays.get(&tag) else {
            return false;
        };
        let same_root = overlay.has_root(&state.root);
        let introducer = attempt.ticket.as_ref().map(|ticket| ticket.introducer);
        let bridge = introducer.filter(|_| attempt.purpose == Purpose::Bridge);
        let bridge = bridge
            .and_then(|node| self.linked.get(&node))
            .copied()
            .filter(|l| overlay.neighbor(*l).is_some());
        let spare: Vec<LinkId> = overlay
            .neighbors
            .iter()
            .filter(|n| overlay.spares(n))
            .map(|n| n.link)
            .collect();
        // Who takes a healer in had another root, and may have ours by the time it answers.
        let needed = matches!(attempt.purpose, Purpose::Subscriber | Purpose::Heal) || !same_root;
        let victim = match bridge {
            Some(link) => Some(link),
            None if !needed => None,
            None if spare.is_empty() && attempt.purpose == Purpose::Subscriber => {
                self.send_back(tag)
            }
            None if spare.is_empty() => {
                let stray = self.stray(tag);
                stray
                    .into_iter()
                    .for_each(|stray| self.pass_on_stray(tag, stray));
                stray
            }
            None => {
                let at = self.draw(tag, spare.len());
                spare.get(at).copied()
            }
        };
        let Some(victim) = victim else { return false };
        let on_tree = self
            .overlays
            .get(&tag)
            .is_some_and(|o| o.neighbor(victim).is_some_and(|n| o.on_tree(n)));
        // Who was on the tree must not take it for a relation that we never knew of.
        let reason = if on_tree {
            CloseReason::Replaced(attempt.peer)
        } else {
            CloseReason::Surplus
        };
        self.close(tag, victim, reason);
        true
    }

    /// Rule *Climb*: a full node passes the one above it, which does not subscribe and may
    /// lose its own place for it. So that one stays its neighbour, and gets one of those below
    /// in exchange.
    fn send_back(&mut self, tag: Tag) -> Option<LinkId> {
        let overlay = self.overlays.get(&tag)?;
        let above = overlay
            .neighbor(overlay.election.upstream?)
            .filter(|n| n.mode < overlay.mode)?;
        let above = above.link;
        let below = overlay.present().filter(|n| n.downstream());
        let Some(victim) = below.min_by_key(|n| n.mode).map(|n| n.link) else {
            return Some(above);
        };
        self.introduce(tag, victim, above, Purpose::Bridge, false);
        Some(victim)
    }

    /// Rule *Heal*: a neighbour in a comment's network that is none in the networks of
    /// the documents on which it comments. Letting it go for one that is brings the
    /// comment's network nearer to theirs, so that this comes to an end.
    pub(super) fn stray(&self, tag: Tag) -> Option<LinkId> {
        let overlay = self.overlays.get(&tag)?;
        let mut parents = overlay
            .parents
            .iter()
            .filter_map(|(parent, _)| self.overlays.get(parent));
        let parent = parents.next()?;
        let related = |link| {
            parent.neighbor(link).is_some() || parents.clone().any(|p| p.neighbor(link).is_some())
        };
        let stray = overlay.neighbors.iter().filter(|n| !related(n.link));
        stray.max_by_key(|n| n.downstream()).map(|n| n.link)
    }

    /// A stray may have nobody else: it is introduced to another neighbour first.
    fn pass_on_stray(&mut self, tag: Tag, stray: LinkId) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let others = overlay.neighbors.iter().map(|n| n.link);
        let others: Vec<LinkId> = others.filter(|link| *link != stray).collect();
        let at = self.draw(tag, others.len());
        if let Some(&other) = others.get(at) {
            self.introduce(tag, stray, other, Purpose::Bridge, false);
        }
    }

    /// Rule *Heal*: where all edges are the tree's, there is room at its leaves: sends
    /// a peer from another part one hop down.
    fn send_down(&mut self, tag: Tag, peer: LinkId, state: &State) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        if overlay.has_root(&state.root) {
            return;
        }
        let below = overlay.present().filter(|n| n.downstream());
        let below: Vec<LinkId> = below.map(|n| n.link).collect();
        let at = self.draw(tag, below.len());
        if let Some(&target) = below.get(at) {
            self.introduce(tag, peer, target, Purpose::Heal, false);
        }
    }

    /// A neighbour introduces us to somebody.
    pub(super) fn on_introduce(&mut self, link: LinkId, tag: Tag, introduction: Introduction) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let asked = overlay
            .activity
            .as_ref()
            .is_some_and(|a| a.opens.iter().any(|open| open.asked == Some(link)));
        if !asked && overlay.neighbor(link).is_none() && !self.is_guide(tag, link) {
            // The relation may have ended while this was on its way.
            return;
        }
        if introduction.peer == self.id
            || introduction.peer.0 == [0; 16]
            || overlay.stage == crate::overlay::Stage::Leaving
        {
            return;
        }
        let Introduction {
            peer,
            address,
            ticket,
            purpose,
        } = introduction;
        self.note_peer(peer, None, address, tag);
        match (purpose, ticket) {
            (Purpose::Acquaintance, _) => {
                self.peers.acquaint(peer);
                self.touch(tag);
            }
            (_, None) => self.violation(link, Violation::BadTicket),
            (Purpose::Neighbor, Some(ticket)) if ticket.replaces => {
                self.follow_splice(link, tag, peer, ticket);
            }
            (Purpose::Subscriber | Purpose::Guide, Some(ticket)) => {
                self.on_guided(tag, peer, purpose, ticket);
            }
            (Purpose::Neighbor | Purpose::Bridge | Purpose::Heal, ticket) => {
                self.try_open(tag, peer, purpose, ticket);
            }
        }
    }

    /// We asked for a subscriber: to have it above us, or to hand a comment over.
    fn on_guided(&mut self, tag: Tag, peer: NodeId, purpose: Purpose, ticket: Ticket) {
        let subscribes = |overlay: &Overlay| overlay.mode.subscribes();
        let link = self.linked.get(&peer).copied();
        let known = link.filter(|link| self.is_neighbor(tag, *link));
        if let Some(link) = known {
            // It never told where it stands (rule *Inherit*), or knows the way (*Hand over*).
            self.ask_state(tag, link);
            self.approach(tag, link, purpose);
        } else if self.overlays.get(&tag).is_some_and(subscribes) {
            self.drop_surplus(tag);
            self.try_open(tag, peer, Purpose::Subscriber, Some(ticket));
        } else {
            self.follow_guide(tag, peer, purpose, ticket);
        }
    }

    /// We asked a full node, and it sends us to its neighbour.
    fn follow_splice(&mut self, link: LinkId, tag: Tag, peer: NodeId, ticket: Ticket) {
        if self.is_neighbor(tag, link) {
            // Our Opens crossed, and we took it in meanwhile.
            return;
        }
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            let until = self.now + self.config.request_timeout + self.config.handshake_timeout;
            if let Some(open) = overlay
                .activity()
                .opens
                .iter_mut()
                .find(|open| open.asked == Some(link))
            {
                open.until = until;
            }
        }
        let known = self
            .linked
            .get(&peer)
            .copied()
            .filter(|l| self.is_neighbor(tag, *l));
        if let Some(known) = known {
            return self.ask_for_place(tag, known, ticket);
        }
        if !self.try_open(tag, peer, Purpose::Neighbor, Some(ticket)) {
            self.say(link, Message::Close(tag, CloseReason::Surplus));
            self.remove_neighbor(tag, link);
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay
                    .activity()
                    .opens
                    .retain(|open| open.asked != Some(link));
            }
            self.suspect_parts(tag);
        }
    }

    /// Makes room at a full node by letting a neighbour off the tree go.
    pub(super) fn drop_surplus(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        if overlay.reserved() < self.config.max_peers {
            return;
        }
        let spare = |n: &&Neighbor| overlay.spares(n);
        let victim = overlay
            .neighbors
            .iter()
            .filter(spare)
            .min_by_key(|n| n.mode)
            .map(|n| n.link);
        if let Some(victim) = victim {
            self.close(tag, victim, CloseReason::Surplus);
        }
    }

    /// C's part of a splice if the newcomer is its neighbour already: only the
    /// introducer's place is given up.
    pub(super) fn release_introducer(&mut self, link: LinkId, tag: Tag, open: &Open) {
        let replaces = |ticket: &&Ticket| ticket.replaces;
        let (Some(ticket), Some(newcomer)) = (
            open.ticket.as_ref().filter(replaces),
            self.links.get(&link).map(|link| link.node),
        ) else {
            return;
        };
        if let Err(violation) = self.redeem(ticket, newcomer, tag) {
            return self.violation(link, violation);
        }
        let introducer = self.linked.get(&ticket.introducer).copied();
        if let Some(introducer) = introducer.filter(|l| self.is_neighbor(tag, *l)) {
            self.close(tag, introducer, CloseReason::Replaced(newcomer));
        }
    }

    /// Checks a replacing ticket and uses it up.
    fn redeem(&mut self, ticket: &Ticket, newcomer: NodeId, tag: Tag) -> Result<(), Violation> {
        self.check_ticket(ticket, newcomer, tag)?;
        if self.use_ticket(ticket) {
            Ok(())
        } else {
            Err(Violation::BadTicket)
        }
    }

    /// C's part of a splice: the newcomer gets its introducer's place.
    pub(super) fn on_replacement(&mut self, link: LinkId, frame: u32, tag: Tag, open: &Open) {
        let Some(ticket) = &open.ticket else { return };
        let Some(newcomer) = self.links.get(&link).map(|link| link.node) else {
            return;
        };
        if let Err(violation) = self.redeem(ticket, newcomer, tag) {
            self.violation(link, violation);
            self.say(link, Message::Close(tag, CloseReason::Denied));
            return;
        }
        let introducer = self
            .linked
            .get(&ticket.introducer)
            .copied()
            .filter(|l| self.is_neighbor(tag, *l));
        match introducer {
            Some(introducer) => {
                self.close(tag, introducer, CloseReason::Replaced(newcomer));
                self.accept(link, frame, tag, &open.state);
            }
            // The introducer went meanwhile: its ticket still stands for an introduction.
            None if self
                .overlays
                .get(&tag)
                .is_some_and(|o| o.degree() < self.config.max_peers) =>
            {
                self.accept(link, frame, tag, &open.state);
            }
            None => self.on_open_when_full(link, frame, tag, open),
        }
    }

    /// The splice in which this partner lets us go for the newcomer that it names.
    pub(super) fn take_splice(
        &mut self,
        tag: Tag,
        partner: LinkId,
        reason: CloseReason,
    ) -> Option<Splice> {
        let CloseReason::Replaced(newcomer) = reason else {
            return None;
        };
        let newcomer = self.linked.get(&newcomer).copied()?;
        let splices = &mut self.overlays.get_mut(&tag)?.activity.as_mut()?.splices;
        let at = splices
            .iter()
            .position(|s| s.newcomer == newcomer && s.partner == partner)?;
        Some(splices.remove(at))
    }

    /// A's part of a splice: the partner has let us go, and the newcomer gets its place.
    pub(super) fn end_splice(&mut self, tag: Tag, splice: &Splice) {
        let fits = self.overlays.get(&tag).is_some_and(|overlay| {
            overlay.neighbor(splice.newcomer).is_none() && overlay.degree() < self.config.max_peers
        });
        if fits {
            self.accept(splice.newcomer, splice.heard, tag, &splice.state);
        }
    }

    /// A neighbour asks for introductions.
    pub(super) fn on_seek(&mut self, link: LinkId, tag: Tag, purpose: Purpose) {
        // Who does not take what it asked for gets no more of it.
        let backlog = self
            .links
            .get(&link)
            .map_or(0, |link| link.outbound.backlog());
        let Some(overlay) = self
            .overlays
            .get(&tag)
            .filter(|o| o.active() && backlog < MAX_BACKLOG)
            .filter(|o| {
                let guides = purpose == Purpose::Subscriber && self.proved(tag, link);
                guides || o.neighbor(link).is_some()
            })
        else {
            return;
        };
        let others: Vec<LinkId> = overlay
            .present()
            .map(|n| n.link)
            .filter(|other| *other != link)
            .collect();
        match purpose {
            Purpose::Acquaintance => {
                for other in self
                    .strangers(tag, link, others)
                    .into_iter()
                    .take(GENEROSITY)
                {
                    self.introduce(tag, link, other, Purpose::Acquaintance, false);
                    self.introduce(tag, other, link, Purpose::Acquaintance, false);
                }
            }
            Purpose::Subscriber => {
                if let Some((target, purpose)) = self.guide(tag, link) {
                    self.introduce(tag, link, target, purpose, false);
                }
            }
            Purpose::Heal if overlay.election.upstream == Some(link) => {
                self.probe_here_or_below(tag, 0);
            }
            Purpose::Heal | Purpose::Guide => {}
            Purpose::Neighbor | Purpose::Bridge => {
                let strangers = self.strangers(tag, link, others);
                let at = self.draw(tag, strangers.len());
                if let Some(&target) = strangers.get(at) {
                    self.introduce(tag, link, target, Purpose::Neighbor, false);
                }
            }
        }
    }

    /// Of some links, those to whose nodes the peer was not introduced on this link for this
    /// document.
    fn strangers(&self, tag: Tag, to: LinkId, links: Vec<LinkId>) -> Vec<LinkId> {
        let Some(link) = self.links.get(&to) else {
            return Vec::new();
        };
        let strange = |other: &LinkId| {
            self.links
                .get(other)
                .is_some_and(|other| !link.introduced.contains(&(other.node, tag)))
        };
        links.into_iter().filter(strange).collect()
    }

    /// True if the peer has shown that it knows the document's id.
    fn proved(&self, tag: Tag, link: LinkId) -> bool {
        let Some(link) = self.links.get(&link) else {
            return false;
        };
        let known = self.peers.known.get(&link.node);
        link.proven == Some(tag) || known.is_some_and(|peer| peer.grounds.contains(tag))
    }

    /// Rule *Climb*: where a subscriber finds a subscribing upstream, or a comment somebody who
    /// takes it: at one of our subscribing neighbours, for a subscriber one with a better label;
    /// else further up.
    fn guide(&mut self, tag: Tag, seeker: LinkId) -> Option<(LinkId, Purpose)> {
        let overlay = self.overlays.get(&tag)?;
        let own = (&overlay.election.root, overlay.election.distance);
        let asks = overlay
            .neighbor(seeker)
            .filter(|asks| asks.mode.subscribes());
        let distance = asks.map(|asks| asks.distance.max(1));
        let reaches = |n: &&Neighbor| {
            let nearer = |distance| n.root.as_ref() == Some(own.0) && n.distance < distance;
            n.link != seeker && distance.is_none_or(|distance| !n.frozen() && nearer(distance))
        };
        // A subscriber that asks a subscriber follows, and wants who follows.
        let least = asks.map(|asks| asks.mode.min(overlay.mode.above()));
        let enough = |n: &&Neighbor| least.is_none_or(|least| n.mode >= least);
        let nearer = overlay.subscribers().filter(reaches).filter(enough);
        let nearer: Vec<&Neighbor> = nearer.collect();
        let most = nearer.iter().map(|n| n.mode).max();
        let best = nearer
            .iter()
            .filter(|n| asks.is_none() || Some(n.mode) == most);
        let choice: Vec<LinkId> = best.map(|n| n.link).collect();
        let there = |link: &LinkId| *link != seeker && overlay.present().any(|n| n.link == *link);
        let upstream = overlay.election.upstream.filter(there);
        let at = self.draw(tag, choice.len());
        let subscriber = choice.get(at).map(|link| (*link, Purpose::Subscriber));
        subscriber.or(upstream.map(|link| (link, Purpose::Guide)))
    }
}
