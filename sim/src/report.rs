//! The report of a run: one HTML page for people, complete in itself.
//!
//! Inline SVG, no script, no file beside it; colours follow the reader's choice
//! of light or dark, and it can be read on a screen of 320 pixels. All figures
//! come from [`crate::goals`] and [`crate::metrics`]; here they are only shown.

mod costs;
mod failure;
mod graphs;
mod headline;
mod histogram;
mod layout;
mod overlay;
mod plot;
mod spacetime;
mod spread;
mod style;
mod table;
mod timeline;
mod words;

pub use overlay::overlay_svg;

use crate::driver::Outcome;
use crate::goals::GoalRow;
use crate::scenario::Scenario;
use crate::snapshot::Snapshot;
use std::io::{self, Write};

/// Everything that a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct RunSummary<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// With which seed.
    pub seed: u64,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// Snapshots that the scenario asked for, by time.
    pub snapshots: &'a [Snapshot],
    /// The command line that runs it again.
    pub replay: &'a str,
    /// Goals beside what was measured.
    pub goals: &'a [GoalRow],
}

/// Writes the page.
///
/// # Errors
/// As `out` gives them.
pub fn write(out: &mut dyn Write, summary: &RunSummary<'_>) -> io::Result<()> {
    let metrics = &summary.outcome.metrics;
    let title = words::escape(&summary.scenario.name);
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"
    )?;
    writeln!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    )?;
    writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(
        out,
        "<title>{title}: cliqueclique simulation</title>\n<style>{}</style>\n</head>\n<body>\n<main>",
        style::page()
    )?;
    out.write_all(headline::section(summary).as_bytes())?;
    out.write_all(failure::section(summary).as_bytes())?;
    out.write_all(table::goals(summary.goals).as_bytes())?;
    out.write_all(costs::section(metrics).as_bytes())?;
    out.write_all(timeline::section(&metrics.samples).as_bytes())?;
    out.write_all(spread::section(metrics).as_bytes())?;
    for section in graphs::sections(summary) {
        out.write_all(section.as_bytes())?;
    }
    out.write_all(table::faults(metrics).as_bytes())?;
    out.write_all(headline::footer(summary).as_bytes())?;
    writeln!(out, "</main>\n</body>\n</html>")
}

#[cfg(test)]
mod tests;
