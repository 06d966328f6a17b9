//! `run`.

use super::show::Output;
use crate::fault::Fault;
use crate::node;
use crate::settings::{Level, Settings};
use serde_json::json;
use std::path::Path;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Runs the node in the foreground.
///
/// # Errors
/// It cannot start or go on.
pub(super) fn run(folder: &Path, output: Output) -> Result<(), Fault> {
    let settings = Settings::read(folder)?;
    log(settings.log);
    node::run(folder, settings, |addresses| {
        let lines: Vec<String> = addresses
            .iter()
            .map(|(name, address)| format!("account '{name}' is at {address}"))
            .collect();
        output.done(&json!({ "ready": addresses }), &lines.join("\n"));
    })
}

/// Begins to log on the error output, without colours, which would be noise in a journal, and
/// without times if the journal adds its own.
fn log(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    // Libraries name peers and are talkative.
    let targets = Targets::new()
        .with_target("cliqueclique", level)
        .with_default(level.min(LevelFilter::WARN));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().boxed()
    } else {
        lines.boxed()
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
}
