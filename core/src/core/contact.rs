//! Contact: dialling, the handshake that proves both keys, and who may knock
//! (PROTOCOL.md, "Links" and *Contact*).

use super::Core;
use super::records::Parked;
use crate::config::{MIN_FRAME_LIMIT, VERSIONS};
use crate::crypto::prefix;
use crate::deadline::Alarm;
use crate::effect::{Effect, Record};
use crate::id::{Address, ChannelId, DocumentId, NodeId, PublicKey, Tag};
use crate::link::{Link, LinkId};
use crate::message::{Admission, AdmissionKind, Confirm, Hello, Packet, Welcome};
use crate::overlay::Overlay;
use crate::time::Time;
use crate::violation::Violation;

/// Why this node dials.
#[derive(Clone, Debug, Hash)]
pub(super) struct Errand {
    /// Whom; unknown when a user entered the address.
    peer: Option<NodeId>,
    address: Address,
    tag: Tag,
    kind: AdmissionKind,
}

/// What is known of the other side before the link stands.
#[derive(Clone, Debug, Hash)]
pub(super) struct Guest {
    node: NodeId,
    key: PublicKey,
    address: Address,
    tag: Tag,
    /// For which we ourselves knock at this address.
    knocked: Option<Tag>,
}

/// One transport connection.
#[derive(Clone, Debug, Hash)]
pub(super) enum Channel {
    /// Asked for.
    Dialing(Errand),
    /// Our Hello is out.
    Greeted {
        errand: Errand,
        binding: [u8; 32],
        frame_limit: usize,
        hello: [u8; 32],
        nonce: [u8; 16],
    },
    /// Somebody connected.
    Incoming {
        binding: [u8; 32],
        frame_limit: usize,
    },
    /// Our Welcome is out.
    Welcomed {
        guest: Guest,
        binding: [u8; 32],
        frame_limit: usize,
        welcome: [u8; 32],
        session: [u8; 32],
    },
    /// The link stands.
    Linked(LinkId),
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    /// The peer does not answer any more, or the transport failed.
    Lost,
    /// One of the two closed it on purpose.
    Closed,
    /// Another link to the same peer took its place.
    Replaced,
}

/// A handshake packet that is sent again until it is answered.
#[derive(Clone, Debug, Hash)]
pub(super) struct Repeat {
    until: Time,
    packet: Option<Packet>,
}

impl Core {
    /// Dials a known peer, unless it is linked or being dialled.
    pub(super) fn dial_peer(&mut self, peer: NodeId, tag: Tag, kind: AdmissionKind) {
        let Some(address) = self
            .peers
            .known
            .get(&peer)
            .map(|known| known.address.clone())
        else {
            return;
        };
        if self.linked.contains_key(&peer)
            || self.is_meeting(peer)
            || self.peers.refused(peer, self.now)
        {
            return;
        }
        // Who came in by this address may come in by it again, whatever the peer forgot.
        let sent = |overlay: &Overlay| overlay.doors.contains(&address);
        let kind = match kind {
            AdmissionKind::Reunion if self.overlays.get(&tag).is_some_and(sent) => {
                AdmissionKind::Bootstrap
            }
            other @ (AdmissionKind::Bootstrap
            | AdmissionKind::Introduced(_)
            | AdmissionKind::Reunion) => other,
        };
        self.dial(Errand {
            peer: Some(peer),
            address,
            tag,
            kind,
        });
    }

    /// Dials an address that a user entered, unless whoever lives there comes in just now.
    pub(super) fn dial_door(&mut self, address: Address, tag: Tag) {
        let coming = self
            .channels
            .all_shaking_mut()
            .find_map(|channel| match channel {
                Channel::Welcomed { guest, .. } if guest.address == address => Some(guest),
                Channel::Welcomed { .. }
                | Channel::Dialing(_)
                | Channel::Greeted { .. }
                | Channel::Incoming { .. }
                | Channel::Linked(_) => None,
            });
        if let Some(guest) = coming.filter(|guest| guest.knocked.is_none()) {
            guest.knocked = Some(tag);
            return;
        }
        self.dial(Errand {
            peer: None,
            address,
            tag,
            kind: AdmissionKind::Bootstrap,
        });
    }

