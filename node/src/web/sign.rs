//! Signing in and out.

use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::{Session, begin as begin_session, going};
use super::{Web, password};
use crate::store::users;
use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Where to go afterwards.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    page: Page,
    name: String,
    next: String,
}

/// The form.
pub(super) async fn ask(Query(next): Query<Next>) -> Response {
    render(&SignIn {
        page: Page::bare("Sign in"),
        name: String::new(),
        next: next.next,
    })
}

/// Signs in.
///
/// # Errors
/// The store cannot be used.
pub(super) async fn begin(
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let name = typed.name.trim().to_owned();
    let wanted = name.clone();
    let user = web.read(move |store| users::named(store, &wanted)).await?;
    let hash = user.as_ref().map(|user| user.password.clone());
    let right = password::is_right(&web, &name, typed.password, hash).await;
    let problem = match (right, user) {
        (Ok(true), Some(user)) if !user.suspended => {
            return begin_session(&web, user.number, &headers, own_path(&typed.next)).await;
        }
        (Ok(true), Some(_)) => {
            let text = "this user is suspended: ask the administrator";
            Failure::of(StatusCode::FORBIDDEN, text)
        }
        (Ok(_), _) => Failure::of(
            StatusCode::UNPROCESSABLE_ENTITY,
            "there is no such user, or the password is wrong",
        ),
        (Err(failure), _) => failure,
    };
    Ok(again(&SignIn {
        page: Page::bare("Sign in").with_problem(problem.message()),
        name,
        next: typed.next,
    }))
}

/// A path of our own to go on to: nobody is sent elsewhere by a link to the sign-in page.
pub(super) fn own_path(path: &str) -> &str {
    let own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    if own && plain { path } else { "/" }
}

/// Signs out.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn end(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let (user, token) = (session.user.number, session.token);
    web.write(move |store| users::end(store, user, &token))
        .await?;
    Ok(going(&web.cookie, "", 0, "/sign-in").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(own_path("/d/abc?x=1"), "/d/abc?x=1");
        for path in ["", "//evil", "https://evil", "/\\evil", "/a\r\nb", "evil"] {
            assert_eq!(own_path(path), "/", "{path}");
        }
    }
}
