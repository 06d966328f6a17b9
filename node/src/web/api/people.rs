//! Users, sessions, tokens, drafts for programs.

use super::{Answer, Caller, Refusal, typed, well, wrong};
use crate::fault::{Class, Fault};
use crate::store::tokens::{self, Opens};
use crate::store::{tree, users};
use crate::text;
use crate::web::admin::{self, Deed};
use crate::web::failure::Failure;
use crate::web::welcome::{self, New};
use crate::web::{Web, now, tokens as made, you};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, delete, get, post};
use cliqueclique_core::DocumentId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What can be asked about people.
pub(super) fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Web>>)> {
    vec![
        ("get", "/drafts", get(drafts)),
        ("post", "/drafts", post(draft)),
        ("post", "/password", post(password)),
        ("get", "/sessions", get(sessions)),
        ("delete", "/sessions/{session}", delete(end)),
        ("get", "/tokens", get(all_tokens)),
        ("post", "/tokens", post(token)),
        ("delete", "/tokens/{token}", delete(revoke)),
        ("get", "/users", get(all_users)),
        ("post", "/users", post(add)),
        ("post", "/users/{name}", post(change)),
        ("delete", "/users/{name}", delete(remove)),
    ]
}

async fn drafts(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    well(&web.look(&caller.0, |reader| reader.drafts()).await?)
}

/// What was typed, and below what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    below: Option<String>,
    text: String,
}

async fn draft(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    let draft: Draft = typed(&body)?;
    let below = draft.below.map(|id| {
        let bytes = text::unhex(&id).map(DocumentId);
        bytes.ok_or_else(|| wrong(format!("below: '{id}' is no id; nothing was changed")))
    });
    let (below, account) = (below.transpose()?, caller.0.user.name.clone());
    web.write(move |store| tree::keep_draft(store, &account, below.as_ref(), &draft.text, now()))
        .await?;
    well(&json!({}))
}

/// Old and new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passwords {
    old: String,
    password: String,
}

async fn password(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    let it: Passwords = typed(&body)?;
    you::change(&web, &caller.0, it.old, it.password.clone(), it.password).await?;
    well(&json!({}))
}

async fn sessions(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    let user = caller.0.user.number;
    let all = web.read(move |store| users::sessions(store, user)).await?;
    well(&all.iter().map(users::Session::shown).collect::<Vec<_>>())
}

/// A hash of 64 hex digits.
fn hash(what: &str, digits: &str) -> Result<[u8; 32], Refusal> {
    let none = || Fault::new(Class::NotFound, format!("there is no {what} '{digits}'"));
    let hash = text::unhex(digits).ok_or_else(none);
    hash.map_err(|fault| Failure::from(fault).into())
}

async fn end(State(web): State<Arc<Web>>, caller: Caller, Path(session): Path<String>) -> Answer {
    let (user, token) = (caller.0.user.number, hash("session", &session)?);
    web.write(move |store| users::end(store, user, &token))
        .await?;
    well(&json!({}))
}

async fn all_tokens(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    let user = caller.0.user.number;
    let all = web.read(move |store| tokens::all(store, user)).await?;
    well(&all.iter().map(tokens::Token::shown).collect::<Vec<_>>())
}

/// What a token is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    opens: String,
}

async fn token(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    let wanted: Wanted = typed(&body)?;
    let opens = match wanted.opens.as_str() {
        "api" => Opens::Api,
        "feeds" => Opens::Feeds,
        other => return Err(wrong(format!("opens: '{other}' is none of api and feeds"))),
    };
    let token = made::new(&web, &caller.0, &wanted.name, opens).await?;
    well(&json!({ "token": token }))
}

async fn revoke(State(web): State<Arc<Web>>, caller: Caller, Path(token): Path<String>) -> Answer {
    let (user, hash) = (caller.0.user.number, hash("token", &token)?);
    web.write(move |store| tokens::revoke(store, user, &hash))
        .await?;
    well(&json!({}))
}

/// Refuses who does not administrate.
fn administrator(caller: &Caller) -> Result<(), Refusal> {
    if caller.0.user.admin {
        return Ok(());
    }
    let text = "this is for the administrator, who was the first user here: nothing was changed";
    Err(Failure::of(StatusCode::FORBIDDEN, text).into())
}

async fn all_users(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    administrator(&caller)?;
    let all = web.read(users::all).await?;
    well(&all.iter().map(users::User::shown).collect::<Vec<Value>>())
}

/// A new user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    name: String,
    password: String,
    reach: String,
}

async fn add(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    administrator(&caller)?;
    let it: Added = typed(&body)?;
    let new = New {
        name: it.name,
        again: it.password.clone(),
        password: it.password,
        reach: it.reach,
    };
    well(&welcome::add(&web, new).await?.shown())
}

/// What to do with a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(rename = "do")]
    deed: String,
    #[serde(default)]
    password: String,
}

async fn change(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer {
    administrator(&caller)?;
    let Change { deed, password } = typed(&body)?;
    let deed = Deed {
        name,
        deed,
        password,
    };
    admin::perform(&web, deed).await?;
    well(&json!({}))
}

async fn remove(State(web): State<Arc<Web>>, caller: Caller, Path(name): Path<String>) -> Answer {
    administrator(&caller)?;
    admin::expel(&web, &name).await?;
    well(&json!({}))
}
