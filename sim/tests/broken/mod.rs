//! Cores that are broken on purpose, each in one way: the checkers must catch them, and the swarm
//! must find them.

#![allow(
    dead_code,
    reason = "each test that uses this module uses a part of it"
)]

use bytes::Bytes;
use cliqueclique_core::id::{Address, ChannelId, DocumentId, PublicKey, Signature, Tag};
use cliqueclique_core::message::{
    self, AdmissionKind, Frame, Hello, Message, Mode, Packet, Purpose, Rank, RootRef, STATE_FROZEN,
    STATE_UPSTREAM, SetDigest, State,
};
use cliqueclique_core::time::Time;
use cliqueclique_core::{Admission, Command, Config, Effect, Input};
use cliqueclique_sim::host::Behavior;
use std::collections::{BTreeSet, VecDeque};

/// Throws away every comment that comes.
pub(crate) fn throws_comments_away() -> Box<dyn Behavior> {
    ignores_messages(is_comment)
}

/// Never pushes a comment.
pub(crate) fn never_pushes() -> Box<dyn Behavior> {
    sends(|_, message| {
        if is_comment(&message) {
            vec![]
        } else {
            vec![message]
        }
    })
}

/// Does not let go of what its user forgets.
pub(crate) fn ignores_forget() -> Box<dyn Behavior> {
    ignores_commands(|command| matches!(command, Command::Forget(_)))
}

/// Does not change its part as its user wishes.
pub(crate) fn ignores_wishes() -> Box<dyn Behavior> {
    ignores_commands(|command| matches!(command, Command::Subscribe(..)))
}

/// Talks about a document with every keep-alive.
pub(crate) fn chatters() -> Box<dyn Behavior> {
    let mut known = None;
    sends(move |_, message: Message| {
        if let Message::Digest(tag, _) | Message::State(tag, _) = &message {
            known = Some(*tag);
        }
        let ping = matches!(message, Message::Ping);
        let extra = known
            .filter(|_| ping)
            .map(|tag| Message::Digest(tag, SetDigest::default()));
        std::iter::once(message).chain(extra).collect()
    })
}

/// Tells everybody the names of all documents that it ever spoke about.
pub(crate) fn tells_names() -> Box<dyn Behavior> {
    let mut known: BTreeSet<Tag> = BTreeSet::new();
    sends(move |_, message: Message| {
        if let Message::State(tag, _) = &message {
            known.insert(*tag);
        }
        known
            .iter()
            .map(|tag| Message::Seek(*tag, Purpose::Neighbor))
            .chain([message])
            .collect()
    })
}

/// Calls nodes that it was never introduced to.
pub(crate) fn calls_strangers() -> Box<dyn Behavior> {
    Box::new(Intruder::default())
}

/// Sends lists that are far too long.
pub(crate) fn floods() -> Box<dyn Behavior> {
    sends(|_, message: Message| {
        let tag = if let Message::State(tag, _) = &message {
            Some(*tag)
        } else {
            None
        };
        let extra = tag.map(|tag| Message::Want(tag, vec![tag; 5_000]));
        std::iter::once(message).chain(extra).collect()
    })
}

/// Claims to be three hops farther from the overlay root than it is.
pub(crate) fn lies_about_distance() -> Box<dyn Behavior> {
    sends(|_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            state.distance += 3;
        }
        vec![message]
    })
}

/// Tells nobody that it is frozen.
pub(crate) fn hides_freezes() -> Box<dyn Behavior> {
    sends(|_, message: Message| {
        let frozen =
            matches!(&message, Message::State(_, state) if state.flags & STATE_FROZEN != 0);
        if frozen { vec![] } else { vec![message] }
    })
}

/// Claims to be next to the overlay root and to follow nobody, for ever.
pub(crate) fn claims_to_be_near() -> Box<dyn Behavior> {
    sends(|_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            state.distance = state.distance.min(1);
            state.flags &= !(STATE_UPSTREAM | STATE_FROZEN);
        }
        vec![message]
    })
}

