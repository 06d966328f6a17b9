//! Guarantees on the true graph: 1, 2 and circles at every instant; 7 to 11 when settled.

use crate::case::CIRCLE_BOUND;
use crate::check::Seen;
use crate::ghost::{Fault, pair};
use crate::node::id;
use crate::world::{Cargo, World};
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::Message;
use cliqueclique_core::view::OverlayView;
use cliqueclique_core::{Document, Mode, NodeId, Packet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One network: views of the nodes that run, by node.
type Network = BTreeMap<usize, OverlayView>;

fn network(world: &World, tag: Tag) -> Network {
    let view = |at: usize| Some((at, world.nodes[at].core.as_ref()?.overlay_by_tag(tag)?));
    world.up().filter_map(view).collect()
}

fn index(world: &World, node: NodeId) -> usize {
    let found = (0..world.nodes.len()).find(|&at| id(at) == node);
    found.unwrap_or(usize::MAX)
}

fn tags(world: &World) -> Vec<Tag> {
    world.documents.values().map(Document::tag).collect()
}

/// What must hold at every instant, and what the last step showed.
pub(crate) fn instant(world: &mut World, before: Option<&World>) {
    let mut circle = false;
    for tag in tags(world) {
        let now = network(world, tag);
        degrees(world, tag);
        for (&at, view) in &now {
            subset(world, at, view);
        }
        circle |= in_circle(world, &now);
        let ghost = now.values().any(|view| {
            let root = now.get(&index(world, view.root));
            view.holds && !root.is_some_and(|root| root.holds)
        });
        if ghost {
            world.show(Seen::GhostRoot);
        }
        if let Some(before) = before {
            changes(world, &network(before, tag), &now);
        }
    }
    times(world, circle);
}

fn degrees(world: &mut World, tag: Tag) {
    for at in 0..world.nodes.len() {
        let degree = world.nodes[at]
            .core
            .as_ref()
            .and_then(|core| core.degree(tag));
        if let Some((degree, limit)) = degree.filter(|(degree, limit)| degree > limit) {
            world.blame(1, || format!("{at} has {degree} neighbours, K is {limit}"));
        }
    }
}

fn subset(world: &mut World, at: usize, view: &OverlayView) {
    let serves = view.neighbors.iter().any(|n| n.downstream);
    if serves && !view.holds {
        world.blame(2, || {
            format!("{at} acts in a network whose document it does not hold")
        });
    }
    if view.holds && !world.nodes[at].has(&view.document) {
        world.blame(2, || {
            format!("{at} says that it holds what its disk has not")
        });
    }
}

fn in_circle(world: &World, network: &Network) -> bool {
    network.keys().any(|&start| {
        let mut at = start;
        for _ in 0..network.len() {
            let above = network.get(&at).and_then(|view| view.upstream);
            let Some(above) = above.map(|above| index(world, above)) else {
                return false;
            };
            at = above;
            if at == start {
                return true;
            }
        }
        false
    })
}

fn changes(world: &mut World, before: &Network, now: &Network) {
    for (at, view) in now {
        let Some(old) = before.get(at) else { continue };
        if old.frozen && old.upstream != view.upstream && view.upstream.is_some() {
            world.show(Seen::FrozenChanged);
        }
        if old.root != view.root {
            world.show(Seen::RootChanged);
        }
    }
}

fn times(world: &mut World, circle: bool) {
    if !circle && world.ghost.circle.is_none() {
        return;
    }
    let since = world.ghost.circle.filter(|_| circle).unwrap_or(world.now);
    Arc::make_mut(&mut world.ghost).circle = circle.then_some(since);
    if circle {
        world.show(Seen::Circle);
    }
    let life = world.now.since(since);
    if life > CIRCLE_BOUND {
        world.blame(8, || format!("a circle of upstreams stands for {life:?}"));
    }
}

/// A splice is under way: an introduction that replaces, or an answer to it, is on its way.
pub(crate) fn splicing(world: &World) -> bool {
    let replaces = |message: &Message| {
        if let Message::Introduce(_, introduction) = message {
            introduction.ticket.as_ref().is_some_and(|t| t.replaces)
        } else if let Message::Open(_, open) = message {
            open.ticket.as_ref().is_some_and(|ticket| ticket.replaces)
        } else {
            false
        }
    };
    world.flight.iter().any(|flying| {
        if let Cargo::Packet(Packet::Frame(frame)) = &flying.cargo {
            frame.messages.iter().any(replaces)
        } else {
            false
        }
    })
}

/// Guarantees 7 to 11, of a world in which all was mended and has settled.
pub(crate) fn settled(world: &World) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (&label, document) in &world.documents {
        let network = network(world, document.tag());
        let mut fault = |guarantee, what: String| {
            let what = format!("document {label}: {what}");
            faults.push(Fault { guarantee, what });
        };
        connected(world, &network, &mut fault);
        tree(world, &network, &mut fault);
        delivery(world, label, document, &mut fault);
        presence(world, label, &network, &mut fault);
    }
    faults
}

type Blame<'a> = &'a mut dyn FnMut(u8, String);

