//! DOT, for Graphviz: `neato -Tsvg`, or `twopi` with the root in the centre.

use super::Line;
use super::graphml::edges;
use std::io::{self, Write};

/// Writes the lines of one document at one time (ascending by node) as one
/// graph: the overlay root doubly outlined, subscribers filled, dead nodes
/// dashed, tree edges bold.
///
/// # Errors
/// As `out` gives them.
pub fn write_dot(out: &mut dyn Write, lines: &[Line]) -> io::Result<()> {
    writeln!(out, "graph overlay {{")?;
    if let Some(first) = lines.first() {
        writeln!(
            out,
            "  label=\"document {:.8} at {} s\";",
            first.tag.escape_default().to_string(),
            first.time
        )?;
    }
    writeln!(
        out,
        "  node [shape=circle, fontname=\"sans-serif\", fontsize=10];"
    )?;
    for line in lines {
        writeln!(
            out,
            "  n{} [label=\"{}\"{}];",
            line.node,
            line.node,
            look(line)
        )?;
    }
    for ((from, to), edge) in edges(lines) {
        let style = match (edge.tree, edge.mutual) {
            (true, _) => " [style=bold]",
            (false, true) => " [color=gray]",
            (false, false) => " [color=gray, style=dotted]",
        };
        writeln!(out, "  n{from} -- n{to}{style};")?;
    }
    writeln!(out, "}}")
}

fn look(line: &Line) -> &'static str {
    let root = line.root_node == Some(line.node);
    match (line.alive, root, line.in_subscribing_set) {
        (false, _, _) => ", style=dashed, color=gray",
        (true, true, true) => ", shape=doublecircle, root=true, style=filled, fillcolor=gold",
        (true, true, false) => ", shape=doublecircle, root=true",
        (true, false, true) => ", style=filled, fillcolor=lightblue",
        (true, false, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};
    use crate::export::lines;

    #[test]
    fn a_path_of_three() {
        let mut bytes = Vec::new();
        write_dot(&mut bytes, &lines(&network(&[(0, 1), (1, 2)]), tag(1))).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(
            "  n0 [label=\"0\", shape=doublecircle, root=true, style=filled, fillcolor=gold];\n"
        ));
        assert!(text.contains("  n0 -- n1 [style=bold];\n"));
        assert!(text.trim_end().ends_with('}'));
    }
}
