//! An mbox becomes a forum: each mail a document below the one that it answers, signed by who
//! imports it, with the mail's own date.
//!
//! With each document it is noted, in the same commit, of which mail it was made. So an import that was
//! killed goes on where it was, and one that is repeated adds only what is new.

use super::threads::partly;
use super::{Done, Tell, open};
use crate::caller::Caller;
use crate::control::client::Session;
use crate::control::request::{Id, Part, Request, Source};
use crate::fault::{Class, Fault};
use crate::portable::mail;
use crate::portable::mbox::{self, Index};
use cliqueclique_core::DocumentId;
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Mails on their way at once: so many share a commit. A node has 64 places for callers.
const TOGETHER: usize = 24;

/// Where mails come.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Below a document that is here.
    Below(String),
    /// Into a forum of this name, which is made by the first import.
    New(String),
}

/// What is done.
#[derive(Default)]
struct Count {
    new: AtomicU64,
    known: AtomicU64,
}

impl Caller<'_> {
    /// Takes in an mbox.
    ///
    /// # Errors
    /// What is wrong with it, and what is here of it all the same.
    pub(crate) fn import_mails(
        &self,
        path: &Path,
        place: &Place,
        tell: Tell<'_>,
    ) -> Result<Done, Fault> {
        let index = mbox::index(&mut open(path)?).map_err(|error| {
            let message = format!("{}: {error}; nothing was changed", path.display());
            Fault::new(Class::Usage, message)
        })?;
        let forum = self.forum_of(place)?;
        let count = Count::default();
        let total = u64::try_from(index.mails.len()).unwrap_or(u64::MAX);
        let imported = self.all(path, &index, forum, &count, tell);
        let (new, known) = (
            count.new.load(Ordering::Relaxed),
            count.known.load(Ordering::Relaxed),
        );
        imported.map_err(|fault| partly(fault, new + known, total))?;
        let doubled = index.doubled;
        Ok(Done {
            answer: json!({
                "id": forum.to_string(),
                "mails": total,
                "new": new,
                "known": known,
                "doubled": doubled,
            }),
            text: format!(
                "{forum}\n{new} mails are new, {known} were here, {doubled} came twice in the file"
            ),
        })
    }

    /// The forum that is named, or the one that an import under this name made, or a new one.
    fn forum_of(&self, place: &Place) -> Result<DocumentId, Fault> {
        let name = match place {
            Place::Below(text) => {
                let id = self.reader()?.resolve(text)?;
                return self.reader()?.document(&id).map(|_| id);
            }
            Place::New(name) => name.clone(),
        };
        let source = source(&[b"forum", name.as_bytes()]);
        self.reach(&Request::Address)?;
        if let Some(id) = self.reader()?.made_of(&source.0)? {
            return Ok(id);
        }
        let answer = self.ask(Request::Publish {
            parents: Vec::new(),
            children: Vec::new(),
            body: name,
            mode: Part::Follow,
            created: None,
            source: Some(source),
        })?;
        published(&answer)
    }

    /// Level by level: those that answer nothing first, then what answers them. Some callers side
    /// by side, since each waits until its document is durable.
    fn all(
        &self,
        path: &Path,
        index: &Index,
        forum: DocumentId,
        count: &Count,
        tell: Tell<'_>,
    ) -> Result<(), Fault> {
        self.reach(&Request::Address)?;
        let mut ids: Vec<Option<DocumentId>> = vec![None; index.mails.len()];
        let levels = levels(&index.mails);
        let most = levels.iter().copied().max().map_or(0, |most| most + 1);
        let mut by_level: Vec<Vec<usize>> = vec![Vec::new(); most];
        for (at, level) in levels.iter().enumerate() {
            by_level[*level].push(at);
        }
        for level in by_level {
            let done = self.level(path, index, (forum, &ids), &level, count, tell)?;
            for (at, id) in done {
                ids[at] = Some(id);
            }
        }
        Ok(())
    }

    fn level(
        &self,
        path: &Path,
        index: &Index,
        known: (DocumentId, &[Option<DocumentId>]),
        level: &[usize],
        count: &Count,
        progress: Tell<'_>,
    ) -> Result<Vec<(usize, DocumentId)>, Fault> {
        let total = u64::try_from(index.mails.len()).unwrap_or(u64::MAX);
        let (tell, told) = mpsc::channel();
        let (folder, account) = (self.folder, self.account);
        std::thread::scope(|scope| {
            let share = level.len().div_ceil(TOGETHER).max(1);
            let workers: Vec<_> = level
                .chunks(share)
                .map(|mails| {
                    let tell = tell.clone();
                    let worker = Worker {
                        folder,
                        account,
                        path,
                        index,
                        forum: known.0,
                        ids: known.1,
                    };
                    scope.spawn(move || worker.work(mails, count, &tell))
                })
                .collect();
            drop(tell);
            let mut done = Vec::new();
            for one in told {
                done.push(one);
                let so_far =
                    count.new.load(Ordering::Relaxed) + count.known.load(Ordering::Relaxed);
                progress(so_far, total);
            }
            let crashed = || {
                Err(Fault::new(
                    Class::Failed,
                    "the import crashed: this is a bug",
                ))
            };
            let ended = workers.into_iter().map(|worker| worker.join());
            let ended: Vec<_> = ended.map(|end| end.unwrap_or_else(|_| crashed())).collect();
            ended.into_iter().collect::<Result<(), Fault>>()?;
            Ok(done)
        })
    }
}

