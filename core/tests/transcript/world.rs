//! A few nodes with given keys and seeds, their disks, and the connections between them.

use super::words::words;
use super::{SUITE, hex};
use bytes::Bytes;
use cliqueclique_core::crypto::Suite as _;
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Identity,
    Input, Mode, Packet, RequestId, SecretKey, Time, WallTime, wire,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const WALL: WallTime = WallTime(1_700_000_000);
/// A packet needs so long.
const LATENCY: u64 = 50_000;
const SECOND: u64 = 1_000_000;

pub(super) fn secret(node: usize) -> SecretKey {
    SecretKey([u8::try_from(node).expect("few") + 1; 32])
}

pub(super) fn address(node: usize) -> Address {
    Address(Bytes::from_static(NAMES[node].as_bytes()))
}

fn core(node: usize, min_peers: usize) -> Core {
    let identity = Identity {
        secret: secret(node),
        address: address(node),
    };
    let seed = [u8::try_from(node).expect("few"); 32];
    let config = Config {
        min_peers,
        min_acquaintances: 0,
        ..Config::default()
    };
    Core::new(config, identity, seed, Arc::new(SUITE), WALL).expect("valid")
}

/// A packet that was said: connection, node, time, packet.
pub(super) type Said = (u8, usize, u64, Packet);

/// Nodes, their disks, the connections between them, and all that was said.
pub(super) struct World {
    cores: Vec<Core>,
    pub(super) disks: Vec<BTreeMap<DocumentId, Document>>,
    inputs: BTreeMap<(u64, u64), (usize, Input)>,
    serial: u64,
    now: u64,
    /// The ends of connections: which one it is, and the opposite end. The channel binding of a
    /// connection is its number 32 times.
    ends: BTreeMap<(usize, ChannelId), (u8, (usize, ChannelId))>,
    /// Who called whom, by connection from 1.
    pub(super) calls: Vec<(usize, usize)>,
    pub(super) said: Vec<Said>,
    pub(super) text: String,
}

impl World {
    pub(super) fn new(nodes: usize, min_peers: usize) -> Self {
        Self {
            cores: (0..nodes).map(|node| core(node, min_peers)).collect(),
            disks: vec![BTreeMap::new(); nodes],
            inputs: BTreeMap::new(),
            serial: 0,
            now: 0,
            ends: BTreeMap::new(),
            calls: Vec::new(),
            said: Vec::new(),
            text: String::new(),
        }
    }

    pub(super) fn chapter(&mut self, title: &str) {
        let _ = write!(self.text, "\n# {title}\n");
    }

    fn later(&mut self, delay: u64, node: usize, input: Input) {
        self.serial += 1;
        let at = self.now + delay;
        self.inputs.insert((at, self.serial), (node, input));
    }

    /// Lives until a time, in seconds.
    pub(super) fn run(&mut self, until: u64) {
        loop {
            let deadlines = self.cores.iter().map(Core::next_deadline).zip(0_usize..);
            let wake = deadlines.filter_map(|(at, node)| Some((at?.0, node))).min();
            let input = self.inputs.first_key_value().map(|((at, _), _)| *at);
            let next = wake.map(|(at, _)| at).into_iter().chain(input).min();
            let Some(next) = next.filter(|next| *next <= until * SECOND) else {
                self.now = until * SECOND;
                return;
            };
            self.now = self.now.max(next);
            if input == Some(next) {
                if let Some((_, (node, input))) = self.inputs.pop_first() {
                    self.give(node, input);
                }
            } else if let Some((_, node)) = wake {
                self.give(node, Input::Wake);
            }
        }
    }

    pub(super) fn command(&mut self, node: usize, command: Command) {
        self.give(node, Input::Command(RequestId(1), command));
    }

    pub(super) fn say(
        &mut self,
        node: usize,
        parents: Vec<DocumentId>,
        text: &'static str,
    ) -> DocumentId {
        let publish = Command::Publish {
            parents,
            children: Vec::new(),
            body: Bytes::from_static(text.as_bytes()),
            mode: Mode::Follow,
            created: None,
        };
        let held: BTreeSet<DocumentId> = self.disks[node].keys().copied().collect();
        self.command(node, publish);
        let new = |id: &&DocumentId| !held.contains(id);
        *self.disks[node].keys().find(new).expect("stored")
    }

