//! Is the store whole? SQLite looks at its pages; we look at every document and record, and
//! whether the tables agree with each other. Nothing is written.

pub(super) mod content;
pub(super) mod rules;

use super::{FILE, schema};
use crate::fault::{Class, Fault};
use rusqlite::Connection;
use serde::Serialize;
use std::path::Path;

/// Most things that are named of one kind.
const NAMED: usize = 10;

/// Things of one kind that are not as they should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Damage {
    /// What kind.
    pub(crate) what: String,
    /// How many.
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) named: Vec<String>,
}

impl Damage {
    pub(super) fn new(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            count: 0,
            named: Vec::new(),
        }
    }

    /// One more.
    pub(super) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(name());
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let more = self.count > self.named.len() as u64;
        let more = if more { ", …" } else { "" };
        format!(
            "{}: {} ({}{more})",
            self.what,
            self.count,
            self.named.join(", ")
        )
    }
}

/// What was looked at.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Version of the store.
    pub(crate) version: usize,
    /// Version that a node makes of it when it starts.
    pub(crate) newest: usize,
    /// Documents that are whole.
    pub(crate) documents: u64,
    /// What is damaged.
    pub(crate) damage: Vec<Damage>,
    /// What is worth knowing, but no damage.
    pub(crate) notes: Vec<Damage>,
}

impl Report {
    pub(super) fn note(&mut self, damage: Damage) {
        if damage.count > 0 {
            self.damage.push(damage);
        }
    }

    /// A look that could not be finished is a find, too.
    fn unread(&mut self, place: &str, error: &rusqlite::Error) {
        let mut damage = Damage::new("what cannot be read");
        damage.add(|| format!("{place}: {error}"));
        self.damage.push(damage);
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("the store is whole: {} documents", self.documents);
        if self.version < self.newest {
            text += &format!(
                "\nit has version {}, and was left so; a node that starts makes version {} of it",
                self.version, self.newest
            );
        }
        for note in &self.notes {
            text += &format!("\nnote: {}", note.line());
        }
        text
    }
}

/// Looks at the whole store; changes nothing.
///
/// # Errors
/// There is none, it cannot be opened, or is of a newer version.
pub(crate) fn look(folder: &Path) -> Result<Report, Fault> {
    let path = folder.join(FILE);
    if !path.exists() {
        let message = format!("there is no store in {}", folder.display());
        return Err(Fault::new(Class::NotFound, message));
    }
    let (store, version) = schema::open_as_it_is(&path)?;
    Ok(look_at(&store, version))
}

/// As [`look`]; damage is an error.
///
/// # Errors
/// As [`look`], or the store is damaged; the message names what.
pub(crate) fn check(folder: &Path) -> Result<Report, Fault> {
    let report = look(folder)?;
    match fault(folder, &report) {
        Some(fault) => Err(fault),
        None => Ok(report),
    }
}

/// What to say of a damaged store.
pub(crate) fn fault(folder: &Path, report: &Report) -> Option<Fault> {
    let lines: Vec<String> = report.damage.iter().map(Damage::line).collect();
    let message = format!(
        "the store {} is damaged; {} documents are whole\n{}\n\
         stop the node and mend it with `cliqueclique check --repair`, or restore a backup",
        folder.join(FILE).display(),
        report.documents,
        lines.join("\n")
    );
    (!lines.is_empty()).then(|| Fault::new(Class::Store, message))
}

/// Looks at a store as it is at one moment.
pub(super) fn look_at(store: &Connection, version: usize) -> Report {
    let mut report = Report {
        version,
        newest: schema::NEWEST,
        ..Report::default()
    };
    let looked = store.unchecked_transaction().map(|moment| {
        pages(&moment, &mut report);
        content::look(&moment, &mut report);
        rules::look(&moment, &mut report);
    });
    if let Err(error) = looked {
        report.unread("the store", &error);
    }
    report
}

fn pages(store: &Connection, report: &mut Report) {
    let mut wrong = Damage::new("pages of the file that do not fit");
    let found = (|| -> rusqlite::Result<()> {
        let mut look = store.prepare("PRAGMA integrity_check")?;
        let mut rows = look.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            if text != "ok" {
                wrong.add(|| text.replace('\n', " "));
            }
        }
        Ok(())
    })();
    report.note(wrong);
    if let Err(error) = found {
        report.unread("pages", &error);
    }
}
