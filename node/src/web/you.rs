//! The user's own page: password, and browsers that have signed in.

use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::Session;
use super::{Web, document, password};
use crate::store::users;
use crate::text;
use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

struct Browser {
    token: String,
    agent: String,
    used: String,
    created: String,
    this: bool,
}

#[derive(Template)]
#[template(path = "you.html")]
struct You {
    page: Page,
    node: String,
    browsers: Vec<Browser>,
}

async fn page(web: &Arc<Web>, session: &Session) -> Result<You, Failure> {
    let number = session.user.number;
    let all = web
        .read(move |store| users::sessions(store, number))
        .await?;
    let date = |seconds: i64| document::date(seconds.unsigned_abs());
    let browsers = all.into_iter().map(|it| Browser {
        token: text::hex(&it.token),
        agent: it.agent,
        used: date(it.used),
        created: date(it.created),
        this: it.token == session.token,
    });
    Ok(You {
        page: Page::of(session, "/you", &session.user.name),
        node: web.look(session, |reader| reader.own()).await?,
        browsers: browsers.collect(),
    })
}

/// The page.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    Ok(render(&page(&web, &session).await?))
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    old: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// Changes the password; all other browsers are signed out.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn password(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let changed = change(&web, &session, typed.old, typed.password, typed.again).await;
    let mut shown = page(&web, &session).await?;
    match changed {
        Ok(()) => {
            let text = "The password was changed, and all other browsers were signed out.";
            shown.page = shown.page.saying(Some(text));
            Ok(render(&shown))
        }
        Err(failure) => {
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

/// Changes the password of who knows the present one, and ends all other sessions.
///
/// # Errors
/// What was wrong; nothing was changed then.
pub(super) async fn change(
    web: &Arc<Web>,
    session: &Session,
    old: String,
    new: String,
    again: String,
) -> Result<(), Failure> {
    password::fits(&new, &again)?;
    let (user, known) = (session.user.number, session.user.password.clone());
    if !password::is_right(web, &session.user.name, old, Some(known)).await? {
        let text = "the present password is wrong: nothing was changed";
        return Err(Failure::of(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let hash = password::hash(web, new).await?;
    let this = Some(session.token);
    web.write(move |store| users::set_password(store, user, &hash, this))
        .await
}

/// A browser to sign out.
#[derive(Deserialize)]
pub(super) struct Ended {
    #[serde(default)]
    token: String,
}

/// Signs a browser out.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn revoke(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(ended): Form<Ended>,
) -> Result<Response, Failure> {
    if let Some(token) = text::unhex(&ended.token) {
        let user = session.user.number;
        web.write(move |store| users::end(store, user, &token))
            .await?;
    }
    Ok(Redirect::to("/you").into_response())
}
