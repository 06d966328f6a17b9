//! A picture of what this node knows of a document's network: itself, its neighbours, and the root
//! that the network elected. From the view alone, as SVG whose colours come from the page's classes.

use super::markup::plain;
use serde_json::Value;
use std::f64::consts::TAU;
use std::fmt::Write;

/// Most neighbours drawn: as many as a document may have.
const MOST: usize = 64;
/// Half of the picture's side, and the circle of neighbours.
const HALF: f64 = 200.0;
const RING: f64 = 140.0;
/// Digits of a node's id that are shown.
const DIGITS: usize = 8;

struct Neighbour<'a> {
    node: &'a str,
    mode: &'a str,
    downstream: bool,
}

/// What is drawn.
struct Scene<'a> {
    own_root: bool,
    root: &'a str,
    distance: u64,
    upstream: Option<&'a str>,
    neighbours: Vec<Neighbour<'a>>,
}

impl<'a> Scene<'a> {
    fn of(view: &'a Value) -> Self {
        let text = |key: &str| view[key].as_str().unwrap_or_default();
        let neighbours = view["neighbors"].as_array().map_or(&[][..], Vec::as_slice);
        Self {
            own_root: view["this_node_is_root"].as_bool().unwrap_or_default(),
            root: text("overlay_root"),
            distance: view["distance"].as_u64().unwrap_or_default(),
            upstream: view["upstream"].as_str(),
            neighbours: neighbours.iter().take(MOST).map(Neighbour::of).collect(),
        }
    }

    /// What the picture shows, in words.
    fn told(&self) -> String {
        let count = self.neighbours.len();
        let neighbours = match count {
            0 => "This node has no neighbour in it".to_owned(),
            1 => "This node has one neighbour in it".to_owned(),
            _ => format!("This node has {count} neighbours in it"),
        };
        let upstream = self.upstream.map(short).unwrap_or_default();
        let root = match (self.own_root, self.upstream) {
            (true, _) => "is its root".to_owned(),
            (false, None) => format!("knows {} as its root, and no way there", short(self.root)),
            (false, Some(_)) => format!(
                "reaches the root {} in {} steps over {upstream}",
                short(self.root),
                self.distance
            ),
        };
        format!("{neighbours}, and {root}.")
    }

    fn root_is_neighbour(&self) -> bool {
        self.neighbours
            .iter()
            .any(|neighbour| neighbour.node == self.root)
    }
}

impl<'a> Neighbour<'a> {
    fn of(value: &'a Value) -> Self {
        Self {
            node: value["node"].as_str().unwrap_or_default(),
            mode: value["mode"].as_str().unwrap_or_default(),
            downstream: value["downstream"].as_bool().unwrap_or_default(),
        }
    }

    /// Its relation to this node, as a class and in words.
    fn relation(&self, scene: &Scene<'_>) -> (&'static str, &'static str) {
        if scene.upstream == Some(self.node) {
            ("upstream", "upstream: the way to the root")
        } else if self.downstream {
            ("downstream", "downstream: reaches the root over this node")
        } else {
            ("beside", "beside: a neighbour that goes another way")
        }
    }
}

fn short(node: &str) -> &str {
    node.get(..DIGITS).unwrap_or(node)
}

/// The picture of a view that `overlay` gave.
pub(crate) fn svg(view: &Value) -> String {
    let scene = Scene::of(view);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut out, &scene);
    out
}

