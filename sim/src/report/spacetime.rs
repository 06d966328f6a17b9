//! The space-time diagram of a failure: a life line per node, time downwards, an arrow
//! per packet from its sending to its receipt.
//!
//! Every sending has a row of its own, so that labels never lie on each other; pauses
//! are shortened. [`Chart`] places everything, and the rest only draws what it says.

use super::words::escape;
use crate::driver::{Fate, Moment, Scene, Stroke, StrokeKind};
use crate::snapshot::Index;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Room for times at the left, pixels.
const LEFT: f64 = 78.0;
/// Where the first row stands.
const TOP: f64 = 50.0;
/// Below the last row.
const FOOT: f64 = 24.0;
/// Height of a row that something begins in: a line of text fits.
const ROW: f64 = 16.0;
/// Height of a row in which a packet only arrives.
const RECEIPT: f64 = 8.0;
/// Most that a pause adds.
const PAUSE: f64 = 16.0;
/// How far a packet comes that does not arrive, in gaps between life lines: it must not seem
/// to end at one of them.
const STRAY: f64 = 0.6;
/// Times at the left are at least so far apart.
const APART: f64 = 13.0;
/// From a life line to a label at its right.
const BESIDE: f64 = 9.0;
/// Width of a letter of a label, generously.
const LETTER: f64 = 7.0;

/// Where everything of a scene is drawn, pixels.
#[derive(Debug)]
struct Chart<'a> {
    scene: &'a Scene,
    /// Between two life lines.
    gap: f64,
    /// By place in the history.
    rows: BTreeMap<usize, (Time, f64)>,
    /// The moment at which the property broke.
    end: f64,
}

/// Height that a pause adds: 3 pixels for each doubling of the milliseconds.
#[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
fn pause(from: Time, to: Time) -> f64 {
    let millis = to.0.saturating_sub(from.0) as f64 / 1_000.0;
    (3.0 * (1.0 + millis).log2()).min(PAUSE)
}

