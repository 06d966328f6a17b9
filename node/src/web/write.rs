//! Writing: a forum, a comment with a file or without, a link. What was typed is kept before anything is tried, and shown
//! again if it cannot be stored.

use super::attachment::Attachment;
use super::document;
use super::failure::Failure;
use super::files::{self, Written};
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

/// Stores a new document; gives its id.
///
/// # Errors
/// The account refuses.
pub(super) async fn store(
    web: &Arc<Web>,
    session: &Session,
    below: Option<DocumentId>,
    body: String,
) -> Result<String, Failure> {
    let request = Request::Publish {
        parents: below.into_iter().map(Id).collect(),
        children: Vec::new(),
        body,
        mode: Part::Follow,
        created: None,
        source: None,
    };
    let answer = web.ask(session, request).await?;
    Ok(answer["id"].as_str().unwrap_or_default().to_owned())
}

/// Publishes a text, and its file below it; gives the address of the new document's page. The
/// draft goes when it is stored.
async fn publish(
    web: &Arc<Web>,
    session: &Session,
    below: Option<DocumentId>,
    text: &str,
    file: Result<Option<Attachment>, Failure>,
) -> Result<String, Failure> {
    let file = file?;
    let lone = file.as_ref().zip(below);
    if let (true, Some((file, below))) = (text.trim().is_empty(), lone) {
        let id = files::publish(web, session, below, file).await?;
        return Ok(format!("/d/{id}?said=stored"));
    }
    if text.trim().is_empty() {
        let fault = Fault::new(Class::Usage, "there is no text yet: write something first");
        return Err(fault.into());
    }
    let id = store(web, session, below, text.to_owned()).await?;
    // It is stored; a draft that is left over harms nobody.
    let _ = keep(web, session, below, "").await;
    let said = match (file, document::id(&id)) {
        (Some(file), Ok(message)) => files::publish(web, session, message, &file)
            .await
            .map_or("without-file", |_| "stored"),
        (Some(_), Err(_)) | (None, _) => "stored",
    };
    Ok(format!("/d/{id}?said={said}"))
}

/// A new forum: preview, draft or post.
///
/// # Errors
/// The draft cannot be kept.
pub(super) async fn forum(
    State(web): State<Arc<Web>>,
    session: Session,
    mut typed: Written,
) -> Result<Response, Failure> {
    let text = lines(&typed.text);
    let mut page = Page::of(&session, "/", "Start a forum");
    let preview = Some(markup::render(&text));
    if typed.deed == "post" {
        match publish(&web, &session, None, &text, typed.file()).await {
            Ok(page) => return Ok(Redirect::to(&page).into_response()),
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
    page.said = Some(kept(&mut typed));
    Ok(render(&New {
        page,
        text,
        preview,
    }))
}

/// What is said of a draft. A browser does not keep the choice of a file over a page.
fn kept(typed: &mut Written) -> String {
    match typed.file() {
        Ok(None) => "The draft is kept on this node.".to_owned(),
        Ok(Some(_)) => {
            "The draft is kept on this node, without the file: choose it again when you \
                        post."
                .to_owned()
        }
        Err(failure) => format!(
            "The draft is kept on this node. The file would not be taken: {}.",
            failure.message()
        ),
    }
}

/// A comment: preview, draft or post.
///
/// # Errors
/// The document is not here, or the draft cannot be kept.
pub(super) async fn reply(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    mut typed: Written,
) -> Result<Response, Failure> {
    let id = document::id(&path)?;
    let text = lines(&typed.text);
    if typed.deed != "post" {
        keep(&web, &session, Some(id), &text).await?;
        let mut shown = document::page(&web, &session, id, 0).await?;
        shown.preview = Some(markup::render(&text));
        shown.text = text;
        shown.page.live = String::new();
        shown.page.said = Some(kept(&mut typed));
        return Ok(render(&shown));
    }
    match publish(&web, &session, Some(id), &text, typed.file()).await {
        Ok(page) => Ok(Redirect::to(&page).into_response()),
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
