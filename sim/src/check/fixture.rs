//! Hand-made snapshots for tests of checkers, exports and reports.

use crate::snapshot::{DocumentTruth, Index, Interest, Membership, NodeTruth, Snapshot};
use cliqueclique_core::id::{DocumentId, NodeId, Tag};
use cliqueclique_core::message::{Mode, Rank, SetDigest};
use cliqueclique_core::time::Time;
use cliqueclique_core::view::{NeighborView, OverlayView};
use std::collections::{BTreeMap, VecDeque};

/// A tag by number.
pub(crate) fn tag(n: u8) -> Tag {
    Tag([n; 8])
}

/// Id of the node with this index.
pub(crate) fn id(index: Index) -> NodeId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(index as u64).to_be_bytes());
    bytes.rotate_left(6);
    NodeId(bytes)
}

/// Subscribers of document 1 with these relations, in good order: a breadth-first
/// tree from node 0, who is the root. Every node is named by some edge.
pub(crate) fn network(edges: &[(Index, Index)]) -> Snapshot {
    let count = edges.iter().map(|(a, b)| a.max(b) + 1).max().unwrap_or(1);
    let (distances, upstreams) = tree(count, edges);
    let members = (0..count).map(|node| {
        let view = view(node, edges, distances[node], upstreams[node], &upstreams);
        let member = Membership {
            interest: Some(Interest::Subscribed),
            wish: Mode::Subscribe,
            view: Some(view),
            comments_held: Vec::new(),
        };
        (node, member)
    });
    let truth = DocumentTruth {
        id: DocumentId([1; 32]),
        parents: Vec::new(),
        comments: Vec::new(),
        author: 0,
        published: Time::ZERO,
        members: members.collect(),
    };
    let nodes = (0..count)
        .map(|node| NodeTruth {
            id: id(node),
            alive: true,
            max_peers: 4,
            links: 2,
        })
        .collect();
    Snapshot {
        time: Time(5_000_000),
        nodes,
        documents: BTreeMap::from([(tag(1), truth)]),
    }
}

fn tree(count: usize, edges: &[(Index, Index)]) -> (Vec<u16>, Vec<Option<Index>>) {
    let (mut distances, mut upstreams) = (vec![u16::MAX; count], vec![None; count]);
    distances[0] = 0;
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front() {
        for &(a, b) in edges.iter().filter(|(a, b)| *a == at || *b == at) {
            let other = a + b - at;
            if distances[other] == u16::MAX {
                distances[other] = distances[at] + 1;
                upstreams[other] = Some(at);
                queue.push_back(other);
            }
        }
    }
    (distances, upstreams)
}

fn view(
    node: Index,
    edges: &[(Index, Index)],
    distance: u16,
    upstream: Option<Index>,
    upstreams: &[Option<Index>],
) -> OverlayView {
    let neighbors = edges
        .iter()
        .filter(|(a, b)| *a == node || *b == node)
        .map(|(a, b)| a + b - node);
    OverlayView {
        document: DocumentId([1; 32]),
        tag: tag(1),
        holds: true,
        leaving: false,
        mode: Mode::Subscribe,
        root: id(0),
        root_rank: Rank::Founder,
        sequence: 0,
        distance,
        upstream: upstream.map(id),
        frozen: false,
        neighbors: neighbors
            .map(|peer| NeighborView {
                node: id(peer),
                mode: Mode::Subscribe,
                downstream: upstreams[peer] == Some(node),
            })
            .collect(),
        comments: SetDigest::default(),
        bookmarked: false,
        authored: node == 0,
    }
}

/// One member of document 1, to be changed.
pub(crate) fn member(snapshot: &mut Snapshot, node: Index) -> &mut Membership {
    snapshot
        .documents
        .get_mut(&tag(1))
        .unwrap()
        .members
        .get_mut(&node)
        .unwrap()
}

/// The view of one member of document 1, to be changed.
pub(crate) fn view_of(snapshot: &mut Snapshot, node: Index) -> &mut OverlayView {
    member(snapshot, node).view.as_mut().unwrap()
}