impl<'a> Chart<'a> {
    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn new(scene: &'a Scene, broken: Time) -> Self {
        let mut moments: BTreeMap<usize, (Time, f64)> = BTreeMap::new();
        for stroke in &scene.strokes {
            if let StrokeKind::Packet(_, Fate::Arrived(Moment { time, order })) = stroke.what {
                moments.entry(order).or_insert((time, RECEIPT));
            }
        }
        let begin = |stroke: &Stroke| (stroke.at.order, (stroke.at.time, ROW));
        moments.extend(scene.strokes.iter().map(begin));
        let (mut y, mut before) = (TOP, moments.values().next().map(|(time, _)| *time));
        let mut rows = BTreeMap::new();
        for (order, (time, height)) in moments {
            if !rows.is_empty() {
                y += height + pause(before.unwrap_or(time), time);
            }
            rows.insert(order, (time, y));
            before = Some(time);
        }
        Self {
            scene,
            gap: (760.0 / scene.nodes.len().max(1) as f64).clamp(118.0, 240.0),
            rows,
            end: y + ROW + pause(before.unwrap_or(broken), broken),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn width(&self) -> f64 {
        let lanes = LEFT + self.gap * self.scene.nodes.len() as f64;
        let labels = self
            .scene
            .strokes
            .iter()
            .map(|stroke| self.label_end(stroke));
        labels.fold(lanes, f64::max)
    }

    /// How far to the right the label of a stroke may come.
    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn label_end(&self, stroke: &Stroke) -> f64 {
        let x = self.x(stroke.node);
        match stroke.what {
            StrokeKind::Packet(to, _) if self.x(to) < x => x,
            StrokeKind::Packet(..) | StrokeKind::Down | StrokeKind::Up | StrokeKind::Mark => {
                x + BESIDE + LETTER * caption(stroke).chars().count() as f64
            }
        }
    }

    fn height(&self) -> f64 {
        self.end + FOOT
    }

    /// Of a node's life line.
    #[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
    fn x(&self, node: Index) -> f64 {
        let lane = self.scene.nodes.iter().position(|known| *known == node);
        LEFT + self.gap * (lane.unwrap_or(0) as f64 + 0.5)
    }

    fn y(&self, at: Moment) -> f64 {
        self.rows.get(&at.order).map_or(TOP, |(_, y)| *y)
    }

    /// Stretches of a life line: from, to, whether the node runs.
    fn life(&self, node: Index) -> Vec<(f64, f64, bool)> {
        let mut runs = !self.scene.down.contains(&node);
        let mut from = TOP - 10.0;
        let mut stretches = Vec::new();
        for stroke in self.scene.strokes.iter().filter(|s| s.node == node) {
            let now = match stroke.what {
                StrokeKind::Down => false,
                StrokeKind::Up => true,
                StrokeKind::Packet(..) | StrokeKind::Mark => continue,
            };
            let y = self.y(stroke.at);
            stretches.push((from, y, runs));
            (from, runs) = (y, now);
        }
        stretches.push((from, self.end, runs));
        stretches
    }
}

/// The diagram; `broken` is when the property broke, `name` its name.
pub(super) fn draw(scene: &Scene, broken: Time, name: &str) -> String {
    let chart = Chart::new(scene, broken);
    let (width, height) = (chart.width(), chart.height());
    let mut svg = format!(
        "<svg class=\"st\" viewBox=\"0 0 {width:.0} {height:.0}\" style=\"min-width:{width:.0}px;max-width:{:.0}px\" \
         role=\"img\" aria-label=\"space-time diagram of {} nodes, {} things that happened\">\n\
         <title>The last messages before {} broke</title>\n",
        width * 1.25,
        scene.nodes.len(),
        scene.strokes.len(),
        escape(name)
    );
    chart.lanes(&mut svg);
    chart.times(&mut svg);
    let packet = |stroke: &&Stroke| matches!(stroke.what, StrokeKind::Packet(..));
    let (packets, marks): (Vec<&Stroke>, Vec<&Stroke>) = scene.strokes.iter().partition(packet);
    for stroke in &packets {
        chart.stroke(&mut svg, stroke);
    }
    for stroke in &packets {
        chart.label(&mut svg, stroke);
    }
    for stroke in &marks {
        chart.stroke(&mut svg, stroke);
    }
    let end = chart.end;
    let _ = writeln!(
        svg,
        "<path class=\"cut\" d=\"M{LEFT:.0} {end:.1}H{width:.0}\"/>\n\
         <text class=\"cutl\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{:.3} s: {} does not hold</text>",
        width - 4.0,
        end + 15.0,
        broken.as_secs_f64(),
        escape(name)
    );
    svg + "</svg>"
}

impl Chart<'_> {
    fn lanes(&self, svg: &mut String) {
        for (lane, &node) in self.scene.nodes.iter().enumerate() {
            let x = self.x(node);
            let class = if lane < self.scene.concerned {
                "who"
            } else {
                "peer"
            };
            let _ = writeln!(
                svg,
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"20\" text-anchor=\"middle\">node {node}</text>"
            );
            for (from, to, runs) in self.life(node) {
                let class = if runs { "life" } else { "life down" };
                let _ = writeln!(
                    svg,
                    "<path class=\"{class}\" d=\"M{x:.1} {from:.1}V{to:.1}\"/>"
                );
            }
        }
    }

    /// Seconds at the left, where something begins and there is room.
    fn times(&self, svg: &mut String) {
        let (mut text, mut last) = (String::new(), f64::MIN);
        for stroke in &self.scene.strokes {
            let y = self.y(stroke.at);
            let time = format!("{:.3}", stroke.at.time.as_secs_f64());
            if time != text && y - last >= APART {
                let x = LEFT - 8.0;
                let _ = writeln!(
                    svg,
                    "<text class=\"when\" x=\"{x:.0}\" y=\"{:.1}\" text-anchor=\"end\">{time} s</text>",
                    y + 4.0
                );
                (text, last) = (time, y);
            }
        }
    }

    fn stroke(&self, svg: &mut String, stroke: &Stroke) {
        let to = if let StrokeKind::Packet(to, _) = stroke.what {
            format!(" to node {to}")
        } else {
            String::new()
        };
        let named = if stroke.named { " named" } else { "" };
        let _ = write!(
            svg,
            "<g class=\"{}{named}\"><title>{:.6} s, node {}{to}: {}</title>",
            class(stroke.what),
            stroke.at.time.as_secs_f64(),
            stroke.node,
            escape(&stroke.detail)
        );
        let (x, y) = (self.x(stroke.node), self.y(stroke.at));
        match stroke.what {
            StrokeKind::Packet(to, fate) => self.packet(svg, (x, y), to, fate),
            StrokeKind::Down => {
                cross(svg, x, y);
                beside(svg, x, y, &stroke.label);
            }
            StrokeKind::Up => {
                let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>");
                beside(svg, x, y, &stroke.label);
            }
            StrokeKind::Mark => {
                let (x0, y0) = (x - 4.0, y - 4.0);
                let _ = write!(
                    svg,
                    "<rect x=\"{x0:.1}\" y=\"{y0:.1}\" width=\"8\" height=\"8\"/>"
                );
                beside(svg, x, y, &stroke.label);
            }
        }
        svg.push_str("</g>\n");
    }

    fn packet(&self, svg: &mut String, (x, y): (f64, f64), to: Index, fate: Fate) {
        let there = self.x(to);
        let way = (there - x).signum();
        let (x1, y1) = match fate {
            Fate::Arrived(at) => (there - 2.0 * way, self.y(at)),
            // It ends on its way.
            Fate::Lost | Fate::Open => (x + way * self.gap * STRAY, y + 8.0),
        };
        let _ = write!(svg, "<path d=\"M{x:.1} {y:.1}L{x1:.1} {y1:.1}\"/>");
        match fate {
            Fate::Arrived(_) => head(svg, (x, y), (x1, y1)),
            Fate::Lost => cross(svg, x1, y1),
            Fate::Open => {
                let _ = write!(svg, "<circle cx=\"{x1:.1}\" cy=\"{y1:.1}\" r=\"3\"/>");
            }
        }
    }

    /// What a packet holds, over the beginning of its arrow; and where it should have come.
    fn label(&self, svg: &mut String, stroke: &Stroke) {
        let StrokeKind::Packet(to, _) = stroke.what else {
            return;
        };
        let (x, y) = (self.x(stroke.node), self.y(stroke.at));
        let way = (self.x(to) - x).signum();
        let anchor = if way < 0.0 { "end" } else { "start" };
        let class = if stroke.named { " class=\"named\"" } else { "" };
        let _ = writeln!(
            svg,
            "<text{class} x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            x + 7.0 * way,
            y - 3.0,
            escape(&caption(stroke))
        );
    }
}

/// What stands beside a stroke: what a packet holds, and where it should have come.
fn caption(stroke: &Stroke) -> String {
    match stroke.what {
        StrokeKind::Packet(to, Fate::Lost | Fate::Open) => format!("{} → {to}", stroke.label),
        StrokeKind::Packet(_, Fate::Arrived(_))
        | StrokeKind::Down
        | StrokeKind::Up
        | StrokeKind::Mark => stroke.label.clone(),
    }
}

fn class(what: StrokeKind) -> &'static str {
    match what {
        StrokeKind::Packet(_, Fate::Arrived(_)) => "got",
        StrokeKind::Packet(_, Fate::Lost) => "lost",
        StrokeKind::Packet(_, Fate::Open) => "open",
        StrokeKind::Down => "fell",
        StrokeKind::Up => "rose",
        StrokeKind::Mark => "note",
    }
}

