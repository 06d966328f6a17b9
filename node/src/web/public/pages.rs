//! The pages of the public website.

use super::Site;
use super::answer::{dated, failure, fault, html, nothing as absent};
use crate::clock::Clock;
use crate::fault::{Class, Fault};
use crate::store::ask::Reader;
use crate::store::browse::Counted;
use crate::text;
use crate::web::attachment::Attachment;
use crate::web::feed::{self, Item, Source};
use crate::web::markup::{self, plain};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use cliqueclique_core::{Document, DocumentId};
use serde::Deserialize;
use std::fmt::Write;
use std::sync::Arc;

/// Comments on a page.
const PAGE: usize = 50;
/// Documents of a forum in the site map; the protocol of site maps allows 50,000 in all.
const MAPPED: usize = 2_000;
/// Digits of an author's id that are shown.
const DIGITS: usize = 8;

/// A document as pages show it.
struct Shown {
    id: String,
    title: String,
    author: String,
    date: String,
    body: String,
    comments: u64,
    file: Option<String>,
}

fn short(id: &str) -> String {
    id.get(..DIGITS).unwrap_or(id).to_owned()
}

/// What an author claims, but not the future: nobody should stand at the top for ever.
fn claimed(document: &Document) -> u64 {
    document.created().0.min(Clock::wall().0)
}

fn shown(counted: &Counted) -> Shown {
    let document = &counted.document;
    let body = String::from_utf8_lossy(document.body());
    let file = Attachment::parse(&body).map(|file| file.name);
    let seconds = i64::try_from(claimed(document)).unwrap_or_default();
    let date = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    Shown {
        id: document.id().to_string(),
        title: plain::title(&body),
        author: short(&document.author_id().to_string()),
        date: date.format("%Y-%m-%d %H:%M").to_string(),
        body: if file.is_some() {
            String::new()
        } else {
            markup::render(&body)
        },
        comments: counted.comments,
        file,
    }
}

#[derive(Template)]
#[template(path = "public/forums.html")]
struct Forums {
    forums: Vec<Shown>,
}

/// The forums.
pub(super) async fn forums(State(site): State<Arc<Site>>) -> Response {
    let read = site.read(|reader, site| {
        let here = site.forums.iter().filter_map(|id| reader.counted(id).ok());
        Ok(here.map(|it| shown(&it)).collect())
    });
    match read.await {
        // No date: that of the newest document would have to be looked for in all forums.
        Ok(forums) => html(&Forums { forums }, None),
        Err(error) => fault(&error),
    }
}

/// Which page of the comments.
#[derive(Deserialize)]
pub(super) struct Paged {
    #[serde(default)]
    page: String,
}

#[derive(Template)]
#[template(path = "public/document.html")]
struct Page {
    forum: Shown,
    document: Shown,
    above: Vec<Shown>,
    comments: Vec<Shown>,
    before: Option<usize>,
    after: Option<usize>,
}

fn id(text: &str) -> Result<DocumentId, Fault> {
    let known = text::unhex(text).map(DocumentId);
    known.ok_or_else(|| Fault::new(Class::NotFound, "no id"))
}

/// The forum of a document that may be shown.
fn seen(site: &Site, reader: &Reader, id: &DocumentId) -> Result<DocumentId, Fault> {
    let forum = site.forum_of(reader, id)?;
    forum.ok_or_else(|| Fault::new(Class::NotFound, "not on this site"))
}

fn page(
    site: &Site,
    reader: &Reader,
    id: &DocumentId,
    at: usize,
) -> Result<(Page, Option<u64>), Fault> {
    let forum = reader.counted(&seen(site, reader, id)?)?;
    let document = reader.counted(id)?;
    let skip = at.saturating_mul(PAGE);
    let comments = reader.some_below(id, skip, PAGE + 1)?;
    let parents = document.document.parents().iter();
    let above = parents.filter(|parent| seen(site, reader, parent).is_ok());
    let above = above.filter_map(|parent| reader.counted(parent).ok());
    let dates = comments
        .iter()
        .chain([&document])
        .map(|it| claimed(&it.document));
    let newest = dates.max();
    let page = Page {
        above: above.map(|it| shown(&it)).collect(),
        before: at.checked_sub(1),
        after: (comments.len() > PAGE).then_some(at.saturating_add(1)),
        comments: comments.iter().take(PAGE).map(shown).collect(),
        forum: shown(&forum),
        document: shown(&document),
    };
    Ok((page, newest))
}

