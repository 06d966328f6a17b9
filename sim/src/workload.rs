//! Who there is and what they do: turns a scenario's workload into starts of
//! nodes and actions of users, one item at a time. It knows the truth about
//! documents and who is up, and nothing of cores or the network.

mod generator;
mod newsgroup;
mod scripted;
mod synthetic;
mod trace;

pub use trace::{Row, TraceError};

use crate::driver::SetupError;
use crate::host::Action;
use crate::metrics::Histogram;
use crate::random::whole;
use crate::scenario;
use crate::snapshot::Index;
use crate::truth::{Number, Truth};
use bytes::Bytes;
use cliqueclique_core::time::Time;
use std::time::Duration;

/// Sigma of the logarithm of body sizes: the reference newsgroup has a median of
/// 677 and a mean of 1,075 bytes, and ln(mean / median) is half of sigma squared.
const BODY_SIGMA: f64 = 0.961_7;
/// Largest body of the reference newsgroup, bytes.
const BODY_MAX: usize = 73_976;
/// Smallest body: a counter fits.
const BODY_MIN: usize = 8;

/// Something to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// The node starts.
    Start(Index),
    /// Its user acts.
    Act(Index, Action),
}

/// What a workload may look at.
pub(crate) struct Scene<'a> {
    /// When.
    pub(crate) now: Time,
    /// Documents, wishes, disks.
    pub(crate) truth: &'a Truth,
    /// True for nodes that run.
    pub(crate) up: &'a dyn Fn(Index) -> bool,
}

impl Scene<'_> {
    /// A node that runs and holds the document.
    fn has(&self, node: Index, number: Number) -> bool {
        (self.up)(node) && self.truth.holds(number, node)
    }
}

/// A workload under way.
#[derive(Debug)]
pub(crate) enum Workload {
    /// See [`scenario::Synthetic`].
    Synthetic(synthetic::Synthetic),
    /// See [`scenario::Newsgroup`].
    Newsgroup(newsgroup::Newsgroup),
    /// See [`scenario::script`]; the world plays it.
    Scripted(scripted::Scripted),
}

impl Workload {
    /// Prepares a workload; reads the trace if there is one.
    ///
    /// # Errors
    /// The trace cannot be read, or a row of it is wrong.
    pub(crate) fn new(scenario: &scenario::Scenario, seed: u64) -> Result<Self, SetupError> {
        match &scenario.workload {
            scenario::Workload::Scripted(nodes) => {
                Ok(Self::Scripted(scripted::Scripted::new(*nodes)))
            }
            scenario::Workload::Synthetic(model) => {
                Ok(Self::Synthetic(synthetic::Synthetic::new(model, seed)))
            }
            scenario::Workload::Newsgroup(model) => {
                let rows = rows(model, seed)?;
                Ok(Self::Newsgroup(newsgroup::Newsgroup::new(
                    model,
                    rows,
                    scenario.duration,
                    seed,
                )))
            }
        }
    }

    /// Number of nodes in all.
    pub(crate) fn nodes(&self) -> usize {
        match self {
            Self::Synthetic(synthetic) => synthetic.nodes(),
            Self::Newsgroup(newsgroup) => newsgroup.nodes(),
            Self::Scripted(scripted) => scripted.nodes(),
        }
    }

    /// Time of the next item.
    pub(crate) fn next_time(&self) -> Option<Time> {
        match self {
            Self::Synthetic(synthetic) => synthetic.next_time(),
            Self::Newsgroup(newsgroup) => newsgroup.next_time(),
            Self::Scripted(_) => None,
        }
    }

    /// Does all items that are due.
    pub(crate) fn step(&mut self, now: Time, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        match self {
            Self::Synthetic(synthetic) => synthetic.step(now, scene, tasks),
            Self::Newsgroup(newsgroup) => newsgroup.step(now, scene, tasks),
            Self::Scripted(_) => {}
        }
    }

    /// A document that the workload asked for is published.
    pub(crate) fn published(
        &mut self,
        ticket: usize,
        number: Number,
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        match self {
            Self::Synthetic(synthetic) => synthetic.published(ticket, number),
            Self::Newsgroup(newsgroup) => newsgroup.published(ticket, number, scene, tasks),
            Self::Scripted(scripted) => scripted.published(ticket, number),
        }
    }

    /// It could not be published, since its parent is no longer held.
    pub(crate) fn refused(&mut self, ticket: usize) {
        match self {
            Self::Synthetic(_) | Self::Scripted(_) => {}
            Self::Newsgroup(newsgroup) => newsgroup.refused(ticket),
        }
    }

    /// How much later than planned messages were posted, milliseconds.
    pub(crate) fn delays(&self) -> Histogram {
        match self {
            Self::Synthetic(_) | Self::Scripted(_) => Histogram::default(),
            Self::Newsgroup(newsgroup) => newsgroup.delays().clone(),
        }
    }

    /// A document came to a node.
    pub(crate) fn arrived(
        &mut self,
        node: Index,
        number: Number,
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        match self {
            Self::Synthetic(_) | Self::Scripted(_) => {}
            Self::Newsgroup(newsgroup) => newsgroup.arrived(node, number, scene, tasks),
        }
    }
}

/// The rows of the trace, or generated ones.
fn rows(model: &scenario::Newsgroup, seed: u64) -> Result<Vec<Row>, SetupError> {
    let found = model
        .replay
        .as_ref()
        .filter(|path| model.replay_required || path.exists());
    let mut rows = match found {
        Some(path) => trace::read(path).map_err(|error| SetupError(error.to_string()))?,
        None => generator::generate(model, seed),
    };
    rows.truncate(model.limit.unwrap_or(usize::MAX));
    Ok(rows)
}

/// A time drawn from the whole of a span, as a point.
fn point(seconds: f64) -> Time {
    Time::ZERO + Duration::from_secs_f64(seconds.max(0.0))
}

/// A body size from its lognormal deviate.
fn body_size(value: f64) -> usize {
    whole(value, BODY_MIN, BODY_MAX)
}

/// A body of so many bytes (at least 8): the document's name, then zeros.
pub(crate) fn body(size: usize, name: u64) -> Bytes {
    let mut body = vec![0; size.max(8)];
    body[..8].copy_from_slice(&name.to_le_bytes());
    Bytes::from(body)
}
