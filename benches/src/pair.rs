//! Two linked cores in memory: no latency, no loss, virtual time. Documents are
//! stored without a look at their signatures, as verifying is the runner's work.

use bytes::Bytes;
use cliqueclique_core::crypto::Ed25519Blake3;
use cliqueclique_core::message::{Frame, Message, Packet, SetDigest};
use cliqueclique_core::{
    Address, Admission, ChannelId, Command, Config, Core, Document, DocumentId, Effect, Identity,
    Input, Mode, Notification, RequestId, SecretKey, Tag, Time, WallTime,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Wall time at the start of a pair.
pub const WALL: WallTime = WallTime(1_000_000);
/// Largest packet, bytes.
pub const FRAME_LIMIT: usize = 16_384;

/// Input for a new channel.
#[must_use]
pub fn connected(channel: ChannelId) -> Input {
    Input::Connected {
        channel,
        frame_limit: FRAME_LIMIT,
        binding: [7; 32],
    }
}

/// What a node has besides its core.
#[derive(Debug, Default)]
struct Side {
    stored: BTreeMap<DocumentId, Document>,
    /// Channel of the link, once packets went over it.
    channel: Option<ChannelId>,
    /// Number of the last frame sent.
    sent: u32,
    /// Document of the last Publish that is done.
    published: Option<DocumentId>,
}

/// What node 1 hears of the messages to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    /// What they say.
    All,
    /// That there are some.
    Nothing,
    /// Later, the digest of node 0's comments.
    Digests,
}

/// Two nodes with one document in common.
#[derive(Debug)]
pub struct Pair {
    cores: [Core; 2],
    sides: [Side; 2],
    inbox: VecDeque<(usize, Input)>,
    effects: Vec<Effect>,
    now: Time,
    meeting: DocumentId,
    hearing: Hearing,
    /// On its way to node 1 when it hears again.
    held: VecDeque<(usize, Input)>,
}

fn core(name: u8) -> Core {
    let identity = Identity {
        secret: SecretKey([name; 32]),
        address: Address(Bytes::from(vec![name])),
    };
    let suite = Arc::new(Ed25519Blake3);
    Core::new(Config::default(), identity, [name; 32], suite, WALL).expect("the defaults fit")
}

impl Pair {
    /// Node 0 has `documents` documents; the first of them is the meeting, which
    /// it founded and to whose comments both nodes subscribe.
    #[must_use]
    pub fn new(documents: usize) -> Self {
        let mut pair = Self {
            cores: [core(1), core(2)],
            sides: Default::default(),
            inbox: VecDeque::new(),
            effects: Vec::new(),
            now: Time::ZERO,
            meeting: DocumentId([0; 32]),
            hearing: Hearing::All,
            held: VecDeque::new(),
        };
        (1..documents).for_each(|_| {
            pair.publish(0, Vec::new());
        });
        pair.meeting = pair.publish(0, Vec::new());
        let join = Command::Join {
            document: pair.meeting,
            address: Address(Bytes::from(vec![1])),
            mode: Mode::Subscribe,
        };
        pair.command(1, join);
        pair.run_for(Duration::from_secs(600));
        assert_eq!(pair.neighbors(), [1, 1], "the nodes have met");
        pair
    }

    fn neighbors(&self) -> [usize; 2] {
        let count = |core: &Core| core.overlay(&self.meeting).map_or(0, |o| o.neighbors.len());
        [count(&self.cores[0]), count(&self.cores[1])]
    }

    /// The document that both have.
    #[must_use]
    pub fn meeting(&self) -> DocumentId {
        self.meeting
    }

