//! Nodes that join a few forums over some time, and comments by random members
//! at an even pace.

use super::{BODY_SIGMA, Scene, Task, body_size};
use crate::host::Action;
use crate::random::{Purpose, fork, lognormal, weighted, zipf};
use crate::scenario;
use crate::snapshot::Index;
use crate::truth::Number;
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::time::Duration;

/// Members tried at random before the publisher is taken.
const TRIES: usize = 32;
/// A comment answers one of the latest so many comments of its forum.
const ANSWERABLE: usize = 64;
/// The first joins come after this, when the forums are published.
const FIRST_JOIN: Duration = Duration::from_secs(1);

/// State of a synthetic workload.
#[derive(Debug)]
pub(crate) struct Synthetic {
    model: scenario::Synthetic,
    /// Cumulative weights of the forums, for interests by a Zipf law.
    popularity: Vec<f64>,
    forums: Vec<Forum>,
    published: bool,
    next_join: usize,
    next_comment: usize,
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug, Default)]
struct Forum {
    root: Option<Number>,
    members: Vec<Index>,
    latest: Vec<Number>,
}

impl Synthetic {
    /// A workload at its start.
    pub(crate) fn new(model: &scenario::Synthetic, seed: u64) -> Self {
        Self {
            popularity: model
                .zipf
                .map(|exponent| zipf(model.forums, exponent))
                .unwrap_or_default(),
            forums: vec![Forum::default(); model.forums],
            published: false,
            next_join: 0,
            next_comment: 0,
            rng: fork(seed, Purpose::Workload, 0),
            model: model.clone(),
        }
    }

    /// Number of nodes in all.
    pub(crate) fn nodes(&self) -> usize {
        self.model.nodes
    }

    /// Time of the next join or comment.
    pub(crate) fn next_time(&self) -> Option<Time> {
        if !self.published {
            return Some(Time::ZERO);
        }
        [self.join_time(), self.comment_time()]
            .into_iter()
            .flatten()
            .min()
    }

    fn join_time(&self) -> Option<Time> {
        let spread = evenly(self.model.join_over, self.next_join, self.model.nodes);
        (self.next_join < self.model.nodes).then(|| Time::ZERO + spread.max(FIRST_JOIN))
    }

    fn comment_time(&self) -> Option<Time> {
        let model = &self.model;
        let span = model.comments_until.saturating_sub(model.comments_from);
        let at = model.comments_from
            + evenly(
                span,
                self.next_comment,
                model.comments.saturating_sub(1).max(1),
            );
        (self.next_comment < model.comments).then(|| Time::ZERO + at)
    }

    /// Does what is due.
    pub(crate) fn step(&mut self, now: Time, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        if !self.published {
            self.published = true;
            self.publish_forums(tasks);
        }
        while self.join_time().is_some_and(|time| time <= now) {
            let node = self.next_join;
            self.next_join += 1;
            self.join(node, scene, tasks);
        }
        while self.comment_time().is_some_and(|time| time <= now) {
            self.next_comment += 1;
            self.comment(scene, tasks);
        }
    }

    fn publisher(&self, forum: usize) -> Index {
        forum % self.model.nodes.max(1)
    }

    fn publish_forums(&mut self, tasks: &mut Vec<Task>) {
        for forum in 0..self.forums.len() {
            let node = self.publisher(forum);
            let (parent, size, mode, ticket) = (None, self.size(), Mode::Follow, forum);
            tasks.push(Task::Start(node));
            tasks.push(Task::Act(
                node,
                Action::Publish {
                    parent,
                    size,
                    mode,
                    ticket,
                },
            ));
            self.forums[forum].members.push(node);
        }
    }

