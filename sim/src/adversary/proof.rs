//! What a node may sign and prove, as `core/PROTOCOL.md` words it: hostile nodes
//! make true proofs where they can, so that nothing but the lie itself is wrong.

use cliqueclique_core::crypto::{Suite, prefix};
use cliqueclique_core::id::{DocumentId, NodeId, SecretKey, Signature};
use cliqueclique_core::message::{Claim, Hello, Packet, Rank, Ticket, Welcome};
use cliqueclique_core::wire::encode;

/// A signature that was never made.
pub(super) fn unsigned() -> Signature {
    Signature::from_bytes(&[0; Signature::LEN])
}

/// Hash of a Hello with its channel.
pub(super) fn hello(suite: &dyn Suite, binding: &[u8; 32], hello: &Hello) -> [u8; 32] {
    let bytes = encode(&Packet::Hello(Box::new(hello.clone())));
    // The kind of packet stands before what is signed, the signature after it.
    let signed = &bytes[1..bytes.len() - Signature::LEN];
    suite.hash("hello", &[binding, signed])
}

/// Hash of a Welcome, over that of its Hello.
pub(super) fn welcome(suite: &dyn Suite, hello: &[u8; 32], welcome: &Welcome) -> [u8; 32] {
    let version = welcome.version.to_le_bytes();
    suite.hash(
        "welcome",
        &[hello, &version, &welcome.nonce, &welcome.key.0],
    )
}

/// What a Hello shows, to prove that the id is known.
pub(super) fn admission(suite: &dyn Suite, document: &DocumentId, nonce: &[u8; 16]) -> [u8; 16] {
    prefix(&suite.hash("admission", &[&document.0, nonce]))
}

/// What an Open shows, to prove that the id is known.
pub(super) fn open(suite: &dyn Suite, document: &DocumentId, session: &[u8; 32]) -> [u8; 8] {
    prefix(&suite.hash("open", &[&document.0, session]))
}

/// Signs a claim with one's own key.
pub(super) fn sign_claim(
    suite: &dyn Suite,
    secret: &SecretKey,
    document: &DocumentId,
    claim: &mut Claim,
) {
    let (line, generation) = claim.succeeds.unwrap_or((NodeId([0; 16]), 0));
    let rank = rank(claim);
    let message = suite.hash(
        "claim",
        &[
            &document.0,
            &[rank],
            &claim.sequence.to_le_bytes(),
            &line.0,
            &generation.to_le_bytes(),
        ],
    );
    claim.key = suite.public_key(secret);
    claim.signature = suite.sign(secret, &message);
}

fn rank(claim: &Claim) -> u8 {
    match claim.rank {
        Rank::Leaving => 0,
        Rank::Holder => 1,
        Rank::Subscriber => 2,
        Rank::Founder => 3,
        Rank::Author => 4,
    }
}

/// Short name of the root that a claim makes of its signer.
pub(super) fn short(suite: &dyn Suite, claim: &Claim) -> [u8; 4] {
    let id = suite.node_id(&claim.key);
    let (line, generation) = claim.succeeds.unwrap_or((id, 0));
    let parts: [&[u8]; 5] = [
        &[rank(claim)],
        &line.0,
        &generation.to_le_bytes(),
        &id.0,
        &claim.sequence.to_le_bytes(),
    ];
    prefix(&suite.hash("root", &parts))
}

/// Signs a ticket for `subject` to show to `target`.
pub(super) fn sign_ticket(
    suite: &dyn Suite,
    secret: &SecretKey,
    (subject, target): (NodeId, NodeId),
    document: &DocumentId,
    ticket: &mut Ticket,
) {
    let message = suite.hash(
        "ticket",
        &[
            &ticket.introducer.0,
            &subject.0,
            &target.0,
            &document.0,
            &ticket.expires.0.to_le_bytes(),
            &[u8::from(ticket.replaces)],
        ],
    );
    ticket.signature = suite.sign(secret, &message);
}
