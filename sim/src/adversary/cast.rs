//! Who is hostile in a run, drawn from a stream of its own.

use super::chain::Chain;
use super::ring::{Fellow, Ring};
use super::stage::Stage;
use crate::host::{Behavior, Host};
use crate::random::{Purpose, fork};
use crate::scenario::{Adversary, Cast, Scenario, Workload};
use crate::snapshot::Index;
use cliqueclique_core::crypto::SharedSuite;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The hostile nodes of a run with what they do. Two tables may name the same
/// node: then it does both.
pub(crate) fn cast(
    scenario: &Scenario,
    seed: u64,
    hosts: &[Host],
    suite: &SharedSuite,
) -> BTreeMap<Index, Box<dyn Behavior>> {
    let mut rng = fork(seed, Purpose::Adversary, u64::MAX);
    let mut parts: BTreeMap<Index, Vec<&Adversary>> = BTreeMap::new();
    for adversary in &scenario.adversaries {
        for node in chosen(adversary.cast.clone(), scenario, hosts.len(), &mut rng) {
            parts.entry(node).or_default().push(adversary);
        }
    }
    let fellow = |&node: &Index| Fellow {
        node: hosts[node].id,
        address: hosts[node].identity.address.clone(),
    };
    let nodes = hosts.iter().map(|host| host.id).collect();
    let ring = Ring::new(parts.keys().map(fellow).collect(), nodes);
    let tolerance = 2 * scenario.protocol.clock_tolerance.as_secs();
    let chain = |(node, parts): (Index, Vec<&Adversary>)| {
        let rng = fork(seed, Purpose::Adversary, node as u64);
        let host = &hosts[node];
        let stage = Stage::new(&host.identity, suite.clone(), rng, ring.clone(), tolerance);
        let limit = scenario.network.frame_limit;
        let chain: Box<dyn Behavior> = Box::new(Chain::new(stage, &parts, limit));
        (node, chain)
    };
    parts.into_iter().map(chain).collect()
}

/// Who is hostile by each table of a scenario.
pub(crate) fn who(scenario: &Scenario, seed: u64) -> Vec<Vec<Index>> {
    let mut rng = fork(seed, Purpose::Adversary, u64::MAX);
    let nodes = scenario.workload.nodes();
    let tables = scenario.adversaries.iter();
    tables
        .map(|adversary| chosen(adversary.cast.clone(), scenario, nodes, &mut rng))
        .collect()
}

/// Nodes that one table hits. Draws spare the publishers of forums, at whom all others join.
fn chosen(cast: Cast, scenario: &Scenario, nodes: usize, rng: &mut ChaCha8Rng) -> Vec<Index> {
    let publishers = match &scenario.workload {
        Workload::Synthetic(synthetic) => synthetic.forums,
        Workload::Newsgroup(_) | Workload::Scripted(_) => 1,
    };
    let mut others: Vec<Index> = (publishers.min(nodes)..nodes).collect();
    let count = match cast {
        Cast::Nodes(list) => return list.into_iter().filter(|&node| node < nodes).collect(),
        Cast::Count(count) => count,
        #[allow(clippy::cast_precision_loss, reason = "nodes are far below 2^53")]
        Cast::Share(share) => crate::random::whole(share * nodes as f64, 1, nodes),
    };
    (0..count.min(others.len()))
        .map(|_| others.swap_remove(rng.random_range(0..others.len())))
        .collect()
}
