//! Leaving a network without cutting it and without staying as a relay
//! (PROTOCOL.md, *Leave*).
//!
//! A node on which no neighbour rests just goes: the tree stands without it.
//! Otherwise it introduces each downstream neighbour, and each newcomer, to its own
//! upstream and goes when none is left, or when its patience ends. An overlay root first
//! resigns, which makes it an ordinary node. Who asks for a place meanwhile is sent on.

use super::Core;
use crate::effect::{Effect, Notification, Record};
use crate::id::Tag;
use crate::link::LinkId;
use crate::message::{CloseReason, Purpose, Rank};
use crate::overlay::{Neighbor, Stage};

impl Core {
    /// Nobody here wants the document any more.
    pub(super) fn start_leaving(&mut self, tag: Tag) {
        let key = self.own_key(Rank::Leaving);
        let until = self.now + self.config.leave_timeout;
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        if overlay.stage == Stage::Leaving {
            return;
        }
        self.lose_absent(tag);
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        overlay.stage = Stage::Leaving;
        overlay.activity = None;
        overlay.activity().leave_until = Some(until);
        if overlay.dependents().next().is_some() {
            overlay.key = key;
            self.elect(tag);
        }
        self.leave_step(tag);
    }

    /// The user no longer wants what has not come yet.
    pub(super) fn give_up_joining(&mut self, tag: Tag) {
        self.finish_leaving(tag);
    }

    /// Goes if it can; else lets those below find another way.
    pub(super) fn leave_step(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let patient = overlay
            .activity
            .as_ref()
            .and_then(|a| a.leave_until)
            .is_some_and(|until| self.now < until);
        if overlay.dependents().next().is_none() || !patient {
            self.finish_leaving(tag);
            return;
        }
        let Some(upstream) = overlay
            .election
            .upstream
            .filter(|_| !overlay.election.frozen())
        else {
            return;
        };
        let below = overlay.dependents().map(|n| n.link);
        let below: Vec<LinkId> = below.filter(|link| *link != upstream).collect();
        let bridged = overlay.activity.as_ref().map_or(&[][..], |a| &a.bridged);
        let waiting: Vec<LinkId> = below
            .iter()
            .copied()
            .filter(|link| !bridged.contains(link))
            .collect();
        let replaces = below.len() == 1;
        for link in waiting {
            self.introduce(tag, link, upstream, Purpose::Bridge, replaces);
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.activity().bridged.push(link);
            }
        }
    }

    /// A newcomer asks for a place in a network that we leave: sends it to a neighbour, drawn at
    /// random, since one of them may be gone without our knowledge, and the newcomer asks again.
    pub(super) fn send_on(&mut self, tag: Tag, newcomer: LinkId) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let others = overlay.present().map(|n| n.link);
        let others: Vec<LinkId> = others.filter(|link| *link != newcomer).collect();
        let at = self.draw(tag, others.len());
        if let Some(&target) = others.get(at) {
            self.introduce(tag, newcomer, target, Purpose::Heal, false);
        }
    }

    fn finish_leaving(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let links: Vec<LinkId> = overlay
            .neighbors
            .iter()
            .map(|n: &Neighbor| n.link)
            .collect();
        for link in links {
            self.close(tag, link, CloseReason::Left);
        }
        let Some(overlay) = self.overlays.remove(&tag) else {
            return;
        };
        if self.stopping {
            self.stop_if_done();
            return;
        }
        self.unsaved.remove(&Record::Overlay(tag));
        self.cold.delete(tag);
        self.effects.push(Effect::Delete(overlay.id, tag));
        self.notify(Notification::Gone(overlay.id));
    }
}