    fn give(&mut self, node: usize, input: Input) {
        let mut effects = Vec::new();
        self.cores[node].handle(Time(self.now), input, &mut effects);
        for effect in effects {
            self.perform(node, effect);
        }
    }

    fn perform(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Dial(channel, address) => self.dial(node, channel, &address),
            Effect::Send(channel, packet) => {
                // A call that came to nothing is noticed a moment later.
                if let Some(&(connection, (other, theirs))) = self.ends.get(&(node, channel)) {
                    self.note(connection, node, &packet);
                    self.later(LATENCY, other, Input::Received(theirs, packet));
                }
            }
            Effect::Hangup(channel) => {
                if let Some(&(_, (other, theirs))) = self.ends.get(&(node, channel)) {
                    self.later(LATENCY, other, Input::Disconnected(theirs));
                }
            }
            Effect::Admit(document) => {
                let id = document.id();
                assert!(document.is_signed(&SUITE));
                self.disks[node].insert(id, document);
                self.later(0, node, Input::Admitted(id, Admission::Stored));
            }
            Effect::Load(id) => {
                let document = self.disks[node].get(&id).cloned();
                self.later(0, node, Input::Loaded(id, document));
            }
            Effect::Delete(id, _) => drop(self.disks[node].remove(&id)),
            Effect::Report(peer, violation) => panic!("{node} blames {peer:?} for {violation:?}"),
            Effect::Thaw(_) | Effect::Recall(_) => panic!("nothing is cold"),
            Effect::Save(..) | Effect::Notify(_) => {}
        }
    }

    fn dial(&mut self, node: usize, channel: ChannelId, to: &Address) {
        let other = (0..self.cores.len()).find(|&other| address(other) == *to);
        let Some(other) = other else {
            panic!("{node} dials {to:?}");
        };
        self.calls.push((node, other));
        let connection = u8::try_from(self.calls.len()).expect("few");
        // Who is called gives odd numbers.
        let theirs = ChannelId(2 * u64::from(connection) + 1);
        let (own, opposite) = ((node, channel), (other, theirs));
        self.ends.insert(own, (connection, opposite));
        self.ends.insert(opposite, (connection, own));
        for (node, channel) in [opposite, own] {
            let connected = Input::Connected {
                channel,
                frame_limit: 16_384,
                binding: [connection; 32],
            };
            self.later(LATENCY, node, connected);
        }
    }

    /// The ends of a connection see it break, first that of `first`.
    pub(super) fn cut(&mut self, connection: u8, first: usize) {
        let ends = self.ends.iter().filter(|(_, (c, _))| *c == connection);
        let mut ends: Vec<(usize, ChannelId)> = ends.map(|(end, _)| *end).collect();
        ends.sort_by_key(|(node, _)| *node != first);
        for (node, channel) in ends {
            self.give(node, Input::Disconnected(channel));
        }
    }

    /// Keys, ids and calls, for the head of a file.
    pub(super) fn cast(&self) -> String {
        let mut text = String::new();
        for (node, name) in NAMES.iter().enumerate().take(self.cores.len()) {
            let key = SUITE.public_key(&secret(node));
            let _ = writeln!(text, "secret.{name} = {}", hex(&secret(node).0));
            let _ = writeln!(text, "node.{name} = {}", SUITE.node_id(&key));
        }
        text
    }

    fn note(&mut self, connection: u8, node: usize, packet: &Packet) {
        self.said.push((connection, node, self.now, packet.clone()));
        let (number, name) = (self.said.len(), NAMES[node]);
        let (words, bytes) = (words(packet), hex(&wire::encode(packet)));
        let at = self.now;
        let _ = write!(
            self.text,
            "# {words}\n{number} {name} {connection} {at} = {bytes}\n"
        );
    }
}
