//! The last things that happened, in cheap form: words are made only when a
//! failure or an observer asks for them.

use crate::driver::Event;
use crate::host::Action;
use crate::snapshot::Index;
use crate::truth::Truth;
use cliqueclique_core::Violation;
use cliqueclique_core::effect::CommandError;
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::{Message, Packet};
use cliqueclique_core::time::Time;
use std::collections::VecDeque;

/// How many are kept.
const KEPT: usize = 4_096;
/// How many a failure shows.
const SHOWN: usize = 60;
/// Documents that a note of a packet names at most.
const NAMED: usize = 3;

const NAMES: [&str; 17] = [
    "State",
    "Open",
    "Close",
    "Introduce",
    "Seek",
    "Push",
    "Digest",
    "Reconcile",
    "Want",
    "Lack",
    "Fragment",
    "Ping",
    "Moved",
    "Audit",
    "Root",
    "Resume",
    "Compare",
];

/// A packet without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// See [`shape`].
    shape: u64,
    /// Encoded length, bytes.
    size: u32,
    /// Documents of the first messages.
    tags: [Option<Tag>; NAMED],
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A packet was handed to the network.
    Send(Summary),
    /// The network lost it.
    Lose(u32),
    /// A packet came.
    Receive(Summary),
    /// Node and peer are connected.
    Connected,
    /// The channel is gone.
    Disconnected,
    /// A user's wish.
    Command(Action),
    /// It could not be granted.
    Refused(CommandError),
    /// A fault, or its end.
    Fault(&'static str),
    /// A document came.
    Arrived(Tag),
    /// A document was dropped.
    Gone(Tag),
    /// A peer broke a rule.
    Report(Violation),
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    /// When.
    pub(crate) time: Time,
    /// Where.
    pub(crate) node: Index,
    /// With whom.
    pub(crate) peer: Option<Index>,
    /// What.
    pub(crate) what: What,
}

/// The last notes.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Note>);

impl History {
    /// Adds a note and forgets the oldest if there are too many.
    pub(crate) fn push(&mut self, note: Note) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(note);
    }

    /// All that is kept, oldest first.
    pub(super) fn notes(&self) -> impl DoubleEndedIterator<Item = &Note> {
        self.0.iter()
    }

    /// The last notes that concern any of the nodes (all notes if none is named), in words.
    pub(crate) fn tell(&self, nodes: &[Index], truth: &Truth) -> Vec<Event> {
        let concerns = |note: &&Note| {
            let named = |node: &Index| nodes.contains(node);
            // What was sent says enough: a line for its receipt would tell it twice.
            let told = !matches!(note.what, What::Receive(_));
            told && (nodes.is_empty() || named(&note.node) || note.peer.as_ref().is_some_and(named))
        };
        let mut last: Vec<&Note> = self.0.iter().rev().filter(concerns).take(SHOWN).collect();
        last.reverse();
        last.into_iter().map(|note| note.describe(truth)).collect()
    }
}

impl Note {
    /// The note in words.
    pub(crate) fn describe(&self, truth: &Truth) -> Event {
        let (kind, documents, detail) = match self.what {
            What::Send(summary) => ("send", summary.documents(), summary.words()),
            What::Receive(summary) => ("receive", summary.documents(), summary.words()),
            What::Lose(size) => ("lose", vec![], format!("{size} bytes")),
            What::Connected => ("connect", vec![], String::new()),
            What::Disconnected => ("disconnect", vec![], String::new()),
            What::Command(action) => (
                "command",
                action_documents(action, truth),
                format!("{action:?}"),
            ),
            What::Refused(error) => ("refuse", vec![], format!("{error:?}")),
            What::Fault(name) => ("fault", vec![], name.to_owned()),
            What::Arrived(tag) => ("arrive", vec![tag], String::new()),
            What::Gone(tag) => ("gone", vec![tag], String::new()),
            What::Report(violation) => ("report", vec![], format!("{violation:?}")),
        };
        Event {
            time: self.time,
            node: self.node,
            peer: self.peer,
            kind,
            documents,
            detail,
        }
    }
}

fn action_documents(action: Action, truth: &Truth) -> Vec<Tag> {
    let number = match action {
        Action::Publish { parent, .. } => parent,
        Action::Join { number, .. } | Action::Set(number, _) | Action::Bookmark(number, _) => {
            Some(number)
        }
        Action::Forget(number) => Some(number),
        Action::Leave => None,
    };
    number
        .map(|number| truth.entry(number).document.tag())
        .into_iter()
        .collect()
}

/// Kind of a packet in the lowest byte (0 Hello … 3 Frame, 4 Goodbye); above it,
/// for frames, a bit per kind of message, then the frame's number.
pub(crate) fn shape(packet: &Packet) -> u64 {
    match packet {
        Packet::Hello(_) => 0,
        Packet::Welcome(_) => 1,
        Packet::Confirm(_) => 2,
        Packet::Frame(frame) => {
            let kinds = frame
                .messages
                .iter()
                .fold(0, |kinds, message| kinds | 1_u64 << kind(message).0);
            3 | kinds << 8 | u64::from(frame.number) << 32
        }
        Packet::Goodbye => 4,
    }
}

