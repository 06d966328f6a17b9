//! Files as documents: out of a folder and into one.

use super::{Done, NewFile, open};
use crate::caller::Caller;
use crate::fault::{Class, Fault};
use crate::web::attachment::Attachment;
use serde_json::json;
use std::io::{Read, Write};
use std::path::Path;

/// Most that is read of a file, bytes: an image may lose much before it is small enough.
const MOST: u64 = 4 * 1024 * 1024;

/// The body of the document that a file becomes.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn body(path: &Path) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(MOST).read_to_end(&mut bytes);
    read.map_err(|error| Fault::at(path, "read", &error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = Attachment::new(&name, bytes).map_err(|text| {
        let message = format!("{}: {text}; nothing was changed", path.display());
        Fault::new(Class::Usage, message)
    })?;
    Ok(file.body())
}

impl Caller<'_> {
    /// Writes the file that a document is.
    ///
    /// # Errors
    /// It is not here, no file, or cannot be written.
    pub(crate) fn export_file(&self, document: &str, path: &Path) -> Result<Done, Fault> {
        let reader = self.reader()?;
        let full = reader.full(&reader.resolve(document)?)?;
        let file = Attachment::parse(&full.body).ok_or_else(|| {
            let message = format!("the document {} is no file", full.entry.id);
            Fault::new(Class::NotFound, message)
        })?;
        let mut out = NewFile::begin(path)?;
        out.write_all(&file.bytes)
            .map_err(|error| Fault::at(path, "write", &error))?;
        out.end()?;
        let size = file.bytes.len();
        let answer = json!({ "file": path, "name": file.name, "type": file.kind, "bytes": size });
        let mut text = format!("{} has {size} bytes of '{}'", path.display(), file.name);
        if let Some(warning) = file.warning() {
            text += &format!("\n{warning}");
        }
        Ok(Done { answer, text })
    }
}
