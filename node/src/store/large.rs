//! Tests of what keeps pages quick: the tables that triggers keep, and times with a large store.

use super::ask::Reader;
use super::find::Wanted;
use super::write::transaction;
use super::{Op, schema};
use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::{Document, DocumentId, Draft, NodeId, SecretKey, WallTime};
use rusqlite::Connection;
use std::path::PathBuf;
use std::time::Duration;

/// Documents of the large store.
const LARGE: usize = 100_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % sides
    }
}

fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("clique-large-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn signed(body: &str, at: usize, parents: Vec<DocumentId>, children: Vec<DocumentId>) -> Document {
    let draft = Draft {
        parents,
        children,
        body: Bytes::copy_from_slice(body.as_bytes()),
        created: WallTime(at as u64),
        ..Draft::default()
    };
    Document::sign(&draft, &SecretKey([1; 32]), &Ed25519Blake3).expect("within limits")
}

fn perform(store: &mut Connection, account: i64, ops: &[Op]) {
    transaction(store, [(account, ops)].into_iter()).expect("runs");
}

/// Rows that one of the two queries gives and the other does not.
fn differ(store: &Connection, one: &str, other: &str) -> i64 {
    let sql = format!(
        "SELECT (SELECT count(*) FROM ({one} EXCEPT {other}))
              + (SELECT count(*) FROM ({other} EXCEPT {one}))"
    );
    store.query_row(&sql, [], |row| row.get(0)).expect("asked")
}

#[test]
fn kept_tables_say_what_they_are_made_of() {
    let mut store = schema::open(&file("kept")).expect("made");
    let mut dice = Dice(7);
    let mut all: Vec<Document> = Vec::new();
    for at in 0..24 {
        let some = |dice: &mut Dice| -> Vec<DocumentId> {
            let count = if all.is_empty() { 0 } else { dice.below(3) };
            let ids: std::collections::BTreeSet<DocumentId> = (0..count)
                .map(|_| all[dice.below(all.len())].id())
                .collect();
            ids.into_iter().collect()
        };
        let (parents, mut children) = (some(&mut dice), some(&mut dice));
        children.retain(|child| !parents.contains(child));
        all.push(signed(&format!("text {at}"), at / 4, parents, children));
    }
    let (mut most_roots, mut most_replies) = (0, 0);
    for step in 0..1_500 {
        let document = &all[dice.below(all.len())];
        let account = 1 + i64::from(dice.below(2) == 1);
        let op = match dice.below(5) {
            0 | 1 => Op::Put(document.clone()),
            2 => Op::Delete(document.id(), document.tag()),
            hidden => Op::Arrived(document.id(), hidden == 3),
        };
        perform(&mut store, account, &[op]);
        let roots = "SELECT number FROM document d
                     WHERE NOT EXISTS (SELECT 1 FROM comment c WHERE c.comment = d.id)";
        assert_eq!(differ(&store, "SELECT document FROM root", roots), 0);
        let replies = "SELECT h.account, c.parent, d.created, d.id FROM comment c
                       JOIN document d ON d.id = c.comment
                       JOIN holding h ON h.document = d.number WHERE NOT h.hidden";
        let kept = "SELECT account, parent, created, id FROM reply";
        assert_eq!(differ(&store, kept, replies), 0, "after step {step}");
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            store.query_row(&sql, [], |row| row.get(0)).expect("asked")
        };
        most_roots = most_roots.max(count("root"));
        most_replies = most_replies.max(count("reply"));
    }
    assert!(most_roots > 2 && most_replies > 10, "the dice did nothing");
}

/// One forum, whose documents have the word "document" once, "word" 150 times; a sixth stand directly
/// below it, the others below one of the last 2,000.
fn large() -> (Reader, DocumentId) {
    let mut store = schema::open(&file("large")).expect("made");
    schema::account(&store, "ann", NodeId([1; 16]))
        .expect("asked")
        .expect("made");
    let mut dice = Dice(1);
    let forum = signed("A large forum", 0, Vec::new(), Vec::new());
    let mut ids = vec![forum.id()];
    let mut ops = vec![Op::Put(forum)];
    for at in 1..LARGE {
        let recent = ids.len().min(2_000);
        let parent = match dice.below(6) {
            0 => ids[0],
            _ => ids[ids.len() - 1 - dice.below(recent)],
        };
        let body = format!("A document {at}\n\n{}", "word ".repeat(150));
        let document = signed(&body, at / 3, vec![parent], Vec::new());
        ids.push(document.id());
        ops.push(Op::Put(document));
        if ops.len() == 5_000 || at + 1 == LARGE {
            perform(&mut store, 1, &ops);
            ops.clear();
        }
    }
    while super::search::catch_up(&mut store).expect("indexed") {}
    (Reader::on(store, "ann").expect("opened"), ids[0])
}

#[allow(
    clippy::disallowed_methods,
    reason = "a measurement reads the real time"
)]
fn median(what: &str, mut read: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let begun = std::time::Instant::now();
            read();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    eprintln!("{what}: {:.2} ms", times[4].as_secs_f64() * 1e3);
    times[4]
}

#[test]
#[ignore = "makes 100,000 documents and measures times: run it by name, on an idle machine"]
fn pages_of_a_large_store_are_quick() {
    let (mut reader, forum) = large();
    let page = Duration::from_millis(50);
    let forums = median("forums", || drop(reader.forums().expect("read")));
    let branches = median("forum", || drop(reader.branches(&forum, 0).expect("read")));
    let last = median("end of the forum", || {
        drop(reader.branches(&forum, LARGE / 6 - 200).expect("read"));
    });
    let public = median("public forum", || {
        drop(reader.some_below(&forum, 0, 51).expect("read"));
    });
    let ids = |found: Vec<Document>| found.iter().map(Document::id).collect::<Vec<_>>();
    let newest = ids(reader.newest(&forum, 50).expect("read"));
    assert_eq!(newest, reader.newest_under(&forum, 50).expect("read"));
    let feed = median("feed", || drop(reader.newest(&forum, 50).expect("read")));
    let wanted = Wanted {
        words: "document word".to_owned(),
        ..Wanted::default()
    };
    let both = ids(reader.find(&wanted, 0, 60).expect("read"));
    let second = ids(reader.find(&wanted, 30, 30).expect("read"));
    assert_eq!((both.len(), &both[30..]), (60, &second[..]));
    let under = |words: &str| Wanted {
        words: words.to_owned(),
        below: Some(forum),
        ..Wanted::default()
    };
    let rare = under("document 77777");
    assert_eq!(reader.find(&rare, 0, 31).expect("read").len(), 1);
    // All stand below it: what goes up from hits finds the same as what looks everywhere.
    let inside = ids(reader.find(&under("document word"), 30, 30).expect("read"));
    assert_eq!(inside, second);
    let inside = median("search in the forum", || {
        drop(reader.find(&under("document word"), 0, 31).expect("read"));
    });
    let few = median("search of rare words in the forum", || {
        drop(reader.find(&rare, 0, 31).expect("read"));
    });
    let newest = median("newest in the forum, as a feed", || {
        drop(reader.find(&under(""), 0, 50).expect("read"));
    });
    let listed = median("search by command", || {
        drop(reader.search("document word", 30).expect("read"));
    });
    let search = median("search", || {
        drop(reader.find(&wanted, 0, 31).expect("read"));
    });
    for time in [forums, branches, last, public, feed, newest] {
        assert!(time < page, "a page took {time:?}");
    }
    for time in [search, listed, inside, few] {
        assert!(time < page * 2, "a search took {time:?}");
    }
}