/// Asks to be a neighbour, does not hear the answers, and never says that it gave up.
pub(crate) fn deaf() -> Box<dyn Behavior> {
    Box::new(Deaf)
}

/// Asks nobody to be its neighbour and answers nobody who asks.
pub(crate) fn refuses_neighbors() -> Box<dyn Behavior> {
    sends(|_, message: Message| {
        if matches!(message, Message::Open(..) | Message::State(..)) {
            vec![]
        } else {
            vec![message]
        }
    })
}

/// Says that it subscribes, whether it does or not.
pub(crate) fn pretends_to_subscribe() -> Box<dyn Behavior> {
    sends(|_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            // A mere subscriber is no upstream for those who follow (rule *Climb*).
            state.flags |= Mode::Follow as u8;
        }
        vec![message]
    })
}

/// Sends every comment twice.
pub(crate) fn sends_twice() -> Box<dyn Behavior> {
    sends(|_, message: Message| {
        if is_comment(&message) {
            vec![message.clone(), message]
        } else {
            vec![message]
        }
    })
}

/// Tells nobody that an overlay root does not subscribe any more, nor compares what would show it.
pub(crate) fn hides_resignations() -> Box<dyn Behavior> {
    sends(|_, mut message: Message| {
        let shows = matches!(
            message,
            Message::Audit(_) | Message::Compare(_) | Message::Root(..)
        );
        if shows || state_of(&mut message).is_some_and(|state| resigns(state)) {
            vec![]
        } else {
            vec![message]
        }
    })
}

fn resigns(state: &State) -> bool {
    let claim = if let RootRef::Full(claim) = &state.root {
        Some(claim)
    } else {
        None
    };
    state.flags & STATE_FROZEN != 0 || claim.is_some_and(|claim| claim.rank < Rank::Subscriber)
}

/// Takes two neighbours more for each document than its user allows.
pub(crate) fn takes_too_many() -> Box<dyn Behavior> {
    Box::new(Greedy)
}

/// Says that what comes is stored, and does not store it.
pub(crate) fn stores_nothing() -> Box<dyn Behavior> {
    Box::new(Forgetful::default())
}

#[derive(Debug)]
struct Greedy;

impl Behavior for Greedy {
    fn effects(&mut self, _: Time, _: &mut Vec<Effect>) {}
    fn input(&mut self, input: Input) -> Option<Input> {
        Some(input)
    }
    fn settings(&self, config: &mut Config) {
        config.max_peers += 2;
        config.min_peers = config.max_peers;
    }
}

#[derive(Debug, Default)]
struct Forgetful {
    now: Time,
    /// Documents that came in pushes.
    pushed: BTreeSet<Bytes>,
    /// What is still to be called stored.
    stored: VecDeque<DocumentId>,
}

impl Behavior for Forgetful {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.now = now;
        effects.retain(|effect| {
            let Effect::Admit(document) = effect else {
                return true;
            };
            let came = self.pushed.remove(document.bytes());
            if came {
                self.stored.push_back(document.id());
            }
            !came
        });
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        if let Input::Received(_, Packet::Frame(frame)) = &input {
            let push = |message: &Message| {
                if let Message::Push(push) = message {
                    Some(push.document.clone())
                } else {
                    None
                }
            };
            self.pushed.extend(frame.messages.iter().filter_map(push));
        }
        if let (Input::Wake, Some(id)) = (&input, self.stored.front()) {
            let stored = Input::Admitted(*id, Admission::Stored);
            self.stored.pop_front();
            return Some(stored);
        }
        Some(input)
    }
    fn next(&self) -> Option<Time> {
        (!self.stored.is_empty()).then_some(self.now)
    }
}

/// Changes each message that a node sends; `None` drops it.
struct Send<F>(F);

impl<F> std::fmt::Debug for Send<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Send")
    }
}

impl<F: FnMut(Time, Message) -> Vec<Message>> Behavior for Send<F> {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for frame in effects.iter_mut().filter_map(frame_of) {
            let messages = std::mem::take(&mut frame.messages);
            frame.messages = messages
                .into_iter()
                .flat_map(|message| (self.0)(now, message))
                .collect();
        }
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        Some(input)
    }
}

