//! A hostile node's tricks, one after another, between its core and the wire.

use super::stage::{OWN_CHANNELS, Stage};
use super::{Trick, trick};
use crate::host::Behavior;
use crate::scenario::Adversary;
use bytes::Bytes;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Message, Packet};
use cliqueclique_core::time::Time;
use cliqueclique_core::wire::encoded_len;
use cliqueclique_core::{Effect, Input};
use rand::RngExt;
use std::time::Duration;

/// Encoded bytes of a frame besides its messages and acknowledgements, from above.
const FRAME: usize = 64;

/// One trick with its times.
#[derive(Debug)]
struct Act {
    name: &'static str,
    trick: Box<dyn Trick>,
    from: Time,
    until: Time,
    interval: Duration,
    next: Time,
    done: u64,
}

impl Act {
    fn is_on(&self, now: Time) -> bool {
        self.from <= now && now < self.until
    }
}

/// All tricks of one node.
#[derive(Debug)]
pub(super) struct Chain {
    stage: Stage,
    acts: Vec<Act>,
    frame_limit: usize,
    /// Acts not yet taken note of.
    fresh: u64,
}

impl Chain {
    /// Tricks of all these tables, in their order.
    pub(super) fn new(mut stage: Stage, parts: &[&Adversary], frame_limit: usize) -> Self {
        let mut acts = Vec::new();
        for part in parts {
            let interval = Duration::from_secs_f64(1.0 / part.rate);
            for &name in &part.behaviors {
                let from = Time::ZERO + part.from;
                acts.push(Act {
                    name,
                    trick: trick(name, part),
                    from,
                    until: part
                        .until
                        .map_or(Time(u64::MAX), |until| Time::ZERO + until),
                    interval,
                    next: from + interval.mul_f64(stage.rng.random()),
                    done: 0,
                });
            }
        }
        Self {
            stage,
            acts,
            frame_limit,
            fresh: 0,
        }
    }

    /// Lets each trick that is on do something.
    fn each(&mut self, mut part: impl FnMut(&mut dyn Trick, &mut Stage) -> bool) -> bool {
        let now = self.stage.now;
        let mut goes_on = true;
        for act in &mut self.acts {
            if goes_on && act.is_on(now) {
                goes_on = part(&mut *act.trick, &mut self.stage);
                let done = std::mem::take(&mut self.stage.done);
                act.done += done;
                self.fresh += done;
            }
        }
        goes_on
    }

    /// A packet of the own core, as the tricks leave it.
    fn leave(&mut self, channel: ChannelId, mut packet: Packet, out: &mut Vec<Effect>) {
        self.stage.note_leaving(channel, &packet);
        if !self.each(|trick, stage| trick.leaving(stage, channel, &mut packet)) {
            return;
        }
        if let Packet::Frame(frame) = &mut packet {
            let spilled = spill(&mut frame.messages, self.frame_limit);
            self.stage.line(channel).renumber(frame);
            for message in spilled {
                self.stage.say(channel, message);
            }
        }
        out.push(Effect::Send(channel, packet));
    }

    /// What tricks do by themselves.
    fn act(&mut self) {
        let now = self.stage.now;
        for act in &mut self.acts {
            if !act.is_on(now) || act.next > now {
                continue;
            }
            act.next = now + act.interval;
            act.trick.act(&mut self.stage);
            let done = std::mem::take(&mut self.stage.done);
            act.done += done;
            self.fresh += done;
        }
    }
}

impl Behavior for Chain {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.stage.now = now;
        let mut out = Vec::with_capacity(effects.len());
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(channel, packet) => self.leave(channel, packet, &mut out),
                other => {
                    self.stage.note_effect(&other);
                    out.push(other);
                }
            }
        }
        self.act();
        self.stage.drain(self.frame_limit, &mut out);
        *effects = out;
    }

    fn input(&mut self, mut input: Input) -> Option<Input> {
        if let Some(channel) = own_channel(&input) {
            self.each(|trick, stage| {
                trick.own(stage, channel, &input);
                true
            });
            // Effects are asked for only after an input.
            return Some(Input::Wake);
        }
        self.stage.note_input(&input);
        if let Input::Received(channel, packet) = &mut input {
            let channel = *channel;
            if !self.each(|trick, stage| trick.coming(stage, channel, packet)) {
                return Some(Input::Wake);
            }
            if let Packet::Frame(frame) = packet {
                self.stage.line(channel).hear(frame);
            }
        }
        Some(input)
    }

    fn next(&self) -> Option<Time> {
        // Who stood still until its time was over does nothing more, and wakes nobody.
        let now = self.stage.now;
        let acts = self.acts.iter().filter(|act| act.next.max(now) < act.until);
        let own = acts.map(|act| act.next).min();
        own.into_iter().chain(self.stage.next()).min()
    }

    fn bytes(&mut self) -> Vec<(ChannelId, Bytes)> {
        std::mem::take(&mut self.stage.junk)
    }

    fn fresh_acts(&mut self) -> u64 {
        std::mem::take(&mut self.fresh)
    }

    fn tally(&self) -> Vec<(&'static str, u64)> {
        self.acts.iter().map(|act| (act.name, act.done)).collect()
    }
}

/// The channel of an input, if a trick dialled it.
fn own_channel(input: &Input) -> Option<ChannelId> {
    let channel = match input {
        Input::Connected { channel, .. }
        | Input::Disconnected(channel)
        | Input::Received(channel, _)
        | Input::Malformed(channel, _) => *channel,
        _ => return None,
    };
    (channel.0 >= OWN_CHANNELS).then_some(channel)
}

/// Takes out of a frame what does not fit any more. A frame that was numbered
/// must not become bare, so one message always stays.
fn spill(messages: &mut Vec<Message>, limit: usize) -> Vec<Message> {
    let mut room = limit.saturating_sub(FRAME + 10 * 32);
    let fits = messages
        .iter()
        .take_while(|message| {
            let length = encoded_len(*message);
            let fits = length <= room;
            room = room.saturating_sub(length);
            fits
        })
        .count();
    messages.split_off(fits.max(1).min(messages.len()))
}
