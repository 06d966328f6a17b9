//! *silence*: when nothing changes, a document costs no message. Only links
//! have keep-alives (Ping and its acknowledgement).

use super::Violated;
use crate::scenario::Scenario;
use crate::snapshot::Index;
use cliqueclique_core::Packet;
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::{Frame, Message, Range, RangeContent};
use cliqueclique_core::time::Time;
use std::time::Duration;

/// Watches quiet times. What was under way when a quiet time begins may end
/// within a grace time: the scenario's `settle`.
#[derive(Debug)]
pub(super) struct Silence {
    grace: Duration,
    from: Option<Time>,
}

impl Silence {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            grace: scenario.settle,
            from: None,
        }
    }

    /// Begins or ends a quiet time.
    pub(super) fn set(&mut self, time: Time, on: bool) {
        self.from = on.then(|| time + self.grace);
    }

    /// Checks a packet.
    pub(super) fn packet(
        &self,
        time: Time,
        from: Index,
        to: Index,
        packet: &Packet,
    ) -> Result<(), Violated> {
        if self.from.is_none_or(|begin| time < begin) {
            return Ok(());
        }
        let spoken = match packet {
            Packet::Hello(hello) => Some(("Hello", Some(hello.admission.tag))),
            Packet::Frame(frame) => speech(frame),
            Packet::Welcome(_) | Packet::Confirm(_) | Packet::Goodbye => None,
        };
        spoken.map_or(Ok(()), |(kind, document)| {
            Err(Violated {
                property: "silence",
                time,
                document,
                nodes: vec![from, to],
                detail: format!(
                    "nothing has changed for longer than {:?}, so only keep-alives and acknowledgements \
                     may be sent, but node {from} sent {kind} to node {to}",
                    self.grace
                ),
            })
        })
    }
}

fn speech(frame: &Frame) -> Option<(&'static str, Option<Tag>)> {
    frame.messages.iter().find_map(|message| match message {
        Message::Ping => None,
        Message::State(tag, _) => Some(("State", Some(*tag))),
        Message::Open(tag, _) => Some(("Open", Some(*tag))),
        Message::Close(tag, _) => Some(("Close", Some(*tag))),
        Message::Introduce(tag, _) => Some(("Introduce", Some(*tag))),
        Message::Seek(tag, _) => Some(("Seek", Some(*tag))),
        Message::Push(push) => Some(("Push", Some(push.via))),
        Message::Digest(tag, _) => Some(("Digest", Some(*tag))),
        Message::Audit(ranges) if is_keep_alive(ranges) => None,
        Message::Audit(_) => Some(("Audit", None)),
        Message::Reconcile(tag, _) => Some(("Reconcile", Some(*tag))),
        Message::Want(tag, _) => Some(("Want", Some(*tag))),
        Message::Lack(tag, _) => Some(("Lack", Some(*tag))),
        Message::Fragment(_) => Some(("Fragment", None)),
        Message::Moved(_) => Some(("Moved", None)),
        Message::Resume(..) => Some(("Resume", None)),
        Message::Compare(_) => Some(("Compare", None)),
        Message::Root(tag, ..) => Some(("Root", Some(*tag))),
    })
}

/// An audit that only tells a digest is a keep-alive that says more.
fn is_keep_alive(ranges: &[Range]) -> bool {
    matches!(
        ranges,
        [Range {
            content: RangeContent::Digest(_),
            ..
        }]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{frame, scenario, tag};
    use cliqueclique_core::message::SetDigest;

    #[test]
    fn documents_are_silent_after_the_grace_time() {
        let mut silence = Silence::new(&scenario(""));
        let grace = Duration::from_secs(300);
        let (digest, ping) = (
            frame(vec![Message::Digest(tag(1), SetDigest::default())]),
            frame(vec![Message::Ping]),
        );
        assert_eq!(
            silence.packet(Time(5), 1, 2, &digest),
            Ok(()),
            "not quiet yet"
        );
        silence.set(Time(10), true);
        assert_eq!(
            silence.packet(Time(10), 1, 2, &digest),
            Ok(()),
            "within the grace time"
        );
        let late = Time(10) + grace;
        assert_eq!(silence.packet(late, 1, 2, &ping), Ok(()));
        assert_eq!(silence.packet(late, 1, 2, &frame(Vec::new())), Ok(()));
        assert!(
            silence
                .packet(late, 1, 2, &digest)
                .unwrap_err()
                .detail
                .ends_with("node 1 sent Digest to node 2")
        );
        silence.set(late, false);
        assert_eq!(
            silence.packet(late, 1, 2, &digest),
            Ok(()),
            "no longer quiet"
        );
    }
}
