//! A peer that speaks the protocol by hand: it makes the handshake properly, signs
//! what it is told to sign, and says whatever a test wants it to say.

use super::{SUITE, WALL};
use bytes::Bytes;
use cliqueclique_core::crypto::{Suite, prefix};
use cliqueclique_core::effect::Record;
use cliqueclique_core::message::{
    Admission, AdmissionKind, Claim, Confirm, Frame, Hello, Message, Open, Rank, RootRef,
    SetDigest, State, Ticket, Welcome,
};
use cliqueclique_core::{
    Address, ChannelId, Config, Core, DocumentId, Identity, NodeId, Packet, PublicKey, SecretKey,
    Signature, Tag, WallTime,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Seed and secret of the node with this name.
pub(crate) fn identity(name: u8) -> Identity {
    Identity {
        secret: SecretKey([name; 32]),
        address: Address(Bytes::from(vec![name])),
    }
}

/// A fresh core with real cryptography.
pub(crate) fn node(name: u8, config: Config) -> Core {
    Core::new(config, identity(name), [name; 32], Arc::new(SUITE), WALL).expect("settings fit")
}

/// The stored records of peers.
pub(crate) fn peers(records: &BTreeMap<Record, Bytes>) -> impl Iterator<Item = &[u8]> {
    let peers = records.range(Record::Peer(NodeId([0; 16]))..Record::Overlay(Tag([0; 8])));
    peers.map(|(_, bytes)| bytes.as_ref())
}

/// Bytes that both ends of a channel know.
pub(crate) fn binding(channel: ChannelId) -> [u8; 32] {
    [u8::try_from(channel.0 & 0xff).unwrap_or(0); 32]
}

/// Digest of a set of comments.
pub(crate) fn digest_of(tags: &[Tag]) -> SetDigest {
    let mix = |tag: &Tag| {
        let mut x = u64::from_le_bytes(tag.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    SetDigest {
        count: u32::try_from(tags.len()).unwrap_or(u32::MAX),
        sum: tags.iter().map(mix).fold(0, u64::wrapping_add),
    }
}

/// The peer's end of a link.
#[derive(Clone, Debug)]
pub(crate) struct PeerLink {
    pub(crate) channel: ChannelId,
    session: [u8; 32],
    sent: u32,
    received: BTreeSet<u32>,
}

/// A scripted peer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: u8,
    secret: SecretKey,
    pub(crate) key: PublicKey,
    pub(crate) id: NodeId,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) link: Option<PeerLink>,
    /// Last Hello sent, with what it signs.
    pub(crate) hello: Option<(Hello, [u8; 32])>,
    /// Confirm and session that follow from the last Welcome.
    confirm: Option<(Confirm, [u8; 32])>,
    nonces: u8,
}

impl Peer {
    pub(crate) fn new(name: u8) -> Self {
        let secret = SecretKey([name; 32]);
        let key = SUITE.public_key(&secret);
        Self {
            name,
            secret,
            key,
            id: SUITE.node_id(&key),
            channel: None,
            link: None,
            hello: None,
            confirm: None,
            nonces: 0,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        SUITE.sign(&self.secret, message)
    }

    pub(crate) fn secret(&self) -> &SecretKey {
        &self.secret
    }

    fn nonce(&mut self) -> [u8; 16] {
        self.nonces = self.nonces.wrapping_add(1);
        [self.nonces; 16]
    }

    /// A Hello for the present channel; `adjust` may spoil it before it is signed.
    pub(crate) fn hello(
        &mut self,
        document: &DocumentId,
        kind: AdmissionKind,
        adjust: impl FnOnce(&mut Hello),
    ) -> Hello {
        let nonce = self.nonce();
        let mut hello = Hello {
            version_min: 1,
            version_max: 1,
            nonce,
            key: self.key,
            address: Address(Bytes::from(vec![self.name])),
            admission: Admission {
                tag: SUITE.tag(document),
                proof: prefix(&SUITE.hash("admission", &[&document.0, &nonce])),
                kind,
            },
            signature: Signature::from_bytes(&[0; 64]),
        };
        adjust(&mut hello);
        let channel = self.channel.expect("connected");
        let message = hello_message(&hello, &binding(channel));
        hello.signature = self.sign(&message);
        self.hello = Some((hello.clone(), message));
        hello
    }

    /// The core answers our Hello.
    pub(crate) fn take_welcome(&mut self, welcome: &Welcome) {
        let (Some(channel), Some((hello, message))) = (self.channel, &self.hello) else {
            return;
        };
        let message = welcome_message(message, welcome);
        if !SUITE.verify(&welcome.key, &message, &welcome.signature) {
            // Sent again for a Hello that we have replaced since.
            return;
        }
        let session = SUITE.hash("session", &[&message, &hello.nonce]);
        let confirm = SUITE.hash("confirm", &[&binding(channel), &message]);
        let signature = self.sign(&confirm);
        self.confirm = Some((Confirm { signature }, session));
    }

    /// Our end of the handshake; the link stands from here on.
    pub(crate) fn confirm(&mut self) -> Option<Confirm> {
        let (confirm, session) = self.confirm.clone()?;
        self.link = Some(PeerLink::new(self.channel?, session));
        Some(confirm)
    }

    /// The core has dialled us and says Hello.
    pub(crate) fn welcome(&mut self, channel: ChannelId, hello: &Hello) -> Welcome {
        let hello_message = hello_message(hello, &binding(channel));
        assert!(SUITE.verify(&hello.key, &hello_message, &hello.signature));
        let nonce = self.nonce();
        let mut welcome = Welcome {
            version: 1,
            nonce,
            key: self.key,
            signature: Signature::from_bytes(&[0; 64]),
        };
        let message = welcome_message(&hello_message, &welcome);
        welcome.signature = self.sign(&message);
        let session = SUITE.hash("session", &[&message, &hello.nonce]);
        self.channel = Some(channel);
        self.link = Some(PeerLink::new(channel, session));
        welcome
    }

    /// Notes what the core sent, to acknowledge it with the next frame.
    pub(crate) fn take_packet(&mut self, packet: &Packet) {
        match packet {
            Packet::Welcome(welcome) => self.take_welcome(welcome),
            Packet::Frame(frame) if !frame.messages.is_empty() => {
                if let Some(link) = &mut self.link {
                    link.received.insert(frame.number);
                }
            }
            Packet::Frame(_) | Packet::Hello(_) | Packet::Confirm(_) | Packet::Goodbye => {}
        }
    }

    /// A frame with the next number, acknowledging all that came if `acks`.
    pub(crate) fn frame(&mut self, messages: Vec<Message>, acks: bool) -> Option<Packet> {
        let link = self.link.as_mut()?;
        link.sent += u32::from(!messages.is_empty());
        let received = acks.then(|| std::mem::take(&mut link.received));
        let acks = received.into_iter().flatten().map(|n| (n, n));
        Some(Packet::Frame(Frame {
            number: link.sent,
            acks: acks.collect(),
            credit: 8,
            messages,
        }))
    }

    /// The connection is gone.
    pub(crate) fn disconnect(&mut self) -> Option<ChannelId> {
        (self.link, self.confirm) = (None, None);
        self.channel.take()
    }

    /// Proof for an Open on the present link.
    pub(crate) fn open(&self, document: &DocumentId, state: State) -> Open {
        let session = self.link.as_ref().map_or([0; 32], |link| link.session);
        Open {
            proof: prefix(&SUITE.hash("open", &[&document.0, &session])),
            state,
            ticket: None,
            heal: false,
        }
    }

    /// A signed claim to be overlay root, in a line of its own or in another's; the
    /// author as founder needs none.
    pub(crate) fn claim(
        &self,
        document: &DocumentId,
        rank: Rank,
        sequence: u64,
        succeeds: Option<(NodeId, u32)>,
    ) -> RootRef {
        let byte = match rank {
            Rank::Leaving => 0,
            Rank::Holder => 1,
            Rank::Subscriber => 2,
            Rank::Founder | Rank::Author if succeeds.is_none() => return RootRef::Author,
            Rank::Founder => 3,
            Rank::Author => 4,
        };
        let (line, generation) = succeeds.unwrap_or((NodeId([0; 16]), 0));
        let parts: [&[u8]; 5] = [
            &document.0,
            &[byte],
            &sequence.to_le_bytes(),
            &line.0,
            &generation.to_le_bytes(),
        ];
        RootRef::Full(Box::new(Claim {
            rank,
            key: self.key,
            succeeds,
            sequence,
            signature: self.sign(&SUITE.hash("claim", &parts)),
        }))
    }

    /// A ticket that introduces `subject` to `target`.
    pub(crate) fn ticket(
        &self,
        subject: NodeId,
        target: NodeId,
        document: &DocumentId,
        replaces: bool,
        expires: WallTime,
    ) -> Ticket {
        let parts: [&[u8]; 6] = [
            &self.id.0,
            &subject.0,
            &target.0,
            &document.0,
            &expires.0.to_le_bytes(),
            &[u8::from(replaces)],
        ];
        Ticket {
            introducer: self.id,
            expires,
            replaces,
            signature: self.sign(&SUITE.hash("ticket", &parts)),
        }
    }
}

impl PeerLink {
    fn new(channel: ChannelId, session: [u8; 32]) -> Self {
        Self {
            channel,
            session,
            sent: 0,
            received: BTreeSet::new(),
        }
    }
}

fn hello_message(hello: &Hello, binding: &[u8; 32]) -> [u8; 32] {
    let fields = (
        hello.version_min,
        hello.version_max,
        hello.nonce,
        hello.key,
        &hello.address,
        &hello.admission,
    );
    let bytes = postcard::to_allocvec(&fields).expect("fields can be encoded");
    SUITE.hash("hello", &[binding, &bytes])
}

fn welcome_message(hello: &[u8; 32], welcome: &Welcome) -> [u8; 32] {
    let version = welcome.version.to_le_bytes();
    let parts: [&[u8]; 4] = [hello, &version, &welcome.nonce, &welcome.key.0];
    SUITE.hash("welcome", &parts)
}
