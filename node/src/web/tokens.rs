//! Tokens for programs: made, listed, revoked. A token is shown once, when it is made.

use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::Session;
use super::{Web, hash, now};
use crate::clock::entropy;
use crate::fault::{Class, Fault};
use crate::store::tokens::{self, Opens, Token};
use crate::text;
use askama::Template;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use rusqlite::Transaction;
use serde::Deserialize;
use std::sync::Arc;

/// Longest name, characters.
const NAME: usize = 60;

#[derive(Template)]
#[template(path = "tokens.html")]
struct Shown {
    page: Page,
    tokens: Vec<Token>,
    /// The new one, and whether it opens feeds only.
    made: Option<(String, bool)>,
    name: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    opens: String,
}

/// Which one.
#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    hash: String,
}

async fn shown(web: &Arc<Web>, session: &Session) -> Result<Shown, Failure> {
    let user = session.user.number;
    Ok(Shown {
        page: Page::of(session, "/you", "Programs and feeds"),
        tokens: web.read(move |store| tokens::all(store, user)).await?,
        made: None,
        name: String::new(),
    })
}

/// All of them.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    Ok(render(&shown(&web, &session).await?))
}

/// Makes a token; this is the only time that it is told.
///
/// # Errors
/// It has no name, there are too many, or the store cannot be written.
pub(super) async fn new(
    web: &Arc<Web>,
    session: &Session,
    name: &str,
    opens: Opens,
) -> Result<String, Failure> {
    let (user, name) = (session.user.number, name.to_owned());
    web.write(move |store| made(store, user, &name, opens))
        .await
}

/// Makes a token of a user, which is told only now.
///
/// # Errors
/// It has no name, there are too many, or the store cannot be written.
pub(crate) fn made(
    store: &Transaction<'_>,
    user: i64,
    name: &str,
    opens: Opens,
) -> Result<String, Fault> {
    let name: String = name.trim().chars().take(NAME).collect();
    if name.is_empty() {
        let text = "say what the token is for, so that you know it again";
        return Err(Fault::new(Class::Usage, text));
    }
    let secret = entropy().map_err(|error| Fault::new(Class::Failed, error.to_string()))?;
    let secret = text::hex(&secret);
    tokens::add(store, user, &hash(&secret), (&name, opens, now()))?;
    Ok(secret)
}

/// Makes one.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn make(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let opens = if typed.opens == "api" {
        Opens::Api
    } else {
        Opens::Feeds
    };
    let made = new(&web, &session, &typed.name, opens).await;
    let mut shown = shown(&web, &session).await?;
    match made {
        Ok(secret) => {
            shown.made = Some((secret, opens == Opens::Feeds));
            Ok(render(&shown))
        }
        Err(failure) => {
            shown.page = shown.page.with_problem(failure.message());
            shown.name = typed.name;
            Ok(again(&shown))
        }
    }
}

/// Revokes one.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn revoke(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(which): Form<Which>,
) -> Result<Response, Failure> {
    let user = session.user.number;
    if let Some(hash) = text::unhex::<32>(&which.hash) {
        web.write(move |store| tokens::revoke(store, user, &hash))
            .await?;
    }
    Ok(Redirect::to("/tokens").into_response())
}
