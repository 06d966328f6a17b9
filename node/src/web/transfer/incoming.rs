//! Files that are being taken in: in `incoming/ACCOUNT/` of the data folder, each with a note of
//! what was asked for. One that is not whole yet ends in `.part`, and goes when the node starts.

use crate::clock::entropy;
use crate::fault::{Class, Fault};
use crate::folder::INCOMING;
use crate::portable::Kind;
use crate::text;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufReader, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Largest file, bytes: some hundred thousand mails.
const LARGEST: u64 = 1024 * 1024 * 1024;
/// Most files of an account, whole or not.
const MOST: usize = 8;
const PART: &str = "part";
const NOTE: &str = "json";

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::web) struct Note {
    /// The file's own name.
    pub(in crate::web) name: String,
    /// Mails: name of the forum.
    pub(in crate::web) forum: String,
    /// Mails: the document below which they come instead.
    pub(in crate::web) below: Option<String>,
}

/// The files of an account.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// A file that is not whole yet; it goes if it is dropped.
pub(super) struct File {
    folder: Folder,
    name: String,
    out: fs::File,
    length: u64,
    kept: bool,
}

/// Removes what was not whole when the node ended.
pub(in crate::web) fn tidy(data: &Path) {
    let accounts = fs::read_dir(data.join(INCOMING)).into_iter().flatten();
    let files = accounts
        .flatten()
        .flat_map(|account| fs::read_dir(account.path()).into_iter().flatten());
    for file in files.flatten() {
        if file.path().extension().is_some_and(|end| end == PART) {
            // It is in nobody's way.
            let _ = fs::remove_file(file.path());
        }
    }
}

impl Folder {
    /// Of an account; it may not be there.
    pub(super) fn of(data: &Path, account: &str) -> Self {
        Self(data.join(INCOMING).join(account))
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Fault {
        Fault::at(&self.0, what, error)
    }

    /// Where a file is.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Names of our own making lead nowhere else.
    fn known(&self, file: &str) -> Result<PathBuf, Fault> {
        let ours = text::unhex::<8>(file).is_some();
        let path = self.path(file);
        if ours && path.is_file() {
            return Ok(path);
        }
        let message = format!("there is no import '{file}'");
        Err(Fault::new(Class::NotFound, message))
    }

    /// The files that are whole, with their notes.
    pub(super) fn files(&self) -> Result<Vec<(String, Note)>, Fault> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read", &error)),
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        let mut files: Vec<(String, Note)> = names
            .filter_map(|name| Some((name.clone(), self.note(&name).ok()?)))
            .collect();
        files.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(files)
    }

    /// The note of a file.
    pub(super) fn note(&self, file: &str) -> Result<Note, Fault> {
        let path = self.known(file)?.with_extension(NOTE);
        let text = fs::read(&path).map_err(|error| Fault::at(&path, "read", &error))?;
        serde_json::from_slice(&text).map_err(|error| {
            let message = format!("{} is damaged: {error}", path.display());
            Fault::new(Class::Failed, message)
        })
    }

    /// Removes a file.
    pub(super) fn discard(&self, file: &str) -> Result<(), Fault> {
        let path = self.known(file)?;
        // Without its note it would be no file of ours: that goes first.
        for path in [path.with_extension(NOTE), path] {
            fs::remove_file(&path).map_err(|error| Fault::at(&path, "remove", &error))?;
        }
        Ok(())
    }

