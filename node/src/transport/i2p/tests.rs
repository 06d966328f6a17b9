//! Sessions and streams against a small SAM bridge of the test's own, which joins its sessions
//! to each other, and can be told to lie, to say junk, to say nothing and to forget.

mod restart;

use super::super::noise::{self, Secured, StaticKey};
use super::super::{Listener, Transport};
use super::keys::{Keys, hash_of, name};
use super::{I2p, Routers, Tunnels};
use cliqueclique_core::SecretKey;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

type Socket = BufReader<TcpStream>;

/// What the bridge does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    /// Names this caller instead of the true one.
    Lying(String),
    /// Answers the line that begins so with these bytes, and leaves the connection open.
    Saying(&'static str, Vec<u8>),
    /// Answers the line that begins so with these bytes, and hangs up.
    Breaking(&'static str, Vec<u8>),
}

#[derive(Default)]
struct Book {
    /// Destinations by session.
    sessions: BTreeMap<String, String>,
    /// Who waits for a call, by the hash's name.
    waiting: BTreeMap<String, Vec<Socket>>,
    made: usize,
}

struct Bridge {
    port: u16,
    mood: watch::Sender<Mood>,
    /// Changes when all sessions are to end.
    generation: watch::Sender<u32>,
    book: Mutex<Book>,
}

impl Bridge {
    async fn start(mood: Mood) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let bridge = Arc::new(Self {
            port: listener.local_addr().expect("bound").port(),
            mood: watch::channel(mood).0,
            generation: watch::channel(0).0,
            book: Mutex::default(),
        });
        let serving = bridge.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let bridge = serving.clone();
                tokio::spawn(async move { bridge.attend(BufReader::new(socket)).await });
            }
        });
        bridge
    }

    fn routers(&self) -> Arc<Routers> {
        let sam = ("127.0.0.1".to_owned(), self.port);
        somewhere(sam)
    }

    fn made(&self) -> usize {
        self.book.lock().expect("whole").made
    }

    /// As a router that restarts.
    fn forget(&self) {
        *self.book.lock().expect("whole") = Book {
            made: self.made(),
            ..Book::default()
        };
        self.generation.send_modify(|number| *number += 1);
    }

    fn enter(&self, name: String, destination: String) {
        let mut book = self.book.lock().expect("whole");
        book.sessions.insert(name, destination);
        book.made += 1;
    }

    async fn attend(&self, mut socket: Socket) -> io::Result<()> {
        let mut generation = self.generation.subscribe();
        loop {
            let mut line = String::new();
            tokio::select! {
                read = socket.read_line(&mut line) => if read? == 0 { return Ok(()) },
                _ = generation.changed() => return Ok(()),
            }
            let mood = self.mood.borrow().clone();
            match &mood {
                Mood::Saying(first, bytes) if line.starts_with(first) => {
                    socket.write_all(bytes).await?;
                }
                Mood::Breaking(first, bytes) if line.starts_with(first) => {
                    return socket.write_all(bytes).await;
                }
                Mood::Good | Mood::Lying(_) | Mood::Saying(..) | Mood::Breaking(..) => {
                    match self.answer(&line, socket).await? {
                        Some(back) => socket = back,
                        None => return Ok(()),
                    }
                }
            }
        }
    }

    /// Answers a line; gives the socket back unless it became a stream.
    async fn answer(&self, line: &str, mut socket: Socket) -> io::Result<Option<Socket>> {
        let value = |key: &str| {
            let found = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix(key));
            found.unwrap_or_default().to_owned()
        };
        if line.starts_with("HELLO") {
            socket
                .write_all(b"HELLO REPLY RESULT=OK VERSION=3.1\n")
                .await?;
        } else if line.starts_with("SESSION") {
            let keys = Keys::parse(&value("DESTINATION=")).expect("keys");
            self.enter(value("ID="), keys.public());
            socket
                .write_all(b"SESSION STATUS RESULT=OK DESTINATION=x\n")
                .await?;
        } else {
            let own = self
                .book
                .lock()
                .expect("whole")
                .sessions
                .get(&value("ID="))
                .cloned();
            let Some(own) = own else {
                socket
                    .write_all(b"STREAM STATUS RESULT=INVALID_ID\n")
                    .await?;
                return Ok(None);
            };
            return self
                .stream(line, &own, &value("DESTINATION="), socket)
                .await;
        }
        Ok(Some(socket))
    }

    async fn stream(
        &self,
        line: &str,
        own: &str,
        to: &str,
        mut socket: Socket,
    ) -> io::Result<Option<Socket>> {
        if line.starts_with("STREAM ACCEPT") {
            socket.write_all(b"STREAM STATUS RESULT=OK\n").await?;
            let own = name(&hash_of(own).expect("a destination"));
            let mut book = self.book.lock().expect("whole");
            book.waiting.entry(own).or_default().push(socket);
            return Ok(None);
        }
        let to = to.trim_end_matches(".b32.i2p");
        let far = self
            .book
            .lock()
            .expect("whole")
            .waiting
            .get_mut(to)
            .and_then(Vec::pop);
        let Some(mut far) = far else {
            socket
                .write_all(b"STREAM STATUS RESULT=CANT_REACH_PEER\n")
                .await?;
            return Ok(None);
        };
        let caller = match &*self.mood.borrow() {
            Mood::Lying(other) => other.clone(),
            Mood::Good | Mood::Saying(..) | Mood::Breaking(..) => own.to_owned(),
        };
        socket.write_all(b"STREAM STATUS RESULT=OK\n").await?;
        far.write_all(format!("{caller} FROM_PORT=0 TO_PORT=0\n").as_bytes())
            .await?;
        copy_bidirectional(&mut socket, &mut far).await?;
        Ok(None)
    }
}

