//! `run`.

use super::show::Output;
use crate::fault::{Class, Fault};
use crate::folder;
use crate::node;
use crate::reload::Relog;
use crate::settings::{Level, Settings};
use serde_json::json;
use std::path::{Path, PathBuf};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, reload};

/// Runs the node in the foreground.
///
/// # Errors
/// It cannot start or go on.
pub(super) fn run(
    folder: &Path,
    record: Option<PathBuf>,
    account: Option<String>,
    output: Output,
) -> Result<(), Fault> {
    folder::prepare(folder)?;
    let settings = Settings::read(folder)?;
    let relog = log(settings.log);
    let known = |name: &String| {
        settings
            .accounts
            .iter()
            .any(|account| account.name == *name)
    };
    if let Some(name) = account.as_ref().filter(|name| !known(name)) {
        let message = format!("there is no account '{name}' in the settings");
        return Err(Fault::new(Class::NotFound, message));
    }
    let first = settings.accounts.first().map(|first| first.name.clone());
    let record = account.or(first).zip(record);
    node::run(folder, settings, record, relog, |ready| {
        let addresses = &ready.addresses;
        let mut lines: Vec<String> = addresses
            .iter()
            .map(|(name, address)| format!("account '{name}' is at {address}"))
            .collect();
        lines.extend(ready.web.iter().map(|url| format!("in the browser: {url}")));
        let answer = json!({ "ready": addresses, "web": ready.web });
        output.done(&answer, &lines.join("\n"));
    })
}

fn targets(level: Level) -> Targets {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    // Libraries name peers and are talkative.
    Targets::new()
        .with_target("cliqueclique", level)
        .with_default(level.min(LevelFilter::WARN))
}

/// Begins to log on the error output, without colours, which would be noise in a journal, and
/// without times if the journal adds its own. Gives what sets another level.
fn log(level: Level) -> Relog {
    let (filter, handle) = reload::Layer::new(targets(level));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().boxed()
    } else {
        lines.boxed()
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    // Only a log that is gone cannot be set.
    Box::new(move |level| drop(handle.reload(targets(level))))
}
