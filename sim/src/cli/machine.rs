//! The real machine: wall clock, memory, processors, signals, git. Nothing that
//! is read here may reach a simulation.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Set by the first Ctrl-C.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C asks runs to end properly; the second ends the process.
pub(crate) fn catch_interrupts() {
    let handler = || {
        if STOPPED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        super::output::message(&format!(
            "note: Ctrl-C will not end a run properly: {error}"
        ));
    }
}

/// True after the first Ctrl-C.
pub(crate) fn interrupted() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// Wall time since it was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(
        clippy::disallowed_methods,
        reason = "how long a run takes is shown to people and enters no run"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Peak memory of this process in bytes, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Processors.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Commit of the simulator's sources, with `+` if they differ from it. Packagers
/// set `CLIQUECLIQUE_COMMIT` at build time; else the checkout is asked.
pub(crate) fn commit() -> Option<String> {
    if let Some(commit) = option_env!("CLIQUECLIQUE_COMMIT") {
        return Some(commit.to_owned());
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let commit = git(sources, &["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(sources, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit}+")
    })
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
