//! Makes a [`Scene`] of the last notes: who takes part, which packet arrived when.

use super::history::{History, Note, Summary, What};
use crate::driver::{Fate, Moment, Scene, Stroke, StrokeKind};
use crate::snapshot::{Index, Snapshot};
use crate::truth::Truth;
use cliqueclique_core::id::Tag;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most nodes of a scene: so many life lines stand side by side on a page.
const NODES: usize = 8;
/// Most of them that the broken property names; the others are those they talk with.
const CONCERNED: usize = 6;
/// Most strokes of a scene: about two screens.
const STROKES: usize = 32;

/// Packets sent and not yet received, by (from, to, shape): positions among the strokes.
type Waiting = BTreeMap<(Index, Index, u64), VecDeque<usize>>;

impl History {
    /// The last strokes among `nodes` (those of the last notes if none is named) and the
    /// peers that they talk with most. `last` is the world at the end.
    pub(crate) fn scene(
        &self,
        nodes: &[Index],
        tag: Option<Tag>,
        truth: &Truth,
        last: &Snapshot,
    ) -> Scene {
        let concerned: Vec<Index> = nodes.iter().copied().take(CONCERNED).collect();
        let cast = self.cast(&concerned);
        let mut strokes = self.strokes(&cast, &concerned, tag, truth);
        strokes.drain(..strokes.len().saturating_sub(STROKES));
        let seen: BTreeSet<Index> = strokes.iter().flat_map(Stroke::nodes).collect();
        let shown = |node: &Index| concerned.contains(node) || seen.contains(node);
        let nodes: Vec<Index> = cast.into_iter().filter(shown).collect();
        Scene {
            down: down_at_start(&nodes, &strokes, last),
            nodes,
            concerned: concerned.len(),
            strokes,
            before: None,
        }
    }

    /// Who takes part: those concerned, then whom they talked with most in the last notes.
    fn cast(&self, concerned: &[Index]) -> Vec<Index> {
        let mut talks: BTreeMap<Index, usize> = BTreeMap::new();
        let about = |note: &&Note| {
            let named = |node: &Index| concerned.contains(node);
            concerned.is_empty() || named(&note.node) || note.peer.as_ref().is_some_and(named)
        };
        for note in self.notes().rev().filter(about).take(STROKES * 4) {
            for node in [Some(note.node), note.peer].into_iter().flatten() {
                *talks.entry(node).or_default() += 1;
            }
        }
        let mut others: Vec<(Index, usize)> = talks.into_iter().collect();
        others.retain(|(node, _)| !concerned.contains(node));
        others.sort_by_key(|&(node, talks)| (Reverse(talks), node));
        let others = others.into_iter().map(|(node, _)| node);
        concerned
            .iter()
            .copied()
            .chain(others)
            .take(NODES)
            .collect()
    }

    fn strokes(
        &self,
        cast: &[Index],
        concerned: &[Index],
        tag: Option<Tag>,
        truth: &Truth,
    ) -> Vec<Stroke> {
        let mut strokes: Vec<Stroke> = Vec::new();
        let mut waiting = Waiting::new();
        for (order, note) in self.notes().enumerate() {
            let inside = |node: &Index| cast.contains(node);
            if !inside(&note.node) || !note.peer.iter().all(inside) {
                continue;
            }
            let at = Moment {
                time: note.time,
                order,
            };
            let ends = [Some(note.node), note.peer];
            let about =
                concerned.is_empty() || ends.iter().flatten().any(|node| concerned.contains(node));
            match (note.what, note.peer) {
                (What::Send(summary), Some(peer)) if about => {
                    let key = (note.node, peer, summary.shape());
                    waiting.entry(key).or_default().push_back(strokes.len());
                    strokes.push(packet(note, peer, &summary, at, tag, truth));
                }
                (What::Lose(_), Some(peer)) => lose(&mut strokes, note.node, peer),
                (What::Receive(summary), Some(peer)) => {
                    let key = (peer, note.node, summary.shape());
                    receive(&mut strokes, &mut waiting, key, at);
                }
                _ => strokes.extend(mark(note, at, tag, truth)),
            }
        }
        strokes
    }
}

impl Stroke {
    /// The nodes that it touches.
    fn nodes(&self) -> impl Iterator<Item = Index> {
        let other = if let StrokeKind::Packet(peer, _) = self.what {
            Some(peer)
        } else {
            None
        };
        [Some(self.node), other].into_iter().flatten()
    }
}

fn packet(
    note: &Note,
    peer: Index,
    summary: &Summary,
    at: Moment,
    tag: Option<Tag>,
    truth: &Truth,
) -> Stroke {
    let event = note.describe(truth);
    Stroke {
        at,
        node: note.node,
        what: StrokeKind::Packet(peer, Fate::Open),
        label: summary.label(),
        detail: event.detail,
        named: tag.is_some_and(|tag| event.documents.contains(&tag)),
    }
}

/// The network says that it loses a packet right after that was sent.
fn lose(strokes: &mut [Stroke], from: Index, to: Index) {
    let sent = |stroke: &&mut Stroke| {
        stroke.node == from && matches!(stroke.what, StrokeKind::Packet(peer, _) if peer == to)
    };
    if let Some(stroke) = strokes.iter_mut().rev().find(sent) {
        stroke.what = StrokeKind::Packet(to, Fate::Lost);
    }
}

