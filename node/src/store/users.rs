//! Who may use which account in the browser, and who has signed in; and the accounts that were
//! made while the node ran.

use super::ask::failed;
use super::{FILE, schema};
use crate::fault::{Class, Fault};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};
use std::path::Path;

/// Sessions of a user; one more ends the one that was used longest ago.
const MOST_SESSIONS: i64 = 32;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// Number in the store.
    pub(crate) number: i64,
    /// The name, which is the account's.
    pub(crate) name: String,
    /// The password's hash, as argon2 writes it.
    pub(crate) password: String,
    /// May add, suspend and remove users.
    pub(crate) admin: bool,
    /// May not come in, and the account does not run.
    pub(crate) suspended: bool,
    /// Seconds since 1970.
    pub(crate) created: i64,
}

/// A browser in which a user has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Hash of what the browser has.
    pub(crate) token: [u8; 32],
    /// Seconds since 1970.
    pub(crate) created: i64,
    /// When it was used last, to some minutes.
    pub(crate) used: i64,
    /// What the browser said it is.
    pub(crate) agent: String,
}

impl User {
    /// For programs: all but the password.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "name": self.name, "admin": self.admin, "suspended": self.suspended,
            "created": self.created,
        })
    }
}

impl Session {
    /// For programs.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "session": crate::text::hex(&self.token), "browser": self.agent,
            "created": self.created, "used": self.used,
        })
    }
}

const USER: &str = "SELECT number, name, password, admin, suspended, created FROM web_user";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        number: row.get(0)?,
        name: row.get(1)?,
        password: row.get(2)?,
        admin: row.get(3)?,
        suspended: row.get(4)?,
        created: row.get(5)?,
    })
}

/// Accounts of the store that are to run: name and where they listen. `None`: as the settings say.
pub(crate) type Hosted = Vec<(String, String)>;

/// Accounts that were made while the node ran, and the names of those that are suspended.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn hosted(folder: &Path) -> Result<(Hosted, Vec<String>), Fault> {
    let store = schema::open(&folder.join(FILE))?;
    let read = || -> rusqlite::Result<_> {
        let mut all = store.prepare("SELECT name, listen FROM hosted ORDER BY name")?;
        let hosted = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let hosted = hosted.collect::<Result<_, _>>()?;
        let mut all = store.prepare("SELECT name FROM web_user WHERE suspended")?;
        let suspended = all.query_map([], |row| row.get(0))?;
        Ok((hosted, suspended.collect::<Result<_, _>>()?))
    };
    read().map_err(|error| failed(&error))
}

/// All users, the oldest first.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn all(store: &Connection) -> Result<Vec<User>, Fault> {
    let read = || -> rusqlite::Result<Vec<User>> {
        let mut find = store.prepare_cached(&format!("{USER} ORDER BY number"))?;
        find.query_map([], user)?.collect()
    };
    read().map_err(|error| failed(&error))
}

/// A user by name.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn named(store: &Connection, name: &str) -> Result<Option<User>, Fault> {
    let read = || {
        let mut find = store.prepare_cached(&format!("{USER} WHERE name = ?1"))?;
        find.query_row([name], user).optional()
    };
    read().map_err(|error| failed(&error))
}

/// Who has a session, and when it was used last.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn in_session(
    store: &Connection,
    token: &[u8; 32],
) -> Result<Option<(User, i64)>, Fault> {
    let read = || {
        let mut find = store.prepare_cached(
            "SELECT u.number, u.name, u.password, u.admin, u.suspended, u.created, s.used
             FROM web_session s JOIN web_user u ON u.number = s.user WHERE s.token = ?1",
        )?;
        find.query_row([token], |row| Ok((user(row)?, row.get(6)?)))
            .optional()
    };
    read().map_err(|error| failed(&error))
}

