//! A case as a Stateright model, its properties, and what a run of the checker found.

use crate::case::Case;
use crate::ghost::Fault;
use crate::world::{Action, World};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Cases that a check is about; `sometimes` properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A node named an overlay root that is dead or gone.
    GhostRoot,
    /// Somebody said that it is frozen.
    Frozen,
    /// An upstream changed while a freeze was pending.
    FrozenChanged,
    /// An introduction that replaces an edge.
    Spliced,
    /// A node crashed while a splice was under way.
    SpliceCrash,
    /// Sets of comments were compared.
    Reconciled,
    /// Somebody left a network.
    Left,
    /// There was a circle of upstreams for an instant. Never demanded.
    Circle,
    /// A node came back.
    Restarted,
    /// An overlay root changed.
    RootChanged,
    /// A crash came between two effects of one input.
    Torn,
    /// A node counted a violation by an honest one, as when messages overtake each other.
    /// Never demanded.
    Accused,
}

impl Seen {
    /// All, with their names.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::GhostRoot, "a ghost root existed"),
        (Self::Frozen, "a node froze"),
        (
            Self::FrozenChanged,
            "a freeze was pending when the upstream changed",
        ),
        (Self::Spliced, "an edge was spliced"),
        (Self::SpliceCrash, "a splice met a crash"),
        (Self::Reconciled, "sets were reconciled"),
        (Self::Left, "a node left"),
        (Self::Circle, "a circle for an instant"),
        (Self::Restarted, "a node restarted"),
        (Self::RootChanged, "a root changed"),
        (Self::Torn, "a crash between two effects"),
        (Self::Accused, "an honest node was accused"),
    ];

    pub(crate) fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Names of the properties of guarantees, in order of their numbers. 0 is the order of effects,
/// which shows in what a crash between two of them leaves behind: in the others.
const GUARANTEES: [&str; 13] = [
    "",
    "1 degree",
    "2 subscribers hold",
    "3 privacy",
    "4 contact",
    "5 bounds",
    "6 determinism",
    "7 connected, once healed and settled",
    "8 one root, no circle outlives its bound",
    "9 the root subscribes, once settled",
    "10 delivery, once settled",
    "11 presence, once settled",
    "12 silence, once settled",
];

/// One case, ready to be checked.
#[derive(Clone, Debug)]
pub struct Checked {
    case: Arc<Case>,
    start: World,
    settled: Arc<AtomicU64>,
}

thread_local! {
    /// The last state that was healed and settled, and what was wrong: several properties ask.
    static LAST: RefCell<(u64, Vec<Fault>)> = const { RefCell::new((0, Vec::new())) };
}

impl Checked {
    /// Prepares a case: what happens before it happens now.
    #[must_use]
    pub fn new(case: Case) -> Self {
        let case = Arc::new(case);
        let start = World::begin(&case);
        let settled = Arc::default();
        Self {
            case,
            start,
            settled,
        }
    }

    /// True if guarantee `number` holds in a state, and on its fair continuation.
    fn holds(&self, world: &World, number: u8) -> bool {
        if let Some(fault) = &world.fault {
            return fault.guarantee != number;
        }
        !self
            .faults(world)
            .iter()
            .any(|fault| fault.guarantee == number)
    }

    /// What is wrong on the fair continuation, of states that are looked at.
    fn faults(&self, world: &World) -> Vec<Fault> {
        let digest = world.digest();
        let sampled = self.case.sample > 0 && digest.is_multiple_of(self.case.sample);
        if !world.flight.is_empty() && !sampled {
            return Vec::new();
        }
        LAST.with_borrow_mut(|last| {
            if last.0 != digest {
                self.settled.fetch_add(1, Ordering::Relaxed);
                *last = (digest, world.heal(&mut None));
            }
            last.1.clone()
        })
    }

