//! Pages for files: what goes out, what comes in, and how far it is.

use super::{Form as FileForm, Receiving, State, incoming::Note};
use crate::fault::{Class, Fault};
use crate::web::Web;
use crate::web::document;
use crate::web::failure::{self, Failure};
use crate::web::page::{Page, again, render};
use crate::web::session::Session;
use askama::Template;
use axum::extract::{Form, Multipart, Path, Query, State as Shared};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// How often a page that shows progress is fetched again.
const LOOK: Duration = Duration::from_secs(1);
/// So often; then its browser asks again.
const WHILE: u32 = 600;

struct Row {
    file: String,
    name: String,
    /// Done and all, while it runs.
    running: Option<(u64, u64)>,
    /// Where it is, and what was done, when it is here.
    here: Option<(String, String)>,
    failed: Option<String>,
}

#[derive(Template)]
#[template(path = "files.html")]
struct Files {
    page: Page,
    rows: Vec<Row>,
}

async fn page(web: &Arc<Web>, session: &Session) -> Result<Files, Failure> {
    let all = super::imports(web, session).await?;
    let rows = all.into_iter().map(|it| {
        let (mut running, mut here, mut failed) = (None, None, None);
        match it.state {
            State::Running(done, of) => running = Some((done, of)),
            State::Here(id, text) => here = Some((id.unwrap_or_default(), text)),
            State::Failed(text) => failed = Some(failure::sentence(&text)),
        }
        Row {
            file: it.file,
            name: it.name,
            running,
            here,
            failed,
        }
    });
    let rows: Vec<Row> = rows.collect();
    let mut page = Page::of(session, "/you", "Files");
    if rows.iter().any(|row| row.running.is_some()) {
        page.live = "/files/live".to_owned();
    }
    Ok(Files { page, rows })
}

/// The page.
///
/// # Errors
/// The folder cannot be read.
pub(in crate::web) async fn show(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    Ok(render(&page(&web, &session).await?))
}

async fn wrong(web: &Arc<Web>, session: &Session, failure: &Failure) -> Result<Response, Failure> {
    let mut shown = page(web, session).await?;
    shown.page = shown.page.with_problem(failure.message());
    Ok(again(&shown))
}

/// Tells a page that shows progress to look again, as long as something runs.
pub(in crate::web) async fn live(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (tell, told) = mpsc::channel(1);
    let mark = move || {
        let states = web.transfers.of(&session.user.name);
        format!("{states:?}")
    };
    tokio::spawn(async move {
        let first = mark();
        for _ in 0..WHILE {
            tokio::time::sleep(LOOK).await;
            if mark() != first {
                // A page that is gone needs no news.
                let _ = tell
                    .send(Ok(Event::default().event("news").data("new")))
                    .await;
                return;
            }
            if tell.is_closed() {
                return;
            }
        }
    });
    Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::default())
}

/// Which form.
#[derive(Deserialize)]
pub(in crate::web) struct Which {
    #[serde(default)]
    form: String,
}

/// Documents as a file.
///
/// # Errors
/// The document is not here, or there is no such form.
pub(in crate::web) async fn export(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Failure> {
    let form = FileForm::of(&which.form)?;
    super::export(&web, &session, document::id(&path)?, form).await
}

/// A passphrase, twice.
#[derive(Deserialize)]
pub(in crate::web) struct Typed {
    #[serde(default)]
    passphrase: String,
    #[serde(default)]
    again: String,
}

/// The account as a file.
///
/// # Errors
/// The folder cannot be read.
pub(in crate::web) async fn account(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let sealed = if typed.passphrase == typed.again {
        super::account(&web, &session, typed.passphrase).await
    } else {
        let text = "the two passphrases differ: type the same twice";
        Err(Fault::new(Class::Usage, text).into())
    };
    match sealed {
        Ok(file) => Ok(file),
        Err(failure) => wrong(&web, &session, &failure).await,
    }
}

/// A note of what is asked for: the file's name, the forum's, and the document instead.
pub(in crate::web) fn note(name: &str, forum: &str, below: &str) -> Note {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let given = |text: &str, otherwise: &str| {
        let text = text.trim();
        if text.is_empty() {
            otherwise.to_owned()
        } else {
            text.to_owned()
        }
    };
    // The address of a document's page does as well as its id.
    let below = below.trim().rsplit('/').next().unwrap_or_default();
    Note {
        name: given(name, "a file"),
        forum: given(forum, &given(stem, "Mails")),
        below: (!below.is_empty()).then(|| below.to_owned()),
    }
}

/// Takes a file in, as documents or mails; what it is, it tells itself.
///
/// # Errors
/// The folder cannot be read.
pub(in crate::web) async fn import(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    match receive(&web, &session, &mut parts).await {
        Ok(()) => Ok(Redirect::to("/files").into_response()),
        Err(failure) => wrong(&web, &session, &failure).await,
    }
}

/// The file comes last, so that what is asked for is known by then.
async fn receive(web: &Arc<Web>, session: &Session, parts: &mut Multipart) -> Result<(), Failure> {
    let bad = |error: axum::extract::multipart::MultipartError| {
        failure::refused(error.status(), &error.body_text())
    };
    let (mut forum, mut below) = (String::new(), String::new());
    while let Some(mut part) = parts.next_field().await.map_err(bad)? {
        match part.name() {
            Some("forum") => forum = part.text().await.map_err(bad)?,
            Some("below") => below = part.text().await.map_err(bad)?,
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let mut file = Receiving::begin(web, session).await?;
                while let Some(piece) = part.chunk().await.map_err(bad)? {
                    file = file.take(piece).await?;
                }
                if name.is_empty() {
                    break;
                }
                let note = note(&name, &forum, &below);
                return file.end(web, session, note).await.map(drop);
            }
            Some(_) | None => {}
        }
    }
    Err(Fault::new(Class::Usage, "choose a file").into())
}

/// What to do with an import.
#[derive(Deserialize)]
pub(in crate::web) struct Deed {
    #[serde(default)]
    file: String,
    #[serde(default, rename = "do")]
    deed: String,
}

/// Goes on with an import, or drops it.
///
/// # Errors
/// The folder cannot be read.
pub(in crate::web) async fn change(
    Shared(web): Shared<Arc<Web>>,
    session: Session,
    Form(deed): Form<Deed>,
) -> Result<Response, Failure> {
    let done = match deed.deed.as_str() {
        "go-on" => super::go_on(&web, &session, deed.file).await,
        "discard" => super::discard(&web, &session, deed.file).await,
        _ => Err(Fault::new(Class::Usage, "choose what to do: nothing was changed").into()),
    };
    match done {
        Ok(()) => Ok(Redirect::to("/files").into_response()),
        Err(failure) => wrong(&web, &session, &failure).await,
    }
}
