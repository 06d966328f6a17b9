//! Lists of documents: forums, what was found, bookmarks.

use super::Web;
use super::document::Row;
use super::failure::Failure;
use super::page::{Page, render};
use super::session::Session;
use crate::store::ask::Entry;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

/// Most documents that a search shows.
const FOUND: usize = 50;

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

/// What to look for.
#[derive(Deserialize)]
pub(super) struct Words {
    #[serde(default)]
    q: String,
}

/// Documents with all of some words.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn search(
    State(web): State<Arc<Web>>,
    session: Session,
    Query(words): Query<Words>,
) -> Result<Response, Failure> {
    let mut page = Page::of(&session, "/search", "Search");
    let wanted = words.q.clone();
    let found = if wanted.trim().is_empty() {
        Ok(Vec::new())
    } else {
        web.look(&session, move |reader| {
            let own = reader.own()?;
            Ok(rows(reader.search(&wanted, FOUND)?, &own))
        })
        .await
    };
    let rows = found.unwrap_or_else(|failure| {
        page.problem = Some(super::failure::sentence(failure.message()));
        Vec::new()
    });
    let query = Some(words.q);
    Ok(render(&List { page, query, rows }))
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
