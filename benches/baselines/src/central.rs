//! A central server: every node has one connection to a hub, which stores all and
//! sends each node what it subscribes to. It is the lower bound of bytes, and all
//! that this project is there to avoid.
//!
//! The hub numbers what it sends to a client, so that a client that comes back
//! says how much it got and gets the rest. The client's own posts likewise.

use crate::wire::{decode, document, encode};
use cliqueclique_core::document::Document;
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use cliqueclique_sim::arena::{Disk, Effect, Held, Input, Packet, Peer, Protocol, Seat};
use cliqueclique_sim::metrics::CostKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Wait before a lost connection to the hub is made again.
const REDIAL: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
enum Message {
    /// To the hub, first: so many documents came from it.
    Hello(u64),
    /// From the hub: so many posts of yours are here.
    Welcome(u64),
    /// To the hub: own part in a document's comments.
    Wish([u8; 32], Mode),
    /// To the hub: a new document, and the own part in it.
    Post(Mode, Vec<u8>),
    /// From the hub.
    Deliver(Vec<u8>),
}

fn control(message: &Message) -> Packet {
    Packet::control(encode(message), CostKind::State)
}

/// A node of either kind.
#[must_use]
pub fn node(seat: &Seat) -> Box<dyn Protocol> {
    match seat.server {
        Some(hub) if hub != seat.node => Box::new(Client::new(hub)),
        Some(_) | None => Box::new(Hub::default()),
    }
}

/// A user's node.
#[derive(Debug)]
struct Client {
    hub: Peer,
    online: bool,
    /// Documents that came from the hub.
    received: u64,
    /// Own documents, in order.
    own: Vec<(DocumentId, Mode)>,
    wishes: BTreeMap<DocumentId, Mode>,
    redial: Option<Time>,
}

impl Client {
    fn new(hub: Peer) -> Self {
        Self {
            hub,
            online: false,
            received: 0,
            own: Vec::new(),
            wishes: BTreeMap::new(),
            redial: None,
        }
    }

    fn start(&mut self, held: Vec<Held>, effects: &mut Vec<Effect>) {
        for Held {
            document,
            mode,
            via,
            ..
        } in held
        {
            self.received += u64::from(via == Some(self.hub));
            match via {
                None => self.own.push((document.id(), mode)),
                Some(_) if mode.subscribes() => drop(self.wishes.insert(document.id(), mode)),
                Some(_) => {}
            }
        }
        effects.push(Effect::Connect(self.hub));
    }

    fn connected(&mut self, effects: &mut Vec<Effect>) {
        self.online = true;
        let hello = control(&Message::Hello(self.received));
        effects.push(Effect::Send(self.hub, hello));
        let wishes = self.wishes.iter();
        let wish = |(id, mode): (&DocumentId, &Mode)| control(&Message::Wish(id.0, *mode));
        effects.extend(wishes.map(|entry| Effect::Send(self.hub, wish(entry))));
    }

    /// The hub has so many posts: it gets the rest.
    fn welcome(&mut self, posts: u64, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        let skip = usize::try_from(posts).unwrap_or(usize::MAX);
        for &(id, mode) in self.own.iter().skip(skip) {
            if let Some(document) = disk.load(&id) {
                effects.push(self.post(&document, mode));
            }
        }
    }

    fn post(&self, document: &Document, mode: Mode) -> Effect {
        let message = Message::Post(mode, document.bytes().to_vec());
        let packet = Packet::push(encode(&message), document.bytes().len());
        Effect::Send(self.hub, packet)
    }

    fn wish(&mut self, id: DocumentId, mode: Mode, effects: &mut Vec<Effect>) {
        if self.wishes.insert(id, mode) != Some(mode) && self.online {
            effects.push(Effect::Send(self.hub, control(&Message::Wish(id.0, mode))));
        }
    }

    fn received(&mut self, message: Message, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match message {
            Message::Welcome(posts) => self.welcome(posts, disk, effects),
            Message::Deliver(bytes) => {
                self.received += 1;
                effects.extend(document(&bytes).map(Effect::Store));
            }
            Message::Hello(_) | Message::Wish(..) | Message::Post(..) => {}
        }
    }
}

impl Protocol for Client {
    fn handle(&mut self, now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Start(held) => self.start(held, effects),
            Input::Connected(..) => self.connected(effects),
            Input::Disconnected(_) => {
                self.online = false;
                self.redial = Some(now + REDIAL);
            }
            Input::Wake => {
                self.redial = None;
                effects.push(Effect::Connect(self.hub));
            }
            Input::Received(_, bytes) => {
                if let Some(message) = decode(&bytes) {
                    self.received(message, disk, effects);
                }
            }
            Input::Joined(held) => self.wish(held.document.id(), held.mode, effects),
            Input::Published(document, mode) => {
                self.own.push((document.id(), mode));
                if self.online {
                    effects.push(self.post(&document, mode));
                }
            }
            Input::Wish(id, mode) => self.wish(id, mode, effects),
            Input::Forget(id) => {
                self.wish(id, Mode::Hold, effects);
                effects.push(Effect::Drop(id));
            }
            Input::Bookmark(..) => {}
            Input::Leave => effects.push(Effect::Left),
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.redial
    }

