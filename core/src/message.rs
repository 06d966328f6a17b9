//! What travels between two nodes. PROTOCOL.md has the table of messages with
//! the rule that each one serves; [`crate::wire`] turns packets into bytes.

use crate::id::{Address, NodeId, PublicKey, Signature, Tag};
use crate::time::WallTime;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Unit of the transport.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Packet {
    /// First packet of the side that dialled.
    Hello(Box<Hello>),
    /// Answer of the side that was dialled.
    Welcome(Box<Welcome>),
    /// Closes the handshake: the dialling side proves that it is live.
    Confirm(Confirm),
    /// Everything after the handshake.
    Frame(Frame),
    /// The sender closes the link on purpose.
    Goodbye,
}

/// Opening of a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hello {
    /// Lowest protocol version spoken.
    pub version_min: u16,
    /// Highest protocol version spoken.
    pub version_max: u16,
    /// Fresh random bytes.
    pub nonce: [u8; 16],
    /// Key of the dialling node.
    pub key: PublicKey,
    /// Where the dialling node can be reached.
    pub address: Address,
    /// Why contact is allowed.
    pub admission: Admission,
    /// By `key` over (channel binding, all fields above). The node dialled is not named.
    pub signature: Signature,
}

/// Why a dialling node may make contact (rule *Contact*).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Admission {
    /// Document on whose account contact is made.
    pub tag: Tag,
    /// Hash of (document id, nonce): shows that the id is known, not only the tag.
    pub proof: [u8; 16],
    /// The kind of claim.
    pub kind: AdmissionKind,
}

/// Kinds of admission.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AdmissionKind {
    /// A user entered the address and the document id.
    Bootstrap,
    /// A common neighbour signed an introduction.
    Introduced(Ticket),
    /// Both were introduced before and remember it.
    Reunion,
}

/// A signed introduction of `subject` to the node that receives it. The
/// signature also covers the target's id and the document id, which are not
/// sent: only a holder of the document at the target can check it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The common neighbour that introduces.
    pub introducer: NodeId,
    /// Not valid after this time (with the tolerance of `config`).
    pub expires: WallTime,
    /// The target shall give the introducer's place to the subject (rule *Splice*).
    pub replaces: bool,
    /// By the introducer.
    pub signature: Signature,
}

/// Answer to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Welcome {
    /// Version chosen.
    pub version: u16,
    /// Fresh random bytes.
    pub nonce: [u8; 16],
    /// Key of the answering node.
    pub key: PublicKey,
    /// By `key` over (hash of the Hello, version, nonce, key); that hash has the channel binding.
    pub signature: Signature,
}

/// End of the handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Confirm {
    /// By the dialling key over (channel binding, hash of the Welcome).
    pub signature: Signature,
}

/// A numbered bundle of messages with acknowledgements.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Frame {
    /// From 1, one higher for each new frame with messages. A bare frame, without
    /// messages, repeats the last number (0 if there was none) and is not acknowledged.
    pub number: u32,
    /// Numbers received, as inclusive ranges, newest last; at most `MAX_ACK_RANGES`.
    pub acks: Vec<(u32, u32)>,
    /// How many more bytes of documents the sender of this frame is ready to take
    /// in, in units of [`crate::config::CREDIT_UNIT`].
    pub credit: u8,
    /// The messages, in order.
    pub messages: Vec<Message>,
}

/// One message for one document's network (or, for the last ones, the link).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Latest overlay state for a neighbour.
    State(Tag, State),
    /// Asks to become neighbours.
    Open(Tag, Box<Open>),
    /// Ends or refuses a relation.
    Close(Tag, CloseReason),
    /// Introduces the receiver to a neighbour of the sender.
    Introduce(Tag, Box<Introduction>),
    /// Asks for introductions.
    Seek(Tag, Purpose),
    /// A document, pushed or asked for.
    Push(Box<Push>),
    /// Lazy push: digest of the sender's comment set.
    Digest(Tag, SetDigest),
    /// Range-based reconciliation of comment sets.
    Reconcile(Tag, Vec<Range>),
    /// Asks for documents: (document whose comments they are, their tags). A
    /// joining node asks for the document itself under its own tag.
    Want(Tag, Vec<Tag>),
    /// Answers a Want: these cannot be had here.
    Lack(Tag, Vec<Tag>),
    /// Part of a message that is larger than a frame.
    Fragment(Fragment),
    /// Keep-alive; answered by the acknowledgement alone.
    Ping,
    /// The sender can now be reached elsewhere.
    Moved(Address),
    /// Compares the sets of networks in which the two are neighbours (rule *Audit*).
    Audit(Vec<Range>),
    /// Names the sender's overlay root by its short name to a peer that is not its
    /// neighbour there; true in an answer (rule *Mend*).
    Root(Tag, [u8; 4], bool),
    /// First message on a link: a mark of the sender's memory, which changes with each
    /// restart, and the digest of the networks in which it takes the receiver for a
    /// neighbour from an earlier connection (rule *Await*).
    Resume([u8; 8], SetDigest),
    /// Compares what the two remember of each other's states after a restart: sets of
    /// fingerprints, one for each relation (rule *Remember*).
    Compare(Vec<Range>),
}

