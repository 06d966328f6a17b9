//! Packets in words, for the comments of a transcript.

use cliqueclique_core::Packet;
use cliqueclique_core::message::{Frame, Message, State};

pub(super) fn words(packet: &Packet) -> String {
    match packet {
        Packet::Frame(frame) => {
            let Frame {
                number,
                acks,
                credit,
                messages,
            } = frame;
            let messages: Vec<String> = messages.iter().map(message_words).collect();
            let messages = messages.join(", ");
            format!("Frame {number}, acks {acks:?}, credit {credit}: {messages}")
        }
        Packet::Hello(hello) => format!("Hello, {}", first_word(&hello.admission.kind)),
        Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => first_word(packet),
    }
}

pub(super) fn first_word(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

fn state_words(state: &State) -> String {
    let State {
        flags,
        distance,
        root,
    } = state;
    format!(
        "flags {flags:#04x} distance {distance} root {}",
        first_word(root)
    )
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the name says enough of the others"
)]
fn message_words(message: &Message) -> String {
    let name = first_word(message);
    match message {
        Message::State(_, state) => format!("{name} {}", state_words(state)),
        Message::Open(_, open) => format!("{name} {} heal {}", state_words(&open.state), open.heal),
        Message::Close(_, reason) => format!("{name} {reason:?}"),
        Message::Push(push) => {
            let edge = push.edge.as_ref().map(state_words);
            let edge = edge.unwrap_or_else(|| "none".to_owned());
            format!("{name} fresh {} edge ({edge})", push.fresh)
        }
        _ => name,
    }
}
