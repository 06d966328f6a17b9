//! Where the nodes of a network are drawn: the overlay root in the centre, a
//! ring for each hop, below each node its downstream nodes side by side.
//! The same snapshot always gives the same picture.

use crate::check::Directory;
use crate::snapshot::{Index, Membership, Snapshot};
use cliqueclique_core::id::Tag;
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_PI_2, TAU};

/// A node of the picture.
#[derive(Clone, Debug)]
pub(super) struct Dot<'a> {
    pub(super) node: Index,
    pub(super) member: &'a Membership,
    /// Ring, from the centre.
    pub(super) ring: usize,
    /// Radians, clockwise from the top.
    pub(super) angle: f64,
    /// Position of its upstream among the dots.
    pub(super) upstream: Option<usize>,
    /// Positions of its neighbours among the dots.
    pub(super) neighbors: Vec<usize>,
}

/// A picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout<'a> {
    pub(super) dots: Vec<Dot<'a>>,
    /// Outermost ring.
    pub(super) rings: usize,
    /// Live holders that there was no room for.
    pub(super) left_out: usize,
}

/// Places the live members of a network, at most `most` (those nearest to the root).
pub(super) fn layout(snapshot: &Snapshot, tag: Tag, most: usize) -> Layout<'_> {
    let mut dots = dots(snapshot, tag);
    let left_out = dots.len().saturating_sub(most);
    dots.sort_by_key(|dot| (dot.member.view.as_ref().map(|view| view.distance), dot.node));
    dots.truncate(most);
    connect(snapshot, &mut dots);
    let (order, below) = rings(&mut dots);
    angles(&mut dots, &order, &below);
    let rings = dots.iter().map(|dot| dot.ring).max().unwrap_or(0);
    Layout {
        dots,
        rings,
        left_out,
    }
}

fn dots(snapshot: &Snapshot, tag: Tag) -> Vec<Dot<'_>> {
    let members = snapshot
        .documents
        .get(&tag)
        .into_iter()
        .flat_map(|truth| &truth.members);
    members
        .filter(|(node, member)| member.view.is_some() && snapshot.nodes[**node].alive)
        .map(|(&node, member)| Dot {
            node,
            member,
            ring: 0,
            angle: 0.0,
            upstream: None,
            neighbors: Vec::new(),
        })
        .collect()
}

fn connect(snapshot: &Snapshot, dots: &mut [Dot<'_>]) {
    let directory = Directory::new(snapshot);
    let places: BTreeMap<Index, usize> = dots
        .iter()
        .enumerate()
        .map(|(at, dot)| (dot.node, at))
        .collect();
    let place = |id| {
        directory
            .index(id)
            .and_then(|node| places.get(&node).copied())
    };
    for dot in dots {
        let Some(view) = &dot.member.view else {
            continue;
        };
        dot.upstream = view.upstream.and_then(place);
        dot.neighbors = view
            .neighbors
            .iter()
            .filter_map(|neighbor| place(neighbor.node))
            .collect();
    }
}

/// Gives every dot its ring. Returns the dots so that each comes after its
/// upstream, and those below each one (below nobody: the last entry). Who is
/// caught in a circle of upstreams is set free as if it had none.
fn rings(dots: &mut [Dot<'_>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut below = vec![Vec::new(); dots.len() + 1];
    for (at, dot) in dots.iter().enumerate() {
        below[dot.upstream.unwrap_or(dots.len())].push(at);
    }
    let tops = below[dots.len()].len();
    let mut reached = vec![false; dots.len()];
    let mut order = Vec::with_capacity(dots.len());
    let mut starts = below[dots.len()].clone();
    let mut next = 0;
    loop {
        for start in starts.drain(..) {
            dots[start].ring = usize::from(tops != 1);
            reached[start] = true;
            order.push(start);
        }
        while let Some(&at) = order.get(next) {
            next += 1;
            for &under in &below[at] {
                dots[under].ring = dots[at].ring + 1;
                reached[under] = true;
                order.push(under);
            }
        }
        let Some(caught) = reached.iter().position(|reached| !reached) else {
            break;
        };
        if let Some(upstream) = dots[caught].upstream.take() {
            below[upstream].retain(|under| *under != caught);
        }
        below[dots.len()].push(caught);
        starts.push(caught);
    }
    (order, below)
}

/// Gives every dot a sector as wide as the number of leaves below it.
#[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
fn angles(dots: &mut [Dot<'_>], order: &[usize], below: &[Vec<usize>]) {
    let mut leaves = vec![0_usize; dots.len()];
    for &at in order.iter().rev() {
        leaves[at] = below[at]
            .iter()
            .map(|&under| leaves[under])
            .sum::<usize>()
            .max(1);
    }
    let tops = &below[dots.len()];
    let total = tops.iter().map(|&top| leaves[top]).sum::<usize>().max(1);
    let leaf = TAU / total as f64;
    let mut begins = vec![0.0; dots.len()];
    let mut spread = |unders: &[usize], mut begin: f64, begins: &mut Vec<f64>| {
        for &under in unders {
            begins[under] = begin;
            dots[under].angle = begin + leaf * leaves[under] as f64 / 2.0 - FRAC_PI_2;
            begin += leaf * leaves[under] as f64;
        }
    };
    spread(tops, 0.0, &mut begins);
    for &at in order {
        let begin = begins[at];
        spread(&below[at], begin, &mut begins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{id, network, tag, view_of};

    #[test]
    fn the_root_is_in_the_centre_and_rings_are_hops() {
        let snapshot = network(&[(0, 1), (0, 2), (1, 3), (2, 3)]);
        let layout = layout(&snapshot, tag(1), 400);
        let rings: Vec<_> = layout.dots.iter().map(|dot| (dot.node, dot.ring)).collect();
        assert_eq!(rings, [(0, 0), (1, 1), (2, 1), (3, 2)]);
        assert_eq!((layout.rings, layout.left_out), (2, 0));
        assert!(
            (layout.dots[1].angle - layout.dots[3].angle).abs() < 1e-9,
            "below its upstream"
        );
        assert!((layout.dots[1].angle - layout.dots[2].angle).abs() > 1.0);
    }

    #[test]
    fn those_nearest_to_the_root_are_drawn_first() {
        let snapshot = network(&[(0, 1), (1, 2), (2, 3)]);
        let layout = layout(&snapshot, tag(1), 2);
        assert_eq!(
            layout.dots.iter().map(|dot| dot.node).collect::<Vec<_>>(),
            [0, 1]
        );
        assert_eq!(layout.left_out, 2);
    }

    #[test]
    fn a_circle_of_upstreams_is_drawn_all_the_same() {
        let mut snapshot = network(&[(0, 1), (1, 2), (2, 3), (3, 1)]);
        view_of(&mut snapshot, 1).upstream = Some(id(2));
        let layout = layout(&snapshot, tag(1), 400);
        assert_eq!(layout.dots.len(), 4);
        assert!(layout.dots.iter().all(|dot| dot.angle.is_finite()));
    }

    #[test]
    fn nothing_is_drawn_of_an_unknown_document() {
        assert!(layout(&network(&[(0, 1)]), tag(9), 400).dots.is_empty());
    }
}
