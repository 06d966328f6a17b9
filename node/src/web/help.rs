//! First steps, help, and the warning before a link leads out.

use super::Web;
use super::failure::Failure;
use super::markup::plain;
use super::page::{Page, render};
use super::session::Session;
use crate::control::request::Request;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    page: Page,
    address: String,
}

#[derive(Template)]
#[template(path = "help.html")]
struct Help {
    page: Page,
}

#[derive(Template)]
#[template(path = "out.html")]
struct Out {
    page: Page,
    address: String,
    host: String,
}

/// Three ways on for a new user.
///
/// # Errors
/// The account does not answer.
pub(super) async fn start(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let answer = web.ask(&session, Request::Address).await?;
    let address = answer["address"].as_str().unwrap_or_default().to_owned();
    let page = Page::of(&session, "/", "Your account is ready");
    Ok(render(&Start { page, address }))
}

/// Help.
pub(super) async fn show(session: Session) -> Response {
    let page = Page::of(&session, "/help", "Help");
    render(&Help { page })
}

/// Where a link leads.
#[derive(Deserialize)]
pub(super) struct To {
    #[serde(default)]
    to: String,
}

/// The warning.
///
/// # Errors
/// It is no address of the web.
pub(super) async fn out(session: Session, Query(to): Query<To>) -> Result<Response, Failure> {
    let host = plain::host(&to.to).ok_or_else(|| {
        let text = "this link leads to no address of the web: it is not opened";
        Failure::of(StatusCode::UNPROCESSABLE_ENTITY, text)
    })?;
    let page = Page::of(&session, "/d", "This link leads out");
    let address = to.to;
    Ok(render(&Out {
        page,
        address,
        host,
    }))
}
