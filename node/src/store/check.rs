//! Is the store whole? SQLite looks at its pages, and we at every document.

use super::{FILE, schema};
use crate::fault::{Class, Fault};
use bytes::Bytes;
use cliqueclique_core::Document;
use cliqueclique_core::crypto::Ed25519Blake3;
use rusqlite::Connection;
use serde::Serialize;
use std::path::Path;

/// Most damaged documents that are named.
const NAMED: usize = 10;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Found {
    /// Documents that are whole.
    pub(crate) documents: u64,
}

/// Looks at the whole store; changes nothing.
///
/// # Errors
/// It is damaged; the message names what.
pub(crate) fn check(folder: &Path) -> Result<Found, Fault> {
    let path = folder.join(FILE);
    if !path.exists() {
        let message = format!("there is no store in {}", folder.display());
        return Err(Fault::new(Class::NotFound, message));
    }
    let store = schema::open(&path)?;
    let damaged = |text: String| {
        let message = format!("the store {} is damaged: {text}", path.display());
        Fault::new(Class::Store, message)
    };
    let failed = |error: rusqlite::Error| damaged(error.to_string());
    let pages: String = store
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .map_err(failed)?;
    if pages != "ok" {
        return Err(damaged(pages));
    }
    let (found, wrong) = documents(&store).map_err(failed)?;
    if wrong.is_empty() {
        return Ok(found);
    }
    let named = wrong.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let text = format!(
        "{} documents are not what they were ({}); {} are whole",
        wrong.len(),
        named.join(", "),
        found.documents
    );
    Err(damaged(text))
}

fn documents(store: &Connection) -> rusqlite::Result<(Found, Vec<String>)> {
    let mut all = store.prepare("SELECT id, CAST(bytes AS BLOB) FROM document")?;
    let mut rows = all.query([])?;
    let (mut found, mut wrong) = (Found::default(), Vec::new());
    while let Some(row) = rows.next()? {
        let (id, bytes): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let document = Document::parse(Bytes::from(bytes), &Ed25519Blake3).ok();
        let whole = |document: &Document| {
            document.id().0[..] == id[..] && document.is_signed(&Ed25519Blake3)
        };
        if document.is_some_and(|document| whole(&document)) {
            found.documents += 1;
        } else {
            wrong.push(crate::text::hex(&id));
        }
    }
    Ok((found, wrong))
}
