//! Sending: turns what links have to say into frames, and keeps their deadlines.

use super::Core;
use super::contact::Ending;
use crate::config::CREDIT_UNIT;
use crate::deadline::Alarm;
use crate::effect::Effect;
use crate::id::Tag;
use crate::link::LinkId;
use crate::message::{Frame, Message, Packet};
use crate::overlay::QUEUED;
use crate::overlay::neighbor::TOLD;
use crate::time::Time;
use std::time::Duration;

impl Core {
    /// Sends all that a link has to say and the window allows.
    pub(super) fn flush(&mut self, link: LinkId) {
        while self.stands(link) {
            self.queue_states(link);
            self.queue_bodies(link);
            if !self.send_frame(link) {
                break;
            }
        }
        self.acknowledge_if_due(link);
        self.schedule_link(link);
    }

    fn stands(&self, link: LinkId) -> bool {
        let link = self.links.get(&link);
        link.is_some_and(|link| link.absence.is_none())
    }

    /// Puts the present state of every dirty overlay into the queue.
    fn queue_states(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        // An acknowledgement says that we have answered (rule *Done*): no state waits for it.
        let due = link.inbound.acknowledges(self.now) || !link.outbound.is_empty();
        let due = link.states_at.is_some_and(|at| due || at <= self.now);
        if !due || !link.outbound.has_window() {
            return;
        }
        link.states_at = None;
        let mut told = Vec::new();
        for tag in std::mem::take(&mut link.dirty) {
            let Some(overlay) = self.overlays.get_mut(&tag) else {
                continue;
            };
            let mark = overlay.mark_for(link_id);
            let Some(neighbor) = overlay.neighbor(link_id) else {
                continue;
            };
            let (shown, unresolved) = (neighbor.shown, neighbor.unresolved());
            let state = overlay.state_for(link_id, shown, unresolved);
            let short = overlay.election.root.short;
            if let Some(neighbor) = overlay.neighbor_mut(link_id) {
                neighbor.sent = mark;
                neighbor.shown = short;
                neighbor.flight = QUEUED;
                neighbor.flags |= TOLD;
            }
            told.push(tag);
            link.outbound.push(Message::State(tag, state), Some(tag));
        }
        told.into_iter().for_each(|tag| self.state_stale(tag));
    }

    /// Builds and sends one frame; false if there was none to send.
    fn send_frame(&mut self, link_id: LinkId) -> bool {
        let credit = self.credit();
        let Some(link) = self.links.get_mut(&link_id) else {
            return false;
        };
        if !link.outbound.has_window() {
            return false;
        }
        let Some(sent) = link.outbound.build(self.now) else {
            return false;
        };
        let (number, messages, states) =
            (sent.number(), sent.messages().to_vec(), sent.states.clone());
        let acks = if link.outbound.is_empty() {
            link.inbound.take_few_acknowledgements(self.now)
        } else {
            Vec::new()
        };
        link.inbound.told_credit = credit;
        let channel = link.channel;
        for tag in states {
            if let Some(neighbor) = self
                .overlays
                .get_mut(&tag)
                .and_then(|overlay| overlay.neighbor_mut(link_id))
                && neighbor.flight == QUEUED
            {
                neighbor.flight = number;
            }
        }
        self.counters.messages += messages.len() as u64;
        self.counters.frames += 1;
        self.effects.push(Effect::Send(
            channel,
            Packet::Frame(Frame {
                number,
                acks,
                credit,
                messages,
            }),
        ));
        true
    }

    /// Sends a frame of acknowledgements alone, if they can wait no longer.
    fn acknowledge_if_due(&mut self, link_id: LinkId) {
        let credit = self.credit();
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        let due = link.inbound.acknowledge_at.is_some_and(|at| at <= self.now);
        if !due || link.absence.is_some() {
            return;
        }
        let acks = link.inbound.take_acknowledgements();
        link.inbound.told_credit = credit;
        link.outbound.sent_bare(self.now);
        let frame = Frame {
            number: link.outbound.last_number(),
            acks,
            credit,
            messages: Vec::new(),
        };
        self.counters.frames += 1;
        self.effects
            .push(Effect::Send(link.channel, Packet::Frame(frame)));
    }

