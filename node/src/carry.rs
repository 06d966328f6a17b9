//! What leaves a node in files and comes in: between the forms of `portable`, the store and whoever
//! answers for the account. Commands and pages do the same by it.

pub(crate) mod account;
pub(crate) mod files;
pub(crate) mod mails;
pub(crate) mod threads;

use crate::fault::{Class, Fault};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What was done: for programs, and for people.
#[derive(Debug)]
pub(crate) struct Done {
    /// As JSON.
    pub(crate) answer: Value,
    /// In words.
    pub(crate) text: String,
}

/// Told of progress: how much is done, of how much.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(u64, u64);

/// Opens a file for reading.
///
/// # Errors
/// It is not there, or a folder, or cannot be read.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>, Fault> {
    let failed = |error: std::io::Error| {
        let fault = Fault::at(path, "read", &error);
        let absent = error.kind() == std::io::ErrorKind::NotFound;
        let class = if absent { Class::NotFound } else { fault.class };
        Fault::new(class, fault.message)
    };
    let file = File::open(path).map_err(failed)?;
    let is_folder = file.metadata().is_ok_and(|data| data.is_dir());
    if is_folder {
        let message = format!("{} is a folder: name a file", path.display());
        return Err(Fault::new(Class::Usage, message));
    }
    Ok(BufReader::new(file))
}

/// A new file that has its name when it is whole and durable.
pub(crate) struct NewFile {
    out: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
    whole: bool,
}

impl NewFile {
    /// Begins it beside its place.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub(crate) fn begin(path: &Path) -> Result<Self, Fault> {
        if path.exists() {
            let message = format!("{} is there already: name a new file", path.display());
            return Err(Fault::new(Class::Refused, message));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        let part = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(|error| Fault::at(&part, "write", &error))?;
        Ok(Self {
            out: BufWriter::new(file),
            part,
            path: path.to_owned(),
            whole: false,
        })
    }

    fn failed(&self, error: &std::io::Error) -> Fault {
        Fault::at(&self.path, "write", error)
    }

    /// Gives it its name, durably.
    ///
    /// # Errors
    /// It cannot be written; there is no file then.
    pub(crate) fn end(mut self) -> Result<(), Fault> {
        let ended = self.out.flush().and_then(|()| {
            self.out.get_ref().sync_all()?;
            // Unlike a renaming this fails if somebody made the file meanwhile.
            std::fs::hard_link(&self.part, &self.path)
        });
        ended.map_err(|error| self.failed(&error))?;
        self.whole = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Whole or not, the part has done its work.
        let _ = std::fs::remove_file(&self.part);
    }
}
