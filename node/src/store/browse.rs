//! What pages ask of the store that commands do not: some of the comments of a document, the newest
//! of a forum, and whether a document belongs to one.

use super::ask::{Reader, failed};
use crate::fault::Fault;
use cliqueclique_core::{Document, DocumentId};
use rusqlite::params;

/// Most documents looked at on the way up from one to its forum: comments can be attached in
/// circles, and below very many others.
const MOST_ABOVE: i64 = 4_096;
/// Fewer documents than this below one are all looked at to find its newest; if there are more,
/// the newest of the account are tried first. Guess.
const FEW: usize = 256;
/// Most of the newest that are tried. Guess.
pub(super) const TRIED: usize = 4_096;
/// Most steps upwards while they are tried, a few microseconds each. Guess.
pub(super) const MOST_STEPS: usize = 8_192;

/// A document and how many comments are held directly below it.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// The document.
    pub(crate) document: Document,
    /// Comments.
    pub(crate) comments: u64,
}

fn ids(row: &rusqlite::Row<'_>) -> rusqlite::Result<DocumentId> {
    row.get(0).map(DocumentId)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Reader {
    /// One document, with the number of its comments.
    ///
    /// # Errors
    /// It is not here, or the store cannot be read.
    pub(crate) fn counted(&self, id: &DocumentId) -> Result<Counted, Fault> {
        let document = self.document(id)?;
        let comments = self.comments(id).map_err(|error| failed(&error))?;
        Ok(Counted { document, comments })
    }

    /// True if the user does not want to see it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn hides(&self, id: &DocumentId) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT 1 FROM holding h JOIN document d ON d.number = h.document
                   WHERE h.account = ?1 AND d.id = ?2 AND h.hidden)";
        let hidden = self
            .store
            .prepare_cached(sql)
            .and_then(|mut find| find.query_row(params![self.account, id.0], |row| row.get(0)));
        hidden.map_err(|error| failed(&error))
    }

    /// Number of the comments held below a document.
    pub(super) fn comments(&self, id: &DocumentId) -> rusqlite::Result<u64> {
        let mut find = self
            .store
            .prepare_cached("SELECT count(*) FROM reply WHERE account = ?1 AND parent = ?2")?;
        let count: i64 = find.query_row(params![self.account, id.0], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Some of the comments held below a document, the oldest first.
    pub(super) fn piece_below(
        &self,
        id: &DocumentId,
        skip: usize,
        most: usize,
    ) -> rusqlite::Result<Vec<DocumentId>> {
        let mut find = self.store.prepare_cached(
            "SELECT id FROM reply WHERE account = ?1 AND parent = ?2
             ORDER BY created, id LIMIT ?3 OFFSET ?4",
        )?;
        let values = params![self.account, id.0, number(most), number(skip)];
        find.query_map(values, ids)?.collect()
    }

    /// Some of the comments below a document, the oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn some_below(
        &self,
        id: &DocumentId,
        skip: usize,
        most: usize,
    ) -> Result<Vec<Counted>, Fault> {
        let found = self.piece_below(id, skip, most);
        let found = found.map_err(|error| failed(&error))?;
        found.iter().map(|id| self.counted(id)).collect()
    }

    /// A document and those held below it, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn newest(&self, id: &DocumentId, most: usize) -> Result<Vec<Document>, Fault> {
        let mut found = Vec::new();
        if self.has_many(id).map_err(|error| failed(&error))? {
            found = self.newest_from_above(id, most)?;
        }
        if found.len() < most {
            // Of few documents, or old ones under many others.
            found = self
                .newest_under(id, most)
                .map_err(|error| failed(&error))?;
        }
        found.iter().map(|id| self.document(id)).collect()
    }

    pub(super) fn has_many(&self, id: &DocumentId) -> rusqlite::Result<bool> {
        let mut count = self.store.prepare_cached(
            "WITH RECURSIVE under (id) AS (
               VALUES (?1) UNION SELECT c.comment FROM comment c JOIN under u ON c.parent = u.id
               LIMIT ?2)
             SELECT count(*) FROM under",
        )?;
        let few = number(FEW);
        let under: i64 = count.query_row(params![id.0, few], |row| row.get(0))?;
        Ok(under >= few)
    }

    /// By going down.
    pub(super) fn newest_under(
        &self,
        id: &DocumentId,
        most: usize,
    ) -> rusqlite::Result<Vec<DocumentId>> {
        let mut find = self.store.prepare_cached(
            "WITH RECURSIVE under (id) AS (
               VALUES (?1) UNION SELECT c.comment FROM comment c JOIN under u ON c.parent = u.id)
             SELECT d.id FROM under u CROSS JOIN document d ON d.id = u.id
             CROSS JOIN holding h ON h.document = d.number
             WHERE h.account = ?2 AND NOT h.hidden ORDER BY d.created DESC, d.id LIMIT ?3",
        )?;
        find.query_map(params![id.0, self.account, number(most)], ids)?
            .collect()
    }

    /// By going up from the newest; not all, if they are old.
    fn newest_from_above(&self, id: &DocumentId, most: usize) -> Result<Vec<DocumentId>, Fault> {
        let sql = "SELECT d.id FROM document d INDEXED BY document_created
                   CROSS JOIN holding h ON h.document = d.number
                   WHERE h.account = ?1 AND NOT h.hidden ORDER BY d.created DESC, d.id LIMIT ?2";
        let wrong = |error: rusqlite::Error| failed(&error);
        let mut find = self.store.prepare_cached(sql).map_err(wrong)?;
        let newest = find.query_map(params![self.account, number(TRIED)], ids);
        let (mut found, mut steps) = (Vec::new(), 0);
        // One by one: most often the first few are enough.
        for candidate in newest.map_err(wrong)? {
            let candidate = candidate.map_err(wrong)?;
            if found.len() == most || steps >= MOST_STEPS {
                break;
            }
            let above = self.above(&candidate)?;
            steps += above.len();
            if above.contains(id) {
                found.push(candidate);
            }
        }
        Ok(found)
    }

    /// Documents above one, itself among them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn above(&self, id: &DocumentId) -> Result<Vec<DocumentId>, Fault> {
        let found = || -> rusqlite::Result<Vec<DocumentId>> {
            let mut find = self.store.prepare_cached(
                "WITH RECURSIVE above (id) AS (
                   VALUES (?1) UNION SELECT c.parent FROM comment c JOIN above a ON c.comment = a.id
                   LIMIT ?2)
                 SELECT id FROM above",
            )?;
            find.query_map(params![id.0, MOST_ABOVE], ids)?.collect()
        };
        found().map_err(|error| failed(&error))
    }
}
