//! Text to stdout and stderr, and tables.

use std::io::Write;

/// Data for stdout. A reader that went away (`| head`) is no error of ours.
pub(crate) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
}

/// A message for stderr.
pub(crate) fn message(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Rows with their columns aligned: the first to the left, the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let lines: Vec<String> = rows.iter().map(|row| align(row, &widths)).collect();
    lines.join("\n")
}

fn align(row: &[String], widths: &[usize]) -> String {
    let cell = |(column, (cell, &width)): (usize, (&String, &usize))| {
        if column == 0 {
            format!("{cell:<width$}")
        } else {
            format!("  {cell:>width$}")
        }
    };
    let line: String = row.iter().zip(widths).enumerate().map(cell).collect();
    line.trim_end().to_owned()
}

/// A number with thousands separated.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in bytes with a unit.
#[allow(clippy::cast_precision_loss, reason = "shown to people only")]
pub(crate) fn size(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

/// A figure: whole numbers grouped, others with as many digits as say something.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a small whole number"
)]
pub(crate) fn figure(value: f64) -> String {
    if value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        return grouped(value as u64);
    }
    let digits = if value.abs() < 10.0 { 3 } else { 1 };
    format!("{value:.digits$}")
}

/// Milliseconds as people say them.
#[allow(clippy::cast_precision_loss, reason = "shown to people only")]
pub(crate) fn milliseconds(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} ms"),
        1_000..60_000 => format!("{:.1} s", value as f64 / 1e3),
        60_000..3_600_000 => format!("{:.1} min", value as f64 / 6e4),
        _ => format!("{:.1} h", value as f64 / 3.6e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_for_people() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(figure(1.25), "1.250");
        assert_eq!(figure(1234.0), "1,234");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(milliseconds(90_000), "1.5 min");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["a".to_owned(), "1".to_owned()],
            vec!["bcd".to_owned(), "100".to_owned()],
        ];
        assert_eq!(table(&rows), "a      1\nbcd  100");
    }
}
