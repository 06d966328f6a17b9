//! What is under way in one overlay. Exists only while something is; an idle
//! document has none of it and no timer.

use super::wants::Wants;
use crate::id::{Address, NodeId};
use crate::link::LinkId;
use crate::message::{Purpose, SetDigest, State, Ticket};
use crate::time::Time;
use std::collections::BTreeMap;

/// An attempt to make a peer a neighbour.
#[derive(Clone, Debug, Hash)]
pub(crate) struct OpenAttempt {
    pub(crate) peer: NodeId,
    pub(crate) purpose: Purpose,
    /// To show to the peer, if it shall replace its introducer by us.
    pub(crate) ticket: Option<Ticket>,
    /// The link on which it was asked; `None` while there is no link yet.
    pub(crate) asked: Option<LinkId>,
    /// Mark of the state that went with the Open.
    pub(crate) mark: u64,
    /// Given up then.
    pub(crate) until: Time,
}

/// A newcomer that was sent to a neighbour which shall give it our place there.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Splice {
    /// The newcomer, and the state that it told.
    pub(crate) newcomer: LinkId,
    pub(crate) state: State,
    pub(crate) heard: u32,
    /// The neighbour that shall let us go.
    pub(crate) partner: LinkId,
    pub(crate) until: Time,
}

/// A difference of comment sets that is looked into.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Comparison {
    pub(crate) link: LinkId,
    /// What the neighbour last told.
    pub(crate) theirs: SetDigest,
    pub(crate) at: Time,
    /// When it was seen first.
    pub(crate) since: Time,
}

/// So often a peer is asked that says that it does not hold the document, and so many such
/// peers are remembered. Guess.
const MAX_ASKED: u8 = 6;
const MAX_IGNORANT: usize = 64;

/// Bits of efforts that can be given up.
pub(crate) const REFILL: u8 = 1;
/// See [`REFILL`].
pub(crate) const COLLECT: u8 = 2;
/// The rest of these bits count what a follower below a subscriber has tried (rule *Climb*).
pub(crate) const CLIMB_ONE: u8 = 4;

/// A repeated effort with growing pauses and an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Effort {
    pub(crate) tries: u32,
    pub(crate) next: Option<Time>,
}

/// What is under way.
#[derive(Clone, Debug, Hash, Default)]
pub(crate) struct Activity {
    pub(crate) opens: Vec<OpenAttempt>,
    pub(crate) splices: Vec<Splice>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) wants: Wants,
    /// When neighbours off the tree are told our state (rule *Tell*).
    pub(crate) tell: Option<Time>,
    /// When the comment set's digest is told to neighbours off the tree.
    pub(crate) lazy: Option<Time>,
    /// It is told to those on the tree too: a comment came another way than by the tree.
    pub(crate) astray: bool,
    /// A freeze is given up then (rule *Patience*).
    pub(crate) frozen_until: Option<Time>,
    /// Some neighbour may be upstream again then (rule *Distrust*).
    pub(crate) distrusts: Option<Time>,
    /// The root changed for the worse: see whether the network fell apart.
    pub(crate) broken: Option<Time>,
    /// That also by asking acquaintances: the old root's line ended.
    pub(crate) scouts: bool,
    /// Attempts to join another part that had no room.
    pub(crate) mends: u32,
    /// Neighbours that are known to have our comment set.
    pub(crate) agreed: Vec<LinkId>,
    /// Seeking more neighbours.
    pub(crate) refill: Effort,
    /// Seeking a subscribing upstream.
    pub(crate) climb: Effort,
    /// Collecting acquaintances.
    pub(crate) collect: Effort,
    /// Number of peers known at the last collection.
    pub(crate) acquainted: usize,
    /// Looking for other parts after this node became overlay root by a failure.
    pub(crate) probe: Effort,
    /// Who was asked in it, and how often; at most the acquaintances.
    pub(crate) probed: BTreeMap<NodeId, u8>,
    /// Offering an own comment that nobody has got yet.
    pub(crate) offer: Effort,
    /// Joining: knocking at the doors the user gave.
    pub(crate) knock: Effort,
    /// Whom we asked for the way to a subscriber, to hand a comment over.
    pub(crate) guides: Vec<LinkId>,
    /// Peers that said that they do not hold the document, and how often.
    pub(crate) ignorant: BTreeMap<NodeId, u8>,
    /// Doors that refused us, in a row.
    pub(crate) refusals: u8,
    /// Doors being dialled.
    pub(crate) knocking: Vec<Address>,
    /// Leaving: next step, and the end of patience.
    pub(crate) leave: Effort,
    pub(crate) leave_until: Option<Time>,
    /// Downstream neighbours that were given a bridge around us.
    pub(crate) bridged: Vec<LinkId>,
}

impl Activity {
    /// Earliest time at which something is due.
    pub(crate) fn next(&self) -> Option<Time> {
        let efforts = [
            self.refill,
            self.climb,
            self.collect,
            self.probe,
            self.knock,
            self.leave,
            self.offer,
        ];
        let opens = self.opens.iter().map(|open| open.until);
        let splices = self.splices.iter().map(|splice| splice.until);
        let comparisons = self.comparisons.iter().map(|comparison| comparison.at);
        efforts
            .iter()
            .filter_map(|effort| effort.next)
            .chain(opens)
            .chain(splices)
            .chain(comparisons)
            .chain(self.wants.next())
            .chain(self.tell)
            .chain(self.lazy)
            .chain(self.broken)
            .chain(self.frozen_until)
            .chain(self.distrusts)
            .chain(self.leave_until)
            .min()
    }

    /// A peer says that it does not hold the document; gives how often by now.
    pub(crate) fn lacks(&mut self, peer: NodeId) -> u8 {
        if self.ignorant.len() >= MAX_IGNORANT {
            self.ignorant.pop_first();
        }
        let asked = self.ignorant.entry(peer).or_default();
        *asked = asked.saturating_add(1);
        *asked
    }

    /// There is no use in asking this peer for a place once more.
    pub(crate) fn knows_nothing(&self, peer: NodeId) -> bool {
        self.ignorant
            .get(&peer)
            .is_some_and(|asked| *asked >= MAX_ASKED)
    }

    /// Forgets what concerned a link that is gone.
    pub(crate) fn unlink(&mut self, link: LinkId) {
        self.opens.retain(|open| open.asked != Some(link));
        self.splices
            .retain(|splice| splice.newcomer != link && splice.partner != link);
        self.comparisons
            .retain(|comparison| comparison.link != link);
        self.wants.unlink(link);
        self.agreed.retain(|agreed| *agreed != link);
        self.bridged.retain(|bridged| *bridged != link);
        self.guides.retain(|guide| *guide != link);
    }
}
