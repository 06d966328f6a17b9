//! `eclipse`: surrounds one victim with fellows. They introduce each other to it
//! and nobody else, ask it for places as from another part of the network, so
//! that it lets go of honest neighbours, and pass nothing on to it.

use super::flood_introductions::introduce;
use super::stage::Stage;
use super::{Trick, claims, proof};
use crate::snapshot::Index;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Message, Mode, Open, Packet, Purpose};
use rand::RngExt;

/// The trick.
#[derive(Debug)]
pub(super) struct Eclipse {
    victim: Index,
}

impl Eclipse {
    /// The trick with this victim.
    pub(super) fn new(victim: Index) -> Self {
        Self { victim }
    }

    fn is_victim(&self, stage: &Stage, channel: ChannelId) -> bool {
        let peer = stage.lines.get(&channel).and_then(|line| line.peer);
        peer.is_some() && peer == stage.ring.node(self.victim)
    }

    /// Asks the victim for a place as the root of another part, so that it makes room.
    fn press(&self, stage: &mut Stage, channel: ChannelId) {
        for (_, tag) in stage.relations_with(channel) {
            let session = stage.lines.get(&channel).and_then(|line| line.session);
            let document = stage.documents.get(&tag).cloned();
            let (Some(session), Some(document)) = (session, document) else {
                continue;
            };
            let claim = claims::plain(stage, &document);
            let open = Open {
                proof: proof::open(&*stage.suite, &document.id(), &session),
                state: claims::reign(claim, Mode::Follow),
                ticket: None,
                heal: true,
            };
            stage.say(channel, Message::Open(tag, Box::new(open)));
            stage.done();
        }
    }
}

impl Trick for Eclipse {
    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let victim = self.is_victim(stage, to);
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            let hide = match message {
                Message::Push(_) | Message::Fragment(_) | Message::Digest(..) => victim,
                Message::Introduce(_, introduction) if victim => {
                    !stage.ring.is_fellow(introduction.peer)
                }
                Message::Introduce(_, introduction) => {
                    Some(introduction.peer) == stage.ring.node(self.victim)
                }
                _ => false,
            };
            if hide {
                *message = Message::Ping;
                stage.done();
            }
        }
        true
    }

    fn act(&mut self, stage: &mut Stage) {
        for channel in stage.channels() {
            if !self.is_victim(stage, channel) {
                continue;
            }
            self.press(stage, channel);
            let fellows = stage.ring.others(stage.id);
            if fellows.is_empty() {
                continue;
            }
            let fellow = fellows[stage.rng.random_range(0..fellows.len())].clone();
            for (_, tag) in stage.relations_with(channel) {
                let who = (fellow.node, fellow.address.clone());
                introduce(stage, channel, tag, who, Purpose::Neighbor);
            }
        }
    }
}
