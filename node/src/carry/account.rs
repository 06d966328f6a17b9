//! An account out of a data folder, and what it takes to make one of a file.

use super::{Done, NewFile, open};
use crate::caller::Caller;
use crate::control::request::{Id, Node, Part, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::portable::account::{self, Account, LARGEST, Wish};
use crate::settings::{self, Settings};
use crate::store::ask::Mark;
use crate::store::users;
use crate::text;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::{DocumentId, NodeId, SecretKey};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;

/// Told of a file that is larger than any account's.
pub(crate) const TOO_LARGE: &str = "it has more bytes than an account's file may have";
/// Addresses that are taken along for each document.
const PLACES: usize = 4;

impl Caller<'_> {
    /// The account as it is now.
    ///
    /// # Errors
    /// It is not known, or does not answer.
    pub(crate) fn portrait(&self) -> Result<Account, Fault> {
        let own = own(self.folder, self.account)?;
        let known = self.ask(Request::Portrait)?;
        let reader = self.reader()?;
        let i2p = own
            .is_on_i2p()
            .then(|| folder::destination(self.folder, self.account))
            .transpose()?;
        let bookmarks = reader.marks(Mark::Bookmark)?;
        let wishes = reader.wishes()?;
        let kept = bookmarks.iter().map(|id| (*id, None));
        let wished = wishes.iter().map(|(id, mode)| (*id, Some(*mode)));
        let wished_ids: Vec<DocumentId> = wishes.iter().map(|(id, _)| *id).collect();
        let all = wished.chain(kept.filter(|(id, _)| !wished_ids.contains(id)));
        Ok(Account {
            name: own.name.clone(),
            key: text::hex(&folder::key(self.folder, self.account)?.0),
            i2p: i2p.map(|keys| keys.text()),
            listen: own.listen.clone(),
            announce: own.announce.clone(),
            wishes: all
                .map(|(id, mode)| Wish {
                    id: id.to_string(),
                    mode: mode.map(str::to_owned),
                    places: places(&known["known"], &id),
                })
                .collect(),
            bookmarks: bookmarks.iter().map(ToString::to_string).collect(),
            read: hex(&reader.marks(Mark::Read)?),
            muted: strings(&known["muted"]),
            blocked: strings(&known["blocked"]),
        })
    }

    /// Asks for what an account's file wishes, all but its marks; gives the number of documents that
    /// nobody is known to have.
    ///
    /// # Errors
    /// The account does not answer.
    pub(crate) fn settle(&self, account: &Account, parts: &Parts) -> Result<usize, Fault> {
        for (ids, mute) in [(&parts.muted, true), (&parts.blocked, false)] {
            for id in ids {
                let (node, on) = (Node(*id), true);
                let request = if mute {
                    Request::BlockAuthor { author: node, on }
                } else {
                    Request::BlockPeer { peer: node, on }
                };
                self.insist(&request)?;
            }
        }
        let mut missing = 0;
        for wish in &account.wishes {
            let document = Id(DocumentId(text::unhex(&wish.id).unwrap_or_default()));
            if wish.places.is_empty() {
                missing += 1;
                continue;
            }
            let mode = match wish.mode.as_deref() {
                Some("follow") => Part::Follow,
                Some("subscribe") => Part::Subscribe,
                Some(_) | None => Part::Hold,
            };
            let places = wish.places.clone();
            let joined = self.insist(&Request::Join {
                document,
                places,
                mode,
            });
            // Addresses may be of a kind that this account cannot use.
            if joined.is_err() {
                missing += 1;
            }
        }
        Ok(missing)
    }
}

/// An account as the settings have it, or the store, if it was made while the node ran.
fn own(folder: &Path, name: &str) -> Result<settings::Account, Fault> {
    let settings = Settings::read(folder)?;
    let known = settings.accounts.into_iter().find(|it| it.name == name);
    if let Some(account) = known {
        return Ok(account);
    }
    let (hosted, _) = users::hosted(folder)?;
    let listen = hosted.into_iter().find(|(hosted, _)| hosted == name);
    let (name, listen) = listen.ok_or_else(|| {
        let message = format!("there is no account '{name}' in the settings or the store");
        Fault::new(Class::NotFound, message)
    })?;
    Ok(settings::Account {
        name,
        listen,
        announce: None,
    })
}

