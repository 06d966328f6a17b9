//! Documents, and the records with which cores start again.

use super::{Damage, Report};
use crate::text::hex;
use bytes::Bytes;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::{AtRest, Core, Document, DocumentId, NodeId, Record, Tag};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// A document, if its bytes are what its id and its author stand for.
pub(in crate::store) fn whole(id: &[u8], bytes: Vec<u8>) -> Option<Document> {
    let document = Document::parse(Bytes::from(bytes), &Ed25519Blake3).ok()?;
    let fits = document.id().0[..] == *id && document.is_signed(&Ed25519Blake3);
    fits.then_some(document)
}

/// What a document says stands below what: (parent, comment).
pub(in crate::store) fn links(document: &Document) -> BTreeSet<(DocumentId, DocumentId)> {
    let id = document.id();
    let above = document.parents().iter().map(|parent| (*parent, id));
    let below = document.children().iter().map(|child| (id, *child));
    above.chain(below).collect()
}

/// Which record a row of one of the three tables has; none if its key is broken.
fn record(table: &str, key: &[u8]) -> Option<Record> {
    match table {
        "node_record" => Some(Record::Node),
        "peer_record" => key.try_into().ok().map(|id| Record::Peer(NodeId(id))),
        _ => key.try_into().ok().map(|tag| Record::Overlay(Tag(tag))),
    }
}

/// The tables of records, and what names a row.
pub(in crate::store) const RECORDS: [(&str, &str); 3] = [
    ("node_record", "x''"),
    ("peer_record", "node"),
    ("overlay_record", "tag"),
];

/// Names the records of an account that a core could not read when it starts.
///
/// # Errors
/// The store cannot be read.
pub(in crate::store) fn unread(store: &Connection, account: i64) -> rusqlite::Result<Vec<String>> {
    let mut keys = Vec::new();
    for (table, key) in RECORDS {
        let mut all = store.prepare(&format!(
            "SELECT CAST({key} AS BLOB), CAST(bytes AS BLOB) FROM {table} WHERE account = ?1"
        ))?;
        let mut rows = all.query([account])?;
        while let Some(row) = rows.next()? {
            let (key, bytes): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            if read(table, &key, &bytes).is_none() {
                keys.push(key);
            }
        }
    }
    let mut tags = BTreeMap::new();
    if !keys.is_empty() {
        let mut ids = store.prepare("SELECT id FROM document WHERE length(id) = 32")?;
        let mut rows = ids.query([])?;
        while let Some(row) = rows.next()? {
            let id = DocumentId(row.get(0)?);
            tags.insert(Ed25519Blake3.tag(&id), id);
        }
    }
    Ok(keys.iter().map(|key| name(account, key, &tags)).collect())
}

/// What a record says, if it can be read.
pub(in crate::store) fn read(table: &str, key: &[u8], bytes: &[u8]) -> Option<Option<AtRest>> {
    Core::inspect(record(table, key)?, bytes, &Ed25519Blake3).ok()
}

/// Looks at all documents and records.
pub(super) fn look(store: &Connection, report: &mut Report) {
    let mut tags = BTreeMap::new();
    if let Err(error) = documents(store, report, &mut tags) {
        report.unread("documents", &error);
    }
    if let Err(error) = records(store, report, &tags) {
        report.unread("records", &error);
    }
}

