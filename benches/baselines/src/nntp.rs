//! Netnews: every node gets everything. Neighbours offer each other the names of
//! articles and send those that are wanted, as streaming NNTP does (RFC 4644:
//! `CHECK`, `TAKETHIS`), in its text; who meets a neighbour (again) asks for what
//! is new there (RFC 3977: `NEWNEWS`). Neighbours are those by whom a node joined
//! and two more that they name: real ones are chosen by hand.

use crate::wire::{decode, document, encode};
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::DocumentId;
use cliqueclique_core::time::Time;
use cliqueclique_sim::arena::{Disk, Effect, Held, Input, Packet, Peer, Protocol, Seat};
use cliqueclique_sim::metrics::CostKind;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Feeds that a newcomer asks for besides the one that it joined by.
const MORE_FEEDS: usize = 2;
/// Names of others that a node gives to a newcomer.
const NAMED: usize = 8;
/// Wait before a lost feed is tried again.
const REDIAL: Duration = Duration::from_secs(60);
/// Who asks what is new goes back so far before the connection was lost.
const MARGIN: Duration = Duration::from_secs(600);
/// An article that was asked for comes within this, or may be asked for elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node.
#[derive(Debug)]
pub struct News {
    rng: ChaCha8Rng,
    /// Names of all articles here, with the time of their arrival.
    articles: BTreeMap<DocumentId, Time>,
    /// Feeds; true if connected.
    feeds: BTreeMap<Peer, bool>,
    /// Feeds to be dialled again.
    redial: BTreeMap<Peer, Time>,
    /// When a feed was last connected.
    last_seen: BTreeMap<Peer, Time>,
    /// Articles asked for.
    asked: BTreeMap<DocumentId, Time>,
    /// Whom a newcomer will ask for other feeds.
    asks: BTreeSet<Peer>,
}

impl News {
    /// A node without feeds.
    #[must_use]
    pub fn new(seat: &Seat) -> Self {
        Self {
            rng: ChaCha8Rng::from_seed(seat.seed),
            articles: BTreeMap::new(),
            feeds: decode(&seat.durable).unwrap_or_default(),
            redial: BTreeMap::new(),
            last_seen: BTreeMap::new(),
            asked: BTreeMap::new(),
            asks: BTreeSet::new(),
        }
    }

    fn start(&mut self, now: Time, held: Vec<Held>, effects: &mut Vec<Effect>) {
        let feeds = std::mem::take(&mut self.feeds);
        feeds.into_keys().for_each(|peer| self.feed(peer, effects));
        for held in held {
            self.articles.insert(held.document.id(), now);
            held.via.into_iter().for_each(|via| self.feed(via, effects));
        }
    }

    fn feed(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        if self.feeds.contains_key(&peer) {
            return;
        }
        self.feeds.insert(peer, false);
        effects.push(Effect::Connect(peer));
    }

    fn joined(&mut self, now: Time, held: &Held, effects: &mut Vec<Effect>) {
        self.articles.entry(held.document.id()).or_insert(now);
        let Some(via) = held.via else { return };
        if self.feeds.is_empty() {
            self.asks.insert(via);
        }
        self.feed(via, effects);
    }

    fn connected(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        self.feeds.insert(peer, true);
        self.redial.remove(&peer);
        let since = self
            .last_seen
            .get(&peer)
            .map_or(0, |seen| (*seen - MARGIN).0);
        let text = format!("NEWNEWS * {}\r\n", since / 1_000_000);
        effects.push(say(peer, text, CostKind::Set));
        if self.asks.remove(&peer) {
            let text = "LIST FEEDS\r\n".to_owned();
            effects.push(say(peer, text, CostKind::Introduction));
        }
    }

    fn disconnected(&mut self, now: Time, peer: Peer) {
        if self.feeds.insert(peer, false) == Some(true) {
            self.last_seen.insert(peer, now);
        }
        self.redial.insert(peer, now + REDIAL);
    }

    fn wake(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let due = self.redial.iter().filter(|(_, at)| **at <= now);
        let due: Vec<Peer> = due.map(|(&peer, _)| peer).collect();
        self.redial.retain(|_, at| *at > now);
        effects.extend(due.into_iter().map(Effect::Connect));
    }

    fn add(
        &mut self,
        now: Time,
        document: &Document,
        from: Option<Peer>,
        effects: &mut Vec<Effect>,
    ) {
        let id = document.id();
        self.articles.insert(id, now);
        self.asked.remove(&id);
        let connected = self.feeds.iter().filter(|(_, connected)| **connected);
        for (&peer, _) in connected.filter(|(peer, _)| Some(**peer) != from) {
            effects.push(say(peer, format!("CHECK <{id}>\r\n"), CostKind::Set));
        }
    }

    fn wants(&mut self, now: Time, id: DocumentId) -> bool {
        let waits = self.asked.get(&id).is_some_and(|&at| now < at + PATIENCE);
        let wants = !self.articles.contains_key(&id) && !waits;
        if wants {
            self.asked.insert(id, now);
        }
        wants
    }