fn somewhere(sam: (String, u16)) -> Arc<Routers> {
    Arc::new(Routers {
        sam,
        #[cfg(feature = "embedded-router")]
        own: None,
    })
}

fn node(bridge: &Bridge) -> (I2p, Keys) {
    let keys = Keys::make().expect("made");
    let tunnels = Tunnels { hops: 1, count: 2 };
    (I2p::start(bridge.routers(), keys.clone(), tunnels), keys)
}

fn key() -> StaticKey {
    StaticKey::of(&SecretKey([1; 32])).expect("a key")
}

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(30);
    timeout(limit, work)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// Connects, with the tries of a door.
async fn meet(
    near: &I2p,
    place: &str,
    ear: &mut Box<dyn Listener>,
) -> io::Result<(Secured, Secured)> {
    let key = key();
    let call = async {
        loop {
            match near.connect(place).await {
                Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                    sleep(Duration::from_millis(50)).await;
                }
                other => return noise::dial(other?, &key.public).await,
            }
        }
    };
    let hear = async { noise::answer(ear.accept().await?, &key).await };
    soon("a connection", async { tokio::try_join!(call, hear) }).await
}

#[tokio::test]
async fn streams_cross_and_both_ends_know_each_other() {
    let bridge = Bridge::start(Mood::Good).await;
    let ((a, a_keys), (b, _)) = (node(&bridge), node(&bridge));
    let mut ear = b.listen("").await.expect("listens");
    let place = ear.place();
    let (mut near, mut far) = meet(&a, &place, &mut ear).await.expect("met");
    assert_eq!(near.binding, far.binding);
    near.stream.write_all(b"hello").await.expect("said");
    let mut heard = [0; 5];
    soon("bytes", far.stream.read_exact(&mut heard))
        .await
        .expect("heard");
    assert_eq!(&heard, b"hello");
    // A second stream while the first stands, the other way round.
    let mut ear = a.listen("").await.expect("listens");
    assert_eq!(ear.place(), name(&a_keys.hash()));
    let place = ear.place();
    meet(&b, &place, &mut ear).await.expect("met");
    assert_eq!((a.trouble(), bridge.made()), (None, 2));
}

#[tokio::test]
async fn a_router_that_lies_about_the_caller_is_found_out() {
    let liar = Keys::make().expect("made").public();
    let bridge = Bridge::start(Mood::Lying(liar)).await;
    let ((a, _), (b, _)) = (node(&bridge), node(&bridge));
    let mut ear = b.listen("").await.expect("listens");
    let place = ear.place();
    assert!(meet(&a, &place, &mut ear).await.is_err());
}

