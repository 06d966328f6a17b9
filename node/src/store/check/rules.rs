//! What must hold between the tables, as SQL: a check counts the rows that break a rule, a repair
//! deletes them.

use super::{Damage, Report};
use rusqlite::Connection;

/// Rows of a table that must not be there.
pub(in crate::store) struct Rule {
    /// First version of the store that has the table.
    since: usize,
    pub(in crate::store) what: &'static str,
    pub(in crate::store) table: &'static str,
    pub(in crate::store) wrong: &'static str,
    /// Names a row.
    name: &'static str,
}

const fn rule(
    since: usize,
    what: &'static str,
    table: &'static str,
    wrong: &'static str,
    name: &'static str,
) -> Rule {
    Rule {
        since,
        what,
        table,
        wrong,
        name,
    }
}

const NO_ACCOUNT: &str = "account NOT IN (SELECT number FROM account)";
const NO_USER: &str = "user NOT IN (SELECT number FROM web_user)";
const BAD_ID: &str = "typeof(id) <> 'blob' OR length(id) <> 32";
const OF_ACCOUNT: &str = "'account ' || account";
const OF_USER: &str = "'user ' || user";
const ID: &str = "lower(hex(id))";
const BROKEN: &str = "rows with broken ids";
const ORPHANS: &str = "rows of accounts that are not here";

/// In the order in which a repair can keep them.
pub(in crate::store) const RULES: [Rule; 26] = [
    rule(
        1,
        BROKEN,
        "account",
        "typeof(node) <> 'blob' OR length(node) <> 16",
        "name",
    ),
    rule(1, BROKEN, "wish", BAD_ID, ID),
    rule(1, BROKEN, "bookmark", BAD_ID, ID),
    rule(1, BROKEN, "read_mark", BAD_ID, ID),
    rule(
        1,
        BROKEN,
        "cold",
        "length(node) <> 16 OR length(tag) <> 8",
        OF_ACCOUNT,
    ),
    rule(
        5,
        BROKEN,
        "draft",
        "length(below) NOT IN (0, 32)",
        OF_ACCOUNT,
    ),
    rule(
        6,
        BROKEN,
        "made",
        "length(id) <> 32 OR length(source) <> 32",
        ID,
    ),
    rule(
        1,
        "wishes of an unknown kind",
        "wish",
        "mode NOT IN (0, 1, 2)",
        ID,
    ),
    rule(1, ORPHANS, "holding", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "node_record", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "peer_record", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "overlay_record", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "cold", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "wish", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "bookmark", NO_ACCOUNT, OF_ACCOUNT),
    rule(1, ORPHANS, "read_mark", NO_ACCOUNT, OF_ACCOUNT),
    rule(5, ORPHANS, "draft", NO_ACCOUNT, OF_ACCOUNT),
    rule(6, ORPHANS, "made", NO_ACCOUNT, OF_ACCOUNT),
    rule(
        3,
        "sessions of users who are not here",
        "web_session",
        NO_USER,
        OF_USER,
    ),
    rule(
        7,
        "tokens of users who are not here",
        "web_token",
        NO_USER,
        OF_USER,
    ),
    rule(
        1,
        "holdings of documents that are not here",
        "holding",
        "document NOT IN (SELECT number FROM document)",
        "'number ' || document",
    ),
    rule(
        1,
        "documents that nobody holds",
        "document",
        "number NOT IN (SELECT document FROM holding)",
        ID,
    ),
    rule(
        1,
        "links of documents that are not here",
        "comment",
        "by NOT IN (SELECT number FROM document)",
        "lower(hex(comment))",
    ),
    rule(
        1,
        "neighbours of networks that are not here",
        "cold",
        "NOT EXISTS (SELECT 1 FROM overlay_record o WHERE o.account = cold.account
         AND o.tag = cold.tag)",
        "lower(hex(tag))",
    ),
    rule(
        2,
        "words of documents that are not here",
        "words_docsize",
        "id NOT IN (SELECT number FROM document)",
        "'number ' || id",
    ),
    // A repair makes the index anew. It may lag behind the highest number, but has no gaps.
    rule(
        2,
        "documents without words in the index",
        "document",
        "number <= (SELECT coalesce(max(id), 0) FROM words_docsize)
         AND number NOT IN (SELECT id FROM words_docsize)",
        ID,
    ),
];

/// Tables that are made of others: what they have, and what they should have.
const KEPT: [(&str, &str, &str, &str); 2] = [
    (
        "lists of forums that are out of step",
        "'number ' || document",
        "SELECT document FROM root",
        "SELECT number AS document FROM document d
         WHERE NOT EXISTS (SELECT 1 FROM comment c WHERE c.comment = d.id)",
    ),
    (
        "lists of replies that are out of step",
        ID,
        "SELECT account, parent, created, id FROM reply",
        "SELECT h.account, c.parent, d.created, d.id FROM comment c
         JOIN document d ON d.id = c.comment
         JOIN holding h ON h.document = d.number WHERE NOT h.hidden",
    ),
];
/// First version that has them.
const KEPT_SINCE: usize = 8;

/// Looks at all rules.
pub(super) fn look(store: &Connection, report: &mut Report) {
    let version = report.version;
    for rule in RULES.iter().filter(|rule| rule.since <= version) {
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            rule.name, rule.table, rule.wrong
        );
        named(store, rule.what, &sql, rule.table, report);
    }
    if version < KEPT_SINCE {
        return;
    }
    for (what, name, has, should) in KEPT {
        for (one, other) in [(has, should), (should, has)] {
            let sql = format!("SELECT {name} FROM ({one} EXCEPT {other})");
            named(store, what, &sql, what, report);
        }
    }
}

fn named(store: &Connection, what: &str, sql: &str, place: &str, report: &mut Report) {
    let known = report.damage.iter().position(|known| known.what == what);
    let mut damage = known.map_or_else(|| Damage::new(what), |at| report.damage.remove(at));
    let looked = (|| -> rusqlite::Result<()> {
        let mut look = store.prepare(sql)?;
        let mut rows = look.query([])?;
        while let Some(row) = rows.next()? {
            let name: Option<String> = row.get(0).unwrap_or_default();
            damage.add(|| format!("{place}: {}", name.unwrap_or_default()));
        }
        Ok(())
    })();
    report.note(damage);
    if let Err(error) = looked {
        report.unread(place, &error);
    }
}
