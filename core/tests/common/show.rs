//! Effects as terse text, with names instead of ids.

use cliqueclique_core::message::{CloseReason, Message, Range, RangeContent, RootRef, State};
use cliqueclique_core::{
    ChannelId, DocumentId, Effect, Mode, NodeId, Notification, Packet, Tag, effect::Record,
};
use std::collections::BTreeMap;

/// Names of documents, nodes and channels.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) documents: BTreeMap<Tag, (DocumentId, String)>,
    pub(crate) nodes: BTreeMap<NodeId, String>,
    pub(crate) channels: BTreeMap<ChannelId, String>,
}

impl Names {
    pub(crate) fn tag(&self, tag: Tag) -> String {
        let known = self.documents.get(&tag).map(|(_, name)| name.clone());
        known.unwrap_or_else(|| format!("{tag:?}"))
    }

    pub(crate) fn document(&self, id: &DocumentId) -> String {
        let known = self.documents.values().find(|(known, _)| known == id);
        known.map_or_else(|| format!("{id:?}"), |(_, name)| name.clone())
    }

    pub(crate) fn node(&self, node: &NodeId) -> String {
        let known = self.nodes.get(node).cloned();
        known.unwrap_or_else(|| format!("{node:?}"))
    }

    fn channel(&self, channel: ChannelId) -> String {
        let known = self.channels.get(&channel).cloned();
        known.unwrap_or_else(|| format!("channel {}", channel.0))
    }

    fn tags(&self, tags: &[Tag]) -> String {
        let mut names: Vec<String> = tags.iter().map(|tag| self.tag(*tag)).collect();
        names.sort();
        names.join(" ")
    }

