//! Scripts: one core, text in, effects out. Each file in `scripts/` tells one story;
//! the snapshot beside it shows what the core did after each line. Lines that
//! start with a dot are only preparation, their effects are not shown.
//!
//! The node under test is `n`; `a` to `h` are peers that do what they are told.
//! Storage answers and acknowledgements come by themselves, until `manual` and
//! `noack` say otherwise (`auto` and `ackon` end that). The words are explained by `Stage::perform`.

mod common;

use bytes::Bytes;
use cliqueclique_core::crypto::Suite;
use cliqueclique_core::message::{
    AdmissionKind, CloseReason, Fragment, Introduction, Message, Open, Purpose, Push, Range,
    RangeContent, Rank, RootRef, STATE_DONE, STATE_FROZEN, STATE_HEIR, STATE_UNRESOLVED,
    STATE_UPSTREAM, State, Ticket,
};
use cliqueclique_core::wire::WireError;
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Draft, Effect,
    Input, Mode, NodeId, Packet, RequestId, Signature, Tag, Time, WallTime, effect::Record,
};
use common::peer::{Peer, binding, digest_of, identity, node, peers};
use common::show::{self, Names};
use common::{SUITE, WALL};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            let story = include_str!(concat!("scripts/", stringify!($name), ".txt"));
            insta::with_settings!({
                snapshot_path => "scripts",
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_snapshot!(stringify!($name), Stage::play(story));
            });
        })*
    };
}

scripts! {
    handshake, handshake_bad, contact, dialling,
    open, open_full, outsider, splice_newcomer, splice_partner,
    close, seek, introduce, leave, leave_with_downstream,
    push, push_bad, digest, want_and_lack, fragments, keep_alive,
    wishes, evict_and_thaw, evict_admission, restore, shutdown, block,
    freeze, release, resign, join, link_document, states,
    succeed, succeed_not, heir, leave_as_root, patience, audit,
    await_link, await_no_longer, await_load, await_evicted, await_admission,
    goodbye_cold, hand_over, mend, remember, crossing_doors,
    hand_over_far, import, import_wishes,
}

/// Rule *Succeed*: the tree changes its name without a freeze, also if the heir was the
/// only one below that could succeed.
#[test]
fn a_root_joins_its_only_heir_without_a_freeze() {
    let text = Stage::play(include_str!("scripts/leave_to_the_last_heir.txt"));
    assert!(!text.contains("frozen"), "{text}");
}

/// A core, its peers, its disk, and the text of what happened.
struct Stage {
    core: Core,
    config: Config,
    now: Time,
    peers: BTreeMap<String, Peer>,
    names: Names,
    documents: BTreeMap<String, Document>,
    disk: BTreeMap<DocumentId, Document>,
    records: BTreeMap<Record, Bytes>,
    /// Name for the document that the core writes next.
    next_name: Option<String>,
    next_channel: u64,
    requests: u64,
    dialled: BTreeMap<String, ChannelId>,
    /// Hellos on channels that the core dialled and that nobody answered yet.
    greeted: BTreeMap<String, (ChannelId, Box<cliqueclique_core::message::Hello>)>,
    manual: bool,
    noack: bool,
    text: String,
}

type Words<'a> = VecDeque<&'a str>;

/// True if the word is there; it is taken out.
fn flag(words: &mut Words<'_>, name: &str) -> bool {
    let at = words.iter().position(|word| *word == name);
    at.is_some_and(|at| words.remove(at).is_some())
}

/// The word after `name`; both are taken out.
fn option<'a>(words: &mut Words<'a>, name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == name)?;
    words.remove(at);
    words.remove(at)
}

/// PROTOCOL.md, *Root key*: short name of a document's founder.
fn founder_name(document: &Document) -> [u8; 4] {
    let author = document.author_id().0;
    let (generation, sequence) = (0_u32.to_le_bytes(), 0_u64.to_le_bytes());
    let parts: [&[u8]; 5] = [&[3], &author, &generation, &author, &sequence];
    let hash = SUITE.hash("root", &parts);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn next<'a>(words: &mut Words<'a>) -> &'a str {
    words.pop_front().expect("another word")
}

