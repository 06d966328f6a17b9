//! Reads `snapshots.jsonl` back.

use super::Line;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file itself.
    Io(io::Error),
    /// A line that is not what it should be: its number from 1, and what is wrong.
    Line(usize, String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(number, what) => write!(f, "line {number}: {what}"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads all lines that `keep` accepts; empty ones are passed over.
///
/// # Errors
/// [`ReadError`], with the number of the first line that is wrong.
pub fn read_snapshots(
    input: &mut dyn BufRead,
    keep: impl Fn(&Line) -> bool,
) -> Result<Vec<Line>, ReadError> {
    let mut lines = Vec::new();
    for (at, text) in input.lines().enumerate() {
        let text = text.map_err(ReadError::Io)?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text)
            .map_err(|error| ReadError::Line(at + 1, error.to_string()))?;
        if keep(&line) {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Lines by time (in order) and document (tag, hex), each group by node.
#[must_use]
pub fn groups(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut groups: BTreeMap<(u64, String), Vec<Line>> = BTreeMap::new();
    for line in lines {
        // Bits of non-negative numbers are in the order of the numbers.
        groups
            .entry((line.time.max(0.0).to_bits(), line.tag.clone()))
            .or_default()
            .push(line);
    }
    groups
        .into_values()
        .map(|mut group| {
            group.sort_by_key(|line| line.node);
            group
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{network, tag};
    use crate::export::{lines, write_snapshot};

    #[test]
    fn what_was_written_is_read_back() {
        let snapshot = network(&[(0, 1), (1, 2), (2, 0)]);
        let mut bytes = Vec::new();
        write_snapshot(&mut bytes, &snapshot).unwrap();
        let read = read_snapshots(&mut bytes.as_slice(), |_| true).unwrap();
        assert_eq!(read, lines(&snapshot, tag(1)));
        assert_eq!(
            read_snapshots(&mut bytes.as_slice(), |line| line.node == 2)
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = read_snapshots(&mut "\n{\"time\": 1.0}\n".as_bytes(), |_| true).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 2: missing field `document`"),
            "{error}"
        );
    }

    #[test]
    fn groups_are_by_time_and_document() {
        let mut all = lines(&network(&[(0, 1)]), tag(1));
        let mut later = all.clone();
        later.iter_mut().for_each(|line| line.time += 100.0);
        later.reverse();
        later.append(&mut all);
        let groups = groups(later);
        assert_eq!(groups.len(), 2);
        assert!(groups[0][0].time < groups[1][0].time);
        assert_eq!(
            groups[1].iter().map(|line| line.node).collect::<Vec<_>>(),
            [0, 1]
        );
    }
}
