//! One node: a real core, what its disk holds, and what its user wants.

use crate::case::{Case, Order};
use crate::suite::Cheap;
use bytes::Bytes;
use cliqueclique_core::crypto::Suite;
use cliqueclique_core::{
    Address, ChannelId, Config, Core, Document, DocumentId, Identity, Mode, NodeId, Record,
    SecretKey, WallTime,
};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// Wall time of all nodes, always: dates, tickets and claims do not age.
pub(crate) const WALL: WallTime = WallTime(1_000_000);

/// What is durable.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Disk {
    pub(crate) documents: BTreeMap<DocumentId, Document>,
    pub(crate) records: BTreeMap<Record, Bytes>,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// None while it is down.
    pub(crate) core: Option<Core>,
    pub(crate) disk: Disk,
    /// What its user chose, by document.
    pub(crate) wishes: BTreeMap<u8, Mode>,
    /// Commands without an answer yet, by request.
    pub(crate) pending: BTreeMap<u64, Order>,
    pub(crate) next_request: u64,
    /// Number of the next channel that somebody else opens: odd.
    pub(crate) next_channel: u64,
    pub(crate) starts: u8,
    /// Of all the above; kept by [`Node::seal`].
    pub(crate) digest: u64,
}

impl Node {
    /// A fresh node.
    pub(crate) fn new(at: usize, case: &Case) -> Self {
        let mut node = Self {
            core: None,
            disk: Disk::default(),
            wishes: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_request: 1,
            next_channel: 1,
            starts: 0,
            digest: 0,
        };
        node.start(at, case);
        node
    }

    /// Starts, or starts again with what the disk holds.
    pub(crate) fn start(&mut self, at: usize, case: &Case) {
        let identity = Identity {
            secret: SecretKey([byte(at) + 1; 32]),
            address: address(at),
        };
        let mut seed = [self.starts; 32];
        seed[0] = byte(at);
        self.starts += 1;
        let suite = Arc::new(Cheap);
        let records = &self.disk.records;
        let own = records.get(&Record::Node).map(|bytes| &bytes[..]);
        let peer =
            |(record, bytes): (&Record, _)| matches!(record, Record::Peer(_)).then_some(bytes);
        let peers = records
            .iter()
            .filter_map(peer)
            .map(|bytes: &Bytes| &bytes[..]);
        let fresh = self.starts == 1;
        let core = if fresh {
            Core::new(config(case), identity, seed, suite, WALL).ok()
        } else {
            Core::restore(config(case), identity, seed, suite, WALL, own, peers).ok()
        };
        self.core = Some(
            core.unwrap_or_else(|| unreachable!("settings fit, and disks keep records whole")),
        );
    }

    /// Makes the digest anew.
    pub(crate) fn seal(&mut self) {
        let mut hasher = DefaultHasher::new();
        let core = self.core.as_ref();
        core.map(|core| core.digest(DefaultHasher::new()))
            .hash(&mut hasher);
        (&self.disk, &self.wishes, &self.pending).hash(&mut hasher);
        (self.next_request, self.next_channel, self.starts).hash(&mut hasher);
        self.digest = hasher.finish();
    }

    /// Its number for a channel that somebody else opened.
    pub(crate) fn accept(&mut self) -> ChannelId {
        self.next_channel += 2;
        ChannelId(self.next_channel - 2)
    }

    /// True if its disk has the document.
    pub(crate) fn has(&self, id: &DocumentId) -> bool {
        self.disk.documents.contains_key(id)
    }
}

/// Settings: the defaults, but for what would only multiply states.
fn config(case: &Case) -> Config {
    Config {
        max_peers: case.max_peers,
        min_peers: case.max_peers.min(2),
        max_links: 16,
        max_documents: 16,
        // Rule *Acquaint* is left out.
        min_acquaintances: 0,
        max_acquaintances: 16,
        // No waiting for company in a frame: every state of the election travels.
        ack_delay: Duration::ZERO,
        state_delay: Duration::ZERO,
        // Keep-alives would go on for ever.
        keep_alive_min: Duration::from_secs(24 * 3600),
        keep_alive_max: Duration::from_secs(24 * 3600),
        ..Config::default()
    }
}

/// Node ids: known before there are cores.
pub(crate) fn id(at: usize) -> NodeId {
    Cheap.node_id(&Cheap.public_key(&SecretKey([byte(at) + 1; 32])))
}

/// Address of a node.
pub(crate) fn address(at: usize) -> Address {
    Address(Bytes::from(vec![byte(at)]))
}

/// Node at an address.
pub(crate) fn resolve(address: &Address) -> Option<usize> {
    address.0.first().map(|&at| usize::from(at))
}

fn byte(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}
