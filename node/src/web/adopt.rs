//! A user from the file of an account that was saved elsewhere: the first one, or one more.

use super::failure::{self, Failure};
use super::session::{self, Admin};
use super::{Web, admin, password, wait, welcome as first};
use crate::caller::Caller;
use crate::carry::account::Parts;
use crate::fault::{Class, Fault};
use crate::folder;
use crate::portable::account::{self as sealed, Account as Saved};
use crate::settings::Account;
use crate::store;
use crate::store::users::User;
use axum::body::Bytes;
use axum::extract::{Multipart, State};
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use std::sync::Arc;

/// Largest file that pages take, bytes: the read marks of some hundred thousand documents. Commands
/// take larger ones.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;

/// What a form sends.
#[derive(Default)]
struct Typed {
    token: String,
    name: String,
    password: String,
    again: String,
    passphrase: String,
    file: Bytes,
}

impl Typed {
    async fn read(mut parts: Multipart) -> Result<Self, Failure> {
        let bad = |error: axum::extract::multipart::MultipartError| {
            failure::refused(error.status(), &error.body_text())
        };
        let mut typed = Self::default();
        while let Some(part) = parts.next_field().await.map_err(bad)? {
            let field = match part.name() {
                Some("token") => &mut typed.token,
                Some("name") => &mut typed.name,
                Some("password") => &mut typed.password,
                Some("again") => &mut typed.again,
                Some("passphrase") => &mut typed.passphrase,
                Some("file") => {
                    typed.file = part.bytes().await.map_err(bad)?;
                    continue;
                }
                Some(_) | None => continue,
            };
            *field = part.text().await.map_err(bad)?;
        }
        Ok(typed)
    }
}

/// The first user, from a file.
///
/// # Errors
/// The token or the file is wrong; nothing was changed then.
pub(super) async fn welcome(
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    parts: Multipart,
) -> Result<Response, Failure> {
    let typed = Typed::read(parts).await?;
    first::admitted(&web, &typed.token)?;
    let (token, name) = (typed.token.clone(), typed.name.clone());
    match adopt(&web, typed).await {
        Ok(user) => {
            web.expect(None);
            session::begin(&web, user.number, &headers, "/start").await
        }
        Err(failure) => Ok(first::again(&web, token, name, &failure)),
    }
}

/// One more user, from a file.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn add(
    State(web): State<Arc<Web>>,
    admin: Admin,
    parts: Multipart,
) -> Result<Response, Failure> {
    let typed = Typed::read(parts).await?;
    match adopt(&web, typed).await {
        Ok(_) => Ok(Redirect::to("/users").into_response()),
        Err(failure) => admin::shown_again(&web, &admin, String::new(), &failure).await,
    }
}

async fn adopt(web: &Arc<Web>, typed: Typed) -> Result<User, Failure> {
    password::fits(&typed.password, &typed.again)?;
    let saved = open(web, typed.file, typed.passphrase).await?;
    let name = typed.name.trim();
    let parts = Parts::of(&saved, (!name.is_empty()).then_some(name));
    let parts = parts.map_err(|text| Fault::new(Class::Usage, format!("the file: {text}")))?;
    first::free(web, &parts.name).await?;
    let hash = password::hash(web, typed.password).await?;
    let _alone = web.hosting.changing.lock().await;
    let account = place(web, &saved, &parts)?;
    let (name, saved) = (parts.name.clone(), Arc::new(saved));
    let (folder, kept) = (web.hosting.folder.clone(), saved.clone());
    let parts = wait(move || {
        folder::take_keys(&folder, &parts.name, &parts.key, kept.i2p.as_deref())?;
        let node = Ed25519Blake3.node_id(&Ed25519Blake3.public_key(&parts.key));
        let noted = store::account(&folder, &parts.name, node)
            .and_then(|_| store::marks(&folder, &parts.name, &parts.marks));
        if noted.is_err() {
            // They were not there before.
            let _ = folder::drop_keys(&folder, &parts.name);
        }
        noted.map(|()| parts)
    })
    .await?;
    if let Err(fault) = web.hosting.open(&account).await {
        let folder = web.hosting.folder.clone();
        wait(move || folder::drop_keys(&folder, &name)).await?;
        return Err(fault.into());
    }
    let user = first::note(web, &name, hash, Some(account)).await?;
    let folder = web.hosting.folder.clone();
    // The account is here; wishes that cannot be asked for are seen in its lists.
    let _ = wait(move || Caller::new(&folder, &parts.name).settle(&saved, &parts)).await;
    Ok(user)
}

/// Decrypts, one at a time: it takes 64 MiB, or more if the file wants it.
async fn open(web: &Web, file: Bytes, passphrase: String) -> Result<Saved, Failure> {
    // The semaphore is never closed.
    let _one = web.hashing.acquire().await;
    wait(move || {
        sealed::open(&file, &passphrase)
            .map_err(|flaw| Fault::new(Class::Usage, format!("the file: {flaw}")))
    })
    .await
}

/// Where the account listens here: a port of another machine may be taken on this one.
fn place(web: &Web, saved: &Saved, parts: &Parts) -> Result<Account, Failure> {
    let listen = if saved.listen.starts_with("tcp:") {
        folder::free_place()?
    } else {
        saved.listen.clone()
    };
    let account = Account {
        name: parts.name.clone(),
        listen,
        announce: None,
    };
    let checked = account.check(web.hosting.settings.transport);
    checked.map_err(|text| Fault::new(Class::Usage, format!("the file: {text}")))?;
    Ok(account)
}
