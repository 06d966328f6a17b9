//! Cores broken on purpose, between the core and its disk and network: the checks must find
//! a counter-example for each.

use cliqueclique_core::message::{Message, State};
use cliqueclique_core::{Effect, Packet, Record};

/// One way to be broken, the same at all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// The order of effects is not kept: packets and notes leave before records are durable.
    TellsFirst,
    /// Records of overlays are not written.
    ForgetsRecords,
    /// Distances are told one too small.
    LiesAboutDistance,
    /// No comment is pushed or asked for.
    Withholds,
}

impl Broken {
    /// Changes what a core wants to have done.
    pub(crate) fn bend(self, effects: &mut Vec<Effect>) {
        match self {
            Self::TellsFirst => effects.sort_by_key(|effect| {
                matches!(
                    effect,
                    Effect::Save(..) | Effect::Admit(_) | Effect::Delete(..)
                )
            }),
            Self::ForgetsRecords => {
                effects.retain(|effect| !matches!(effect, Effect::Save(Record::Overlay(_), _)));
            }
            Self::LiesAboutDistance => messages(effects, |message| {
                if let Some(state) = state(message) {
                    state.distance = state.distance.saturating_sub(1);
                }
                true
            }),
            Self::Withholds => messages(effects, |message| {
                !matches!(
                    message,
                    Message::Push(_)
                        | Message::Digest(..)
                        | Message::Reconcile(..)
                        | Message::Want(..)
                )
            }),
        }
    }
}

fn state(message: &mut Message) -> Option<&mut State> {
    if let Message::State(_, state) = message {
        Some(state)
    } else if let Message::Open(_, open) = message {
        Some(&mut open.state)
    } else if let Message::Push(push) = message {
        push.edge.as_mut()
    } else {
        None
    }
}

/// Keeps the messages of all frames that `keep` wants, as it left them.
fn messages(effects: &mut [Effect], mut keep: impl FnMut(&mut Message) -> bool) {
    for effect in effects {
        if let Effect::Send(_, Packet::Frame(frame)) = effect {
            let spoke = !frame.messages.is_empty();
            frame.messages.retain_mut(&mut keep);
            if spoke && frame.messages.is_empty() {
                // A numbered frame must have something to acknowledge.
                frame.messages.push(Message::Ping);
            }
        }
    }
}
