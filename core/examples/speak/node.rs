//! A runner on threads and memory: gives inputs to a core and performs its effects.

use crate::channel::{self, Event};
use crate::text::{self, hex};
use bytes::Bytes;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Identity,
    Input, Notification, Packet, Record, RequestId, SecretKey, Tag, Time, WallTime, wire,
};
use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How a node begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// TCP port on 127.0.0.1; 0 lets the system choose.
    pub(crate) port: u16,
    /// Secret key; drawn if there is none.
    pub(crate) secret: Option<[u8; 32]>,
    /// Print packets.
    pub(crate) trace: bool,
}

/// One node.
pub(crate) struct Node {
    core: Core,
    documents: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, Bytes>,
    channels: BTreeMap<ChannelId, SyncSender<Vec<u8>>>,
    events: (Sender<Event>, Receiver<Event>),
    started: Instant,
    seed: [u8; 32],
    draws: u64,
    requests: u64,
    trace: bool,
    print: Box<dyn FnMut(String) + Send>,
    stopped: bool,
}

/// Bytes that no other start has. They are not secret enough for a key that matters.
fn seed() -> [u8; 32] {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = time.unwrap_or_default().as_nanos().to_le_bytes();
    let process = std::process::id().to_le_bytes();
    let place = (&raw const nanos as usize).to_le_bytes();
    Ed25519Blake3.hash("speak", &[&nanos, &process, &place])
}

impl Node {
    /// Listens, and prints who and where it is.
    pub(crate) fn new(start: &Start, print: Box<dyn FnMut(String) + Send>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", start.port))?;
        let address = listener.local_addr()?;
        let seed = seed();
        let secret = start
            .secret
            .unwrap_or_else(|| Ed25519Blake3.hash("speak secret", &[&seed]));
        let identity = Identity {
            secret: SecretKey(secret),
            address: Address(Bytes::from(address.to_string())),
        };
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let wall = WallTime(wall.unwrap_or_default().as_secs());
        let suite = Arc::new(Ed25519Blake3);
        let core =
            Core::new(Config::default(), identity, seed, suite, wall).map_err(io::Error::other)?;
        let mut node = Self {
            core,
            documents: BTreeMap::new(),
            records: BTreeMap::new(),
            channels: BTreeMap::new(),
            events: channel(),
            started: Instant::now(),
            seed,
            draws: 0,
            requests: 0,
            trace: start.trace,
            print,
            stopped: false,
        };
        node.listen(listener);
        let (id, key) = (node.core.id(), node.core.key());
        (node.print)(format!("node {id} key {key}"));
        (node.print)(format!("address {address}"));
        Ok(node)
    }

    fn listen(&self, listener: TcpListener) {
        let (events, seed) = (self.events.0.clone(), self.seed);
        thread::spawn(move || {
            // The runner's channels have odd numbers.
            for (stream, number) in listener.incoming().zip(0_u64..) {
                let channel = ChannelId(2 * number + 1);
                let nonce = Ed25519Blake3.hash("speak came", &[&seed, &number.to_le_bytes()]);
                if let Ok(stream) = stream {
                    channel::accept(stream, channel, nonce, events.clone());
                }
            }
        });
    }

    /// Where lines and other events can be sent.
    pub(crate) fn events(&self) -> Sender<Event> {
        self.events.0.clone()
    }

