//! Stores that are damaged, or of an older version: what `check` says, and what `check --repair`
//! makes of them.

mod common;

use common::{Node, Workspace, eventually};
use rusqlite::Connection;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn store(space: &Workspace, name: &str) -> PathBuf {
    Path::new(&space.path(name)).join("store.sqlite")
}

/// What `check` finds: kind, how many, names; and it must end with its own code.
fn found(node: &Node) -> Vec<(String, u64, String)> {
    node.fails(&["check"], 6, "is damaged");
    let output = node.output(&["check", "--json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let all = report["damage"].as_array().expect("a list");
    let text = |it: &Value| it.as_str().expect("a text").to_owned();
    let one = |it: &Value| {
        let count = it["count"].as_u64().expect("a count");
        (text(&it["what"]), count, it["named"].to_string())
    };
    all.iter().map(one).collect()
}

/// The old store, as a repair says.
fn repair(node: &Node) -> (Value, PathBuf) {
    let repaired = node.json(&["check", "--repair"]);
    let kept = PathBuf::from(repaired["kept"].as_str().expect("a path"));
    node.run(&["check"]);
    (repaired, kept)
}

fn forum(space: &Workspace, posts: usize) -> (Node, String, Vec<String>) {
    let mut a = space.asleep("a", &["init", "--listen", "tcp"]);
    a.start();
    let forum = a.say(&["forum", "new", "A forum"]);
    let posts = (0..posts)
        .map(|at| {
            a.say(&[
                "post",
                &forum,
                &format!("apple{at} {}", "word ".repeat(300)),
            ])
        })
        .collect();
    (a, forum, posts)
}

/// Damages a store in many ways.
fn hurt(path: &Path, posts: &[String]) {
    let store = Connection::open(path).expect("opened");
    let run = |sql: &str| assert!(store.execute(sql, []).expect(sql) > 0, "{sql}");
    let number = |id: &str| format!("(SELECT number FROM document WHERE id = x'{id}')");
    // A flipped bit in a body.
    run(&format!(
        "UPDATE document SET bytes = CAST(replace(CAST(bytes AS BLOB), 'apple0', 'apqle0') AS BLOB)
         WHERE id = x'{}'",
        posts[0]
    ));
    // Cut records.
    run("UPDATE overlay_record SET bytes = substr(bytes, 1, 20)
         WHERE number = (SELECT max(number) FROM overlay_record)");
    run("UPDATE peer_record SET bytes = substr(bytes, 1, 9)");
    // Dangling links, and tables out of step.
    run(&format!(
        "DELETE FROM comment WHERE by = {}",
        number(&posts[2])
    ));
    run("INSERT INTO read_mark (account, id) VALUES (99, zeroblob(32))");
    run(&format!(
        "DELETE FROM words WHERE rowid = {}",
        number(&posts[3])
    ));
    run("DELETE FROM reply WHERE id = (SELECT id FROM reply LIMIT 1)");
    run(&format!(
        "DELETE FROM holding WHERE document = {}",
        number(&posts[5])
    ));
    store.close().map_err(|(_, error)| error).expect("closed");
}

#[test]
fn damage_of_each_kind_is_named_and_mended() {
    let space = Workspace::new("damage");
    let (mut a, forum, posts) = forum(&space, 12);
    let b = space.node("b");
    b.join(&a, &forum);
    a.run(&["search", "apple3"]);
    a.stop();
    let path = store(&space, "a");
    a.run(&["check"]);
    hurt(&path, &posts);
    let before = std::fs::read(&path).expect("read");
    let finds = found(&a);
    let has = |what: &str, name: &str| {
        let found = finds
            .iter()
            .any(|it| it.0.contains(what) && it.2.contains(name));
        assert!(found, "{what} {name} in {finds:?}");
    };
    has("not what their id", &posts[0]);
    has("records of networks that cannot be read", "document ");
    has("records of peers that cannot be read", "");
    has("links are out of step", &posts[2]);
    has("accounts that are not here", "account 99");
    has("without words", &posts[3]);
    has("lists of replies", "");
    has("that nobody holds", &posts[5]);
    has("whose document is not here", &posts[5]);
    assert!(
        before == std::fs::read(&path).expect("read"),
        "a check wrote"
    );
    // A node does without, and says so; nothing is mended under it.
    a.start();
    let status = a.json(&["status"]);
    assert_eq!(status["unreadable_records"], 2, "{status}");
    assert!(a.log().contains("cannot be read: document "), "{}", a.log());
    a.fails(&["check", "--repair"], 5, "another node runs");
    a.stop();
    let (repaired, kept) = repair(&a);
    assert!(
        repaired["dropped"].to_string().contains(&posts[0]),
        "{repaired}"
    );
    let name = kept.file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with("store.sqlite.damaged-20"), "{name}");
    let old = Connection::open(&kept).expect("opened");
    let all = "SELECT count(*) FROM document WHERE instr(CAST(bytes AS BLOB), x'6170716c6530') > 0";
    let old: i64 = old.query_row(all, [], |row| row.get(0)).expect("asked");
    assert_eq!(old, 1, "the damaged document is kept");
    assert!(a.json(&["check", "--repair"])["kept"].is_null());
    a.start();
    let thread = a.thread(&forum);
    for post in &posts[1..] {
        assert!(thread.contains(post), "{post}");
    }
    assert!(a.run(&["search", "apple3"]).1.contains(&posts[3][..12]));
    assert_eq!(a.json(&["status"])["unreadable_records"], 0);
    let more = a.say(&["post", &forum, "It goes on"]);
    assert!(a.thread(&forum).contains(&more));
    // What was left out comes again from who has it.
    eventually("it is here again", Duration::from_secs(60), || {
        a.has(&posts[0])
    });
}

#[test]
fn pages_of_noise_cost_what_was_on_them_and_no_more() {
    let space = Workspace::new("noise");
    let (mut a, forum, posts) = forum(&space, 120);
    a.stop();
    let path = store(&space, "a");
    let whole = Connection::open(&path).expect("opened");
    // Documents fill their table's leaves; one in the middle gets noise.
    whole
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
        .expect("in one file");
    let at: Option<i64> = whole
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'document'",
            [],
            |row| row.get(0),
        )
        .expect("a page");
    whole.close().map_err(|(_, error)| error).expect("closed");
    let mut bytes = std::fs::read(&path).expect("read");
    let size = 4_096;
    let root = usize::try_from(at.expect("a page")).expect("small") - 1;
    // An inner page of a table (5): its cells begin with the number of a leaf.
    let page = &bytes[root * size..(root + 1) * size];
    assert_eq!(page[0], 5, "the table has more than one page");
    let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
    assert!(cells > 4);
    let middle = 12 + 2 * (cells / 2);
    let cell = usize::from(u16::from_be_bytes([page[middle], page[middle + 1]]));
    let leaf = u32::from_be_bytes(page[cell..cell + 4].try_into().expect("four"));
    let leaf = (usize::try_from(leaf).expect("small") - 1) * size;
    bytes[leaf..leaf + size].fill(0xaa);
    std::fs::write(&path, &bytes).expect("written");
    let finds = found(&a);
    assert!(
        finds.iter().any(|it| it.0.contains("pages of the file")),
        "{finds:?}"
    );
    let (repaired, kept) = repair(&a);
    assert!(
        std::fs::read(&kept).expect("kept") == bytes,
        "the old store as it was"
    );
    let left = repaired["after"]["documents"].as_u64().expect("a number");
    let all = u64::try_from(posts.len() + 1).expect("small");
    assert!(left < all && left + 6 >= all, "{left} of {all}: {repaired}");
    a.start();
    let lost = posts.iter().filter(|post| !a.has(post)).count();
    assert_eq!(u64::try_from(lost).expect("small"), all - left);
    a.say(&["post", &forum, "It goes on"]);
}

#[test]
fn what_is_no_store_at_all_is_left_alone() {
    let space = Workspace::new("nostore");
    let (mut a, _, _) = forum(&space, 1);
    a.stop();
    let path = store(&space, "a");
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[..100].fill(b'x');
    std::fs::write(&path, &bytes).expect("written");
    a.fails(&["check"], 6, "restore a backup");
    a.fails(&["check", "--repair"], 6, "restore a backup");
    assert!(std::fs::read(&path).expect("read") == bytes);
}

#[test]
fn an_older_store_is_checked_and_copied_as_it_is() {
    let space = Workspace::new("older");
    let (mut a, forum, posts) = forum(&space, 3);
    a.stop();
    let path = store(&space, "a");
    let old = Connection::open(&path).expect("opened");
    let triggers: Vec<String> = old
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'web%'")
        .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
        .expect("named");
    for name in triggers {
        old.execute_batch(&format!("DROP TRIGGER {name}"))
            .expect("dropped");
    }
    old.execute_batch(
        "DROP TABLE root; DROP TABLE reply; DROP INDEX document_created; PRAGMA user_version = 7",
    )
    .expect("made old");
    old.close().map_err(|(_, error)| error).expect("closed");
    let before = std::fs::read(&path).expect("read");
    let (_, said) = a.run(&["check"]);
    assert!(said.contains("it has version 7, and was left so"), "{said}");
    let copy = space.path("copy");
    a.run(&["backup", &copy]);
    assert!(before == std::fs::read(&path).expect("read"), "they wrote");
    let copied = Connection::open(Path::new(&copy).join("store.sqlite")).expect("opened");
    let version: i64 = copied
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("asked");
    assert_eq!(version, 7);
    a.start();
    assert_eq!(a.thread(&forum).len(), posts.len() + 1);
    a.stop();
    let (_, said) = a.run(&["check"]);
    assert!(!said.contains("version 7"), "{said}");
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let space = Workspace::new("shown");
    let a = space.asleep("a", &["init", "--listen", "tcp"]);
    a.edit("# links = ", "links = 77 #");
    let all = a.json(&["config", "show", "--account", "me"]);
    let of = |name: &str| {
        let all = all.as_array().expect("a list");
        let found = all.iter().find(|it| it["name"] == name).expect(name);
        (found["value"].to_string(), found["source"].to_string())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), format!("\"{source}\""));
    assert_eq!(of("limits.links"), pair("77", "file"));
    assert_eq!(of("limits.cold-after"), pair("600", "default"));
    assert_eq!(of("--account"), pair("\"me\"", "command-line"));
    let (_, text) = a.run(&["config", "show"]);
    let line = text.lines().find(|it| it.starts_with("limits.links"));
    assert!(line.is_some_and(|it| it.ends_with("file")), "{text}");
}