/// A document and the comments below it.
pub(super) async fn document(
    State(site): State<Arc<Site>>,
    Path(text): Path<String>,
    Query(paged): Query<Paged>,
) -> Response {
    // What is no number is the first page.
    let at = paged.page.parse().unwrap_or_default();
    let read = site.read(move |reader, site| page(site, reader, &id(&text)?, at));
    match read.await {
        Ok((page, newest)) => html(&page, newest),
        Err(error) => fault(&error),
    }
}

/// A file, to be saved.
pub(super) async fn file(State(site): State<Arc<Site>>, Path(text): Path<String>) -> Response {
    let read = site.read(move |reader, site| {
        let id = id(&text)?;
        seen(site, reader, &id)?;
        let document = reader.counted(&id)?.document;
        Ok(Attachment::parse(&String::from_utf8_lossy(document.body())))
    });
    match read.await {
        Ok(Some(file)) => {
            let mut answer = ().into_response();
            for (name, value) in file.headers() {
                if let Ok(value) = value.parse() {
                    answer.headers_mut().insert(name, value);
                }
            }
            *answer.body_mut() = file.bytes.into();
            answer
        }
        Ok(None) => absent(),
        Err(error) => fault(&error),
    }
}

/// The newest of a document and all below it, as Atom.
pub(super) async fn feed(State(site): State<Arc<Site>>, Path(text): Path<String>) -> Response {
    let address = site.address.clone();
    let read = site.read(move |reader, site| {
        let id = id(&text)?;
        seen(site, reader, &id)?;
        Ok((
            reader.counted(&id)?.document,
            reader.newest(&id, feed::MOST)?,
        ))
    });
    match read.await {
        Ok((top, newest)) => {
            let date = newest.first().map(claimed);
            dated(
                feed::TYPE,
                feed::render(&source(&address, &top, &newest)),
                date,
            )
        }
        Err(error) => fault(&error),
    }
}

fn source(address: &str, top: &Document, newest: &[Document]) -> Source {
    let page = |document: &Document| format!("{address}/d/{}", document.id());
    let body = |document: &Document| String::from_utf8_lossy(document.body()).into_owned();
    let items = newest.iter().map(|document| Item {
        id: document.id().to_string(),
        author: short(&document.author_id().to_string()),
        created: claimed(document),
        body: body(document),
        page: page(document),
    });
    Source {
        title: plain::title(&body(top)),
        name: format!("thread:{}", top.id()),
        own: format!("{}/feed.atom", page(top)),
        page: page(top),
        items: items.collect(),
    }
}

/// An address that a text names, or an invitation.
#[derive(Deserialize)]
pub(super) struct Away {
    #[serde(default)]
    to: String,
    #[serde(default)]
    invite: String,
}

#[derive(Template)]
#[template(path = "public/away.html")]
struct Leaving {
    host: String,
    to: String,
    invite: String,
}

/// The page before a link leads out.
pub(super) async fn out(Query(away): Query<Away>) -> Response {
    let Some(host) = plain::host(&away.to) else {
        return failure(StatusCode::BAD_REQUEST, "This is no address of the web.");
    };
    html(
        &Leaving {
            host,
            to: away.to,
            invite: String::new(),
        },
        None,
    )
}

/// An invitation, to be taken to a node of one's own.
pub(super) async fn join(Query(away): Query<Away>) -> Response {
    if text::Invite::parse(&away.invite).is_err() {
        return failure(StatusCode::BAD_REQUEST, "This is no invitation.");
    }
    let empty = String::new();
    html(
        &Leaving {
            host: empty.clone(),
            to: empty,
            invite: away.invite,
        },
        None,
    )
}

/// What search engines are told.
pub(super) async fn robots(State(site): State<Arc<Site>>) -> Response {
    let address = &site.address;
    let text =
        format!("User-agent: *\nDisallow: /out\nDisallow: /join\nSitemap: {address}/sitemap.xml\n");
    dated("text/plain; charset=utf-8", text, None)
}

/// The pages of the site.
pub(super) async fn map(State(site): State<Arc<Site>>) -> Response {
    let read = site.read(|reader, site| {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                       <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
            .to_owned();
        let address = plain::html(&site.address);
        for forum in &site.forums {
            for document in reader.newest(forum, MAPPED)? {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "<url><loc>{address}/d/{}</loc></url>", document.id());
            }
        }
        Ok(out + "</urlset>\n")
    });
    match read.await {
        Ok(text) => dated("application/xml; charset=utf-8", text, None),
        Err(error) => fault(&error),
    }
}

/// The style.
pub(super) async fn style() -> Response {
    dated(
        "text/css; charset=utf-8",
        include_str!("../../../templates/public/style.css").to_owned(),
        None,
    )
}

/// A page that is not there.
pub(super) async fn nothing() -> Response {
    absent()
}
