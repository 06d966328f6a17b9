//! Scripts: a world plays one, or writes one down while it draws.

use super::{Event, Step, World};
use crate::host::{Action, Status};
use crate::scenario::script::{Act, Deed, Entry, Name};
use crate::scenario::{Fault, FaultKind};
use crate::snapshot::Index;
use crate::tape::Tape;
use crate::truth::Number;
use crate::workload::{Task, Workload};
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Writes down what happens.
#[derive(Debug)]
pub(crate) struct Recorder {
    tape: Tape,
    names: BTreeMap<Number, Name>,
}

impl Recorder {
    fn add(&self, now: Time, deed: Deed) {
        let at = now.since(Time::ZERO);
        self.tape.entry(Entry { at, deed });
    }

    /// A document has a number.
    pub(super) fn published(&mut self, name: usize, number: Number) {
        self.names.insert(number, name as Name);
    }

    /// What an action is called in a script; `None` if it is about a document of nobody here.
    fn act(&self, action: Action) -> Option<Act> {
        let name = |number: Number| self.names.get(&number).copied();
        Some(match action {
            Action::Publish {
                parent,
                size,
                mode,
                ticket,
            } => Act::Publish {
                document: ticket as Name,
                parent: match parent {
                    Some(number) => Some(name(number)?),
                    None => None,
                },
                body: size,
                mode,
            },
            Action::Join { number, via, mode } => Act::Join {
                document: name(number)?,
                via,
                mode,
            },
            Action::Set(number, mode) => Act::Set(name(number)?, mode),
            Action::Bookmark(number, on) => Act::Bookmark(name(number)?, on),
            Action::Forget(number) => Act::Forget(name(number)?),
            Action::Leave => Act::Leave,
        })
    }
}

impl World<'_> {
    /// From now on all that is drawn is written down.
    pub(crate) fn record(&mut self, tape: &Tape) {
        self.network.record(tape.clone());
        self.recorder = Some(Recorder {
            tape: tape.clone(),
            names: BTreeMap::new(),
        });
    }

    /// Puts the script's entries into the queue: users who act at the same time do so in one step.
    pub(super) fn schedule_script(&mut self) {
        let schedule = &self.scenario.script.schedule;
        for (index, entry) in schedule.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &schedule[before]);
            let together = before
                .is_some_and(|before| before.at == entry.at && before.act().is_some())
                && entry.act().is_some();
            if !together {
                self.queue
                    .push_first(Time::ZERO + entry.at, Event::Script(index));
            }
        }
    }

    /// The script's entry with this number, and the users who act with it.
    pub(super) fn play(&mut self, first: usize) -> Step {
        if self.calm {
            return Ok(());
        }
        let scenario = self.scenario;
        let entries = &scenario.script.schedule[first..];
        if let Some(Entry {
            at,
            deed: Deed::Fault { nodes, kind },
        }) = entries.first()
        {
            return self.strike(*at, nodes, *kind);
        }
        let together = entries
            .iter()
            .take_while(|entry| entry.at == entries[0].at)
            .map_while(Entry::act);
        let mut tasks = Vec::new();
        if let Workload::Scripted(scripted) = &self.workload {
            tasks.extend(together.flat_map(|(node, act)| scripted.tasks(node, act)));
        }
        for task in tasks {
            if self.is_known(task) {
                self.run(vec![task])?;
            }
        }
        Ok(())
    }

    /// Users only change their minds about documents that they have or have asked for.
    fn is_known(&self, task: Task) -> bool {
        match task {
            Task::Act(
                node,
                Action::Set(number, _) | Action::Bookmark(number, _) | Action::Forget(number),
            ) => self.truth.holds(number, node) || self.truth.interest(number, node).is_some(),
            Task::Act(_, Action::Publish { .. } | Action::Join { .. } | Action::Leave)
            | Task::Start(_) => true,
        }
    }

    /// A fault hits those of the nodes that run.
    fn strike(&mut self, at: Duration, nodes: &[Index], kind: FaultKind) -> Step {
        let up = |node: &Index| self.hosts.get(*node).is_some_and(crate::host::Host::is_up);
        let hit: Vec<Index> = nodes.iter().copied().filter(up).collect();
        let fault = Fault {
            at,
            every: None,
            until: None,
            kind,
            target: crate::scenario::Target::Count(hit.len()),
        };
        self.hit(&fault, &hit)
    }

    /// Writes a fault down, unless it is what users do.
    pub(crate) fn note_fault(&mut self, nodes: &[Index], kind: FaultKind) {
        let kind = match kind {
            FaultKind::Leave | FaultKind::Forget | FaultKind::Toggle => return,
            // What it loses is written down packet by packet.
            FaultKind::Degrade { lasts, .. } => FaultKind::Degrade { lasts, loss: 0.0 },
            FaultKind::Crash { .. }
            | FaultKind::Pause(_)
            | FaultKind::Partition { .. }
            | FaultKind::Move => kind,
        };
        let now = self.now;
        if let Some(recorder) = &self.recorder {
            let nodes = nodes.to_vec();
            recorder.add(now, Deed::Fault { nodes, kind });
        }
    }

    /// Writes down what a user does.
    pub(super) fn note_task(&mut self, task: Task, reaction: bool) {
        // A reaction comes after what it reacts to, and a script's entries come before all else
        // of the same time.
        let at = Time(self.now.0 + u64::from(reaction));
        let Some(recorder) = &self.recorder else {
            return;
        };
        let (node, act) = match task {
            Task::Start(node) if self.hosts[node].status == Status::Unborn => {
                (node, Some(Act::Start))
            }
            Task::Start(_) => return,
            Task::Act(node, action) => (node, recorder.act(action)),
        };
        if let Some(act) = act {
            recorder.add(at, Deed::User { node, act });
        }
    }

    /// The workload's ticket becomes a name of the world's own, from 1 in order of the acts,
    /// which a script keeps.
    pub(super) fn named(&mut self, action: Action) -> Action {
        let Action::Publish {
            parent,
            size,
            mode,
            ticket,
        } = action
        else {
            return action;
        };
        if matches!(self.workload, Workload::Scripted(_)) {
            return action;
        }
        self.tickets.push(ticket);
        Action::Publish {
            parent,
            size,
            mode,
            ticket: self.tickets.len(),
        }
    }

    /// The workload's ticket of a name.
    pub(super) fn ticket(&self, name: usize) -> usize {
        let drawn = name.checked_sub(1).and_then(|at| self.tickets.get(at));
        drawn.copied().unwrap_or(name)
    }
}