    /// Sets the one deadline of a link.
    pub(super) fn schedule_link(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get(&link_id) else {
            self.deadlines.set(Alarm::Link(link_id), None);
            return;
        };
        if let Some(absence) = link.absence {
            let next = if link.used() {
                absence.next()
            } else {
                Some(self.now)
            };
            return self.deadlines.set(Alarm::Link(link_id), next);
        }
        let linger = link.unused_since.map(|since| since + self.config.linger);
        let dead = link
            .outbound
            .oldest()
            .map(|first| first + self.config.link_timeout);
        let idle = if dead.is_none() {
            Some(link.keep_alive_at(self.id > link.node))
        } else {
            None
        };
        let states = link.states_at.filter(|_| link.outbound.has_window());
        let next: Option<Time> = [
            states,
            link.audit_at.filter(|_| dead.is_none()),
            link.comparison.at.filter(|_| dead.is_none()),
            link.inbound.acknowledge_at,
            link.outbound.next_resend(),
            dead,
            idle,
            linger,
        ]
        .into_iter()
        .flatten()
        .min();
        self.deadlines.set(Alarm::Link(link_id), next);
    }

    /// A link's deadline has come.
    pub(super) fn on_link_alarm(&mut self, link_id: LinkId) {
        self.active_links.insert(link_id);
        let longest = self.longest_keep_alive();
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if let Some(absence) = link.absence {
            return self.on_absence_alarm(link_id, absence);
        }
        let dead = link
            .outbound
            .oldest()
            .is_some_and(|first| first + self.config.link_timeout <= self.now);
        if dead {
            self.drop_link(link_id, Ending::Lost);
            return;
        }
        if link
            .unused_since
            .is_some_and(|since| since + self.config.linger <= self.now)
        {
            return self.close_if_idle(link_id);
        }
        let quiet = link.outbound.oldest().is_none();
        let idle = quiet && link.keep_alive_at(self.id > link.node) <= self.now;
        let doubtful = link.audit_at.is_some_and(|at| at <= self.now);
        if idle {
            link.stretch_keep_alive(longest);
        }
        if idle || (quiet && doubtful) {
            let audited = self.audit(link_id);
            if idle && !audited {
                self.say(link_id, Message::Ping);
            }
        }
        self.resend(link_id);
        let compares = |l: &crate::link::Link| l.comparison.at.is_some_and(|at| at <= self.now);
        if quiet && self.links.get(&link_id).is_some_and(compares) {
            self.compare_memories(link_id);
        }
    }

    /// No network has used the link for long: closes it, unless it was asked for a place that
    /// it may still give: the answer may take longer.
    fn close_if_idle(&mut self, link_id: LinkId) {
        let asks = |tag: &Tag| {
            let activity = self.overlays.get(tag).and_then(|o| o.activity.as_ref());
            activity.is_some_and(|a| a.opens.iter().any(|open| open.asked == Some(link_id)))
        };
        let asked = self.asked.get(&link_id);
        if !asked.is_some_and(|tags| tags.iter().any(asks)) {
            return self.close_link(link_id);
        }
        if let Some(link) = self.links.get_mut(&link_id) {
            link.unused_since = Some(self.now);
        }
    }

    /// The interval up to which keep-alives stretch, with as many links as there are.
    pub(super) fn longest_keep_alive(&self) -> Duration {
        let links = u32::try_from(self.linked.len()).unwrap_or(u32::MAX);
        let config = &self.config;
        config
            .keep_alive_pace
            .saturating_mul(links)
            .clamp(config.keep_alive_min, config.keep_alive_max)
    }

    fn resend(&mut self, link_id: LinkId) {
        let credit = self.credit();
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        let channel = link.channel;
        for mut frame in link.outbound.resend(self.now) {
            frame.credit = credit;
            self.counters.frames += 1;
            self.counters.retransmissions += 1;
            self.effects
                .push(Effect::Send(channel, Packet::Frame(frame)));
        }
    }

    /// How much this node is ready to take in on a link, in units of `CREDIT_UNIT`; the most
    /// that can be told if nothing waits here, since a frame leaves that out.
    pub(super) fn credit(&self) -> u8 {
        if self.delivery.pending_bytes() == 0 {
            return u8::MAX;
        }
        let free = self
            .config
            .admission_window
            .saturating_sub(self.delivery.pending_bytes());
        u8::try_from(free / CREDIT_UNIT).unwrap_or(u8::MAX)
    }

    /// Queues one message on a link.
    pub(super) fn say(&mut self, link_id: LinkId, message: Message) {
        if let Some(link) = self.links.get_mut(&link_id)
            && link.absence.is_none()
        {
            link.outbound.push(message, None);
            self.active_links.insert(link_id);
        }
    }
}
