//! Receiving: acknowledgements, then each message of a new frame to its rule.

use super::Core;
use super::contact::Ending;
use super::records::Parked;
use crate::id::Tag;
use crate::link::{Intake, LinkId};
use crate::message::{Frame, Message};
use crate::violation::Violation;

/// Messages and frames waiting on a link beyond which a peer that goes on talking is taken for
/// one that does not read. As many as documents may wait (`send_queue`); a guess.
const MAX_UNREAD: usize = 65_536;

impl Core {
    /// A frame came in on a link.
    pub(super) fn on_frame(&mut self, link_id: LinkId, mut frame: Frame) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if frame.number == 0 && !frame.messages.is_empty() {
            self.violation(link_id, Violation::Malformed);
            return;
        }
        if link.outbound.backlog() > MAX_UNREAD {
            // Most of it answers what the peer asks faster than it reads.
            self.violation(link_id, Violation::Flood);
            return self.drop_link(link_id, Ending::Lost);
        }
        let intake = link.inbound.register(&frame, self.now, &self.config);
        self.active_links.insert(link_id);
        if intake == Intake::Drop {
            self.violation(link_id, Violation::Flood);
            return;
        }
        link.heard(self.now);
        link.outbound.set_credit(frame.credit);
        link.starved = false;
        // What a peer acknowledges it has answered before, or in the same frame.
        let acknowledged = link.inbound.acknowledgements(&mut frame);
        if intake == Intake::New {
            for message in frame.messages {
                self.on_message(link_id, frame.number, message);
            }
        }
        if !acknowledged.is_empty() {
            self.on_acknowledgements(link_id, &acknowledged);
        }
    }

    fn on_acknowledgements(&mut self, link_id: LinkId, ranges: &[(u32, u32)]) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        let mut done = Vec::new();
        let honest = link.outbound.acknowledge(ranges, self.now, &mut done);
        for sent in done {
            for &tag in &sent.states {
                let alone = |m: &Message| matches!(m, Message::State(told, _) if *told == tag);
                let pushed = !sent.messages().iter().any(alone);
                self.on_state_acknowledged(tag, link_id, sent.number(), pushed);
            }
        }
        if !honest {
            self.violation(link_id, Violation::BadAck);
        }
    }

    fn on_state_acknowledged(&mut self, tag: Tag, link_id: LinkId, number: u32, pushed: bool) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let Some(neighbor) = overlay.neighbor_mut(link_id) else {
            return;
        };
        if neighbor.flight == number {
            neighbor.flight = 0;
            let frozen = overlay.election.frozen();
            let owes = overlay.neighbor(link_id).is_some_and(|n| overlay.owes(n));
            if frozen || owes {
                self.touch(tag);
            }
        }
        if pushed {
            self.hand_over(tag);
        }
    }

    /// One message of a new frame.
    pub(super) fn on_message(&mut self, link: LinkId, frame: u32, message: Message) {
        if !self.links.contains_key(&link) {
            return;
        }
        if let Some(tag) = message.network()
            && self.must_park(tag, &message)
        {
            self.park(tag, Parked::Message(link, frame, Box::new(message)));
            return;
        }
        match message {
            Message::State(tag, state) => self.on_state(link, frame, tag, &state),
            Message::Open(tag, open) => self.on_open(link, frame, tag, *open),
            Message::Close(tag, reason) => self.on_close(link, frame, tag, reason),
            Message::Introduce(tag, introduction) => self.on_introduce(link, tag, *introduction),
            Message::Seek(tag, purpose) => self.on_seek(link, tag, purpose),
            Message::Push(push) => self.on_push(link, frame, *push),
            Message::Digest(tag, digest) => self.on_digest(link, tag, digest),
            Message::Reconcile(tag, ranges) => self.on_reconcile(link, tag, &ranges),
            Message::Want(tag, tags) => self.on_want(link, tag, &tags),
            Message::Lack(tag, tags) => self.on_lack(link, tag, &tags),
            Message::Fragment(fragment) => self.on_fragment(link, frame, fragment),
            Message::Ping => self.on_ping(link),
            Message::Moved(address) => self.on_moved(link, address),
            Message::Audit(ranges) => self.on_audit(link, &ranges),
            Message::Root(tag, short, answer) => self.on_root(link, tag, short, answer),
            Message::Resume(memory, digest) => self.on_resume(link, memory, digest),
            Message::Compare(ranges) => self.on_compare(link, &ranges),
        }
    }

    /// The peer's keep-alive serves for both.
    fn on_ping(&mut self, link_id: LinkId) {
        let longest = self.longest_keep_alive();
        if let Some(link) = self.links.get_mut(&link_id) {
            link.stretch_keep_alive(longest);
            self.audit(link_id);
        }
    }

    fn on_fragment(&mut self, link_id: LinkId, frame: u32, fragment: crate::message::Fragment) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        match link
            .assembly
            .take(fragment, self.now, self.config.link_timeout)
        {
            Ok(Some(message)) => self.on_message(link_id, frame, message),
            Ok(None) => {}
            Err(violation) => self.violation(link_id, violation),
        }
    }
}