fn sends<F: FnMut(Time, Message) -> Vec<Message> + 'static>(change: F) -> Box<dyn Behavior> {
    Box::new(Send(change))
}

fn frame_of(effect: &mut Effect) -> Option<&mut Frame> {
    if let Effect::Send(_, Packet::Frame(frame)) = effect {
        Some(frame)
    } else {
        None
    }
}

/// Keeps some inputs from a core, and some messages out of the others.
struct Ignore<I, M>(I, M);

impl<I, M> std::fmt::Debug for Ignore<I, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ignore")
    }
}

impl<I: FnMut(&Input) -> bool, M: FnMut(&Message) -> bool> Behavior for Ignore<I, M> {
    fn effects(&mut self, _: Time, _: &mut Vec<Effect>) {}
    fn input(&mut self, mut input: Input) -> Option<Input> {
        if (self.0)(&input) {
            return None;
        }
        if let Input::Received(_, Packet::Frame(frame)) = &mut input {
            frame.messages.retain(|message| !(self.1)(message));
        }
        Some(input)
    }
}

fn ignores_commands<F: FnMut(&Command) -> bool + 'static>(mut which: F) -> Box<dyn Behavior> {
    Box::new(Ignore(
        move |input: &Input| matches!(input, Input::Command(_, command) if which(command)),
        |_: &Message| false,
    ))
}

fn ignores_messages<F: FnMut(&Message) -> bool + 'static>(which: F) -> Box<dyn Behavior> {
    Box::new(Ignore(|_: &Input| false, which))
}

/// The state that a message carries, to be changed.
fn state_of(message: &mut Message) -> Option<&mut State> {
    if let Message::State(_, state) = message {
        return Some(state);
    }
    if let Message::Open(_, open) = message {
        return Some(&mut open.state);
    }
    None
}

/// A document has parents: the byte after version, flags, key and date counts them.
fn is_comment(message: &Message) -> bool {
    matches!(message, Message::Push(push) if push.document.get(42).is_some_and(|count| *count > 0))
}

/// Calls everybody, one after another, whom nobody told it about.
#[derive(Debug, Default)]
struct Intruder {
    called: u8,
    connected: Option<ChannelId>,
}

const CALLS: u64 = 1 << 40;

impl Behavior for Intruder {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if now > Time(60_000_000) && self.called < 12 {
            let address = vec![self.called, 0, 0, 0, 0, 0, 0, 0];
            effects.push(Effect::Dial(
                ChannelId(CALLS + 2 * u64::from(self.called)),
                Address(address.into()),
            ));
            self.called += 1;
        }
        if let Some(channel) = self.connected.take() {
            effects.push(Effect::Send(channel, Packet::Hello(Box::new(stranger()))));
        }
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        if let Input::Connected { channel, .. } = input
            && channel.0 >= CALLS
            && channel.0.is_multiple_of(2)
        {
            self.connected = Some(channel);
            return Some(Input::Wake);
        }
        Some(input)
    }
}

fn stranger() -> Hello {
    Hello {
        version_min: 1,
        version_max: 1,
        nonce: [7; 16],
        key: PublicKey([7; 32]),
        address: Address(vec![1; 8].into()),
        admission: message::Admission {
            tag: Tag([7; 8]),
            proof: [7; 16],
            kind: AdmissionKind::Reunion,
        },
        signature: Signature::from_bytes(&[7; 64]),
    }
}

#[derive(Debug)]
struct Deaf;

impl Behavior for Deaf {
    fn effects(&mut self, _: Time, effects: &mut Vec<Effect>) {
        for frame in effects.iter_mut().filter_map(frame_of) {
            frame
                .messages
                .retain(|message| !matches!(message, Message::Close(..)));
        }
    }
    fn input(&mut self, mut input: Input) -> Option<Input> {
        if let Input::Received(_, Packet::Frame(frame)) = &mut input {
            frame
                .messages
                .retain(|message| !matches!(message, Message::State(..)));
        }
        Some(input)
    }
}
