//! Drawings of one document's network: overlay root in the centre, subscribers
//! filled, holders outlined, the tree bold, all other relations thin.

use super::layout::{Dot, Layout, layout};
use super::style;
use crate::snapshot::{Index, Snapshot};
use cliqueclique_core::id::Tag;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Most nodes drawn.
pub(super) const MOST: usize = 400;
const SIZE: f64 = 400.0;
const MARGIN: f64 = 14.0;

/// A drawing of one document's network that stands alone, as a file or in a
/// page; at most 400 nodes are drawn.
#[must_use]
pub fn overlay_svg(snapshot: &Snapshot, tag: Tag) -> String {
    let picture = layout(snapshot, tag, MOST);
    let head =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{SIZE}\" height=\"{SIZE}\" ");
    draw(&picture, &[]).replacen("<svg ", &head, 1).replacen(
        '>',
        &format!("><style>{}</style>", style::overlay()),
        1,
    )
}

/// The drawing without its style sheet, for the page; `marked` nodes are ringed and named.
pub(super) fn draw(layout: &Layout<'_>, marked: &[Index]) -> String {
    let mut svg = format!(
        "<svg class=\"ov\" viewBox=\"0 0 {SIZE} {SIZE}\" role=\"img\" aria-label=\"network of {} nodes, {} rings\">",
        layout.dots.len(),
        layout.rings
    );
    let pen = Pen::new(layout);
    pen.rings(&mut svg);
    pen.edges(&mut svg);
    pen.dots(&mut svg);
    pen.marks(&mut svg, marked);
    svg + "</svg>"
}

struct Pen<'a> {
    layout: &'a Layout<'a>,
    /// Distance between rings.
    ring: f64,
    /// Radius of a node.
    dot: f64,
}

impl<'a> Pen<'a> {
    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn new(layout: &'a Layout<'a>) -> Self {
        let ring = (SIZE / 2.0 - MARGIN) / layout.rings.max(1) as f64;
        let dot = (60.0 / (layout.dots.len().max(1) as f64).sqrt())
            .clamp(2.4, 8.0)
            .min(ring * 0.45);
        Self { layout, ring, dot }
    }

    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn place(&self, dot: &Dot<'_>) -> (f64, f64) {
        let radius = self.ring * dot.ring as f64;
        (
            SIZE / 2.0 + radius * dot.angle.cos(),
            SIZE / 2.0 + radius * dot.angle.sin(),
        )
    }

    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn rings(&self, svg: &mut String) {
        for ring in 1..=self.layout.rings {
            let radius = self.ring * ring as f64;
            let _ = write!(
                svg,
                "<circle class=\"ring\" cx=\"200\" cy=\"200\" r=\"{radius:.1}\"/>"
            );
        }
    }

    /// Thin relations first, so that the tree lies on top.
    fn edges(&self, svg: &mut String) {
        let (mut tree, mut cross) = (BTreeSet::new(), BTreeSet::new());
        for (at, dot) in self.layout.dots.iter().enumerate() {
            tree.extend(dot.upstream.map(|to| (at.min(to), at.max(to))));
            cross.extend(dot.neighbors.iter().map(|&to| (at.min(to), at.max(to))));
        }
        for edge in cross.difference(&tree) {
            self.edge(svg, "cross", *edge, 0.45);
        }
        for edge in &tree {
            self.edge(svg, "tree", *edge, 0.0);
        }
    }

    /// A line, bent towards the centre by `bend`.
    fn edge(&self, svg: &mut String, class: &str, (from, to): (usize, usize), bend: f64) {
        let (a, b) = (
            self.place(&self.layout.dots[from]),
            self.place(&self.layout.dots[to]),
        );
        let pull = |a: f64, b: f64| f64::midpoint(a, b) * (1.0 - bend) + SIZE / 2.0 * bend;
        let _ = if bend > 0.0 {
            write!(
                svg,
                "<path class=\"{class}\" d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\"/>",
                a.0,
                a.1,
                pull(a.0, b.0),
                pull(a.1, b.1),
                b.0,
                b.1
            )
        } else {
            write!(
                svg,
                "<path class=\"{class}\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
                a.0, a.1, b.0, b.1
            )
        };
    }

    /// Rings and names; a name stands inside the drawing, at the side with more room.
    fn marks(&self, svg: &mut String, marked: &[Index]) {
        let dots = self.layout.dots.iter();
        for dot in dots.filter(|dot| marked.contains(&dot.node)) {
            let (x, y) = self.place(dot);
            let radius = self.dot * 1.9 + 1.5;
            let (side, anchor) = if x > SIZE * 0.75 {
                (-1.0, "end")
            } else {
                (1.0, "start")
            };
            let _ = write!(
                svg,
                "<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>\
                 <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                x + side * (radius + 3.0),
                y + 4.0,
                dot.node
            );
        }
    }

    fn dots(&self, svg: &mut String) {
        for dot in &self.layout.dots {
            let Some(view) = &dot.member.view else {
                continue;
            };
            let (x, y) = self.place(dot);
            let root = view.upstream.is_none() && view.distance == 0 && view.holds;
            let (class, radius) = match (
                root,
                view.holds,
                view.mode.subscribes(),
                dot.member.interest.is_some(),
            ) {
                (true, ..) => ("root", self.dot * 1.5),
                (false, true, true, true) => ("sub", self.dot),
                (false, true, false, true) => ("hold", self.dot),
                (false, ..) => ("cold", self.dot),
            };
            if root {
                let _ = write!(
                    svg,
                    "<circle class=\"halo\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"/>",
                    self.dot * 2.1
                );
            }
            let _ = write!(
                svg,
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"><title>node {}, distance {}, \
                 {} neighbours, {} comments</title></circle>",
                dot.node,
                view.distance,
                view.neighbors.len(),
                dot.member.comments_held.len()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};

    #[test]
    fn every_node_and_relation_is_drawn_once() {
        let svg = overlay_svg(&network(&[(0, 1), (0, 2), (1, 2)]), tag(1));
        assert_eq!(svg.matches("class=\"tree\"").count(), 2);
        assert_eq!(svg.matches("class=\"cross\"").count(), 1);
        assert_eq!(svg.matches("class=\"root\"").count(), 1);
        assert_eq!(svg.matches("class=\"sub\"").count(), 2);
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("><style>:root{"));
    }

    #[test]
    fn marked_nodes_are_ringed_and_named() {
        let snapshot = network(&[(0, 1), (0, 2)]);
        let svg = draw(&layout(&snapshot, tag(1), MOST), &[2, 9]);
        assert_eq!(svg.matches("class=\"mark\"").count(), 1);
        assert!(svg.contains(">2</text>") && !svg.contains(">9</text>"));
    }

    #[test]
    fn the_same_snapshot_gives_the_same_drawing() {
        let snapshot = network(&[(0, 1), (0, 2), (1, 3), (2, 4), (3, 4)]);
        assert_eq!(
            overlay_svg(&snapshot, tag(1)),
            overlay_svg(&snapshot, tag(1))
        );
    }
}
