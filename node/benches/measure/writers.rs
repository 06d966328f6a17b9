//! Writers: callers that keep a connection to a node's socket, as a program would, and write one
//! comment after another, each after the last was acknowledged.

use crate::common::Node;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Different words of a text.
const WORDS: u64 = 20_000;
/// Comments that a writer puts below one thread before it begins another.
const THREAD: usize = 20;

/// Numbers that differ, the same in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Words, some of them much more common than others, as in a language.
    pub(crate) fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 8);
        while text.len() < bytes {
            let rare = self.below(WORDS) + 1;
            text += &format!("w{} ", self.below(rare));
        }
        text.truncate(bytes);
        text
    }
}

/// One connection to a node's socket.
pub(crate) struct Caller(BufReader<UnixStream>);

impl Caller {
    /// Connects.
    pub(crate) fn of(node: &Node) -> Self {
        let stream = UnixStream::connect(node.folder.join("control.sock")).expect("a socket");
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, request: &Value) -> Value {
        let line = json!({ "account": "me", "request": request });
        let text = format!("{line}\n");
        self.0.get_mut().write_all(text.as_bytes()).expect("asked");
        let mut answer = String::new();
        self.0.read_line(&mut answer).expect("answered");
        let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(answer.get("ok").is_some(), "{answer}");
        answer["ok"].take()
    }

    /// Writes a comment; gives its id.
    pub(crate) fn comment(&mut self, parent: &str, body: &str) -> String {
        let request = json!({
            "do": "publish", "parents": [parent], "children": [], "body": body, "mode": "follow",
        });
        let id = self.ask(&request)["id"].take();
        id.as_str().expect("an id").to_owned()
    }

    /// How the account does.
    pub(crate) fn status(&mut self) -> Value {
        self.ask(&json!({ "do": "status" }))
    }
}

/// Many writers at one node.
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<Mutex<Vec<u64>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Writers {
    /// Begins to write comments of 1 kB into a forum: threads of some comments each. It ends by
    /// itself after `most` comments by each.
    pub(crate) fn begin(node: &Node, forum: &str, count: usize, most: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let written: Arc<Mutex<Vec<u64>>> = Arc::default();
        let write = |number: usize| {
            let (mut caller, forum) = (Caller::of(node), forum.to_owned());
            let (stop, written) = (stop.clone(), Arc::clone(&written));
            std::thread::spawn(move || {
                let mut dice = Dice(number as u64 + 1);
                let (mut thread, mut done) = (forum.clone(), 0);
                while done < most && !stop.load(Ordering::Relaxed) {
                    let parent = if done % THREAD == 0 { &forum } else { &thread };
                    let id = caller.comment(parent, &dice.text(1_000));
                    if done % THREAD == 0 {
                        thread = id;
                    }
                    done += 1;
                }
                written.lock().expect("no panic").push(done as u64);
            })
        };
        let threads = (0..count).map(write).collect();
        Self {
            stop,
            written,
            threads,
        }
    }

    /// Waits until all have written their share; gives how many comments there are.
    pub(crate) fn join(self) -> u64 {
        for thread in self.threads {
            thread.join().expect("no panic");
        }
        self.written.lock().expect("no panic").iter().sum()
    }

    /// Lets all end; gives how many comments were acknowledged.
    pub(crate) fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }
}

/// A look into the store of a node: what is in it is durable.
pub(crate) struct Look(Connection);

impl Look {
    /// Opens the store.
    pub(crate) fn at(node: &Node) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let path = node.folder.join("store.sqlite");
        Self(Connection::open_with_flags(path, flags).expect("opened"))
    }

    /// Documents; nobody deletes any here.
    pub(crate) fn documents(&self) -> u64 {
        let sql = "SELECT coalesce(max(number), 0) FROM document";
        let count: i64 = self.0.query_row(sql, [], |row| row.get(0)).expect("read");
        u64::try_from(count).unwrap_or(0)
    }

    /// True if the index of words has all of them.
    pub(crate) fn is_indexed(&self) -> bool {
        let sql = "SELECT coalesce(max(id), 0) FROM words_docsize";
        let last: i64 = self.0.query_row(sql, [], |row| row.get(0)).expect("read");
        u64::try_from(last).unwrap_or(0) == self.documents()
    }

    /// True if a document is there.
    pub(crate) fn has(&self, id: &[u8]) -> bool {
        let mut find = self
            .0
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM document WHERE id = ?1)")
            .expect("a statement");
        find.query_row([id], |row| row.get(0)).expect("read")
    }
}
