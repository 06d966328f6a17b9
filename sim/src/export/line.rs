//! One line of `snapshots.jsonl`: what is true of one node and one document at
//! one time. The fields are documented in `scenarios/README.md` and stable:
//! later versions add fields and change none.

use crate::check::Directory as Index;
use crate::snapshot::{self, DocumentTruth, Interest, Membership, Snapshot};
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::Mode;
use serde::{Deserialize, Serialize};

pub(super) use crate::check::Directory;

/// Comments are listed one by one up to this many.
const LISTED: usize = 64;

/// The truth about one node and one document at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Simulated seconds.
    pub time: f64,
    /// Id of the document, hex.
    pub document: String,
    /// Short name of the document, hex.
    pub tag: String,
    /// Short names of the documents that it is a comment of, hex.
    pub parents: Vec<String>,
    /// Index of the node.
    pub node: usize,
    /// Id of the node, hex.
    pub node_id: String,
    /// It runs and is reachable.
    pub alive: bool,
    /// The scenario makes it misbehave: nothing is promised to it.
    #[serde(default)]
    pub hostile: bool,
    /// Why it should hold the document, by the scenario's truth; or `false`.
    pub interested: Interested,
    /// Its user subscribed, by the commands given.
    pub subscribed: bool,
    /// The part that its user wishes: `hold`, `subscribe` or `follow`.
    pub wish: String,
    /// It is in the document's network and stores the document.
    pub holds: bool,
    /// It holds the document and gets every comment pushed.
    pub in_subscribing_set: bool,
    /// Id of the overlay root that it believes in, hex; `null` outside the network.
    pub root: Option<String>,
    /// Index of that node.
    pub root_node: Option<usize>,
    /// Sequence of the root's claim.
    pub sequence: Option<u64>,
    /// Distance from the root that it claims, hops.
    pub distance: Option<u16>,
    /// Index of its upstream neighbour; `null` at the root.
    pub upstream: Option<usize>,
    /// Indexes of its neighbours, ascending.
    pub neighbors: Vec<usize>,
    /// Its K.
    pub max_peers: usize,
    /// Comments of the document on its disk.
    pub comments_held: CommentsHeld,
    /// The election holds it frozen.
    pub frozen: bool,
    /// It is on its way out of the network.
    pub leaving: bool,
}

/// `false`, or why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Interested {
    /// Always `false`: it should not hold the document.
    No(bool),
    /// `subscribed`, `bookmarked`, `comment` or `author`.
    Because(String),
}

/// A set of comments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentsHeld {
    /// How many.
    pub count: usize,
    /// See [`digest`], hex: equal for equal sets.
    pub digest: String,
    /// Their short names, hex, ascending, where there are at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
}

/// All lines of one document in a snapshot, by node.
#[must_use]
pub fn lines(snapshot: &Snapshot, tag: Tag) -> Vec<Line> {
    let directory = Directory::new(snapshot);
    let document = snapshot.documents.get(&tag).into_iter();
    document
        .flat_map(|truth| {
            truth
                .members
                .iter()
                .map(move |(node, member)| (truth, *node, member))
        })
        .map(|(truth, node, member)| line(snapshot, &directory, (tag, truth), (node, member)))
        .collect()
}

/// The line of one node and one document.
pub(super) fn line(
    snapshot: &Snapshot,
    directory: &Index,
    (tag, truth): (Tag, &DocumentTruth),
    (node, member): (snapshot::Index, &Membership),
) -> Line {
    let view = member.view.as_ref();
    let mut neighbors: Vec<_> = view
        .iter()
        .flat_map(|view| &view.neighbors)
        .filter_map(|peer| directory.index(peer.node))
        .collect();
    neighbors.sort_unstable();
    Line {
        time: snapshot.time.as_secs_f64(),
        document: truth.id.to_string(),
        tag: tag.to_string(),
        parents: truth.parents.iter().map(Tag::to_string).collect(),
        node,
        node_id: snapshot.nodes[node].id.to_string(),
        alive: snapshot.nodes[node].alive,
        hostile: snapshot.nodes[node].hostile,
        interested: member.interest.map_or(Interested::No(false), |why| {
            Interested::Because(interest(why).into())
        }),
        subscribed: member.wish.subscribes(),
        wish: mode(member.wish).into(),
        holds: view.is_some_and(|view| view.holds),
        in_subscribing_set: view.is_some_and(|view| view.holds && view.mode.subscribes()),
        root: view.map(|view| view.root.to_string()),
        root_node: view.and_then(|view| directory.index(view.root)),
        sequence: view.map(|view| view.sequence),
        distance: view.map(|view| view.distance),
        upstream: view.and_then(|view| directory.index(view.upstream?)),
        neighbors,
        max_peers: snapshot.nodes[node].max_peers,
        comments_held: comments(&member.comments_held),
        frozen: view.is_some_and(|view| view.frozen),
        leaving: view.is_some_and(|view| view.leaving),
    }
}

fn comments(tags: &[Tag]) -> CommentsHeld {
    CommentsHeld {
        count: tags.len(),
        digest: format!("{:016x}", digest(tags)),
        ids: (tags.len() <= LISTED).then(|| tags.iter().map(Tag::to_string).collect()),
    }
}

/// Digest of a set of short names: the sum, modulo 2^64, of each name (read as a
/// little-endian integer) after the finaliser of `splitmix64`. The order does
/// not matter, and whoever has the names can compute it.
#[must_use]
pub fn digest(tags: &[Tag]) -> u64 {
    tags.iter().fold(0, |sum, tag| {
        let mut x = u64::from_le_bytes(tag.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        sum.wrapping_add(x ^ (x >> 31))
    })
}

fn interest(interest: Interest) -> &'static str {
    match interest {
        Interest::Subscribed => "subscribed",
        Interest::Bookmarked => "bookmarked",
        Interest::Comment => "comment",
        Interest::Author => "author",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Hold => "hold",
        Mode::Subscribe => "subscribe",
        Mode::Follow => "follow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};

    #[test]
    fn a_line_says_what_the_snapshot_says() {
        let snapshot = network(&[(0, 1), (1, 2)]);
        let lines = lines(&snapshot, tag(1));
        assert_eq!(lines.len(), 3);
        let line = &lines[1];
        assert_eq!(
            (line.node, line.upstream, line.distance),
            (1, Some(0), Some(1))
        );
        assert_eq!(line.neighbors, [0, 2]);
        assert_eq!(line.root_node, Some(0));
        assert_eq!(
            line.root.as_deref(),
            Some("00000000000000000000000000000000")
        );
        assert_eq!(line.interested, Interested::Because("subscribed".into()));
        assert!(
            line.alive && line.holds && line.in_subscribing_set && line.subscribed && !line.frozen
        );
    }

    #[test]
    fn a_digest_is_of_the_set_and_not_of_its_order() {
        assert_eq!(digest(&[]), 0);
        assert_eq!(digest(&[tag(1), tag(2)]), digest(&[tag(2), tag(1)]));
        assert_ne!(digest(&[tag(1)]), digest(&[tag(2)]));
        // splitmix64's first output from state 0, as its author gives it.
        assert_eq!(digest(&[Tag([0; 8])]), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn long_sets_are_not_listed() {
        let tags: Vec<_> = (0..65).map(tag).collect();
        assert_eq!(comments(&tags[..64]).ids.map(|ids| ids.len()), Some(64));
        assert_eq!(comments(&tags).ids, None);
        assert_eq!(comments(&tags).count, 65);
    }
}