    /// Explores all states, with so many threads, at most for so long. Depth first needs
    /// little memory, breadth first finds the shortest counter-example.
    #[must_use]
    pub fn run(self, threads: usize, limit: Duration, breadth: bool) -> Outcome {
        let begun = Instant::now();
        let (case, settled) = (Arc::clone(&self.case), Arc::clone(&self.settled));
        let model = self.clone();
        let builder = self.checker().threads(threads).timeout(limit);
        let builder = builder.finish_when(HasDiscoveries::AnyFailures);
        if breadth {
            outcome(
                &model,
                &case,
                &settled,
                begun,
                limit,
                builder.spawn_bfs().join(),
            )
        } else {
            outcome(
                &model,
                &case,
                &settled,
                begun,
                limit,
                builder.spawn_dfs().join(),
            )
        }
    }
}

fn outcome(
    model: &Checked,
    case: &Case,
    settled: &AtomicU64,
    begun: Instant,
    limit: Duration,
    checker: impl Checker<Checked>,
) -> Outcome {
    let mut outcome = Outcome {
        name: case.name,
        states: checker.unique_state_count(),
        transitions: checker.state_count(),
        depth: checker.max_depth(),
        settled: settled.load(Ordering::Relaxed),
        time: begun.elapsed(),
        whole: begun.elapsed() < limit,
        counterexample: None,
        seen: Vec::new(),
    };
    for (name, path) in checker.discoveries() {
        if Seen::ALL.iter().any(|(_, seen)| *seen == name) {
            outcome.seen.push(name);
            continue;
        }
        let last = path.last_state().clone();
        let steps = path.into_actions();
        let faults = last
            .fault
            .iter()
            .cloned()
            .chain(model.faults(&last))
            .collect();
        let mut story = Some(Vec::new());
        let _ = last.heal(&mut story);
        let found = Counterexample {
            continuation: story.unwrap_or_default(),
            property: name,
            steps,
            faults,
            last: Box::new(last),
        };
        if outcome.counterexample.is_none() {
            outcome.counterexample = Some(found);
        }
    }
    outcome.whole &= outcome.counterexample.is_none();
    outcome.seen.sort_unstable();
    outcome
}

/// A way to a state in which a guarantee is broken.
#[derive(Debug)]
pub struct Counterexample {
    /// The property.
    pub property: &'static str,
    /// The way.
    pub steps: Vec<Action>,
    /// What is wrong there.
    pub faults: Vec<Fault>,
    /// What is delivered on the fair continuation from there.
    pub continuation: Vec<String>,
    /// The state.
    pub last: Box<World>,
}

/// What a run found.
#[derive(Debug)]
pub struct Outcome {
    /// The case.
    pub name: &'static str,
    /// Different states.
    pub states: usize,
    /// Steps taken, to new and to known states.
    pub transitions: usize,
    /// Longest way.
    pub depth: usize,
    /// States that were healed and settled.
    pub settled: u64,
    /// Real time.
    pub time: Duration,
    /// Every reachable state within the bounds was visited.
    pub whole: bool,
    /// What went wrong.
    pub counterexample: Option<Counterexample>,
    /// Names of `sometimes` properties that were met.
    pub seen: Vec<&'static str>,
}

macro_rules! properties {
    ($kind:ident, $($number:literal),*) => {
        [$(Property::$kind(
            GUARANTEES[$number],
            |model: &Checked, world: &World| model.holds(world, $number),
        )),*]
    };
}

macro_rules! sometimes {
    ($($seen:ident),*) => {
        [$(Property::<Checked>::sometimes(
            Seen::ALL[Seen::$seen as usize].1,
            |_, world| world.shown & Seen::$seen.bit() != 0,
        )),*]
    };
}

impl Model for Checked {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.start.clone()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.choices(actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        world.after(&action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = properties!(always, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12).to_vec();
        all.extend(sometimes!(
            GhostRoot,
            Frozen,
            FrozenChanged,
            Spliced,
            SpliceCrash,
            Reconciled,
            Left,
            Circle,
            Restarted,
            RootChanged,
            Torn,
            Accused
        ));
        all
    }
}
