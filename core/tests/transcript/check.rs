//! What PROTOCOL.md says of signatures, proofs and numbers, once more.

use super::SUITE;
use cliqueclique_core::crypto::{Suite as _, prefix};
use cliqueclique_core::id::PublicKey;
use cliqueclique_core::message::{
    AdmissionKind, Claim, Frame, Hello, Message, Open, Rank, RootRef, State, Ticket, Welcome,
};
use cliqueclique_core::{Document, DocumentId, NodeId, Packet, wire};

/// What who reads a transcript knows besides.
pub(super) struct Told {
    /// Documents of the story.
    pub(super) ids: Vec<DocumentId>,
    /// Keys of all nodes.
    pub(super) keys: Vec<PublicKey>,
    /// Ids of the two ends of this connection; who called first.
    pub(super) peers: [NodeId; 2],
}

/// What is known of a connection while its packets are read.
#[derive(Default)]
pub(super) struct Checked {
    hello: Option<Hello>,
    hello_hash: [u8; 32],
    welcome_hash: [u8; 32],
    welcome: Option<Welcome>,
    /// Of the one that calls and the other: frames with messages.
    numbers: [u32; 2],
    pub(super) claims: usize,
    pub(super) proofs: usize,
    pub(super) tickets: usize,
}

impl Checked {
    /// One packet; `side` is 0 for who called.
    pub(super) fn packet(&mut self, binding: &[u8; 32], side: usize, packet: &Packet, told: &Told) {
        match packet {
            Packet::Hello(hello) => {
                let mut bytes = wire::encode(packet);
                // The index of the packet is before the fields, the signature after them.
                bytes.truncate(bytes.len() - 64);
                self.hello_hash = SUITE.hash("hello", &[binding, &bytes[1..]]);
                assert!(SUITE.verify(&hello.key, &self.hello_hash, &hello.signature));
                let proven = told
                    .ids
                    .iter()
                    .find(|id| SUITE.tag(id) == hello.admission.tag);
                let id = proven.expect("a document of the story");
                let proof = SUITE.hash("admission", &[&id.0, &hello.nonce]);
                assert_eq!(hello.admission.proof, prefix(&proof));
                if let AdmissionKind::Introduced(ticket) = &hello.admission.kind {
                    let subject = SUITE.node_id(&hello.key);
                    self.ticket(ticket, subject, told.peers[1], id, told);
                }
                self.hello = Some((**hello).clone());
            }
            Packet::Welcome(welcome) => {
                let version = welcome.version.to_le_bytes();
                let parts: [&[u8]; 4] =
                    [&self.hello_hash, &version, &welcome.nonce, &welcome.key.0];
                self.welcome_hash = SUITE.hash("welcome", &parts);
                assert!(SUITE.verify(&welcome.key, &self.welcome_hash, &welcome.signature));
                self.welcome = Some((**welcome).clone());
            }
            Packet::Confirm(confirm) => {
                let hash = SUITE.hash("confirm", &[binding, &self.welcome_hash]);
                let key = &self.hello.as_ref().expect("a Hello came first").key;
                assert!(SUITE.verify(key, &hash, &confirm.signature));
            }
            Packet::Frame(frame) => self.frame(side, frame, told),
            Packet::Goodbye => {}
        }
    }

    fn frame(&mut self, side: usize, frame: &Frame, told: &Told) {
        if frame.messages.is_empty() {
            assert_eq!(frame.number, self.numbers[side]);
        } else {
            assert_eq!(frame.number, self.numbers[side] + 1, "nothing was lost");
            self.numbers[side] = frame.number;
            let first = matches!(frame.messages[0], Message::Resume(..));
            assert_eq!(frame.number == 1, first, "Resume is the first message");
        }
        for (_, last) in &frame.acks {
            assert!(
                *last <= self.numbers[1 - side],
                "acknowledges what was sent"
            );
        }
        for message in &frame.messages {
            self.message(message, side, told);
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the others prove nothing")]
    fn message(&mut self, message: &Message, side: usize, told: &Told) {
        let id = |tag| {
            told.ids
                .iter()
                .find(|id| SUITE.tag(id) == tag)
                .expect("known")
        };
        match message {
            Message::State(tag, state) => self.state(state, id(*tag)),
            Message::Open(tag, open) => {
                self.proof(open, id(*tag));
                self.state(&open.state, id(*tag));
                if let Some(ticket) = &open.ticket {
                    let [subject, target] = [told.peers[side], told.peers[1 - side]];
                    self.ticket(ticket, subject, target, id(*tag), told);
                }
            }
            Message::Push(push) => {
                let document = Document::parse(push.document.clone(), &SUITE).expect("canonical");
                assert!(document.is_signed(&SUITE));
                if let Some(edge) = &push.edge {
                    self.state(edge, &document.id());
                }
            }
            Message::Introduce(tag, introduction) => {
                if let Some(ticket) = &introduction.ticket {
                    // Who gets it shows it to whom it names.
                    let receiver = told.peers[1 - side];
                    self.ticket(ticket, receiver, introduction.peer, id(*tag), told);
                }
            }
            _ => {}
        }
    }

    fn ticket(
        &mut self,
        ticket: &Ticket,
        subject: NodeId,
        target: NodeId,
        id: &DocumentId,
        told: &Told,
    ) {
        let parts: [&[u8]; 6] = [
            &ticket.introducer.0,
            &subject.0,
            &target.0,
            &id.0,
            &ticket.expires.0.to_le_bytes(),
            &[u8::from(ticket.replaces)],
        ];
        let mut keys = told.keys.iter();
        let key = keys.find(|key| SUITE.node_id(key) == ticket.introducer);
        let hash = SUITE.hash("ticket", &parts);
        assert!(SUITE.verify(key.expect("one of them"), &hash, &ticket.signature));
        self.tickets += 1;
    }

    fn proof(&mut self, open: &Open, id: &DocumentId) {
        let nonce = self.hello.as_ref().expect("a Hello came first").nonce;
        let session = SUITE.hash("session", &[&self.welcome_hash, &nonce]);
        let proof = SUITE.hash("open", &[&id.0, &session]);
        assert_eq!(open.proof, prefix(&proof));
        self.proofs += 1;
    }

    fn state(&mut self, state: &State, id: &DocumentId) {
        let RootRef::Full(claim) = &state.root else {
            return;
        };
        let Claim {
            rank,
            key,
            succeeds,
            sequence,
            signature,
        } = &**claim;
        let rank = match rank {
            Rank::Leaving => 0,
            Rank::Holder => 1,
            Rank::Subscriber => 2,
            Rank::Founder => 3,
            Rank::Author => 4,
        };
        let (line, generation) = succeeds.unwrap_or((NodeId([0; 16]), 0));
        let parts: [&[u8]; 5] = [
            &id.0,
            &[rank],
            &sequence.to_le_bytes(),
            &line.0,
            &generation.to_le_bytes(),
        ];
        assert!(SUITE.verify(key, &SUITE.hash("claim", &parts), signature));
        self.claims += 1;
    }
}