/// The oldest packet of this shape that has not arrived does; a double changes nothing.
fn receive(strokes: &mut [Stroke], waiting: &mut Waiting, key: (Index, Index, u64), at: Moment) {
    let Some(sent) = waiting.get_mut(&key) else {
        return;
    };
    while let Some(index) = sent.pop_front() {
        if strokes[index].what == StrokeKind::Packet(key.1, Fate::Open) {
            strokes[index].what = StrokeKind::Packet(key.1, Fate::Arrived(at));
            return;
        }
    }
}

fn mark(note: &Note, at: Moment, tag: Option<Tag>, truth: &Truth) -> Option<Stroke> {
    let what = match note.what {
        What::Fault("crash" | "pause" | "leave") => StrokeKind::Down,
        What::Fault("restart" | "resume") => StrokeKind::Up,
        What::Fault(_) | What::Command(_) | What::Report(_) => StrokeKind::Mark,
        What::Send(_)
        | What::Lose(_)
        | What::Receive(_)
        | What::Connected
        | What::Disconnected
        | What::Refused(_)
        | What::Arrived(_)
        | What::Gone(_) => return None,
    };
    let event = note.describe(truth);
    let word = event.detail.split(['(', ' ']).next().unwrap_or_default();
    let label = if matches!(note.what, What::Report(_)) {
        format!("reports {word}")
    } else {
        word.to_lowercase()
    };
    Some(Stroke {
        at,
        node: note.node,
        what,
        label,
        named: tag.is_some_and(|tag| event.documents.contains(&tag)),
        detail: event.detail,
    })
}

/// Who did not run at the first stroke: by the first change after it, or by how it ended.
fn down_at_start(nodes: &[Index], strokes: &[Stroke], last: &Snapshot) -> Vec<Index> {
    let down = |node: &&Index| {
        let mut changes = strokes.iter().filter(|stroke| stroke.node == **node);
        let change = changes.find_map(|stroke| match stroke.what {
            StrokeKind::Down => Some(false),
            StrokeKind::Up => Some(true),
            StrokeKind::Packet(..) | StrokeKind::Mark => None,
        });
        change.unwrap_or_else(|| !last.nodes.get(**node).is_some_and(|node| node.alive))
    };
    nodes.iter().filter(down).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};
    use cliqueclique_core::message::{CloseReason, Frame, Message, Packet};
    use cliqueclique_core::time::Time;

    fn frame(number: u32) -> Summary {
        let messages = vec![Message::Close(tag(1), CloseReason::Left), Message::Ping];
        let packet = Packet::Frame(Frame {
            number,
            messages,
            ..Frame::default()
        });
        Summary::new(&packet, 40)
    }

    fn history(notes: &[(u64, Index, Option<Index>, What)]) -> History {
        let mut history = History::default();
        for &(time, node, peer, what) in notes {
            history.push(Note {
                time: Time(time),
                node,
                peer,
                what,
            });
        }
        history
    }

    fn scene(history: &History, nodes: &[Index]) -> Scene {
        let last = network(&[(0, 1), (1, 2), (2, 3)]);
        history.scene(nodes, Some(tag(1)), &Truth::new(4), &last)
    }

    #[test]
    fn each_packet_finds_its_receipt() {
        let history = history(&[
            (10, 0, Some(1), What::Send(frame(1))),
            (20, 0, Some(1), What::Send(frame(2))),
            (20, 0, Some(1), What::Lose(40)),
            (30, 0, Some(1), What::Send(frame(2))),
            (40, 1, Some(0), What::Receive(frame(2))),
            (50, 1, Some(0), What::Receive(frame(1))),
            (60, 1, Some(0), What::Receive(frame(1))),
            (70, 1, Some(0), What::Send(frame(1))),
        ]);
        let fates: Vec<_> = scene(&history, &[0, 1])
            .strokes
            .iter()
            .map(|stroke| stroke.what)
            .collect();
        let arrived = |time, order| {
            Fate::Arrived(Moment {
                time: Time(time),
                order,
            })
        };
        assert_eq!(
            fates,
            [
                StrokeKind::Packet(1, arrived(50, 5)),
                StrokeKind::Packet(1, Fate::Lost),
                StrokeKind::Packet(1, arrived(40, 4)),
                StrokeKind::Packet(0, Fate::Open),
            ]
        );
    }

    #[test]
    fn peers_join_those_concerned_but_not_what_they_say_to_each_other() {
        let history = history(&[
            (10, 2, Some(3), What::Send(frame(1))),
            (20, 1, Some(2), What::Send(frame(1))),
            (30, 1, Some(3), What::Send(frame(1))),
            (40, 3, Some(1), What::Send(frame(1))),
        ]);
        let scene = scene(&history, &[1]);
        assert_eq!((scene.nodes, scene.concerned), (vec![1, 3, 2], 1));
        let ends: Vec<_> = scene
            .strokes
            .iter()
            .map(|s| s.nodes().collect::<Vec<_>>())
            .collect();
        assert_eq!(ends, [vec![1, 2], vec![1, 3], vec![3, 1]]);
        assert!(scene.strokes.iter().all(|stroke| stroke.named));
    }

    #[test]
    fn a_node_is_down_before_it_comes_up_and_the_scene_is_bounded() {
        let mut notes = vec![
            (1, 2, None, What::Fault("crash")),
            (2, 1, None, What::Fault("restart")),
        ];
        let scene_of = |notes: &[_]| scene(&history(notes), &[0, 1, 2]);
        assert_eq!(scene_of(&notes).down, [1]);
        notes.extend((0..100).map(|n| (10 + n, 0, Some(1), What::Send(frame(1)))));
        let long = scene_of(&notes);
        assert_eq!((long.strokes.len(), long.down), (STROKES, vec![]));
        assert_eq!(long.nodes, [0, 1, 2]);
    }
}
