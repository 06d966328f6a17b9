//! Users' requests: into commands of the core, and its news into answers.

use super::{Ask, Out, Reply, Runner};
use crate::control::request::{Request, Source};
use crate::fault::{Class, Fault};
use crate::store::Op;
use crate::text::Invite;
use crate::transport::Place;
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::effect::CommandError;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::{
    Command, Document, DocumentId, Input, Mode, NodeId, Notification, RequestId, WallTime,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A command that the core has not answered yet.
pub(super) struct Asked {
    pub(super) reply: oneshot::Sender<Reply>,
    /// What is stored together with its success.
    pub(super) then: Vec<Op>,
    /// For a new document: own part in its network.
    pub(super) mode: Option<Mode>,
    /// For a new document: what it was made of.
    pub(super) source: Option<Source>,
}

impl Runner {
    /// A user wants something.
    pub(super) fn ask(&mut self, ask: Ask) {
        let Ask { request, reply } = ask;
        match request {
            // Views say nothing of what is stored: they wait for nothing.
            Request::Status => drop(reply.send(Ok(self.status()))),
            Request::Peers => drop(reply.send(Ok(self.peers()))),
            Request::Address => drop(reply.send(Ok(json!({ "address": self.address() })))),
            Request::Overlay { document } => self.show_overlay(reply, document.into()),
            Request::Read { document, on } => {
                self.store(Op::Read(document.into(), on));
                self.tell(reply, Ok(json!({})));
            }
            Request::Join {
                document,
                places,
                mode,
            } => self.join(reply, document.into(), &places, mode.into()),
            Request::Portrait => {
                let portrait = self.portrait();
                self.tell(reply, Ok(portrait));
            }
            Request::Import {
                document,
                via,
                mode,
            } => self.import(reply, document.0, via.map(Into::into), mode.map(Into::into)),
            Request::Publish { .. }
            | Request::Subscribe { .. }
            | Request::Bookmark { .. }
            | Request::Forget { .. }
            | Request::BlockAuthor { .. }
            | Request::BlockPeer { .. } => {
                let source = source_of(&request);
                if let Some((command, then, mode)) = command(request) {
                    let asked = Asked {
                        reply,
                        then,
                        mode,
                        source,
                    };
                    self.command(command, asked);
                }
            }
            Request::Stop => self.tell(reply, Err(Fault::new(Class::Failed, "not for an account"))),
        }
    }

    /// Answers after what was stored before.
    fn tell(&mut self, reply: oneshot::Sender<Reply>, answer: Reply) {
        self.gathering.outs.push(Out::Reply(reply, answer));
    }

    fn command(&mut self, command: Command, asked: Asked) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.asked.insert(request, asked);
        self.feed(Input::Command(request, command));
    }

    fn join(
        &mut self,
        reply: oneshot::Sender<Reply>,
        document: DocumentId,
        places: &[String],
        mode: Mode,
    ) {
        let places: Result<Vec<Place>, String> =
            places.iter().map(|text| Place::parse(text)).collect();
        let places = match places {
            Ok(places) if !places.is_empty() => places,
            Ok(_) => {
                let fault = Fault::new(Class::Usage, "no address to join at was given");
                return self.tell(reply, Err(fault));
            }
            Err(error) => return self.tell(reply, Err(Fault::new(Class::Usage, error))),
        };
        let own = self.address();
        let mut commands = places
            .iter()
            .map(Place::address)
            .filter(|address| address.0 != own.as_bytes())
            .map(|address| Command::Join {
                document,
                address,
                mode,
            });
        let Some(first) = commands.next() else {
            let fault = Fault::new(Class::Usage, "the address to join at is this node's own");
            return self.tell(reply, Err(fault));
        };
        let then = vec![Op::Wish(document, Some(mode))];
        let asked = Asked {
            reply,
            then,
            mode: None,
            source: None,
        };
        let rest: Vec<Command> = commands.collect();
        self.command(first, asked);
        for more in rest {
            self.requests += 1;
            self.feed(Input::Command(RequestId(self.requests), more));
        }
    }

    fn import(
        &mut self,
        reply: oneshot::Sender<Reply>,
        bytes: Bytes,
        via: Option<DocumentId>,
        mode: Option<Mode>,
    ) {
        let document = match Document::parse(bytes, &Ed25519Blake3) {
            Ok(document) => document,
            Err(error) => {
                let fault = Fault::new(Class::Usage, format!("this is no document: {error}"));
                return self.tell(reply, Err(fault));
            }
        };
        let id = document.id();
        let mut then = vec![Op::Wish(id, mode)];
        if mode.is_none() {
            then.clear();
        }
        if mode == Some(Mode::Hold) {
            then.push(Op::Bookmark(id, true));
        }
        let asked = Asked {
            reply,
            then,
            mode: None,
            source: None,
        };
        let command = Command::Import {
            document,
            via,
            mode,
        };
        self.command(command, asked);
    }

    /// What of the account is not in tables.
    fn portrait(&self) -> Value {
        let core = &self.parts.core;
        let (authors, peers) = core.blocked();
        let text = |ids: Vec<NodeId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let known = core.acquaintances().map(|(node, address, grounds)| {
            let address = String::from_utf8_lossy(&address.0).into_owned();
            let grounds = grounds.iter().map(|tag| crate::text::hex(&tag.0));
            let grounds = grounds.collect::<Vec<_>>();
            json!({ "node": node.to_string(), "address": address, "grounds": grounds })
        });
        json!({
            "muted": text(authors),
            "blocked": text(peers),
            "known": known.collect::<Vec<_>>(),
        })
    }

    /// The core has news.
    pub(super) fn notify(&mut self, news: Notification) {
        match news {
            Notification::Done(request, document) => {
                if let Some(asked) = self.asked.remove(&request) {
                    self.done(asked, document);
                }
            }
            Notification::Failed(request, error) => {
                if let Some(asked) = self.asked.remove(&request) {
                    self.tell(asked.reply, Err(refusal(error)));
                }
            }
            Notification::Arrived {
                document, hidden, ..
            } => self.store(Op::Arrived(document, hidden)),
            Notification::Gone(_) | Notification::JoinDelayed(_) | Notification::Stopped => {}
        }
    }

    fn done(&mut self, asked: Asked, document: Option<DocumentId>) {
        asked.then.into_iter().for_each(|op| self.store(op));
        if let (Some(id), Some(mode)) = (document, asked.mode) {
            self.store(Op::Wish(id, Some(mode)));
            self.store(Op::Read(id, true));
        }
        if let (Some(id), Some(source)) = (document, asked.source) {
            self.store(Op::Made(source.0, id));
        }
        let answer = document.map_or_else(|| json!({}), |id| json!({ "id": id.to_string() }));
        self.tell(asked.reply, Ok(answer));
    }

    fn address(&self) -> String {
        String::from_utf8_lossy(&self.parts.address.0).into_owned()
    }

    fn status(&self) -> Value {
        let core = &self.parts.core;
        let counters = core.counters();
        json!({
            "node": core.id().to_string(),
            "address": self.address(),
            "links": core.links().count(),
            "overlays_in_memory": core.overlays().count(),
            "messages": counters.messages,
            "frames": counters.frames,
            "frames_sent_again": counters.retransmissions,
            "documents_received": counters.bodies,
            "documents_received_twice": counters.duplicates,
            "violations_of_peers": counters.violations,
        })
    }

    fn peers(&self) -> Value {
        let links = self.parts.core.links().map(|link| {
            json!({
                "node": link.node.to_string(),
                "address": String::from_utf8_lossy(&link.address.0),
                "documents": link.documents,
                "round_trip_microseconds": link.round_trip,
            })
        });
        Value::Array(links.collect())
    }

    fn show_overlay(&mut self, reply: oneshot::Sender<Reply>, id: DocumentId) {
        let answer = match self.parts.core.overlay(&id) {
            Some(view) => {
                let own = self.parts.core.id();
                let invite = Place::of(&self.parts.address).map(|place| Invite {
                    document: id,
                    places: vec![place],
                });
                let invite = invite.map(|invite| invite.to_string()).unwrap_or_default();
                Ok(overlay(&view, view.root == own, &invite))
            }
            None => Err(Fault::new(
                Class::NotFound,
                format!(
                    "no network of {id} is in memory: it is unknown here, or was not used for long"
                ),
            )),
        };
        self.tell(reply, answer);
    }
}