    fn dial(&mut self, errand: Errand) {
        // Half of the places are for those who dial us.
        let dials = |(_, c): &(ChannelId, &Channel)| {
            matches!(c, Channel::Dialing(_) | Channel::Greeted { .. })
        };
        let dialling = self.channels.all_shaking().filter(dials).count();
        let max = self.config.max_links;
        if self.channels.len() >= max || dialling >= max / 2 {
            self.errand_failed(&errand);
            return;
        }
        let channel = ChannelId(self.next_channel);
        self.next_channel += 2;
        self.effects
            .push(Effect::Dial(channel, errand.address.clone()));
        self.open_channel(channel, Channel::Dialing(errand));
    }

    fn open_channel(&mut self, channel: ChannelId, state: Channel) {
        self.channels.insert(channel, state);
        let until = self.now + self.config.handshake_timeout;
        self.repeats.insert(
            channel,
            Repeat {
                until,
                packet: None,
            },
        );
        self.deadlines.set(Alarm::Handshake(channel), Some(until));
    }

    /// Sends a handshake packet, again and again until it is answered.
    fn send_repeatedly(&mut self, channel: ChannelId, packet: Packet) {
        self.effects.push(Effect::Send(channel, packet.clone()));
        let next = self.now + self.config.first_timeout;
        if let Some(repeat) = self.repeats.get_mut(&channel) {
            repeat.packet = Some(packet);
            self.deadlines
                .set(Alarm::Handshake(channel), Some(next.min(repeat.until)));
        }
    }

    fn end_handshake(&mut self, channel: ChannelId) {
        self.repeats.remove(&channel);
        self.deadlines.set(Alarm::Handshake(channel), None);
    }

    /// Who came in was never heard of again; we may have waited for it.
    fn guest_failed(&mut self, guest: &Guest) {
        let node = guest.node;
        if let Some(tag) = guest.knocked {
            self.on_door_shut(tag, &guest.address);
        }
        if !self.linked.contains_key(&node) && !self.is_meeting(node) {
            self.contact_failed(node, false);
        }
    }

    fn contact_failed(&mut self, peer: NodeId, refused: bool) {
        for tag in self.peers.awaited.remove(&peer).unwrap_or_default() {
            self.attempt_failed(tag, peer);
        }
        self.peer_failed(peer, refused);
    }

    /// A handshake with this peer is under way, whoever began it.
    pub(super) fn is_meeting(&self, peer: NodeId) -> bool {
        let comes = |(_, channel): (ChannelId, &Channel)| matches!(channel, Channel::Welcomed { guest, .. } if guest.node == peer);
        self.dialing(|errand| errand.peer == Some(peer)).is_some()
            || self.channels.all_shaking().any(comes)
    }

    /// A channel that is dialled for such an errand.
    fn dialing(&self, such: impl Fn(&Errand) -> bool) -> Option<ChannelId> {
        self.channels
            .all_shaking()
            .find_map(|(channel, state)| match state {
                Channel::Dialing(errand) | Channel::Greeted { errand, .. } if such(errand) => {
                    Some(channel)
                }
                Channel::Dialing(_)
                | Channel::Greeted { .. }
                | Channel::Incoming { .. }
                | Channel::Welcomed { .. }
                | Channel::Linked(_) => None,
            })
    }