fn documents(
    store: &Connection,
    report: &mut Report,
    tags: &mut BTreeMap<Tag, DocumentId>,
) -> rusqlite::Result<()> {
    let mut forged = Damage::new("documents that are not what their id and signature stand for");
    let mut columns = Damage::new("documents that are listed under another author or date");
    let mut unlinked = Damage::new("documents whose links are out of step");
    let finished = (|| -> rusqlite::Result<()> {
        let mut all = store.prepare(
            "SELECT CAST(id AS BLOB), CAST(bytes AS BLOB), number, CAST(author AS BLOB), created
             FROM document NOT INDEXED ORDER BY number",
        )?;
        let mut find = store.prepare(
            "SELECT CAST(parent AS BLOB), CAST(comment AS BLOB) FROM comment WHERE by = ?1",
        )?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (id, number): (Vec<u8>, i64) = (row.get(0)?, row.get(2)?);
            if let Ok(id) = id[..].try_into().map(DocumentId) {
                tags.insert(Ed25519Blake3.tag(&id), id);
            }
            let Some(document) = whole(&id, row.get(1)?) else {
                forged.add(|| hex(&id));
                continue;
            };
            report.documents += 1;
            let author: Vec<u8> = row.get(3)?;
            let created = i64::try_from(document.created().0).unwrap_or(i64::MAX);
            if author != document.author_id().0 || row.get::<_, i64>(4).ok() != Some(created) {
                columns.add(|| hex(&id));
            }
            let stored = find.query_map([number], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let stored: BTreeSet<_> = stored.collect::<rusqlite::Result<_>>()?;
            let said = links(&document);
            let said = said
                .iter()
                .map(|(one, other)| (one.0.to_vec(), other.0.to_vec()));
            if stored != said.collect() {
                unlinked.add(|| hex(&id));
            }
        }
        Ok(())
    })();
    [forged, columns, unlinked]
        .into_iter()
        .for_each(|it| report.note(it));
    finished
}

fn records(
    store: &Connection,
    report: &mut Report,
    tags: &BTreeMap<Tag, DocumentId>,
) -> rusqlite::Result<()> {
    let mut lost = Damage::new("networks whose document is not here");
    let mut held = store.prepare(
        "SELECT EXISTS (SELECT 1 FROM document d JOIN holding h ON h.document = d.number
         WHERE d.id = ?1 AND h.account = ?2)",
    )?;
    for (table, key) in RECORDS {
        let mut unread = Damage::new(what(table));
        let mut all = store.prepare(&format!(
            "SELECT account, CAST({key} AS BLOB), CAST(bytes AS BLOB) FROM {table}"
        ))?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (account, key, bytes): (i64, Vec<u8>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            match read(table, &key, &bytes) {
                None => unread.add(|| name(account, &key, tags)),
                Some(Some(rest)) if rest.held => {
                    if !held.query_row(params![rest.document.0, account], |row| row.get(0))? {
                        lost.add(|| format!("{} of account {account}", rest.document));
                    }
                }
                Some(_) => {}
            }
        }
        report.note(unread);
    }
    report.note(lost);
    silent(store, report, tags)
}

/// Documents without a record of their network: they are shown, but nobody else gets them.
fn silent(
    store: &Connection,
    report: &mut Report,
    tags: &BTreeMap<Tag, DocumentId>,
) -> rusqlite::Result<()> {
    let mut silent = Damage::new("documents that are in no network until they are joined again");
    let mut known = store.prepare(
        "SELECT h.account FROM document d JOIN holding h ON h.document = d.number WHERE d.id = ?1
         AND NOT EXISTS (SELECT 1 FROM overlay_record o WHERE o.account = h.account AND o.tag = ?2)",
    )?;
    for (tag, id) in tags {
        let mut rows = known.query(params![id.0, tag.0])?;
        while rows.next()?.is_some() {
            silent.add(|| id.to_string());
        }
    }
    if silent.count > 0 {
        report.notes.push(silent);
    }
    Ok(())
}

fn what(table: &str) -> &'static str {
    match table {
        "node_record" => "records of accounts that cannot be read",
        "peer_record" => "records of peers that cannot be read",
        _ => "records of networks that cannot be read",
    }
}

/// The document of a network, if it is here; else what there is.
fn name(account: i64, key: &[u8], tags: &BTreeMap<Tag, DocumentId>) -> String {
    let tag = key.try_into().ok().map(Tag);
    match tag.and_then(|tag| tags.get(&tag)) {
        Some(id) => format!("document {id}"),
        None if key.is_empty() => format!("account {account}"),
        None => format!("{} of account {account}", hex(key)),
    }
}
