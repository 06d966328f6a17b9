//! Claims to be overlay root, and the places where states tell them.

use super::proof;
use super::stage::Stage;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::{NodeId, Tag};
use cliqueclique_core::message::{
    Claim, Message, Mode, Packet, Rank, RootRef, STATE_DONE, STATE_FROZEN, STATE_HEIR,
    STATE_UPSTREAM, State,
};

/// The state that a message tells, with the network that it is about, if that is known.
pub(super) fn state_of(message: &mut Message) -> Option<(Option<Tag>, &mut State)> {
    match message {
        Message::State(tag, state) => Some((Some(*tag), state)),
        Message::Open(tag, open) => Some((Some(*tag), &mut open.state)),
        Message::Push(push) => push.edge.as_mut().map(|state| (None, state)),
        _ => None,
    }
}

/// All states in a packet.
pub(super) fn states(packet: &mut Packet) -> impl Iterator<Item = (Option<Tag>, &mut State)> {
    let messages = match packet {
        Packet::Frame(frame) => frame.messages.as_mut_slice(),
        _ => &mut [],
    };
    messages.iter_mut().filter_map(state_of)
}

/// The best claim that this node can sign for a document: it goes on with the
/// founder's line, since no succession is proven, or else with the best line of
/// subscribers that there can be.
pub(super) fn best(stage: &Stage, document: &Document, generation: u32) -> Claim {
    let (rank, line) = if document.founder() {
        (Rank::Founder, document.author_id())
    } else {
        (Rank::Subscriber, NodeId([255; 16]))
    };
    let mut claim = Claim {
        rank,
        key: stage.key,
        succeeds: Some((line, generation)),
        sequence: u64::MAX,
        signature: proof::unsigned(),
    };
    proof::sign_claim(&*stage.suite, &stage.secret, &document.id(), &mut claim);
    claim
}

/// A claim of a line of its own, as any subscriber may make it.
pub(super) fn plain(stage: &Stage, document: &Document) -> Claim {
    let mut claim = Claim {
        rank: Rank::Subscriber,
        key: stage.key,
        succeeds: None,
        sequence: u64::MAX,
        signature: proof::unsigned(),
    };
    proof::sign_claim(&*stage.suite, &stage.secret, &document.id(), &mut claim);
    claim
}

/// The state of a root by this claim, in this mode.
pub(super) fn reign(claim: Claim, mode: Mode) -> State {
    State {
        flags: mode as u8,
        distance: 0,
        root: RootRef::Full(Box::new(claim)),
    }
}

/// Makes a state one of a root by this claim. It has no upstream, and is not frozen.
pub(super) fn crown(state: &mut State, claim: Claim) {
    state.flags &= !(STATE_UPSTREAM | STATE_FROZEN | STATE_DONE | STATE_HEIR);
    state.distance = 0;
    state.root = RootRef::Full(Box::new(claim));
}