    /// The transport says that a channel stands.
    pub(super) fn on_connected(
        &mut self,
        channel: ChannelId,
        frame_limit: usize,
        binding: [u8; 32],
    ) {
        // Who leaves still sends those who ask for a place on to others (rule *Leave*).
        let left = self.stopping && self.overlays.is_empty();
        let refused = frame_limit < MIN_FRAME_LIMIT || left;
        match self.channels.remove(channel) {
            Some(Channel::Dialing(errand)) if !refused => {
                self.greet(channel, errand, frame_limit, binding)
            }
            None if !refused && self.channels.len() < self.config.max_links => {
                self.open_channel(
                    channel,
                    Channel::Incoming {
                        binding,
                        frame_limit,
                    },
                );
            }
            Some(Channel::Dialing(errand)) => {
                self.errand_failed(&errand);
                self.hang_up(channel);
            }
            Some(
                Channel::Greeted { .. }
                | Channel::Incoming { .. }
                | Channel::Welcomed { .. }
                | Channel::Linked(_),
            )
            | None => self.hang_up(channel),
        }
    }

    fn greet(&mut self, channel: ChannelId, errand: Errand, frame_limit: usize, binding: [u8; 32]) {
        let Some(id) = self.overlays.get(&errand.tag).map(|overlay| overlay.id) else {
            self.hang_up(channel);
            self.errand_failed(&errand);
            return;
        };
        let nonce = self.nonce();
        let proof = self.admission_proof(&id, &nonce);
        let mut hello = Hello {
            version_min: VERSIONS.0,
            version_max: VERSIONS.1,
            nonce,
            key: self.key,
            address: self.address.clone(),
            admission: Admission {
                tag: errand.tag,
                proof,
                kind: errand.kind.clone(),
            },
            signature: crate::id::Signature::from_bytes(&[0; 64]),
        };
        let message = self.hello_message(&hello, &binding);
        hello.signature = self.suite.sign(&self.secret, &message);
        let state = Channel::Greeted {
            errand,
            binding,
            frame_limit,
            hello: message,
            nonce,
        };
        self.channels.insert(channel, state);
        self.send_repeatedly(channel, Packet::Hello(Box::new(hello)));
    }

    fn admission_proof(&self, id: &DocumentId, nonce: &[u8; 16]) -> [u8; 16] {
        prefix(&self.suite.hash("admission", &[&id.0, nonce]))
    }

    /// What a Hello's signature covers.
    fn hello_message(&self, hello: &Hello, binding: &[u8; 32]) -> [u8; 32] {
        let fields = (
            hello.version_min,
            hello.version_max,
            hello.nonce,
            hello.key,
            &hello.address,
            &hello.admission,
        );
        let bytes = postcard::to_allocvec(&fields).unwrap_or_default();
        self.suite.hash("hello", &[binding, &bytes])
    }

    fn welcome_message(&self, hello: &[u8; 32], welcome: &Welcome) -> [u8; 32] {
        self.suite.hash(
            "welcome",
            &[
                hello,
                &welcome.version.to_le_bytes(),
                &welcome.nonce,
                &welcome.key.0,
            ],
        )
    }

    fn session(&self, welcome: &[u8; 32], nonce: &[u8; 16]) -> [u8; 32] {
        self.suite.hash("session", &[welcome, nonce])
    }

    /// A packet came in.
    pub(super) fn on_packet(&mut self, channel: ChannelId, packet: Packet) {
        if let Some(link) = self.channels.link(channel) {
            return self.on_link_packet(link, packet);
        }
        match (self.channels.shaking(channel), packet) {
            (Some(Channel::Incoming { .. }), Packet::Hello(hello)) => {
                self.on_hello(channel, *hello)
            }
            (Some(Channel::Greeted { .. }), Packet::Welcome(welcome)) => {
                self.on_welcome(channel, &welcome)
            }
            (Some(Channel::Welcomed { .. }), Packet::Confirm(confirm)) => {
                self.on_confirm(channel, &confirm)
            }
            // A frame may overtake the Confirm, a handshake packet may come twice.
            (None | Some(_), _) => {}
        }
    }

    fn on_link_packet(&mut self, link: LinkId, packet: Packet) {
        match packet {
            Packet::Frame(frame) => self.on_frame(link, frame),
            Packet::Goodbye => self.drop_link(link, Ending::Closed),
            Packet::Welcome(_) => {
                // The Confirm was lost: the Welcome came again.
                let link = self.links.get(&link);
                let confirm = link.and_then(|link| Some((link.channel, link.confirm.clone()?)));
                if let Some((channel, confirm)) = confirm {
                    self.effects
                        .push(Effect::Send(channel, Packet::Confirm(confirm)));
                }
            }
            Packet::Hello(_) | Packet::Confirm(_) => {}
        }
    }