/// A user's sessions, the one used last first.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn sessions(store: &Connection, user: i64) -> Result<Vec<Session>, Fault> {
    let read = || -> rusqlite::Result<Vec<Session>> {
        let mut find = store.prepare_cached(
            "SELECT token, created, used, agent FROM web_session WHERE user = ?1
             ORDER BY used DESC, token",
        )?;
        let row = |row: &Row<'_>| {
            Ok(Session {
                token: row.get(0)?,
                created: row.get(1)?,
                used: row.get(2)?,
                agent: row.get(3)?,
            })
        };
        find.query_map([user], row)?.collect()
    };
    read().map_err(|error| failed(&error))
}

/// Adds a user; the first one administrates.
///
/// # Errors
/// The name is taken, or the store cannot be written.
pub(crate) fn add(
    store: &Transaction<'_>,
    name: &str,
    password: &str,
    now: i64,
) -> Result<User, Fault> {
    if named(store, name)?.is_some() {
        let message = format!("there is a user '{name}' here already: choose another name");
        return Err(Fault::new(Class::Refused, message));
    }
    let add = || {
        store.execute(
            "INSERT INTO web_user (name, password, admin, created)
             SELECT ?1, ?2, NOT EXISTS (SELECT 1 FROM web_user), ?3",
            params![name, password, now],
        )
    };
    add().map_err(|error| failed(&error))?;
    named(store, name)?.ok_or_else(|| Fault::new(Class::Store, "the new user is not there"))
}

/// Notes an account that is made while the node runs.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn host(store: &Transaction<'_>, name: &str, listen: &str) -> Result<(), Fault> {
    change(
        store,
        "INSERT INTO hosted (name, listen) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET listen = excluded.listen",
        params![name, listen],
    )
}

/// Sets a new password and ends all sessions but one.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn set_password(
    store: &Transaction<'_>,
    user: i64,
    password: &str,
    but: Option<[u8; 32]>,
) -> Result<(), Fault> {
    change(
        store,
        "UPDATE web_user SET password = ?2 WHERE number = ?1",
        params![user, password],
    )?;
    change(
        store,
        "DELETE FROM web_session WHERE user = ?1 AND token IS NOT ?2",
        params![user, but],
    )
}

/// Suspends a user or lets them in again. Sessions of one who is suspended end.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn suspend(store: &Transaction<'_>, user: i64, on: bool) -> Result<(), Fault> {
    change(
        store,
        "UPDATE web_user SET suspended = ?2 WHERE number = ?1",
        params![user, on],
    )?;
    change(
        store,
        "DELETE FROM web_session WHERE user = ?1 AND ?2",
        params![user, on],
    )
}

/// Begins a session.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn begin(
    store: &Transaction<'_>,
    user: i64,
    token: &[u8; 32],
    agent: &str,
    now: i64,
) -> Result<(), Fault> {
    change(
        store,
        "INSERT INTO web_session (token, user, created, used, agent)
         VALUES (?1, ?2, ?3, ?3, ?4)",
        params![token, user, now, agent],
    )?;
    change(
        store,
        "DELETE FROM web_session WHERE user = ?1 AND token NOT IN
         (SELECT token FROM web_session WHERE user = ?1 ORDER BY used DESC LIMIT ?2)",
        params![user, MOST_SESSIONS],
    )
}

/// Notes that a session is used.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn used(store: &Transaction<'_>, token: &[u8; 32], now: i64) -> Result<(), Fault> {
    change(
        store,
        "UPDATE web_session SET used = ?2 WHERE token = ?1",
        params![token, now],
    )
}

/// Ends a session of a user.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn end(store: &Transaction<'_>, user: i64, token: &[u8; 32]) -> Result<(), Fault> {
    change(
        store,
        "DELETE FROM web_session WHERE user = ?1 AND token = ?2",
        params![user, token],
    )
}

fn change(store: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> Result<(), Fault> {
    let run = || store.prepare_cached(sql)?.execute(values).map(drop);
    run().map_err(|error| failed(&error))
}

/// Where an account that was made while the node ran listens.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn listens(store: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT listen FROM hosted WHERE name = ?1";
    let found = store.query_row(sql, [name], |row| row.get(0)).optional();
    found.map_err(|error| failed(&error))
}
