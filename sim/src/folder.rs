//! The run folder: everything a run leaves behind, written beside its final
//! place and moved there when it is complete, so that none is ever half written.
//!
//! The files and their fields are described in `scenarios/README.md`.

mod columns;
mod manifest;

pub use manifest::{Failure, MANIFEST, Manifest, ManifestError, Verdict};

use crate::driver::Event;
use crate::metrics::Sample;
use crate::report::{self, RunSummary};
use crate::snapshot::Snapshot;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Time series.
pub const METRICS: &str = "metrics.csv";
/// Everything that happened, if it was asked for.
pub const EVENTS: &str = "events.jsonl";
/// Ground truth for outside checkers.
pub const SNAPSHOTS: &str = "snapshots.jsonl";
/// For people.
pub const REPORT: &str = "report.html";

/// A run folder in the making. Dropped before `finish`, it leaves nothing.
#[derive(Debug)]
pub struct Folder {
    partial: PathBuf,
    target: PathBuf,
    metrics: BufWriter<File>,
    snapshots: BufWriter<File>,
    events: Option<BufWriter<File>>,
    finished: bool,
}

impl Folder {
    /// Begins a folder that will stand at `target`; `token` tells apart those who do so at the same time.
    ///
    /// # Errors
    /// If `target` is there and is not a run folder (it would be lost), or cannot be written.
    pub fn create(target: &Path, token: u32, events: bool) -> io::Result<Self> {
        refuse_foreign(target)?;
        let partial = sibling(target, token, "partial")?;
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        let open = |name: &str| File::create(partial.join(name)).map(BufWriter::new);
        let mut metrics = open(METRICS)?;
        columns::head(&mut metrics)?;
        Ok(Self {
            metrics,
            snapshots: open(SNAPSHOTS)?,
            events: if events { Some(open(EVENTS)?) } else { None },
            target: target.to_path_buf(),
            partial,
            finished: false,
        })
    }

    /// Adds a row to `metrics.csv`.
    ///
    /// # Errors
    /// As for any file.
    pub fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        columns::row(&mut self.metrics, sample)
    }

    /// Adds a snapshot to `snapshots.jsonl`.
    ///
    /// # Errors
    /// As for any file.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        crate::export::write_snapshot(&mut self.snapshots, snapshot)
    }

    /// Adds a line to `events.jsonl`, if there is one.
    ///
    /// # Errors
    /// As for any file.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let Some(file) = &mut self.events else {
            return Ok(());
        };
        serde_json::to_writer(&mut *file, &event_line(event))?;
        file.write_all(b"\n")
    }

    /// Writes manifest and report, and moves the folder to its place, where it
    /// replaces an older run.
    ///
    /// # Errors
    /// As for any file; then nothing is left behind.
    pub fn finish(mut self, manifest: &Manifest, summary: &RunSummary<'_>) -> io::Result<PathBuf> {
        self.metrics.flush()?;
        self.snapshots.flush()?;
        if let Some(events) = &mut self.events {
            events.flush()?;
        }
        write_report(&self.partial.join(REPORT), summary)?;
        let text = serde_json::to_string_pretty(manifest)?;
        fs::write(self.partial.join(MANIFEST), text + "\n")?;
        self.publish()?;
        self.finished = true;
        Ok(self.target.clone())
    }

    fn publish(&self) -> io::Result<()> {
        if !self.target.exists() {
            return fs::rename(&self.partial, &self.target);
        }
        refuse_foreign(&self.target)?;
        let old = sibling(&self.target, std::process::id(), "old")?;
        fs::rename(&self.target, &old)?;
        fs::rename(&self.partial, &self.target)?;
        fs::remove_dir_all(old)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing better can be done here; the name says that it is partial.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Writes a report beside its place and moves it there.
///
/// # Errors
/// As for any file.
pub fn write_report(path: &Path, summary: &RunSummary<'_>) -> io::Result<()> {
    let partial = path.with_extension("html.partial");
    let mut file = BufWriter::new(File::create(&partial)?);
    report::write(&mut file, summary)?;
    file.flush()?;
    fs::rename(partial, path)
}

/// An existing folder may be replaced only if it is a run folder or empty.
fn refuse_foreign(target: &Path) -> io::Result<()> {
    if !target.exists() {
        return Ok(());
    }
    let empty = target.is_dir() && fs::read_dir(target)?.next().is_none();
    if empty || target.join(MANIFEST).is_file() {
        return Ok(());
    }
    let text = format!(
        "{} is there and is not a run folder; it is left alone",
        target.display()
    );
    Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
}

fn sibling(target: &Path, token: u32, what: &str) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::other(format!("{} names no folder", target.display())))?;
    Ok(target.with_file_name(format!(".{}.{what}-{token}", name.to_string_lossy())))
}

fn event_line(event: &Event) -> serde_json::Value {
    serde_json::json!({
        "time": event.time.as_secs_f64(),
        "node": event.node,
        "peer": event.peer,
        "kind": event.kind,
        "documents": event.documents.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "detail": event.detail,
    })
}
