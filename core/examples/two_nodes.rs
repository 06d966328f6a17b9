//! Two nodes, one document, no network: the whole embedding in one page.
//!
//! A runner owns the loop: it gives inputs to `Core::handle`, performs the effects
//! in order, and calls again at `next_deadline`. Here the "network" is a queue in
//! memory, the "disk" a map, and time jumps from deadline to deadline.
//! Run it with `cargo run -p cliqueclique-core --example two_nodes`.

use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Identity,
    Input, Mode, Notification, RequestId, SecretKey, Time, WallTime,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

fn node(name: u8) -> Core {
    let identity = Identity {
        secret: SecretKey([name; 32]),
        address: Address(Bytes::from(vec![name])),
    };
    Core::new(
        Config::default(),
        identity,
        [name; 32],
        Arc::new(Ed25519Blake3),
        WallTime(1_000_000),
    )
    .expect("settings fit")
}

/// The time at which the example ends.
const END: Time = Time(60_000_000);

/// Both nodes, and all that is between and below them.
struct World {
    nodes: [Core; 2],
    disks: [BTreeMap<DocumentId, Document>; 2],
    inbox: VecDeque<(usize, Input)>,
    now: Time,
}

fn main() {
    let mut world = World {
        nodes: [node(0), node(1)],
        disks: Default::default(),
        inbox: VecDeque::from([(0, publish(RequestId(1), Vec::new(), "A forum"))]),
        now: Time::ZERO,
    };
    while world.now < END {
        let (at, input) = world.next();
        let mut effects = Vec::new();
        world.nodes[at].handle(world.now, input, &mut effects);
        for effect in effects {
            world.perform(at, effect);
        }
    }
}

fn publish(request: RequestId, parents: Vec<DocumentId>, text: &'static str) -> Input {
    let command = Command::Publish {
        parents,
        children: Vec::new(),
        body: Bytes::from_static(text.as_bytes()),
        mode: Mode::Follow,
        created: None,
    };
    Input::Command(request, command)
}

impl World {
    /// The next input; if none waits, time jumps to the next deadline.
    fn next(&mut self) -> (usize, Input) {
        if let Some(waiting) = self.inbox.pop_front() {
            return waiting;
        }
        let deadlines = self.nodes.iter().map(Core::next_deadline).zip(0..);
        let next = deadlines.filter_map(|(time, at)| Some((time?, at))).min();
        let (time, at) = next.unwrap_or((END, 0));
        self.now = self.now.max(time);
        (at, Input::Wake)
    }

    fn perform(&mut self, at: usize, effect: Effect) {
        // Channels 2, 4, … of one node are 3, 5, … of the other.
        let (other, mirrored) = (1 - at, |channel: ChannelId| ChannelId(channel.0 ^ 1));
        let (to, input) = match effect {
            Effect::Dial(channel, _) => {
                self.inbox.push_back((at, connected(channel)));
                (other, connected(mirrored(channel)))
            }
            Effect::Send(channel, packet) => (other, Input::Received(mirrored(channel), packet)),
            Effect::Hangup(channel) => (other, Input::Disconnected(mirrored(channel))),
            Effect::Admit(document) => (at, self.admit(at, document)),
            Effect::Load(id) => (at, Input::Loaded(id, self.disks[at].get(&id).cloned())),
            Effect::Notify(Notification::Done(RequestId(1), Some(forum))) => (1, join(forum)),
            Effect::Notify(Notification::Arrived { document, .. }) => {
                return self.arrived(at, document);
            }
            Effect::Delete(..)
            | Effect::Save(..)
            | Effect::Thaw(_)
            | Effect::Recall(_)
            | Effect::Notify(_)
            | Effect::Report(..) => return,
        };
        self.inbox.push_back((to, input));
    }

    fn admit(&mut self, at: usize, document: Document) -> Input {
        let id = document.id();
        if !document.is_signed(&Ed25519Blake3) {
            return Input::Admitted(id, Admission::Forged);
        }
        self.disks[at].insert(id, document);
        Input::Admitted(id, Admission::Stored)
    }

    #[allow(clippy::print_stdout, reason = "showing it is what an example is for")]
    fn arrived(&mut self, at: usize, document: DocumentId) {
        let text = String::from_utf8_lossy(self.disks[at][&document].body());
        let seconds = self.now.as_secs_f64();
        println!("{seconds:6.3} s  node {at} has {document:?}: {text}");
        if at == 1 && text == "A forum" {
            let reply = publish(RequestId(3), vec![document], "Hello from node 1");
            self.inbox.push_back((1, reply));
        }
    }
}

fn connected(channel: ChannelId) -> Input {
    Input::Connected {
        channel,
        frame_limit: 16_384,
        binding: [7; 32],
    }
}

fn join(forum: DocumentId) -> Input {
    let command = Command::Join {
        document: forum,
        address: Address(Bytes::from(vec![0])),
        mode: Mode::Follow,
    };
    Input::Command(RequestId(2), command)
}