    fn received(&mut self, now: Time, from: Peer, bytes: &Bytes, disk: &dyn Disk) -> Vec<Effect> {
        let mut effects = Vec::new();
        let end = bytes.windows(2).position(|pair| pair == b"\r\n");
        let Some(end) = end else { return effects };
        let Ok(line) = std::str::from_utf8(&bytes[..end]) else {
            return effects;
        };
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let article = || article(disk, from, name(rest)?);
        match word {
            "CHECK" => effects.extend(name(rest).map(|id| {
                let code = if self.wants(now, id) { 238 } else { 438 };
                say(from, format!("{code} <{id}>\r\n"), CostKind::Set)
            })),
            "238" => effects.extend(article()),
            "TAKETHIS" => {
                let body = bytes[end + 2..].strip_suffix(b".\r\n").unwrap_or_default();
                self.take(now, from, body, &mut effects);
            }
            "NEWNEWS" => self.newnews(from, rest, &mut effects),
            "230" => self.news(now, from, &bytes[end + 2..], &mut effects),
            "LIST" => self.list(from, &mut effects),
            "215" => self.listed(&bytes[end + 2..], &mut effects),
            _ => {}
        }
        effects
    }

    fn take(&mut self, now: Time, from: Peer, body: &[u8], effects: &mut Vec<Effect>) {
        let Some(document) = document(body) else {
            return;
        };
        let id = document.id();
        effects.push(say(from, format!("239 <{id}>\r\n"), CostKind::Set));
        if !self.articles.contains_key(&id) {
            self.add(now, &document, Some(from), effects);
            effects.push(Effect::Store(document));
        }
    }

    /// Names of articles that came here since.
    fn newnews(&mut self, from: Peer, rest: &str, effects: &mut Vec<Effect>) {
        let since = rest
            .split(' ')
            .nth(1)
            .and_then(|since| since.parse::<u64>().ok());
        let since = Time(since.unwrap_or(0) * 1_000_000);
        let new = self.articles.iter().filter(|(_, at)| **at >= since);
        let names: String = new.map(|(id, _)| format!("<{id}>\r\n")).collect();
        effects.push(say(
            from,
            format!("230 list follows\r\n{names}.\r\n"),
            CostKind::Set,
        ));
    }

    fn news(&mut self, now: Time, from: Peer, list: &[u8], effects: &mut Vec<Effect>) {
        let text = String::from_utf8_lossy(list);
        for id in text.lines().filter_map(name) {
            if self.wants(now, id) {
                effects.push(say(from, format!("238 <{id}>\r\n"), CostKind::Set));
            }
        }
    }

    fn list(&mut self, from: Peer, effects: &mut Vec<Effect>) {
        let others = self.feeds.keys().filter(|peer| **peer != from).take(NAMED);
        // A host name as long as a hash of a key in base 32, with its number in front.
        let names: String = others.map(|peer| format!("{peer:052}\r\n")).collect();
        let text = format!("215 list follows\r\n{names}.\r\n");
        effects.push(say(from, text, CostKind::Introduction));
    }

    fn listed(&mut self, list: &[u8], effects: &mut Vec<Effect>) {
        let text = String::from_utf8_lossy(list);
        let mut named: Vec<Peer> = text.lines().filter_map(|line| line.parse().ok()).collect();
        for _ in 0..MORE_FEEDS.min(named.len()) {
            let at = self.rng.random_range(0..named.len());
            let peer = named.swap_remove(at);
            self.feed(peer, effects);
        }
    }
}

fn say(peer: Peer, text: String, kind: CostKind) -> Effect {
    Effect::Send(peer, Packet::control(text.into_bytes(), kind))
}

fn article(disk: &dyn Disk, to: Peer, id: DocumentId) -> Option<Effect> {
    let document = disk.load(&id)?;
    let mut bytes = format!("TAKETHIS <{id}>\r\n").into_bytes();
    bytes.extend_from_slice(document.bytes());
    bytes.extend_from_slice(b".\r\n");
    Some(Effect::Send(
        to,
        Packet::push(bytes, document.bytes().len()),
    ))
}

/// The name in angle brackets: a hash in hexadecimal.
fn name(text: &str) -> Option<DocumentId> {
    let hex = text.strip_prefix('<')?.strip_suffix('>')?;
    let mut id = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(DocumentId(id))
}

impl Protocol for News {
    fn handle(&mut self, now: Time, input: Input, disk: &dyn Disk, effects: &mut Vec<Effect>) {
        match input {
            Input::Start(held) => self.start(now, held, effects),
            Input::Wake => self.wake(now, effects),
            Input::Connected(peer, _) => self.connected(peer, effects),
            Input::Disconnected(peer) => self.disconnected(now, peer),
            Input::Received(from, bytes) => effects.extend(self.received(now, from, &bytes, disk)),
            Input::Joined(held) => self.joined(now, &held, effects),
            Input::Published(document, _) => self.add(now, &document, None, effects),
            Input::Leave => effects.push(Effect::Left),
            Input::Wish(..) | Input::Bookmark(..) | Input::Forget(_) => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.redial.values().min().copied()
    }

    /// Feeds are settings.
    fn durable(&self) -> Bytes {
        encode(&self.feeds)
    }

    fn degrees(&self) -> Vec<usize> {
        vec![self.feeds.values().filter(|connected| **connected).count()]
    }
}