/// Number of a message's kind, and the document that it concerns.
fn kind(message: &Message) -> (u8, Option<Tag>) {
    match message {
        Message::State(tag, _) => (0, Some(*tag)),
        Message::Open(tag, _) => (1, Some(*tag)),
        Message::Close(tag, _) => (2, Some(*tag)),
        Message::Introduce(tag, _) => (3, Some(*tag)),
        Message::Seek(tag, _) => (4, Some(*tag)),
        Message::Push(push) => (5, Some(push.via)),
        Message::Digest(tag, _) => (6, Some(*tag)),
        Message::Reconcile(tag, _) => (7, Some(*tag)),
        Message::Want(tag, _) => (8, Some(*tag)),
        Message::Lack(tag, _) => (9, Some(*tag)),
        Message::Fragment(_) => (10, None),
        Message::Ping => (11, None),
        Message::Moved(_) => (12, None),
        Message::Audit(_) => (13, None),
        Message::Root(tag, ..) => (14, Some(*tag)),
        Message::Resume(..) => (15, None),
        Message::Compare(_) => (16, None),
    }
}

impl Summary {
    /// Looks at a packet of so many encoded bytes.
    pub(crate) fn new(packet: &Packet, size: usize) -> Self {
        let mut tags = [None; NAMED];
        match packet {
            Packet::Frame(frame) => {
                for (tag, message) in tags.iter_mut().zip(&frame.messages) {
                    *tag = kind(message).1;
                }
            }
            Packet::Hello(hello) => tags[0] = Some(hello.admission.tag),
            Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => {}
        }
        Self {
            shape: shape(packet),
            size: u32::try_from(size).unwrap_or(u32::MAX),
            tags,
        }
    }

    /// See [`shape`].
    pub(super) fn shape(&self) -> u64 {
        self.shape
    }

    /// A word or two: the kinds of messages, with the rest counted.
    pub(super) fn label(&self) -> String {
        let name = match self.shape & 0xff {
            0 => "Hello",
            1 => "Welcome",
            2 => "Confirm",
            3 => match self.names()[..] {
                [] => "ack",
                [one] => one,
                [one, two] => return format!("{one}+{two}"),
                [one, two, ..] => {
                    return format!("{one}+{two}+{} more", self.names().len() - 2);
                }
            },
            _ => "Goodbye",
        };
        name.to_owned()
    }

    fn documents(&self) -> Vec<Tag> {
        let mut tags: Vec<Tag> = self.tags.iter().flatten().copied().collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn words(&self) -> String {
        let size = self.size;
        let name = match self.shape & 0xff {
            0 => "Hello",
            1 => "Welcome",
            2 => "Confirm",
            3 => return self.frame_words(),
            _ => "Goodbye",
        };
        format!("{name}, {size} bytes")
    }

    /// Kinds of messages in a frame.
    fn names(&self) -> Vec<&'static str> {
        let kinds = self.shape >> 8;
        let named = NAMES.iter().enumerate();
        let named = named.filter(|(at, _)| kinds & 1 << at != 0);
        named.map(|(_, name)| *name).collect()
    }

    fn frame_words(&self) -> String {
        let named = self.names();
        let content = if named.is_empty() {
            "acknowledgement".to_owned()
        } else {
            named.join("+")
        };
        format!("frame {}: {content}, {} bytes", self.shape >> 32, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliqueclique_core::message::{CloseReason, Frame};

    #[test]
    fn a_frame_is_told_by_its_number_and_messages() {
        let messages = vec![
            Message::Ping,
            Message::Close(Tag([1; 8]), CloseReason::Left),
        ];
        let packet = Packet::Frame(Frame {
            number: 7,
            messages,
            ..Frame::default()
        });
        let summary = Summary::new(&packet, 40);
        assert_eq!(summary.words(), "frame 7: Close+Ping, 40 bytes");
        assert_eq!(summary.documents(), [Tag([1; 8])]);
        assert_eq!(summary.label(), "Close+Ping");
        assert_eq!(
            Summary::new(&Packet::Goodbye, 1).words(),
            "Goodbye, 1 bytes"
        );
    }

    #[test]
    fn only_the_last_notes_among_the_nodes_concerned_are_told() {
        let mut history = History::default();
        for at in 0..6_000_usize {
            history.push(Note {
                time: Time(at as u64),
                node: at % 3,
                peer: None,
                what: What::Connected,
            });
        }
        let told = history.tell(&[1], &Truth::new(3));
        assert_eq!(told.len(), SHOWN);
        assert!(told.iter().all(|event| event.node == 1));
        assert_eq!(told.last().map(|event| event.time), Some(Time(5_998)));
        assert_eq!(history.0.len(), KEPT);
    }
}
