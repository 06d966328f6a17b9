//! The only place where real time and the system's entropy are read.

use cliqueclique_core::{Time, WallTime};
use std::time::{Duration, Instant, SystemTime};

/// Counts from its making, as a core wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where real time is read"
)]
impl Clock {
    /// A clock that stands at zero now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Time since the start; never goes back.
    pub(crate) fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The instant of a time, for waiting; at most a day from now.
    pub(crate) fn instant(&self, time: Time) -> tokio::time::Instant {
        let now = self.now();
        let wait = time.since(now).min(Duration::from_secs(86_400));
        (Instant::now() + wait).into()
    }

    /// Wall time as the system has it.
    pub(crate) fn wall() -> WallTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        WallTime(since.unwrap_or_default().as_secs())
    }
}

/// 32 bytes that nobody can guess.
///
/// # Errors
/// The system gives no entropy.
pub(crate) fn entropy() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        std::io::Error::other(format!("the system gives no random bytes: {error}"))
    })?;
    Ok(bytes)
}