    pub(crate) fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Dial(channel, address) => {
                let address = String::from_utf8_lossy(&address.0);
                format!("dial {address} (channel {})", channel.0)
            }
            Effect::Send(channel, packet) => {
                format!("{} << {}", self.channel(*channel), self.packet(packet))
            }
            Effect::Hangup(channel) => format!("hang up on {}", self.channel(*channel)),
            Effect::Admit(document) => format!("admit {}", self.document(&document.id())),
            Effect::Load(id) => format!("load {}", self.document(id)),
            Effect::Delete(id, _) => format!("delete {}", self.document(id)),
            Effect::Save(Record::Node, _) => "save node".to_owned(),
            Effect::Save(Record::Peer(node), bytes) => {
                let verb = if bytes.is_some() { "save" } else { "delete" };
                format!("{verb} peer {}", self.node(node))
            }
            Effect::Save(Record::Overlay(tag), Some(_)) => format!("save {}", self.tag(*tag)),
            Effect::Save(Record::Overlay(tag), None) => format!("erase {}", self.tag(*tag)),
            Effect::Thaw(tag) => format!("thaw {}", self.tag(*tag)),
            Effect::Recall(node) => format!("recall {}", self.node(node)),
            Effect::Notify(notification) => format!("notify {}", self.notification(notification)),
            Effect::Report(node, violation) => {
                let node = node.map_or_else(|| "stranger".to_owned(), |node| self.node(&node));
                format!("report {node}: {violation:?}")
            }
        }
    }

    fn notification(&self, notification: &Notification) -> String {
        match notification {
            Notification::Done(request, None) => format!("done {}", request.0),
            Notification::Done(request, Some(id)) => {
                format!("done {}: {}", request.0, self.document(id))
            }
            Notification::Failed(request, error) => format!("failed {}: {error:?}", request.0),
            Notification::Arrived {
                document,
                mode,
                hidden,
            } => {
                let hidden = if *hidden { ", hidden" } else { "" };
                format!(
                    "arrived {} ({}{hidden})",
                    self.document(document),
                    lower(mode)
                )
            }
            Notification::Gone(id) => format!("gone {}", self.document(id)),
            Notification::JoinDelayed(id) => format!("join delayed {}", self.document(id)),
            Notification::Stopped => "stopped".to_owned(),
        }
    }

    fn packet(&self, packet: &Packet) -> String {
        match packet {
            Packet::Hello(hello) => {
                let kind = format!("{:?}", hello.admission.kind);
                let kind = kind.split(['(', ' ']).next().unwrap_or_default();
                format!(
                    "HELLO {} {}",
                    self.tag(hello.admission.tag),
                    kind.to_lowercase()
                )
            }
            Packet::Welcome(_) => "WELCOME".to_owned(),
            Packet::Confirm(_) => "CONFIRM".to_owned(),
            Packet::Goodbye => "GOODBYE".to_owned(),
            Packet::Frame(frame) => {
                let acks = frame.acks.iter().map(|(first, last)| match first == last {
                    true => format!(" ack {first}"),
                    false => format!(" ack {first}-{last}"),
                });
                let messages = frame.messages.iter().map(|m| self.message(m));
                let messages: Vec<String> = messages.collect();
                let acks: String = acks.collect();
                let line = format!("#{}{acks} {}", frame.number, messages.join("; "));
                line.trim_end().to_owned()
            }
        }
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "what has no words of its own shows as it is"
    )]
    fn message(&self, message: &Message) -> String {
        match message {
            Message::State(tag, state) => format!("state {} {}", self.tag(*tag), self.state(state)),
            Message::Open(tag, open) => {
                let ticket = open.ticket.as_ref();
                let ticket = ticket.map(|t| format!(" ticket by {}", self.node(&t.introducer)));
                let heal = if open.heal { " heal" } else { "" };
                let state = self.state(&open.state);
                let ticket = ticket.unwrap_or_default();
                format!("open {} {state}{ticket}{heal}", self.tag(*tag))
            }
            Message::Close(tag, reason) => {
                let reason = if let CloseReason::Replaced(node) = reason {
                    format!("replaced by {}", self.node(node))
                } else {
                    lower(reason)
                };
                format!("close {} {reason}", self.tag(*tag))
            }
            Message::Introduce(tag, introduction) => {
                let replaces = introduction.ticket.as_ref().is_some_and(|t| t.replaces);
                let replaces = if replaces { " replaces" } else { "" };
                let (peer, purpose) = (self.node(&introduction.peer), lower(&introduction.purpose));
                format!("introduce {} {peer} {purpose}{replaces}", self.tag(*tag))
            }
            Message::Seek(tag, purpose) => format!("seek {} {}", self.tag(*tag), lower(purpose)),
            Message::Push(push) => {
                let fresh = if push.fresh { " fresh" } else { "" };
                let edge = push
                    .edge
                    .as_ref()
                    .map(|state| format!(" edge {}", self.state(state)));
                let document = tag_of(&push.document);
                let name = self.tag(document);
                format!(
                    "push {name} via {}{fresh}{}",
                    self.tag(push.via),
                    edge.unwrap_or_default()
                )
            }
            Message::Digest(tag, digest) => {
                format!("digest {} of {}", self.tag(*tag), digest.count)
            }
            Message::Reconcile(tag, ranges) => {
                format!("reconcile {} {}", self.tag(*tag), self.ranges(ranges))
            }
            Message::Audit(ranges) => format!("audit {}", self.ranges(ranges)),
            Message::Compare(ranges) => format!("compare {}", self.ranges(ranges)),
            Message::Root(tag, short, answer) => {
                let answer = if *answer { ", in answer" } else { "" };
                format!("root {} {short:02x?}{answer}", self.tag(*tag))
            }
            Message::Resume(_, digest) => format!("resume {} networks", digest.count),
            Message::Want(tag, tags) => format!("want {}: {}", self.tag(*tag), self.tags(tags)),
            Message::Lack(tag, tags) => format!("lack {}: {}", self.tag(*tag), self.tags(tags)),
            Message::Fragment(f) => {
                format!(
                    "fragment {}: {}+{} of {}",
                    f.transfer,
                    f.offset,
                    f.bytes.len(),
                    f.total
                )
            }
            Message::Moved(address) => format!("moved {}", String::from_utf8_lossy(&address.0)),
            other => lower(other),
        }
    }

    fn ranges(&self, ranges: &[Range]) -> String {
        let ranges: Vec<String> = ranges.iter().map(|r| self.range(&r.content)).collect();
        ranges.join(", ")
    }

    fn range(&self, content: &RangeContent) -> String {
        match content {
            RangeContent::Skip => "skip".to_owned(),
            RangeContent::Digest(digest) => format!("digest of {}", digest.count),
            RangeContent::Tags(tags, wants) => {
                let wants = if *wants { " and yours?" } else { "" };
                format!("[{}]{wants}", self.tags(tags))
            }
        }
    }

    fn state(&self, state: &State) -> String {
        use cliqueclique_core::message as m;
        let root = match &state.root {
            RootRef::Author => "author".to_owned(),
            RootRef::Known(_) => "same root".to_owned(),
            RootRef::Full(claim) => {
                let suite: &dyn cliqueclique_core::crypto::Suite = &super::SUITE;
                let node = self.node(&suite.node_id(&claim.key));
                let line = claim
                    .succeeds
                    .map_or_else(String::new, |(line, generation)| {
                        format!(" after {} {generation}", self.node(&line))
                    });
                format!("{node}({}{line})", lower(&claim.rank))
            }
            RootRef::Alone => "alone".to_owned(),
        };
        let mode = match state.flags & 3 {
            0 => "hold",
            1 => "subscribe",
            _ => "follow",
        };
        let flags = [
            (m::STATE_FROZEN, " frozen"),
            (m::STATE_DONE, " done"),
            (m::STATE_UPSTREAM, " up"),
            (m::STATE_UNRESOLVED, " unresolved"),
            (m::STATE_ASSUMED, " assumed"),
            (m::STATE_HEIR, " heir"),
        ];
        let flags = flags.iter().filter(|(bit, _)| state.flags & bit != 0);
        let flags: String = flags.map(|(_, name)| *name).collect();
        format!("{mode} {root}+{}{flags}", state.distance)
    }
}

fn tag_of(document: &bytes::Bytes) -> Tag {
    use cliqueclique_core::crypto::Suite;
    super::SUITE.tag(&super::SUITE.document_id(document))
}

fn lower(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

/// A mode by its name.
pub(crate) fn mode(name: &str) -> Option<Mode> {
    match name {
        "hold" => Some(Mode::Hold),
        "subscribe" => Some(Mode::Subscribe),
        "follow" => Some(Mode::Follow),
        _ => None,
    }
}
