//! What can happen in a state, and what comes of it.

use crate::case::{Case, Order};
use crate::check::Seen;
use crate::ghost::Ghost;
use crate::judge;
use crate::node::{Node, WALL, address};
use crate::perform::Fuse;
use crate::world::{Action, Cargo, Flying, World};
use bytes::Bytes;
use cliqueclique_core::{Command, Input, Mode, RequestId, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A crash is tried after each of so many effects of one input.
const TEARS: u8 = 8;

impl World {
    /// The state in which a case begins: what happened before is done and calm.
    pub(crate) fn begin(case: &Arc<Case>) -> Self {
        let nodes = (0..case.nodes).map(|at| Arc::new(Node::new(at, case)));
        let mut world = Self {
            case: Arc::clone(case),
            now: Time::ZERO,
            nodes: nodes.collect(),
            flight: Vec::new(),
            channels: BTreeMap::new(),
            connections: 0,
            documents: BTreeMap::new(),
            issued: 0,
            left: crate::Bounds::default(),
            ghost: Arc::new(Ghost::default()),
            fault: None,
            shown: 0,
        };
        for at in 0..case.nodes {
            world.feed(at, Input::Clock(WALL), None);
        }
        for &(at, order) in &case.before {
            world.command(at, order, None);
            world.rest(world.now + std::time::Duration::from_secs(60));
        }
        world.left = case.bounds;
        world.seal(None);
        world
    }

    /// All that can happen.
    pub(crate) fn choices(&self, actions: &mut Vec<Action>) {
        if self.fault.is_some() {
            return;
        }
        let mut seen = Vec::with_capacity(self.flight.len());
        for (at, flying) in self.flight.iter().enumerate() {
            if !seen.contains(&flying.digest) {
                seen.push(flying.digest);
                let waits = self.left.overtaken == 0 && self.ahead(at) > 0;
                self.choices_of(flying, waits, actions);
            }
        }
        let steps = (0..self.case.script.len()).filter(|&step| self.possible(step));
        for step in steps {
            self.with_tears(Action::Command(step), self.case.script[step].0, actions);
        }
        for at in 0..self.nodes.len() {
            self.crashes(at, actions);
        }
        if self.flight.is_empty() && self.left.waits > 0 {
            actions.push(Action::Wait);
        } else if !self.flight.is_empty() && self.left.late > 0 {
            actions.push(Action::Late);
        }
    }

    fn choices_of(&self, flying: &Arc<Flying>, waits: bool, actions: &mut Vec<Action>) {
        if !waits {
            self.with_tears(Action::Deliver(Arc::clone(flying)), flying.to.0, actions);
        }
        let packet = matches!(flying.cargo, Cargo::Packet(_));
        if self.left.lost > 0 && !matches!(flying.cargo, Cargo::Dial(_)) {
            actions.push(Action::Lose(Arc::clone(flying)));
        }
        if self.left.doubled > 0 && packet {
            actions.push(Action::Double(Arc::clone(flying)));
        }
    }

    /// The action, and the same with a crash in its middle.
    fn with_tears(&self, action: Action, at: usize, actions: &mut Vec<Action>) {
        if self.left.crashes > 0 && self.left.torn > 0 && self.case.mortal.contains(&at) {
            let tear = |after| Action::Torn(Box::new(action.clone()), after);
            actions.extend((0..TEARS).map(tear));
        }
        actions.push(action);
    }

    fn crashes(&self, at: usize, actions: &mut Vec<Action>) {
        if self.nodes[at].core.is_some() {
            if self.left.crashes > 0 && self.case.mortal.contains(&at) {
                actions.push(Action::Crash(at));
            }
        } else if self.left.restarts > 0 {
            actions.push(Action::Restart(at, false));
            if self.left.wiped > 0 {
                actions.push(Action::Restart(at, true));
            }
        }
    }

    /// The step of the script can be done now.
    fn possible(&self, step: usize) -> bool {
        let (at, order) = self.case.script[step];
        let earlier = (0..step).all(|s| self.case.script[s].0 != at || self.issued & 1 << s != 0);
        let document = self.documents.get(&order.label());
        let held = |label: &u8| {
            let document = self.documents.get(label);
            document.is_some_and(|document| self.nodes[at].has(&document.id()))
        };
        let known = match order {
            Order::Publish { parent, .. } => parent.as_ref().is_none_or(held),
            Order::Join { .. } => document.is_some(),
            Order::Set(label, _) | Order::Forget(label) => held(&label),
        };
        self.issued & 1 << step == 0 && earlier && known && self.nodes[at].core.is_some()
    }

    /// What comes of an action; none if it changes nothing that another one does not.
    pub(crate) fn after(&self, action: &Action) -> Option<Self> {
        let mut next = self.clone();
        next.shown = 0;
        next.act(action, None)?;
        next.seal(Some(self));
        Some(next)
    }

    fn act(&mut self, action: &Action, fuse: Fuse) -> Option<()> {
        match action {
            Action::Deliver(flying) => {
                self.take(flying)?;
                let crashed = self.deliver(flying, fuse);
                return (crashed || fuse.is_none()).then_some(());
            }
            Action::Lose(flying) => {
                let at = self.flight.iter().position(|other| other == flying)?;
                self.flight.remove(at);
                self.left.lost -= 1;
            }
            Action::Double(flying) => {
                // Both stay where the first one was.
                let at = self.flight.iter().position(|other| other == flying)?;
                self.flight.insert(at, Arc::clone(flying));
                self.left.doubled -= 1;
            }
            Action::Command(step) => {
                let (at, order) = self.case.script[*step];
                self.issued |= 1 << step;
                let crashed = self.command(at, order, fuse);
                return (crashed || fuse.is_none()).then_some(());
            }
            Action::Crash(at) => self.falls(*at),
            Action::Torn(action, after) => {
                self.left.torn -= 1;
                self.left.crashes -= 1;
                self.act(action, Some(*after))?;
                self.show(Seen::Torn);
            }
            Action::Restart(at, wiped) => self.restart(*at, *wiped),
            Action::Wait => {
                self.left.waits -= 1;
                self.advance().then_some(())?;
            }
            Action::Late => {
                self.left.late -= 1;
                self.advance().then_some(())?;
            }
        }
        Some(())
    }

    fn falls(&mut self, at: usize) {
        self.left.crashes -= 1;
        if judge::splicing(self) {
            self.show(Seen::SpliceCrash);
        }
        self.crash(at);
    }

    fn take(&mut self, flying: &Arc<Flying>) -> Option<()> {
        let at = self.flight.iter().position(|other| other == flying)?;
        self.left.overtaken -= u8::from(self.ahead(at) > 0);
        self.flight.remove(at);
        Some(())
    }

    /// Something arrives. True if that ended with a crash.
    pub(crate) fn deliver(&mut self, flying: &Flying, fuse: Fuse) -> bool {
        let end = flying.to;
        match &flying.cargo {
            Cargo::Dial(to) => self.connect(end, *to, fuse),
            Cargo::Packet(_) | Cargo::Closed if !self.channels.contains_key(&end) => false,
            Cargo::Packet(packet) => self.feed(end.0, Input::Received(end.1, packet.clone()), fuse),
            Cargo::Closed => {
                self.channels.remove(&end);
                self.feed(end.0, Input::Disconnected(end.1), fuse)
            }
        }
    }

    /// A user does something. True if that ended with a crash.
    pub(crate) fn command(&mut self, at: usize, order: Order, fuse: Fuse) -> bool {
        let id = self
            .documents
            .get(&order.label())
            .map(|document| document.id());
        let node = Arc::make_mut(&mut self.nodes[at]);
        let (command, wish) = match order {
            Order::Publish {
                label,
                parent,
                mode,
            } => {
                let parent = parent.and_then(|parent| self.documents.get(&parent));
                let parents = parent.map(|parent| parent.id()).into_iter().collect();
                let (children, body) = (Vec::new(), Bytes::from(vec![label]));
                (
                    Some(Command::Publish {
                        parents,
                        children,
                        body,
                        mode,
                        created: None,
                    }),
                    mode,
                )
            }
            Order::Join { via, mode, .. } => {
                let join = |document| Command::Join {
                    document,
                    address: address(via),
                    mode,
                };
                (id.map(join), mode)
            }
            Order::Set(_, mode) => (id.map(|id| Command::Subscribe(id, mode)), mode),
            Order::Forget(_) => (id.map(Command::Forget), Mode::Hold),
        };
        let Some(command) = command else {
            return false;
        };
        node.wishes.insert(order.label(), wish);
        let request = node.next_request;
        node.next_request += 1;
        node.pending.insert(request, order);
        self.subscribed(at, order.label());
        if let Order::Join { label, via, .. } = order {
            self.sends(at, via, label);
        }
        self.feed(at, Input::Command(RequestId(request), command), fuse)
    }

    fn sends(&mut self, at: usize, via: usize, label: u8) {
        if let Some(tag) = self.documents.get(&label).map(|document| document.tag()) {
            Arc::make_mut(&mut self.ghost).sent.insert((at, via, tag));
            self.learns(at, tag);
        }
    }

    /// A node starts again; its user repeats what was not answered, and, if the disk was
    /// lost, joins again where somebody still has what he wants.
    fn restart(&mut self, at: usize, wiped: bool) {
        self.left.restarts -= 1;
        self.show(Seen::Restarted);
        let case = Arc::clone(&self.case);
        let node = Arc::make_mut(&mut self.nodes[at]);
        let mut again: Vec<Order> = std::mem::take(&mut node.pending).into_values().collect();
        if wiped {
            node.disk = crate::node::Disk::default();
            again = std::mem::take(&mut node.wishes)
                .into_iter()
                .filter_map(|(label, mode)| self.join_again(at, label, mode))
                .collect();
            self.left.wiped -= 1;
            Arc::make_mut(&mut self.ghost).wiped.insert(at);
        }
        Arc::make_mut(&mut self.nodes[at]).start(at, &case);
        self.feed(at, Input::Clock(WALL), None);
        for order in again {
            self.command(at, order, None);
        }
    }

    fn join_again(&self, at: usize, label: u8, mode: Mode) -> Option<Order> {
        let id = self.documents.get(&label)?.id();
        let has = |&other: &usize| other != at && self.nodes[other].has(&id);
        let via = self.up().find(has).filter(|_| mode.subscribes())?;
        Some(Order::Join { label, via, mode })
    }

    /// Looks at what holds at every instant, and makes digests anew.
    fn seal(&mut self, before: Option<&Self>) {
        judge::instant(self, before);
        for at in 0..self.nodes.len() {
            let same = |before: &Self| Arc::ptr_eq(&before.nodes[at], &self.nodes[at]);
            if !before.is_some_and(same) {
                Arc::make_mut(&mut self.nodes[at]).seal();
            }
        }
    }
}
