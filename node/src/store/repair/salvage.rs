//! Copies what is whole from one store into another.

use crate::store::check::Damage;
use crate::store::check::content::{RECORDS, links, read, whole};
use crate::store::check::rules::RULES;
use crate::text::hex;
use cliqueclique_core::{AtRest, Core};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};

/// What was left out, and what was made anew.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) dropped: Vec<Damage>,
    pub(super) made: Vec<Damage>,
}

impl Outcome {
    pub(super) fn retain_counted(&mut self) {
        self.dropped.retain(|it| it.count > 0);
        self.made.retain(|it| it.count > 0);
    }
}

/// Tables that are copied row by row, and what names and orders their rows. An older store has
/// fewer. Those that are made of others are not among them.
const TABLES: [(&str, &[&str]); 13] = [
    ("account", &["number"]),
    ("document", &["number"]),
    ("holding", &["account", "document"]),
    ("node_record", &["account"]),
    ("peer_record", &["account", "node"]),
    ("overlay_record", &["number"]),
    ("wish", &["account", "id"]),
    ("bookmark", &["account", "id"]),
    ("read_mark", &["account", "id"]),
    ("hosted", &["name"]),
    ("web_user", &["number"]),
    ("web_session", &["token"]),
    ("web_token", &["hash"]),
];
/// As [`TABLES`], with keys of two columns that are text or made of bytes.
const MORE: [(&str, &[&str]); 2] = [
    ("draft", &["account", "below"]),
    ("made", &["account", "source"]),
];
/// Behind a gap in a table the next row is looked for at so many numbers one after another (more
/// than a page has), and then at distances that double so often.
const STEPS: u32 = 512;
const LEAPS: u32 = 50;

/// Copies all that is whole, in one transaction.
///
/// # Errors
/// Nothing of the old store can be read, or the new one cannot be written.
pub(super) fn all(old: &Connection, new: &mut Connection) -> rusqlite::Result<Outcome> {
    let transaction = new.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcome = Outcome {
        dropped: Vec::new(),
        made: Vec::new(),
    };
    for (table, key) in TABLES.iter().chain(&MORE) {
        if !columns(old, table)?.is_empty() {
            outcome.dropped.extend(copy(old, &transaction, table, key)?);
        }
    }
    let held = held(&transaction)?;
    outcome.made.push(held);
    outcome.dropped.extend(obey(&transaction)?);
    outcome.dropped.push(lost(&transaction)?);
    outcome.made.push(own_records(&transaction)?);
    transaction.commit()?;
    Ok(outcome)
}

fn columns(store: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut find = store.prepare("SELECT name FROM pragma_table_info(?1)")?;
    find.query_map([table], |row| row.get(0))?.collect()
}

/// Copies a table; gives what was left out.
fn copy(
    old: &Connection,
    new: &Transaction<'_>,
    table: &str,
    key: &[&str],
) -> rusqlite::Result<Vec<Damage>> {
    let known = columns(new, table)?;
    let mut shared = columns(old, table)?;
    shared.retain(|name| known.contains(name));
    let mut broken = Damage::new("rows that are not whole");
    let mut gaps = Damage::new("tables of which a part cannot be read");
    let mut take = |row: &rusqlite::Row<'_>| -> rusqlite::Result<()> {
        let values: Vec<Value> = (0..shared.len())
            .map(|at| row.get(at))
            .collect::<rusqlite::Result<_>>()
            // Text that is no text.
            .unwrap_or_default();
        if values.is_empty() || !insert(new, table, &shared, &values)? {
            broken.add(|| format!("{table} {}", shown(row)));
        }
        Ok(())
    };
    let list = shared.join(", ");
    let order = |way: &str| -> String {
        let order: Vec<String> = key.iter().map(|name| format!("{name} {way}")).collect();
        order.join(", ")
    };
    let forward = format!("SELECT {list} FROM {table} ORDER BY {}", order("ASC"));
    let Err(error) = each(old, &forward, [], &mut take)? else {
        return Ok(vec![broken]);
    };
    gaps.add(|| format!("{table}: {error}"));
    if let [number] = key {
        leap(old, &list, table, number, &mut take)?;
    }
    // From the other end, up to the same place; what is there already is left alone.
    let backward = format!("SELECT {list} FROM {table} ORDER BY {}", order("DESC"));
    let _ = each(old, &backward, [], &mut take)?;
    Ok(vec![broken, gaps])
}

