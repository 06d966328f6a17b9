//! Finding documents: a page, and feeds of what it would find.

use super::failure::Failure;
use super::feed::{self, Item, Source};
use super::markup::plain;
use super::page::{Page, again, render};
use super::session::Session;
use super::{Web, attachment, hash};
use crate::fault::{Class, Fault};
use crate::store::find::Wanted;
use crate::store::search as index;
use crate::store::tokens::{self, Opens};
use crate::text;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use cliqueclique_core::{Document, DocumentId, NodeId};
use serde::Deserialize;
use std::sync::Arc;

/// Hits on a page.
const PAGE: usize = 30;
/// Bytes of a body that are shown around the first hit.
const AROUND: usize = 240;

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    q: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    below: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    page: String,
    #[serde(default)]
    token: String,
}

impl Typed {
    fn wanted(&self) -> Result<Wanted, Fault> {
        let author = id("author", &self.author, 32)?.and_then(|text| text::unhex(&text));
        let below = id("forum or thread", &self.below, 64)?.and_then(|text| text::unhex(&text));
        Ok(Wanted {
            words: self.q.clone(),
            author: author.map(NodeId),
            below: below.map(DocumentId),
            since: day(&self.since)?,
            until: day(&self.until)?.map(|day| day + 86_400),
        })
    }
}

fn id(what: &str, typed: &str, digits: usize) -> Result<Option<String>, Fault> {
    let typed = typed.trim();
    let fits = typed.len() == digits && typed.chars().all(|digit| digit.is_ascii_hexdigit());
    match typed {
        "" => Ok(None),
        _ if fits => Ok(Some(typed.to_owned())),
        _ => {
            let message = format!("'{typed}' is no id of a {what}: expected {digits} hex digits");
            Err(Fault::new(Class::Usage, message))
        }
    }
}

fn day(typed: &str) -> Result<Option<i64>, Fault> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let day = NaiveDate::parse_from_str(typed, "%Y-%m-%d").ok();
    let midnight = day.and_then(|day| day.and_hms_opt(0, 0, 0));
    let wrong = || {
        Fault::new(
            Class::Usage,
            format!("'{typed}' is no date: expected YYYY-MM-DD"),
        )
    };
    midnight
        .map(|it| Some(it.and_utc().timestamp()))
        .ok_or_else(wrong)
}

struct Hit {
    id: String,
    title: String,
    author: String,
    excerpt: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Shown {
    page: Page,
    typed: Typed,
    asked: bool,
    hits: Vec<Hit>,
    before: Option<usize>,
    after: Option<usize>,
    again: String,
}

/// The form, and what was found.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn ask(
    State(web): State<Arc<Web>>,
    session: Session,
    Query(typed): Query<Typed>,
) -> Result<Response, Failure> {
    let mut shown = Shown {
        page: Page::of(&session, "/search", "Search"),
        asked: false,
        hits: Vec::new(),
        before: None,
        after: None,
        again: address(&typed),
        typed,
    };
    let wanted = match shown.typed.wanted() {
        Ok(wanted) if wanted.is_empty() => return Ok(render(&shown)),
        Ok(wanted) => wanted,
        Err(fault) => return Ok(wrong(shown, &fault.message)),
    };
    let at: usize = shown.typed.page.parse().unwrap_or_default();
    let words = wanted.words.clone();
    catch_up(&web, &session).await?;
    let found = web.look(&session, move |reader| {
        reader.find(&wanted, at.saturating_mul(PAGE), PAGE + 1)
    });
    let found = match found.await {
        Ok(found) => found,
        Err(failure) if failure.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(wrong(shown, failure.message()));
        }
        Err(failure) => return Err(failure),
    };
    shown.asked = true;
    shown.before = at.checked_sub(1);
    shown.after = (found.len() > PAGE).then_some(at.saturating_add(1));
    shown.hits = found
        .iter()
        .take(PAGE)
        .map(|document| hit(document, &words))
        .collect();
    Ok(render(&shown))
}

/// Sees to it that what is here already is found.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn catch_up(web: &Arc<Web>, session: &Session) -> Result<(), Failure> {
    let mut lags = web.look(session, |reader| reader.lags()).await?;
    while lags {
        let some = web.write(|store| {
            index::some(store).map_err(|error| {
                Fault::new(
                    Class::Failed,
                    format!("the store cannot be written: {error}"),
                )
            })
        });
        // On a disk that cannot be written the words of the latest documents are missing.
        lags = some.await.unwrap_or(false);
    }
    Ok(())
}

fn wrong(mut shown: Shown, message: &str) -> Response {
    shown.page = shown.page.with_problem(message);
    again(&shown)
}

/// The search as a query, without its page.
fn address(typed: &Typed) -> String {
    let parts = [
        ("q", &typed.q),
        ("author", &typed.author),
        ("below", &typed.below),
        ("since", &typed.since),
        ("until", &typed.until),
    ];
    let parts = parts.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = parts
        .map(|(key, value)| format!("{key}={}", plain::escape(value)))
        .collect();
    parts.join("&")
}

