//! What users of nodes under test do, and what they get.

use super::protocol::{Input, Peer};
use super::stage::{Event, Stage};
use crate::host::{Action, Status, wall};
use crate::random::mix;
use crate::snapshot::Index;
use crate::suite::Cheap;
use crate::truth::{Cell, Number};
use crate::workload::{Scene, Task, Workload, body};
use cliqueclique_core::document::{Document, Draft};
use cliqueclique_core::message::Mode;

impl Stage<'_> {
    /// The workload's next items.
    pub(super) fn work(&mut self) {
        if self.calm {
            return;
        }
        let tasks = self.asked(|workload, scene, tasks| workload.step(scene.now, scene, tasks));
        self.schedule_work();
        self.run_tasks(tasks);
    }

    /// Puts the workload's next item into the queue.
    pub(super) fn schedule_work(&mut self) {
        if let Some(at) = self.workload.next_time() {
            self.queue.push_first(at.max(self.now), Event::Work);
        }
    }

    /// What the workload wants to have done.
    fn asked(&mut self, ask: impl FnOnce(&mut Workload, &Scene<'_>, &mut Vec<Task>)) -> Vec<Task> {
        let nodes = &self.nodes;
        let up = |node: Index| nodes[node].is_up();
        let scene = Scene {
            now: self.now,
            truth: &self.truth,
            up: &up,
        };
        let mut tasks = Vec::new();
        ask(&mut self.workload, &scene, &mut tasks);
        tasks
    }

    fn run_tasks(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            match task {
                Task::Start(node) if self.nodes[node].status == Status::Unborn => self.boot(node),
                Task::Start(_) => {}
                Task::Act(node, action) => self.act(node, action),
            }
        }
    }

    /// A user acts now, or once the node is back.
    pub(super) fn act(&mut self, node: Index, action: Action) {
        match self.nodes[node].status {
            Status::Up => self.command(node, action),
            Status::Unborn | Status::Paused | Status::Down(true) => {
                self.nodes[node].todo.push(action);
            }
            Status::Down(false) | Status::Left => {}
        }
    }

    fn command(&mut self, node: Index, action: Action) {
        match action {
            Action::Publish { .. } => self.publish(node, action),
            Action::Join { number, via, mode } => self.join(node, number, (via, mode)),
            Action::Set(number, mode) => {
                self.truth.wish(node, number, mode);
                self.tell(node, number, |id| Input::Wish(id, mode));
            }
            Action::Bookmark(number, on) => {
                self.truth.bookmark(node, number, on);
                self.tell(node, number, |id| Input::Bookmark(id, on));
            }
            Action::Forget(number) => {
                self.truth.forget(node, number);
                self.tell(node, number, Input::Forget);
            }
            Action::Leave => {
                self.truth.forget_all(node);
                self.feed(node, Input::Leave, None);
            }
        }
    }

    /// Tells a node about a document that it holds; it will learn of the others when they come.
    fn tell(
        &mut self,
        node: Index,
        number: Number,
        input: impl FnOnce(cliqueclique_core::DocumentId) -> Input,
    ) {
        if self.truth.holds(number, node) {
            let id = self.truth.entry(number).document.id();
            self.feed(node, input(id), None);
        }
    }

    fn publish(&mut self, node: Index, action: Action) {
        let Action::Publish {
            parent,
            size,
            mode,
            ticket,
        } = action
        else {
            return;
        };
        if parent.is_some_and(|parent| !self.truth.holds(parent, node)) {
            return self.workload.refused(ticket);
        }
        let Some(document) = self.written(node, parent, (size, ticket as u64, mode)) else {
            return;
        };
        let nodes = &self.nodes;
        let number = self
            .truth
            .publish(&document, node, |node| nodes[node].is_up());
        let expected = self.truth.expected(number);
        let all = self.truth.nodes();
        self.accounts
            .deliveries
            .published(number, node, all, expected);
        self.truth.stored(number, node);
        self.truth.wish(node, number, mode);
        self.feed(node, Input::Published(document, mode), None);
        let tasks = self.asked(|workload, scene, tasks| {
            workload.arrived(node, number, scene, tasks);
            workload.published(ticket, number, scene, tasks);
        });
        self.run_tasks(tasks);
    }

    /// A signed document; its body begins with a number that no other document has.
    fn written(
        &self,
        node: Index,
        parent: Option<Number>,
        (size, ticket, mode): (usize, u64, Mode),
    ) -> Option<Document> {
        let parent = parent.map(|parent| self.truth.entry(parent).document.id());
        let name = (self.truth.entries().len() as u64) << 24 | ticket & 0xff_ffff;
        let draft = Draft {
            parents: parent.into_iter().collect(),
            children: Vec::new(),
            body: body(size, name),
            created: wall(self.now),
            founder: mode.subscribes(),
        };
        Document::sign(&draft, &self.nodes[node].secret, &Cheap).ok()
    }

    /// The invitation brings the document.
    fn join(&mut self, node: Index, number: Number, (via, mode): (Peer, Mode)) {
        let dead = !self.nodes[via].is_up();
        let other = dead.then(|| self.live_holder(number, node)).flatten();
        let via = other.unwrap_or(via);
        self.truth.wish(node, number, mode);
        if mode == Mode::Hold {
            self.truth.bookmark(node, number, true);
        }
        let fresh = self.truth.stored(number, node);
        self.nodes[node].givers.insert(number, via);
        let held = self.holding(number, node, Some(via));
        self.feed(node, Input::Joined(held), None);
        if fresh {
            self.arrived(node, number);
        }
    }

    fn live_holder(&self, number: Number, but: Index) -> Option<Peer> {
        let tag = self.truth.entry(number).document.tag();
        let salt = mix(mix(self.seed ^ u64::from_le_bytes(tag.0)) ^ but as u64);
        let holds = |&node: &Index| {
            node != but && self.nodes[node].is_up() && self.truth.holds(number, node)
        };
        let all = (0..self.users).filter(holds);
        all.min_by_key(|&node| mix(salt ^ node as u64))
    }

    fn arrived(&mut self, node: Index, number: Number) {
        if node >= self.users {
            return; // Nobody reads at the server.
        }
        let tasks = self.asked(|workload, scene, tasks| {
            workload.arrived(node, number, scene, tasks);
        });
        self.run_tasks(tasks);
    }

    /// A node stores a document that came to it.
    pub(super) fn store(&mut self, node: Index, document: &Document, from: Option<Peer>) {
        let Some(number) = self.truth.by_id(&document.id()) else {
            return;
        };
        if !self.truth.stored(number, node) {
            return;
        }
        if let Some(from) = from {
            self.nodes[node].givers.insert(number, from);
        }
        if let Some(from) = from.filter(|_| node < self.users) {
            *self.given.entry((number, from)).or_default() += 1;
        }
        self.count_delivery(number, node, from);
        self.insist(node, number);
        self.arrived(node, number);
    }

    /// The user wished something else for it than what follows from its parents.
    fn insist(&mut self, node: Index, number: Number) {
        let cell = self.truth.entry(number).cell(node);
        let id = self.truth.entry(number).document.id();
        if cell.has(Cell::EXPLICIT) {
            self.feed(node, Input::Wish(id, cell.mode()), None);
        }
        if cell.has(Cell::BOOKMARKED) {
            self.feed(node, Input::Bookmark(id, true), None);
        }
    }

    fn count_delivery(&mut self, number: Number, node: Index, from: Option<Peer>) {
        let hops = self.accounts.deliveries.arrived(number, node, from);
        let entry = self.truth.entry(number);
        if node == entry.author || !self.truth.subscribes_above(number, node) {
            return;
        }
        let delay = self.now.since(entry.published);
        let bytes = entry.document.bytes().len();
        self.accounts.deliveries.delivered(bytes);
        if self.truth.fulfil(number, node) {
            self.accounts.deliveries.fresh(number, delay, hops);
        }
    }

    /// A node that lost its disk: its user joins again what was wished.
    pub(super) fn rejoin(&mut self, node: Index) {
        for number in 0..self.truth.entries().len() {
            let cell = self.truth.entry(number).cell(node);
            let wanted = cell.has(Cell::EXPLICIT | Cell::BOOKMARKED)
                && self.truth.interest(number, node).is_some();
            if !wanted || cell.has(Cell::HELD) || self.truth.subscribes_above(number, node) {
                continue;
            }
            if let Some(via) = self.live_holder(number, node) {
                self.join(node, number, (via, cell.mode()));
            }
        }
    }
}
