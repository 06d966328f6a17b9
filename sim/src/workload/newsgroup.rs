//! A newsgroup: node 0 founds it, every author is a node, and readers come on
//! top. Some follow the whole group; the others see the first message of every
//! thread and follow some of them, always those in which they will write. A
//! message is posted by its author once that holds what it answers.

use super::{Row, Scene, Task, point};
use crate::host::Action;
use crate::metrics::Histogram;
use crate::random::{Purpose, exponential, fork, mix, unit};
use crate::scenario;
use crate::snapshot::Index;
use crate::truth::{Cell, Number};
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::{Time, micros};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Node that founds the group.
const FOUNDER: Index = 0;
/// Ticket of the group's root document; message `m` has ticket `m + 1`.
const ROOT: usize = 0;
/// Body of the root document, bytes.
const ROOT_SIZE: usize = 500;
/// Who cannot join yet tries again after this.
const RETRY: Duration = Duration::from_secs(10);
/// Members asked at random before the founder is.
const TRIES: usize = 16;

/// State of a newsgroup.
#[derive(Debug)]
pub(crate) struct Newsgroup {
    rows: Vec<Row>,
    /// First message of each message's thread.
    threads: Vec<usize>,
    /// (thread, node) where the node will write.
    writers: BTreeSet<(usize, Index)>,
    follow_all: Vec<bool>,
    /// Share of the other threads that a node follows.
    propensity: Vec<f64>,
    /// Nodes to be started, by time.
    starts: BTreeSet<(Time, Index)>,
    next_row: usize,
    members: Vec<Index>,
    root: Option<Number>,
    numbers: Vec<Option<Number>>,
    messages: BTreeMap<Number, usize>,
    /// Messages that wait at a node for what they answer (`None`: the root).
    waiting: BTreeMap<(Index, Option<usize>), Vec<usize>>,
    delays: Histogram,
    seed: u64,
    rng: ChaCha8Rng,
}

impl Newsgroup {
    /// A newsgroup in which these messages will be written.
    pub(crate) fn new(
        model: &scenario::Newsgroup,
        rows: Vec<Row>,
        duration: Duration,
        seed: u64,
    ) -> Self {
        let authors = rows.iter().map(|row| row.author + 1).max().unwrap_or(0);
        let nodes = 1 + authors + model.readers;
        let mut rng = fork(seed, Purpose::Workload, 0);
        let threads = threads(&rows);
        let writers = rows
            .iter()
            .zip(&threads)
            .map(|(row, &thread)| (thread, row.author + 1))
            .collect();
        let follow_all = (0..nodes)
            .map(|_| rng.random::<f64>() < model.follow_all)
            .collect();
        let propensity = (0..nodes)
            .map(|_| exponential(&mut rng, model.follow_thread).min(1.0))
            .collect();
        let starts = starts(model, &rows, authors, duration, &mut rng);
        Self {
            numbers: vec![None; rows.len()],
            rows,
            threads,
            writers,
            follow_all,
            propensity,
            starts,
            next_row: 0,
            members: vec![FOUNDER],
            root: None,
            messages: BTreeMap::new(),
            waiting: BTreeMap::new(),
            delays: Histogram::default(),
            seed,
            rng,
        }
    }

    /// Number of nodes in all.
    pub(crate) fn nodes(&self) -> usize {
        self.follow_all.len()
    }

    /// How much later than in the trace messages were posted, milliseconds.
    pub(crate) fn delays(&self) -> &Histogram {
        &self.delays
    }