    fn degrees(&self) -> Vec<usize> {
        vec![1; self.wishes.len()]
    }
}

/// What the hub knows of a client.
#[derive(Debug, Default)]
struct Account {
    online: bool,
    wishes: BTreeMap<DocumentId, Mode>,
    /// What was sent, in order.
    sent: Vec<DocumentId>,
    posts: u64,
}

/// The server.
#[derive(Debug, Default)]
struct Hub {
    accounts: BTreeMap<Peer, Account>,
    comments: BTreeMap<DocumentId, Vec<DocumentId>>,
    authors: BTreeMap<DocumentId, Peer>,
}

impl Hub {
    fn account(&mut self, client: Peer) -> &mut Account {
        self.accounts.entry(client).or_default()
    }

    fn hello(&mut self, client: Peer, received: u64, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        let account = self.account(client);
        account.online = true;
        let welcome = control(&Message::Welcome(account.posts));
        effects.push(Effect::Send(client, welcome));
        let skip = usize::try_from(received).unwrap_or(usize::MAX);
        let rest = account.sent.iter().skip(skip);
        effects.extend(rest.filter_map(|id| Some(deliver(client, &disk.load(id)?))));
    }

    fn wish(&mut self, client: Peer, id: DocumentId, mode: Mode) -> Vec<DocumentId> {
        let before = self.account(client).wishes.insert(id, mode);
        if !mode.subscribes() || before == Some(mode) {
            return Vec::new();
        }
        let comments = self.comments.get(&id).cloned().unwrap_or_default();
        let mut missed = comments.clone();
        if mode == Mode::Follow {
            for comment in comments {
                missed.extend(self.wish(client, comment, Mode::Follow));
            }
        }
        missed
    }

    /// Sends documents that a client subscribes to and did not get yet.
    fn catch_up(
        &mut self,
        client: Peer,
        missed: Vec<DocumentId>,
        disk: &dyn Disk,
        effects: &mut Vec<Effect>,
    ) {
        for id in missed {
            let own = self.authors.get(&id) == Some(&client);
            let account = self.account(client);
            if own || account.sent.contains(&id) {
                continue;
            }
            account.sent.push(id);
            effects.extend(disk.load(&id).map(|document| deliver(client, &document)));
        }
    }

    fn post(&mut self, from: Peer, document: &Document, mode: Mode, effects: &mut Vec<Effect>) {
        let id = document.id();
        let author = self.account(from);
        author.posts += 1;
        author.wishes.insert(id, mode);
        self.authors.insert(id, from);
        effects.push(Effect::Store(document.clone()));
        for parent in document.parents() {
            self.comments.entry(*parent).or_default().push(id);
        }
        for (&client, account) in self
            .accounts
            .iter_mut()
            .filter(|(client, _)| **client != from)
        {
            let modes = document.parents().iter();
            let mode = modes.filter_map(|parent| account.wishes.get(parent)).max();
            let Some(mode) = mode.copied().filter(|mode| mode.subscribes()) else {
                continue;
            };
            if mode == Mode::Follow {
                account.wishes.insert(id, mode);
            }
            account.sent.push(id);
            if account.online {
                effects.push(deliver(client, document));
            }
        }
    }

    fn received(
        &mut self,
        from: Peer,
        message: Message,
        disk: &dyn Disk,
        effects: &mut Vec<Effect>,
    ) {
        match message {
            Message::Hello(received) => self.hello(from, received, disk, effects),
            Message::Wish(id, mode) => {
                let missed = self.wish(from, DocumentId(id), mode);
                self.catch_up(from, missed, disk, effects);
            }
            Message::Post(mode, bytes) => {
                if let Some(document) = document(&bytes) {
                    self.post(from, &document, mode, effects);
                }
            }
            Message::Welcome(_) | Message::Deliver(_) => {}
        }
    }
}

fn deliver(client: Peer, document: &Document) -> Effect {
    let message = Message::Deliver(document.bytes().to_vec());
    let packet = Packet::push(encode(&message), document.bytes().len());
    Effect::Send(client, packet)
}

impl Protocol for Hub {
    fn handle(&mut self, _now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Received(from, bytes) => {
                if let Some(message) = decode(&bytes) {
                    self.received(from, message, disk, effects);
                }
            }
            Input::Disconnected(client) => self.account(client).online = false,
            Input::Start(_)
            | Input::Wake
            | Input::Connected(..)
            | Input::Joined(_)
            | Input::Published(..)
            | Input::Wish(..)
            | Input::Bookmark(..)
            | Input::Forget(_)
            | Input::Leave => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        None
    }

    fn degrees(&self) -> Vec<usize> {
        Vec::new()
    }
}