impl Message {
    /// Document whose network the message concerns.
    pub(crate) fn network(&self) -> Option<Tag> {
        match self {
            Self::State(tag, _)
            | Self::Open(tag, _)
            | Self::Close(tag, _)
            | Self::Introduce(tag, _)
            | Self::Seek(tag, _)
            | Self::Digest(tag, _)
            | Self::Reconcile(tag, _)
            | Self::Want(tag, _)
            | Self::Lack(tag, _)
            | Self::Root(tag, ..) => Some(*tag),
            Self::Push(push) => Some(push.via),
            Self::Fragment(_)
            | Self::Ping
            | Self::Moved(_)
            | Self::Audit(_)
            | Self::Resume(..)
            | Self::Compare(_) => None,
        }
    }
}

/// How much of a document's network a node takes part in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Mode {
    /// Holds the document.
    #[default]
    Hold,
    /// Also gets every comment of it.
    Subscribe,
    /// Also subscribes to every comment of it, recursively.
    Follow,
}

impl Mode {
    /// True for [`Mode::Subscribe`] and [`Mode::Follow`].
    #[must_use]
    pub fn subscribes(self) -> bool {
        self >= Self::Subscribe
    }

    /// The least mode of a subscriber that gets more than somebody in this mode, if there is one.
    pub(crate) fn above(self) -> Self {
        if self.subscribes() {
            Self::Follow
        } else {
            Self::Subscribe
        }
    }

    /// Mode that somebody in this mode has, at first, for a new comment.
    #[must_use]
    pub fn inherited(self) -> Self {
        if self == Self::Follow {
            Self::Follow
        } else {
            Self::Hold
        }
    }
}

/// First part of a root key: the higher wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rank {
    /// Is about to leave.
    Leaving,
    /// Holds the document.
    Holder,
    /// Subscribes to it.
    Subscriber,
    /// Its author, subscribed since its birth, or a subscriber that succeeds the author.
    Founder,
    /// Its author, who never subscribed to it, or a holder that succeeds the author.
    Author,
}

impl Rank {
    /// True if whoever has it subscribes.
    #[must_use]
    pub fn subscribes(self) -> bool {
        matches!(self, Self::Subscriber | Self::Founder)
    }

    /// True if the document gives it at its birth, to its author's line alone.
    #[must_use]
    pub fn of_birth(self) -> bool {
        matches!(self, Self::Founder | Self::Author)
    }

    /// Place among the ranks: any subscriber is above all who do not subscribe.
    fn height(self) -> u8 {
        match self {
            Self::Leaving => 0,
            Self::Holder => 1,
            Self::Author => 2,
            Self::Subscriber => 3,
            Self::Founder => 4,
        }
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.height().cmp(&other.height())
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A node's signed claim to be overlay root. The author as founder needs none: the
/// document itself proves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// What the claimant is.
    pub rank: Rank,
    /// Its key.
    pub key: PublicKey,
    /// The line of roots that it goes on, by the node that began it, and the place in
    /// it, above 0 (rule *Succeed*). None begins a line of its own.
    pub succeeds: Option<(NodeId, u32)>,
    /// Raised with every new claim; seconds of wall time or more.
    pub sequence: u64,
    /// By `key` over ("claim", document id, rank, sequence, line, generation).
    pub signature: Signature,
}

/// How a state names its overlay root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RootRef {
    /// The document's author, as which the document itself proves it: a founder if it has the
    /// founder's mark, else a holder.
    Author,
    /// A root that the receiver has shown or been shown on this link: the first
    /// four bytes of the hash of its key.
    Known([u8; 4]),
    /// The claim itself.
    Full(Box<Claim>),
    /// The sender's own, of which nobody knows: it has no neighbour yet.
    Alone,
}