/// Reads a numbered table behind a gap.
fn leap(
    old: &Connection,
    list: &str,
    table: &str,
    number: &str,
    take: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT {number}, {list} FROM {table} WHERE {number} > ?1 ORDER BY {number}");
    let (mut last, mut leaps) = (0_i64, 0);
    while leaps < STEPS + LEAPS {
        let leap = match leaps.checked_sub(STEPS) {
            Some(more) => i64::from(STEPS) << more,
            None => i64::from(leaps),
        };
        let from = last.saturating_add(leap);
        let before = last;
        let read = each(old, &sql, [from], &mut |row| {
            last = last.max(row.get(0).unwrap_or(last));
            Ok(())
        })?;
        if last == before {
            leaps += 1;
        } else {
            leaps = 0;
            let taken = format!(
                "SELECT {list} FROM {table} WHERE {number} > ?1 AND {number} <= ?2 ORDER BY {number}"
            );
            let _ = each(old, &taken, [from, last], take)?;
        }
        if read.is_ok() {
            break;
        }
    }
    Ok(())
}

/// Does something with each row. The inner error is of the old store, the outer one of the new.
fn each<P: rusqlite::Params>(
    old: &Connection,
    sql: &str,
    params: P,
    take: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<rusqlite::Result<()>> {
    let mut find = match old.prepare(sql) {
        Ok(find) => find,
        Err(error) => return Ok(Err(error)),
    };
    let mut rows = match find.query(params) {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => take(row)?,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Puts a row in, if it is whole.
fn insert(
    new: &Transaction<'_>,
    table: &str,
    columns: &[String],
    values: &[Value],
) -> rusqlite::Result<bool> {
    let of = |name: &str| {
        columns
            .iter()
            .position(|it| it == name)
            .map(|at| &values[at])
    };
    if table == "document" {
        let (Some(Value::Integer(number)), Some(id), Some(bytes)) =
            (of("number"), bytes_of(of("id")), bytes_of(of("bytes")))
        else {
            return Ok(false);
        };
        return document(new, *number, &id, bytes);
    }
    if let Some((_, key)) = RECORDS.iter().find(|(name, _)| *name == table) {
        let key = bytes_of(of(key)).unwrap_or_default();
        let whole = bytes_of(of("bytes")).and_then(|bytes| read(table, &key, &bytes));
        if whole.is_none() {
            return Ok(false);
        }
    }
    let places = vec!["?"; values.len()].join(", ");
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({places}) ON CONFLICT DO NOTHING",
        columns.join(", ")
    );
    match new.prepare_cached(&sql)?.execute(params_from_iter(values)) {
        Ok(_) => Ok(true),
        // Such as nothing where something must be.
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn bytes_of(value: Option<&Value>) -> Option<Vec<u8>> {
    match value? {
        Value::Blob(bytes) => Some(bytes.clone()),
        Value::Text(text) => Some(text.clone().into_bytes()),
        Value::Null | Value::Integer(_) | Value::Real(_) => None,
    }
}

/// All that the tables say of a document is made of its bytes.
fn document(
    new: &Transaction<'_>,
    number: i64,
    id: &[u8],
    bytes: Vec<u8>,
) -> rusqlite::Result<bool> {
    let Some(document) = whole(id, bytes) else {
        return Ok(false);
    };
    let created = i64::try_from(document.created().0).unwrap_or(i64::MAX);
    let author = document.author_id().0;
    let put = new
        .prepare_cached(
            "INSERT INTO document (number, id, author, created, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![number, id, author, created, &document.bytes()[..]])?;
    if put == 0 {
        return Ok(true);
    }
    let mut link = new.prepare_cached(
        "INSERT OR IGNORE INTO comment (parent, comment, by) VALUES (?1, ?2, ?3)",
    )?;
    for (parent, comment) in links(&document) {
        link.execute(params![parent.0, comment.0, number])?;
    }
    Ok(true)
}

/// Holdings that went, while the records of networks know of them; where there is one account
/// alone, it held all that is here.
fn held(new: &Transaction<'_>) -> rusqlite::Result<Damage> {
    let mut made = Damage::new("notes that a document is held");
    let mut put = new.prepare(
        "INSERT OR IGNORE INTO holding (account, document)
         SELECT ?1, number FROM document WHERE id = ?2",
    )?;
    for (account, _, rest) in at_rest(new)? {
        if rest.held && put.execute(params![account, rest.document.0])? > 0 {
            made.add(|| rest.document.to_string());
        }
    }
    let alone = new.execute(
        "INSERT INTO holding (account, document)
         SELECT a.number, d.number FROM account a, document d
         WHERE (SELECT count(*) FROM account) = 1
         AND d.number NOT IN (SELECT document FROM holding)",
        [],
    )?;
    for _ in 0..alone {
        made.add(|| "of the only account".to_owned());
    }
    Ok(made)
}

/// Deletes what breaks a rule.
fn obey(new: &Transaction<'_>) -> rusqlite::Result<Vec<Damage>> {
    let mut all = Vec::new();
    // The index of words is empty yet.
    for rule in RULES.iter().filter(|rule| rule.table != "words_docsize") {
        let sql = format!("DELETE FROM {} WHERE {}", rule.table, rule.wrong);
        let mut dropped = Damage::new(rule.what);
        for _ in 0..new.execute(&sql, [])? {
            dropped.add(|| rule.table.to_owned());
        }
        all.push(dropped);
    }
    Ok(all)
}

/// Records of networks whose document went: with them a core would offer what it has not.
fn lost(new: &Transaction<'_>) -> rusqlite::Result<Damage> {
    let mut dropped = Damage::new("networks whose document is not here");
    let mut drop = new.prepare(
        "DELETE FROM overlay_record WHERE number = ?1 AND NOT EXISTS (
             SELECT 1 FROM document d JOIN holding h ON h.document = d.number
             WHERE d.id = ?2 AND h.account = ?3)",
    )?;
    for (account, number, rest) in at_rest(new)? {
        if rest.held && drop.execute(params![number, rest.document.0, account])? > 0 {
            dropped.add(|| rest.document.to_string());
        }
    }
    Ok(dropped)
}

/// Accounts that lost their own record get a new one, or they would not start, or their claims
/// would be taken for old ones.
fn own_records(new: &Transaction<'_>) -> rusqlite::Result<Damage> {
    let mut made = Damage::new("records of accounts, which block nobody now");
    let mut highest = std::collections::BTreeMap::new();
    for (account, _, rest) in at_rest(new)? {
        let known = highest.entry(account).or_insert(rest.sequence);
        *known = rest.sequence.max(*known);
    }
    let mut put = new.prepare(
        "INSERT INTO node_record (account, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    )?;
    for (account, sequence) in highest {
        if put.execute(params![account, &Core::record_after(sequence)[..]])? > 0 {
            made.add(|| format!("account {account}"));
        }
    }
    Ok(made)
}

/// All records of networks: account, number, what they say.
fn at_rest(new: &Transaction<'_>) -> rusqlite::Result<Vec<(i64, i64, AtRest)>> {
    let mut find = new.prepare("SELECT account, number, tag, bytes FROM overlay_record")?;
    let mut rows = find.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, bytes): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
        if let Some(rest) = read("overlay_record", &key, &bytes).flatten() {
            all.push((row.get(0)?, row.get(1)?, rest));
        }
    }
    Ok(all)
}

/// The first columns of a row, for people.
fn shown(row: &rusqlite::Row<'_>) -> String {
    let parts = (0..2).filter_map(|at| match row.get_ref(at).ok()? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(hex(&bytes[..bytes.len().min(32)])),
    });
    parts.collect::<Vec<_>>().join(" ")
}
