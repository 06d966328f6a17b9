//! Joining a forum: by an invitation, or by a document's id and a peer's address.

use super::Web;
use super::failure::Failure;
use super::page::{Page, again, render};
use super::session::Session;
use crate::control::request::{Id, Part, Request};
use crate::fault::{Class, Fault};
use crate::text::{self, Invite};
use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::Response;
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
}

#[derive(Template)]
#[template(path = "join.html")]
struct Join {
    page: Page,
    typed: Typed,
    joining: Option<String>,
}

/// The form; a link to it may bring an invitation along.
pub(super) async fn ask(session: Session, Query(typed): Query<Typed>) -> Response {
    let page = Page::of(&session, "/", "Join a forum");
    render(&Join {
        page,
        typed,
        joining: None,
    })
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

/// Joins.
///
/// # Errors
/// None but those of the node.
pub(super) async fn join(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let mut page = Page::of(&session, "/", "Join a forum");
    let asked = match request(&typed) {
        Ok((id, request)) => web.ask(&session, request).await.map(|_| id),
        Err(fault) => Err(fault.into()),
    };
    match asked {
        Ok(id) => {
            let latest = web.look(&session, |reader| reader.latest()).await?;
            page.live = format!("/live?since={latest}");
            let joining = Some(id.to_string());
            Ok(render(&Join {
                page,
                typed,
                joining,
            }))
        }
        Err(failure) => {
            page = page.with_problem(failure.message());
            Ok(again(&Join {
                page,
                typed,
                joining: None,
            }))
        }
    }
}
