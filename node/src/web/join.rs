//! Joining a forum: by an invitation, or by a document's id and a peer's address.

use super::Web;
use super::failure::Failure;
use super::markup::plain;
use super::page::{Page, again, render};
use super::session::Session;
use crate::control::request::{Id, Part, Request};
use crate::fault::{Class, Fault};
use crate::text::{self, Invite};
use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use cliqueclique_core::DocumentId;
use serde::Deserialize;
use std::sync::Arc;

/// What was typed.
#[derive(Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    invite: String,
    #[serde(default)]
    document: String,
    #[serde(default)]
    address: String,
    /// The document that is being joined.
    #[serde(default)]
    joining: String,
}

#[derive(Template)]
#[template(path = "join.html")]
struct Join {
    page: Page,
    typed: Typed,
    /// Name of the joined document, when it is here.
    here: Option<String>,
}

/// The form; a link to it may bring an invitation along. Who is joining waits here.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn ask(
    State(web): State<Arc<Web>>,
    session: Session,
    Query(mut typed): Query<Typed>,
) -> Result<Response, Failure> {
    let mut page = Page::of(&session, "/", "Join a forum");
    let Some(id) = text::unhex(&typed.joining).map(DocumentId) else {
        typed.joining.clear();
        let here = None;
        return Ok(render(&Join { page, typed, here }));
    };
    typed.joining = id.to_string();
    let read = web.look(&session, move |reader| {
        Ok((reader.if_held(&id)?, reader.latest()?))
    });
    let (entry, latest) = read.await?;
    if entry.is_none() {
        page.live = format!("/live?since={latest}");
    }
    let here = entry.map(|entry| plain::title(&entry.subject));
    Ok(render(&Join { page, typed, here }))
}

fn request(typed: &Typed) -> Result<(DocumentId, Request), Fault> {
    let usage = |text: String| Fault::new(Class::Usage, text);
    let invite = typed.invite.trim();
    let (document, places) = if invite.is_empty() {
        let id = text::unhex(typed.document.trim()).map(DocumentId);
        let text = "paste an invitation, or a document's id of 64 hex digits and a peer's address";
        let id = id.ok_or_else(|| usage(text.to_owned()))?;
        (
            id,
            typed
                .address
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        )
    } else {
        // People paste what is around it, too.
        let start = invite.find("cliqueclique:").unwrap_or_default();
        let invite = invite[start..]
            .split_whitespace()
            .next()
            .unwrap_or_default();
        let invite = Invite::parse(invite).map_err(usage)?;
        let place = |place: &crate::transport::Place| {
            String::from_utf8_lossy(&place.address().0).into_owned()
        };
        (invite.document, invite.places.iter().map(place).collect())
    };
    let request = Request::Join {
        document: Id(document),
        places,
        mode: Part::Follow,
    };
    Ok((document, request))
}

/// Joins, and waits on a page that can be fetched again.
///
/// # Errors
/// None but those of the node.
pub(super) async fn join(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let asked = match request(&typed) {
        Ok((id, request)) => web.ask(&session, request).await.map(|_| id),
        Err(fault) => Err(fault.into()),
    };
    match asked {
        Ok(id) => Ok(Redirect::to(&format!("/join?joining={id}")).into_response()),
        Err(failure) => {
            let page = Page::of(&session, "/", "Join a forum").with_problem(failure.message());
            let here = None;
            Ok(again(&Join { page, typed, here }))
        }
    }
}
