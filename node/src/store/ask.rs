//! What people ask of the store: lists, threads, single documents. Each command reads on a
//! connection of its own, while the node writes on another.

use super::{FILE, schema};
use crate::fault::{Class, Fault};
use crate::text;
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Document, DocumentId, Mode};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use std::path::Path;

/// Fewest digits of a shortened id.
const SHORTEST: usize = 4;
/// Deepest thread that is shown; comments can be attached in circles.
const DEEPEST: usize = 256;

/// Names of modes, by their number in the tables.
const MODES: [&str; 3] = ["hold", "subscribe", "follow"];

/// A kind of mark that a user sets on documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is kept.
    Bookmark,
    /// It was read.
    Read,
    /// The user chose a part in its network.
    Wish,
}

impl Mark {
    fn table(self) -> &'static str {
        match self {
            Self::Bookmark => "bookmark",
            Self::Read => "read_mark",
            Self::Wish => "wish",
        }
    }

    /// The step that sets it.
    pub(super) fn op(self, id: DocumentId, mode: Option<&str>) -> super::Op {
        let number = MODES.iter().position(|name| Some(*name) == mode);
        let mode = number.and_then(|number| {
            [Mode::Hold, Mode::Subscribe, Mode::Follow]
                .get(number)
                .copied()
        });
        match self {
            Self::Bookmark => super::Op::Bookmark(id, true),
            Self::Read => super::Op::Read(id, true),
            Self::Wish => super::Op::Wish(id, mode),
        }
    }
}

/// One document as lists show it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// Its id, hex.
    pub(crate) id: String,
    /// The author's node id, hex.
    pub(crate) author: String,
    /// The author's claim of the date, seconds since 1970.
    pub(crate) created: u64,
    /// First line of the body.
    pub(crate) subject: String,
    /// How deep it stands below what was asked for.
    pub(crate) depth: usize,
    /// Comments held directly below it.
    pub(crate) comments: u64,
    /// The user has read it.
    pub(crate) read: bool,
    /// The user bookmarked it.
    pub(crate) bookmarked: bool,
    /// What the user chose: hold, subscribe, follow; nothing if inherited.
    pub(crate) mode: Option<&'static str>,
}

/// One document in full.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Full {
    /// As in lists.
    #[serde(flatten)]
    pub(crate) entry: Entry,
    /// What it comments on.
    pub(crate) parents: Vec<String>,
    /// What it attaches.
    pub(crate) children: Vec<String>,
    /// Content, as text.
    pub(crate) body: String,
}

/// Reads the store for one account.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) store: Connection,
    pub(super) account: i64,
}

pub(super) fn failed(error: &rusqlite::Error) -> Fault {
    Fault::new(Class::Store, format!("the store cannot be read: {error}"))
}

impl Reader {
    /// Opens the store of a data folder.
    ///
    /// # Errors
    /// There is none, it cannot be used, or it does not know the account.
    pub(crate) fn open(folder: &Path, account: &str) -> Result<Self, Fault> {
        let path = folder.join(FILE);
        if !path.exists() {
            let message = format!(
                "there is no store in {}: make it with `cliqueclique init`",
                folder.display()
            );
            return Err(Fault::new(Class::NotFound, message));
        }
        Self::on(schema::open(&path)?, account)
    }

    /// Reads on a connection that is open already.
    ///
    /// # Errors
    /// The store does not know the account, or cannot be read.
    pub(crate) fn on(store: Connection, account: &str) -> Result<Self, Fault> {
        let number = store
            .query_row(
                "SELECT number FROM account WHERE name = ?1",
                [account],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| failed(&error))?;
        let account = number.ok_or_else(|| {
            let message = format!(
                "there is no account '{account}' here; `cliqueclique status` names those that are"
            );
            Fault::new(Class::NotFound, message)
        })?;
        Ok(Self { store, account })
    }

    /// Gives the connection back.
    pub(crate) fn done(self) -> Connection {
        self.store
    }

    /// The id that a text means: all 64 digits, or the first few if only one document here
    /// begins so.
    ///
    /// # Errors
    /// No id, or not exactly one document.
    pub(crate) fn resolve(&self, text: &str) -> Result<DocumentId, Fault> {
        if let Some(id) = text::unhex(text) {
            return Ok(DocumentId(id));
        }
        let digits = text.chars().all(|digit| digit.is_ascii_hexdigit());
        if !digits || text.len() < SHORTEST || text.len() >= 64 {
            let message = format!(
                "'{text}' is no document id: expected 64 hex digits, or the first \
                 {SHORTEST} or more of a document that is here"
            );
            return Err(Fault::new(Class::Usage, message));
        }
        let found = self.beginning(text).map_err(|error| failed(&error))?;
        match found[..] {
            [id] => Ok(DocumentId(id)),
            [] => Err(Fault::new(
                Class::NotFound,
                format!("no document here begins with '{text}'"),
            )),
            _ => Err(Fault::new(
                Class::Usage,
                format!("several documents begin with '{text}': give more digits"),
            )),
        }
    }

