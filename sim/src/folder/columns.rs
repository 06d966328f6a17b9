//! `metrics.csv`: one row per sample, the same columns in every run.

use crate::metrics::{CostKind, Sample};
use std::io::{self, Write};

/// Kinds of bytes with the names of their columns.
const KINDS: [(CostKind, &str); 9] = [
    (CostKind::Document, "bytes_document"),
    (CostKind::Push, "bytes_push"),
    (CostKind::Frame, "bytes_frame"),
    (CostKind::KeepAlive, "bytes_keep_alive"),
    (CostKind::State, "bytes_state"),
    (CostKind::Set, "bytes_set"),
    (CostKind::Introduction, "bytes_introduction"),
    (CostKind::Handshake, "bytes_handshake"),
    (CostKind::Retransmission, "bytes_retransmission"),
];

/// Writes the names of the columns.
pub(super) fn head(out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "time,alive,links,documents,memberships,delivered,delivered_bytes,events"
    )?;
    KINDS
        .iter()
        .try_for_each(|(_, name)| write!(out, ",{name}"))?;
    writeln!(out)
}

/// Writes one row.
pub(super) fn row(out: &mut dyn Write, sample: &Sample) -> io::Result<()> {
    let Sample {
        time,
        alive,
        links,
        documents,
        memberships,
        delivered,
        delivered_bytes,
        bytes,
        events,
    } = sample;
    write!(
        out,
        "{time},{alive},{links},{documents},{memberships},{delivered},{delivered_bytes},{events}"
    )?;
    KINDS
        .iter()
        .try_for_each(|(kind, _)| write!(out, ",{}", bytes.get(kind).copied().unwrap_or(0)))?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_columns_of_the_head() {
        let mut sample = Sample {
            time: 1.5,
            alive: 3,
            delivered: 7,
            ..Sample::default()
        };
        sample.bytes.insert(CostKind::Push, 12);
        let mut text = Vec::new();
        head(&mut text).unwrap();
        row(&mut text, &sample).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines[0].len(), lines[1].len());
        let column = lines[0]
            .iter()
            .position(|name| *name == "bytes_push")
            .unwrap();
        assert_eq!(lines[1][column], "12");
        assert_eq!(&lines[1][..2], ["1.5", "3"]);
    }
}