fn holders(network: &Network) -> BTreeSet<usize> {
    let held = network.iter().filter(|(_, view)| view.holds);
    held.map(|(&at, _)| at).collect()
}

fn subscribers(network: &Network) -> BTreeSet<usize> {
    let mut members = holders(network);
    members.retain(|at| network[at].mode.subscribes());
    members
}

fn related(world: &World, network: &Network, a: usize, b: usize) -> bool {
    let names = |a: usize, b: usize| {
        let mut peers = network[&a].neighbors.iter();
        peers.any(|peer| index(world, peer.node) == b)
    };
    names(a, b) && names(b, a)
}

fn connected(world: &World, network: &Network, fault: Blame) {
    for (what, members) in [
        ("holders", holders(network)),
        ("subscribers", subscribers(network)),
    ] {
        let Some(&first) = members.first() else {
            continue;
        };
        let mut reached = BTreeSet::from([first]);
        for _ in 0..members.len() {
            let near = |at: &&usize| reached.iter().any(|&b| related(world, network, **at, b));
            let more: Vec<usize> = members.iter().filter(near).copied().collect();
            reached.extend(more);
        }
        if reached != members {
            fault(
                7,
                format!("of the {what} {members:?} only {reached:?} are connected"),
            );
        }
    }
}

fn tree(world: &World, network: &Network, fault: Blame) {
    let members = holders(network);
    let Some(&first) = members.first() else {
        return;
    };
    let root = index(world, network[&first].root);
    for &at in &members {
        let view = &network[&at];
        let same = index(world, view.root) == root && view.sequence == network[&first].sequence;
        if !same || view.frozen || !members.contains(&root) {
            fault(
                8,
                format!(
                    "{at} names {}, frozen {}",
                    index(world, view.root),
                    view.frozen
                ),
            );
        }
        for peer in view.neighbors.iter().map(|peer| index(world, peer.node)) {
            if !network.contains_key(&peer) || !related(world, network, at, peer) {
                fault(
                    8,
                    format!("{at} takes {peer} for a neighbour, which knows nothing of it"),
                );
            }
        }
        let above = view.upstream.map(|above| index(world, above));
        let good = match above {
            None => at == root && view.distance == 0,
            Some(above) => {
                members.contains(&above)
                    && related(world, network, at, above)
                    && network[&above].distance + 1 == view.distance
            }
        };
        if !good {
            fault(
                8,
                format!("{at} is at distance {} below {above:?}", view.distance),
            );
        }
    }
    let subscribes = |at: &usize| network[at].mode.subscribes();
    if members.iter().any(subscribes) && !members.get(&root).is_some_and(subscribes) {
        fault(9, format!("the overlay root {root} does not subscribe"));
    }
}

/// The user's part in a document's network, by his own wishes.
pub(crate) fn mode(world: &World, at: usize, label: u8) -> Mode {
    let chosen = world.nodes[at].wishes.get(&label).copied();
    chosen.unwrap_or_else(|| {
        let follows = parent(world, label).is_some_and(|p| mode(world, at, p) == Mode::Follow);
        if follows { Mode::Follow } else { Mode::Hold }
    })
}

pub(crate) fn parent(world: &World, label: u8) -> Option<u8> {
    let parent = *world.documents.get(&label)?.parents().first()?;
    let mut documents = world.documents.iter();
    documents
        .find(|(_, d)| d.id() == parent)
        .map(|(&label, _)| label)
}

fn wants(world: &World, at: usize, label: u8) -> bool {
    let above = parent(world, label).is_some_and(|p| mode(world, at, p).subscribes());
    mode(world, at, label).subscribes() || above
}

/// It was in contact with somebody who runs now: else its door died before it introduced it.
fn reaches(world: &World, at: usize) -> bool {
    let met = |other: usize| world.ghost.met.contains(&pair(at, other));
    world.up().any(met)
}

fn delivery(world: &World, label: u8, document: &Document, fault: Blame) {
    let has = |at: usize| world.nodes[at].has(&document.id());
    let live = world.up().any(has);
    for at in world.up().filter(|&at| wants(world, at, label)) {
        if live && !has(at) && reaches(world, at) {
            fault(
                10,
                format!("{at} wants it and has it not, though a live node has"),
            );
        }
        let kept = (0..world.nodes.len()).any(has) || !world.ghost.wiped.is_empty();
        if world.ghost.acknowledged.contains(&label) && !kept {
            fault(10, "it was acknowledged, and is lost".into());
        }
    }
}

fn presence(world: &World, label: u8, network: &Network, fault: Blame) {
    for (&at, view) in network {
        let author = view.authored && holders(network).len() == 1;
        if !wants(world, at, label) && !author {
            fault(11, format!("{at} is in its network and does not want it"));
        }
        if view.holds && view.mode != mode(world, at, label) {
            let wish = mode(world, at, label);
            fault(
                11,
                format!(
                    "the user of {at} wishes {wish:?}, and its mode is {:?}",
                    view.mode
                ),
            );
        }
    }
    let held = !holders(network).is_empty();
    for at in world.up().filter(|at| held && !network.contains_key(at)) {
        if wants(world, at, label) && reaches(world, at) {
            fault(11, format!("{at} wants it and is not in its network"));
        }
    }
}