    /// Time of the next start or message.
    pub(crate) fn next_time(&self) -> Option<Time> {
        let start = self.starts.first().map(|&(time, _)| time);
        let row = (self.next_row < self.rows.len()).then(|| self.row_time(self.next_row));
        [start, row].into_iter().flatten().min()
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds of a trace are far below 2^53"
    )]
    fn row_time(&self, message: usize) -> Time {
        point(self.rows[message].seconds as f64)
    }

    /// Starts nodes and posts messages that are due.
    pub(crate) fn step(&mut self, now: Time, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        while let Some((time, node)) = self.starts.pop_first() {
            if time > now {
                self.starts.insert((time, node));
                break;
            }
            self.start(now, node, scene, tasks);
        }
        while self.next_row < self.rows.len() && self.row_time(self.next_row) <= now {
            self.next_row += 1;
            self.post(self.next_row - 1, scene, tasks);
        }
    }

    fn start(&mut self, now: Time, node: Index, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        if node == FOUNDER {
            tasks.push(Task::Start(node));
            let (parent, size, mode, ticket) = (None, ROOT_SIZE, Mode::Follow, ROOT);
            tasks.push(Task::Act(
                node,
                Action::Publish {
                    parent,
                    size,
                    mode,
                    ticket,
                },
            ));
            return;
        }
        let Some(number) = self.root else {
            self.starts.insert((now + RETRY, node));
            return;
        };
        let via = self.bootstrap(number, scene);
        let mode = if self.follow_all[node] {
            Mode::Follow
        } else {
            Mode::Subscribe
        };
        tasks.push(Task::Start(node));
        tasks.push(Task::Act(node, Action::Join { number, via, mode }));
        self.members.push(node);
    }

    /// Any live member, drawn at random.
    fn bootstrap(&mut self, root: Number, scene: &Scene<'_>) -> Index {
        for _ in 0..TRIES {
            let node = self.members[self.rng.random_range(0..self.members.len())];
            if scene.has(node, root) {
                return node;
            }
        }
        FOUNDER
    }

    /// Posts a message, or lets it wait for what it answers.
    fn post(&mut self, message: usize, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        let Row {
            parent,
            author,
            bytes,
            ..
        } = self.rows[message];
        let node = author + 1;
        let number = match parent {
            None => self.root,
            Some(parent) => self.numbers[parent],
        };
        let Some(number) = number.filter(|&number| scene.truth.holds(number, node)) else {
            self.waiting
                .entry((node, parent))
                .or_default()
                .push(message);
            return;
        };
        let late = scene.now.since(self.row_time(message));
        self.delays.add(micros(late) / 1_000);
        let (parent, size, mode, ticket) = (Some(number), bytes, Mode::Follow, message + 1);
        tasks.push(Task::Act(
            node,
            Action::Publish {
                parent,
                size,
                mode,
                ticket,
            },
        ));
    }

    /// A message, or the root, is published.
    pub(crate) fn published(
        &mut self,
        ticket: usize,
        number: Number,
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        if ticket == ROOT {
            self.root = Some(number);
            return;
        }
        let message = ticket - 1;
        self.numbers[message] = Some(number);
        self.messages.insert(number, message);
        self.post_waiting((self.rows[message].author + 1, Some(message)), scene, tasks);
    }

    /// A message could not be posted since its parent is gone: it waits again.
    pub(crate) fn refused(&mut self, ticket: usize) {
        if let Some(message) = ticket.checked_sub(1) {
            let row = self.rows[message];
            self.waiting
                .entry((row.author + 1, row.parent))
                .or_default()
                .push(message);
        }
    }

    /// A document came to a node.
    pub(crate) fn arrived(
        &mut self,
        node: Index,
        number: Number,
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        if self.root == Some(number) {
            self.post_waiting((node, None), scene, tasks);
            return;
        }
        let Some(&message) = self.messages.get(&number) else {
            return;
        };
        if self.threads[message] == message {
            self.consider(node, message, number, scene, tasks);
        }
        self.post_waiting((node, Some(message)), scene, tasks);
    }

    /// A node that sees the first message of a thread may follow it.
    fn consider(
        &self,
        node: Index,
        thread: usize,
        number: Number,
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        let cell = scene.truth.entry(number).cell(node);
        if self.follow_all[node]
            || cell.has(Cell::EXPLICIT)
            || scene.truth.entry(number).author == node
        {
            return;
        }
        let draw = unit(mix(mix(self.seed ^ node as u64) ^ thread as u64));
        if self.writers.contains(&(thread, node)) || draw < self.propensity[node] {
            tasks.push(Task::Act(node, Action::Set(number, Mode::Follow)));
        }
    }

    fn post_waiting(
        &mut self,
        key: (Index, Option<usize>),
        scene: &Scene<'_>,
        tasks: &mut Vec<Task>,
    ) {
        for message in self.waiting.remove(&key).unwrap_or_default() {
            self.post(message, scene, tasks);
        }
    }
}

