//! Traces of newsgroups: CSV with the columns `seconds,message,parent,author,bytes`
//! in order of time, as `scenarios/README.md` describes. Errors name file and line.

use cliqueclique_core::config::MAX_DOCUMENT;
use std::fmt;
use std::path::{Path, PathBuf};

const HEADER: &str = "seconds,message,parent,author,bytes";
/// Room that a document needs besides its body: header, one parent, signature.
const OVERHEAD: usize = 256;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Seconds since the start of the trace.
    pub seconds: u64,
    /// Index of the message that it answers; `None` starts a thread.
    pub parent: Option<usize>,
    /// Index of the author.
    pub author: usize,
    /// Length of the body, bytes.
    pub bytes: usize,
}

/// Why a trace cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; 0 if the file could not be read.
    pub line: usize,
    /// What was expected and what was found.
    pub detail: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            0 => write!(f, "{path}: {}", self.detail),
            line => write!(f, "{path}:{line}: {}", self.detail),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace; row `i` is message `i`.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, TraceError> {
    let fail = |line, detail| TraceError {
        path: path.to_owned(),
        line,
        detail,
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| fail(0, format!("cannot read the trace: {error}")))?;
    parse(&text).map_err(|(line, detail)| fail(line, detail))
}

/// Line and what is wrong there.
type Wrong = (usize, String);

fn parse(text: &str) -> Result<Vec<Row>, Wrong> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim_end()));
    match lines.next() {
        Some((_, HEADER)) => {}
        Some((line, other)) => {
            return Err((
                line,
                format!("expected the header `{HEADER}`, found `{other}`"),
            ));
        }
        None => {
            return Err((
                1,
                format!("expected the header `{HEADER}`, found an empty file"),
            ));
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let row = parse_row(line, &rows).map_err(|detail| (number, detail))?;
        rows.push(row);
    }
    if rows.is_empty() {
        Err((2, "expected at least one message".to_owned()))
    } else {
        Ok(rows)
    }
}

fn parse_row(line: &str, before: &[Row]) -> Result<Row, String> {
    let columns: Vec<&str> = line.split(',').collect();
    let &[seconds, message, parent, author, bytes] = columns.as_slice() else {
        return Err(format!(
            "expected 5 columns (`{HEADER}`), found {}",
            columns.len()
        ));
    };
    let seconds = number("seconds", seconds)?;
    let message: usize = number("message", message)?;
    if message != before.len() {
        return Err(format!(
            "expected message {}, one more than the row before, found {message}",
            before.len()
        ));
    }
    if before.last().is_some_and(|last| last.seconds > seconds) {
        return Err(format!(
            "expected rows in order of time, found {seconds} seconds after a later one"
        ));
    }
    let parent = if parent.is_empty() {
        None
    } else {
        Some(earlier(parent, message)?)
    };
    let bytes = number("bytes", bytes)?;
    if bytes > MAX_DOCUMENT - OVERHEAD {
        return Err(format!(
            "expected at most {} bytes, found {bytes}",
            MAX_DOCUMENT - OVERHEAD
        ));
    }
    Ok(Row {
        seconds,
        parent,
        author: author_index(author)?,
        bytes,
    })
}

fn earlier(text: &str, message: usize) -> Result<usize, String> {
    let parent = number("parent", text)?;
    if parent < message {
        return Ok(parent);
    }
    Err(format!(
        "expected the parent to be an earlier message than {message}, found {parent}"
    ))
}

/// Authors are nodes: their number bounds the memory of a run.
fn author_index(text: &str) -> Result<usize, String> {
    let author = number("author", text)?;
    if author < 1_000_000 {
        Ok(author)
    } else {
        Err(format!("expected an author below 1000000, found {author}"))
    }
}

fn number<T: std::str::FromStr>(column: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number in column `{column}`, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rows: &str) -> Result<Vec<Row>, Wrong> {
        parse(&format!("{HEADER}\n{rows}"))
    }

    #[test]
    fn rows_are_read_in_order() {
        let rows = with("10,0,,0,812\r\n12,1,0,5,620\n").expect("well formed");
        assert_eq!(
            rows[0],
            Row {
                seconds: 10,
                parent: None,
                author: 0,
                bytes: 812
            }
        );
        assert_eq!(
            rows[1],
            Row {
                seconds: 12,
                parent: Some(0),
                author: 5,
                bytes: 620
            }
        );
    }

    #[test]
    fn errors_name_the_line_and_what_was_expected() {
        let cases = [
            ("10,0,,0", 2, "expected 5 columns"),
            (
                "10,0,,0,1\nx,1,,0,1",
                3,
                "whole number in column `seconds`, found `x`",
            ),
            ("10,1,,0,1", 2, "expected message 0"),
            ("10,0,,0,1\n9,1,,0,1", 3, "in order of time"),
            ("10,0,0,0,1", 2, "earlier message than 0"),
            ("10,0,,0,-1", 2, "column `bytes`, found `-1`"),
            ("10,0,,0,999999999", 2, "expected at most"),
            ("10,0,,99999999,1", 2, "below 1000000"),
            ("", 2, "at least one message"),
        ];
        for (rows, line, detail) in cases {
            let (at, found) = with(rows).expect_err(rows);
            assert!(
                at == line && found.contains(detail),
                "{rows}: {at}: {found}"
            );
        }
        assert_eq!(parse("a,b\n").map_err(|(line, _)| line), Err(1));
        assert_eq!(parse("").map_err(|(line, _)| line), Err(1));
    }

    #[test]
    fn an_error_shows_the_file() {
        let error = read(Path::new("no/such.csv")).expect_err("missing");
        assert!(
            error
                .to_string()
                .starts_with("no/such.csv: cannot read the trace")
        );
        let error = TraceError { line: 7, ..error };
        assert!(error.to_string().starts_with("no/such.csv:7: "));
    }
}