    fn join(&mut self, node: Index, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        tasks.push(Task::Start(node));
        for forum in self.interests() {
            let Some(number) = self.forums[forum]
                .root
                .filter(|_| self.publisher(forum) != node)
            else {
                continue;
            };
            let via = self.bootstrap(forum, number, scene);
            let mode = self.part();
            tasks.push(Task::Act(node, Action::Join { number, via, mode }));
            if mode == Mode::Hold {
                tasks.push(Task::Act(node, Action::Bookmark(number, true)));
            }
            self.forums[forum].members.push(node);
        }
    }

    /// Forums that a node joins.
    fn interests(&mut self) -> BTreeSet<usize> {
        if self.popularity.is_empty() {
            return (0..self.forums.len()).collect();
        }
        let (rng, popularity) = (&mut self.rng, &self.popularity);
        (0..self.model.interests)
            .map(|_| weighted(rng, popularity))
            .collect()
    }

    fn bootstrap(&mut self, forum: usize, root: Number, scene: &Scene<'_>) -> Index {
        if self.model.join_anywhere {
            self.member(forum, root, scene)
                .unwrap_or_else(|| self.publisher(forum))
        } else {
            self.publisher(forum)
        }
    }

    /// A member that runs and holds the forum's root.
    fn member(&mut self, forum: usize, root: Number, scene: &Scene<'_>) -> Option<Index> {
        let members = &self.forums[forum].members;
        let rng = &mut self.rng;
        let drawn = (0..TRIES).map(|_| members[rng.random_range(0..members.len())]);
        drawn
            .chain([forum % self.model.nodes])
            .find(|&node| scene.has(node, root))
    }

    fn part(&mut self) -> Mode {
        let (subscribes, follows) = (self.rng.random::<f64>(), self.rng.random::<f64>());
        if subscribes >= self.model.subscribe {
            Mode::Hold
        } else if follows < self.model.follow {
            Mode::Follow
        } else {
            Mode::Subscribe
        }
    }

    fn comment(&mut self, scene: &Scene<'_>, tasks: &mut Vec<Task>) {
        if self.forums.is_empty() {
            return;
        }
        let forum = self.rng.random_range(0..self.forums.len());
        let Some(root) = self.forums[forum].root else {
            return;
        };
        let Some(node) = self.member(forum, root, scene) else {
            return;
        };
        let parent = self.answered(forum, node, scene).unwrap_or(root);
        let mode = scene.truth.entry(parent).cell(node).mode().inherited();
        let ticket = self.forums.len() + forum;
        let action = Action::Publish {
            parent: Some(parent),
            size: self.size(),
            mode,
            ticket,
        };
        tasks.push(Task::Act(node, action));
    }

    /// A late comment that the node holds, if this comment shall answer one.
    fn answered(&mut self, forum: usize, node: Index, scene: &Scene<'_>) -> Option<Number> {
        if self.rng.random::<f64>() >= self.model.reply {
            return None;
        }
        let latest = &self.forums[forum].latest;
        let recent = &latest[latest.len().saturating_sub(ANSWERABLE)..];
        let held: Vec<Number> = recent
            .iter()
            .copied()
            .filter(|&number| scene.truth.holds(number, node))
            .collect();
        (!held.is_empty()).then(|| held[self.rng.random_range(0..held.len())])
    }

    #[allow(clippy::cast_precision_loss, reason = "bodies are small")]
    fn size(&mut self) -> usize {
        body_size(lognormal(&mut self.rng, self.model.body as f64, BODY_SIGMA))
    }

    /// A forum's root or a comment is published.
    pub(crate) fn published(&mut self, ticket: usize, number: Number) {
        let forums = self.forums.len();
        if ticket < forums {
            self.forums[ticket].root = Some(number);
            return;
        }
        let latest = &mut self.forums[ticket - forums].latest;
        latest.push(number);
        if latest.len() > 2 * ANSWERABLE {
            latest.drain(..ANSWERABLE);
        }
    }
}

