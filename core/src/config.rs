//! Settings and limits, each with its unit and where its value comes from.

use std::time::Duration;

/// Lowest and highest protocol version spoken.
pub const VERSIONS: (u16, u16) = (1, 1);
/// Largest document, bytes. The largest message of the reference newsgroup's
/// year is 73,976 bytes.
pub const MAX_DOCUMENT: usize = 128 * 1024;
/// Most parents, and most children, of a document. Guess.
pub const MAX_RELATIVES: usize = 8;
/// Longest address, bytes; an I2P destination in base 64 has 524.
pub const MAX_ADDRESS: usize = 600;
/// Largest K that a node may choose. Bounds memory per overlay.
pub const MAX_PEERS: usize = 64;
/// Fewest places of a node that changes its upstream for convenience. Guess.
const ROOMY: usize = 4;
/// Smallest frame limit that a transport may have, bytes: a Hello fits.
pub const MIN_FRAME_LIMIT: usize = 1024;
/// Most acknowledgement ranges in a frame.
pub const MAX_ACK_RANGES: usize = 32;
/// Most messages in a frame.
pub const MAX_MESSAGES: usize = 4096;
/// Most tags or ranges in one message.
pub const MAX_TAGS: usize = 512;
/// A reconciled range with at most this many comments is sent as tags. Guess,
/// after Meyer 2022, "Range-Based Set Reconciliation", section 4.
pub const RECONCILE_LEAF: usize = 16;
/// Into how many parts a differing range is split.
pub const RECONCILE_FANOUT: usize = 8;
/// Violations after which a link is closed and the peer refused for a while.
pub const PATIENCE: u32 = 32;
/// Deepest distance from the overlay root. Beyond it a claim is refused, which
/// bounds what a forged chain can cost.
pub const MAX_DISTANCE: u16 = 4096;

/// Unit of the credit in a frame, bytes.
pub const CREDIT_UNIT: usize = 32 * 1024;