#[tokio::test]
async fn a_session_that_dies_is_made_anew() {
    let bridge = Bridge::start(Mood::Good).await;
    let ((a, _), (b, _)) = (node(&bridge), node(&bridge));
    let mut ear = b.listen("").await.expect("listens");
    let place = ear.place();
    for round in 1..=2 {
        meet(&a, &place, &mut ear).await.expect("met");
        assert_eq!(bridge.made(), 2 * round);
        bridge.forget();
        let both = async {
            while bridge.made() < 2 * round + 2 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        soon("new sessions", both).await;
    }
}

#[tokio::test]
async fn a_session_that_the_router_forgot_in_silence_is_made_anew() {
    let bridge = Bridge::start(Mood::Good).await;
    let ((a, _), (b, _)) = (node(&bridge), node(&bridge));
    let mut ear = b.listen("").await.expect("listens");
    let place = ear.place();
    meet(&a, &place, &mut ear).await.expect("met");
    // The control connections stay open; only the answers to others tell.
    bridge.book.lock().expect("whole").sessions.clear();
    meet(&a, &place, &mut ear).await.expect("met again");
    assert_eq!(bridge.made(), 4);
}

/// Waits until a node tells trouble with these words.
async fn troubled(i2p: &I2p, part: &str) {
    let told = async {
        while !i2p.trouble().is_some_and(|text| text.contains(part)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), told)
        .await
        .unwrap_or_else(|_| panic!("expected '{part}', not {:?}", i2p.trouble()));
}

#[tokio::test]
async fn junk_and_half_answers_are_told_and_survived() {
    let cases: [(Mood, &str); 9] = [
        (
            Mood::Breaking("HELLO", b"SSH-2.0-x\r\n".to_vec()),
            "does not speak SAM",
        ),
        (Mood::Breaking("HELLO", b"HELLO REP".to_vec()), "closed"),
        (Mood::Breaking("HELLO", Vec::new()), "closed"),
        (Mood::Breaking("HELLO", vec![b'x'; 100_000]), "endless line"),
        (Mood::Breaking("HELLO", vec![0xff, b'\n']), "no text"),
        (
            Mood::Breaking("HELLO", b"HELLO REPLY RESULT=NOVERSION\n".to_vec()),
            "NOVERSION",
        ),
        (
            Mood::Breaking("SESSION", b"SESSION STATUS RESULT=DUPLICATE_DEST".to_vec()),
            "closed",
        ),
        (
            Mood::Breaking(
                "SESSION",
                b"SESSION STATUS RESULT=I2P_ERROR MESSAGE=\"no\"\n".to_vec(),
            ),
            "I2P_ERROR no",
        ),
        (
            Mood::Saying("SESSION", b"\n".to_vec()),
            "does not speak SAM",
        ),
    ];
    for (mood, part) in cases {
        let bridge = Bridge::start(mood).await;
        let (i2p, _) = node(&bridge);
        troubled(&i2p, part).await;
        // When the router comes to its senses, so does the node.
        bridge.mood.send_replace(Mood::Good);
        let well = async {
            while i2p.trouble().is_some() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        soon("a session", well).await;
    }
}

#[tokio::test]
async fn no_router_is_said_with_what_to_do() {
    let bridge = Bridge::start(Mood::Good).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let sam = ("127.0.0.1".to_owned(), port);
    let tunnels = Tunnels { hops: 1, count: 2 };
    let keys = Keys::make().expect("made");
    let i2p = I2p::start(somewhere(sam), keys, tunnels);
    troubled(&i2p, "apt install i2pd").await;
    drop(bridge);
}

#[tokio::test(start_paused = true)]
async fn silence_has_deadlines() {
    for first in ["HELLO", "SESSION"] {
        let bridge = Bridge::start(Mood::Saying(first, Vec::new())).await;
        let (i2p, _) = node(&bridge);
        // Time is not real here: it jumps to the next deadline whenever all wait.
        let told = async {
            while !i2p.trouble().is_some_and(|text| text.contains("in time")) {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let patience = Duration::from_secs(600);
        timeout(patience, told).await.expect("told in time");
    }
}

#[tokio::test]
async fn streams_that_are_refused_or_never_answered_end() {
    let bridge = Bridge::start(Mood::Good).await;
    let (i2p, _) = node(&bridge);
    let nobody = name(&[9; 32]);
    let error = soon("an answer", i2p.connect(&nobody))
        .await
        .err()
        .expect("refused");
    assert_eq!(error.kind(), io::ErrorKind::HostUnreachable);
    let error = soon("an answer", i2p.connect("x\nSESSION"))
        .await
        .err()
        .expect("refused");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let junk = b"STREAM STATUS RESULT=\xff\xfe\n".to_vec();
    bridge.mood.send_replace(Mood::Breaking("STREAM", junk));
    assert!(soon("an answer", i2p.connect(&nobody)).await.is_err());
    tokio::time::pause();
    bridge.mood.send_replace(Mood::Saying("STREAM", Vec::new()));
    let error = i2p.connect(&nobody).await.err().expect("refused");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