    /// Begins a file.
    pub(super) fn begin(self) -> Result<File, Fault> {
        fs::create_dir_all(&self.0).map_err(|error| self.failed("make", &error))?;
        for folder in [self.0.parent().unwrap_or(&self.0), &self.0] {
            fs::set_permissions(folder, Permissions::from_mode(0o700))
                .map_err(|error| self.failed("protect", &error))?;
        }
        let entries = fs::read_dir(&self.0).map_err(|error| self.failed("read", &error))?;
        let note = |path: PathBuf| path.extension().is_some_and(|end| end == NOTE);
        let files = entries.flatten().filter(|entry| !note(entry.path()));
        if files.count() >= MOST {
            let text = format!(
                "there are {MOST} files already that are not taken in: go on with them, or discard \
                 them"
            );
            return Err(Fault::new(Class::Refused, text));
        }
        let random = entropy().map_err(|error| self.failed("name a file in", &error))?;
        let name = text::hex(&random[..8]);
        let path = self.path(&name).with_extension(PART);
        let mut options = OpenOptions::new();
        let out = options.write(true).create_new(true).mode(0o600).open(&path);
        let out = out.map_err(|error| Fault::at(&path, "write", &error))?;
        Ok(File {
            folder: self,
            name,
            out,
            length: 0,
            kept: false,
        })
    }
}

impl File {
    fn part(&self) -> PathBuf {
        self.folder.path(&self.name).with_extension(PART)
    }

    /// Adds a piece.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Fault> {
        self.length += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.length > LARGEST {
            let text = format!("the file has more than {LARGEST} bytes: split it");
            return Err(Fault::new(Class::Usage, text));
        }
        let written = self.out.write_all(piece);
        written.map_err(|error| Fault::at(&self.part(), "write", &error))
    }

    /// What it is.
    pub(super) fn kind(&self) -> Result<Kind, Fault> {
        let path = self.part();
        let kind = fs::File::open(&path).and_then(|file| Kind::of(&mut BufReader::new(file)));
        kind.map_err(|error| Fault::at(&path, "read", &error))
    }

    /// Keeps it, durably, with its note; gives its name here.
    pub(super) fn keep(mut self, note: &Note) -> Result<String, Fault> {
        let (part, path) = (self.part(), self.folder.path(&self.name));
        let note = serde_json::to_vec(note).unwrap_or_default();
        let kept = self
            .out
            .sync_all()
            .and_then(|()| fs::write(path.with_extension(NOTE), note))
            .and_then(|()| fs::rename(&part, &path));
        kept.map_err(|error| Fault::at(&path, "write", &error))?;
        self.kept = true;
        Ok(self.name.clone())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if !self.kept {
            // It goes at the next start at the latest.
            let _ = fs::remove_file(self.part());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("clq-in-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    fn note() -> Note {
        Note {
            name: "a.mbox".to_owned(),
            forum: "a".to_owned(),
            below: None,
        }
    }

    #[test]
    fn files_are_kept_whole_or_not_at_all_and_only_for_their_owner() {
        let data = folder("kept");
        let own = || Folder::of(&data, "ann");
        assert!(own().files().expect("read").is_empty());
        let mut file = own().begin().expect("begun");
        file.write(b"From a").expect("written");
        assert_eq!(file.kind().expect("read"), Kind::Mbox);
        let name = file.keep(&note()).expect("kept");
        drop(own().begin().expect("begun"));
        let left = own().begin().expect("begun");
        std::mem::forget(left);
        assert_eq!(own().files().expect("read").len(), 1);
        let mode = fs::metadata(own().path(&name))
            .expect("there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        tidy(&data);
        let count = fs::read_dir(&own().0).expect("read").count();
        assert_eq!(count, 2, "a file and its note");
        assert!(Folder::of(&data, "bob").note(&name).is_err());
        own().discard(&name).expect("removed");
        assert_eq!(fs::read_dir(&own().0).expect("read").count(), 0);
    }

    #[test]
    fn names_lead_nowhere_else_and_files_are_bounded() {
        let data = folder("bound");
        let own = || Folder::of(&data, "ann");
        for name in [
            "../../keys/ann.key",
            "",
            ".",
            "a",
            "../bob/0011223344556677",
        ] {
            assert_eq!(own().note(name).expect_err("none").class, Class::NotFound);
            assert!(own().discard(name).is_err());
        }
        let held: Vec<File> = (0..MOST).map(|_| own().begin().expect("begun")).collect();
        assert!(own().begin().is_err());
        drop(held);
        let mut file = own().begin().expect("begun");
        file.length = LARGEST;
        assert!(file.write(b"x").is_err());
    }
}
