//! `forged-tickets`, `resold-tickets`, `replayed-tickets`: knock at nodes to which
//! one was not introduced: with a ticket that nobody signed, with one that was
//! given to a fellow, with one of one's own that ran out.

use super::Trick;
use super::proof;
use super::ring::Gift;
use super::stage::Stage;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::{Admission, AdmissionKind, Hello, Message, Packet};
use cliqueclique_core::{Input, PublicKey};
use rand::RngExt;
use std::collections::BTreeMap;

/// Which tickets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One's own make, in the name of an honest neighbour.
    Forged,
    /// A fellow's.
    Resold,
    /// One's own, kept until it ran out.
    Replayed,
}

/// The trick.
#[derive(Debug)]
pub(super) struct Tickets {
    kind: Kind,
    errands: BTreeMap<ChannelId, Gift>,
}

impl Tickets {
    /// The trick with this kind of tickets.
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            errands: BTreeMap::new(),
        }
    }

    fn fits(&self, stage: &Stage, gift: &Gift) -> bool {
        let strange = stage
            .lines
            .values()
            .all(|line| line.peer != Some(gift.target))
            && gift.target != stage.id;
        let expired = crate::host::wall(stage.now).0 > gift.ticket.expires.0 + stage.tolerance;
        strange
            && stage.documents.contains_key(&gift.tag)
            && match self.kind {
                Kind::Forged | Kind::Resold => gift.subject != stage.id && !expired,
                Kind::Replayed => gift.subject == stage.id && expired,
            }
    }

    fn hello(&self, stage: &mut Stage, gift: &Gift, binding: &[u8; 32]) -> Option<Hello> {
        let document = stage.documents.get(&gift.tag)?.id();
        let mut ticket = gift.ticket.clone();
        if self.kind == Kind::Forged {
            ticket.signature = proof::unsigned();
        }
        let nonce: [u8; 16] = stage.rng.random();
        let proof = proof::admission(&*stage.suite, &document, &nonce);
        let mut hello = Hello {
            version_min: 1,
            version_max: 1,
            nonce,
            key: PublicKey(stage.key.0),
            address: stage.address.clone(),
            admission: Admission {
                tag: gift.tag,
                proof,
                kind: AdmissionKind::Introduced(ticket),
            },
            signature: proof::unsigned(),
        };
        let signed = proof::hello(&*stage.suite, binding, &hello);
        hello.signature = stage.suite.sign(&stage.secret, &signed);
        Some(hello)
    }
}

impl Trick for Tickets {
    /// Who wants to replay a ticket must not use it in time.
    fn coming(&mut self, stage: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        if let (Kind::Replayed, Packet::Frame(frame)) = (self.kind, packet) {
            let met = |target| stage.lines.values().any(|line| line.peer == Some(target));
            for message in &mut frame.messages {
                if matches!(message, Message::Introduce(_, gift) if !met(gift.peer)) {
                    *message = Message::Ping;
                }
            }
        }
        true
    }

    fn act(&mut self, stage: &mut Stage) {
        let gifts = stage.ring.gifts();
        let mut fitting = gifts.into_iter().filter(|gift| self.fits(stage, gift));
        let Some(first) = fitting.next() else { return };
        let rest: Vec<Gift> = std::iter::once(first).chain(fitting).collect();
        let gift = rest[stage.rng.random_range(0..rest.len())].clone();
        let channel = stage.dial(&gift.address);
        self.errands.insert(channel, gift);
    }

    fn own(&mut self, stage: &mut Stage, channel: ChannelId, input: &Input) {
        match input {
            Input::Connected { binding, .. } => {
                let Some(gift) = self.errands.get(&channel).cloned() else {
                    return;
                };
                if let Some(hello) = self.hello(stage, &gift, binding) {
                    stage.send(channel, Packet::Hello(Box::new(hello)));
                    stage.done();
                }
            }
            Input::Disconnected(_) => drop(self.errands.remove(&channel)),
            _ => {}
        }
    }
}
