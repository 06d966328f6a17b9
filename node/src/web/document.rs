//! A document's page: what it says, what stands above and below it, and what one can do with it.

use super::Web;
use super::attachment::{self, Attachment};
use super::failure::Failure;
use super::markup::{self, plain};
use super::page::{Page, again, render};
use super::session::Session;
use crate::control::request::{Id, Node, Part, Request};
use crate::fault::{Class, Fault};
use crate::store::ask::{Entry, Full, Reader};
use crate::store::tree::{Branch, DIRECT};
use crate::text;
use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::DateTime;
use cliqueclique_core::{DocumentId, NodeId};
use serde::Deserialize;
use std::sync::Arc;

/// A line about a document.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) author: String,
    pub(super) date: String,
    pub(super) comments: u64,
    pub(super) read: bool,
    pub(super) bookmarked: bool,
    pub(super) mode: &'static str,
}

/// A document in the tree of a page.
#[derive(Template)]
#[template(path = "branch.html")]
struct Twig {
    row: Row,
    below: Vec<Twig>,
    more: usize,
}

/// The page.
#[derive(Template)]
#[template(path = "document.html")]
pub(super) struct Shown {
    pub(super) page: Page,
    row: Row,
    author: String,
    own: bool,
    body: String,
    above: Vec<Row>,
    elsewhere: Vec<String>,
    attached: Vec<Row>,
    /// The file that the document is.
    file: Option<FileRow>,
    /// Files that its author put below it.
    files: Vec<Row>,
    twigs: Vec<Twig>,
    total: usize,
    earlier: Option<usize>,
    later: Option<usize>,
    /// What was typed, and how it will look.
    pub(super) text: String,
    pub(super) preview: Option<String>,
}

/// A file, as its document's page shows it.
struct FileRow {
    name: String,
    kind: &'static str,
    size: String,
    /// Why it should not be opened.
    warning: Option<String>,
}

impl FileRow {
    fn of(body: &str) -> Option<Self> {
        let file = Attachment::parse(body)?;
        Some(Self {
            warning: file.warning(),
            size: attachment::size(file.bytes.len()),
            kind: file.kind,
            name: file.name,
        })
    }
}

/// Part of a page.
#[derive(Default, Deserialize)]
pub(super) struct Part_ {
    #[serde(default)]
    from: usize,
    #[serde(default)]
    said: String,
}

/// When something was, as people read it.
pub(super) fn date(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let date = DateTime::from_timestamp(seconds, 0);
    date.map_or_else(
        || "at an unknown time".to_owned(),
        |date| date.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

impl Row {
    /// Of a document, for the node `own`.
    pub(super) fn of(entry: Entry, own: &str) -> Self {
        let author = if entry.author == own {
            "you".to_owned()
        } else {
            entry.author[..8].to_owned()
        };
        Self {
            subject: plain::title(&entry.subject),
            author,
            date: date(entry.created),
            comments: entry.comments,
            read: entry.read,
            bookmarked: entry.bookmarked,
            mode: entry.mode.unwrap_or_default(),
            id: entry.id,
        }
    }
}

impl Twig {
    fn of(branch: Branch, own: &str) -> Self {
        Self {
            row: Row::of(branch.entry, own),
            below: branch
                .below
                .into_iter()
                .map(|it| Self::of(it, own))
                .collect(),
            more: branch.more,
        }
    }
}

/// The id in a path: whole, or its first digits.
pub(super) fn id(text: &str) -> Result<DocumentId, Failure> {
    let id = text::unhex(text).map(DocumentId);
    id.ok_or_else(|| {
        let message = format!("'{text}' is no document: expected an id of 64 hex digits");
        Fault::new(Class::NotFound, message).into()
    })
}

fn parse(text: &str) -> Option<DocumentId> {
    text::unhex(text).map(DocumentId)
}

struct Read {
    full: Full,
    own: String,
    above: Vec<Entry>,
    elsewhere: Vec<String>,
    attached: Vec<Entry>,
    branches: Vec<Branch>,
    total: usize,
    draft: Option<String>,
    latest: i64,
}

fn read(reader: &Reader, id: DocumentId, from: usize) -> Result<Read, Fault> {
    let full = reader.full(&id)?;
    let (mut above, mut elsewhere) = (Vec::new(), Vec::new());
    for parent in full.parents.iter().filter_map(|text| parse(text)) {
        match reader.if_held(&parent)? {
            Some(entry) => above.push(entry),
            None => elsewhere.push(parent.to_string()),
        }
    }
    let mut attached = Vec::new();
    for child in full.children.iter().filter_map(|text| parse(text)) {
        attached.extend(reader.if_held(&child)?);
    }
    let (branches, total) = reader.branches(&id, from)?;
    Ok(Read {
        own: reader.own()?,
        draft: reader.draft(Some(&id))?,
        latest: reader.latest()?,
        full,
        above,
        elsewhere,
        attached,
        branches,
        total,
    })
}

/// The page of a document as it is now.
pub(super) async fn page(
    web: &Arc<Web>,
    session: &Session,
    id: DocumentId,
    from: usize,
) -> Result<Shown, Failure> {
    let read = web
        .look(session, move |reader| read(reader, id, from))
        .await?;
    let own = read.own;
    let author = read.full.entry.author.clone();
    let is_file = |branch: &Branch| {
        branch.entry.author == author
            && branch.below.is_empty()
            && branch.entry.subject.starts_with(attachment::FIRST)
    };
    let (files, branches): (Vec<_>, Vec<_>) = read.branches.into_iter().partition(is_file);
    let file = FileRow::of(&read.full.body);
    let rows = |entries: Vec<Entry>| entries.into_iter().map(|it| Row::of(it, &own)).collect();
    let row = Row::of(read.full.entry, &own);
    let mut page = Page::of(session, "/d", &row.subject);
    page.live = format!("/live?since={}", read.latest);
    Ok(Shown {
        page,
        own: author == own,
        author,
        body: match &file {
            Some(_) => String::new(),
            None => markup::render(plain::below_title(&read.full.body, &row.subject)),
        },
        file,
        above: rows(read.above),
        elsewhere: read.elsewhere,
        attached: rows(read.attached),
        files: rows(files.into_iter().map(|it| it.entry).collect()),
        twigs: branches.into_iter().map(|it| Twig::of(it, &own)).collect(),
        total: read.total,
        earlier: (from > 0).then(|| from.saturating_sub(DIRECT)),
        later: (from + DIRECT < read.total).then_some(from + DIRECT),
        text: read.draft.unwrap_or_default(),
        preview: None,
        row,
    })
}

/// What was done, by the word in an address.
fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "without-file" => "Stored on this node, but the file was not: put it into a reply below.",
        "stored" => "Stored on this node. It spreads to the peers in its network by itself.",
        "draft" => "The draft is kept on this node; nobody else has it.",
        "joined" => "Joining: the document shows here when a peer has sent it.",
        "read" => "Marked as read.",
        "unread" => "Marked as unread.",
        "bookmarked" => "Bookmarked: this node keeps the document.",
        "unbookmarked" => "No longer bookmarked.",
        "followed" => "Followed. The peers in its network learn of it.",
        "unfollowed" => {
            "No longer followed. The document stays here as a bookmark; what came with it goes."
        }
        "muted" => "Documents of this author that come from now on are hidden from you.",
        "linked" => "Linked: it now stands below the other document.",
        _ => return None,
    })
}

