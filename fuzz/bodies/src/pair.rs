//! Two cores with a hostile wire between them, users, crashes, and disks that answer late.
//!
//! The wire loses, doubles and reorders packets, cuts connections, refuses dials, spoils
//! bytes, brings back packets of another connection, and forges messages in frames. After
//! the history comes peace. Whatever the wire did, no core may break its own rules or chatter
//! for ever; if it did nothing that a bad network does not do as well, both must end up with
//! the same, and nobody may have been blamed.

mod host;
mod peace;
mod wire;

use crate::stage::play::{check_bounds, check_size};
use arbitrary::{Arbitrary, Result, Unstructured};
use cliqueclique_core::message::Message;
use cliqueclique_core::{
    Address, Command, Config, Document, DocumentId, Input, Mode, RequestId, Time,
};
use host::Host;
use std::time::Duration;
use wire::Wire;

/// Most steps of a history: bounds the time of one execution.
const MOST_STEPS: usize = 200;

/// One step.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    a: u8,
    b: u8,
    c: u8,
    /// For a forger.
    message: Option<Message>,
}

impl Arbitrary<'_> for Step {
    /// Four bytes, or with a forged message more.
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let kind = u.int_in_range(0..=23)?;
        let [a, b, c] = u.arbitrary()?;
        let message = if kind == FORGE { forged(u)? } else { None };
        Ok(Self {
            kind,
            a,
            b,
            c,
            message,
        })
    }
}

const FORGE: u8 = 9;

fn forged(u: &mut Unstructured<'_>) -> Result<Option<Message>> {
    let length: u8 = u.arbitrary()?;
    let bytes = u.bytes(usize::from(length).min(u.len()))?;
    Ok(cliqueclique_core::wire::decode_message(bytes).ok())
}

/// What has been done that decides what may be asked for at the end.
#[derive(Clone, Copy, Debug, Default)]
struct Deeds {
    /// Packets were spoilt, forged, or brought back from another connection.
    lies: bool,
    /// A record was lost.
    amnesia: bool,
    /// Somebody joined again, forgot, or changed what it wants of a document.
    wavers: bool,
    /// A connection ended after the two had met.
    parted: bool,
}

/// What is asked for at the end of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// What holds today.
    Kept,
    /// What the protocol promises, which is more: see `fuzz/mended`.
    Promised,
}

impl Deeds {
    /// True if both must end up with the same.
    fn promise_the_same(self, demand: Demand) -> bool {
        let open = demand == Demand::Kept && (self.wavers || self.parted);
        !(self.lies || self.amnesia || open)
    }
}

struct Pair {
    now: Time,
    hosts: [Host; 2],
    wire: Wire,
    /// What was published, by anybody.
    published: Vec<DocumentId>,
    requests: u64,
    /// Inputs so far.
    inputs: u64,
    deeds: Deeds,
    demand: Demand,
}

/// Plays the history that the bytes tell, and peace after it.
///
/// # Panics
/// If a core breaks one of its rules, if there is no silence in the end, or if the two differ.
pub fn run(bytes: &[u8]) {
    play(bytes, Demand::Kept);
}

/// As [`run`], but both must end up with the same also if links were lost, nodes
/// restarted, or users changed their minds.
///
/// # Panics
/// As [`run`].
pub fn run_strictly(bytes: &[u8]) {
    play(bytes, Demand::Promised);
}

fn play(bytes: &[u8], demand: Demand) {
    let mut u = Unstructured::new(bytes);
    let mut pair = Pair::new(demand);
    pair.meet();
    pair.deeds = Deeds::default();
    for _ in 0..MOST_STEPS {
        if u.is_empty() {
            break;
        }
        let Ok(step) = Step::arbitrary(&mut u) else {
            break;
        };
        pair.step(&step);
    }
    pair.peace();
}

/// Limits so narrow that a short history comes up against them.
fn settings() -> Config {
    Config {
        max_peers: 2,
        min_peers: 1,
        min_acquaintances: 2,
        max_acquaintances: 3,
        max_links: 4,
        max_documents: 64,
        max_comments: 64,
        ..Config::default()
    }
}

impl Pair {
    fn new(demand: Demand) -> Self {
        Self {
            now: Time::ZERO,
            hosts: [Host::new(0), Host::new(1)],
            wire: Wire::default(),
            published: Vec::new(),
            requests: 0,
            inputs: 0,
            deeds: Deeds::default(),
            demand,
        }
    }

