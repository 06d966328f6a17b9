//! Finding documents by words, author, place and time.

use super::ask::{Reader, failed};
use super::browse::{MOST_STEPS, TRIED};
use crate::fault::{Class, Fault};
use cliqueclique_core::{Document, DocumentId, NodeId};
use rusqlite::{params_from_iter, types::Value};

/// What is looked for; all of it must fit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Words.
    pub(crate) words: String,
    /// Author.
    pub(crate) author: Option<NodeId>,
    /// Below this document, or it.
    pub(crate) below: Option<DocumentId>,
    /// Written at this second or later, as authors claim.
    pub(crate) since: Option<i64>,
    /// Written before this second.
    pub(crate) until: Option<i64>,
}

impl Wanted {
    /// True if nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.trim().is_empty() && self.author.is_none() && self.below.is_none()
    }

    /// `hits` is the order of what words found.
    fn query(
        &self,
        account: i64,
        hits: &'static str,
        skip: usize,
        most: usize,
    ) -> (String, Vec<Value>) {
        let number = |count: usize| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        let mut values = vec![Value::Integer(account)];
        let (mut with, mut from) = (String::new(), String::new());
        let mut limits = "h.account = ? AND NOT h.hidden".to_owned();
        let mut order = "d.created DESC, d.id";
        if let Some(below) = self.below {
            with = "WITH RECURSIVE under (id) AS (
                    VALUES (?) UNION SELECT c.comment FROM comment c JOIN under u ON c.parent = u.id) "
                .to_owned();
            from += " JOIN under u ON u.id = d.id";
            values.insert(0, Value::Blob(below.0.to_vec()));
        }
        if !self.words.trim().is_empty() {
            from += " JOIN words ON words.rowid = d.number";
            limits += " AND words MATCH ?";
            values.push(Value::Text(super::search::quoted(&self.words)));
            order = hits;
        }
        if let Some(author) = self.author {
            limits += " AND d.author = ?";
            values.push(Value::Blob(author.0.to_vec()));
        }
        for (limit, value) in [
            (" AND d.created >= ?", self.since),
            (" AND d.created < ?", self.until),
        ] {
            if let Some(value) = value {
                limits += limit;
                values.push(Value::Integer(value));
            }
        }
        values.extend([number(most), number(skip)]);
        // Without words the newest come first, as an index has them: not all are to be sorted.
        let documents = match (self.below, self.words.trim(), self.author) {
            (None, "", None) => "document d INDEXED BY document_created CROSS JOIN holding h",
            (None, "", Some(_)) => "document d INDEXED BY document_author CROSS JOIN holding h",
            _ => "document d JOIN holding h",
        };
        let sql = format!(
            "{with}SELECT d.id FROM {documents} ON h.document = d.number{from}
             WHERE {limits} ORDER BY {order} LIMIT ? OFFSET ?"
        );
        (sql, values)
    }
}

impl Reader {
    /// Documents that fit: with words the best first, of very many the latest; else the newest.
    ///
    /// # Errors
    /// There is no word among the words, or the store cannot be read.
    pub(crate) fn find(
        &mut self,
        wanted: &Wanted,
        skip: usize,
        most: usize,
    ) -> Result<Vec<Document>, Fault> {
        let words = wanted.words.trim();
        if !words.is_empty() && !words.chars().any(char::is_alphanumeric) {
            let message = format!("'{words}' has no word to search for: type a letter or a digit");
            return Err(Fault::new(Class::Usage, message));
        }
        let hits = match words {
            "" => "",
            _ => self
                .order(&super::search::quoted(words))
                .map_err(|error| failed(&error))?,
        };
        let found = match wanted.below {
            Some(below) if self.has_many(&below).map_err(|error| failed(&error))? => {
                self.hits_below(wanted, &below, hits, (skip, most))?
            }
            Some(_) | None => None,
        };
        let found = match found {
            Some(found) => found,
            None => {
                let query = wanted.query(self.account, hits, skip, most);
                self.ids_of(query).map_err(|error| failed(&error))?
            }
        };
        found.iter().map(|id| self.document(id)).collect()
    }

    fn ids_of(&self, (sql, values): (String, Vec<Value>)) -> rusqlite::Result<Vec<DocumentId>> {
        let mut find = self.store.prepare_cached(&sql)?;
        find.query_map(params_from_iter(values), |row| row.get(0).map(DocumentId))?
            .collect()
    }

    /// Below a large forum: of what fits otherwise, that from which a way leads up to it. Nothing if
    /// that is not soon enough of what is wanted.
    fn hits_below(
        &self,
        wanted: &Wanted,
        below: &DocumentId,
        hits: &'static str,
        (skip, most): (usize, usize),
    ) -> Result<Option<Vec<DocumentId>>, Fault> {
        let anywhere = Wanted {
            below: None,
            ..wanted.clone()
        };
        let (sql, values) = anywhere.query(self.account, hits, 0, TRIED);
        let wrong = |error: rusqlite::Error| failed(&error);
        let mut find = self.store.prepare_cached(&sql).map_err(wrong)?;
        let tried = find.query_map(params_from_iter(values), |row| row.get(0).map(DocumentId));
        let (mut found, mut passed, mut steps, mut count) = (Vec::new(), 0, 0, 0);
        // One by one: most often the first few are enough.
        for candidate in tried.map_err(wrong)? {
            let candidate = candidate.map_err(wrong)?;
            count += 1;
            if found.len() == most {
                return Ok(Some(found));
            }
            let above = self.above(&candidate)?;
            steps += above.len();
            if above.contains(below) {
                passed += 1;
                if passed > skip {
                    found.push(candidate);
                }
            }
            if steps >= MOST_STEPS {
                return Ok(None);
            }
        }
        Ok((count < TRIED || found.len() == most).then_some(found))
    }
}