/// State of one node in one document's network, as told to one neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// Mode in the lowest two bits, then the `STATE_*` flags.
    pub flags: u8,
    /// Distance from the overlay root, hops.
    pub distance: u16,
    /// Overlay root.
    pub root: RootRef,
}

/// The sender is frozen (rule *Freeze*).
pub const STATE_FROZEN: u8 = 1 << 2;
/// The sender is frozen and all below it are (rule *Done*).
pub const STATE_DONE: u8 = 1 << 3;
/// The receiver is the sender's upstream.
pub const STATE_UPSTREAM: u8 = 1 << 4;
/// The sender could not resolve [`RootRef::Known`] and asks for the full claim.
pub const STATE_UNRESOLVED: u8 = 1 << 5;

/// The sender, an overlay root that gives up, asks the receiver to succeed it (rule *Succeed*).
pub const STATE_HEIR: u8 = 1 << 7;

/// In a [`Push`]: the sender takes the receiver for its downstream in the pushed
/// document's network, so the receiver needs not say so (rule *Inherit*).
pub const STATE_ASSUMED: u8 = 1 << 6;

/// Request to become neighbours in a network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Open {
    /// Hash of (document id, link session): shows that the id is known.
    pub proof: [u8; 8],
    /// Our state for the receiver.
    pub state: State,
    /// An introduction; if it replaces, the receiver shall give us its introducer's place.
    pub ticket: Option<Ticket>,
    /// We look for other parts of the network (rule *Heal*): who has our overlay root
    /// refuses with Surplus, who has another makes room even if full.
    pub heal: bool,
}

/// Why a relation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CloseReason {
    /// The sender left the network.
    Left,
    /// The sender does not hold the document.
    Unknown,
    /// The sender has no room and cannot make any.
    Full,
    /// The sender gave the receiver's place to this node (rule *Splice*).
    Replaced(NodeId),
    /// The sender does not need the relation, or knows of none.
    Surplus,
    /// Proof or ticket were not good.
    Denied,
}

/// Introduction of the receiver to `peer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Introduction {
    /// Node to contact.
    pub peer: NodeId,
    /// Where it is.
    pub address: Address,
    /// To show to `peer`. Its subject is the receiver. None for an acquaintance, since it is
    /// told of the receiver, too (rule *Acquaint*).
    pub ticket: Option<Ticket>,
    /// What the introduction is for.
    pub purpose: Purpose,
}

/// What somebody seeks or gives an introduction for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// More neighbours.
    Neighbor,
    /// A subscriber nearer to the overlay root.
    Subscriber,
    /// A replacement for the introducer, who leaves.
    Bridge,
    /// Only to know each other, for repair after a later failure.
    Acquaintance,
    /// To find other parts of a network that has fallen apart (rules *Heal*, *Probe*).
    Heal,
    /// Not a subscriber, but nearer to one (rules *Climb*, *Hand over*).
    Guide,
}

/// A document on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Push {
    /// Document whose network carries it; its own tag if it was asked for by a joining node.
    pub via: Tag,
    /// The sender's state in the pushed document's own network, if it takes the
    /// receiver as a neighbour there (rule *Inherit*).
    pub edge: Option<State>,
    /// False if it answers a Want or a Reconcile.
    pub fresh: bool,
    /// Canonical bytes.
    pub document: Bytes,
}

/// Digest of a set of comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SetDigest {
    /// Number of comments.
    pub count: u32,
    /// Sum, modulo 2^64, of the mixed tags.
    pub sum: u64,
}

/// One range of tags in a reconciliation: from `from` up to the next range's
/// `from` (or the end).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// Inclusive lower bound.
    pub from: Tag,
    /// What the sender has there.
    pub content: RangeContent,
}

/// Content of a range.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RangeContent {
    /// Nothing to do here.
    Skip,
    /// Compare this.
    Digest(SetDigest),
    /// All tags that the sender has; true if it wants the receiver's in return.
    Tags(Vec<Tag>, bool),
}

/// Part of an encoded message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fragment {
    /// Number of the transfer on this link and in this direction.
    pub transfer: u32,
    /// Where the bytes belong.
    pub offset: u32,
    /// Length of the whole.
    pub total: u32,
    /// The bytes.
    pub bytes: Bytes,
}