fn draw(out: &mut String, scene: &Scene<'_>) -> std::fmt::Result {
    let side = 2.0 * HALF;
    write!(
        out,
        "<svg class=\"network\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-labelledby=\"network-title network-told\">\
         <title id=\"network-title\">The network of this document as this node sees it</title>\
         <desc id=\"network-told\">{}</desc>",
        plain::html(&scene.told())
    )?;
    let count = scene.neighbours.len();
    let spots: Vec<(f64, f64)> = (0..count).map(|at| spot(at, count)).collect();
    for (neighbour, (x, y)) in scene.neighbours.iter().zip(&spots) {
        let (class, _) = neighbour.relation(scene);
        write!(
            out,
            "<line class=\"{class}\" x1=\"{HALF}\" y1=\"{HALF}\" x2=\"{x:.1}\" y2=\"{y:.1}\"/>"
        )?;
    }
    if !scene.own_root && !scene.root_is_neighbour() {
        far_root(out, scene, &spots)?;
    }
    for (neighbour, (x, y)) in scene.neighbours.iter().zip(&spots) {
        let (class, words) = neighbour.relation(scene);
        let root = if neighbour.node == scene.root {
            " root"
        } else {
            ""
        };
        let told = format!("{words}; {}", neighbour.mode);
        circle(
            out,
            &format!("{class}{root}"),
            (*x, *y),
            (short(neighbour.node), &told),
        )?;
    }
    let own = if scene.own_root { "own root" } else { "own" };
    circle(out, own, (HALF, HALF), ("this node", "this node"))?;
    out.push_str("</svg>");
    Ok(())
}

/// The root where this node only knows of it: at the top, beyond the way that leads there.
fn far_root(out: &mut String, scene: &Scene<'_>, spots: &[(f64, f64)]) -> std::fmt::Result {
    let top = (HALF, 18.0);
    let known = scene.neighbours.iter().zip(spots);
    let mut way = known.filter(|(neighbour, _)| scene.upstream == Some(neighbour.node));
    let (x, y) = way.next().map_or((HALF, HALF), |(_, spot)| *spot);
    write!(
        out,
        "<line class=\"beyond\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{}\"/>",
        top.0, top.1
    )?;
    circle(
        out,
        "root far",
        top,
        (short(scene.root), "the root of the network"),
    )
}

/// Place of a neighbour on the ring; none stands under the root at the top.
fn spot(at: usize, count: usize) -> (f64, f64) {
    let place = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let angle = TAU * (place(at) + 0.5) / place(count.max(1)) - TAU / 4.0;
    (HALF + RING * angle.cos(), HALF + RING * angle.sin())
}

fn circle(
    out: &mut String,
    class: &str,
    (x, y): (f64, f64),
    (label, told): (&str, &str),
) -> std::fmt::Result {
    let (label, told) = (plain::html(label), plain::html(told));
    write!(
        out,
        "<g class=\"{class}\"><title>{label} ({told})</title>\
         <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"14\"/>\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text></g>",
        y + 28.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view(neighbours: usize) -> Value {
        let node = |at: usize| format!("{at:032x}");
        let all: Vec<Value> = (1..=neighbours)
            .map(|at| json!({ "node": node(at), "mode": "follow", "downstream": at == 2 }))
            .collect();
        json!({
            "overlay_root": "ff".repeat(16), "this_node_is_root": false, "distance": 3,
            "upstream": node(1), "neighbors": all,
        })
    }

    #[test]
    fn it_shows_and_tells_root_upstream_and_downstream() {
        let svg = svg(&view(4));
        for part in [
            "This node has 4 neighbours in it, and reaches the root ffffffff in 3 steps over 00000000.",
            "<g class=\"upstream\">",
            "<g class=\"downstream\">",
            "<g class=\"root far\">",
            "<g class=\"own\">",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("<line").count(), 5);
    }

    #[test]
    fn a_root_of_its_own_and_a_root_next_door() {
        let own = json!({ "this_node_is_root": true, "overlay_root": "aa", "neighbors": [] });
        assert!(svg(&own).contains("no neighbour in it, and is its root"));
        let mut next = view(2);
        next["overlay_root"] = next["upstream"].clone();
        let svg = svg(&next);
        assert!(
            svg.contains("<g class=\"upstream root\">") && !svg.contains("far"),
            "{svg}"
        );
    }

    #[test]
    fn whatever_a_view_says_is_bounded_and_escaped() {
        let mut hostile = view(1_000);
        hostile["overlay_root"] = json!("<script>");
        hostile["neighbors"][0]["mode"] = json!("\"><script>");
        let svg = svg(&hostile);
        assert_eq!(svg.matches("<circle").count(), MOST + 2);
        assert!(!svg.contains("<script"), "{svg}");
        assert!(super::svg(&json!({})).ends_with("</svg>"));
        assert!(super::svg(&json!("x")).ends_with("</svg>"));
    }
}
