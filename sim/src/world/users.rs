//! What users do, and how they react to news: actions become commands, answers
//! become truth.

use super::{Event, Step, What, World};
use crate::host::{Action, Status, address};
use crate::snapshot::{Index, Interest};
use crate::truth::{Cell, Number};
use crate::workload::{Scene, Task, body};
use cliqueclique_core::effect::{CommandError, Notification};
use cliqueclique_core::id::{DocumentId, RequestId};
use cliqueclique_core::message::Mode;
use cliqueclique_core::{Command, Input};
use std::time::Duration;

/// A user who is told that the node is busy tries again after this.
const PATIENCE: Duration = Duration::from_secs(5);

impl World<'_> {
    /// The workload's next items.
    pub(super) fn work(&mut self) -> Step {
        if self.calm {
            return Ok(());
        }
        let mut tasks = Vec::new();
        let hosts = &self.hosts;
        let up = |node: Index| hosts[node].is_up();
        self.workload.step(
            self.now,
            &Scene {
                now: self.now,
                truth: &self.truth,
                up: &up,
            },
            &mut tasks,
        );
        self.schedule_work();
        let tasks = self.taken(tasks, false);
        self.run(tasks)
    }

    /// Puts the workload's next item into the queue.
    pub(crate) fn schedule_work(&mut self) {
        if let Some(at) = self.workload.next_time() {
            self.queue.push_first(at.max(self.now), Event::Work);
        }
    }

    /// Names the documents of drawn tasks, and writes the tasks down.
    fn taken(&mut self, mut tasks: Vec<Task>, reaction: bool) -> Vec<Task> {
        for task in &mut tasks {
            if let Task::Act(node, action) = *task {
                *task = Task::Act(node, self.named(action));
            }
            self.note_task(*task, reaction);
        }
        tasks
    }

    /// A fault makes a user act.
    pub(crate) fn act_as_fault(&mut self, node: Index, action: Action) -> Step {
        self.note_task(Task::Act(node, action), false);
        self.act(node, action)
    }

    pub(super) fn run(&mut self, tasks: Vec<Task>) -> Step {
        tasks.into_iter().try_for_each(|task| match task {
            Task::Start(node) => self.start(node),
            Task::Act(node, action) => self.act(node, action),
        })
    }

    /// A user acts now, or once the node is back.
    pub(crate) fn act(&mut self, node: Index, action: Action) -> Step {
        match self.hosts[node].status {
            Status::Up => self.command(node, action),
            Status::Unborn | Status::Paused | Status::Down(true) => {
                self.hosts[node].todo.push(action);
                Ok(())
            }
            Status::Down(false) | Status::Left => Ok(()),
        }
    }

    /// A user does what waited for the node.
    pub(super) fn act_at_last(&mut self, node: Index) -> Step {
        let todo = std::mem::take(&mut self.hosts[node].todo);
        todo.into_iter()
            .try_for_each(|action| self.act(node, action))
    }

    fn command(&mut self, node: Index, action: Action) -> Step {
        let command = self.words(node, action);
        self.wish(node, action);
        self.requests += 1;
        let request = RequestId(self.requests);
        let host = &mut self.hosts[node];
        host.pending.insert(request, action);
        self.checkers.command(self.now, node, host.id, &command);
        self.note(node, None, What::Command(action));
        self.disturbed();
        self.feed(node, Input::Command(request, command), None)
    }

    fn words(&mut self, node: Index, action: Action) -> Command {
        let id = |number: Number| self.truth.entry(number).document.id();
        match action {
            Action::Publish {
                parent,
                size,
                mode,
                ticket,
            } => {
                let parents = parent.map(id).into_iter().collect();
                Command::Publish {
                    parents,
                    children: Vec::new(),
                    body: body(size, ticket as u64),
                    mode,
                    created: None,
                }
            }
            Action::Join { number, via, mode } => {
                let document = id(number);
                let dead = !self.hosts[via].is_up();
                let via = if dead {
                    self.live_holder(number, node).unwrap_or(via)
                } else {
                    via
                };
                let generation = self.hosts[via].generation;
                self.hosts[node].joining.insert(number, (via, generation));
                Command::Join {
                    document,
                    address: address(via, generation),
                    mode,
                }
            }
            Action::Set(number, mode) => Command::Subscribe(id(number), mode),
            Action::Bookmark(number, on) => Command::Bookmark(id(number), on),
            Action::Forget(number) => Command::Forget(id(number)),
            Action::Leave => Command::Shutdown,
        }
    }

    /// What a user wishes is true from the moment of the command.
    fn wish(&mut self, node: Index, action: Action) {
        match action {
            Action::Join { number, mode, .. } => {
                self.truth.wish(node, number, mode);
                if mode == Mode::Hold {
                    self.truth.bookmark(node, number, true);
                }
            }
            Action::Set(number, mode) => self.truth.wish(node, number, mode),
            Action::Bookmark(number, on) => self.truth.bookmark(node, number, on),
            Action::Forget(number) => self.truth.forget(node, number),
            Action::Leave => {
                self.hosts[node].parting = true;
                self.truth.forget_all(node);
            }
            Action::Publish { .. } => {}
        }
    }

    /// Users read the news of this step, which may lead to more.
    pub(super) fn attend(&mut self) -> Step {
        while let Some((node, notification)) = self.notices.pop_front() {
            match notification {
                Notification::Done(request, document) => self.done(node, request, document)?,
                Notification::Failed(request, error) => self.failed(node, request, error)?,
                Notification::Arrived { document, .. } => self.arrived(node, &document)?,
                Notification::Stopped => self.stopped(node),
                // While faults go on, a user waits: the peer may be back soon.
                Notification::JoinDelayed(_) if self.calm => self.ask_elsewhere(node)?,
                Notification::Gone(_) | Notification::JoinDelayed(_) => {}
            }
        }
        Ok(())
    }

    fn done(&mut self, node: Index, request: RequestId, document: Option<DocumentId>) -> Step {
        let action = self.hosts[node].pending.remove(&request);
        let (Some(Action::Publish { mode, ticket, .. }), Some(document)) = (action, document)
        else {
            return Ok(());
        };
        let Some(number) = self.truth.by_id(&document) else {
            return Ok(());
        };
        self.truth.wish(node, number, mode);
        if let Some(recorder) = &mut self.recorder {
            recorder.published(ticket, number);
        }
        let ticket = self.ticket(ticket);
        let mut tasks = Vec::new();
        let hosts = &self.hosts;
        let up = |node: Index| hosts[node].is_up();
        self.workload.published(
            ticket,
            number,
            &Scene {
                now: self.now,
                truth: &self.truth,
                up: &up,
            },
            &mut tasks,
        );
        let tasks = self.taken(tasks, true);
        self.run(tasks)
    }

    fn failed(&mut self, node: Index, request: RequestId, error: CommandError) -> Step {
        let Some(action) = self.hosts[node].pending.remove(&request) else {
            return Ok(());
        };
        match (error, action) {
            (CommandError::Busy, _) => self
                .queue
                .push(self.after(PATIENCE), Event::Again(node, action)),
            (CommandError::NotHeld, Action::Set(number, _) | Action::Bookmark(number, _)) => {
                let wanted = self.truth.interest(number, node).is_some();
                if wanted && !self.hosts[node].joining.contains_key(&number) {
                    return self.join_again(node, number);
                }
                self.hosts[node].unfulfilled.insert(number);
            }
            (CommandError::NotHeld, Action::Publish { ticket, .. }) => {
                self.workload.refused(self.ticket(ticket))
            }
            (
                CommandError::NotHeld
                | CommandError::Duplicate
                | CommandError::Limits
                | CommandError::Storage
                | CommandError::Forged
                | CommandError::Stopping,
                _,
            ) => {}
        }
        Ok(())
    }

    fn arrived(&mut self, node: Index, document: &DocumentId) -> Step {
        let Some(number) = self.truth.by_id(document) else {
            return Ok(());
        };
        self.hosts[node].joining.remove(&number);
        if self.hosts[node].unfulfilled.remove(&number) {
            self.insist(node, number)?;
        }
        let mut tasks = Vec::new();
        let hosts = &self.hosts;
        let up = |node: Index| hosts[node].is_up();
        let scene = Scene {
            now: self.now,
            truth: &self.truth,
            up: &up,
        };
        self.workload.arrived(node, number, &scene, &mut tasks);
        let tasks = self.taken(tasks, true);
        self.run(tasks)
    }

    /// Tells a core again what its user wishes for a document that it holds.
    fn insist(&mut self, node: Index, number: Number) -> Step {
        let cell = self.truth.entry(number).cell(node);
        if cell.has(Cell::EXPLICIT) {
            self.act(node, Action::Set(number, cell.mode()))?;
        }
        if cell.has(Cell::BOOKMARKED) {
            self.act(node, Action::Bookmark(number, true))?;
        }
        Ok(())
    }

    /// A node has lost what its user told it: the user joins again where nothing
    /// else will bring the document, and forgets again what came back.
    pub(super) fn rejoin(&mut self, node: Index) -> Step {
        for number in 0..self.truth.entries().len() {
            let cell = self.truth.entry(number).cell(node);
            let held = cell.has(Cell::HELD);
            let wanted = cell.has(Cell::EXPLICIT | Cell::BOOKMARKED)
                && self.truth.interest(number, node).is_some();
            let tag = self.truth.entry(number).document.tag();
            let there = held || self.hosts[node].disk.overlays.contains_key(&tag);
            let interest = self.truth.interest(number, node);
            match (wanted, there) {
                (true, _) if held => self.insist(node, number)?,
                (true, _) => self.join_again(node, number)?,
                (false, true) if interest.is_none_or(|why| why == Interest::Author) => {
                    self.act(node, Action::Forget(number))?;
                }
                // What was written here is there with the part that was chosen then.
                (false, true) if held && self.truth.entry(number).author == node => {
                    self.act(node, Action::Set(number, cell.mode()))?;
                }
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// A user who waits at a peer that is gone, has moved, does not answer or no longer has the
    /// document joins at another, and gives up if there is none.
    pub(super) fn ask_elsewhere(&mut self, node: Index) -> Step {
        let joining = self.hosts[node].joining.clone();
        for (number, (via, generation)) in joining {
            let wanted = self.truth.interest(number, node).is_some();
            let waits = wanted && !self.truth.holds(number, node);
            if waits && self.serves(number, via, generation) {
                continue;
            }
            self.hosts[node].joining.remove(&number);
            if !waits {
                continue;
            }
            if self.live_holder(number, node).is_some() {
                self.join_again(node, number)?;
            } else {
                self.act(node, Action::Forget(number))?;
            }
        }
        self.miss(node)
    }

    /// What was to come with a document that it comments on does not, if the user has given that
    /// one up since: the user joins there.
    fn miss(&mut self, node: Index) -> Step {
        let host = &self.hosts[node];
        let missed = host.unfulfilled.iter().copied().filter(|number| {
            let wanted = self.truth.interest(*number, node).is_some();
            let comes = self.truth.subscribes_above(*number, node);
            let joins = host.joining.contains_key(number);
            wanted && !comes && !joins && !self.truth.holds(*number, node)
        });
        let missed: Vec<Number> = missed.collect();
        let mut missed = missed.into_iter();
        missed.try_for_each(|number| self.join_again(node, number))
    }

    /// True if who joins at a node's address may expect the document from it.
    fn serves(&self, number: Number, via: Index, generation: u32) -> bool {
        let host = &self.hosts[via];
        let same = host.is_up() && host.generation == generation;
        same && !host.hostile && self.truth.holds(number, via)
    }

    fn join_again(&mut self, node: Index, number: Number) -> Step {
        self.hosts[node].unfulfilled.insert(number);
        if self.truth.subscribes_above(number, node) {
            return Ok(());
        }
        let mode = self.truth.entry(number).cell(node).mode();
        match self.live_holder(number, node) {
            Some(via) => self.act(node, Action::Join { number, via, mode }),
            None => {
                self.hosts[node].unfulfilled.remove(&number);
                self.act(node, Action::Forget(number))
            }
        }
    }
}
