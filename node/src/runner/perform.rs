//! Effects: into the batch, and out of it.

use super::{Out, Runner, Verdicts};
use crate::store::Op;
use cliqueclique_core::{Admission, Document, Effect, Input, wire};

impl Runner {
    /// Puts an effect into the batch, or (documents to verify) before it.
    pub(super) fn gather(&mut self, effect: Effect) {
        let outs = &mut self.gathering.outs;
        match effect {
            Effect::Send(channel, packet) => outs.push(Out::Send(channel, wire::encode(&packet))),
            Effect::Dial(channel, address) => {
                self.wires.insert(channel, None);
                outs.push(Out::Dial(channel, address));
            }
            Effect::Hangup(channel) => {
                self.closing.insert(channel);
                outs.push(Out::Hangup(channel));
            }
            Effect::Admit(document) => self.unverified.push(document),
            Effect::Load(id) => self.store(Op::Load(id)),
            Effect::Delete(id, tag) => self.store(Op::Delete(id, tag)),
            Effect::Save(record, bytes) => self.store(Op::Save(record, bytes)),
            Effect::Thaw(tag) => self.store(Op::Thaw(tag)),
            Effect::Recall(peer) => {
                // A core that asks for its own id wants all there are.
                let near = (peer != self.parts.core.id()).then_some(peer);
                self.store(Op::Recall(peer, near));
            }
            Effect::Notify(news) => self.notify(news),
            Effect::Report(..) => {}
        }
    }

    pub(super) fn store(&mut self, op: Op) {
        self.gathering.ops.push(op);
    }

    /// Signatures were checked. A document is in the batch before the core hears of it, and
    /// all that follows goes out after the batch is durable.
    pub(super) fn verified(&mut self, verdicts: Verdicts) {
        for (document, signed) in verdicts {
            if signed {
                self.admit(document);
            } else {
                self.feed(Input::Admitted(document.id(), Admission::Forged));
            }
        }
    }

    /// A document that is what it claims to be.
    pub(super) fn admit(&mut self, document: Document) {
        let id = document.id();
        self.store(Op::Put(document));
        self.feed(Input::Admitted(id, Admission::Stored));
    }

    /// What precedes it is durable.
    pub(super) fn send_out(&mut self, out: Out) {
        match out {
            Out::Send(channel, packet) => {
                if let Some(Some(wire)) = self.wires.get(&channel) {
                    wire.send(packet);
                }
            }
            Out::Dial(channel, address) => {
                if !self.closing.contains(&channel) {
                    let door = self.parts.door.clone();
                    self.parts.shared.spawn(door.dial(channel, address));
                }
            }
            Out::Hangup(channel) => {
                self.wires.remove(&channel);
                self.closing.remove(&channel);
            }
            Out::Reply(reply, answer) => {
                // Who asked may have gone.
                let _ = reply.send(answer);
            }
        }
    }
}
