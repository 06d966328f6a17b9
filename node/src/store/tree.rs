//! What pages read of documents: a bounded piece of what stands below one, and what it belongs to.

use super::ask::{Entry, Reader, failed};
use crate::fault::Fault;
use cliqueclique_core::DocumentId;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

/// Deepest that a page shows at once; deeper ones have a page of their own.
const DEEPEST: usize = 6;
/// Most documents on a page.
const MOST: usize = 250;
/// Direct comments on a page.
pub(crate) const DIRECT: usize = 50;

/// A document and some of what stands below it.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// The document.
    pub(crate) entry: Entry,
    /// Some of what stands below it.
    pub(crate) below: Vec<Branch>,
    /// Comments that are left out here.
    pub(crate) more: usize,
}

impl Reader {
    /// Direct comments from the one numbered `skip`, with some of what stands below them; and how
    /// many there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn branches(
        &self,
        id: &DocumentId,
        skip: usize,
    ) -> Result<(Vec<Branch>, usize), Fault> {
        let total = self.comments(id).map_err(|error| failed(&error))?;
        let shown = self.piece_below(id, skip, DIRECT);
        let shown = shown.map_err(|error| failed(&error))?;
        let mut room = MOST;
        let mut path = vec![*id];
        let branches = shown.iter().map(|id| self.branch(id, &mut path, &mut room));
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        Ok((branches.collect::<Result<_, _>>()?, total))
    }

    /// `path` has what stands above it: comments can be attached in circles.
    fn branch(
        &self,
        id: &DocumentId,
        path: &mut Vec<DocumentId>,
        room: &mut usize,
    ) -> Result<Branch, Fault> {
        let entry = self.listed(id, path.len())?;
        *room = room.saturating_sub(1);
        let below = self.below(id).map_err(|error| failed(&error))?;
        let mut branch = Branch {
            entry,
            below: Vec::new(),
            more: 0,
        };
        path.push(*id);
        for next in below {
            if path.contains(&next) {
                continue;
            }
            if *room == 0 || path.len() > DEEPEST {
                branch.more += 1;
            } else {
                branch.below.push(self.branch(&next, path, room)?);
            }
        }
        path.pop();
        Ok(branch)
    }

    /// The account's own node id, hex.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn own(&self) -> Result<String, Fault> {
        let sql = "SELECT node FROM account WHERE number = ?1";
        let node = self.store.query_row(sql, [self.account], |row| row.get(0));
        let node: Vec<u8> = node.map_err(|error| failed(&error))?;
        Ok(crate::text::hex(&node))
    }

    /// A document in lists, if it is here.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn if_held(&self, id: &DocumentId) -> Result<Option<Entry>, Fault> {
        if self.holds(id)? {
            return self.listed(id, 0).map(Some);
        }
        Ok(None)
    }

    /// The highest number of a document: it grows with each that comes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn latest(&self) -> Result<i64, Fault> {
        let sql = "SELECT coalesce(max(document), 0) FROM holding WHERE account = ?1";
        let found = || {
            self.store
                .prepare_cached(sql)?
                .query_row([self.account], |row| row.get(0))
        };
        found().map_err(|error| failed(&error))
    }

    /// The documents that came last, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn arrivals(&self, most: i64) -> Result<Vec<Entry>, Fault> {
        let sql = "SELECT d.id FROM holding h JOIN document d ON d.number = h.document
                   WHERE h.account = ?1 AND NOT h.hidden ORDER BY h.document DESC LIMIT ?2";
        let found = || -> rusqlite::Result<Vec<DocumentId>> {
            let row = |row: &Row<'_>| row.get(0).map(DocumentId);
            self.store
                .prepare_cached(sql)?
                .query_map(params![self.account, most], row)?
                .collect()
        };
        let found = found().map_err(|error| failed(&error))?;
        found.iter().map(|id| self.listed(id, 0)).collect()
    }

    /// Bookmarked documents that are here.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn bookmarks(&self) -> Result<Vec<Entry>, Fault> {
        let sql = "SELECT b.id FROM bookmark b JOIN document d ON d.id = b.id
                   JOIN holding h ON h.document = d.number AND h.account = b.account
                   WHERE b.account = ?1 ORDER BY d.number DESC LIMIT 500";
        let found = || -> rusqlite::Result<Vec<DocumentId>> {
            let row = |row: &Row<'_>| row.get(0).map(DocumentId);
            self.store
                .prepare_cached(sql)?
                .query_map([self.account], row)?
                .collect()
        };
        let found = found().map_err(|error| failed(&error))?;
        found.iter().map(|id| self.listed(id, 0)).collect()
    }

    /// All drafts, the one changed last first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn drafts(&self) -> Result<Vec<Draft>, Fault> {
        let sql = "SELECT below, body, changed FROM draft WHERE account = ?1
                   ORDER BY changed DESC, below LIMIT 1000";
        let row = |row: &Row<'_>| {
            let below: Vec<u8> = row.get(0)?;
            Ok(Draft {
                below: (!below.is_empty()).then(|| crate::text::hex(&below)),
                text: row.get(1)?,
                changed: row.get(2)?,
            })
        };
        let found = || -> rusqlite::Result<Vec<Draft>> {
            self.store
                .prepare_cached(sql)?
                .query_map([self.account], row)?
                .collect()
        };
        found().map_err(|error| failed(&error))
    }

    /// What was typed below a document and not posted yet; below none for a new forum.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn draft(&self, below: Option<&DocumentId>) -> Result<Option<String>, Fault> {
        let below = below.map_or(&[][..], |id| &id.0);
        let sql = "SELECT body FROM draft WHERE account = ?1 AND below = ?2";
        let found = || {
            let mut find = self.store.prepare_cached(sql)?;
            find.query_row(params![self.account, below], |row| row.get(0))
                .optional()
        };
        found().map_err(|error| failed(&error))
    }
}

/// What was typed and not posted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Draft {
    /// The document that it answers; none for a new forum.
    pub(crate) below: Option<String>,
    /// The text.
    pub(crate) text: String,
    /// When it was changed, seconds since 1970.
    pub(crate) changed: i64,
}

/// Keeps what was typed; drops it if it is empty.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn keep_draft(
    store: &Transaction<'_>,
    account: &str,
    below: Option<&DocumentId>,
    body: &str,
    now: i64,
) -> Result<(), Fault> {
    let below = below.map_or(&[][..], |id| &id.0);
    let of = "account = (SELECT number FROM account WHERE name = ?1)";
    let sql = if body.is_empty() {
        format!("DELETE FROM draft WHERE {of} AND below = ?2 AND ?3 = '' AND ?4")
    } else {
        "INSERT INTO draft (account, below, body, changed)
         SELECT number, ?2, ?3, ?4 FROM account WHERE name = ?1
         ON CONFLICT DO UPDATE SET body = excluded.body, changed = excluded.changed"
            .to_owned()
    };
    let keep = store.execute(&sql, params![account, below, body, now]);
    keep.map(drop).map_err(|error| failed(&error))
}