fn overlay(view: &OverlayView, is_root: bool, invite: &str) -> Value {
    let neighbors = view.neighbors.iter().map(|neighbor| {
        json!({
            "node": neighbor.node.to_string(),
            "mode": format!("{:?}", neighbor.mode).to_lowercase(),
            "downstream": neighbor.downstream,
        })
    });
    json!({
        "document": view.document.to_string(),
        "held": view.holds,
        "mode": format!("{:?}", view.mode).to_lowercase(),
        "overlay_root": view.root.to_string(),
        "this_node_is_root": is_root,
        "distance": view.distance,
        "upstream": view.upstream.map(|node| node.to_string()),
        "frozen": view.frozen,
        "comments": view.comments.count,
        "neighbors": neighbors.collect::<Vec<_>>(),
        "invite": invite,
    })
}

fn source_of(request: &Request) -> Option<Source> {
    if let Request::Publish { source, .. } = request {
        *source
    } else {
        None
    }
}

/// The command of a request, and what is stored with its success.
fn command(request: Request) -> Option<(Command, Vec<Op>, Option<Mode>)> {
    Some(match request {
        Request::Publish {
            parents,
            children,
            body,
            mode,
            created,
            source: _,
        } => {
            let ids = |ids: Vec<crate::control::request::Id>| {
                ids.into_iter().map(DocumentId::from).collect()
            };
            let mode = Mode::from(mode);
            let command = Command::Publish {
                parents: ids(parents),
                children: ids(children),
                body: body.into_bytes().into(),
                mode,
                created: created.map(WallTime),
            };
            (command, Vec::new(), Some(mode))
        }
        Request::Subscribe { document, mode } => {
            let (id, mode) = (document.into(), mode.into());
            let command = Command::Subscribe(id, mode);
            (command, vec![Op::Wish(id, Some(mode))], None)
        }
        Request::Bookmark { document, on } => {
            let id = document.into();
            let then = vec![Op::Bookmark(id, on)];
            (Command::Bookmark(id, on), then, None)
        }
        Request::Forget { document } => {
            let id = document.into();
            let then = vec![Op::Bookmark(id, false), Op::Wish(id, None)];
            (Command::Forget(id), then, None)
        }
        Request::BlockAuthor { author, on } => {
            (Command::BlockAuthor(author.into(), on), Vec::new(), None)
        }
        Request::BlockPeer { peer, on } => (Command::BlockPeer(peer.into(), on), Vec::new(), None),
        Request::Status
        | Request::Peers
        | Request::Address
        | Request::Overlay { .. }
        | Request::Read { .. }
        | Request::Join { .. }
        | Request::Import { .. }
        | Request::Portrait
        | Request::Stop => return None,
    })
}

fn refusal(error: CommandError) -> Fault {
    let (class, text) = match error {
        CommandError::NotHeld => (
            Class::NotFound,
            "the document is not held here: join it first",
        ),
        CommandError::Limits => (
            Class::Refused,
            "the document breaks a limit: at most 131,072 bytes in all, 8 parents, 8 children, \
             none named twice",
        ),
        CommandError::Duplicate => (
            Class::Duplicate,
            "the same was written within this second: nothing was added",
        ),
        CommandError::Storage => (Class::Failed, "the document could not be stored"),
        CommandError::Busy => (Class::Busy, "too much is under way: try again later"),
        CommandError::Stopping => (Class::Refused, "the node is stopping"),
        CommandError::Forged => (
            Class::Refused,
            "the document's signature is wrong: its author did not write it so",
        ),
    };
    Fault::new(class, text)
}