fn next_mode(words: &mut Words<'_>) -> Mode {
    show::mode(next(words)).expect("a mode")
}

fn seconds(word: &str) -> Duration {
    let number: f64 = word.trim_end_matches('s').parse().expect("seconds");
    Duration::from_secs_f64(number)
}

impl Stage {
    fn play(story: &str) -> String {
        let config = Config {
            min_acquaintances: 0,
            ..Config::default()
        };
        let mut stage = Self {
            core: node(b'n', config.clone()),
            config,
            now: Time::ZERO,
            peers: BTreeMap::new(),
            names: Names::default(),
            documents: BTreeMap::new(),
            disk: BTreeMap::new(),
            records: BTreeMap::new(),
            next_name: None,
            next_channel: 1,
            requests: 0,
            dialled: BTreeMap::new(),
            greeted: BTreeMap::new(),
            manual: false,
            noack: false,
            text: String::new(),
        };
        stage.names.nodes.insert(stage.core.id(), "n".to_owned());
        for name in b'a'..=b'h' {
            let peer = Peer::new(name);
            let name = char::from(name).to_string();
            stage.names.nodes.insert(peer.id, name.clone());
            stage.peers.insert(name, peer);
        }
        for line in story.lines().map(str::trim) {
            stage.line(line);
        }
        stage.text
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            let _ = writeln!(self.text, "{line}");
            return;
        }
        let _ = writeln!(self.text, "> {line}");
        let before = self.text.len();
        let quiet = line.strip_prefix('.');
        let mut words: Words<'_> = quiet.unwrap_or(line).split_whitespace().collect();
        let times = words
            .front()
            .and_then(|word| word.parse().ok())
            .unwrap_or(1);
        if words.get(1) == Some(&"times") {
            words.drain(..2);
        }
        let again = words.clone();
        self.perform(&mut words);
        (1..times).for_each(|_| self.perform(&mut again.clone()));
        assert!(words.is_empty(), "{line}: what is {words:?}?");
        if quiet.is_some() {
            self.text.truncate(before);
        }
    }

    fn perform(&mut self, words: &mut Words<'_>) {
        match next(words) {
            "node" => self.configure(words),
            "user" => self.user(words),
            "doc" => self.write(words),
            "wait" => self.wait(seconds(next(words))),
            "deadline" => {
                self.now = self.now.max(self.core.next_deadline().expect("a deadline"));
                self.wake();
            }
            "manual" => self.manual = true,
            "auto" => self.manual = false,
            "noack" => self.noack = true,
            "ackon" => self.noack = false,
            "clock" => {
                let wall = WallTime(next(words).parse().expect("seconds"));
                self.input(Input::Clock(wall));
            }
            outcome @ ("stored" | "forged" | "failed") => {
                let id = self.documents[next(words)].id();
                self.admitted(id, outcome);
            }
            "loaded" => {
                let id = self.documents[next(words)].id();
                self.input(Input::Loaded(id, self.disk.get(&id).cloned()));
            }
            "evict" => {
                let tag = self.documents[next(words)].tag();
                self.input(Input::Evict(tag));
            }
            "thawed" => {
                let tag = self.documents[next(words)].tag();
                let record = self.records.get(&Record::Overlay(tag)).cloned();
                self.input(Input::Thawed(tag, record));
            }
            "recalled" => {
                let of = words
                    .pop_front()
                    .map_or(self.core.id(), |p| self.peers[p].id);
                let answer = self.recalled(of);
                self.input(answer);
            }
            "restart" => self.restart(),
            "show" => self.show(next(words)),
            peer => self.peer(peer, words),
        }
    }

    fn configure(&mut self, words: &mut Words<'_>) {
        while let Some(word) = words.pop_front() {
            let (name, value) = word.split_once('=').expect("name=value");
            let value: usize = value.parse().expect("a number");
            match name {
                "k" => self.config.max_peers = value,
                "min" => self.config.min_peers = value,
                "acquaintances" => self.config.min_acquaintances = value,
                other => panic!("no setting {other}"),
            }
        }
        self.core = node(b'n', self.config.clone());
    }

    /// `doc NAME by PEER [under PARENT]… [over CHILD] [founder] [spoilt] [size BYTES]`
    fn write(&mut self, words: &mut Words<'_>) {
        let name = next(words).to_owned();
        let author = option(words, "by").expect("an author");
        let mut parents = Vec::new();
        while let Some(parent) = option(words, "under") {
            parents.push(self.documents[parent].id());
        }
        let child = option(words, "over").map(|child| self.documents[child].id());
        let size = option(words, "size").map_or(0, |size| size.parse().expect("bytes"));
        let draft = Draft {
            parents,
            children: child.into_iter().collect(),
            body: Bytes::from([name.as_bytes(), &vec![0; size]].concat()),
            created: WALL,
            founder: flag(words, "founder"),
        };
        let secret = *self.peers[author].secret();
        let document = Document::sign(&draft, &secret, &SUITE).expect("within limits");
        self.name(name, document);
    }

    fn name(&mut self, name: String, document: Document) {
        let entry = (document.id(), name.clone());
        self.names.documents.insert(document.tag(), entry);
        self.documents.insert(name, document);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..10_000 {
            match self.core.next_deadline().filter(|next| *next <= until) {
                Some(next) => self.now = self.now.max(next),
                None => {
                    self.now = until;
                    return;
                }
            }
            self.wake();
        }
        panic!("time stands still");
    }

    fn wake(&mut self) {
        let before = self.text.len();
        let _ = writeln!(self.text, "  at {:.3} s", self.now.as_secs_f64());
        let after = self.text.len();
        self.input(Input::Wake);
        if self.text.len() == after {
            self.text.truncate(before);
        }
    }

    /// Gives one input and performs the effects; answers become further inputs.
    fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.core.handle(self.now, input, &mut effects);
            for effect in effects {
                inputs.extend(self.effect(effect));
            }
        }
    }

    fn effect(&mut self, effect: Effect) -> Option<Input> {
        if let (Effect::Admit(document), true) = (&effect, self.next_name.is_some()) {
            let name = self.next_name.take().unwrap_or_default();
            self.name(name, document.clone());
        }
        let _ = writeln!(self.text, "  {}", self.names.effect(&effect));
        match effect {
            Effect::Dial(channel, address) => {
                let name = String::from_utf8_lossy(&address.0).into_owned();
                self.names.channels.insert(channel, name.clone());
                self.dialled.insert(name, channel);
                None
            }
            Effect::Send(channel, packet) => self.sent(channel, &packet),
            Effect::Hangup(channel) => {
                let ends = |peer: &&mut Peer| peer.channel == Some(channel);
                if let Some(peer) = self.peers.values_mut().find(ends) {
                    peer.disconnect();
                }
                None
            }
            Effect::Admit(document) => {
                let id = document.id();
                self.disk.insert(id, document);
                (!self.manual).then_some(Input::Admitted(id, Admission::Stored))
            }
            Effect::Load(id) => {
                let document = self.disk.get(&id).cloned();
                (!self.manual).then_some(Input::Loaded(id, document))
            }
            Effect::Delete(id, tag) => {
                self.disk.remove(&id);
                self.records.remove(&Record::Overlay(tag));
                None
            }
            Effect::Save(record, bytes) => {
                match bytes {
                    Some(bytes) => self.records.insert(record, bytes),
                    None => self.records.remove(&record),
                };
                None
            }
            Effect::Thaw(tag) => {
                let record = self.records.get(&Record::Overlay(tag)).cloned();
                (!self.manual).then_some(Input::Thawed(tag, record))
            }
            Effect::Recall(node) => (!self.manual).then(|| self.recalled(node)),
            Effect::Notify(_) | Effect::Report(..) => None,
        }
    }

    /// Records of all overlays that are not hot.
    fn recalled(&self, node: NodeId) -> Input {
        let hot: Vec<Tag> = self.core.overlays().collect();
        let records = self
            .records
            .iter()
            .filter_map(|(record, bytes)| match record {
                Record::Overlay(tag) if !hot.contains(tag) => Some((*tag, bytes.clone())),
                Record::Overlay(_) | Record::Node | Record::Peer(_) => None,
            });
        Input::Recalled(node, records.collect())
    }

    fn sent(&mut self, channel: ChannelId, packet: &Packet) -> Option<Input> {
        let at = |peer: &&mut Peer| peer.channel == Some(channel);
        let peer = self.peers.values_mut().find(at)?;
        peer.take_packet(packet);
        let Packet::Frame(frame) = packet else {
            return None;
        };
        if frame.messages.is_empty() || self.noack {
            return None;
        }
        Some(Input::Received(channel, peer.frame(Vec::new(), true)?))
    }

    fn admitted(&mut self, id: DocumentId, outcome: &str) {
        let outcome = match outcome {
            "stored" => Admission::Stored,
            "forged" => Admission::Forged,
            _ => Admission::Failed,
        };
        self.input(Input::Admitted(id, outcome));
    }

    fn user(&mut self, words: &mut Words<'_>) {
        let id = |stage: &Self, name: &str| stage.documents[name].id();
        let command = match next(words) {
            "publish" => {
                self.next_name = Some(next(words).to_owned());
                let mut parents = Vec::new();
                while let Some(parent) = option(words, "under") {
                    parents.push(id(self, parent));
                }
                let child = option(words, "over").map(|child| id(self, child));
                Command::Publish {
                    parents,
                    children: child.into_iter().collect(),
                    body: Bytes::from(self.next_name.clone().unwrap_or_default()),
                    mode: next_mode(words),
                    created: None,
                }
            }
            "join" => Command::Join {
                document: id(self, next(words)),
                address: Address(Bytes::from(next(words).to_owned())),
                mode: next_mode(words),
            },
            "import" => Command::Import {
                document: self.documents[next(words)].clone(),
                via: option(words, "via").map(|via| id(self, via)),
                mode: words
                    .pop_front()
                    .map(|word| show::mode(word).expect("a mode")),
            },
            "subscribe" => Command::Subscribe(id(self, next(words)), next_mode(words)),
            "bookmark" => Command::Bookmark(id(self, next(words)), !flag(words, "off")),
            "forget" => Command::Forget(id(self, next(words))),
            "block" => Command::BlockPeer(self.peers[next(words)].id, !flag(words, "off")),
            "hide" => Command::BlockAuthor(self.peers[next(words)].id, !flag(words, "off")),
            "move" => Command::SetAddress(Address(Bytes::from(next(words).to_owned()))),
            "shutdown" => Command::Shutdown,
            other => panic!("no command {other}"),
        };
        self.requests += 1;
        self.input(Input::Command(RequestId(self.requests), command));
    }

    fn restart(&mut self) {
        let node = self.records.get(&Record::Node);
        let (config, identity) = (self.config.clone(), identity(b'n'));
        let node = node.map(|bytes| bytes.as_ref());
        self.core = Core::restore(
            config,
            identity,
            [9; 32],
            Arc::new(SUITE),
            WALL,
            node,
            peers(&self.records),
        )
        .expect("the record is good");
        self.now = Time::ZERO;
        self.peers.values_mut().for_each(|peer| {
            peer.disconnect();
        });
        self.wake();
    }

    fn show(&mut self, name: &str) {
        let Some(view) = self.core.overlay(&self.documents[name].id()) else {
            let _ = writeln!(self.text, "  {name}: none");
            return;
        };
        let mode = format!("{:?}", view.mode).to_lowercase();
        let root = self.names.node(&view.root);
        let up = view.upstream.map(|node| self.names.node(&node));
        let flags = [
            (view.frozen, " frozen"),
            (view.leaving, " leaving"),
            (!view.holds, " joining"),
            (view.authored, " authored"),
            (view.bookmarked, " bookmarked"),
        ];
        let flags: String = flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, f)| *f)
            .collect();
        let up = up.unwrap_or_else(|| "nobody".to_owned());
        let neighbors = view.neighbors.iter().map(|n| {
            let down = if n.downstream { " below" } else { "" };
            let mode = format!("{:?}", n.mode).to_lowercase();
            format!("{} ({mode}{down})", self.names.node(&n.node))
        });
        let neighbors: Vec<String> = neighbors.collect();
        let _ = writeln!(
            self.text,
            "  {name}: {mode}{flags}, root {root}+{} by {up}, {} comments, neighbours: {}",
            view.distance,
            view.comments.count,
            neighbors.join(", ")
        );
    }

    fn peer(&mut self, name: &str, words: &mut Words<'_>) {
        assert!(self.peers.contains_key(name), "no peer {name}");
        match next(words) {
            "connects" => self.connect(name),
            "hello" => self.hello(name, words),
            "hello-again" => {
                let (hello, _) = self.peers[name].hello.clone().expect("said Hello before");
                self.receive(name, Packet::Hello(Box::new(hello)));
            }
            "confirm" => self.confirm(name, words),
            "link" => {
                self.connect(name);
                self.hello(name, words);
                self.confirm(name, &mut Words::new());
            }
            "reached" => self.reach(name),
            "accepts" => self.accept(name, words),
            "refuses" => {
                let channel = self.dialled.remove(name).expect("dialled");
                self.input(Input::Disconnected(channel));
            }
            "vanishes" => {
                let peer = self.peers.get_mut(name).expect("known");
                let channel = peer.disconnect().expect("connected");
                self.input(Input::Disconnected(channel));
            }
            "goodbye" => self.receive(name, Packet::Goodbye),
            "garbage" => {
                let channel = self.peers[name].channel.expect("connected");
                self.input(Input::Malformed(channel, WireError::Encoding));
            }
            "acks" => self.say(name, Vec::new()),
            "overacks" => {
                let frame = cliqueclique_core::message::Frame {
                    acks: vec![(1_000, 1_000)],
                    ..Default::default()
                };
                self.receive(name, Packet::Frame(frame));
            }
            "says" => {
                let all: Vec<&str> = words.drain(..).collect();
                let mut messages = Vec::new();
                for words in all.split(|word| *word == ";") {
                    let mut words: Words<'_> = words.iter().copied().collect();
                    messages.extend(self.messages(name, &mut words));
                    assert!(words.is_empty(), "what is {words:?}?");
                }
                self.say(name, messages);
            }
            other => panic!("peers cannot {other}"),
        }
    }

    fn say(&mut self, name: &str, messages: Vec<Message>) {
        let peer = self.peers.get_mut(name).expect("known");
        let packet = peer.frame(messages, true).expect("a link");
        self.receive(name, packet);
    }

    fn receive(&mut self, name: &str, packet: Packet) {
        let channel = self.peers[name].channel.expect("connected");
        self.input(Input::Received(channel, packet));
    }

    fn connect(&mut self, name: &str) {
        let channel = ChannelId(self.next_channel);
        self.next_channel += 2;
        self.names.channels.insert(channel, name.to_owned());
        self.peers.get_mut(name).expect("known").channel = Some(channel);
        self.connected(channel);
    }

    fn connected(&mut self, channel: ChannelId) {
        self.input(Input::Connected {
            channel,
            frame_limit: 16_384,
            binding: binding(channel),
        });
    }

    /// `hello DOC [reunion | by INTRODUCER …ticket words] [version N] [no-proof] [bad-signature]`
    fn hello(&mut self, name: &str, words: &mut Words<'_>) {
        let id = self.documents[next(words)].id();
        let version = option(words, "version").map(|v| v.parse().expect("a number"));
        let unproven = flag(words, "no-proof");
        let unsigned = flag(words, "bad-signature");
        let kind = if flag(words, "reunion") {
            AdmissionKind::Reunion
        } else if let Some(introducer) = option(words, "by") {
            let (subject, target) = (self.peers[name].id, self.core.id());
            let ticket = self.ticket(introducer, subject, target, &id, words);
            AdmissionKind::Introduced(ticket)
        } else {
            AdmissionKind::Bootstrap
        };
        let peer = self.peers.get_mut(name).expect("known");
        let mut hello = peer.hello(&id, kind, |hello| {
            if let Some(version) = version {
                (hello.version_min, hello.version_max) = (version, version);
            }
            if unproven {
                hello.admission.proof = [0; 16];
            }
        });
        if unsigned {
            hello.signature = Signature::from_bytes(&[1; 64]);
        }
        self.receive(name, Packet::Hello(Box::new(hello)));
    }

    fn confirm(&mut self, name: &str, words: &mut Words<'_>) {
        let peer = self.peers.get_mut(name).expect("known");
        let mut confirm = peer.confirm().expect("a Welcome came");
        if flag(words, "bad-signature") {
            confirm.signature = Signature::from_bytes(&[1; 64]);
        }
        self.receive(name, Packet::Confirm(confirm));
    }

    /// The core dialled this peer, and the channel stands: its Hello comes.
    fn reach(&mut self, name: &str) {
        let channel = self.dialled.remove(name).expect("dialled");
        let mut effects = Vec::new();
        let connected = Input::Connected {
            channel,
            frame_limit: 16_384,
            binding: binding(channel),
        };
        self.core.handle(self.now, connected, &mut effects);
        for effect in effects {
            if let Effect::Send(_, Packet::Hello(sent)) = &effect {
                self.greeted
                    .insert(name.to_owned(), (channel, sent.clone()));
            }
            self.effect(effect);
        }
    }

    /// The core dialled this peer: `accepts [as PEER]`.
    fn accept(&mut self, name: &str, words: &mut Words<'_>) {
        if !self.greeted.contains_key(name) {
            self.reach(name);
        }
        let (channel, hello) = self.greeted.remove(name).expect("a Hello");
        let name = option(words, "as").unwrap_or(name);
        let peer = self.peers.get_mut(name).expect("known");
        let welcome = peer.welcome(channel, &hello);
        self.receive(name, Packet::Welcome(Box::new(welcome)));
    }

    /// `[replaces] [expired | far | forged]`
    fn ticket(
        &self,
        introducer: &str,
        subject: NodeId,
        target: NodeId,
        document: &DocumentId,
        words: &mut Words<'_>,
    ) -> Ticket {
        let wall = WALL.0 + self.now.0 / 1_000_000;
        let expires = if flag(words, "expired") {
            wall - 1_000
        } else if flag(words, "endless") {
            u64::MAX
        } else {
            WALL.0 + 600
        };
        let replaces = flag(words, "replaces");
        let introducer = &self.peers[introducer];
        let expires = WallTime(expires);
        let mut ticket = introducer.ticket(subject, target, document, replaces, expires);
        if flag(words, "forged") {
            ticket.signature = Signature::from_bytes(&[1; 64]);
        }
        ticket
    }

    fn messages(&self, from: &str, words: &mut Words<'_>) -> Vec<Message> {
        let kind = next(words);
        if kind == "pieces" {
            return self.pieces(from, words);
        }
        if kind == "ping" {
            return vec![Message::Ping];
        }
        if kind == "audit" {
            return vec![Message::Audit(self.ranges(words))];
        }
        if kind == "compare" {
            return vec![Message::Compare(self.ranges(words))];
        }
        if kind == "resume" {
            // `[restarted] DOC…`
            let memory = if flag(words, "restarted") { 2 } else { 1 };
            let tags = self.tags(words);
            return vec![Message::Resume([memory; 8], digest_of(&tags))];
        }
        let document = next(words);
        if kind == "moved" {
            return vec![Message::Moved(Address(Bytes::from(document.to_owned())))];
        }
        let known = &self.documents[document];
        vec![match kind {
            "push" => Message::Push(Box::new(self.push(from, known, words))),
            "open" => Message::Open(known.tag(), Box::new(self.open(from, known, words))),
            "introduce" => self.introduce(from, known, words),
            _ => self.small(kind, from, known, words),
        }]
    }

    fn small(&self, kind: &str, from: &str, about: &Document, words: &mut Words<'_>) -> Message {
        let tag = about.tag();
        match kind {
            "state" => Message::State(tag, self.state(from, about, words)),
            "close" => Message::Close(tag, self.reason(words)),
            "seek" => Message::Seek(tag, purpose(next(words))),
            // `[junk] [answer]`: the founder, if it is not junk.
            "root" => {
                let short = if flag(words, "junk") {
                    [1; 4]
                } else {
                    founder_name(about)
                };
                Message::Root(tag, short, flag(words, "answer"))
            }
            "digest" => Message::Digest(tag, digest_of(&self.tags(words))),
            "reconcile" => Message::Reconcile(tag, self.ranges(words)),
            "want" => Message::Want(tag, self.tags(words)),
            "lack" => Message::Lack(tag, self.tags(words)),
            other => panic!("no message {other}"),
        }
    }

    /// `push DOC via DOC [fresh] [spoilt] [edge STATE]`
    fn push(&self, from: &str, document: &Document, words: &mut Words<'_>) -> Push {
        let via = option(words, "via").expect("via").to_owned();
        let fresh = flag(words, "fresh");
        let mut bytes = document.bytes().to_vec();
        if flag(words, "spoilt") {
            bytes.push(0);
        }
        let edge = flag(words, "edge");
        Push {
            via: self.documents[&via].tag(),
            edge: edge.then(|| self.state(from, document, words)),
            fresh,
            document: Bytes::from(bytes),
        }
    }

    /// `open DOC STATE [no-proof] [heal] [ticket INTRODUCER …ticket words]`
    fn open(&self, from: &str, document: &Document, words: &mut Words<'_>) -> Open {
        let (unproven, heal) = (flag(words, "no-proof"), flag(words, "heal"));
        let id = document.id();
        let peer = &self.peers[from];
        let ticket = option(words, "ticket")
            .map(|introducer| self.ticket(introducer, peer.id, self.core.id(), &id, words));
        let mut open = peer.open(&id, self.state(from, document, words));
        if unproven {
            open.proof = [0; 8];
        }
        (open.ticket, open.heal) = (ticket, heal);
        open
    }

    /// `introduce DOC PEER PURPOSE [replaces]`
    fn introduce(&self, from: &str, document: &Document, words: &mut Words<'_>) -> Message {
        let name = next(words);
        let purpose = purpose(next(words));
        let peer = self.peers[name].id;
        let ticket = (purpose != Purpose::Acquaintance)
            .then(|| self.ticket(from, self.core.id(), peer, &document.id(), words));
        let introduction = Introduction {
            peer,
            address: Address(Bytes::from(name.to_owned())),
            ticket,
            purpose,
        };
        Message::Introduce(document.tag(), Box::new(introduction))
    }

    /// `MODE ROOT+DISTANCE [frozen] [done] [up] [unresolved] [heir]`, where the root is
    /// `founder`, `alone`, `junk` (an unknown short name), `forged`, `a(subscriber)`, or
    /// `a(subscriber/b/2)`: as the second that succeeds b.
    fn state(&self, from: &str, document: &Document, words: &mut Words<'_>) -> State {
        let bits = [
            ("frozen", STATE_FROZEN),
            ("done", STATE_DONE),
            ("up", STATE_UPSTREAM),
            ("unresolved", STATE_UNRESOLVED),
            ("heir", STATE_HEIR),
        ];
        let flags = bits.iter().filter(|(name, _)| flag(words, name));
        let flags = flags.fold(0, |flags, (_, bit)| flags | bit);
        let mode = match next_mode(words) {
            Mode::Hold => 0,
            Mode::Subscribe => 1,
            Mode::Follow => 2,
        };
        let (root, distance) = next(words).split_once('+').expect("root+distance");
        State {
            flags: flags | mode,
            distance: distance.parse().expect("a number"),
            root: self.root(from, document, root),
        }
    }

    fn root(&self, from: &str, document: &Document, root: &str) -> RootRef {
        match root {
            "author" => RootRef::Author,
            "alone" => RootRef::Alone,
            "junk" => RootRef::Known([1; 4]),
            "forged" => {
                let root = self.peers[from].claim(&document.id(), Rank::Subscriber, 1, None);
                let RootRef::Full(mut claim) = root else {
                    unreachable!()
                };
                claim.sequence += 1;
                RootRef::Full(claim)
            }
            other => {
                let (name, rank) = other.trim_end_matches(')').split_once('(').expect("a root");
                let mut parts = rank.split('/');
                let rank = match parts.next().unwrap_or_default() {
                    "leaving" => Rank::Leaving,
                    "holder" => Rank::Holder,
                    "subscriber" => Rank::Subscriber,
                    "founder" => Rank::Founder,
                    other => panic!("no rank {other}"),
                };
                let succeeds = parts.next().map(|line| {
                    let generation = parts.next().expect("a generation");
                    let line = match line {
                        "n" => self.core.id(),
                        peer => self.peers[peer].id,
                    };
                    (line, generation.parse().expect("a number"))
                });
                self.peers[name].claim(&document.id(), rank, WALL.0, succeeds)
            }
        }
    }

    fn reason(&self, words: &mut Words<'_>) -> CloseReason {
        match next(words) {
            "left" => CloseReason::Left,
            "unknown" => CloseReason::Unknown,
            "full" => CloseReason::Full,
            "surplus" => CloseReason::Surplus,
            "denied" => CloseReason::Denied,
            "replaced" => CloseReason::Replaced(self.peers[next(words)].id),
            other => panic!("no reason {other}"),
        }
    }

    fn tags(&self, words: &mut Words<'_>) -> Vec<Tag> {
        let tags = words.drain(..).map(|name| self.documents[name].tag());
        let mut tags: Vec<Tag> = tags.collect();
        tags.sort_unstable();
        tags
    }

    /// `[digest | tags | give | backwards] DOC…`: one range over everything.
    fn ranges(&self, words: &mut Words<'_>) -> Vec<Range> {
        let kind = next(words);
        let tags = self.tags(words);
        let content = match kind {
            "digest" => RangeContent::Digest(digest_of(&tags)),
            "tags" => RangeContent::Tags(tags, true),
            "give" => RangeContent::Tags(tags, false),
            _ => RangeContent::Skip,
        };
        let whole = Range {
            from: Tag([0; 8]),
            content,
        };
        let count = if kind == "backwards" { 2 } else { 1 };
        vec![whole; count]
    }

    /// `pieces N [misfit] MESSAGE`: one message cut in N.
    fn pieces(&self, from: &str, words: &mut Words<'_>) -> Vec<Message> {
        let count: usize = next(words).parse().expect("a number");
        let misfit = flag(words, "misfit");
        let whole = &self.messages(from, words)[0];
        let whole = postcard::to_allocvec(whole).expect("can be encoded");
        let number = |n: usize| u32::try_from(n).expect("small");
        let step = whole.len().div_ceil(count);
        let pieces = whole.chunks(step).enumerate().map(|(at, piece)| {
            let extra = usize::from(misfit && at > 0);
            Message::Fragment(Fragment {
                transfer: 1,
                offset: number(at * step),
                total: number(whole.len() + extra),
                bytes: Bytes::copy_from_slice(piece),
            })
        });
        pieces.collect()
    }
}

fn purpose(name: &str) -> Purpose {
    match name {
        "neighbor" => Purpose::Neighbor,
        "subscriber" => Purpose::Subscriber,
        "bridge" => Purpose::Bridge,
        "acquaintance" => Purpose::Acquaintance,
        "heal" => Purpose::Heal,
        "guide" => Purpose::Guide,
        other => panic!("no purpose {other}"),
    }
}
