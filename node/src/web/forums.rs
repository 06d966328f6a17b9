//! Lists of documents: forums, what was found, bookmarks.

use super::Web;
use super::document::Row;
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
    forums: Vec<Row>,
    latest: Vec<Row>,
}

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    page: Page,
    query: Option<String>,
    rows: Vec<Row>,
}

fn rows(entries: Vec<Entry>, own: &str) -> Vec<Row> {
    entries.into_iter().map(|it| Row::of(it, own)).collect()
}

/// All forums, and what came last.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let read = web.look(&session, |reader| {
        let own = reader.own()?;
        let forums = rows(reader.forums()?, &own);
        Ok((forums, rows(reader.arrivals(15)?, &own), reader.latest()?))
    });
    let (forums, latest, newest) = read.await?;
    let mut page = Page::of(&session, "/", "Forums");
    page.live = format!("/live?since={newest}");
    Ok(render(&Forums {
        page,
        forums,
        latest,
    }))
}

/// What the user wants to keep.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn bookmarks(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let read = web.look(&session, |reader| {
        let own = reader.own()?;
        Ok(rows(reader.bookmarks()?, &own))
    });
    let rows = read.await?;
    let page = Page::of(&session, "/", "Bookmarks");
    let query = None;
    Ok(render(&List { page, query, rows }))
}
