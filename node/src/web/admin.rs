//! Users: added, suspended, given a new password. The administrator sees names and dates, and
//! nothing of what others read, write or follow.

use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::Admin;
use super::welcome::{self, New};
use super::{Web, document, password};
use crate::fault::{Class, Fault};
use crate::settings::Account;
use crate::store::users::{self, User};
use askama::Template;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

struct Person {
    name: String,
    admin: bool,
    suspended: bool,
    since: String,
}

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    page: Page,
    people: Vec<Person>,
    name: String,
}

async fn page(web: &Arc<Web>, admin: &Admin, name: String) -> Result<Users, Failure> {
    let people = web.read(users::all).await?.into_iter().map(|user| Person {
        since: document::date(user.created.unsigned_abs()),
        name: user.name,
        admin: user.admin,
        suspended: user.suspended,
    });
    Ok(Users {
        page: Page::of(&admin.0, "/you", "Users"),
        people: people.collect(),
        name,
    })
}

/// The list.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn show(State(web): State<Arc<Web>>, admin: Admin) -> Result<Response, Failure> {
    Ok(render(&page(&web, &admin, String::new()).await?))
}

/// A new user.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    reach: String,
}

/// Adds a user, with an account that runs at once.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn add(
    State(web): State<Arc<Web>>,
    admin: Admin,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let name = typed.name.trim().to_owned();
    let new = New {
        name: name.clone(),
        again: typed.password.clone(),
        password: typed.password,
        reach: typed.reach,
    };
    match welcome::add(&web, new).await {
        Ok(_) => Ok(Redirect::to("/users").into_response()),
        Err(failure) => {
            let mut shown = page(&web, &admin, name).await?;
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

/// What to do with a user.
#[derive(Deserialize)]
pub(super) struct Deed {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "do")]
    deed: String,
    #[serde(default)]
    password: String,
}

/// Suspends a user, lets one in again, or gives one a new password.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn change(
    State(web): State<Arc<Web>>,
    admin: Admin,
    Form(deed): Form<Deed>,
) -> Result<Response, Failure> {
    match perform(&web, deed).await {
        Ok(()) => Ok(Redirect::to("/users").into_response()),
        Err(failure) => {
            let mut shown = page(&web, &admin, String::new()).await?;
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

async fn perform(web: &Arc<Web>, deed: Deed) -> Result<(), Failure> {
    let name = deed.name.clone();
    let user = web.read(move |store| users::named(store, &name)).await?;
    let user = user
        .ok_or_else(|| Fault::new(Class::NotFound, format!("there is no user '{}'", deed.name)))?;
    match deed.deed.as_str() {
        "suspend" => suspend(web, user).await,
        "resume" => resume(web, user).await,
        "password" => {
            password::fits(&deed.password, &deed.password)?;
            let hash = password::hash(web, deed.password).await?;
            let number = user.number;
            web.write(move |store| users::set_password(store, number, &hash, None))
                .await
        }
        _ => Err(Fault::new(Class::Usage, "choose what to do: nothing was changed").into()),
    }
}

/// The user is out first, then the account ends.
async fn suspend(web: &Arc<Web>, user: User) -> Result<(), Failure> {
    if user.admin {
        let text = "the administrator cannot be suspended: nobody could undo it";
        return Err(Fault::new(Class::Refused, text).into());
    }
    let number = user.number;
    web.write(move |store| users::suspend(store, number, true))
        .await?;
    Ok(web.hosting.close(&user.name).await?)
}

async fn resume(web: &Arc<Web>, user: User) -> Result<(), Failure> {
    let account = account(web, &user.name).await?;
    web.hosting.open(&account).await?;
    let number = user.number;
    web.write(move |store| users::suspend(store, number, false))
        .await
}

/// The account of a user, from the settings or the store.
async fn account(web: &Arc<Web>, name: &str) -> Result<Account, Failure> {
    let known = web
        .hosting
        .settings
        .accounts
        .iter()
        .find(|it| it.name == name);
    if let Some(account) = known {
        return Ok(account.clone());
    }
    let wanted = name.to_owned();
    let listen = web
        .read(move |store| users::listens(store, &wanted))
        .await?;
    let listen = listen.ok_or_else(|| {
        let text = format!("the account '{name}' is no longer in the settings: add it there");
        Fault::new(Class::NotFound, text)
    })?;
    Ok(Account {
        name: name.to_owned(),
        listen,
        announce: None,
    })
}
