//! Whole nodes over the bridge: one restarts, and the router finds nobody for a while, as real
//! ones do that go on using tunnels which are gone.

use super::{Bridge, Mood};
use crate::control::client;
use crate::control::request::{Id, Part, Request};
use crate::fault::Fault;
use crate::settings::Settings;
use crate::store::ask::Reader;
use crate::{folder, node, text};
use cliqueclique_core::DocumentId;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// For a peer to be reached again, after pauses that double.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(100);
/// The router finds nobody for so long: longer than the tries of a first call take.
const LOST: Duration = Duration::from_secs(5);

struct Running {
    folder: PathBuf,
    thread: JoinHandle<Result<(), Fault>>,
}

fn make(name: &str, port: u16) -> PathBuf {
    let home = format!("clique-{name}-{}", std::process::id());
    let home = std::env::temp_dir().join(home);
    let _ = std::fs::remove_dir_all(&home);
    folder::make(&home, "me", "i2p").expect("made");
    let path = home.join("settings.toml");
    let text = std::fs::read_to_string(&path).expect("settings");
    let text = text.replace("# sam-port = 7656", &format!("sam-port = {port}"));
    std::fs::write(&path, text).expect("written");
    home
}

fn start(folder: &Path) -> Running {
    let settings = Settings::read(folder).expect("settings");
    let (ready, started) = channel();
    let place = folder.to_owned();
    let thread = thread::spawn(move || {
        let told = move |_: &_| ready.send(()).expect("awaited");
        node::run(&place, settings, None, Box::new(|_| {}), told)
    });
    started.recv().expect("it starts");
    Running {
        folder: folder.to_owned(),
        thread,
    }
}

impl Running {
    fn ask(&self, request: Request) -> Value {
        client::ask(&self.folder, "me", &request).expect("done")
    }

    fn write(&self, parents: &[DocumentId], body: &str) -> DocumentId {
        let answer = self.ask(Request::Publish {
            parents: parents.iter().copied().map(Id).collect(),
            children: Vec::new(),
            body: body.to_owned(),
            mode: Part::Follow,
            created: None,
            source: None,
        });
        let id = answer["id"].as_str().and_then(text::unhex);
        DocumentId(id.expect("an id"))
    }

    fn has(&self, id: &DocumentId) -> bool {
        let reader = Reader::open(&self.folder, "me").expect("a store");
        reader.holds(id).expect("read")
    }

    fn gets(&self, id: &DocumentId, what: &str) {
        let mut left = PATIENCE;
        while !self.has(id) {
            assert!(!left.is_zero(), "not in time: {what}");
            thread::sleep(LOOK);
            left = left.saturating_sub(LOOK);
        }
    }

    fn stop(self) {
        self.ask(Request::Stop);
        self.thread.join().expect("no panic").expect("no fault");
    }
}

fn story(bridge: &Bridge) {
    let folders = ["a", "b"].map(|name| make(name, bridge.port));
    let (a, b) = (start(&folders[0]), start(&folders[1]));
    let forum = a.write(&[], "A forum");
    let address = a.ask(Request::Address)["address"].take();
    b.ask(Request::Join {
        document: Id(forum),
        places: vec![address.as_str().expect("text").to_owned()],
        mode: Part::Follow,
    });
    b.gets(&forum, "the forum");
    b.stop();
    let lost = b"STREAM STATUS RESULT=CANT_REACH_PEER\n".to_vec();
    bridge
        .mood
        .send_replace(Mood::Breaking("STREAM CONNECT", lost));
    let there = a.write(&[forum], "While b was away");
    let b = start(&folders[1]);
    let back = b.write(&[forum], "b is back");
    thread::sleep(LOST);
    assert!(!b.has(&there) && !a.has(&back), "nobody was reached");
    bridge.mood.send_replace(Mood::Good);
    b.gets(&there, "what b missed");
    a.gets(&back, "what b wrote when it was back");
    a.stop();
    b.stop();
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_is_called_until_the_router_finds_it() {
    let bridge = Bridge::start(Mood::Good).await;
    let work = tokio::task::spawn_blocking(move || story(&bridge));
    work.await.expect("no panic");
}
