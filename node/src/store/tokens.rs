//! Tokens with which programs come in without a session. The store has their hashes only.

use super::ask::failed;
use super::users::User;
use crate::fault::{Class, Fault};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Most tokens of a user.
const MOST: i64 = 32;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// All that its user may do.
    Api = 0,
    /// Feeds, to be read only.
    Feeds = 1,
}

/// A token, as lists show it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Hash, hex.
    pub(crate) hash: String,
    /// What its user calls it.
    pub(crate) name: String,
    /// It opens feeds only.
    pub(crate) feeds: bool,
}

impl Token {
    /// For programs.
    pub(crate) fn shown(&self) -> serde_json::Value {
        let opens = if self.feeds { "feeds" } else { "api" };
        serde_json::json!({ "token": self.hash, "name": self.name, "opens": opens })
    }
}

/// The user of a token.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn owner(
    store: &Connection,
    hash: &[u8; 32],
    opens: Opens,
) -> Result<Option<User>, Fault> {
    let name: rusqlite::Result<Option<i64>> = store
        .prepare_cached("SELECT user FROM web_token WHERE hash = ?1 AND opens = ?2")
        .and_then(|mut find| {
            find.query_row(params![hash, opens as i64], |row| row.get(0))
                .optional()
        });
    let Some(number) = name.map_err(|error| failed(&error))? else {
        return Ok(None);
    };
    let all = super::users::all(store)?;
    Ok(all
        .into_iter()
        .find(|user| user.number == number && !user.suspended))
}

/// The tokens of a user, the oldest first.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn all(store: &Connection, user: i64) -> Result<Vec<Token>, Fault> {
    let read = || -> rusqlite::Result<Vec<Token>> {
        let sql = "SELECT hash, name, opens FROM web_token WHERE user = ?1 ORDER BY created, hash";
        let mut find = store.prepare_cached(sql)?;
        let rows = find.query_map([user], |row| {
            Ok(Token {
                hash: crate::text::hex(&row.get::<_, Vec<u8>>(0)?),
                name: row.get(1)?,
                feeds: row.get::<_, i64>(2)? == Opens::Feeds as i64,
            })
        })?;
        rows.collect()
    };
    read().map_err(|error| failed(&error))
}

/// Adds a token.
///
/// # Errors
/// There are too many, or the store cannot be written.
pub(crate) fn add(
    store: &Transaction<'_>,
    user: i64,
    hash: &[u8; 32],
    (name, opens, now): (&str, Opens, i64),
) -> Result<(), Fault> {
    let count: rusqlite::Result<i64> = store.query_row(
        "SELECT count(*) FROM web_token WHERE user = ?1",
        [user],
        |row| row.get(0),
    );
    if count.map_err(|error| failed(&error))? >= MOST {
        let message = format!("you have {MOST} tokens already: revoke one that you no longer use");
        return Err(Fault::new(Class::Usage, message));
    }
    let added = store.execute(
        "INSERT INTO web_token (hash, user, name, opens, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![hash, user, name, opens as i64, now],
    );
    added.map(drop).map_err(|error| failed(&error))
}

/// Revokes a token of a user.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn revoke(store: &Transaction<'_>, user: i64, hash: &[u8; 32]) -> Result<(), Fault> {
    let gone = store.execute(
        "DELETE FROM web_token WHERE user = ?1 AND hash = ?2",
        params![user, hash],
    );
    gone.map(drop).map_err(|error| failed(&error))
}