    /// Bytes that are no packet.
    pub(super) fn on_malformed(&mut self, channel: ChannelId) {
        if let Some(link) = self.channels.link(channel) {
            self.violation(link, Violation::Malformed);
        } else if self.channels.shaking(channel).is_some() {
            self.reject(channel, None, Violation::Malformed);
        }
    }

    fn reject(&mut self, channel: ChannelId, node: Option<NodeId>, violation: Violation) {
        self.counters.violations += 1;
        self.effects.push(Effect::Report(node, violation));
        self.abandon(channel);
    }

    /// A stranger introduces itself. Who is refused gets no answer but the closed channel.
    pub(super) fn on_hello(&mut self, channel: ChannelId, hello: Hello) {
        let Some(Channel::Incoming {
            binding,
            frame_limit,
        }) = self.channels.shaking(channel)
        else {
            return;
        };
        let (binding, frame_limit) = (*binding, *frame_limit);
        let message = self.hello_message(&hello, &binding);
        if hello.version_min > VERSIONS.1 || hello.version_max < VERSIONS.0 {
            return self.reject(channel, None, Violation::Version);
        }
        if !self.suite.verify(&hello.key, &message, &hello.signature) {
            return self.reject(channel, None, Violation::BadHandshake);
        }
        let node = self.suite.node_id(&hello.key);
        if node == self.id || self.peers.refused(node, self.now) {
            return self.abandon(channel);
        }
        let tag = hello.admission.tag;
        if self.is_cold(tag) {
            return self.park(tag, Parked::Hello(channel, Box::new(hello)));
        }
        if let Err(violation) = self.admit_guest(node, &hello) {
            return self.reject(channel, Some(node), violation);
        }
        let same = |errand: &Errand| match errand.peer {
            Some(peer) => peer == node,
            None => errand.address == hello.address,
        };
        let mut knocked = None;
        if let Some(own) = self.dialing(same) {
            // Both dialled at once.
            if self.stays(own, node, &hello.admission.kind) {
                return self.abandon(channel);
            }
            if let Some(Channel::Dialing(errand) | Channel::Greeted { errand, .. }) =
                self.channels.remove(own)
            {
                knocked = errand.peer.is_none().then_some(errand.tag);
            }
            self.hang_up(own);
        }
        let guest = Guest {
            node,
            key: hello.key,
            address: hello.address.clone(),
            tag,
            knocked,
        };
        self.welcome(channel, &hello, guest, (message, binding, frame_limit));
    }

    /// Of two calls that cross, the own one stays. One that nobody has answered yet gives way to
    /// one that has come: the address may be an old one. Who was sent by its user may not hold
    /// the document yet, and would then refuse the other's call: so that one must not stay alone.
    fn stays(&self, own: ChannelId, node: NodeId, theirs: &AdmissionKind) -> bool {
        let Some(Channel::Greeted { errand, .. }) = self.channels.shaking(own) else {
            return false;
        };
        let sent = |kind: &AdmissionKind| matches!(kind, AdmissionKind::Bootstrap);
        let own_sent = sent(&errand.kind);
        if own_sent == sent(theirs) {
            self.id < node
        } else {
            own_sent
        }
    }

    fn welcome(
        &mut self,
        channel: ChannelId,
        hello: &Hello,
        guest: Guest,
        given: ([u8; 32], [u8; 32], usize),
    ) {
        let (hello_message, binding, frame_limit) = given;
        let mut welcome = Welcome {
            version: VERSIONS.1.min(hello.version_max),
            nonce: self.nonce(),
            key: self.key,
            signature: crate::id::Signature::from_bytes(&[0; 64]),
        };
        let message = self.welcome_message(&hello_message, &welcome);
        welcome.signature = self.suite.sign(&self.secret, &message);
        let session = self.session(&message, &hello.nonce);
        self.channels.insert(
            channel,
            Channel::Welcomed {
                guest,
                binding,
                frame_limit,
                welcome: message,
                session,
            },
        );
        self.send_repeatedly(channel, Packet::Welcome(Box::new(welcome)));
    }

