//! What the store's thread does: the steps of batches, in one transaction.

use super::{Op, Rest};
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Document, DocumentId, Input, Mode, NodeId, Record, Tag};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// Does batches in one transaction; gives the answers of each. All or nothing.
pub(super) fn transaction<'a>(
    connection: &mut Connection,
    batches: impl Iterator<Item = (i64, &'a [Op])>,
) -> rusqlite::Result<Vec<Vec<Input>>> {
    // At once for writing: one that begins to read cannot go on if somebody else wrote meanwhile.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut all = Vec::new();
    for (account, ops) in batches {
        let step = Step {
            store: &transaction,
            account,
        };
        let mut answers = Vec::new();
        for op in ops {
            answers.extend(step.perform(op)?);
        }
        all.push(answers);
    }
    transaction.commit()?;
    Ok(all)
}

/// Records for a restart. Every overlay is read back then, so none is cold.
pub(super) fn rest(connection: &Connection, account: i64) -> rusqlite::Result<Rest> {
    connection.execute("DELETE FROM cold WHERE account = ?1", [account])?;
    let node = connection
        .query_row(
            "SELECT bytes FROM node_record WHERE account = ?1",
            [account],
            |row| row.get(0),
        )
        .optional()?;
    let mut peers = connection.prepare("SELECT bytes FROM peer_record WHERE account = ?1")?;
    let peers = peers
        .query_map([account], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok((node, peers))
}

/// Number of a mode in the tables.
pub(super) fn mode_number(mode: Mode) -> i64 {
    match mode {
        Mode::Hold => 0,
        Mode::Subscribe => 1,
        Mode::Follow => 2,
    }
}

struct Step<'a> {
    store: &'a Transaction<'a>,
    account: i64,
}

