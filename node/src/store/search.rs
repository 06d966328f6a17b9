//! Full-text search: an index of the words of all bodies. It lags behind the documents, since it
//! costs more than all else that is stored of them: the store's thread catches up when it has
//! nothing else to do, and a search before it looks.
//!
//! Documents are indexed in the order of their numbers, and a document that goes takes its words
//! along in the same transaction. So the index has all up to the highest number that it has.

use super::ask::{Entry, Reader, failed};
use crate::fault::{Class, Fault};
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Document, DocumentId};
use rusqlite::{Connection, TransactionBehavior, params};

/// Documents indexed in one transaction: a writer waits for at most so many. Guess.
const SOME: usize = 128;

/// Most hits that are ranked: some 25 ms of long documents. More of them come latest first, since
/// the best of so many say little, and none is left out.
const RANKED: i64 = 10_000;

/// Adds a document's words. A damaged one has none, but counts as indexed.
fn index(store: &Connection, number: i64, bytes: Vec<u8>) -> rusqlite::Result<()> {
    let document = Document::parse(Bytes::from(bytes), &Ed25519Blake3).ok();
    let body = document.as_ref().map_or(&b""[..], |it| it.body());
    store
        .prepare_cached("INSERT INTO words (rowid, body) VALUES (?1, ?2)")?
        .execute(params![
            number,
            crate::web::attachment::words(&String::from_utf8_lossy(body))
        ])
        .map(drop)
}

/// Adds the words of some documents that are not in the index yet; false if none was left out.
///
/// # Errors
/// The store cannot be read or written; nothing was added.
pub(super) fn catch_up(store: &mut Connection) -> rusqlite::Result<bool> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let more = some(&transaction)?;
    transaction.commit()?;
    Ok(more)
}

/// As [`catch_up`], in a transaction of the caller.
///
/// # Errors
/// The store cannot be read or written.
pub(crate) fn some(transaction: &Connection) -> rusqlite::Result<bool> {
    let rows: Vec<(i64, Vec<u8>)> = {
        let mut next = transaction.prepare_cached(
            "SELECT number, CAST(bytes AS BLOB) FROM document
             WHERE number > (SELECT coalesce(max(id), 0) FROM words_docsize)
             ORDER BY number LIMIT ?1",
        )?;
        let most = i64::try_from(SOME).unwrap_or(i64::MAX);
        next.query_map([most], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?
    };
    let found = rows.len();
    for (number, bytes) in rows {
        index(transaction, number, bytes)?;
    }
    Ok(found == SOME)
}

/// The words as FTS5 wants them: each quoted, so that none is taken for an operator.
pub(super) fn quoted(text: &str) -> String {
    let words = text.split_whitespace();
    let words: Vec<String> = words
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    words.join(" ")
}

impl Reader {
    /// True if there are documents whose words are not in the index yet.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn lags(&self) -> Result<bool, Fault> {
        let sql = "SELECT coalesce((SELECT max(number) FROM document), 0)
                   > coalesce((SELECT max(id) FROM words_docsize), 0)";
        let lags = self.store.query_row(sql, [], |row| row.get(0));
        lags.map_err(|error| failed(&error))
    }

    /// Documents that the account holds and that have all these words, best first; of very many the
    /// latest first.
    ///
    /// # Errors
    /// There is no word, or the store cannot be read.
    pub(crate) fn search(&mut self, text: &str, most: usize) -> Result<Vec<Entry>, Fault> {
        if !text.chars().any(char::is_alphanumeric) {
            let message = format!("'{text}' has no word to search for");
            return Err(Fault::new(Class::Usage, message));
        }
        // On a disk that cannot be written the words of the latest documents are missing.
        while catch_up(&mut self.store).unwrap_or(false) {}
        let ids = self.matching(&quoted(text), most);
        let ids = ids.map_err(|error| failed(&error))?;
        ids.iter().map(|id| self.listed(id, 0)).collect()
    }

    /// In what order hits of these words are shown.
    pub(super) fn order(&self, query: &str) -> rusqlite::Result<&'static str> {
        let mut count = self.store.prepare_cached(
            "SELECT count(*) FROM (SELECT rowid FROM words WHERE words MATCH ?1 LIMIT ?2)",
        )?;
        let hits: i64 = count.query_row(params![query, RANKED + 1], |row| row.get(0))?;
        Ok(if hits > RANKED {
            "words.rowid DESC"
        } else {
            "rank"
        })
    }

    fn matching(&self, query: &str, most: usize) -> rusqlite::Result<Vec<DocumentId>> {
        let order = self.order(query)?;
        let mut find = self.store.prepare_cached(&format!(
            "SELECT d.id FROM words JOIN document d ON d.number = words.rowid
             JOIN holding h ON h.document = d.number
             WHERE words MATCH ?1 AND h.account = ?2 AND NOT h.hidden ORDER BY {order} LIMIT ?3"
        ))?;
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
