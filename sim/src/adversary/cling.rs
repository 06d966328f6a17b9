//! `cling`: never lets go. It hears no Close and says none, does not give its
//! place up in a splice, and claims each relation again and again.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::{ChannelId, Tag};
use cliqueclique_core::message::{Message, Packet, State};
use std::collections::{BTreeMap, BTreeSet};

/// The trick, with the last state told to each, and relations that a peer ended.
#[derive(Debug, Default)]
pub(super) struct Cling {
    told: BTreeMap<(ChannelId, Tag), State>,
    ended: BTreeSet<(ChannelId, Tag)>,
}

impl Trick for Cling {
    fn coming(&mut self, stage: &mut Stage, from: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            if let Message::Close(tag, _) = message {
                self.ended.insert((from, *tag));
                *message = Message::Ping;
                stage.done();
            }
        }
        true
    }

    fn act(&mut self, stage: &mut Stage) {
        for (channel, tag) in std::mem::take(&mut self.ended) {
            if let Some(state) = self.told.get(&(channel, tag)) {
                stage.say(channel, Message::State(tag, state.clone()));
                stage.done();
            }
        }
    }

    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        for message in &mut frame.messages {
            match message {
                Message::State(tag, state) => {
                    self.told.insert((to, *tag), state.clone());
                }
                Message::Close(..) => {
                    *message = Message::Ping;
                    stage.done();
                }
                _ => {}
            }
        }
        true
    }
}
