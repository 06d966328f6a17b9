//! A validated scenario: what the simulator runs. `parse` makes it from TOML.

use super::script::Script;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One experiment, complete but for its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// File stem.
    pub name: String,
    /// One sentence: what it shows.
    pub about: String,
    /// Default seed.
    pub seed: u64,
    /// Simulated length, faults and all; `settle` comes after it.
    pub duration: Duration,
    /// After `duration` faults and workload stop, links heal, and within this
    /// time every *eventually* property must hold.
    pub settle: Duration,
    /// Once they hold and `settle` is over, so much longer nothing happens; then they are looked
    /// at once more.
    pub quiet: Duration,
    /// Node settings.
    pub protocol: cliqueclique_core::Config,
    /// Per-node K drawn uniformly from this range instead of `protocol.max_peers`.
    pub max_peers_range: Option<(usize, usize)>,
    /// Real signatures, hashes and wire bytes instead of the cheap stand-ins.
    pub real_crypto: bool,
    /// Evict an overlay that was untouched for this long; never if `None`.
    pub evict_after: Option<Duration>,
    /// The network between nodes.
    pub network: Network,
    /// Who there is and what they do.
    pub workload: Workload,
    /// What goes wrong, in order of time.
    pub faults: Vec<Fault>,
    /// What happens entry by entry, instead of being drawn.
    pub script: Script,
    /// Who misbehaves, and how.
    pub adversaries: Vec<Adversary>,
    /// What is checked.
    pub checks: Checks,
    /// Times of snapshots besides the end.
    pub snapshots: Vec<Duration>,
    /// Interval of rows in `metrics.csv`.
    pub sample: Duration,
}

/// Time that repair takes once a failure is known. Guess: a few round trips and time-outs.
const REPAIR: Duration = Duration::from_secs(60);

impl Scenario {
    /// Time within which a silent failure is noticed and repaired; what a fault
    /// costs is counted that long.
    #[must_use]
    pub fn aftermath(&self) -> Duration {
        let silent = self.protocol.keep_alive_max + self.protocol.link_timeout;
        self.network.crash_notice.unwrap_or(silent) + self.protocol.absence + REPAIR
    }
}

/// Link model. Every directed pair of nodes draws its own latency once, and
/// every packet its jitter.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// One-way latency.
    pub latency: Latency,
    /// Extra latency per packet, uniform from zero to this.
    pub jitter: Duration,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Probability that it comes twice.
    pub duplicate: f64,
    /// Probability that it is held back by up to `reorder_delay`.
    pub reorder: f64,
    /// See `reorder`.
    pub reorder_delay: Duration,
    /// Bytes per second of one directed link; `None` is unlimited.
    pub bandwidth: Option<u64>,
    /// Largest packet, bytes.
    pub frame_limit: usize,
    /// Mean life of a channel before the transport drops it (I2P tunnels); `None` is for ever.
    pub channel_life: Option<Duration>,
    /// Peers of a crashed node's channels learn of it after this; `None`: never.
    pub crash_notice: Option<Duration>,
    /// After the scenario's `duration` it loses, doubles and reorders nothing more, and no channel
    /// ends by itself.
    pub heals: bool,
    /// Largest absolute clock drift, parts per million; each node draws its own.
    pub drift_ppm: f64,
}

/// Distribution of one-way latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Between two values.
    Uniform(Duration, Duration),
    /// By median and sigma of the logarithm.
    Lognormal(Duration, f64),
}

/// Who there is and what they do.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// A number of nodes in the networks of a few forum roots.
    Synthetic(Synthetic),
    /// A newsgroup, replayed from a trace or generated.
    Newsgroup(Newsgroup),
    /// So many nodes, whose users do what the schedule says.
    Scripted(usize),
}

impl Workload {
    /// Nodes, as far as the scenario itself says how many (a trace may name more).
    #[must_use]
    pub fn nodes(&self) -> usize {
        match self {
            Self::Synthetic(synthetic) => synthetic.nodes,
            Self::Newsgroup(newsgroup) => newsgroup.authors + newsgroup.readers,
            Self::Scripted(nodes) => *nodes,
        }
    }
}

