//! Copies of a whole data folder, also while a node runs on it: SQLite writes a consistent copy
//! of the store from one moment, and readers do not disturb the writer.

use super::{FILE, check, schema};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings;
use std::path::Path;

/// Copies settings, keys and store into a new folder.
///
/// # Errors
/// The target is there already, or something cannot be read or written. What was written of
/// the target then has no settings yet, so that nobody takes it for whole.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<check::Report, Fault> {
    let path = from.join(FILE);
    if !path.exists() || !from.join(settings::FILE).exists() {
        let message = format!("there is no node's data in {}", from.display());
        return Err(Fault::new(Class::NotFound, message));
    }
    if to.exists() {
        let message = format!("{} is there already: name a new folder", to.display());
        return Err(Fault::new(Class::Refused, message));
    }
    folder::private(to)?;
    let target = to.join(FILE);
    let (store, _) = schema::open_as_it_is(&path)?;
    let name = target.to_string_lossy();
    store
        .execute("VACUUM INTO ?1", [&name])
        .map_err(|error| Fault::at(&target, "write", &error))?;
    let found = check::check(to)?;
    folder::copy_keys(from, to)?;
    // Last: with it the folder counts as whole.
    folder::copy_file(&from.join(settings::FILE), &to.join(settings::FILE))?;
    Ok(found)
}
