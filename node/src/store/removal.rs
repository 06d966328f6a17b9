//! An account that goes for good, with all that the store has of it and of its user.

use super::ask::failed;
use super::users::User;
use crate::fault::Fault;
use rusqlite::{OptionalExtension, Transaction, params};

/// Removes a user, and what their account had alone. Documents that other accounts hold stay.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn remove(store: &Transaction<'_>, user: &User) -> Result<(), Fault> {
    let remove = || -> rusqlite::Result<()> {
        let sql = "SELECT number FROM account WHERE name = ?1";
        let account = store.query_row(sql, [&user.name], |row| row.get(0));
        if let Some(account) = account.optional()? {
            documents(store, account)?;
            rows(store, "account", account)?;
            store.execute("DELETE FROM account WHERE number = ?1", [account])?;
        }
        rows(store, "user", user.number)?;
        store.execute("DELETE FROM hosted WHERE name = ?1", [&user.name])?;
        store.execute("DELETE FROM web_user WHERE number = ?1", [user.number])?;
        Ok(())
    };
    remove().map_err(|error| failed(&error))
}

/// Documents that no other account holds.
fn documents(store: &Transaction<'_>, account: i64) -> rusqlite::Result<()> {
    store.execute_batch("CREATE TEMP TABLE going (number INTEGER PRIMARY KEY)")?;
    store.execute(
        "INSERT INTO going SELECT document FROM holding h WHERE account = ?1 AND NOT EXISTS
         (SELECT 1 FROM holding o WHERE o.document = h.document AND o.account <> ?1)",
        params![account],
    )?;
    store.execute("DELETE FROM holding WHERE account = ?1", [account])?;
    store.execute_batch(
        "DELETE FROM comment WHERE by IN (SELECT number FROM going);
         DELETE FROM words WHERE rowid IN (SELECT number FROM going);
         DELETE FROM document WHERE number IN (SELECT number FROM going);
         DROP TABLE going",
    )
}

/// What any table has of it: also those that are made by later versions.
fn rows(store: &Transaction<'_>, column: &str, number: i64) -> rusqlite::Result<()> {
    for table in tables(store, column)? {
        store.execute(
            &format!("DELETE FROM \"{table}\" WHERE \"{column}\" = ?1"),
            [number],
        )?;
    }
    Ok(())
}

/// Tables that have a column of this name.
fn tables(store: &Transaction<'_>, column: &str) -> rusqlite::Result<Vec<String>> {
    let mut find = store.prepare(
        "SELECT m.name FROM main.sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = ?1 ORDER BY m.name",
    )?;
    find.query_map([column], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Op, schema, users, write};
    use super::*;
    use cliqueclique_core::crypto::Ed25519Blake3;
    use cliqueclique_core::{Document, Draft, NodeId, SecretKey};
    use rusqlite::Connection;

    fn signed(body: &str) -> Document {
        let draft = Draft {
            body: body.as_bytes().to_vec().into(),
            ..Draft::default()
        };
        Document::sign(&draft, &SecretKey([1; 32]), &Ed25519Blake3).expect("fits")
    }

    fn store() -> Connection {
        let name = format!("clq-removal-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        schema::open(&path).expect("made")
    }

    #[test]
    fn nothing_of_who_is_removed_is_left_and_nothing_of_others_goes() {
        let mut store = store();
        let (own, shared) = (signed("own"), signed("shared"));
        for (number, name) in [(1, "ann"), (2, "bob")] {
            schema::account(&store, name, NodeId([number; 16]))
                .expect("asked")
                .expect("made");
            let mut ops = vec![
                Op::Put(shared.clone()),
                Op::Bookmark(shared.id(), true),
                Op::Read(shared.id(), true),
                Op::Made([number; 32], shared.id()),
            ];
            if name == "bob" {
                ops.push(Op::Put(own.clone()));
            }
            let batch = [(i64::from(number), &ops[..])];
            write::transaction(&mut store, batch.into_iter()).expect("written");
        }
        let change = store.transaction().expect("begun");
        users::add(&change, "ann", "hash", 0).expect("added");
        let bob = users::add(&change, "bob", "hash", 0).expect("added");
        users::host(&change, "bob", "i2p").expect("hosted");
        users::begin(&change, bob.number, &[7; 32], "browser", 0).expect("begun");
        let all = tables(&change, "account").expect("read");
        assert!(all.len() > 8, "{all:?}");
        remove(&change, &bob).expect("removed");
        let count =
            |sql: &str| -> i64 { change.query_row(sql, [], |row| row.get(0)).expect("asked") };
        for table in all {
            let rows = count(&format!(
                "SELECT count(*) FROM \"{table}\" WHERE account = 2"
            ));
            assert_eq!(rows, 0, "{table}");
        }
        assert_eq!(count("SELECT count(*) FROM document"), 1);
        assert_eq!(count("SELECT count(*) FROM holding"), 1);
        assert_eq!(count("SELECT count(*) FROM bookmark"), 1);
        assert_eq!(count("SELECT count(*) FROM web_session"), 0);
        assert_eq!(count("SELECT count(*) FROM hosted"), 0);
        assert_eq!(users::all(&change).expect("read").len(), 1);
    }
}