    /// Runs until it has left every network, or until `end`.
    pub(crate) fn run(&mut self, end: Option<Duration>) {
        while !self.stopped {
            let now = self.now();
            if end.is_some_and(|end| now.since(Time::ZERO) >= end) {
                return;
            }
            let wait = self.core.next_deadline().map(|next| next.since(now));
            let left = end.map(|end| end.saturating_sub(now.since(Time::ZERO)));
            let hour = Duration::from_secs(3_600);
            let wait = wait.into_iter().chain(left).min().unwrap_or(hour);
            match self.events.1.recv_timeout(wait) {
                Ok(Event::Input(input)) => self.handle(input),
                Ok(Event::Line(line)) => self.command(&line),
                Ok(Event::Opened(channel, packets, binding)) => {
                    self.channels.insert(channel, packets);
                    self.handle(Input::Connected {
                        channel,
                        frame_limit: channel::FRAME_LIMIT,
                        binding,
                    });
                }
                Err(RecvTimeoutError::Timeout) => self.handle(Input::Wake),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn handle(&mut self, input: Input) {
        if let Input::Received(channel, packet) = &input {
            self.trace("<-", *channel, packet);
        }
        if let Input::Disconnected(channel) = &input {
            self.channels.remove(channel);
        }
        let mut effects = Vec::new();
        self.core.handle(self.now(), input, &mut effects);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn trace(&mut self, way: &str, channel: ChannelId, packet: &Packet) {
        if self.trace {
            let bytes = hex(&wire::encode(packet));
            let seconds = self.now().as_secs_f64();
            let channel = channel.0;
            (self.print)(format!(
                "{seconds:.3} {way} {channel} {bytes}\n    {packet:?}"
            ));
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(channel, address) => {
                self.draws += 1;
                let draw = self.draws.to_le_bytes();
                let nonce = Ed25519Blake3.hash("speak goes", &[&self.seed, &draw]);
                channel::dial(channel, address, nonce, self.events.0.clone());
            }
            Effect::Send(channel, packet) => {
                self.trace("->", channel, &packet);
                if let Some(packets) = self.channels.get(&channel) {
                    // A full backlog loses it, as any channel may.
                    let _ = packets.try_send(wire::encode(&packet));
                }
            }
            Effect::Hangup(channel) => drop(self.channels.remove(&channel)),
            Effect::Admit(document) => self.admit(document),
            Effect::Load(id) => {
                let document = self.documents.get(&id).cloned();
                self.later(Input::Loaded(id, document));
            }
            Effect::Delete(id, tag) => {
                self.documents.remove(&id);
                self.records.remove(&Record::Overlay(tag));
            }
            Effect::Save(record, Some(bytes)) => drop(self.records.insert(record, bytes)),
            Effect::Save(record, None) => drop(self.records.remove(&record)),
            Effect::Thaw(tag) => {
                let record = self.records.get(&Record::Overlay(tag)).cloned();
                self.later(Input::Thawed(tag, record));
            }
            Effect::Recall(node) => {
                // Nothing is ever cold here: the core is never asked to evict.
                self.later(Input::Recalled(node, Vec::new()));
            }
            Effect::Notify(news) => self.notify(&news),
            Effect::Report(node, violation) => {
                let node = node.map_or_else(|| "a stranger".to_owned(), |node| node.to_string());
                (self.print)(format!("violation {violation:?} by {node}"));
            }
        }
    }

    fn later(&self, input: Input) {
        // The node itself holds the other end.
        let _ = self.events.0.send(Event::Input(input));
    }

    fn admit(&mut self, document: Document) {
        let id = document.id();
        let good = document.is_signed(&Ed25519Blake3);
        if good {
            self.documents.insert(id, document);
        }
        let answer = if good {
            Admission::Stored
        } else {
            Admission::Forged
        };
        self.later(Input::Admitted(id, answer));
    }

    fn notify(&mut self, news: &Notification) {
        self.stopped |= *news == Notification::Stopped;
        let line = text::news(news, &self.documents);
        (self.print)(line);
    }

    /// Gives the core a command.
    fn ask(&mut self, command: Command) {
        self.requests += 1;
        self.handle(Input::Command(RequestId(self.requests), command));
    }

    /// Does what a line asks for.
    pub(crate) fn command(&mut self, line: &str) {
        match text::line(line) {
            Ok(text::Line::Ask(command)) => self.ask(command),
            Ok(text::Line::List) => self.list(),
            Ok(text::Line::Cut) => {
                let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
                for channel in channels {
                    self.handle(Input::Disconnected(channel));
                }
            }
            Err(error) => (self.print)(format!("error {error}")),
        }
    }

    /// Prints what is held, and the links.
    fn list(&mut self) {
        let tags: Vec<Tag> = self.core.overlays().collect();
        let views = tags.iter().filter_map(|tag| self.core.overlay_by_tag(*tag));
        let held: Vec<String> = views.map(|view| text::overlay(&view)).collect();
        let links: Vec<String> = self.core.links().map(|link| text::link(&link)).collect();
        held.into_iter().chain(links).for_each(&mut self.print);
        (self.print)("end of list".to_owned());
    }
}
