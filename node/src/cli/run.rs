//! `run`.

use super::show::Output;
use crate::fault::Fault;
use crate::node;
use crate::settings::Settings;
use serde_json::json;
use std::path::Path;

/// Runs the node in the foreground.
///
/// # Errors
/// It cannot start or go on.
pub(super) fn run(folder: &Path, output: Output) -> Result<(), Fault> {
    let settings = Settings::read(folder)?;
    node::run(folder, settings, |addresses| {
        let lines: Vec<String> = addresses
            .iter()
            .map(|(name, address)| format!("account '{name}' is at {address}"))
            .collect();
        output.done(&json!({ "ready": addresses }), &lines.join("\n"));
    })
}