/// Nodes join forums, post, leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// Number of nodes.
    pub nodes: usize,
    /// Number of forum roots, published by node 0, 1, … in turn.
    pub forums: usize,
    /// Joins are spread evenly over this time from the start.
    pub join_over: Duration,
    /// Of the nodes that join a forum, the share that subscribes (the rest bookmarks its root).
    pub subscribe: f64,
    /// Of the subscribers, the share that follows recursively.
    pub follow: f64,
    /// Forums a node joins: all (`None`), or one drawn by a Zipf law with this exponent per interest.
    pub zipf: Option<f64>,
    /// Interests per node if `zipf` is set.
    pub interests: usize,
    /// Bootstrap peer: the forum's publisher, or (true) any node that already joined.
    pub join_anywhere: bool,
    /// Comments in all, by random followers, subscribers or holders of the forum.
    pub comments: usize,
    /// First comment.
    pub comments_from: Duration,
    /// Last comment.
    pub comments_until: Duration,
    /// Probability that a comment answers an earlier comment instead of the forum root.
    pub reply: f64,
    /// Median body, bytes; lognormal with the shape of the reference newsgroup.
    pub body: usize,
}

/// A newsgroup: one node per author, plus readers.
#[derive(Clone, Debug, PartialEq)]
pub struct Newsgroup {
    /// Trace file; the generator if it is `None` or not there.
    pub replay: Option<PathBuf>,
    /// True if the trace must be there.
    pub replay_required: bool,
    /// Authors for the generator.
    pub authors: usize,
    /// Messages for the generator.
    pub messages: usize,
    /// Length of the generated trace.
    pub span: Duration,
    /// Readers beside the authors, who never write.
    pub readers: usize,
    /// Share of nodes that follow the whole group recursively.
    pub follow_all: f64,
    /// Mean share of threads that every other node follows once it sees their first message.
    pub follow_thread: f64,
    /// A node joins this long before its first message (readers: at a random time in the first tenth).
    pub join_before: Duration,
    /// Use only the first so many messages.
    pub limit: Option<usize>,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// When it starts.
    pub at: Duration,
    /// Repeat at this interval until `until`.
    pub every: Option<Duration>,
    /// Last repetition; end of the scenario if absent.
    pub until: Option<Duration>,
    /// What.
    pub kind: FaultKind,
    /// Whom it hits.
    pub target: Target,
}

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// A share of the live nodes, drawn at random (publishers of forums excepted only by chance).
    Share(f64),
    /// So many random live nodes.
    Count(usize),
    /// The present overlay root of the first forum.
    Root,
    /// The node with this index.
    Node(usize),
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// The node vanishes without a word; restarted after `restart` as `disk` says.
    Crash {
        /// Down time; for ever if `None`.
        restart: Option<Duration>,
        /// What is left of the disk.
        disk: Disk,
    },
    /// The node leaves all networks gracefully, for ever.
    Leave,
    /// The node stands still (a closed laptop) and goes on with its memory intact.
    Pause(Duration),
    /// The hit nodes are cut off from all others.
    Partition {
        /// For how long.
        lasts: Duration,
        /// Only packets *from* the hit nodes are lost.
        one_way: bool,
    },
    /// The node gets a new address; old channels break.
    Move,
    /// The node drops every wish for the first forum.
    Forget,
    /// The node changes between subscribed and only holding, for the first forum.
    Toggle,
    /// Packet loss of all links of the hit nodes rises to `loss` for a while.
    Degrade {
        /// For how long.
        lasts: Duration,
        /// Probability of loss.
        loss: f64,
    },
}

/// Nodes that misbehave on purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Adversary {
    /// What they do, by name, in this order.
    pub behaviors: Vec<&'static str>,
    /// Who they are.
    pub cast: Cast,
    /// Whom it is about, for behaviours that have one victim.
    pub victim: Option<usize>,
    /// When they begin; before it they are like all others.
    pub from: Duration,
    /// When they end; never if `None`.
    pub until: Option<Duration>,
    /// How often a second each behaviour acts by itself.
    pub rate: f64,
}

/// Which nodes are hostile.
#[derive(Clone, Debug, PartialEq)]
pub enum Cast {
    /// A share of all nodes, at least one, drawn at random from all but the publishers of forums.
    Share(f64),
    /// So many nodes, drawn likewise.
    Count(usize),
    /// The nodes with these indexes.
    Nodes(Vec<usize>),
}

/// What a restarted node finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// All that was durable at the crash.
    Kept,
    /// Nothing but its key (its user joins again).
    Lost,
    /// What was durable this long before the crash.
    Backup(Duration),
}

/// What is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Checks {
    /// Check the *always* properties after every event that touched a node
    /// (true) or only at samples (false, for speed).
    pub every_step: bool,
    /// *Eventually* properties that do not apply, by name.
    pub skip: Vec<String>,
    /// *Sometimes* properties that must have been seen, by name.
    pub sometimes: Vec<String>,
    /// Longest life of a circle of upstreams.
    pub circle_bound: Duration,
    /// Largest share of a network's honest nodes that hostile neighbours may cut off.
    pub cut_off: f64,
    /// Upper bounds on figures of the report, by name.
    pub at_most: BTreeMap<String, f64>,
}
