//! Tables, their versions, and opening the file.

use crate::fault::{Class, Fault};
use cliqueclique_core::NodeId;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::path::Path;
use std::time::Duration;

/// "clqc", so that other files are not taken for a store.
const APPLICATION: i32 = 0x636c_7163;

/// What makes version n + 1 of version n.
const MIGRATIONS: [&str; 8] = [
    "
CREATE TABLE account (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, node BLOB NOT NULL);
CREATE TABLE document (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, author BLOB NOT NULL,
    created INTEGER NOT NULL, bytes BLOB NOT NULL);
-- The document BY says that COMMENT stands below PARENT.
CREATE TABLE comment (
    parent BLOB NOT NULL, comment BLOB NOT NULL, by INTEGER NOT NULL,
    PRIMARY KEY (parent, comment, by)) WITHOUT ROWID;
CREATE INDEX comment_by ON comment (by);
CREATE TABLE holding (
    account INTEGER NOT NULL, document INTEGER NOT NULL, hidden INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, document)) WITHOUT ROWID;
CREATE INDEX holding_document ON holding (document);
CREATE TABLE node_record (account INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE peer_record (
    account INTEGER NOT NULL, node BLOB NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (account, node)) WITHOUT ROWID;
CREATE TABLE overlay_record (
    number INTEGER PRIMARY KEY, account INTEGER NOT NULL, tag BLOB NOT NULL,
    bytes BLOB NOT NULL, UNIQUE (account, tag));
-- Neighbours of cold overlays.
CREATE TABLE cold (
    account INTEGER NOT NULL, node BLOB NOT NULL, tag BLOB NOT NULL,
    PRIMARY KEY (account, node, tag)) WITHOUT ROWID;
CREATE INDEX cold_tag ON cold (account, tag);
CREATE TABLE wish (
    account INTEGER NOT NULL, id BLOB NOT NULL, mode INTEGER NOT NULL,
    PRIMARY KEY (account, id)) WITHOUT ROWID;
CREATE TABLE bookmark (
    account INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
CREATE TABLE read_mark (
    account INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
",
    "
-- Words of the bodies, by the document's number. It holds no text of its own.
CREATE VIRTUAL TABLE words USING fts5(body, content='', contentless_delete=1);
",
    "
-- Accounts that were made while the node ran; the settings have the others.
CREATE TABLE hosted (name TEXT PRIMARY KEY, listen TEXT NOT NULL) WITHOUT ROWID;
-- Who may use an account in the browser; the user has the account's name.
CREATE TABLE web_user (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
    admin INTEGER NOT NULL, suspended INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL);
-- TOKEN is the hash of what the browser has.
CREATE TABLE web_session (
    token BLOB PRIMARY KEY, user INTEGER NOT NULL, created INTEGER NOT NULL,
    used INTEGER NOT NULL, agent TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX web_session_user ON web_session (user, used);
",
    "
-- What a document stands below.
CREATE INDEX comment_comment ON comment (comment, parent);
",
    "
-- What was typed in the browser and is not posted yet; BELOW is empty for a new forum.
CREATE TABLE draft (
    account INTEGER NOT NULL, below BLOB NOT NULL, body TEXT NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY (account, below)) WITHOUT ROWID;
",
    "
-- What documents were made of, such as mails, so that nothing is imported twice.
CREATE TABLE made (
    account INTEGER NOT NULL, source BLOB NOT NULL, id BLOB NOT NULL,
    PRIMARY KEY (account, source)) WITHOUT ROWID;
",
    "
-- HASH is that of what a program has; it opens everything (0) or feeds (1).
CREATE TABLE web_token (
    hash BLOB PRIMARY KEY, user INTEGER NOT NULL, name TEXT NOT NULL, opens INTEGER NOT NULL,
    created INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX web_token_user ON web_token (user);
-- Numbers of users who went are given again.
CREATE TRIGGER web_token_gone AFTER DELETE ON web_user
    BEGIN DELETE FROM web_token WHERE user = OLD.number; END;
CREATE INDEX document_author ON document (author, created);
",
    "
-- Documents that stand below no other, by number.
CREATE TABLE root (document INTEGER PRIMARY KEY);
CREATE TRIGGER root_begins AFTER INSERT ON document BEGIN
    INSERT OR IGNORE INTO root SELECT NEW.number
    WHERE NOT EXISTS (SELECT 1 FROM comment WHERE comment = NEW.id); END;
CREATE TRIGGER root_goes AFTER DELETE ON document BEGIN
    DELETE FROM root WHERE document = OLD.number; END;
CREATE TRIGGER root_is_below AFTER INSERT ON comment BEGIN
    DELETE FROM root WHERE document = (SELECT number FROM document WHERE id = NEW.comment); END;
CREATE TRIGGER root_is_alone AFTER DELETE ON comment BEGIN
    INSERT OR IGNORE INTO root SELECT number FROM document WHERE id = OLD.comment
    AND NOT EXISTS (SELECT 1 FROM comment WHERE comment = OLD.comment); END;
INSERT INTO root SELECT number FROM document d
    WHERE NOT EXISTS (SELECT 1 FROM comment c WHERE c.comment = d.id);
-- What an account sees directly below a document, the oldest first: pages count it and take pieces.
CREATE TABLE reply (
    account INTEGER NOT NULL, parent BLOB NOT NULL, created INTEGER NOT NULL, id BLOB NOT NULL,
    PRIMARY KEY (account, parent, created, id)) WITHOUT ROWID;
CREATE TRIGGER reply_comes AFTER INSERT ON holding WHEN NOT NEW.hidden BEGIN
    INSERT OR IGNORE INTO reply SELECT NEW.account, c.parent, d.created, d.id
    FROM document d JOIN comment c ON c.comment = d.id WHERE d.number = NEW.document; END;
CREATE TRIGGER reply_shown AFTER UPDATE OF hidden ON holding WHEN NOT NEW.hidden BEGIN
    INSERT OR IGNORE INTO reply SELECT NEW.account, c.parent, d.created, d.id
    FROM document d JOIN comment c ON c.comment = d.id WHERE d.number = NEW.document; END;
CREATE TRIGGER reply_hidden AFTER UPDATE OF hidden ON holding WHEN NEW.hidden BEGIN
    DELETE FROM reply WHERE (account, parent, created, id) IN (
        SELECT NEW.account, c.parent, d.created, d.id
        FROM document d JOIN comment c ON c.comment = d.id WHERE d.number = NEW.document); END;
CREATE TRIGGER reply_goes AFTER DELETE ON holding BEGIN
    DELETE FROM reply WHERE (account, parent, created, id) IN (
        SELECT OLD.account, c.parent, d.created, d.id
        FROM document d JOIN comment c ON c.comment = d.id WHERE d.number = OLD.document); END;
CREATE TRIGGER reply_is_named AFTER INSERT ON comment BEGIN
    INSERT OR IGNORE INTO reply SELECT h.account, NEW.parent, d.created, d.id
    FROM document d JOIN holding h ON h.document = d.number
    WHERE d.id = NEW.comment AND NOT h.hidden; END;
-- Another document may still say the same.
CREATE TRIGGER reply_is_unnamed AFTER DELETE ON comment
    WHEN NOT EXISTS (SELECT 1 FROM comment WHERE parent = OLD.parent AND comment = OLD.comment)
BEGIN
    DELETE FROM reply WHERE (account, parent, created, id) IN (
        SELECT h.account, OLD.parent, d.created, d.id
        FROM document d JOIN holding h ON h.document = d.number WHERE d.id = OLD.comment); END;
INSERT INTO reply SELECT DISTINCT h.account, c.parent, d.created, d.id
    FROM comment c JOIN document d ON d.id = c.comment JOIN holding h ON h.document = d.number
    WHERE NOT h.hidden;
CREATE INDEX document_created ON document (created DESC, id);
",
];

/// The version of this program.
pub(super) const NEWEST: usize = MIGRATIONS.len();

/// How to mend what cannot be opened.
const MEND: &str = "if the disk is whole, restore a backup";

/// Readers that leave the file alone.
const TO_READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_URI);

/// Opens the store, makes it if it is not there, and brings it to the newest version.
///
/// # Errors
/// It cannot be opened or is not ours, damaged, or of a newer version.
pub(crate) fn open(path: &Path) -> Result<Connection, Fault> {
    let broken = |error: rusqlite::Error| {
        Fault::new(
            Class::Store,
            format!("cannot use the store {}: {error}; {MEND}", path.display()),
        )
    };
    let mut connection = Connection::open(path).map_err(broken)?;
    prepare(&connection).map_err(broken)?;
    let version = version(&connection).map_err(broken)?;
    known(path, version)?;
    migrate(&mut connection, version).map_err(broken)?;
    Ok(connection)
}

/// Opens the store as it is: nothing is written, nothing is brought to a newer version. Gives its
/// version, too.
///
/// # Errors
/// As [`open`].
pub(super) fn open_as_it_is(path: &Path) -> Result<(Connection, usize), Fault> {
    let open = |path: &Path| {
        let connection = Connection::open_with_flags(path, TO_READ)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.set_prepared_statement_cache_capacity(64);
        let version = version(&connection)?;
        Ok((connection, version))
    };
    let opened = open(path).or_else(|error: rusqlite::Error| {
        // Where nothing can be written there is no place for what readers and a writer share;
        // nor is it needed if nothing waits in the journal.
        let wal = path.with_extension("sqlite-wal");
        let quiet = std::fs::metadata(wal).map_or(true, |data| data.len() == 0);
        let refused = error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen);
        if !(quiet && refused && path.exists()) {
            return Err(error);
        }
        open(Path::new(&unchanging(path)))
    });
    let (connection, version) = opened.map_err(|error| {
        let text = format!("cannot read the store {}: {error}; {MEND}", path.display());
        Fault::new(Class::Store, text)
    })?;
    known(path, version)?;
    Ok((connection, version))
}

/// The file's URI, for SQLite to read it without locks and journal.
fn unchanging(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .as_os_str()
        .as_encoded_bytes()
    {
        uri += &format!("%{byte:02x}");
    }
    uri + "?immutable=1"
}

/// Refuses a store of a newer version.
fn known(path: &Path, version: usize) -> Result<(), Fault> {
    if version <= NEWEST {
        return Ok(());
    }
    let message = format!(
        "the store {} has version {version}, this program knows up to {NEWEST}: \
         use the newer program, nothing was changed",
        path.display()
    );
    Err(Fault::new(Class::Store, message))
}

/// Opens the store for pages, that read alone; it is brought to the newest version if need be.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, Fault> {
    let connection = open(path)?;
    let set = || {
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(())
    };
    let failed = |error: rusqlite::Error| {
        Fault::new(
            Class::Store,
            format!("cannot read {}: {error}", path.display()),
        )
    };
    set().map_err(failed)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_096)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, owner) = (pragma("user_version")?, pragma("application_id")?);
    if version != 0 && owner != i64::from(APPLICATION) {
        return Err(rusqlite::Error::InvalidQuery);
    }
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn migrate(connection: &mut Connection, from: usize) -> rusqlite::Result<()> {
    if from == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    // Another process may have been faster.
    let from = version(&transaction)?;
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(from) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(
            None,
            "user_version",
            i32::try_from(at + 1).unwrap_or(i32::MAX),
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

/// Number of an account, which is made if need be.
pub(super) fn account(
    connection: &Connection,
    name: &str,
    node: NodeId,
) -> rusqlite::Result<Result<i64, Fault>> {
    let known: Option<(i64, Vec<u8>)> = connection
        .query_row(
            "SELECT number, node FROM account WHERE name = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(match known {
        Some((number, key)) if key == node.0 => Ok(number),
        Some(_) => Err(Fault::new(
            Class::Store,
            format!(
                "the store knows the account '{name}' with another key: \
                 put the right file into keys/, or give the account another name"
            ),
        )),
        None => {
            connection.execute(
                "INSERT INTO account (name, node) VALUES (?1, ?2)",
                params![name, node.0],
            )?;
            Ok(connection.last_insert_rowid())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("clique-schema-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn a_newer_version_is_refused_and_left_alone() {
        let path = file("newer");
        drop(open(&path).expect("made"));
        let raw = Connection::open(&path).expect("opened");
        raw.pragma_update(None, "user_version", 999).expect("set");
        let fault = open(&path).expect_err("refused");
        assert_eq!(fault.class, Class::Store);
        assert!(fault.message.contains("version 999"), "{fault}");
        assert_eq!(version(&raw).expect("read"), 999);
    }

    #[test]
    fn documents_of_an_old_store_are_found_by_their_words() {
        use cliqueclique_core::crypto::Ed25519Blake3;
        use cliqueclique_core::{Document, Draft, SecretKey};
        let path = file("old");
        let old = Connection::open(&path).expect("made");
        old.execute_batch(MIGRATIONS[0]).expect("made");
        old.pragma_update(None, "user_version", 1).expect("set");
        old.pragma_update(None, "application_id", APPLICATION)
            .expect("set");
        let draft = Draft {
            body: b"about apples".to_vec().into(),
            ..Draft::default()
        };
        let document = Document::sign(&draft, &SecretKey([1; 32]), &Ed25519Blake3).expect("fits");
        old.execute(
            "INSERT INTO document (id, author, created, bytes) VALUES (?1, ?2, 0, ?3)",
            params![
                document.id().0,
                document.author_id().0,
                &document.bytes()[..]
            ],
        )
        .expect("stored");
        drop(old);
        let mut new = open(&path).expect("brought to the newest version");
        while super::super::search::catch_up(&mut new).expect("indexed") {}
        let found: i64 = new
            .query_row(
                "SELECT count(*) FROM words WHERE words MATCH 'apples'",
                [],
                |row| row.get(0),
            )
            .expect("asked");
        assert_eq!((found, version(&new).expect("read")), (1, MIGRATIONS.len()));
    }

    #[test]
    fn what_is_no_store_is_refused() {
        let path = file("junk");
        std::fs::write(&path, vec![b'x'; 8_192]).expect("written");
        assert_eq!(open(&path).expect_err("refused").class, Class::Store);
        let path = file("foreign");
        let other = Connection::open(&path).expect("made");
        other.pragma_update(None, "user_version", 1).expect("set");
        assert_eq!(open(&path).expect_err("refused").class, Class::Store);
    }

    #[test]
    fn an_account_keeps_its_key() {
        let connection = open(&file("account")).expect("made");
        let of = |name, key| account(&connection, name, NodeId([key; 16])).expect("runs");
        let first = of("a", 1).expect("made");
        assert_eq!(of("a", 1).expect("found"), first);
        assert_ne!(of("b", 2).expect("made"), first);
        assert_eq!(of("a", 3).expect_err("refused").class, Class::Store);
    }
}