    /// Rule *Contact*: may this node make contact for this document?
    fn admit_guest(&mut self, node: NodeId, hello: &Hello) -> Result<(), Violation> {
        let admission = &hello.admission;
        let Some(overlay) = self.overlays.get(&admission.tag) else {
            return Err(Violation::Uninvited);
        };
        if !overlay.holds() || admission.proof != self.admission_proof(&overlay.id, &hello.nonce) {
            return Err(Violation::Uninvited);
        }
        match &admission.kind {
            // Who lost its disk knows nobody that knows it. The proof of the id is no less
            // than a Bootstrap shows.
            AdmissionKind::Bootstrap | AdmissionKind::Reunion => Ok(()),
            AdmissionKind::Introduced(ticket) => self.check_ticket(ticket, node, admission.tag),
        }
    }

    fn on_welcome(&mut self, channel: ChannelId, welcome: &Welcome) {
        let Some(Channel::Greeted {
            errand,
            binding,
            frame_limit,
            hello,
            nonce,
        }) = self.channels.shaking(channel)
        else {
            return;
        };
        let (errand, binding, frame_limit, hello, nonce) =
            (errand.clone(), *binding, *frame_limit, *hello, *nonce);
        let message = self.welcome_message(&hello, welcome);
        let node = self.suite.node_id(&welcome.key);
        let expected = errand.peer.is_none_or(|peer| peer == node) && node != self.id;
        let version = (VERSIONS.0..=VERSIONS.1).contains(&welcome.version);
        if !version
            || !expected
            || !self
                .suite
                .verify(&welcome.key, &message, &welcome.signature)
        {
            return self.reject(channel, None, Violation::BadHandshake);
        }
        let confirm = self.suite.hash("confirm", &[&binding, &message]);
        let confirm = Confirm {
            signature: self.suite.sign(&self.secret, &confirm),
        };
        self.effects
            .push(Effect::Send(channel, Packet::Confirm(confirm.clone())));
        let guest = Guest {
            node,
            key: welcome.key,
            address: errand.address.clone(),
            tag: errand.tag,
            knocked: None,
        };
        let session = self.session(&message, &nonce);
        let link = self.establish(channel, guest, session, frame_limit);
        if let Some(link) = self.links.get_mut(&link) {
            link.confirm = Some(confirm);
        }
        self.on_link_up(link, Some(errand.tag));
    }

    fn on_confirm(&mut self, channel: ChannelId, confirm: &Confirm) {
        let Some(Channel::Welcomed {
            guest,
            binding,
            frame_limit,
            welcome,
            session,
        }) = self.channels.shaking(channel)
        else {
            return;
        };
        let (guest, frame_limit, session) = (guest.clone(), *frame_limit, *session);
        let message = self.suite.hash("confirm", &[binding, welcome]);
        if !self.suite.verify(&guest.key, &message, &confirm.signature) {
            return self.reject(channel, Some(guest.node), Violation::BadHandshake);
        }
        let (tag, knocked, door) = (guest.tag, guest.knocked, guest.address.clone());
        let link = self.establish(channel, guest, session, frame_limit);
        if let Some(link) = self.links.get_mut(&link) {
            link.proven = Some(tag);
        }
        self.on_link_up(link, None);
        if let Some(tag) = knocked {
            self.on_door_open(tag, &door, link);
        }
    }

