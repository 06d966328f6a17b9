//! The list of forums.

use super::Web;
use super::failure::Failure;
use super::page::{Page, render};
use super::session::Session;
use crate::store::ask::Entry;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "forums.html")]
struct Forums {
    page: Page,
    forums: Vec<Entry>,
}

/// All forums.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let forums = web.look(&session, |reader| reader.forums()).await?;
    let page = Page::of(&session, "/", "Forums");
    Ok(render(&Forums { page, forums }))
}
