//! A comparison: the same scenario and seed with several protocols, as a table.

use crate::catalogue::{CHECKED, Entry};
use crate::rows::{ROWS, Row};
use cliqueclique_sim::arena::Figures;
use std::fmt::Write;

/// One protocol's column.
#[derive(Debug)]
pub struct Column {
    /// Its name, as asked for.
    pub name: String,
    /// What it is; empty if the name is unknown.
    pub about: &'static str,
    /// Its figures, or why there are none.
    pub figures: Result<Figures, String>,
}

/// All columns; ours is the first.
#[derive(Debug)]
pub struct Comparison {
    /// What was run, in words.
    pub title: String,
    /// The command that runs it again.
    pub command: String,
    /// The columns.
    pub columns: Vec<Column>,
}

/// A cell: the value, its ratio to ours, and whether ours is worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The value.
    pub value: Option<f64>,
    /// Times ours.
    pub ratio: Option<f64>,
    /// Ours is worse.
    pub worse: bool,
}

impl Column {
    /// A column of a protocol whose run came to this.
    #[must_use]
    pub fn of(entry: Entry, figures: Result<Figures, String>) -> Self {
        Self {
            name: entry.name.to_owned(),
            about: entry.about,
            figures,
        }
    }

    /// A column for a name that nobody has.
    #[must_use]
    pub fn unknown(name: &str, known: &[&str]) -> Self {
        let error = format!("unknown protocol; there are {}", known.join(", "));
        Self {
            name: name.to_owned(),
            about: "",
            figures: Err(error),
        }
    }

    fn value(&self, row: &Row) -> Option<f64> {
        self.figures
            .as_ref()
            .ok()
            .and_then(|figures| row.of(figures))
    }
}

impl Comparison {
    /// The cells of a row that any protocol can tell something about.
    #[must_use]
    pub fn cells(&self, row: &Row) -> Option<Vec<Cell>> {
        let ours = self.columns.first().and_then(|column| column.value(row));
        let cell = |column: &Column| {
            let value = column.value(row);
            Cell {
                value,
                ratio: row.ratio(ours, value),
                // Ours beside ours tells how exact figures are, not who is better.
                worse: column.name != CHECKED && row.ours_is_worse(ours, value),
            }
        };
        let cells: Vec<Cell> = self.columns.iter().map(cell).collect();
        cells
            .iter()
            .any(|cell| cell.value.is_some())
            .then_some(cells)
    }

    /// Rows in which ours is worse than somebody, in words.
    #[must_use]
    pub fn worse(&self) -> Vec<String> {
        let mut found = Vec::new();
        for row in &ROWS {
            let cells = self.cells(row).unwrap_or_default();
            let pairs = self.columns.iter().zip(&cells);
            let beaten = pairs.filter(|(_, cell)| cell.worse);
            let by: Vec<String> = beaten
                .map(|(column, cell)| format!("{} ({})", column.name, number(cell.value)))
                .collect();
            if !by.is_empty() {
                let ours = number(cells.first().and_then(|cell| cell.value));
                found.push(format!("{}: {ours}, beaten by {}", row.name, by.join(", ")));
            }
        }
        found
    }

    /// The table in Markdown, which can be read as text, too.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let _ = writeln!(text, "| | {} |", names.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(names.len()));
        for row in &ROWS {
            if let Some(cells) = self.cells(row) {
                let cells: Vec<String> = cells.iter().map(Cell::text).collect();
                let _ = writeln!(text, "| {} | {} |", row.name, cells.join(" | "));
            }
        }
        text.push_str("\nIn brackets: times ours; **!** where ours is worse.\n");
        self.notes(&mut text);
        text
    }

    fn notes(&self, text: &mut String) {
        for column in &self.columns {
            if let Err(error) = &column.figures {
                let _ = writeln!(text, "\n{}: no figures: {error}.", column.name);
            }
        }
        let worse = self.worse();
        if !worse.is_empty() {
            text.push_str("\nWhere ours is worse:\n\n");
            worse.iter().for_each(|line| {
                let _ = writeln!(text, "- {line}");
            });
        }
    }
}

impl Cell {
    /// As the table shows it.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = if self.worse { " **!**" } else { "" };
        match self.ratio {
            Some(ratio) => format!("{} ({}){mark}", number(self.value), short(ratio)),
            None => format!("{}{mark}", number(self.value)),
        }
    }
}

/// A figure with as many places as it needs.
#[must_use]
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => grouped(value),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn short(ratio: f64) -> String {
    if ratio >= 10.0 {
        format!("{ratio:.0}")
    } else {
        format!("{ratio:.2}")
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliqueclique_sim::metrics::{Cost, CostKind, Metrics};

    fn figures(bytes: u64) -> Figures {
        let cost = Cost { messages: 1, bytes };
        Figures {
            metrics: Metrics {
                delivered: 10,
                delivered_bytes: 100,
                costs: [(CostKind::Document, cost)].into(),
                ..Metrics::default()
            },
            ..Figures::default()
        }
    }

    fn comparison() -> Comparison {
        let column = |name: &str, figures| Column {
            name: name.to_owned(),
            about: "",
            figures,
        };
        Comparison {
            title: "T".to_owned(),
            command: String::new(),
            columns: vec![
                column("ours", Ok(figures(2_000))),
                column("less", Ok(figures(1_000))),
                column("more", Ok(figures(5_000))),
                Column::unknown("none", &["ours"]),
            ],
        }
    }

    #[test]
    fn ratios_and_what_is_worse_are_told_plainly() {
        let table = comparison().table();
        let row = "| bytes per delivery, all | 200 (1.00) | 100 (0.50) **!** | 500 (2.50) | – |";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("- bytes per delivery, all: 200, beaten by less (100)"));
        assert!(table.contains("none: no figures: unknown protocol; there are ours."));
    }

    #[test]
    fn figures_have_the_places_that_they_need() {
        let texts = [None, Some(0.5), Some(12.34), Some(1_234_567.8)].map(number);
        assert_eq!(texts, ["–", "0.50", "12.3", "1,234,568"]);
    }
}