/// Part `at` of `count` equal parts of a span.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn evenly(span: Duration, at: usize, count: usize) -> Duration {
    span.mul_f64(at as f64 / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Cheap;
    use crate::truth::Truth;
    use bytes::Bytes;
    use cliqueclique_core::document::{Document, Draft};
    use cliqueclique_core::id::SecretKey;

    fn model() -> scenario::Synthetic {
        scenario::Synthetic {
            nodes: 200,
            forums: 1,
            join_over: Duration::from_secs(100),
            subscribe: 0.5,
            follow: 0.5,
            zipf: None,
            interests: 0,
            join_anywhere: false,
            comments: 3,
            comments_from: Duration::from_secs(10),
            comments_until: Duration::from_secs(20),
            reply: 1.0,
            body: 600,
        }
    }

    fn truth() -> Truth {
        let mut truth = Truth::new(200);
        let draft = Draft {
            body: Bytes::from_static(b"forum"),
            ..Draft::default()
        };
        let document = Document::sign(&draft, &SecretKey([1; 32]), &Cheap).expect("within limits");
        let root = truth.publish(&document, 0, |_| true);
        truth.stored(root, 0);
        truth
    }

    fn run(model: &scenario::Synthetic, until: u64) -> Vec<Task> {
        let (mut synthetic, truth) = (Synthetic::new(model, 1), truth());
        let mut tasks = Vec::new();
        while let Some(now) = synthetic
            .next_time()
            .filter(|time| time.0 <= until * 1_000_000)
        {
            let scene = Scene {
                now,
                truth: &truth,
                up: &|_| true,
            };
            synthetic.step(now, &scene, &mut tasks);
            synthetic.published(0, 0);
        }
        tasks
    }

    #[test]
    fn joins_are_spread_and_parts_have_their_shares() {
        let tasks = run(&model(), 1_000);
        let modes: Vec<Mode> = tasks
            .iter()
            .filter_map(|task| match task {
                Task::Act(_, Action::Join { mode, .. }) => Some(*mode),
                Task::Act(..) | Task::Start(_) => None,
            })
            .collect();
        assert_eq!(modes.len(), 199, "all but the publisher");
        let hold = modes.iter().filter(|&&mode| mode == Mode::Hold).count();
        let follow = modes.iter().filter(|&&mode| mode == Mode::Follow).count();
        assert!(
            (80..120).contains(&hold) && (35..65).contains(&follow),
            "{hold} hold, {follow} follow"
        );
        let half = run(&model(), 50)
            .iter()
            .filter(|task| matches!(task, Task::Start(_)))
            .count();
        assert!(
            (100..104).contains(&half),
            "{half} started after half of the time"
        );
    }

    #[test]
    fn comments_come_evenly_between_first_and_last() {
        let mut synthetic = Synthetic::new(&model(), 1);
        let times: Vec<Option<Time>> = (0..4)
            .map(|at| {
                synthetic.next_comment = at;
                synthetic.comment_time()
            })
            .collect();
        let seconds = |s: u64| Some(Time(s * 1_000_000));
        assert_eq!(times, [seconds(10), seconds(15), seconds(20), None]);
        let comments = run(&model(), 1_000)
            .iter()
            .filter(|task| {
                matches!(
                    task,
                    Task::Act(
                        _,
                        Action::Publish {
                            parent: Some(_),
                            ..
                        }
                    )
                )
            })
            .count();
        assert_eq!(comments, 3);
    }

    #[test]
    fn popular_forums_are_joined_more_often() {
        let mut synthetic = Synthetic::new(
            &scenario::Synthetic {
                forums: 10,
                zipf: Some(1.0),
                interests: 1,
                ..model()
            },
            1,
        );
        let drawn: Vec<usize> = (0..1_000).flat_map(|_| synthetic.interests()).collect();
        let count = |forum| drawn.iter().filter(|&&other| other == forum).count();
        assert_eq!(drawn.len(), 1_000);
        assert!(
            count(0) > 290 && count(0) < 400 && count(9) < 60,
            "{} {}",
            count(0),
            count(9)
        );
    }
}
