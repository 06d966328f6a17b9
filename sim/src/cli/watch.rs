//! Watches a run: progress bar on a terminal, files of the run folder, Ctrl-C.

use super::machine::{self, Stopwatch};
use super::output::grouped;
use cliqueclique_sim::driver::{Event, Observer};
use cliqueclique_sim::folder::Folder;
use cliqueclique_sim::metrics::Sample;
use cliqueclique_sim::snapshot::Snapshot;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

/// Steps of the progress bar.
const STEPS: u64 = 1000;
/// Most (node, document) pairs that are kept in memory for the report. Guess: some 200 MB.
const MOST_KEPT: usize = 300_000;

/// Which events are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Beginnings of tags; empty: all.
    pub(crate) documents: Vec<String>,
    /// Indexes; empty: all.
    pub(crate) nodes: Vec<usize>,
}

impl Filter {
    fn takes(&self, event: &Event) -> bool {
        let node = |index: &usize| *index == event.node || Some(*index) == event.peer;
        let named = |tag: String| {
            self.documents
                .iter()
                .any(|start| tag.starts_with(start.as_str()))
        };
        (self.nodes.is_empty() || self.nodes.iter().any(node))
            && (self.documents.is_empty()
                || event.documents.iter().any(|tag| named(tag.to_string())))
    }
}

/// The observer of all commands that run something.
pub(crate) struct Watch {
    bar: ProgressBar,
    started: Stopwatch,
    folder: Option<Folder>,
    events: Option<Filter>,
    /// Snapshots for the report and for graphs, as far as they fit.
    pub(crate) kept: Vec<Snapshot>,
    keep: bool,
    pairs: usize,
    trouble: Option<io::Error>,
}

impl Watch {
    /// Watches without leaving anything.
    pub(crate) fn silent() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            started: Stopwatch::start(),
            folder: None,
            events: None,
            kept: Vec::new(),
            keep: false,
            pairs: 0,
            trouble: None,
        }
    }

    /// Keeps snapshots, and shows progress if stderr is a terminal and `shown`.
    pub(crate) fn keeping(shown: bool) -> Self {
        let bar = if shown {
            progress(STEPS)
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            keep: true,
            ..Self::silent()
        }
    }

    /// Fills a run folder too.
    pub(crate) fn into_folder(self, folder: Folder, events: Option<Filter>) -> Self {
        Self {
            folder: Some(folder),
            events,
            ..self
        }
    }

    /// Ends the bar and gives back the folder.
    ///
    /// # Errors
    /// The first error met while writing.
    pub(crate) fn finish(&mut self) -> io::Result<Option<Folder>> {
        self.bar.finish_and_clear();
        match self.trouble.take() {
            Some(error) => Err(error),
            None => Ok(self.folder.take()),
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut Folder) -> io::Result<()>) {
        if let (Some(folder), None) = (&mut self.folder, &self.trouble) {
            self.trouble = write(folder).err();
        }
    }
}

/// A progress bar on stderr, hidden unless that is a terminal.
pub(crate) fn progress(steps: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps);
    match ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Observer for Watch {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a progress bar for people"
    )]
    fn sample(&mut self, sample: &Sample, progress: f64) {
        self.write(|folder| folder.sample(sample));
        self.bar
            .set_position((progress.clamp(0.0, 1.0) * STEPS as f64) as u64);
        let rate = sample.events as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        self.bar
            .set_message(format!("{} events/s", grouped(rate as u64)));
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.write(|folder| folder.snapshot(snapshot));
        let pairs: usize = snapshot
            .documents
            .values()
            .map(|document| document.members.len())
            .sum();
        if self.keep && self.pairs + pairs <= MOST_KEPT {
            self.pairs += pairs;
            self.kept.push(snapshot.clone());
        }
    }

    fn wants_events(&self) -> bool {
        self.events.is_some()
    }

    fn event(&mut self, event: &Event) {
        if self
            .events
            .as_ref()
            .is_some_and(|filter| filter.takes(event))
        {
            self.write(|folder| folder.event(event));
        }
    }

    fn interrupted(&self) -> bool {
        self.trouble.is_some() || machine::interrupted()
    }
}
