//! Makes a world, and measures it: snapshots, samples, metrics.

use super::event::Digest;
use super::{Event, History, Step, World};
use crate::accounting::Accounts;
use crate::adversary;
use crate::check::{Checkers, CutOff, Violated};
use crate::driver::Observer;
use crate::faults::Faults;
use crate::host::{Behavior, Clock, Disk, Host, address};
use crate::metrics::{Metrics, Sample};
use crate::network::Network;
use crate::queue::Queue;
use crate::random::{Purpose, fork};
use crate::scenario::{self, FaultKind, Scenario};
use crate::snapshot::{Index, NodeTruth, Snapshot};
use crate::suite::Cheap;
use crate::truth::{Cell, Number, Truth};
use crate::workload::Workload;
use cliqueclique_core::crypto::{Ed25519Blake3, SharedSuite, Suite};
use cliqueclique_core::id::SecretKey;
use cliqueclique_core::time::Time;
use cliqueclique_core::{Config, Identity};
use rand::RngExt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

impl<'a> World<'a> {
    /// A world at its start: nobody runs, and the first events wait.
    pub(crate) fn new(
        scenario: &'a Scenario,
        seed: u64,
        workload: Workload,
        observer: &'a mut dyn Observer,
        behaviors: BTreeMap<Index, Box<dyn Behavior>>,
    ) -> Self {
        let suite: SharedSuite = if scenario.real_crypto {
            Arc::new(Ed25519Blake3)
        } else {
            Arc::new(Cheap)
        };
        let nodes = workload.nodes();
        let mut hosts: Vec<Host> = (0..nodes)
            .map(|node| host(scenario, seed, node, &*suite))
            .collect();
        for (node, behavior) in behaviors {
            if let Some(host) = hosts.get_mut(node) {
                host.behavior = Some(behavior);
            }
        }
        for (node, behavior) in adversary::cast(scenario, seed, &hosts, &suite) {
            hosts[node].behavior = Some(behavior);
            hosts[node].hostile = true;
        }
        let ids = hosts
            .iter()
            .enumerate()
            .map(|(node, host)| (host.id, node))
            .collect();
        let wants_events = observer.wants_events();
        let mut world = Self {
            scenario,
            seed,
            now: Time::ZERO,
            hosts,
            truth: Truth::new(nodes),
            network: Network::new(&scenario.network, &scenario.script, seed, nodes),
            queue: Queue::new(),
            workload,
            faults: Faults::new(seed),
            accounts: Accounts::new(nodes),
            checkers: Checkers::new(scenario),
            history: History::default(),
            observer,
            suite,
            ids,
            digest: Digest::default(),
            wants_events,
            retransmitted: false,
            requests: 0,
            recorder: None,
            tickets: Vec::new(),
            connections: 0,
            away: 0,
            calm: false,
            answers: VecDeque::new(),
            effects: Vec::new(),
            notices: VecDeque::new(),
        };
        world.schedule_first();
        world
    }