    /// Makes the link; an older one to the same node is lost.
    fn establish(
        &mut self,
        channel: ChannelId,
        guest: Guest,
        session: [u8; 32],
        frame_limit: usize,
    ) -> LinkId {
        if let Some(old) = self.linked.get(&guest.node) {
            self.drop_link(*old, Ending::Replaced);
        }
        self.note_peer(
            guest.node,
            Some(guest.key),
            guest.address.clone(),
            guest.tag,
        );
        // Who is remembered by the other side must not be forgotten here in a crash: it would
        // be refused when it comes back.
        if self.peers.unsaved.remove(&guest.node) {
            self.unsaved.insert(Record::Peer(guest.node));
        }
        let peer = (guest.node, guest.address);
        let mut link = Link::new(peer, channel, session, frame_limit, self.now, &self.config);
        let awaited = self.absent.remove(&guest.node);
        let old = awaited.and_then(|id| self.links.remove(&id));
        let id = awaited.unwrap_or(LinkId(self.next_link));
        if let Some(old) = old {
            link.take_over(old);
        } else {
            self.next_link += 1;
        }
        self.linked.insert(link.node, id);
        self.links.insert(id, link);
        self.channels.insert(channel, Channel::Linked(id));
        self.end_handshake(channel);
        self.active_links.insert(id);
        id
    }

    /// A link stands: ask what was waiting for it. `dialed_for` is set on the dialling side.
    fn on_link_up(&mut self, link_id: LinkId, dialed_for: Option<Tag>) {
        let Some(link) = self.links.get(&link_id) else {
            return;
        };
        let (node, address) = (link.node, link.address.clone());
        self.deadlines.set(Alarm::Redial(node), None);
        self.welcome_back(link_id);
        for tag in self.peers.awaited.remove(&node).unwrap_or_default() {
            self.ask_awaited(tag, node, link_id);
        }
        if let Some(tag) = dialed_for {
            self.on_door_open(tag, &address, link_id);
        }
        let Some(peer) = self.peers.known.get_mut(&node) else {
            return;
        };
        (peer.failures, peer.refusals, peer.calls) = (0, 0, 0);
        let mut lost = std::mem::take(&mut peer.lost);
        lost.retain(|tag| !self.is_neighbor(*tag, link_id));
        if dialed_for.is_some() {
            lost.into_iter().for_each(|tag| self.reopen(tag, node));
        } else {
            lost.into_iter()
                .for_each(|tag| self.expect_reopen(tag, node));
        }
    }

    /// The transport says that a channel is gone, or could not be made.
    pub(super) fn on_disconnected(&mut self, channel: ChannelId) {
        self.end_handshake(channel);
        match self.channels.remove(channel) {
            Some(Channel::Linked(link)) => self.drop_link(link, Ending::Lost),
            Some(Channel::Dialing(errand)) => self.errand_failed(&errand),
            Some(Channel::Greeted { errand, .. }) => self.errand_refused(&errand),
            Some(Channel::Welcomed { guest, .. }) => self.guest_failed(&guest),
            Some(Channel::Incoming { .. }) | None => {}
        }
    }

    /// A handshake waits: send its packet again, or give up.
    pub(super) fn on_handshake_timeout(&mut self, channel: ChannelId) {
        let Some(repeat) = self.repeats.get_mut(&channel) else {
            return;
        };
        match (repeat.until > self.now)
            .then(|| repeat.packet.take())
            .flatten()
        {
            Some(packet) => self.send_repeatedly(channel, packet),
            None => self.abandon(channel),
        }
    }

    /// Gives up a channel on which no link stands.
    fn abandon(&mut self, channel: ChannelId) {
        self.hang_up(channel);
        match self.channels.remove(channel) {
            Some(Channel::Dialing(errand) | Channel::Greeted { errand, .. }) => {
                self.errand_failed(&errand)
            }
            Some(Channel::Welcomed { guest, .. }) => self.guest_failed(&guest),
            Some(Channel::Incoming { .. } | Channel::Linked(_)) | None => {}
        }
    }

    pub(super) fn hang_up(&mut self, channel: ChannelId) {
        self.end_handshake(channel);
        self.effects.push(Effect::Hangup(channel));
    }

