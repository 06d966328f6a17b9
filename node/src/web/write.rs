//! Writing: a forum, a comment, a link. What was typed is kept before anything is tried, and shown
//! again if it cannot be stored.

use super::document;
use super::failure::Failure;
use super::markup;
use super::page::{Page, again, render};
use super::session::Session;
use super::{Web, now};
use crate::control::request::{Id, Part, Request};
use crate::fault::{Class, Fault};
use crate::store::tree::keep_draft;
use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use cliqueclique_core::DocumentId;
use serde::Deserialize;
use std::sync::Arc;

/// What was typed, and what to do with it.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    text: String,
    #[serde(default, rename = "do")]
    deed: String,
}

#[derive(Template)]
#[template(path = "new.html")]
struct New {
    page: Page,
    text: String,
    preview: Option<String>,
}

/// The form for a new forum.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn ask(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let text = web.look(&session, |reader| reader.draft(None)).await?;
    Ok(render(&New {
        page: Page::of(&session, "/", "Start a forum"),
        text: text.unwrap_or_default(),
        preview: None,
    }))
}

/// Browsers send lines with CR LF.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

async fn keep(
    web: &Arc<Web>,
    session: &Session,
    below: Option<DocumentId>,
    text: &str,
) -> Result<(), Failure> {
    let (account, text) = (session.user.name.clone(), text.to_owned());
    web.write(move |store| keep_draft(store, &account, below.as_ref(), &text, now()))
        .await
}

/// Publishes; gives the new document's id. The draft goes when it is stored.
async fn publish(
    web: &Arc<Web>,
    session: &Session,
    below: Option<DocumentId>,
    text: &str,
) -> Result<String, Failure> {
    if text.trim().is_empty() {
        let fault = Fault::new(Class::Usage, "there is no text yet: write something first");
        return Err(fault.into());
    }
    let request = Request::Publish {
        parents: below.into_iter().map(Id).collect(),
        children: Vec::new(),
        body: text.to_owned(),
        mode: Part::Follow,
        created: None,
        source: None,
    };
    let answer = web.ask(session, request).await?;
    // It is stored; a draft that is left over harms nobody.
    let _ = keep(web, session, below, "").await;
    Ok(answer["id"].as_str().unwrap_or_default().to_owned())
}

/// A new forum: preview, draft or post.
///
/// # Errors
/// The draft cannot be kept.
pub(super) async fn forum(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let text = lines(&typed.text);
    let mut page = Page::of(&session, "/", "Start a forum");
    let preview = Some(markup::render(&text));
    if typed.deed == "post" {
        match publish(&web, &session, None, &text).await {
            Ok(id) => return Ok(Redirect::to(&format!("/d/{id}?said=stored")).into_response()),
            Err(failure) => {
                page = page.with_problem(failure.message());
                return Ok(again(&New {
                    page,
                    text,
                    preview,
                }));
            }
        }
    }
    keep(&web, &session, None, &text).await?;
    page.said = Some("The draft is kept on this node.".to_owned());
    Ok(render(&New {
        page,
        text,
        preview,
    }))
}

/// A comment: preview, draft or post.
///
/// # Errors
/// The document is not here, or the draft cannot be kept.
pub(super) async fn reply(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let id = document::id(&path)?;
    let text = lines(&typed.text);
    if typed.deed != "post" {
        keep(&web, &session, Some(id), &text).await?;
        let mut shown = document::page(&web, &session, id, 0).await?;
        shown.preview = Some(markup::render(&text));
        shown.text = text;
        shown.page.live = String::new();
        shown.page.said = Some("The draft is kept on this node.".to_owned());
        return Ok(render(&shown));
    }
    match publish(&web, &session, Some(id), &text).await {
        Ok(new) => Ok(Redirect::to(&format!("/d/{new}?said=stored")).into_response()),
        Err(failure) => {
            let mut shown = document::page(&web, &session, id, 0).await?;
            shown.page = shown.page.with_problem(failure.message());
            shown.text = text;
            Ok(again(&shown))
        }
    }
}

/// Another document, and which way round.
#[derive(Deserialize)]
pub(super) struct Other {
    #[serde(default)]
    other: String,
    #[serde(default)]
    way: String,
    #[serde(default)]
    text: String,
}

/// Links a document with another that is here, either below the other.
///
/// # Errors
/// The account refuses.
pub(super) async fn link(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    Form(typed): Form<Other>,
) -> Result<Response, Failure> {
    let here = document::id(&path)?;
    let done = attach(&web, &session, here, &typed).await;
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/d/{here}?said=linked")).into_response()),
        Err(failure) => {
            let mut shown = document::page(&web, &session, here, 0).await?;
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

async fn attach(
    web: &Arc<Web>,
    session: &Session,
    here: DocumentId,
    typed: &Other,
) -> Result<(), Failure> {
    // An address of a document's page does as well as its id.
    let other = typed.other.trim();
    let other = other.rsplit('/').next().unwrap_or(other).to_owned();
    let other = web
        .look(session, move |reader| reader.resolve(&other))
        .await?;
    let (parent, child) = match typed.way.as_str() {
        "under" => (other, here),
        "over" => (here, other),
        _ => {
            let fault = Fault::new(Class::Usage, "choose which document stands below which");
            return Err(fault.into());
        }
    };
    if parent == child {
        let fault = Fault::new(Class::Usage, "a document cannot stand below itself");
        return Err(fault.into());
    }
    let request = Request::Publish {
        parents: vec![Id(parent)],
        children: vec![Id(child)],
        body: lines(&typed.text),
        mode: Part::Follow,
        created: None,
        source: None,
    };
    web.ask(session, request).await.map(drop)
}