/// Shows a document.
///
/// # Errors
/// It is not here.
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    Query(part): Query<Part_>,
) -> Result<Response, Failure> {
    let mut shown = page(&web, &session, id(&path)?, part.from).await?;
    shown.page.said = said(&part.said).map(str::to_owned);
    Ok(render(&shown))
}

/// What to do with a document.
#[derive(Deserialize)]
pub(super) struct Deed {
    #[serde(default, rename = "do")]
    deed: String,
}

/// Does something with a document.
///
/// # Errors
/// The account refuses.
pub(super) async fn act(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
    Form(deed): Form<Deed>,
) -> Result<Response, Failure> {
    let id = id(&path)?;
    let document = Id(id);
    let (request, word) = match deed.deed.as_str() {
        "read" => (Request::Read { document, on: true }, "read"),
        "unread" => (
            Request::Read {
                document,
                on: false,
            },
            "unread",
        ),
        "bookmark" => (Request::Bookmark { document, on: true }, "bookmarked"),
        "unbookmark" => (
            Request::Bookmark {
                document,
                on: false,
            },
            "unbookmarked",
        ),
        "follow" => (part(document, Part::Follow), "followed"),
        "subscribe" => (part(document, Part::Subscribe), "followed"),
        "unfollow" => {
            // Nothing else may want it: then it would go while its reader looks at it.
            let keep = Request::Bookmark { document, on: true };
            web.ask(&session, keep).await?;
            (part(document, Part::Hold), "unfollowed")
        }
        "forget" => (Request::Forget { document }, "forgotten"),
        "mute" => (mute(&web, &session, id).await?, "muted"),
        _ => {
            let text = "choose what to do with the document: nothing was changed";
            return Err(Fault::new(Class::Usage, text).into());
        }
    };
    match web.ask(&session, request).await {
        Ok(_) if word == "forgotten" => Ok(Redirect::to("/").into_response()),
        Ok(_) => Ok(Redirect::to(&format!("/d/{id}?said={word}")).into_response()),
        Err(failure) => {
            let mut shown = page(&web, &session, id, 0).await?;
            shown.page = shown.page.with_problem(failure.message());
            Ok(again(&shown))
        }
    }
}

fn part(document: Id, mode: Part) -> Request {
    Request::Subscribe { document, mode }
}

async fn mute(web: &Arc<Web>, session: &Session, id: DocumentId) -> Result<Request, Failure> {
    let author = web
        .look(session, move |reader| Ok(reader.full(&id)?.entry.author))
        .await?;
    let author = text::unhex(&author).map(|bytes| Node(NodeId(bytes)));
    let author = author.ok_or_else(|| Fault::new(Class::Store, "the author's id is damaged"))?;
    Ok(Request::BlockAuthor { author, on: true })
}
