//! The stage: nodes of a protocol under test, one event queue, one network. It
//! does for them what [`crate::world`] does for cores, and draws workload, faults
//! and packets from the same streams.

use super::figures::Figures;
use super::lines::Strand;
use super::protocol::{Disk, Held, Input, Packet, Peer, Protocol, Seat};
use crate::accounting::Accounts;
use crate::driver::SetupError;
use crate::faults::Faults;
use crate::host::{Action, Status, wall};
use crate::metrics::{Histogram, Sample};
use crate::network::{End, Handle, Network};
use crate::queue::Queue;
use crate::random::{Purpose, fork, seed_bytes};
use crate::scenario::{self, FaultKind, Scenario};
use crate::snapshot::Index;
use crate::truth::{Cell, Number, Truth};
use crate::workload::Workload;
use bytes::Bytes;
use cliqueclique_core::document::Document;
use cliqueclique_core::id::{DocumentId, SecretKey};
use cliqueclique_core::time::Time;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Shortest wait before a look whether everybody has everything.
const FIRST_PROBE: Duration = Duration::from_secs(1);

/// Why there are no figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The scenario cannot be set up at all.
    Setup(SetupError),
    /// The scenario asks for something that protocols under test do not have.
    Unsupported(&'static str),
    /// So many events did not bring it to its end, only to this time (seconds).
    TooLong(u64, u64),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Unsupported(what) => write!(f, "cannot run {what}"),
            Self::TooLong(events, seconds) => {
                write!(
                    f,
                    "stopped after {events} events, at {seconds} s of simulated time"
                )
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A packet reaches an end.
    Deliver(End, Packet),
    /// A packet that was lost is sent again.
    Again(End, Packet),
    /// A node's deadline.
    Wake(Index),
    /// A dial is through.
    Stands(End),
    /// A connection is gone.
    Dropped(End),
    /// The transport ends a connection.
    Expire(End),
    /// A connection is lost, if nothing passes between its ends.
    Sever(End),
    /// The workload's next item.
    Work,
    /// A fault.
    Fault(usize),
    /// A disturbance ends.
    Calm(Handle),
    /// A paused node goes on, if its epoch is still this.
    Resume(Index, u32),
    /// A crashed node starts again, likewise.
    Restart(Index, u32),
    /// Peers take a paused node for gone, if it still is.
    Miss(Index, u32),
}

/// One node.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) status: Status,
    pub(super) protocol: Option<Box<dyn Protocol>>,
    pub(super) secret: SecretKey,
    pub(super) epoch: u32,
    pub(super) starts: u64,
    pub(super) wake: Option<Time>,
    pub(super) lines: BTreeMap<Peer, Strand>,
    /// What came while it stood still.
    pub(super) deferred: Vec<Event>,
    /// What its user wanted while it was away.
    pub(super) todo: Vec<Action>,
    /// What its protocol left on the disk.
    pub(super) durable: Bytes,
    /// Connections that it lost while it stood still.
    pub(super) missed: Vec<Peer>,
    /// Who gave it which document.
    pub(super) givers: BTreeMap<Number, Peer>,
}

impl Seated {
    /// True if it runs.
    pub(super) fn is_up(&self) -> bool {
        self.status == Status::Up
    }

    pub(super) fn become_status(&mut self, status: Status) {
        self.status = status;
        self.epoch += 1;
    }
}

/// Makes a node of the protocol under test.
pub(super) type Make<'a> = &'a mut dyn FnMut(&Seat) -> Box<dyn Protocol>;

/// Everything there is in a run.
pub(super) struct Stage<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) seed: u64,
    /// Nodes that are people's; there may be one more, the server.
    pub(super) users: usize,
    pub(super) now: Time,
    pub(super) nodes: Vec<Seated>,
    pub(super) truth: Truth,
    pub(super) network: Network,
    pub(super) queue: Queue<Event>,
    pub(super) workload: Workload,
    pub(super) faults: Faults,
    pub(super) accounts: Accounts,
    pub(super) calm: bool,
    pub(super) bodies: u64,
    /// Connections so far.
    pub(super) connections: u64,
    /// Copies of each document that each node was the first to give.
    pub(super) given: BTreeMap<(Number, Index), u64>,
    make: Make<'a>,
}

/// A node's disk is the truth about it.
pub(super) struct Shelf<'a>(pub(super) &'a Truth, pub(super) Index);

impl Disk for Shelf<'_> {
    fn load(&self, id: &DocumentId) -> Option<Document> {
        let number = self.0.by_id(id)?;
        let held = self.0.holds(number, self.1);
        held.then(|| self.0.entry(number).document.clone())
    }
}

/// How a run is set up besides its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Decides all that is drawn.
    pub seed: u64,
    /// Most inputs that are handled.
    pub events: u64,
    /// There is a server: a node more, which always runs, is not hit by faults, wants nothing,
    /// and is not counted.
    pub server: bool,
}

