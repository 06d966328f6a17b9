//! SIGHUP: the settings are read again, and what can change in a running node changes.

use crate::control::Counters;
use crate::settings::{Level, Settings};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// Sets another level for the log.
pub(crate) type Relog = Box<dyn Fn(Level) + Send + Sync>;

/// What it takes to change a running node.
pub(crate) struct Reload {
    /// The data folder.
    pub(crate) folder: PathBuf,
    /// As they are now.
    pub(crate) settings: Settings,
    /// Sets the log's level.
    pub(crate) relog: Relog,
    /// After how long networks go cold.
    pub(crate) cold_after: watch::Sender<Duration>,
    /// The accounts, for their limits.
    pub(crate) accounts: Counters,
}

impl Reload {
    /// Reads the settings and does what they say. Wrong ones change nothing.
    pub(crate) fn again(&mut self) {
        let new = match Settings::read(&self.folder) {
            Ok(new) => new,
            Err(fault) => {
                tracing::error!("the settings stay as they are: {}", fault.message);
                return;
            }
        };
        let fixed = self.settings.fixed_differences(&new);
        let limits = new.limits;
        (self.relog)(new.log);
        self.cold_after.send_replace(limits.cold_after());
        for paces in self.accounts.paces() {
            paces.limit(limits.upload, limits.download);
        }
        self.settings.log = new.log;
        self.settings.limits.cold_after = limits.cold_after;
        (self.settings.limits.upload, self.settings.limits.download) =
            (limits.upload, limits.download);
        if fixed.is_empty() {
            tracing::info!("the settings were read again");
        } else {
            let names = fixed.join(", ");
            tracing::warn!("the settings were read again; a restart is needed for {names}");
        }
    }
}
