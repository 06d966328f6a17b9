//! Answers as lines for people, or as JSON for programs. Data goes to the output, the rest to
//! the error output.

use crate::fault::Fault;
use crate::store::ask::{Entry, Full};
use serde_json::{Value, json};
use std::io::Write;

/// Digits of an id in lists.
const SHORT: usize = 12;

/// How to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// As JSON.
    pub(crate) json: bool,
}

impl Output {
    /// A line of data. Who closed our output does not want it.
    pub(crate) fn line(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// An answer in either form.
    pub(crate) fn done(self, answer: &Value, text: &str) {
        if self.json {
            self.line(&answer.to_string());
        } else if !text.is_empty() {
            self.line(&harmless(text));
        }
    }

    /// A failure, on the error output.
    pub(crate) fn fault(self, fault: &Fault) {
        let text = if self.json {
            json!({ "fault": fault }).to_string()
        } else {
            format!("error: {}", harmless(&fault.message))
        };
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Documents.
    pub(crate) fn entries(self, entries: &[Entry]) {
        if self.json {
            self.line(&json!(entries).to_string());
            return;
        }
        for entry in entries {
            let new = if entry.read { ' ' } else { '*' };
            let kept = if entry.bookmarked { " [kept]" } else { "" };
            let mode = entry.mode.map(|mode| format!(" [{mode}]"));
            let line = format!(
                "{} {new} {}{}  ({}, {} comments){kept}{}",
                &entry.id[..SHORT],
                "  ".repeat(entry.depth),
                entry.subject,
                &entry.author[..8],
                entry.comments,
                mode.unwrap_or_default(),
            );
            self.line(&harmless(&line));
        }
    }

    /// One document.
    pub(crate) fn full(self, full: &Full) {
        if self.json {
            self.line(&json!(full).to_string());
            return;
        }
        let mut head = format!("id      {}\nauthor  {}\n", full.entry.id, full.entry.author);
        head += &format!(
            "date    {} (seconds since 1970, the author's word)\n",
            full.entry.created
        );
        for parent in &full.parents {
            head += &format!("below   {parent}\n");
        }
        for child in &full.children {
            head += &format!("attach  {child}\n");
        }
        self.line(&harmless(&format!("{head}\n{}", full.body)));
    }

    /// A JSON object as `name  value` lines, or as it is.
    pub(crate) fn table(self, value: &Value) {
        if self.json {
            self.line(&value.to_string());
            return;
        }
        match value {
            Value::Array(rows) => rows.iter().for_each(|row| self.line(&row_of(row))),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.field(name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.line(&plain(value));
            }
        }
    }

    fn field(self, name: &str, value: &Value) {
        let name = name.replace('_', " ");
        match value {
            Value::Null => {}
            Value::Array(rows) => {
                self.line(&format!("{name:<24} {}", rows.len()));
                rows.iter()
                    .for_each(|row| self.line(&format!("  {}", row_of(row))));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                self.line(&format!("{name:<24} {}", plain(value)));
            }
        }
    }
}

fn plain(value: &Value) -> String {
    harmless(
        &value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}

fn row_of(row: &Value) -> String {
    row.as_object().map_or_else(
        || plain(row),
        |fields| {
            let fields = fields.iter();
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)))
                .collect();
            fields.join("  ")
        },
    )
}

/// Text from elsewhere without what a terminal would obey.
fn harmless(text: &str) -> String {
    let allowed = |c: char| (!c.is_control() || c == '\n' || c == '\t') && !turns(c);
    text.chars().filter(|c| allowed(*c)).collect()
}

/// True for what makes text stand in another order than it was written, or hides in it.
fn turns(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_cannot_command_a_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{9b}c\td"), "a[2Jb\nc\td");
        assert_eq!(harmless("a\u{202e}cba\u{2066}x\u{2069}\u{200f}"), "acbax");
    }
}
