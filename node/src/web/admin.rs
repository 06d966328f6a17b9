//! Users: added, suspended, given a new password, removed. The administrator sees names and dates, and
//! nothing of what others read, write or follow.

use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::Admin;
use super::welcome::{self, New};
use super::{Web, document, password};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings::{self, Account, Settings};
use crate::store::ask::Reader;
use crate::store::removal;
use crate::store::users::{self, User};
use askama::Template;
use axum::extract::{Form, Query, State};
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

/// The page with what was wrong.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn shown_again(
    web: &Arc<Web>,
    admin: &Admin,
    name: String,
    failure: &Failure,
) -> Result<Response, Failure> {
    let mut shown = page(web, admin, name).await?;
    shown.page = shown.page.with_problem(failure.message());
    Ok(again(&shown))
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
        Err(failure) => shown_again(&web, &admin, name, &failure).await,
    }
}

/// What to do with a user.
#[derive(Deserialize)]
pub(super) struct Deed {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "do")]
    pub(super) deed: String,
    #[serde(default)]
    pub(super) password: String,
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
        Err(failure) => shown_again(&web, &admin, String::new(), &failure).await,
    }
}

/// A user who can be changed by the administrator.
///
/// # Errors
/// There is none of that name.
async fn known(web: &Arc<Web>, name: &str) -> Result<User, Failure> {
    let wanted = name.to_owned();
    let user = web.read(move |store| users::named(store, &wanted)).await?;
    let none = || Fault::new(Class::NotFound, format!("there is no user '{name}'"));
    Ok(user.ok_or_else(none)?)
}

/// Does what is wanted with a user: suspend, resume, set a password.
///
/// # Errors
/// There is no such user, or it cannot be done; nothing was changed then.
pub(super) async fn perform(web: &Arc<Web>, deed: Deed) -> Result<(), Failure> {
    let user = known(web, &deed.name).await?;
    let _alone = web.hosting.changing.lock().await;
    match deed.deed.as_str() {
        "suspend" => suspend(web, &user).await,
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
async fn suspend(web: &Arc<Web>, user: &User) -> Result<(), Failure> {
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
    if web.hosting.counters.of(&user.name).is_none() {
        web.hosting.open(&account).await?;
    }
    let number = user.number;
    web.write(move |store| users::suspend(store, number, false))
        .await
}

#[derive(Template)]
#[template(path = "remove.html")]
struct Doom {
    page: Page,
    name: String,
    documents: u64,
}

/// Who goes.
#[derive(Deserialize)]
pub(super) struct Goes {
    #[serde(default)]
    name: String,
    /// The name again, typed by hand.
    #[serde(default)]
    again: String,
}

async fn doomed(web: &Arc<Web>, admin: &Admin, name: &str) -> Result<Doom, Failure> {
    let user = known(web, name).await?;
    let name = user.name.clone();
    let counted = web.hosting.folder.clone();
    // How many, and nothing of what they are.
    let count = super::wait(move || match Reader::open(&counted, &name) {
        Ok(reader) => reader.count(),
        Err(_) => Ok(0),
    });
    Ok(Doom {
        page: Page::of(&admin.0, "/you", &format!("Remove {}", user.name)),
        documents: count.await?,
        name: user.name,
    })
}

/// Says what it means to remove a user, and asks again.
///
/// # Errors
/// There is no such user.
pub(super) async fn doom(
    State(web): State<Arc<Web>>,
    admin: Admin,
    Query(goes): Query<Goes>,
) -> Result<Response, Failure> {
    Ok(render(&doomed(&web, &admin, &goes.name).await?))
}

/// Removes a user for good, if the name was typed again.
///
/// # Errors
/// There is no such user.
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    admin: Admin,
    Form(goes): Form<Goes>,
) -> Result<Response, Failure> {
    let removed = if goes.name == goes.again.trim() {
        expel(&web, &goes.name).await
    } else {
        let text = format!(
            "type {} to say that you mean it: nothing was changed",
            goes.name
        );
        Err(Fault::new(Class::Usage, text).into())
    };
    match removed {
        Ok(()) => Ok(Redirect::to("/users").into_response()),
        Err(failure) => {
            let mut shown = doomed(&web, &admin, &goes.name).await?;
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

/// Removes a user with all that the account had alone; the account parts from its peers first.
///
/// # Errors
/// There is no such user, or they must stay; what was done before it failed is done by trying again.
pub(super) async fn expel(web: &Arc<Web>, name: &str) -> Result<(), Failure> {
    let user = known(web, name).await?;
    removable(&web.hosting.settings, &user)?;
    let _alone = web.hosting.changing.lock().await;
    suspend(web, &user).await?;
    let (folder, gone) = (web.hosting.folder.clone(), user.name.clone());
    // The keys first: nobody who gets the name later may get them.
    super::wait(move || folder::drop_keys(&folder, &gone)).await?;
    web.write(move |store| removal::remove(store, &user)).await
}

/// Looks whether a user can be removed.
///
/// # Errors
/// Why not.
pub(crate) fn removable(settings: &Settings, user: &User) -> Result<(), Fault> {
    let refused = |text: String| Err(Fault::new(Class::Refused, text));
    if user.admin {
        return refused("the administrator cannot be removed: nobody could add users".to_owned());
    }
    let name = &user.name;
    if settings
        .accounts
        .iter()
        .any(|account| account.name == *name)
    {
        return refused(format!(
            "the account '{name}' stands in {}: take it out there, and start the node again",
            settings::FILE
        ));
    }
    if settings.public.listen.is_some() && settings.public.account == *name {
        return refused(format!(
            "the public website shows the forums of '{name}': change public.account in {} first",
            settings::FILE
        ));
    }
    Ok(())
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