/// First message of each message's thread.
fn threads(rows: &[Row]) -> Vec<usize> {
    let mut threads = Vec::with_capacity(rows.len());
    for (message, row) in rows.iter().enumerate() {
        threads.push(row.parent.map_or(message, |parent| threads[parent]));
    }
    threads
}

/// When nodes start: the founder at once, authors before their first message,
/// readers in the first tenth.
#[allow(
    clippy::cast_precision_loss,
    reason = "seconds of a trace are far below 2^53"
)]
fn starts(
    model: &scenario::Newsgroup,
    rows: &[Row],
    authors: usize,
    duration: Duration,
    rng: &mut ChaCha8Rng,
) -> BTreeSet<(Time, Index)> {
    let earliest = point(1.0);
    let mut starts = BTreeSet::from([(Time::ZERO, FOUNDER)]);
    let mut known = vec![false; authors];
    for row in rows {
        if !std::mem::replace(&mut known[row.author], true) {
            let time = point(row.seconds as f64) - model.join_before;
            starts.insert((time.max(earliest), row.author + 1));
        }
    }
    for reader in 0..model.readers {
        let time = point(duration.as_secs_f64() / 10.0 * rng.random::<f64>());
        starts.insert((time.max(earliest), 1 + authors + reader));
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Cheap;
    use crate::truth::Truth;
    use bytes::Bytes;
    use cliqueclique_core::document::{Document, Draft};
    use cliqueclique_core::id::SecretKey;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn model(follow_all: f64, follow_thread: f64) -> scenario::Newsgroup {
        scenario::Newsgroup {
            replay: None,
            replay_required: false,
            authors: 2,
            messages: 3,
            span: HOUR,
            readers: 1,
            follow_all,
            follow_thread,
            join_before: HOUR / 6,
            limit: None,
        }
    }

    /// Author 0 starts a thread, author 1 answers, author 0 starts another.
    fn rows() -> Vec<Row> {
        let row = |seconds, parent, author| Row {
            seconds,
            parent,
            author,
            bytes: 600,
        };
        vec![
            row(1_000, None, 0),
            row(2_000, Some(0), 1),
            row(3_000, None, 0),
        ]
    }

    struct Stage {
        newsgroup: Newsgroup,
        truth: Truth,
        tasks: Vec<Task>,
    }

    impl Stage {
        fn new(follow_all: f64, follow_thread: f64) -> Self {
            let newsgroup = Newsgroup::new(&model(follow_all, follow_thread), rows(), HOUR, 1);
            Self {
                newsgroup,
                truth: Truth::new(4),
                tasks: Vec::new(),
            }
        }

        fn with(
            &mut self,
            now: u64,
            act: impl FnOnce(&mut Newsgroup, &Scene<'_>, &mut Vec<Task>),
        ) -> Vec<Task> {
            let scene = Scene {
                now: Time(now * 1_000_000),
                truth: &self.truth,
                up: &|_| true,
            };
            act(&mut self.newsgroup, &scene, &mut self.tasks);
            std::mem::take(&mut self.tasks)
        }

        fn publish(&mut self, now: u64, ticket: usize, author: Index) -> (Number, Vec<Task>) {
            let body = Bytes::from(ticket.to_le_bytes().to_vec());
            let draft = Draft {
                body,
                ..Draft::default()
            };
            let document =
                Document::sign(&draft, &SecretKey([1; 32]), &Cheap).expect("within limits");
            let number = self.truth.publish(&document, author, |_| true);
            self.truth.stored(number, author);
            (
                number,
                self.with(now, |newsgroup, scene, tasks| {
                    newsgroup.published(ticket, number, scene, tasks)
                }),
            )
        }

        fn step(&mut self, now: u64) -> Vec<Task> {
            self.with(now, |newsgroup, scene, tasks| {
                newsgroup.step(scene.now, scene, tasks)
            })
        }

        fn arrive(&mut self, now: u64, number: Number, node: Index) -> Vec<Task> {
            self.truth.stored(number, node);
            self.with(now, |newsgroup, scene, tasks| {
                newsgroup.arrived(node, number, scene, tasks)
            })
        }
    }

    #[test]
    fn authors_join_before_they_write_and_follow_where_they_will() {
        let mut stage = Stage::new(0.0, 0.0);
        assert!(matches!(
            stage.step(0)[..],
            [
                Task::Start(0),
                Task::Act(0, Action::Publish { parent: None, .. })
            ]
        ));
        let (root, _) = stage.publish(0, ROOT, 0);
        let started: Vec<Task> = (1..1_500).flat_map(|second| stage.step(second)).collect();
        let join = |node| {
            Task::Act(
                node,
                Action::Join {
                    number: root,
                    via: 0,
                    mode: Mode::Subscribe,
                },
            )
        };
        for node in 1..4 {
            assert!(
                started.contains(&Task::Start(node)) && started.contains(&join(node)),
                "{started:?}"
            );
        }
        let posted = stage.arrive(1_600, root, 1);
        let expected = Action::Publish {
            parent: Some(root),
            size: 600,
            mode: Mode::Follow,
            ticket: 1,
        };
        assert_eq!(
            posted,
            [Task::Act(1, expected)],
            "the message waited for the root"
        );
        assert_eq!(stage.newsgroup.delays().max(), 600_000, "ten minutes late");
        let (first, _) = stage.publish(1_600, 1, 1);
        assert_eq!(
            stage.arrive(1_700, first, 2),
            [Task::Act(2, Action::Set(first, Mode::Follow))]
        );
        assert_eq!(
            stage.arrive(1_700, first, 3),
            [],
            "a reader without interest"
        );
    }

    #[test]
    fn an_answer_waits_for_what_it_answers() {
        let mut stage = Stage::new(1.0, 0.0);
        stage.step(0);
        let (root, _) = stage.publish(0, ROOT, 0);
        stage.truth.stored(root, 1);
        stage.truth.stored(root, 2);
        stage.step(1_500);
        let (first, _) = stage.publish(1_000, 1, 1);
        assert_eq!(
            stage.step(2_000),
            [],
            "author 1 does not hold message 0 yet"
        );
        let posted = stage.arrive(2_100, first, 2);
        assert!(
            matches!(
                posted[..],
                [Task::Act(2, Action::Publish { ticket: 2, .. })]
            ),
            "{posted:?}"
        );
        stage.newsgroup.refused(2);
        assert_eq!(
            stage.arrive(2_200, first, 2).len(),
            1,
            "and again after a refusal"
        );
        assert_eq!(stage.newsgroup.next_time(), Some(Time(3_000_000_000)));
    }

    #[test]
    fn readers_follow_threads_by_their_propensity() {
        let mut stage = Stage::new(0.0, 1e9);
        stage.step(0);
        stage.publish(0, ROOT, 0);
        let (first, _) = stage.publish(1_000, 1, 1);
        assert_eq!(
            stage.arrive(1_700, first, 3),
            [Task::Act(3, Action::Set(first, Mode::Follow))]
        );
    }
}
