//! GraphML with typed keys, as Gephi and NetworkX read it
//! (<http://graphml.graphdrawing.org/specification.html>).

use super::{Interested, Line};
use std::collections::BTreeMap;
use std::io::{self, Write};

const NODE_KEYS: [(&str, &str); 17] = [
    ("label", "string"),
    ("node_id", "string"),
    ("alive", "boolean"),
    ("interested", "string"),
    ("subscribed", "boolean"),
    ("wish", "string"),
    ("holds", "boolean"),
    ("in_subscribing_set", "boolean"),
    ("is_root", "boolean"),
    ("root", "string"),
    ("sequence", "long"),
    ("distance", "int"),
    ("degree", "int"),
    ("max_peers", "int"),
    ("comments", "int"),
    ("frozen", "boolean"),
    ("leaving", "boolean"),
];
const EDGE_KEYS: [(&str, &str); 3] = [
    ("tree", "boolean"),
    ("mutual", "boolean"),
    ("weight", "double"),
];

/// A relation between two nodes, the lower index first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    /// One of them is upstream of the other.
    pub(super) tree: bool,
    /// Both name it.
    pub(super) mutual: bool,
}

/// Relations among the nodes of the lines.
pub(super) fn edges(lines: &[Line]) -> BTreeMap<(usize, usize), Edge> {
    let mut edges: BTreeMap<(usize, usize), Edge> = BTreeMap::new();
    let known = |node| lines.binary_search_by_key(&node, |line| line.node).is_ok();
    for line in lines {
        for &peer in line.neighbors.iter().filter(|peer| known(**peer)) {
            let pair = (line.node.min(peer), line.node.max(peer));
            let seen = edges.contains_key(&pair);
            let edge = edges.entry(pair).or_default();
            edge.mutual |= seen;
            edge.tree |= line.upstream == Some(peer);
        }
    }
    edges
}

/// Writes the lines of one document at one time (as from [`super::lines`] or
/// [`super::groups`], ascending by node) as one undirected graph.
///
/// # Errors
/// As `out` gives them.
pub fn write_graphml(out: &mut dyn Write, lines: &[Line]) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"
    )?;
    keys(out, "graph", &[("document", "string"), ("time", "double")])?;
    keys(out, "node", &NODE_KEYS)?;
    keys(out, "edge", &EDGE_KEYS)?;
    writeln!(out, "<graph id=\"G\" edgedefault=\"undirected\">")?;
    if let Some(first) = lines.first() {
        data(out, "graph_document", &first.document)?;
        data(out, "graph_time", first.time)?;
    }
    for line in lines {
        node(out, line)?;
    }
    for (number, ((from, to), edge)) in edges(lines).into_iter().enumerate() {
        writeln!(
            out,
            "<edge id=\"e{number}\" source=\"n{from}\" target=\"n{to}\">"
        )?;
        data(out, "edge_tree", edge.tree)?;
        data(out, "edge_mutual", edge.mutual)?;
        data(out, "edge_weight", if edge.tree { 2.0 } else { 1.0 })?;
        writeln!(out, "</edge>")?;
    }
    writeln!(out, "</graph>\n</graphml>")
}

fn keys(out: &mut dyn Write, of: &str, keys: &[(&str, &str)]) -> io::Result<()> {
    keys.iter().try_for_each(|(name, kind)| {
        writeln!(
            out,
            "<key id=\"{of}_{name}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        )
    })
}

/// Values are numbers, truth values, hex and fixed words: nothing to escape.
fn data(out: &mut dyn Write, key: &str, value: impl std::fmt::Display) -> io::Result<()> {
    writeln!(out, "<data key=\"{key}\">{value}</data>")
}

fn node(out: &mut dyn Write, line: &Line) -> io::Result<()> {
    writeln!(out, "<node id=\"n{}\">", line.node)?;
    let mut put =
        |name: &str, value: &dyn std::fmt::Display| data(out, &format!("node_{name}"), value);
    put("label", &line.node)?;
    put("node_id", &hex_only(&line.node_id))?;
    put("alive", &line.alive)?;
    put("interested", &reason(&line.interested))?;
    put("subscribed", &line.subscribed)?;
    put("wish", &word(&line.wish))?;
    put("holds", &line.holds)?;
    put("in_subscribing_set", &line.in_subscribing_set)?;
    put("is_root", &(line.root_node == Some(line.node)))?;
    if let Some(root) = &line.root {
        put("root", &hex_only(root))?;
    }
    if let Some(sequence) = line.sequence {
        put("sequence", &i64::try_from(sequence).unwrap_or(i64::MAX))?;
    }
    if let Some(distance) = line.distance {
        put("distance", &distance)?;
    }
    put("degree", &line.neighbors.len())?;
    put("max_peers", &line.max_peers)?;
    put("comments", &line.comments_held.count)?;
    put("frozen", &line.frozen)?;
    put("leaving", &line.leaving)?;
    writeln!(out, "</node>")
}

fn reason(interested: &Interested) -> String {
    match interested {
        Interested::No(_) => "false".into(),
        Interested::Because(why) => word(why),
    }
}

/// Lines may come from a file that somebody edited: only letters pass.
fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).collect()
}

fn hex_only(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};
    use crate::export::lines;

    #[test]
    fn edges_are_found_once_and_marked() {
        let lines = lines(&network(&[(0, 1), (1, 2), (2, 0)]), tag(1));
        let edges = edges(&lines);
        assert_eq!(edges.len(), 3);
        assert_eq!(
            edges[&(0, 1)],
            Edge {
                tree: true,
                mutual: true
            }
        );
        assert_eq!(
            edges[&(1, 2)],
            Edge {
                tree: false,
                mutual: true
            }
        );
    }

    #[test]
    fn a_graph_has_typed_keys_nodes_and_edges() {
        let mut bytes = Vec::new();
        write_graphml(&mut bytes, &lines(&network(&[(0, 1), (1, 2)]), tag(1))).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("<node id=").count(), 3);
        assert_eq!(text.matches("<edge id=").count(), 2);
        assert!(text.contains(
            r#"<key id="node_distance" for="node" attr.name="distance" attr.type="int"/>"#
        ));
        assert!(text.contains(r#"<data key="node_is_root">true</data>"#));
        for key in text
            .split("<data key=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
        {
            assert!(
                text.contains(&format!("<key id=\"{key}\"")),
                "{key} is declared"
            );
        }
    }
}
