//! `run --record`: what an account's core is given, and what it answers, written to a file for
//! `cliqueclique-sim replay-node`.

use crate::fault::Fault;
use bytes::Bytes;
use cliqueclique_core::journal::{Entry, MAGIC, Start, encode, encode_effect};
use cliqueclique_core::{Effect, Input, Time};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A journal that is being written. What is buffered is written when it is dropped, also by a
/// panic.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Recording {
    /// Begins a new file, which only its owner may read: it has the secret key in it.
    ///
    /// # Errors
    /// It is there already, or cannot be written.
    pub(crate) fn begin(path: &Path, start: Start) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let file = options
            .open(path)
            .map_err(|error| Fault::at(path, "make", &error))?;
        let mut file = BufWriter::new(file);
        let first = encode(&Entry::Start(Box::new(start)));
        file.write_all(MAGIC)
            .and_then(|()| file.write_all(&first))
            .and_then(|()| file.flush())
            .map_err(|error| Fault::at(path, "write", &error))?;
        Ok(Self {
            path: path.to_owned(),
            file: Some(file),
        })
    }

    /// The core is given something.
    pub(crate) fn input(&mut self, now: Time, input: &Input) {
        self.write(&Entry::Input(now, input.clone()));
    }

    /// It answered.
    pub(crate) fn effects(&mut self, effects: &[Effect]) {
        let effects: Vec<Bytes> = effects.iter().map(encode_effect).collect();
        self.write(&Entry::Effects(effects));
    }

    /// A node goes on without its journal: what it has can still be played.
    fn write(&mut self, entry: &Entry) {
        let Some(file) = &mut self.file else {
            return;
        };
        if let Err(error) = file.write_all(&encode(entry)) {
            let path = self.path.display();
            tracing::error!("the recording ends here, {path} cannot be written: {error}");
            self.file = None;
        }
    }
}