    /// Its tag.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.sides[0].stored[&self.meeting].tag()
    }

    /// True while the nodes are neighbours, as node 0 sees it.
    #[must_use]
    pub fn linked(&self) -> bool {
        self.neighbors()[0] == 1
    }

    /// Digest of the comments on the meeting at node 0.
    #[must_use]
    pub fn digest(&self) -> SetDigest {
        let overlay = self.cores[0].overlay(&self.meeting);
        overlay.map_or(SetDigest::default(), |overlay| overlay.comments)
    }

    /// One of the cores.
    #[must_use]
    pub fn core(&self, at: usize) -> &Core {
        &self.cores[at]
    }

    /// Number of comments on the meeting that a node knows.
    #[must_use]
    pub fn comments(&self, at: usize) -> u32 {
        let overlay = self.cores[at].overlay(&self.meeting);
        overlay.map_or(0, |overlay| overlay.comments.count)
    }

    /// Node 0 publishes comments on the meeting of which node 1 does not hear,
    /// though its link acknowledges them: this is how the two come to differ. The
    /// next thing that node 1 will hear is the digest of what node 0 has.
    pub fn differ(&mut self, comments: u32) {
        self.hearing = Hearing::Nothing;
        for _ in 1..comments {
            self.publish(0, vec![self.meeting]);
            self.run_for(Duration::from_millis(10));
        }
        self.run_for(Duration::from_secs(10));
        self.hearing = Hearing::Digests;
        self.publish(0, vec![self.meeting]);
        self.hearing = Hearing::All;
        self.inbox.append(&mut self.held);
    }

    /// Gives a command and performs what follows at once.
    pub fn command(&mut self, at: usize, command: Command) {
        self.handle(at, Input::Command(RequestId(1), command));
        self.deliver();
    }

    /// Publishes a document with a short body.
    pub fn publish(&mut self, at: usize, parents: Vec<DocumentId>) -> DocumentId {
        self.command(at, publish(parents, self.sides[at].stored.len()));
        let published = self.sides[at].published.take();
        published.expect("the document is within limits")
    }

    /// Input for node 0: the next frame of node 1, with these messages, a
    /// millisecond after what was before (faster would break the rate limit).
    pub fn frame(&mut self, messages: Vec<Message>) -> Input {
        self.now = self.now + Duration::from_millis(1);
        let [receiver, sender] = &mut self.sides;
        sender.sent += 1;
        let frame = Frame {
            number: sender.sent,
            acks: Vec::from_iter((receiver.sent > 0).then_some((1, receiver.sent))),
            credit: u8::MAX,
            messages,
        };
        let channel = receiver.channel.expect("the link stands");
        Input::Received(channel, Packet::Frame(frame))
    }

    /// Gives node 0 an input. What it sends to node 1 is lost, but [`Self::frame`]
    /// acknowledges it; what it asks of its runner is left for [`Self::answer_alone`].
    pub fn alone(&mut self, input: Input) {
        self.cores[0].handle(self.now, input, &mut self.effects);
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Send(_, packet) => self.note_sent(0, &packet),
                Effect::Admit(document) => self.admit(0, document),
                Effect::Load(id) => self.load(0, id),
                Effect::Dial(..)
                | Effect::Hangup(_)
                | Effect::Delete(..)
                | Effect::Save(..)
                | Effect::Thaw(_)
                | Effect::Recall(_)
                | Effect::Notify(_)
                | Effect::Report(..) => {}
            }
        }
    }

    /// Gives node 0 the answers of its runner that wait.
    pub fn answer_alone(&mut self) {
        while let Some((_, input)) = self.inbox.pop_front() {
            self.alone(input);
        }
    }

    /// Runs until a condition holds.
    ///
    /// # Panics
    /// If it does not hold within a simulated hour.
    pub fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(3600);
        self.deliver();
        while !done(self) {
            assert!(self.wake(end), "nothing more happens");
        }
    }

    /// Runs for some simulated time.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.deliver();
        while self.wake(end) {}
        self.now = end;
    }

    /// Node 0 is gone for ever: node 1 loses its link, and goes on alone for so long.
    pub fn bereave(&mut self, duration: Duration) {
        let end = self.now + duration;
        let channel = self.sides[1].channel.expect("the link stands");
        self.inbox.push_back((1, Input::Disconnected(channel)));
        loop {
            while let Some((_, input)) = self.inbox.pop_front() {
                self.widowed(input);
            }
            let next = self.cores[1].next_deadline();
            let Some(time) = next.filter(|time| *time <= end) else {
                break;
            };
            self.now = self.now.max(time);
            self.inbox.push_back((1, Input::Wake));
        }
    }

    /// Gives node 1 an input; nobody answers its calls.
    fn widowed(&mut self, input: Input) {
        self.cores[1].handle(self.now, input, &mut self.effects);
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Dial(channel, _) => {
                    self.inbox.push_back((1, Input::Disconnected(channel)));
                }
                Effect::Load(id) => self.load(1, id),
                Effect::Send(..)
                | Effect::Hangup(_)
                | Effect::Admit(_)
                | Effect::Delete(..)
                | Effect::Save(..)
                | Effect::Thaw(_)
                | Effect::Recall(_)
                | Effect::Notify(_)
                | Effect::Report(..) => {}
            }
        }
    }

    /// Number of networks in which a node is the overlay root.
    #[must_use]
    pub fn rooted(&self, at: usize) -> usize {
        let core = &self.cores[at];
        let views = core.overlays().filter_map(|tag| core.overlay_by_tag(tag));
        views.filter(|view| view.root == core.id()).count()
    }

    /// Jumps to the next deadline, unless it is after `end`.
    fn wake(&mut self, end: Time) -> bool {
        let deadlines = self.cores.iter().map(Core::next_deadline).zip(0..);
        let next = deadlines.filter_map(|(time, at)| Some((time?, at))).min();
        let Some((time, at)) = next.filter(|(time, _)| *time <= end) else {
            return false;
        };
        self.now = self.now.max(time);
        self.handle(at, Input::Wake);
        self.deliver();
        true
    }

    /// Handles everything that is on its way.
    fn deliver(&mut self) {
        while let Some((at, input)) = self.inbox.pop_front() {
            self.handle(at, input);
        }
    }

    fn handle(&mut self, at: usize, input: Input) {
        self.cores[at].handle(self.now, input, &mut self.effects);
        for effect in std::mem::take(&mut self.effects) {
            self.perform(at, effect);
        }
    }

    fn perform(&mut self, at: usize, effect: Effect) {
        // Channels 2, 4, … of one node are 3, 5, … of the other.
        let (other, mirrored) = (1 - at, |channel: ChannelId| ChannelId(channel.0 ^ 1));
        match effect {
            Effect::Dial(channel, _) => {
                self.inbox.push_back((at, connected(channel)));
                self.inbox.push_back((other, connected(mirrored(channel))));
            }
            Effect::Send(channel, packet) => {
                self.sides[at].channel = Some(channel);
                self.note_sent(at, &packet);
                self.carry(other, mirrored(channel), packet);
            }
            Effect::Hangup(channel) => {
                let input = Input::Disconnected(mirrored(channel));
                self.inbox.push_back((other, input));
            }
            Effect::Admit(document) => self.admit(at, document),
            Effect::Load(id) => self.load(at, id),
            Effect::Delete(id, _) => {
                self.sides[at].stored.remove(&id);
            }
            Effect::Thaw(tag) => self.inbox.push_back((at, Input::Thawed(tag, None))),
            Effect::Recall(node) => {
                let input = Input::Recalled(node, Vec::new());
                self.inbox.push_back((at, input));
            }
            Effect::Notify(Notification::Done(_, id)) => self.sides[at].published = id,
            Effect::Save(..) | Effect::Notify(_) | Effect::Report(..) => {}
        }
    }

    fn note_sent(&mut self, at: usize, packet: &Packet) {
        if let Packet::Frame(frame) = packet {
            self.sides[at].sent = self.sides[at].sent.max(frame.number);
        }
    }

    /// Sends what is heard of a packet.
    fn carry(&mut self, to: usize, channel: ChannelId, mut packet: Packet) {
        let hearing = if to == 1 { self.hearing } else { Hearing::All };
        if let Packet::Frame(frame) = &mut packet {
            self.distort(hearing, &mut frame.messages);
        }
        let queue = if hearing == Hearing::Digests {
            &mut self.held
        } else {
            &mut self.inbox
        };
        queue.push_back((to, Input::Received(channel, packet)));
    }

    fn distort(&self, hearing: Hearing, messages: &mut [Message]) {
        match hearing {
            Hearing::All => {}
            Hearing::Nothing => messages.fill(Message::Ping),
            Hearing::Digests => messages.fill(Message::Digest(self.tag(), self.digest())),
        }
    }

    fn admit(&mut self, at: usize, document: Document) {
        let id = document.id();
        self.sides[at].stored.insert(id, document);
        let input = Input::Admitted(id, Admission::Stored);
        self.inbox.push_back((at, input));
    }

    fn load(&mut self, at: usize, id: DocumentId) {
        let document = self.sides[at].stored.get(&id).cloned();
        self.inbox.push_back((at, Input::Loaded(id, document)));
    }
}

/// Command for a document with a short body that begins with a number.
#[must_use]
pub fn publish(parents: Vec<DocumentId>, number: usize) -> Command {
    Command::Publish {
        parents,
        children: Vec::new(),
        body: Bytes::from(format!("{number}: a few words, as people write them")),
        mode: Mode::Subscribe,
        created: None,
    }
}
