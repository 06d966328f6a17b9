//! First run: the one address that `run` prints lets somebody make the first user, with an account.

use super::failure::Failure;
use super::page::{self, Page, render};
use super::{Web, now, password, session};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings::{self, Account};
use crate::store::users;
use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

/// The token.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    #[serde(default)]
    reach: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    page: Page,
    token: String,
    name: String,
    reach: String,
    /// Names of the accounts that are here already.
    here: Vec<String>,
}

impl Welcome {
    fn of(web: &Web, token: String, name: String, reach: String) -> Self {
        Self {
            page: Page::bare("Welcome"),
            token,
            name,
            reach,
            here: web.desk.accounts.names(),
        }
    }
}

/// Looks at the token.
///
/// # Errors
/// It is wrong.
pub(super) fn admitted(web: &Web, token: &str) -> Result<(), Failure> {
    if web.expects(token) {
        Ok(())
    } else {
        Err(wrong_token())
    }
}

/// The page again, with what was wrong.
pub(super) fn again(web: &Web, token: String, name: String, failure: &Failure) -> Response {
    let mut shown = Welcome::of(web, token, name, "i2p".to_owned());
    shown.page = shown.page.with_problem(failure.message());
    page::again(&shown)
}

fn wrong_token() -> Failure {
    let text = "this address was used already, or is not complete. If there is a user, sign in; \
                otherwise start the node again and take the address that it prints";
    Failure::of(StatusCode::FORBIDDEN, text)
}

/// The form.
///
/// # Errors
/// The token is wrong.
pub(super) async fn ask(
    State(web): State<Arc<Web>>,
    Query(token): Query<Token>,
) -> Result<Response, Failure> {
    if !web.expects(&token.token) {
        return Err(wrong_token());
    }
    let name = web.desk.accounts.names().into_iter().next();
    let name = name.unwrap_or_default();
    Ok(render(&Welcome::of(
        &web,
        token.token,
        name,
        "i2p".to_owned(),
    )))
}

/// Makes the user, and the account if it is not there.
///
/// # Errors
/// The token is wrong.
pub(super) async fn make(
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    if !web.expects(&typed.token) {
        return Err(wrong_token());
    }
    let name = typed.name.trim().to_owned();
    let wanted = New {
        name: name.clone(),
        password: typed.password,
        again: typed.again,
        reach: typed.reach.clone(),
    };
    match add(&web, wanted).await {
        Ok(user) => {
            web.expect(None);
            session::begin(&web, user.number, &headers, "/start").await
        }
        Err(failure) => {
            let mut shown = Welcome::of(&web, typed.token, name, typed.reach);
            shown.page = shown.page.with_problem(failure.message());
            Ok(page::again(&shown))
        }
    }
}

/// A user to be made.
pub(super) struct New {
    /// Name of user and account.
    pub(super) name: String,
    /// Password.
    pub(super) password: String,
    /// The same again.
    pub(super) again: String,
    /// `i2p`, or `tcp` for this machine only.
    pub(super) reach: String,
}

/// Makes a user; and an account that runs, if there is none of that name.
///
/// # Errors
/// What was wrong; nothing was changed then.
pub(super) async fn add(web: &Arc<Web>, new: New) -> Result<users::User, Failure> {
    free(web, &new.name).await?;
    password::fits(&new.password, &new.again)?;
    let hash = password::hash(web, new.password).await?;
    let _alone = web.hosting.changing.lock().await;
    let runs = web.desk.accounts.of(&new.name).is_some();
    let account = if runs {
        None
    } else {
        let account = account(&web.hosting, &new.name, &new.reach)?;
        web.hosting.open(&account).await?;
        Some(account)
    };
    note(web, &new.name, hash, account).await
}

/// Looks whether a name can be that of a new user.
///
/// # Errors
/// It is none, or there is a user of that name.
pub(super) async fn free(web: &Arc<Web>, name: &str) -> Result<(), Failure> {
    settings::name_fits(name).map_err(|text| Fault::new(Class::Usage, text))?;
    let wanted = name.to_owned();
    let taken = web.read(move |store| users::named(store, &wanted)).await?;
    if taken.is_none() {
        return Ok(());
    }
    let text = format!("there is a user '{name}' here already: choose another name");
    Err(Fault::new(Class::Refused, text).into())
}

/// Notes a user whose account runs; one that was opened for it is closed if that fails.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn note(
    web: &Arc<Web>,
    name: &str,
    hash: String,
    opened: Option<Account>,
) -> Result<users::User, Failure> {
    let (new, wanted) = (name.to_owned(), opened.is_some());
    let listen = opened.map(|account| account.listen);
    let added = web
        .write(move |store| {
            if let Some(listen) = &listen {
                users::host(store, &new, listen)?;
            }
            users::add(store, &new, &hash, now())
        })
        .await;
    if added.is_err() && wanted {
        // It would not run after the next start either. Its key is used again if it comes back.
        web.hosting.close(name).await?;
    }
    added
}

/// A new account as the form wants it.
fn account(hosting: &crate::hosting::Hosting, name: &str, reach: &str) -> Result<Account, Failure> {
    let usage = |text: String| Failure::from(Fault::new(Class::Usage, text));
    let listen = match reach {
        "i2p" => "i2p".to_owned(),
        "tcp" => folder::free_place()?,
        _ => return Err(usage("choose how others reach this account".to_owned())),
    };
    let account = Account {
        name: name.to_owned(),
        listen,
        announce: None,
    };
    account.check(hosting.settings.transport).map_err(usage)?;
    Ok(account)
}
