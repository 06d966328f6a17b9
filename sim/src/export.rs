//! The ground truth as files for outside checkers and for graph programs.
//!
//! `snapshots.jsonl` has one [`Line`] per (time, document, node); graphs are
//! drawn from the lines of one document at one time, so they can be made from a
//! run folder as well as from a run. Nothing here judges.

mod dot;
mod graphml;
mod line;
mod read;

pub use dot::write_dot;
pub use graphml::write_graphml;
pub use line::{CommentsHeld, Interested, Line, digest, lines};
pub use read::{ReadError, groups, read_snapshots};

use crate::snapshot::Snapshot;
use std::io::{self, Write};

/// Appends a snapshot: one JSON object per line, by document, then by node.
///
/// # Errors
/// As `out` gives them.
pub fn write_snapshot(out: &mut dyn Write, snapshot: &Snapshot) -> io::Result<()> {
    let directory = line::Directory::new(snapshot);
    let mut text = Vec::new();
    for (tag, truth) in &snapshot.documents {
        for (node, member) in &truth.members {
            text.clear();
            serde_json::to_writer(
                &mut text,
                &line::line(snapshot, &directory, (*tag, truth), (*node, member)),
            )?;
            text.push(b'\n');
            out.write_all(&text)?;
        }
    }
    Ok(())
}
