//! Hand-made snapshots for tests of checkers, exports and reports.

use super::Knowledge;
use crate::scenario::Scenario;
use crate::snapshot::{DocumentTruth, Index, Interest, Membership, NodeTruth, Snapshot};
use bytes::Bytes;
use cliqueclique_core::Packet;
use cliqueclique_core::id::{Address, DocumentId, NodeId, PublicKey, Signature, Tag};
use cliqueclique_core::message::{
    Admission, AdmissionKind, Frame, Hello, Message, Mode, Rank, SetDigest,
};
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
            held: true,
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
            hostile: false,
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

/// A second document, a comment of document 1, that these nodes hold; its other
/// fields are as in document 1. Subscribers of document 1 that hold it list it.
pub(crate) fn comment(snapshot: &mut Snapshot, holders: &[Index]) {
    let mut truth = snapshot.documents[&tag(1)].clone();
    (truth.id, truth.parents) = (DocumentId([2; 32]), vec![tag(1)]);
    for (node, member) in &mut truth.members {
        (member.interest, member.wish) = (Some(Interest::Comment), Mode::Hold);
        member.view = member
            .view
            .take()
            .filter(|_| holders.contains(node))
            .map(|view| OverlayView {
                document: DocumentId([2; 32]),
                tag: tag(2),
                mode: Mode::Hold,
                ..view
            });
    }
    snapshot.documents.insert(tag(2), truth);
    let above = snapshot.documents.get_mut(&tag(1)).unwrap();
    above.comments.push(tag(2));
    for node in holders {
        above
            .members
            .get_mut(node)
            .unwrap()
            .comments_held
            .push(tag(2));
    }
}

/// A scenario with default settings, from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    let head = "about = \"Test.\"\nduration = \"5m\"\nsettle = \"5m\"\n";
    crate::scenario::parse(
        "test.toml",
        &format!("{head}{text}\n[workload]\nnodes = 8\n"),
        &[],
    )
    .unwrap()
}

/// Knows what it is told: (node, tag) pairs.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Who shares what.
    pub(crate) shares: Vec<(Index, Tag)>,
    /// Who subscribes to a document above what.
    pub(crate) above: Vec<(Index, Tag)>,
}

impl Knowledge for Told {
    fn holds(&self, node: Index, tag: Tag) -> bool {
        self.shares(node, tag)
    }
    fn shares(&self, node: Index, tag: Tag) -> bool {
        self.shares.contains(&(node, tag))
    }
    fn subscribes_to_parent_of(&self, node: Index, tag: Tag) -> bool {
        self.above.contains(&(node, tag))
    }
    fn index_of(&self, node: NodeId) -> Option<Index> {
        (0..16).find(|&index| id(index) == node)
    }
    fn node_at(&self, address: &Address) -> Option<Index> {
        address.0.first().map(|&byte| Index::from(byte))
    }
    fn tag_of(&self, document: &DocumentId) -> Option<Tag> {
        Some(tag(document.0[0]))
    }
    fn tag_of_bytes(&self, bytes: &Bytes) -> Option<Tag> {
        bytes.first().map(|&byte| tag(byte))
    }
}

/// A frame with these messages.
pub(crate) fn frame(messages: Vec<Message>) -> Packet {
    Packet::Frame(Frame {
        number: 1,
        acks: Vec::new(),
        credit: 0,
        messages,
    })
}

/// First packet of a handshake, on account of a document.
pub(crate) fn hello(about: Tag, kind: AdmissionKind) -> Packet {
    Packet::Hello(Box::new(Hello {
        version_min: 1,
        version_max: 1,
        nonce: [0; 16],
        key: PublicKey([0; 32]),
        address: Address(Bytes::new()),
        admission: Admission {
            tag: about,
            proof: [0; 16],
            kind,
        },
        signature: Signature::from_bytes(&[0; 64]),
    }))
}