    fn schedule_first(&mut self) {
        self.schedule_work();
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            self.queue
                .push_first(Time::ZERO + fault.at, Event::Fault(index));
        }
        self.schedule_script();
        if self.hosts.iter().any(|host| host.clock.drifts()) {
            self.queue.push(Time::ZERO, Event::Clocks);
        }
    }

    /// The truth about all documents.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let others = self.unexplained_views();
        let none = Vec::new();
        let documents = self
            .truth
            .entries()
            .iter()
            .enumerate()
            .map(|(number, entry)| {
                let others = others.get(&number).unwrap_or(&none);
                let document = self
                    .truth
                    .document(number, others, |node, tag| self.hosts[node].view(tag));
                (entry.document.tag(), document)
            });
        Snapshot {
            time: self.now,
            nodes: self.nodes(),
            documents: documents.collect(),
        }
    }

    fn nodes(&self) -> Vec<NodeTruth> {
        let node = |host: &Host| NodeTruth {
            id: host.id,
            alive: host.is_up(),
            hostile: host.hostile,
            max_peers: host.config.max_peers,
            links: host.core.as_ref().map_or(0, |core| core.links().count()),
        };
        self.hosts.iter().map(node).collect()
    }

    /// Views that neither disks nor wishes explain: nodes that gave up a join.
    fn unexplained_views(&self) -> BTreeMap<Number, Vec<Index>> {
        let mut others = BTreeMap::<Number, Vec<Index>>::new();
        for (node, host) in self.hosts.iter().enumerate() {
            let Some(core) = &host.core else { continue };
            for number in core.overlays().filter_map(|tag| self.truth.by_tag(tag)) {
                if !self.truth.entry(number).cell(node).has(Cell::HELD) {
                    others.entry(number).or_default().push(node);
                }
            }
        }
        others
    }

    /// A row of the time series.
    pub(crate) fn sample(&self) -> Sample {
        let links: usize = self
            .hosts
            .iter()
            .filter_map(|host| host.core.as_ref())
            .map(|core| core.links().count())
            .sum();
        Sample {
            time: self.now.as_secs_f64(),
            alive: self.hosts.iter().filter(|host| host.is_up()).count(),
            links: links / 2,
            documents: self.truth.entries().len(),
            memberships: self.hosts.iter().map(Host::memberships).sum(),
            delivered: self.accounts.deliveries.count(),
            delivered_bytes: self.accounts.deliveries.bytes(),
            bytes: self.accounts.bytes(),
            events: self.accounts.events,
        }
    }

    /// Fails if an adversary never did what it is there for.
    pub(crate) fn attacked(&self) -> Step {
        let behaviors = self.hosts.iter().filter_map(|host| host.behavior.as_ref());
        let mut done = BTreeMap::new();
        for (name, count) in behaviors.flat_map(|behavior| behavior.tally()) {
            *done.entry(name).or_insert(0) += count;
        }
        let idle = done.into_iter().find(|(_, count)| *count == 0);
        idle.map_or(Ok(()), |(name, _)| {
            Err(Violated {
                property: "sometimes",
                time: self.now,
                document: None,
                nodes: Vec::new(),
                detail: format!("the adversaries of kind `{name}` never did anything"),
            })
        })
    }

    /// Figures of the whole run, with the distributions of the last snapshot.
    pub(crate) fn measure(&mut self, last: &Snapshot, samples: Vec<Sample>) -> Metrics {
        let mut metrics = Metrics {
            samples,
            ..Metrics::default()
        };
        self.accounts.report(&mut metrics);
        let running = self.hosts.iter().filter_map(|host| host.core.as_ref());
        metrics.bodies =
            self.accounts.retired_bodies + running.map(|core| core.counters().bodies).sum::<u64>();
        metrics.cut_off = CutOff::new(last, 0.0).share();
        if metrics.cut_off.is_some() {
            let honest = self.hosts.iter().zip(&self.accounts.burdens);
            metrics.honest = honest
                .filter(|(host, _)| !host.hostile)
                .map(|(_, burden)| *burden)
                .collect();
        }
        metrics.post_delay_ms = self.workload.delays();
        for node in last.nodes.iter().filter(|node| node.alive) {
            metrics.links.add(node.links as u64);
        }
        let members = last
            .documents
            .values()
            .flat_map(|document| document.members.values());
        for view in members.filter_map(|member| member.view.as_ref()) {
            metrics.degree.add(view.neighbors.len() as u64);
            metrics.distance.add(view.distance.into());
        }
        metrics
    }
}

/// A node that was never started, with its own key, settings and clock.
fn host(scenario: &Scenario, seed: u64, node: Index, suite: &dyn Suite) -> Host {
    let secret = SecretKey(fork(seed, Purpose::Key, node as u64).random());
    let mut rng = fork(seed, Purpose::Node, node as u64);
    let drift = scenario.network.drift_ppm * rng.random_range(-1.0..=1.0);
    let config = config(scenario, rng.random());
    let id = suite.node_id(&suite.public_key(&secret));
    let identity = Identity {
        secret,
        address: address(node, 0),
    };
    Host::new(
        config,
        identity,
        id,
        Clock::new(Time::ZERO, drift),
        Disk::new(oldest_backup(scenario)),
    )
}

fn config(scenario: &Scenario, draw: f64) -> Config {
    let mut config = scenario.protocol.clone();
    if let Some((low, high)) = scenario.max_peers_range {
        let (low, high) = (low.min(high), low.max(high));
        let span = u32::try_from(high - low + 1).unwrap_or(u32::MAX);
        config.max_peers =
            crate::random::whole((f64::from(span) * draw).floor(), 0, high - low) + low;
        config.min_peers = config.min_peers.min(config.max_peers);
    }
    config
}

fn oldest_backup(scenario: &Scenario) -> Duration {
    let age = |kind: FaultKind| match kind {
        FaultKind::Crash {
            disk: scenario::Disk::Backup(age),
            ..
        } => age,
        FaultKind::Crash {
            disk: scenario::Disk::Kept | scenario::Disk::Lost,
            ..
        }
        | FaultKind::Leave
        | FaultKind::Pause(_)
        | FaultKind::Partition { .. }
        | FaultKind::Move
        | FaultKind::Forget
        | FaultKind::Toggle
        | FaultKind::Degrade { .. } => Duration::ZERO,
    };
    let drawn = scenario.faults.iter().map(|fault| fault.kind);
    let scripted = scenario.script.faults();
    drawn.chain(scripted).map(age).max().unwrap_or_default()
}