/// Runs a scenario with nodes of a protocol under test, of which `make` makes one
/// at each start.
///
/// # Errors
/// [`Refused`] if the scenario cannot be set up, asks for what only the core can
/// do (hostile nodes, single packets by a script), or takes too many events.
pub fn run(
    scenario: &Scenario,
    terms: Terms,
    make: &mut dyn FnMut(&Seat) -> Box<dyn Protocol>,
) -> Result<Figures, Refused> {
    suits(scenario)?;
    let workload = Workload::new(scenario, terms.seed).map_err(Refused::Setup)?;
    let mut stage = Stage::new(scenario, terms, workload, make);
    let mut samples = Vec::new();
    stage.busy(terms.events, &mut samples)?;
    let settled = stage.settle(terms.events)?;
    samples.push(stage.sample());
    Ok(Figures::of(&mut stage, samples, settled))
}

fn suits(scenario: &Scenario) -> Result<(), Refused> {
    let backup = scenario.faults.iter().any(|fault| {
        matches!(
            fault.kind,
            FaultKind::Crash {
                disk: scenario::Disk::Backup(_),
                ..
            }
        )
    });
    let scripted = matches!(scenario.workload, scenario::Workload::Scripted(_));
    let refusals = [
        (
            !scenario.adversaries.is_empty(),
            "a scenario with adversaries",
        ),
        (scripted, "a scripted scenario"),
        (backup, "a restart from a backup"),
    ];
    let refused = refusals.into_iter().find(|(refused, _)| *refused);
    refused.map_or(Ok(()), |(_, what)| Err(Refused::Unsupported(what)))
}

impl<'a> Stage<'a> {
    fn new(scenario: &'a Scenario, terms: Terms, workload: Workload, make: Make<'a>) -> Self {
        let users = workload.nodes();
        let (seed, nodes) = (terms.seed, users + usize::from(terms.server));
        let mut stage = Self {
            scenario,
            seed,
            users,
            now: Time::ZERO,
            nodes: (0..nodes).map(|node| seated(seed, node)).collect(),
            truth: Truth::new(nodes),
            network: Network::new(&scenario.network, &scenario.script, seed, nodes),
            queue: Queue::new(),
            workload,
            faults: Faults::new(seed),
            accounts: Accounts::new(nodes),
            calm: false,
            bodies: 0,
            connections: 0,
            given: BTreeMap::new(),
            make,
        };
        (users..nodes).for_each(|server| stage.boot(server));
        stage.schedule_work();
        for (index, fault) in scenario.faults.iter().enumerate() {
            let at = Time::ZERO + fault.at;
            stage.queue.push_first(at, Event::Fault(index));
        }
        stage
    }

    /// Workload and faults.
    fn busy(&mut self, events: u64, samples: &mut Vec<Sample>) -> Result<(), Refused> {
        let end = Time::ZERO + self.scenario.duration;
        let step = self.scenario.sample.max(Duration::from_millis(1));
        let mut next = Time::ZERO + step;
        while self.now < end {
            self.run_until(next.min(end), events)?;
            let aftermath = self.scenario.aftermath();
            self.accounts.close_faults(self.now - aftermath);
            samples.push(self.sample());
            next = next + step;
        }
        Ok(())
    }

    /// Faults are over: waits until everybody has everything, or time is up.
    fn settle(&mut self, events: u64) -> Result<Option<Duration>, Refused> {
        let start = self.now;
        let end = start + self.scenario.settle;
        self.calm_down();
        let mut wait = (self.scenario.settle / 256).max(FIRST_PROBE);
        loop {
            self.run_until((self.now + wait).min(end), events)?;
            if super::figures::completeness(self).missing == 0 {
                return Ok(Some(self.now.since(start)));
            }
            if self.now >= end {
                return Ok(None);
            }
            wait = wait.mul_f64(1.5);
        }
    }

    fn run_until(&mut self, until: Time, events: u64) -> Result<(), Refused> {
        while self.queue.next_time().is_some_and(|time| time <= until) {
            let Some((time, event)) = self.queue.pop() else {
                break;
            };
            self.now = time;
            self.truth.advance(time);
            self.dispatch(event);
            if self.accounts.events > events {
                return Err(Refused::TooLong(events, time.0 / 1_000_000));
            }
        }
        self.now = until;
        Ok(())
    }

    /// One thing happens.
    pub(super) fn dispatch(&mut self, event: Event) {
        match event {
            Event::Deliver(end, packet) => self.deliver(end, packet),
            Event::Again(end, packet) => self.again(end, packet),
            Event::Wake(node) => self.wake(node),
            Event::Stands(end) => self.stands(end),
            Event::Dropped(end) => self.dropped(end),
            Event::Expire(end) => self.expire(end),
            Event::Sever(end) => self.sever(end),
            Event::Work => self.work(),
            Event::Fault(index) => self.fault(index),
            Event::Calm(handle) => self.network.disturbance().end(handle),
            Event::Resume(node, epoch) if self.nodes[node].epoch == epoch => self.resume(node),
            Event::Restart(node, epoch) if self.nodes[node].epoch == epoch => self.boot(node),
            Event::Miss(node, epoch) if self.nodes[node].epoch == epoch => self.lose_all(node),
            Event::Resume(..) | Event::Restart(..) | Event::Miss(..) => {}
        }
    }