    /// The first has a forum, the second joins.
    fn meet(&mut self) {
        self.publish(0, Vec::new(), Mode::Follow);
        self.flow(8);
        let forum = self.published[0];
        self.join(1, forum, Mode::Follow);
        self.flow(40);
    }

    fn step(&mut self, step: &Step) {
        let (at, index) = (usize::from(step.a % 2), usize::from(step.b));
        match step.kind {
            0..=3 => self.flow(usize::from(step.a)),
            4 => drop(self.deliver(index)),
            5 => self.wire.lose(index),
            6 => self.wire.double(index),
            7 => self.deeds.lies |= self.wire.spoil(index, usize::from(step.a), step.c),
            8 => self.deeds.lies |= self.wire.bring_back(index, usize::from(step.c)),
            FORGE => {
                if let Some(message) = &step.message {
                    self.deeds.lies |= self.wire.forge(index, message.clone());
                }
            }
            10 => self.cut(index),
            11 => self.wire.refuses = step.a.is_multiple_of(2),
            12..=14 => self.sleep(Duration::from_millis(
                u64::from(step.a) * u64::from(step.b) * 4,
            )),
            15 => self.restart(at, step.b),
            16 => drop(self.answer(at)),
            _ => self.command(at, step),
        }
    }

    fn command(&mut self, at: usize, step: &Step) {
        let document = self.published[usize::from(step.b) % self.published.len()];
        let mode = [Mode::Hold, Mode::Subscribe, Mode::Follow][usize::from(step.c % 3)];
        self.deeds.wavers |= matches!(step.kind, 19 | 20 | 23);
        match step.kind {
            17 | 18 => self.publish(at, vec![document], mode),
            19 => self.join(at, document, mode),
            20 => self.give_command(at, Command::Subscribe(document, mode)),
            21 => self.give_command(at, Command::Bookmark(document, step.c.is_multiple_of(2))),
            22 => {
                let tag = self.hosts[at].tag(&document);
                self.give(at, Input::Evict(tag));
            }
            _ if at == 1 => {
                self.give_command(at, Command::Forget(document));
            }
            _ => {}
        }
    }

    fn publish(&mut self, at: usize, parents: Vec<DocumentId>, mode: Mode) {
        if self.published.len() == settings().max_documents / 2 {
            return;
        }
        let body = bytes::Bytes::from(self.requests.to_string());
        let children = Vec::new();
        self.give_command(
            at,
            Command::Publish {
                parents,
                children,
                body,
                mode,
                created: None,
            },
        );
    }

    /// Asks the other.
    fn join(&mut self, at: usize, document: DocumentId, mode: Mode) {
        let other = u8::from(at == 0);
        let address = Address(vec![other].into());
        self.give_command(
            at,
            Command::Join {
                document,
                address,
                mode,
            },
        );
    }

    fn give_command(&mut self, at: usize, command: Command) {
        self.requests += 1;
        self.give(at, Input::Command(RequestId(self.requests), command));
    }

    /// The one place where a core is called, and where its own rules are checked.
    fn give(&mut self, at: usize, input: Input) {
        self.inputs += 1;
        self.deeds.parted |= matches!(input, Input::Disconnected(_));
        let mut effects = Vec::new();
        let host = &mut self.hosts[at];
        let own = host.own_time(self.now);
        host.core.handle(own, input, &mut effects);
        check_bounds(&host.core, &settings());
        for effect in effects {
            self.perform(at, effect);
        }
    }

    /// So many packets and answers of disks, in order.
    fn flow(&mut self, most: usize) {
        for _ in 0..most {
            let answered = (0..2).any(|at| self.answer(at));
            if !answered && !self.deliver(0) {
                return;
            }
        }
    }

    fn sleep(&mut self, pause: Duration) {
        self.now = self.now + pause;
        for at in 0..2 {
            self.give(at, Input::Wake);
        }
    }

    fn restart(&mut self, at: usize, how: u8) {
        self.deeds.amnesia |= how.is_multiple_of(8);
        self.wire.cut_all().into_iter().for_each(|(node, channel)| {
            if node != at {
                self.give(node, Input::Disconnected(channel));
            }
        });
        self.hosts[at].restart(self.now, how.is_multiple_of(8));
    }

    fn check_sizes(&self) {
        self.hosts.iter().for_each(|host| check_size(&host.core));
    }

    fn publish_done(&mut self, document: &Document) {
        if !self.published.contains(&document.id()) {
            self.published.push(document.id());
        }
    }
}
