//! What of the machine concerns a node: its clock, and room on its disk.

use crate::clock::Clock;
use crate::store;
use cliqueclique_core::WallTime;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// A clock may go back by so much without a word, as daemons that set it do. As in the core's
/// `clock_tolerance`.
const TOLERANCE: u64 = 900;
/// Less room than this is told, bytes. Guess: a day of a large forum.
const ROOM: u64 = 64 * 1024 * 1024;

/// Keeps an eye on them.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    folder: PathBuf,
    /// The latest that it was known to be, and counts from then.
    latest: (WallTime, Clock),
}

impl Machine {
    /// Begins to watch, before the store is opened: when that was written last, tells the least
    /// that the clock should say.
    pub(crate) fn watch(folder: &Path) -> Self {
        let files = [store::FILE.to_owned(), format!("{}-wal", store::FILE)];
        let written = files.iter().filter_map(|file| {
            let modified = std::fs::metadata(folder.join(file)).ok()?.modified().ok()?;
            let since = modified.duration_since(UNIX_EPOCH).ok()?;
            Some(WallTime(since.as_secs()))
        });
        let latest = written.chain([Clock::wall()]).max();
        Self {
            folder: folder.to_owned(),
            latest: (latest.unwrap_or_default(), Clock::start()),
        }
    }

    /// What is wrong, and how to mend it.
    pub(crate) fn trouble(&self) -> Option<String> {
        let passed = self.latest.1.now().as_secs_f64();
        let passed = Duration::from_secs_f64(passed).as_secs();
        let expected = WallTime(self.latest.0.0.saturating_add(passed));
        behind(expected, Clock::wall()).or_else(|| narrow(self.room()))
    }

    /// Bytes that the node may still write; nothing if the system does not tell.
    pub(crate) fn room(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

fn behind(expected: WallTime, wall: WallTime) -> Option<String> {
    let behind = expected.0.saturating_sub(wall.0);
    (behind > TOLERANCE).then(|| {
        format!(
            "this machine's clock is wrong: it is {} minutes behind what it was; set it, or new \
             comments have wrong dates and other nodes refuse introductions",
            behind / 60
        )
    })
}

fn narrow(room: Option<u64>) -> Option<String> {
    let room = room.filter(|room| *room < ROOM)?;
    Some(format!(
        "only {} MB are left on the disk: make room, or nothing new can be stored before long",
        room / 1_000_000
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_and_a_full_disk_are_told() {
        assert_eq!(behind(WallTime(10_000), WallTime(9_200)), None);
        assert_eq!(behind(WallTime(10_000), WallTime(1_000_000)), None);
        let text = behind(WallTime(10_000), WallTime(4_000)).expect("wrong");
        assert!(text.contains("100 minutes behind"), "{text}");
        assert_eq!(narrow(None), None);
        assert_eq!(narrow(Some(ROOM)), None);
        let text = narrow(Some(3_000_000)).expect("little");
        assert!(text.contains("only 3 MB"), "{text}");
    }

    #[test]
    fn a_store_from_the_future_shows_that_the_clock_is_wrong() {
        let folder = std::env::temp_dir().join(format!("clique-clock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = std::fs::File::create(folder.join(store::FILE)).expect("made");
        assert_eq!(Machine::watch(&folder).trouble(), None);
        let later = UNIX_EPOCH + Duration::from_secs(Clock::wall().0 + 7_300);
        file.set_modified(later).expect("set");
        let text = Machine::watch(&folder).trouble().expect("wrong");
        assert!(
            text.contains("12") && text.contains("minutes behind"),
            "{text}"
        );
        let _ = std::fs::remove_dir_all(&folder);
    }
}