    fn beginning(&self, text: &str) -> rusqlite::Result<Vec<[u8; 32]>> {
        let bound = |fill: char| {
            let mut padded = text.to_owned();
            padded.extend(std::iter::repeat_n(fill, 64 - text.len()));
            text::unhex::<32>(&padded).unwrap_or_default()
        };
        let mut find = self.store.prepare_cached(
            "SELECT id FROM document JOIN holding ON holding.document = document.number
             WHERE account = ?1 AND id BETWEEN ?2 AND ?3 LIMIT 2",
        )?;
        find.query_map(params![self.account, bound('0'), bound('f')], |row| {
            row.get(0)
        })?
        .collect()
    }

    /// True if the account holds the document.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn holds(&self, id: &DocumentId) -> Result<bool, Fault> {
        self.bytes(id).map(|bytes| bytes.is_some())
    }

    fn bytes(&self, id: &DocumentId) -> Result<Option<Vec<u8>>, Fault> {
        let mut find = self
            .store
            .prepare_cached(
                "SELECT bytes FROM document JOIN holding ON holding.document = document.number
                 WHERE account = ?1 AND id = ?2",
            )
            .map_err(|error| failed(&error))?;
        find.query_row(params![self.account, id.0], |row| row.get(0))
            .optional()
            .map_err(|error| failed(&error))
    }

    /// One document in full.
    ///
    /// # Errors
    /// It is not here, or damaged.
    pub(crate) fn full(&self, id: &DocumentId) -> Result<Full, Fault> {
        let document = self.document(id)?;
        let hex = |ids: &[DocumentId]| ids.iter().map(ToString::to_string).collect();
        Ok(Full {
            parents: hex(document.parents()),
            children: hex(document.children()),
            body: String::from_utf8_lossy(document.body()).into_owned(),
            entry: self.entry(&document, 0).map_err(|error| failed(&error))?,
        })
    }

    /// One document as it was signed.
    ///
    /// # Errors
    /// It is not here, or damaged.
    pub(crate) fn document(&self, id: &DocumentId) -> Result<Document, Fault> {
        let bytes = self
            .bytes(id)?
            .ok_or_else(|| Fault::new(Class::NotFound, format!("the document {id} is not here")))?;
        let document = Document::parse(Bytes::from(bytes), &Ed25519Blake3).ok();
        document
            .filter(|document| document.id() == *id)
            .ok_or_else(|| {
                let message = format!("the stored document {id} is damaged: restore a backup");
                Fault::new(Class::Store, message)
            })
    }

    fn entry(&self, document: &Document, depth: usize) -> rusqlite::Result<Entry> {
        let id = document.id();
        let has = |table: &str| {
            let sql =
                format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE account = ?1 AND id = ?2)");
            let mut find = self.store.prepare_cached(&sql)?;
            find.query_row(params![self.account, id.0], |row| row.get::<_, bool>(0))
        };
        let mode: Option<i64> = self
            .store
            .prepare_cached("SELECT mode FROM wish WHERE account = ?1 AND id = ?2")?
            .query_row(params![self.account, id.0], |row| row.get(0))
            .optional()?;
        let mode = mode.and_then(|mode| MODES.get(usize::try_from(mode).ok()?).copied());
        Ok(Entry {
            id: id.to_string(),
            author: document.author_id().to_string(),
            created: document.created().0,
            subject: subject(document.body()),
            depth,
            comments: self.comments(&id)?,
            read: has("read_mark")?,
            bookmarked: has("bookmark")?,
            mode,
        })
    }

    /// Comments held below a document, oldest first.
    pub(super) fn below(&self, id: &DocumentId) -> rusqlite::Result<Vec<DocumentId>> {
        self.piece_below(id, 0, usize::MAX)
    }

    /// Documents that stand below no other: forums.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn forums(&self) -> Result<Vec<Entry>, Fault> {
        let roots: rusqlite::Result<Vec<DocumentId>> = (|| {
            let mut find = self.store.prepare_cached(
                "SELECT d.id FROM root r CROSS JOIN document d ON d.number = r.document
                 JOIN holding h ON h.document = d.number
                 WHERE h.account = ?1 AND NOT h.hidden ORDER BY d.created, d.id",
            )?;
            find.query_map([self.account], |row| row.get(0).map(DocumentId))?
                .collect()
        })();
        let roots = roots.map_err(|error| failed(&error))?;
        roots.iter().map(|id| self.listed(id, 0)).collect()
    }

    pub(super) fn listed(&self, id: &DocumentId, depth: usize) -> Result<Entry, Fault> {
        let document = self.document(id)?;
        self.entry(&document, depth).map_err(|error| failed(&error))
    }

    /// A document and all that is held below it, depth first, at most `most`.
    ///
    /// # Errors
    /// It is not here, or the store cannot be read.
    pub(crate) fn thread(&self, id: &DocumentId, most: usize) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut waiting = vec![(*id, 0)];
        while let Some((id, depth)) = waiting.pop() {
            if entries.len() >= most || !seen.insert(id) {
                continue;
            }
            entries.push(self.listed(&id, depth)?);
            if depth < DEEPEST {
                let below = self.below(&id).map_err(|error| failed(&error))?;
                waiting.extend(below.into_iter().rev().map(|id| (id, depth + 1)));
            }
        }
        Ok(entries)
    }

    /// A document and all that is held below it, as it is at one moment: each once, behind one of
    /// those that it stands below, with the way from the first to it.
    ///
    /// # Errors
    /// It is not here, the store cannot be read, or what is done with one fails.
    pub(crate) fn walk(
        &self,
        id: &DocumentId,
        mut each: impl FnMut(&Document, &[DocumentId]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let moment = self.store.unchecked_transaction();
        let moment = moment.map_err(|error| failed(&error))?;
        let mut seen = std::collections::BTreeSet::from([*id]);
        let (mut waiting, mut way) = (vec![(*id, 0)], Vec::new());
        while let Some((id, depth)) = waiting.pop() {
            way.truncate(depth);
            each(&self.document(&id)?, &way)?;
            way.push(id);
            let below = self.below(&id).map_err(|error| failed(&error))?;
            let fresh = below.into_iter().rev().filter(|id| seen.insert(*id));
            waiting.extend(fresh.map(|id| (id, depth + 1)));
        }
        moment.finish().map_err(|error| failed(&error))
    }

    /// All that the user marked so.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn marks(&self, mark: Mark) -> Result<Vec<DocumentId>, Fault> {
        let table = mark.table();
        let find = || -> rusqlite::Result<Vec<DocumentId>> {
            let sql = format!("SELECT id FROM {table} WHERE account = ?1 ORDER BY id");
            let mut find = self.store.prepare_cached(&sql)?;
            find.query_map([self.account], |row| row.get(0).map(DocumentId))?
                .collect()
        };
        find().map_err(|error| failed(&error))
    }

    /// What the user chose for documents: hold, subscribe, follow.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn wishes(&self) -> Result<Vec<(DocumentId, &'static str)>, Fault> {
        let find = || -> rusqlite::Result<Vec<(DocumentId, &'static str)>> {
            let mut find = self
                .store
                .prepare_cached("SELECT id, mode FROM wish WHERE account = ?1 ORDER BY id")?;
            let row = |row: &rusqlite::Row<'_>| {
                let mode = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
                let mode = MODES.get(mode).copied().unwrap_or(MODES[0]);
                Ok((DocumentId(row.get(0)?), mode))
            };
            find.query_map([self.account], row)?.collect()
        };
        find().map_err(|error| failed(&error))
    }

    /// The document that was made of what has this hash, if it is still here.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn made_of(&self, source: &[u8; 32]) -> Result<Option<DocumentId>, Fault> {
        let find = || {
            let mut find = self.store.prepare_cached(
                "SELECT m.id FROM made m JOIN document d ON d.id = m.id
                 JOIN holding h ON h.document = d.number AND h.account = m.account
                 WHERE m.account = ?1 AND m.source = ?2",
            )?;
            find.query_row(params![self.account, source], |row| row.get(0))
                .optional()
        };
        let found = find().map_err(|error| failed(&error))?;
        Ok(found.map(DocumentId))
    }

    /// Number of documents that the account holds.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn count(&self) -> Result<u64, Fault> {
        let count: rusqlite::Result<i64> = self.store.query_row(
            "SELECT count(*) FROM holding WHERE account = ?1",
            [self.account],
            |row| row.get(0),
        );
        let count = count.map_err(|error| failed(&error))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

/// First line of a body, without what a terminal would obey.
pub(crate) fn subject(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default()
        .chars()
        .filter(|character| !character.is_control())
        .take(120)
        .collect()
}
