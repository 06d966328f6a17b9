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

fn main() {
    let mut nodes = [node(0), node(1)];
    let mut disks: [BTreeMap<DocumentId, Document>; 2] = Default::default();
    let mut inbox: VecDeque<(usize, Input)> = VecDeque::new();
    let mut now = Time::ZERO;
    let publish = |parents, text: &'static str| Command::Publish {
        parents,
        children: Vec::new(),
        body: Bytes::from_static(text.as_bytes()),
        mode: Mode::Follow,
    };
    inbox.push_back((
        0,
        Input::Command(RequestId(1), publish(Vec::new(), "A forum")),
    ));
    while now < Time(60_000_000) {
        let (at, input) = inbox.pop_front().unwrap_or_else(|| {
            let next = nodes
                .iter()
                .enumerate()
                .filter_map(|(i, node)| Some((node.next_deadline()?, i)))
                .min();
            let (time, node) = next.unwrap_or((Time(60_000_000), 0));
            now = now.max(time);
            (node, Input::Wake)
        });
        let mut effects = Vec::new();
        nodes[at].handle(now, input, &mut effects);
        for effect in effects {
            // Channels 2, 4, … of one node are 3, 5, … of the other.
            let (other, mirrored) = (1 - at, |channel: ChannelId| ChannelId(channel.0 ^ 1));
            let connected = |channel| Input::Connected {
                channel,
                frame_limit: 16_384,
                binding: [7; 32],
            };
            match effect {
                Effect::Dial(channel, _) => {
                    inbox.push_back((at, connected(channel)));
                    inbox.push_back((other, connected(mirrored(channel))));
                }
                Effect::Send(channel, packet) => {
                    inbox.push_back((other, Input::Received(mirrored(channel), packet)))
                }
                Effect::Hangup(channel) => {
                    inbox.push_back((other, Input::Disconnected(mirrored(channel))))
                }
                Effect::Admit(document) => {
                    let stored = document.is_signed(&Ed25519Blake3);
                    let outcome = if stored {
                        Admission::Stored
                    } else {
                        Admission::Forged
                    };
                    disks[at].insert(document.id(), document.clone());
                    inbox.push_back((at, Input::Admitted(document.id(), outcome)));
                }
                Effect::Load(id) => {
                    inbox.push_back((at, Input::Loaded(id, disks[at].get(&id).cloned())))
                }
                Effect::Notify(Notification::Done(RequestId(1), Some(forum))) => {
                    let join = Command::Join {
                        document: forum,
                        address: Address(Bytes::from(vec![0])),
                        mode: Mode::Follow,
                    };
                    inbox.push_back((1, Input::Command(RequestId(2), join)));
                }
                Effect::Notify(Notification::Arrived { document, .. }) => {
                    let text = String::from_utf8_lossy(disks[at][&document].body()).into_owned();
                    println!(
                        "{:6.3} s  node {at} has {document:?}: {text}",
                        now.as_secs_f64()
                    );
                    if at == 1 && text == "A forum" {
                        inbox.push_back((
                            1,
                            Input::Command(
                                RequestId(3),
                                publish(vec![document], "Hello from node 1"),
                            ),
                        ));
                    }
                }
                Effect::Delete(..) | Effect::Save(..) | Effect::Thaw(_) | Effect::Recall(_) => {}
                Effect::Notify(_) | Effect::Report(..) => {}
            }
        }
    }
}