    fn errand_failed(&mut self, errand: &Errand) {
        match errand.peer {
            Some(peer) => self.contact_failed(peer, false),
            None => self.on_door_shut(errand.tag, &errand.address),
        }
    }

    /// Who was called hung up on our Hello.
    fn errand_refused(&mut self, errand: &Errand) {
        match errand.peer {
            Some(peer) if self.call_for_another(peer, errand.tag) => {}
            Some(peer) => self.contact_failed(peer, true),
            None => {
                self.on_door_shut(errand.tag, &errand.address);
                self.on_door_refused(errand.tag, &errand.address);
            }
        }
    }

    /// Who refused us on account of one document may not hold that one: if we were introduced
    /// for another, too, or had another in common, we call again for that. True if so.
    fn call_for_another(&mut self, peer: NodeId, refused: Tag) -> bool {
        if let Some(awaited) = self.peers.awaited.get_mut(&peer) {
            awaited.remove(&refused);
            self.attempt_failed(refused, peer);
        }
        let Some((tag, kind)) = self.other_ground(peer, refused) else {
            return false;
        };
        self.dial_peer(peer, tag, kind);
        self.is_meeting(peer)
    }

    fn other_ground(&mut self, peer: NodeId, refused: Tag) -> Option<(Tag, AdmissionKind)> {
        let awaited = self.awaited_ground(peer);
        awaited.or_else(|| Some((self.next_in_common(peer, refused)?, AdmissionKind::Reunion)))
    }

    /// Another document for which we wait for a peer, and why it may let us in.
    fn awaited_ground(&self, peer: NodeId) -> Option<(Tag, AdmissionKind)> {
        let known = self.peers.known.get(&peer);
        let awaits = |tag: &Tag| {
            let activity = self.overlays.get(tag)?.activity.as_ref()?;
            let open = activity.opens.iter().find(|open| open.peer == peer)?;
            let introduced = open.ticket.clone().map(AdmissionKind::Introduced);
            let met = known.filter(|known| self.met_for(peer, known, &[*tag]));
            let reunion = met.map(|_| AdmissionKind::Reunion);
            Some((*tag, introduced.or(reunion)?))
        };
        let awaited = self.peers.awaited.get(&peer);
        awaited.into_iter().flatten().find_map(awaits)
    }

    /// A link is gone, by a failure (`lost`) or because the other side said goodbye.
    pub(super) fn drop_link(&mut self, link_id: LinkId, ending: Ending) {
        if ending != Ending::Closed && self.worth_waiting(link_id) {
            self.await_link(link_id, ending);
        } else {
            self.end_link(link_id, ending);
        }
    }

    /// A link is gone for good.
    pub(super) fn end_link(&mut self, link_id: LinkId, ending: Ending) {
        let Some(link) = self.links.remove(&link_id) else {
            return;
        };
        if link.absence.is_some() {
            self.absent.remove(&link.node);
        } else {
            self.linked.remove(&link.node);
        }
        self.deadlines.set(Alarm::Link(link_id), None);
        if link.absence.is_none() && self.channels.remove(link.channel).is_some() {
            self.hang_up(link.channel);
        }
        if link.cold > 0 {
            self.ask_records(link.node);
        }
        for &tag in &link.documents {
            self.lose_neighbor(tag, link_id, link.node, ending);
        }
        self.give_up_attempts(link_id, link.node);
        if ending != Ending::Closed {
            self.lose_peer(link.node, link.documents);
        }
    }

    /// Closes a link that nothing needs.
    pub(super) fn close_link(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get(&link_id) else {
            return;
        };
        if link.absence.is_none() {
            self.effects
                .push(Effect::Send(link.channel, Packet::Goodbye));
        }
        self.drop_link(link_id, Ending::Closed);
    }

    /// A peer moved.
    pub(super) fn on_moved(&mut self, link_id: LinkId, address: Address) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        link.address = address.clone();
        let node = link.node;
        if let Some(peer) = self.peers.known.get_mut(&node) {
            peer.address = address;
            self.peer_changed(node);
        }
    }
}