/// Writes an account into a new file that the passphrase opens.
///
/// # Errors
/// The passphrase is too short, or the file cannot be written.
pub(crate) fn sealed_into(
    mut file: NewFile,
    path: &Path,
    account: &Account,
    passphrase: &str,
) -> Result<Done, Fault> {
    let bytes = account::seal(account, passphrase)
        .map_err(|flaw| Fault::new(Class::Usage, flaw.to_string()))?;
    file.write_all(&bytes)
        .map_err(|error| Fault::at(path, "write", &error))?;
    file.end()?;
    let text = format!(
        "{} has the account '{}': who has it and the passphrase, is you",
        path.display(),
        account.name
    );
    let answer = json!({ "file": path, "account": account.name });
    Ok(Done { answer, text })
}

/// All of an account's file; nothing if it is too large to be one.
///
/// # Errors
/// It cannot be read.
pub(crate) fn whole(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fault::at(path, "read", &error))?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST);
    Ok(fits.then_some(bytes))
}

/// What to do about documents that nobody is known to have.
pub(crate) fn missing(count: usize) -> String {
    format!(
        "{count} documents have no known peer: import their threads, or join them by an invitation"
    )
}

/// An account's parts, looked at before anything is changed.
pub(crate) struct Parts {
    /// Its name here.
    pub(crate) name: String,
    /// Its key.
    pub(crate) key: SecretKey,
    muted: Vec<NodeId>,
    blocked: Vec<NodeId>,
    /// What goes into tables alone.
    pub(crate) marks: Vec<(Mark, DocumentId, Option<&'static str>)>,
}

impl Parts {
    /// Of an account, under its own name or another.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(account: &Account, name: Option<&str>) -> Result<Self, String> {
        let name = name.unwrap_or(&account.name).to_owned();
        crate::settings::name_fits(&name)?;
        let key = text::unhex(&account.key).map(SecretKey);
        let key = key.ok_or("its key has not 64 hex digits")?;
        let nodes = |texts: &[String]| -> Result<Vec<NodeId>, String> {
            let node = |text: &String| text::unhex(text).map(NodeId);
            let nodes: Option<Vec<NodeId>> = texts.iter().map(node).collect();
            nodes.ok_or_else(|| "a node's id in it has not 32 hex digits".to_owned())
        };
        let mut marks = Vec::new();
        let lists = [
            (Mark::Bookmark, &account.bookmarks),
            (Mark::Read, &account.read),
        ];
        for (mark, texts) in lists {
            for text in texts {
                marks.push((mark, document(text)?, None));
            }
        }
        for wish in &account.wishes {
            let modes = ["hold", "subscribe", "follow"];
            let wished = wish.mode.as_deref();
            let mode = modes.into_iter().find(|mode| Some(*mode) == wished);
            if wished.is_some() && mode.is_none() {
                return Err(format!("it has a wish that is unknown here: {wished:?}"));
            }
            if mode.is_some() {
                marks.push((Mark::Wish, document(&wish.id)?, mode));
            }
        }
        Ok(Self {
            name,
            key,
            muted: nodes(&account.muted)?,
            blocked: nodes(&account.blocked)?,
            marks,
        })
    }
}

fn document(text: &str) -> Result<DocumentId, String> {
    let id = text::unhex(text).map(DocumentId);
    id.ok_or_else(|| "a document's id in it has not 64 hex digits".to_owned())
}

fn hex(ids: &[DocumentId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

/// Where a document may be had: at peers that were met for it, else at any that are known.
fn places(known: &Value, id: &DocumentId) -> Vec<String> {
    let tag = text::hex(&Ed25519Blake3.tag(id).0);
    let all = known.as_array().into_iter().flatten();
    let met = all.filter(|peer| strings(&peer["grounds"]).contains(&tag));
    let places = met.filter_map(|peer| peer["address"].as_str().map(str::to_owned));
    places
        .filter(|place| !place.is_empty())
        .take(PLACES)
        .collect()
}