impl Step<'_> {
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.store.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn perform(&self, op: &Op) -> rusqlite::Result<Option<Input>> {
        match op {
            Op::Put(document) => self.put(document)?,
            Op::Delete(id, tag) => self.delete(id, *tag)?,
            Op::Save(record, bytes) => self.save(*record, bytes.as_deref())?,
            Op::Cold(tag, nodes) => self.cool(*tag, nodes)?,
            Op::Wish(id, mode) => self.wish(id, *mode)?,
            Op::Bookmark(id, on) => self.mark("bookmark", id, *on)?,
            Op::Read(id, on) => self.mark("read_mark", id, *on)?,
            Op::Made(source, id) => self.run(
                "INSERT OR REPLACE INTO made (account, source, id) VALUES (?1, ?2, ?3)",
                params![self.account, source, id.0],
            )?,
            Op::Arrived(id, hidden) => self.run(
                "UPDATE holding SET hidden = ?3 WHERE account = ?1 AND hidden <> ?3 AND document =
                 (SELECT number FROM document WHERE id = ?2)",
                params![self.account, id.0, hidden],
            )?,
            Op::Load(id) => return Ok(Some(Input::Loaded(*id, self.load(id)?))),
            Op::Thaw(tag) => return Ok(Some(Input::Thawed(*tag, self.thaw(*tag)?))),
            Op::Recall(peer, near) => {
                return Ok(Some(Input::Recalled(*peer, self.recall(*near)?)));
            }
        }
        Ok(None)
    }

    fn number(&self, id: &DocumentId) -> rusqlite::Result<Option<i64>> {
        let mut find = self
            .store
            .prepare_cached("SELECT number FROM document WHERE id = ?1")?;
        find.query_row([id.0], |row| row.get(0)).optional()
    }

    fn put(&self, document: &Document) -> rusqlite::Result<()> {
        let id = document.id();
        let number = match self.number(&id)? {
            Some(number) => number,
            None => {
                let created = i64::try_from(document.created().0).unwrap_or(i64::MAX);
                self.run(
                    "INSERT INTO document (id, author, created, bytes) VALUES (?1, ?2, ?3, ?4)",
                    params![id.0, document.author_id().0, created, &document.bytes()[..]],
                )?;
                let number = self.store.last_insert_rowid();
                let above = document.parents().iter().map(|parent| (*parent, id));
                let below = document.children().iter().map(|child| (id, *child));
                for (parent, comment) in above.chain(below) {
                    self.run(
                        "INSERT OR IGNORE INTO comment (parent, comment, by) VALUES (?1, ?2, ?3)",
                        params![parent.0, comment.0, number],
                    )?;
                }
                number
            }
        };
        self.run(
            "INSERT OR IGNORE INTO holding (account, document) VALUES (?1, ?2)",
            [self.account, number],
        )
    }

    /// The bytes go when no account holds them.
    fn delete(&self, id: &DocumentId, tag: Tag) -> rusqlite::Result<()> {
        self.save(Record::Overlay(tag), None)?;
        self.wish(id, None)?;
        let Some(number) = self.number(id)? else {
            return Ok(());
        };
        self.run(
            "DELETE FROM holding WHERE account = ?1 AND document = ?2",
            [self.account, number],
        )?;
        let mut held = self
            .store
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM holding WHERE document = ?1)")?;
        if !held.query_row([number], |row| row.get(0))? {
            self.run("DELETE FROM comment WHERE by = ?1", [number])?;
            self.run("DELETE FROM words WHERE rowid = ?1", [number])?;
            self.run("DELETE FROM document WHERE number = ?1", [number])?;
        }
        Ok(())
    }

    fn save(&self, record: Record, bytes: Option<&[u8]>) -> rusqlite::Result<()> {
        let account = self.account;
        match (record, bytes) {
            (Record::Node, Some(bytes)) => self.run(
                "INSERT INTO node_record (account, bytes) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
                params![account, bytes],
            ),
            (Record::Node, None) => {
                self.run("DELETE FROM node_record WHERE account = ?1", [account])
            }
            (Record::Peer(node), Some(bytes)) => self.run(
                "INSERT INTO peer_record (account, node, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
                params![account, node.0, bytes],
            ),
            (Record::Peer(node), None) => self.run(
                "DELETE FROM peer_record WHERE account = ?1 AND node = ?2",
                params![account, node.0],
            ),
            (Record::Overlay(tag), Some(bytes)) => self.run(
                "INSERT INTO overlay_record (account, tag, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
                params![account, tag.0, bytes],
            ),
            (Record::Overlay(tag), None) => {
                self.warm(tag)?;
                self.run(
                    "DELETE FROM overlay_record WHERE account = ?1 AND tag = ?2",
                    params![account, tag.0],
                )
            }
        }
    }

    fn cool(&self, tag: Tag, nodes: &[NodeId]) -> rusqlite::Result<()> {
        nodes.iter().try_for_each(|node| {
            self.run(
                "INSERT OR IGNORE INTO cold (account, node, tag) VALUES (?1, ?2, ?3)",
                params![self.account, node.0, tag.0],
            )
        })
    }

    fn warm(&self, tag: Tag) -> rusqlite::Result<()> {
        self.run(
            "DELETE FROM cold WHERE account = ?1 AND tag = ?2",
            params![self.account, tag.0],
        )
    }

    fn wish(&self, id: &DocumentId, mode: Option<Mode>) -> rusqlite::Result<()> {
        match mode {
            Some(mode) => self.run(
                "INSERT INTO wish (account, id, mode) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET mode = excluded.mode",
                params![self.account, id.0, mode_number(mode)],
            ),
            None => self.run(
                "DELETE FROM wish WHERE account = ?1 AND id = ?2",
                params![self.account, id.0],
            ),
        }
    }

    /// Sets or drops a mark in one of the tables of ids.
    fn mark(&self, table: &str, id: &DocumentId, on: bool) -> rusqlite::Result<()> {
        let sql = if on {
            format!("INSERT OR IGNORE INTO {table} (account, id) VALUES (?1, ?2)")
        } else {
            format!("DELETE FROM {table} WHERE account = ?1 AND id = ?2")
        };
        self.run(&sql, params![self.account, id.0])
    }

    /// A document whose bytes do not fit its id is damaged, and as good as not there.
    fn load(&self, id: &DocumentId) -> rusqlite::Result<Option<Document>> {
        let mut find = self.store.prepare_cached(
            "SELECT bytes FROM document JOIN holding ON holding.document = document.number
             WHERE id = ?1 AND account = ?2",
        )?;
        let bytes: Option<Vec<u8>> = find
            .query_row(params![id.0, self.account], |row| row.get(0))
            .optional()?;
        let document =
            bytes.and_then(|bytes| Document::parse(Bytes::from(bytes), &Ed25519Blake3).ok());
        Ok(document.filter(|document| document.id() == *id))
    }

    fn thaw(&self, tag: Tag) -> rusqlite::Result<Option<Bytes>> {
        let mut find = self
            .store
            .prepare_cached("SELECT bytes FROM overlay_record WHERE account = ?1 AND tag = ?2")?;
        let bytes: Option<Vec<u8>> = find
            .query_row(params![self.account, tag.0], |row| row.get(0))
            .optional()?;
        self.warm(tag)?;
        Ok(bytes.map(Bytes::from))
    }

    fn recall(&self, near: Option<NodeId>) -> rusqlite::Result<Vec<(Tag, Bytes)>> {
        let row = |row: &rusqlite::Row<'_>| {
            let bytes: Vec<u8> = row.get(1)?;
            Ok((Tag(row.get(0)?), Bytes::from(bytes)))
        };
        let Some(peer) = near else {
            self.run("DELETE FROM cold WHERE account = ?1", [self.account])?;
            let mut all = self.store.prepare_cached(
                "SELECT tag, bytes FROM overlay_record WHERE account = ?1 ORDER BY tag",
            )?;
            return all.query_map([self.account], row)?.collect();
        };
        let mut some = self.store.prepare_cached(
            "SELECT o.tag, o.bytes FROM cold JOIN overlay_record o
             ON o.account = cold.account AND o.tag = cold.tag
             WHERE cold.account = ?1 AND cold.node = ?2 ORDER BY o.tag",
        )?;
        let records: Vec<(Tag, Bytes)> = some
            .query_map(params![self.account, peer.0], row)?
            .collect::<Result<_, _>>()?;
        records.iter().try_for_each(|(tag, _)| self.warm(*tag))?;
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliqueclique_core::{Draft, SecretKey, WallTime};

    fn store(name: &str) -> Connection {
        let folder = std::env::temp_dir().join(format!("clique-write-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        super::super::schema::open(&path).expect("made")
    }

    fn document(text: &str, parents: Vec<DocumentId>) -> Document {
        let draft = Draft {
            parents,
            body: Bytes::copy_from_slice(text.as_bytes()),
            created: WallTime(5),
            ..Draft::default()
        };
        Document::sign(&draft, &SecretKey([1; 32]), &Ed25519Blake3).expect("within limits")
    }

    fn one(store: &mut Connection, account: i64, op: Op) -> Option<Input> {
        let ops = [op];
        let mut answers = transaction(store, [(account, &ops[..])].into_iter()).expect("runs");
        answers.remove(0).pop()
    }

    fn holds(store: &mut Connection, account: i64, id: DocumentId) -> bool {
        matches!(
            one(store, account, Op::Load(id)),
            Some(Input::Loaded(_, Some(_)))
        )
    }

    #[test]
    fn a_document_is_kept_until_the_last_account_lets_go() {
        let mut store = store("shared");
        let document = document("hello", vec![DocumentId([7; 32])]);
        let (id, tag) = (document.id(), document.tag());
        one(&mut store, 1, Op::Put(document.clone()));
        assert!(
            !holds(&mut store, 2, id),
            "accounts do not see each other's"
        );
        one(&mut store, 2, Op::Put(document));
        one(&mut store, 1, Op::Delete(id, tag));
        assert!(!holds(&mut store, 1, id));
        assert!(holds(&mut store, 2, id));
        one(&mut store, 2, Op::Delete(id, tag));
        let left: i64 = store
            .query_row(
                "SELECT (SELECT count(*) FROM document) + (SELECT count(*) FROM comment)",
                [],
                |row| row.get(0),
            )
            .expect("counted");
        assert_eq!(left, 0);
    }

    #[test]
    fn cold_overlays_are_found_by_neighbour_until_they_are_warm() {
        let mut store = store("cold");
        let (tag, node) = (Tag([1; 8]), NodeId([2; 16]));
        let save = Op::Save(Record::Overlay(tag), Some(Bytes::from_static(b"x")));
        one(&mut store, 1, save);
        let recall = |store: &mut Connection, near| match one(store, 1, Op::Recall(node, near)) {
            Some(Input::Recalled(_, records)) => records.len(),
            _ => usize::MAX,
        };
        assert_eq!(recall(&mut store, Some(node)), 0);
        one(&mut store, 1, Op::Cold(tag, vec![node]));
        assert_eq!(recall(&mut store, Some(node)), 1);
        assert_eq!(recall(&mut store, Some(node)), 0, "it is warm now");
        assert_eq!(recall(&mut store, None), 1);
    }

    #[test]
    fn words_catch_up_and_numbers_that_come_again_are_no_gap() {
        use super::super::search::catch_up;
        let mut store = store("words");
        let found = |store: &Connection, word: &str| -> i64 {
            let sql = "SELECT count(*) FROM words WHERE words MATCH ?1";
            store
                .query_row(sql, [word], |row| row.get(0))
                .expect("asked")
        };
        let texts: Vec<String> = (0..300).map(|at| format!("apple number{at}")).collect();
        for text in &texts {
            one(&mut store, 1, Op::Put(document(text, Vec::new())));
        }
        assert_eq!(found(&store, "apple"), 0, "the index lags");
        while catch_up(&mut store).expect("indexed") {}
        assert_eq!(found(&store, "apple"), 300);
        // The last number is free again, and is given to the next document.
        let last = document(&texts[299], Vec::new());
        one(&mut store, 1, Op::Delete(last.id(), last.tag()));
        assert_eq!(found(&store, "number299"), 0);
        one(&mut store, 1, Op::Put(document("pear", Vec::new())));
        assert!(!catch_up(&mut store).expect("indexed"));
        assert_eq!((found(&store, "pear"), found(&store, "apple")), (1, 299));
    }

    #[test]
    fn a_failed_step_undoes_the_whole_transaction() {
        let mut store = store("atomic");
        store.execute_batch("DROP TABLE cold").expect("dropped");
        let document = document("hello", Vec::new());
        let ops = [
            Op::Put(document.clone()),
            Op::Cold(Tag([1; 8]), vec![NodeId([2; 16])]),
        ];
        assert!(transaction(&mut store, [(1, &ops[..])].into_iter()).is_err());
        assert!(!holds(&mut store, 1, document.id()));
    }

    #[test]
    fn a_damaged_document_is_not_given_out() {
        let mut store = store("damaged");
        let document = document("hello", Vec::new());
        one(&mut store, 1, Op::Put(document.clone()));
        store
            .execute(
                "UPDATE document SET bytes = CAST(replace(bytes, 'hello', 'hellp') AS BLOB)",
                [],
            )
            .expect("damaged");
        assert!(!holds(&mut store, 1, document.id()));
    }
}