/// The head of an arrow from `a` to `b`.
fn head(svg: &mut String, a: (f64, f64), b: (f64, f64)) {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let back = (b.0 - 8.0 * ux, b.1 - 8.0 * uy);
    let _ = write!(
        svg,
        "<path class=\"head\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\"/>",
        b.0,
        b.1,
        back.0 - 3.2 * uy,
        back.1 + 3.2 * ux,
        back.0 + 3.2 * uy,
        back.1 - 3.2 * ux
    );
}

fn cross(svg: &mut String, x: f64, y: f64) {
    let _ = write!(
        svg,
        "<path class=\"cross\" d=\"M{:.1} {:.1}l9 9m0 -9l-9 9\"/>",
        x - 4.5,
        y - 4.5
    );
}

fn beside(svg: &mut String, x: f64, y: f64, label: &str) {
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        x + BESIDE,
        y + 4.0,
        escape(label)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64, order: usize) -> Moment {
        Moment {
            time: Time(millis * 1_000),
            order,
        }
    }

    fn stroke(at: Moment, node: Index, what: StrokeKind, label: &str) -> Stroke {
        Stroke {
            at,
            node,
            what,
            label: label.into(),
            detail: format!("{label} & more"),
            named: label == "State",
        }
    }

    fn scene() -> Scene {
        let packet =
            |at, from, to, fate, label| stroke(at, from, StrokeKind::Packet(to, fate), label);
        Scene {
            nodes: vec![4, 7],
            concerned: 1,
            strokes: vec![
                packet(at(10, 0), 4, 7, Fate::Arrived(at(13, 2)), "State"),
                stroke(at(10, 1), 7, StrokeKind::Up, "restart"),
                packet(at(2_000, 3), 7, 4, Fate::Lost, "Ping"),
                stroke(at(2_000, 4), 4, StrokeKind::Down, "crash"),
                packet(at(2_001, 5), 7, 4, Fate::Open, "ack"),
            ],
            down: vec![7],
            before: None,
        }
    }

    #[test]
    fn rows_and_lanes_stand_where_they_were_computed_by_hand() {
        let scene = scene();
        let chart = Chart::new(&scene, Time(2_004_000));
        // 760 / 2 = 380, at most 240: lanes at 78 + 120 and 78 + 360, width 78 + 480.
        assert_eq!(
            (chart.x(4), chart.x(7), chart.width()),
            (198.0, 438.0, 558.0)
        );
        // 50; the same instant: + 16; a receipt 3 ms later: + 8 + 3 log2(4) = 14;
        // nearly 2 s: + 16 + 16; the same instant: + 16; 1 ms: + 16 + 3.
        let ys: Vec<f64> = chart.rows.values().map(|(_, y)| *y).collect();
        assert_eq!(ys, [50.0, 66.0, 80.0, 112.0, 128.0, 147.0]);
        // 3 ms later it broke: + 16 + 6.
        assert_eq!((chart.end, chart.height()), (169.0, 193.0));
    }

    #[test]
    fn a_life_line_is_broken_while_the_node_is_down() {
        let scene = scene();
        let chart = Chart::new(&scene, Time(2_004_000));
        assert_eq!(chart.life(4), [(40.0, 128.0, true), (128.0, 169.0, false)]);
        assert_eq!(chart.life(7), [(40.0, 66.0, false), (66.0, 169.0, true)]);
    }

    #[test]
    fn the_longest_scene_fits_on_a_few_screens() {
        let strokes = (0..36_usize).map(|n| {
            let sent = n as u64 * 20_000;
            let arrives = Fate::Arrived(at(sent + 9_000, 2 * n + 1));
            let what = StrokeKind::Packet(1 + n % 7, arrives);
            stroke(at(sent, 2 * n), 0, what, "Digest+Reconcile+3 more")
        });
        let scene = Scene {
            nodes: (0..8).collect(),
            concerned: 6,
            strokes: strokes.collect(),
            ..Scene::default()
        };
        let chart = Chart::new(&scene, Time(720_000_000));
        assert_eq!(chart.width(), 78.0 + 8.0 * 118.0);
        // 36 rows and 36 receipts, all but the first after a long pause.
        assert!(chart.height() <= TOP + 36.0 * (ROW + RECEIPT + 2.0 * PAUSE) + ROW + PAUSE + FOOT);
        assert!(draw(&scene, Time(720_000_000), "tree").len() < 24_000);
    }

    #[test]
    fn the_last_caption_at_the_right_is_inside() {
        let label = "partition ends: 3 parts";
        let scene = Scene {
            nodes: (0..8).collect(),
            concerned: 8,
            strokes: vec![stroke(at(10, 0), 7, StrokeKind::Mark, label)],
            ..Scene::default()
        };
        let chart = Chart::new(&scene, Time(2_004_000));
        // 23 letters from 78 + 7.5 x 118 + 9 on.
        assert_eq!(chart.width(), 972.0 + 23.0 * LETTER);
        let svg = draw(&scene, Time(2_004_000), "tree");
        assert!(svg.contains("viewBox=\"0 0 1133 "), "{svg}");
    }

    #[test]
    fn a_small_scene_is_drawn_like_this() {
        insta::assert_snapshot!(draw(&scene(), Time(2_004_000), "tree"));
    }
}