/// One of those that import side by side, with what it reads from.
struct Worker<'a> {
    folder: &'a Path,
    account: &'a str,
    path: &'a Path,
    index: &'a Index,
    forum: DocumentId,
    ids: &'a [Option<DocumentId>],
}

impl Worker<'_> {
    fn work(
        &self,
        mails: &[usize],
        count: &Count,
        tell: &mpsc::Sender<(usize, DocumentId)>,
    ) -> Result<(), Fault> {
        let mut file = open(self.path)?;
        let store = crate::store::ask::Reader::open(self.folder, self.account)?;
        let mut session = Session::open(self.folder)?;
        for &at in mails {
            let place = &self.index.mails[at];
            let source = source(&[b"mail", &self.forum.0, &place.id]);
            let id = if let Some(id) = store.made_of(&source.0)? {
                count.known.fetch_add(1, Ordering::Relaxed);
                id
            } else {
                let mail = mbox::read(&mut file, place)
                    .map_err(|error| Fault::at(self.path, "read", &error))?;
                let id = self.publish(&mut session, place, &mail, source)?;
                count.new.fetch_add(1, Ordering::Relaxed);
                id
            };
            // Who counts is there until all have ended.
            let _ = tell.send((at, id));
        }
        Ok(())
    }

    fn publish(
        &self,
        session: &mut Session,
        place: &mbox::Place,
        mail: &[u8],
        source: Source,
    ) -> Result<DocumentId, Fault> {
        let above = place.above.and_then(|above| self.ids[above]);
        let mut body = mail::body(mail);
        let mut again = 0_u32;
        loop {
            let request = Request::Publish {
                parents: vec![Id(above.unwrap_or(self.forum))],
                children: Vec::new(),
                body: body.clone(),
                mode: Part::Follow,
                created: place.date,
                source: Some(source),
            };
            match session.insist(self.account, &request) {
                // Another mail with the same words and date: it is another document all the same.
                Err(fault) if fault.class == Class::Duplicate && again < 16 => {
                    again += 1;
                    body += "\n";
                }
                answer => return published(&answer?),
            }
        }
    }
}

fn published(answer: &serde_json::Value) -> Result<DocumentId, Fault> {
    let id = answer["id"].as_str().and_then(crate::text::unhex);
    let odd = || {
        Fault::new(
            Class::Failed,
            "the node answered without an id: this is a bug",
        )
    };
    id.map(DocumentId).ok_or_else(odd)
}

/// The hash of parts, none of which can be taken for another.
fn source(parts: &[&[u8]]) -> Source {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(blake3::hash(part).as_bytes());
    }
    Source(*hasher.finalize().as_bytes())
}

/// How many mails are above each; those above come first in the list.
fn levels(mails: &[mbox::Place]) -> Vec<usize> {
    let mut levels: Vec<usize> = Vec::with_capacity(mails.len());
    for mail in mails {
        levels.push(mail.above.map_or(0, |above| levels[above] + 1));
    }
    levels
}
