//! What is wrong with a scenario, and where: shown with the offending line, a
//! caret below it, and what was expected instead.
//!
//! Readers report a [`Problem`] with a [`Spot`]; only [`Sources`] knows the
//! texts, so only it can turn a problem into a [`ScenarioError`].

use std::fmt;
use std::ops::Range;

/// A place in the file (source 0) or in the n-th `--set` (source n).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) source: usize,
    pub(crate) span: Range<usize>,
}

/// Something wrong at a place.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) at: Spot,
    pub(crate) message: String,
    pub(crate) notes: Vec<String>,
}

impl Problem {
    pub(crate) fn new(at: &Spot, message: impl Into<String>) -> Self {
        Self {
            at: at.clone(),
            message: message.into(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Why a scenario cannot be used; its text names file, line, column, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(String);

impl ScenarioError {
    /// An error that has no place in the text, such as a file that cannot be read.
    #[must_use]
    pub fn plain(message: &str) -> Self {
        Self(message.to_owned())
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScenarioError {}

/// The texts that a scenario is made of.
#[derive(Clone, Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) sets: &'a [String],
}

impl Sources<'_> {
    /// Shows a problem to people.
    pub(crate) fn show(&self, problem: &Problem) -> ScenarioError {
        let (place, number, line, column, width) = self.locate(&problem.at);
        let margin = " ".repeat(number.len().max(1));
        let caret = format!("{}{}", " ".repeat(column), "^".repeat(width));
        let mut text = format!(
            "{}\n{margin}--> {place}\n{margin} |\n{number} | {line}\n{margin} | {caret}",
            problem.message
        );
        for note in &problem.notes {
            text.push_str(&format!("\n{margin} = {note}"));
        }
        ScenarioError(text)
    }

    /// Place as shown, line number, line, characters before the caret, its width.
    fn locate(&self, spot: &Spot) -> (String, String, String, usize, usize) {
        match spot
            .source
            .checked_sub(1)
            .and_then(|index| self.sets.get(index))
        {
            Some(set) => {
                let (_, line, column, width) = cut(set, &spot.span);
                (format!("--set {set}"), " ".to_owned(), line, column, width)
            }
            None => {
                let (number, line, column, width) = cut(self.text, &spot.span);
                (
                    format!("{}:{number}:{}", self.name, column + 1),
                    number.to_string(),
                    line,
                    column,
                    width,
                )
            }
        }
    }
}

/// (number of the line, the line, characters before the span, its width on that line, at least 1).
fn cut(text: &str, span: &Range<usize>) -> (usize, String, usize, usize) {
    let start = floor(text, span.start);
    let end = floor(text, span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |newline| start + newline);
    let number = text[..start].matches('\n').count() + 1;
    let line = text[line_start..line_end]
        .trim_end_matches('\r')
        .replace('\t', " ");
    let column = text[line_start..start].chars().count();
    let width = text[start..end.min(line_end)].chars().count().max(1);
    (number, line, column, width)
}

/// The nearest character boundary at or below `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

/// "did you mean" for a near miss, and the list of what is allowed.
pub(crate) fn suggest(mut problem: Problem, found: &str, allowed: &[&str]) -> Problem {
    let near = allowed.iter().map(|name| (edits(found, name), *name)).min();
    if let Some((_, name)) = near.filter(|(edits, name)| *edits <= (name.len() / 3).max(1)) {
        problem = problem.note(format!("did you mean `{name}`?"));
    }
    problem.note(format!("allowed: {}", allowed.join(", ")))
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_agree_with_hand_counted_ones() {
        assert_eq!(edits("nodes", "nodes"), 0);
        assert_eq!(edits("nodez", "nodes"), 1);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }

    #[test]
    fn a_span_is_cut_at_its_line_and_never_inside_a_character() {
        assert_eq!(
            cut("a\nbcd = 1\n", &(2..5)),
            (2, "bcd = 1".to_owned(), 0, 3)
        );
        assert_eq!(cut("é = 1", &(1..2)), (1, "é = 1".to_owned(), 0, 1));
        assert_eq!(cut("", &(5..9)), (1, String::new(), 0, 1));
    }
}
