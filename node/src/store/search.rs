//! Full-text search: an index of the words of all bodies, kept by the same transactions as the
//! documents.

use super::ask::{Entry, Reader, failed};
use crate::fault::{Class, Fault};
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Document, DocumentId};
use rusqlite::{Connection, params};

/// Adds a document's words.
pub(super) fn index(store: &Connection, number: i64, document: &Document) -> rusqlite::Result<()> {
    store
        .prepare_cached("INSERT INTO words (rowid, body) VALUES (?1, ?2)")?
        .execute(params![number, String::from_utf8_lossy(document.body())])
        .map(drop)
}

/// Adds all documents of a store that had no words yet. Damaged ones have none.
pub(super) fn index_all(store: &Connection) -> rusqlite::Result<()> {
    let mut all = store.prepare("SELECT number, CAST(bytes AS BLOB) FROM document")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(1)?;
        if let Ok(document) = Document::parse(Bytes::from(bytes), &Ed25519Blake3) {
            index(store, row.get(0)?, &document)?;
        }
    }
    Ok(())
}

/// The words as FTS5 wants them: each quoted, so that none is taken for an operator.
fn quoted(text: &str) -> String {
    let words = text.split_whitespace();
    let words: Vec<String> = words
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    words.join(" ")
}

impl Reader {
    /// Documents that the account holds and that have all these words, best first.
    ///
    /// # Errors
    /// There is no word, or the store cannot be read.
    pub(crate) fn search(&self, text: &str, most: usize) -> Result<Vec<Entry>, Fault> {
        if !text.chars().any(char::is_alphanumeric) {
            let message = format!("'{text}' has no word to search for");
            return Err(Fault::new(Class::Usage, message));
        }
        let ids = self.matching(&quoted(text), most);
        let ids = ids.map_err(|error| failed(&error))?;
        ids.iter().map(|id| self.listed(id, 0)).collect()
    }

    fn matching(&self, query: &str, most: usize) -> rusqlite::Result<Vec<DocumentId>> {
        let mut find = self.store.prepare(
            "SELECT d.id FROM words JOIN document d ON d.number = words.rowid
             JOIN holding h ON h.document = d.number
             WHERE words MATCH ?1 AND h.account = ?2 AND NOT h.hidden ORDER BY rank LIMIT ?3",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        find.query_map(params![query, self.account, most], |row| {
            row.get(0).map(DocumentId)
        })?
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_an_operator() {
        let store = Connection::open_in_memory().expect("opened");
        store
            .execute_batch(
                "CREATE VIRTUAL TABLE words USING fts5(body, content='', contentless_delete=1)",
            )
            .expect("made");
        for text in [
            "foo\"",
            "AND",
            "col:x",
            "(",
            "NEAR(a b)",
            "a*",
            "-b",
            "^c",
            "{d}",
        ] {
            let found: i64 = store
                .query_row(
                    "SELECT count(*) FROM words WHERE words MATCH ?1",
                    [quoted(text)],
                    |row| row.get(0),
                )
                .expect(text);
            assert_eq!(found, 0);
        }
    }
}
