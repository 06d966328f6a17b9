//! An account out of a data folder, and into one.

use super::{NewFile, open, passphrase};
use crate::cli::arguments::Import;
use crate::cli::ask::Caller;
use crate::control::client;
use crate::control::request::{Id, Node, Part, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::portable::account::{self, Account, LARGEST, Wish};
use crate::settings::Settings;
use crate::store;
use crate::store::ask::Mark;
use crate::text;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::{DocumentId, NodeId, SecretKey};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;

/// Addresses that are taken along for each document.
const PLACES: usize = 4;

impl Caller<'_> {
    /// Writes the account into a file that the passphrase opens.
    pub(super) fn export_account(&self, path: &Path, secret: Option<&Path>) -> Result<(), Fault> {
        let file = NewFile::begin(path)?;
        let account = self.portrait()?;
        let passphrase = passphrase(secret, true)?;
        let bytes = account::seal(&account, &passphrase)
            .map_err(|flaw| Fault::new(Class::Usage, flaw.to_string()))?;
        let mut file = file;
        file.write_all(&bytes)
            .map_err(|error| Fault::at(path, "write", &error))?;
        file.end()?;
        let answer = json!({ "file": path, "account": account.name });
        let text = format!(
            "{} has the account '{}': who has it and the passphrase, is you",
            path.display(),
            account.name
        );
        self.output.done(&answer, &text);
        Ok(())
    }

    fn portrait(&self) -> Result<Account, Fault> {
        let settings = Settings::read(self.folder)?;
        let mut accounts = settings.accounts.iter();
        let own = accounts.find(|account| account.name == self.account);
        let own = own.ok_or_else(|| {
            let message = format!("there is no account '{}' in the settings", self.account);
            Fault::new(Class::NotFound, message)
        })?;
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

    /// Makes an account of such a file. No node may run: it would not know the account.
    pub(super) fn import_account(&self, import: &Import) -> Result<(), Fault> {
        let path = &import.file;
        let mut bytes = Vec::new();
        let mut file = open(path)?;
        let read = file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| Fault::at(path, "read", &error))?;
        let wrong = |text: String| {
            let message = format!("{}: {text}; nothing was changed", path.display());
            Fault::new(Class::Usage, message)
        };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(wrong(format!("it has more than {LARGEST} bytes")));
        }
        let passphrase = passphrase(import.passphrase_file.as_deref(), false)?;
        let account = account::open(&bytes, &passphrase).map_err(|flaw| wrong(flaw.to_string()))?;
        let parts = Parts::of(&account, import.name.as_deref()).map_err(wrong)?;
        if client::answers(self.folder) {
            let message = "a node runs on this folder: stop it first, since it does not know the \
                           new account; nothing was changed";
            return Err(Fault::new(Class::Refused, message));
        }
        folder::adopt(self.folder, &parts.name, &parts.key, &account)?;
        let new = Caller::new(self.folder, &parts.name, self.output);
        let missing = new.settle(&account, &parts)?;
        let node = Ed25519Blake3.node_id(&Ed25519Blake3.public_key(&parts.key));
        let answer = json!({ "account": parts.name, "node": node.to_string(), "missing": missing });
        let mut text = format!("the account '{}' is here: {node}", parts.name);
        if missing > 0 {
            text += &format!(
                "\n{missing} documents have no known peer: import their threads, or join them \
                 by an invitation"
            );
        }
        text += "\nnever run it here and elsewhere at once";
        self.output.done(&answer, &text);
        Ok(())
    }

    /// Wishes and marks; gives the number of documents that nobody is known to have.
    fn settle(&self, account: &Account, parts: &Parts) -> Result<usize, Fault> {
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
        // The accounts in this process end before the store is written by another hand.
        self.alone.take();
        self.session.take();
        store::marks(self.folder, self.account, &parts.marks)?;
        Ok(missing)
    }
}

/// An account's parts, looked at before anything is changed.
struct Parts {
    name: String,
    key: SecretKey,
    muted: Vec<NodeId>,
    blocked: Vec<NodeId>,
    marks: Vec<(Mark, DocumentId, Option<&'static str>)>,
}

impl Parts {
    fn of(account: &Account, name: Option<&str>) -> Result<Self, String> {
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