fn hit(document: &Document, words: &str) -> Hit {
    let body = String::from_utf8_lossy(document.body()).into_owned();
    Hit {
        id: document.id().to_string(),
        title: plain::title(&body),
        author: document.author_id().to_string(),
        excerpt: excerpt(attachment::words(&body), words),
    }
}

/// What stands around the first hit, as HTML with all hits marked. Letters are compared in lower
/// case, as far as that has as many bytes.
fn excerpt(body: &str, words: &str) -> String {
    let fold = |text: &str| -> String {
        let small = |c: char| {
            let mut lower = c.to_lowercase();
            lower
                .next()
                .filter(|low| lower.next().is_none() && low.len_utf8() == c.len_utf8())
                .unwrap_or(c)
        };
        text.chars().map(small).collect()
    };
    let tamed = plain::tame(body);
    let folded = fold(&tamed);
    let words: Vec<String> = words.split_whitespace().map(fold).collect();
    let first = words
        .iter()
        .filter_map(|word| folded.find(word.as_str()))
        .min()
        .unwrap_or(0);
    let mut start = first.saturating_sub(AROUND / 3);
    while !tamed.is_char_boundary(start) {
        start -= 1;
    }
    let shown = plain::first(&tamed[start..], AROUND);
    marked(shown, &folded[start..start + shown.len()], &words)
}

fn marked(text: &str, folded: &str, words: &[String]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < text.len() {
        let next = words.iter().filter(|word| !word.is_empty());
        let next = next.filter_map(|word| {
            folded[at..]
                .find(word.as_str())
                .map(|found| (found, word.len()))
        });
        let Some((found, length)) =
            next.min_by_key(|(found, length)| (*found, usize::MAX - length))
        else {
            break;
        };
        out += &plain::html(&text[at..at + found]);
        out += &format!(
            "<mark>{}</mark>",
            plain::html(&text[at + found..at + found + length])
        );
        at += found + length;
    }
    out + &plain::html(&text[at..])
}

/// What a search finds, as Atom, for who has a token for feeds.
///
/// # Errors
/// The token opens nothing, or the store cannot be read.
pub(super) async fn atom(
    State(web): State<Arc<Web>>,
    Query(typed): Query<Typed>,
) -> Result<Response, Failure> {
    let token = hash(&typed.token);
    let owner = web
        .read(move |store| tokens::owner(store, &token, Opens::Feeds))
        .await?;
    let user = owner.ok_or_else(|| {
        let text =
            "this address has no token that opens feeds: make one on the page “Programs and feeds”";
        Failure::of(StatusCode::UNAUTHORIZED, text)
    })?;
    let session = Session { user, token };
    let wanted = typed.wanted()?;
    catch_up(&web, &session).await?;
    let found = web
        .look(&session, move |reader| reader.find(&wanted, 0, feed::MOST))
        .await?;
    let source = source(web.hosts.first().map_or("", String::as_str), &typed, &found);
    Ok(([(CONTENT_TYPE, feed::TYPE)], feed::render(&source)).into_response())
}

fn source(host: &str, typed: &Typed, found: &[Document]) -> Source {
    let query = address(typed);
    let items = found.iter().map(|document| Item {
        id: document.id().to_string(),
        author: document.author_id().to_string(),
        created: document.created().0,
        body: String::from_utf8_lossy(document.body()).into_owned(),
        page: format!("http://{host}/d/{}", document.id()),
    });
    Source {
        title: if typed.q.is_empty() {
            "New documents".to_owned()
        } else {
            format!("Search: {}", typed.q)
        },
        name: format!("search:{query}"),
        own: format!("http://{host}/feed.atom?{query}"),
        page: format!("http://{host}/search?{query}"),
        items: items.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_marked_and_the_rest_is_escaped() {
        assert_eq!(
            excerpt("<b>Red Roses</b> & rosés", "rose"),
            "&lt;b&gt;Red <mark>Rose</mark>s&lt;/b&gt; &amp; rosés"
        );
        assert_eq!(
            excerpt("\u{202e}İstanbul ROSÉS", "rosés"),
            "İstanbul <mark>ROSÉS</mark>"
        );
        let long = format!("{} needle {}", "é".repeat(5_000), "x".repeat(5_000));
        let shown = excerpt(&long, "needle");
        assert!(
            shown.contains("<mark>needle</mark>") && shown.len() < 400,
            "{shown}"
        );
        assert_eq!(excerpt("", "a"), "");
        assert_eq!(excerpt("aaa", "a aa"), "<mark>aa</mark><mark>a</mark>");
    }

    #[test]
    fn what_was_typed_wrong_is_told() {
        let typed = |author: &str, since: &str| Typed {
            author: author.to_owned(),
            since: since.to_owned(),
            ..Typed::default()
        };
        assert!(
            typed("xyz", "")
                .wanted()
                .expect_err("wrong")
                .message
                .contains("32 hex digits")
        );
        assert!(
            typed("", "1.2.2020")
                .wanted()
                .expect_err("wrong")
                .message
                .contains("YYYY-MM-DD")
        );
        let wanted = typed(&"ab".repeat(16), "2020-01-02")
            .wanted()
            .expect("right");
        assert_eq!(wanted.since, Some(1_577_923_200));
        assert!(wanted.author.is_some());
    }
}