/// Settings of one node. Two nodes with different settings work together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Config {
    /// K: most neighbours per document. At least 2, at most [`MAX_PEERS`].
    pub max_peers: usize,
    /// Neighbours below which a node seeks more. At most `max_peers`.
    pub min_peers: usize,
    /// Most links at once, half-open ones included.
    pub max_links: usize,
    /// Most documents in networks at once, cold ones not counted.
    pub max_documents: usize,
    /// Most comments of one document.
    pub max_comments: usize,
    /// Most acquaintances kept for repair.
    pub max_acquaintances: usize,
    /// Acquaintances below which a newcomer collects more.
    pub min_acquaintances: usize,
    /// Time for one handshake, dialling included.
    pub handshake_timeout: Duration,
    /// First retransmission time-out, before the round trip is known
    /// (RFC 6298 says 1 s; I2P needs more).
    pub first_timeout: Duration,
    /// Shortest retransmission time-out (RFC 6298, 2.4). Measured: with 200 ms 1.5 % of all bytes
    /// of a month of a newsgroup went twice where nothing was lost.
    pub min_timeout: Duration,
    /// A link on which a frame is not acknowledged for this long is dead.
    pub link_timeout: Duration,
    /// An acknowledgement waits this long for a frame to ride on.
    pub ack_delay: Duration,
    /// Changed overlay states wait this long for others to share a frame with, and
    /// for changes that make them obsolete. Measured: 50 ms saves about half the
    /// packets of an election.
    pub state_delay: Duration,
    /// First interval of keep-alives on an idle link; doubles up to `keep_alive_max`.
    pub keep_alive_min: Duration,
    /// Longest interval of keep-alives on an idle link.
    pub keep_alive_max: Duration,
    /// With n links a keep-alive interval grows to n times this (at most
    /// `keep_alive_max`): a node is pinged about twice in this time by somebody,
    /// however many links it has. So idle links cost a node the same, few or many. Measured:
    /// half an hour spares a third of the frames that a month of a newsgroup takes with 15 minutes.
    pub keep_alive_pace: Duration,
    /// The relations on a lost link are kept for this long, in case it comes back (rule
    /// *Await*); in a network where nothing happens its loss costs nothing until then.
    /// Zero: not at all.
    pub absence: Duration,
    /// A node that is frozen for this long releases itself: longer than a failed link
    /// takes to be found, `link_timeout`, so that only a hostile neighbour lets it come to that.
    pub freeze_timeout: Duration,
    /// When the two ends of a link may differ about their relations, they compare
    /// them after this long. Longer than the messages that may settle it by themselves.
    pub audit_delay: Duration,
    /// A link without any shared document is closed after this long.
    pub linger: Duration,
    /// Lazy push waits this long, so that the eager push usually comes first.
    pub lazy_delay: Duration,
    /// A difference of comment sets is looked into after this long.
    pub reconcile_delay: Duration,
    /// Unanswered requests (Open, Seek, Want, Splice) are given up after this long.
    pub request_timeout: Duration,
    /// First pause before a failed peer is tried again; doubles up to `redial_max`.
    pub redial_min: Duration,
    /// Longest pause before a failed peer is tried again.
    pub redial_max: Duration,
    /// A new overlay root probes acquaintances at this interval, which grows by itself every
    /// four rounds, a bounded number of times.
    pub probe_interval: Duration,
    /// Longest time that leaving a network may take.
    pub leave_timeout: Duration,
    /// Validity of an introduction.
    pub ticket_life: Duration,
    /// How far wall clocks may be apart.
    pub clock_tolerance: Duration,
    /// Most unacknowledged bytes on a link.
    pub send_window: usize,
    /// Most documents waiting to be sent on a link; beyond it lazy push takes over.
    /// At least 1: otherwise nothing would ever be sent.
    pub send_queue: usize,
    /// Most bytes of documents waiting to be admitted.
    pub admission_window: usize,
    /// Messages per second that a link may cause work with, sustained.
    pub rate_limit: u32,
    /// Messages that a link may send in a burst.
    pub rate_burst: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_peers: 8,
            min_peers: 3,
            max_links: 256,
            max_documents: 4_000_000,
            max_comments: 1_000_000,
            max_acquaintances: 256,
            min_acquaintances: 128,
            handshake_timeout: Duration::from_secs(60),
            first_timeout: Duration::from_secs(3),
            min_timeout: Duration::from_secs(1),
            link_timeout: Duration::from_secs(60),
            ack_delay: Duration::from_millis(40),
            state_delay: Duration::from_millis(50),
            keep_alive_min: Duration::from_secs(30),
            keep_alive_max: Duration::from_secs(24 * 3600),
            keep_alive_pace: Duration::from_secs(1_800),
            absence: Duration::from_secs(300),
            freeze_timeout: Duration::from_secs(90),
            audit_delay: Duration::from_secs(30),
            linger: Duration::from_secs(60),
            lazy_delay: Duration::from_secs(5),
            reconcile_delay: Duration::from_secs(2),
            request_timeout: Duration::from_secs(20),
            redial_min: Duration::from_secs(5),
            redial_max: Duration::from_secs(3600),
            probe_interval: Duration::from_secs(30),
            leave_timeout: Duration::from_secs(60),
            ticket_life: Duration::from_secs(600),
            clock_tolerance: Duration::from_secs(900),
            send_window: 256 * 1024,
            send_queue: 65_536,
            admission_window: 4 * 1024 * 1024,
            rate_limit: 2_000,
            rate_burst: 200_000,
        }
    }
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConfigError(pub &'static str);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// With fewer places a node does not change its upstream for convenience: each of its edges
    /// may be all that joins two parts.
    pub(crate) fn roomy(&self) -> bool {
        self.max_peers >= ROOMY
    }

    /// Checks that the settings fit together.
    ///
    /// # Errors
    /// Names the setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let rules = [
            (
                (2..=MAX_PEERS).contains(&self.max_peers),
                "max_peers must be between 2 and 64",
            ),
            (
                (1..=self.max_peers).contains(&self.min_peers),
                "min_peers must be between 1 and max_peers",
            ),
            (self.max_links >= 4, "max_links must be at least 4"),
            (
                self.min_acquaintances <= self.max_acquaintances,
                "min_acquaintances must be at most max_acquaintances",
            ),
            (
                !self.first_timeout.is_zero() && !self.min_timeout.is_zero(),
                "first_timeout and min_timeout must be above zero",
            ),
            (
                self.min_timeout <= self.link_timeout,
                "min_timeout must be at most link_timeout",
            ),
            (
                !self.keep_alive_min.is_zero() && self.keep_alive_min <= self.keep_alive_max,
                "keep_alive_min must be above zero and at most keep_alive_max",
            ),
            (
                !self.redial_min.is_zero() && self.redial_min <= self.redial_max,
                "redial_min must be above zero and at most redial_max",
            ),
            (self.send_queue > 0, "send_queue must be above zero"),
            (
                self.rate_limit > 0 && self.rate_burst > 0,
                "rate limits must be above zero",
            ),
            (
                self.send_window >= MAX_DOCUMENT,
                "send_window must hold the largest document",
            ),
        ];
        rules
            .iter()
            .find(|(holds, _)| !holds)
            .map_or(Ok(()), |(_, text)| Err(ConfigError(text)))
    }
}
