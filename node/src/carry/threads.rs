//! Documents and threads: signed, one by one, out of the store and in through the core.

use super::{Done, NewFile, Tell, open};
use crate::caller::Caller;
use crate::control::request::{Id, Part, Raw, Request};
use crate::fault::{Class, Fault};
use crate::portable::documents::{self, Flaw, Reader, Writer};
use crate::portable::{mail, mbox};
use cliqueclique_core::{Document, DocumentId};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Most attached documents of one file that are tied to what attaches them.
const ATTACHED: usize = 100_000;

impl Caller<'_> {
    /// Writes a document into a new file, alone or with all below it.
    ///
    /// # Errors
    /// It is not here, or cannot be written.
    pub(crate) fn export_documents(
        &self,
        text: &str,
        path: &Path,
        alone: bool,
    ) -> Result<Done, Fault> {
        let id = self.held(text)?;
        let mut file = NewFile::begin(path)?;
        let count = self.write_documents(&id, alone, &mut file, &file_failed(path))?;
        file.end()?;
        Ok(Done {
            answer: json!({ "file": path, "documents": count }),
            text: format!("{} has {count} documents", path.display()),
        })
    }

    /// Writes a document and all below it into a new file, as mails.
    ///
    /// # Errors
    /// It is not here, or cannot be written.
    pub(crate) fn export_mails(&self, text: &str, path: &Path) -> Result<Done, Fault> {
        let id = self.held(text)?;
        let mut file = NewFile::begin(path)?;
        let count = self.write_mails(&id, &mut file, &file_failed(path))?;
        file.end()?;
        Ok(Done {
            answer: json!({ "file": path, "documents": count }),
            text: format!("{} has {count} mails", path.display()),
        })
    }

    /// A document that is here.
    fn held(&self, text: &str) -> Result<DocumentId, Fault> {
        let reader = self.reader()?;
        let id = reader.resolve(text)?;
        reader.document(&id).map(|_| id)
    }

    /// Writes a document, alone or with all below it; gives their number.
    ///
    /// # Errors
    /// It cannot be read, or what `failed` makes of one that writing met.
    pub(crate) fn write_documents(
        &self,
        id: &DocumentId,
        alone: bool,
        out: &mut impl Write,
        failed: &impl Fn(std::io::Error) -> Fault,
    ) -> Result<u64, Fault> {
        let reader = self.reader()?;
        let mut writer = Writer::begin(out).map_err(failed)?;
        if alone {
            let first = reader.document(id)?;
            writer.add(first.bytes()).map_err(failed)?;
        } else {
            reader.walk(id, |document, _| {
                writer.add(document.bytes()).map_err(failed)
            })?;
        }
        let (_, count) = writer.end().map_err(failed)?;
        Ok(count)
    }

    /// Writes a document and all below it as mails; gives their number.
    ///
    /// # Errors
    /// As [`Self::write_documents`].
    pub(crate) fn write_mails(
        &self,
        id: &DocumentId,
        out: &mut impl Write,
        failed: &impl Fn(std::io::Error) -> Fault,
    ) -> Result<u64, Fault> {
        let mut count = 0_u64;
        self.reader()?.walk(id, |document, above| {
            let (id, author) = (document.id().to_string(), document.author_id().to_string());
            let body = String::from_utf8_lossy(document.body());
            let above: Vec<String> = above.iter().map(ToString::to_string).collect();
            let letter = mail::letter(&mail::Letter {
                id: &id,
                author: &author,
                created: document.created().0,
                above: &above,
                subject: &crate::store::ask::subject(document.body()),
                body: &body,
            });
            let letter = letter.map_err(failed)?;
            count += 1;
            mbox::write(out, &letter, document.created().0).map_err(failed)
        })?;
        Ok(count)
    }

    /// Takes in a file of documents: all of it is looked at before anything is changed. The own part
    /// in the network of the first is `mode`.
    ///
    /// # Errors
    /// What is wrong with it, and what is here of it all the same.
    pub(crate) fn import_documents(
        &self,
        path: &Path,
        mode: Part,
        tell: Tell<'_>,
    ) -> Result<Done, Fault> {
        let wrong = |flaw: Flaw| {
            let message = format!("{}: {flaw}; nothing was changed", path.display());
            Fault::new(Class::Usage, message)
        };
        let count = documents::check(open(path)?).map_err(wrong)?;
        let mut reader = Reader::begin(open(path)?).map_err(wrong)?;
        let mut above = BTreeMap::new();
        let (mut done, mut first) = (0, None);
        while let Some(document) = reader.next().map_err(wrong)? {
            let own = first.is_none().then_some(mode);
            first.get_or_insert(document.id());
            self.take_in(&document, &above, own)
                .map_err(|fault| partly(fault, done, count))?;
            for child in document.children() {
                if above.len() < ATTACHED {
                    above.insert(*child, document.id());
                }
            }
            done += 1;
            tell(done, count);
        }
        let first = first.map(|id| id.to_string()).unwrap_or_default();
        Ok(Done {
            answer: json!({ "id": first, "documents": done }),
            text: format!("{first}\n{done} documents are here"),
        })
    }

    /// One document; what the user chose for it earlier, such as in another account, counts.
    fn take_in(
        &self,
        document: &Document,
        above: &BTreeMap<DocumentId, DocumentId>,
        own: Option<Part>,
    ) -> Result<(), Fault> {
        let id = document.id();
        let via = above.get(&id).copied().map(Id);
        let mut mode = own;
        loop {
            let request = Request::Import {
                document: Raw(document.bytes().clone()),
                via,
                mode,
            };
            match self.insist(&request) {
                // What stands below something that is not followed is kept by itself.
                Err(fault) if fault.class == Class::NotFound && mode.is_none() => {
                    mode = Some(Part::Hold);
                }
                done => return done.map(drop),
            }
        }
    }
}

/// A file that cannot be written.
fn file_failed(path: &Path) -> impl Fn(std::io::Error) -> Fault {
    move |error| Fault::at(path, "write", &error)
}

/// What was taken in stays, and the same file goes on from there.
pub(super) fn partly(fault: Fault, done: u64, of: u64) -> Fault {
    let Fault { class, message } = fault;
    let message =
        format!("{message}; {done} of {of} are here and stay: import the same file again to go on");
    Fault::new(class, message)
}
