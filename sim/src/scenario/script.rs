//! A run laid open: what users do, what goes wrong and what becomes of single packets, entry by
//! entry, instead of being drawn. Each entry stands for itself: to take one away changes nothing
//! that is drawn for the others.

mod read;
mod write;

pub(super) use read::read;

use super::model::FaultKind;
use cliqueclique_core::message::Mode;
use std::collections::BTreeSet;
use std::time::Duration;

/// Name of a document in a script.
pub type Name = u64;

/// Everything that happens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// `[[schedule]]`, in order of time.
    pub schedule: Vec<Entry>,
    /// `[[packet]]`, what becomes of single packets.
    pub packets: Vec<PacketRule>,
    /// `[[dial]]`, what becomes of single connections.
    pub dials: Vec<DialRule>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Duration,
    /// What.
    pub deed: Deed,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A user does something.
    User {
        /// Whose node.
        node: usize,
        /// What.
        act: Act,
    },
    /// Something goes wrong.
    Fault {
        /// The nodes that it hits, if they run.
        nodes: Vec<usize>,
        /// What. Never [`FaultKind::Leave`], [`FaultKind::Forget`] or [`FaultKind::Toggle`]:
        /// users do those.
        kind: FaultKind,
    },
}

/// What a user does. A node starts with its user's first act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Starts the node and nothing else.
    Start,
    /// Writes a document.
    Publish {
        /// By which name the script knows it; its body holds the same number.
        document: Name,
        /// What it comments on.
        parent: Option<Name>,
        /// Length of the body, bytes.
        body: usize,
        /// Own part.
        mode: Mode,
    },
    /// Joins at a peer.
    Join {
        /// The document.
        document: Name,
        /// The peer.
        via: usize,
        /// Own part.
        mode: Mode,
    },
    /// Sets the own part.
    Set(Name, Mode),
    /// Sets or drops a bookmark.
    Bookmark(Name, bool),
    /// Drops all wishes for a document.
    Forget(Name),
    /// Leaves everything.
    Leave,
}

/// One packet: the `number`-th, counted from 1, that goes from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRule {
    /// Sender.
    pub from: usize,
    /// Receiver.
    pub to: usize,
    /// Which.
    pub number: u64,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Lost,
    /// It arrives.
    Comes {
        /// So much later than usual, and all later ones of its channel behind it.
        late: Duration,
        /// Later by so much again, and others may overtake it.
        held: Duration,
        /// A copy comes so long after it.
        copy: Option<Duration>,
    },
}

/// One connection: the `number`-th, counted from 1, that one node dials to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialRule {
    /// Who dials.
    pub from: usize,
    /// Whom.
    pub to: usize,
    /// Which.
    pub number: u64,
    /// So many of its opening packets are lost.
    pub lost: u32,
    /// The transport drops it so long after it stood.
    pub life: Option<Duration>,
}

impl Act {
    /// Documents that it needs.
    #[must_use]
    pub fn needs(&self) -> Option<Name> {
        match *self {
            Self::Publish { parent, .. } => parent,
            Self::Join { document, .. } => Some(document),
            Self::Set(document, _) | Self::Bookmark(document, _) | Self::Forget(document) => {
                Some(document)
            }
            Self::Start | Self::Leave => None,
        }
    }

    /// The document that it makes.
    #[must_use]
    pub fn makes(&self) -> Option<Name> {
        match *self {
            Self::Publish { document, .. } => Some(document),
            Self::Start | Self::Leave | Self::Join { .. } => None,
            Self::Set(..) | Self::Bookmark(..) | Self::Forget(_) => None,
        }
    }
}

impl Entry {
    /// Nodes that take part.
    #[must_use]
    pub fn nodes(&self) -> Vec<usize> {
        match &self.deed {
            Deed::User {
                node,
                act: Act::Join { via, .. },
            } => vec![*node, *via],
            Deed::User { node, .. } => vec![*node],
            Deed::Fault { nodes, .. } => nodes.clone(),
        }
    }

    /// The user's act, if it is one.
    #[must_use]
    pub fn act(&self) -> Option<(usize, Act)> {
        match self.deed {
            Deed::User { node, act } => Some((node, act)),
            Deed::Fault { .. } => None,
        }
    }
}

impl Script {
    /// True if nothing is laid open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schedule.is_empty() && self.packets.is_empty() && self.dials.is_empty()
    }

    /// Entries of all kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.schedule.len() + self.packets.len() + self.dials.len()
    }

    /// Nodes whose users do something, and so start them.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<usize> {
        let acting = self.schedule.iter().filter_map(Entry::act);
        acting.map(|(node, _)| node).collect()
    }

    /// What goes wrong in it.
    pub fn faults(&self) -> impl Iterator<Item = FaultKind> {
        self.schedule.iter().filter_map(|entry| match entry.deed {
            Deed::Fault { kind, .. } => Some(kind),
            Deed::User { .. } => None,
        })
    }

    /// Takes out acts on documents that are not published before, and faults of nobody. Who would
    /// join through a node that never starts joins through the one that came before.
    pub fn prune(&mut self) {
        self.redirect();
        let mut made = BTreeSet::new();
        self.schedule.retain(|entry| match &entry.deed {
            Deed::Fault { nodes, .. } => !nodes.is_empty(),
            Deed::User { act, .. } => {
                let possible = act.needs().is_none_or(|name| made.contains(&name));
                if possible {
                    made.extend(act.makes());
                }
                possible
            }
        });
    }

    fn redirect(&mut self) {
        let there = self.nodes();
        let mut before: Vec<usize> = Vec::new();
        for entry in &mut self.schedule {
            let Deed::User { node, act } = &mut entry.deed else {
                continue;
            };
            if let Act::Join { via, .. } = act
                && !there.contains(via)
                && let Some(other) = before.iter().rev().find(|other| *other != node)
            {
                *via = *other;
            }
            before.push(*node);
        }
    }
}