    fn wake(&mut self, node: Index) {
        let seated = &mut self.nodes[node];
        if seated.wake != Some(self.now) {
            return;
        }
        seated.wake = None;
        let protocol = seated.protocol.as_ref();
        let deadline = protocol.and_then(|protocol| protocol.next_deadline());
        match deadline {
            Some(deadline) if seated.is_up() && deadline <= self.now => {
                self.feed(node, Input::Wake, None);
            }
            Some(_) | None => self.rearm(node),
        }
    }

    /// Schedules a wake-up if the node's deadline is before the scheduled one.
    pub(super) fn rearm(&mut self, node: Index) {
        let seated = &mut self.nodes[node];
        let protocol = seated.protocol.as_ref().filter(|_| seated.is_up());
        let Some(deadline) = protocol.and_then(|protocol| protocol.next_deadline()) else {
            return;
        };
        let at = deadline.max(Time(self.now.0 + 1));
        if seated.wake.is_none_or(|scheduled| at < scheduled) {
            seated.wake = Some(at);
            self.queue.push(at, Event::Wake(node));
        }
    }

    /// A node starts, with what its disk has.
    pub(super) fn boot(&mut self, node: Index) {
        let seated = &mut self.nodes[node];
        seated.become_status(Status::Up);
        seated.starts += 1;
        seated.wake = None;
        let salt = (node as u64) << 24 | seated.starts;
        let seat = Seat {
            node,
            server: (self.users < self.nodes.len()).then_some(self.users),
            seed: seed_bytes(self.seed, Purpose::Core, salt),
            secret: self.nodes[node].secret,
            config: self.scenario.protocol.clone(),
            wall: wall(self.now),
            frame_limit: self.network.frame_limit(),
            durable: self.nodes[node].durable.clone(),
        };
        self.nodes[node].protocol = Some((self.make)(&seat));
        let held = self.held(node);
        self.feed(node, Input::Start(held), None);
        self.rejoin(node);
        let todo = std::mem::take(&mut self.nodes[node].todo);
        todo.into_iter().for_each(|action| self.act(node, action));
    }

    fn held(&self, node: Index) -> Vec<Held> {
        let numbers = 0..self.truth.entries().len();
        let on_disk = numbers.filter(|&number| self.truth.holds(number, node));
        on_disk
            .map(|number| self.holding(number, node, None))
            .collect()
    }

    /// A document as a node's user sees it.
    pub(super) fn holding(&self, number: Number, node: Index, via: Option<Peer>) -> Held {
        let entry = self.truth.entry(number);
        let cell = entry.cell(node);
        let giver = self.nodes[node].givers.get(&number).copied();
        Held {
            document: entry.document.clone(),
            mode: cell.mode(),
            bookmarked: cell.has(Cell::BOOKMARKED),
            via: via.or(giver),
        }
    }

    fn sample(&mut self) -> Sample {
        self.count_all_keep_alives();
        let lines: usize = self.nodes.iter().map(|seated| seated.lines.len()).sum();
        let protocols = self.nodes.iter().filter_map(|seated| {
            let running = seated.is_up();
            seated.protocol.as_ref().filter(|_| running)
        });
        Sample {
            time: self.now.as_secs_f64(),
            alive: self.live().len(),
            links: lines / 2,
            documents: self.truth.entries().len(),
            memberships: protocols.map(|protocol| protocol.degrees().len()).sum(),
            delivered: self.accounts.deliveries.count(),
            delivered_bytes: self.accounts.deliveries.bytes(),
            bytes: self.accounts.bytes(),
            events: self.accounts.events,
        }
    }

    /// Nodes of people that run.
    pub(super) fn live(&self) -> BTreeSet<Index> {
        let all = 0..self.users;
        all.filter(|&node| self.nodes[node].is_up()).collect()
    }

    /// Links per running node.
    pub(super) fn links(&self) -> Histogram {
        let mut links = Histogram::default();
        let people = &self.nodes[..self.users];
        let running = people.iter().filter(|seated| seated.is_up());
        running.for_each(|seated| links.add(seated.lines.len() as u64));
        links
    }
}

fn seated(seed: u64, node: Index) -> Seated {
    Seated {
        status: Status::Unborn,
        protocol: None,
        secret: SecretKey(fork(seed, Purpose::Key, node as u64).random()),
        epoch: 0,
        starts: 0,
        wake: None,
        lines: BTreeMap::new(),
        deferred: Vec::new(),
        todo: Vec::new(),
        durable: Bytes::new(),
        missed: Vec::new(),
        givers: BTreeMap::new(),
    }
}
