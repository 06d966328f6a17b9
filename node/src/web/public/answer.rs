//! How the public website answers: what may be kept for how long, by what it is known again, and
//! that nothing is loaded from elsewhere.

use crate::fault::{Class, Fault};
use askama::Template;
use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// How long readers, and caches on the way, may keep a page.
const KEPT: &str = "public, max-age=60";
/// Largest page, bytes: fifty documents of the largest size, as HTML.
const LARGEST: usize = 64 * 1024 * 1024;
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// As HTTP writes dates.
const DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

#[derive(Template)]
#[template(path = "public/failure.html")]
struct Failure<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page that is not there, or cannot be shown.
pub(super) fn failure(status: StatusCode, text: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Failed");
    let page = Failure { title, text };
    let mut answer = (status, html(&page, None)).into_response();
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What readers are told of a fault: nothing of the node.
pub(super) fn fault(fault: &Fault) -> Response {
    if fault.class == Class::NotFound || fault.class == Class::Usage {
        return nothing();
    }
    tracing::warn!("the public website: {fault}");
    failure(
        StatusCode::SERVICE_UNAVAILABLE,
        "This page cannot be shown now. Try again later.",
    )
}

/// Nothing is here.
pub(super) fn nothing() -> Response {
    failure(StatusCode::NOT_FOUND, "There is no such page here.")
}

/// A page, and the date of the newest that it shows.
pub(super) fn html(page: &impl Template, newest: Option<u64>) -> Response {
    match page.render() {
        Ok(text) => dated("text/html; charset=utf-8", text, newest),
        // Writing into memory does not fail.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A text of a type, and the date of the newest that it shows.
pub(super) fn dated(kind: &'static str, text: String, newest: Option<u64>) -> Response {
    let mut answer = ([(CONTENT_TYPE, kind)], text).into_response();
    let date =
        newest.and_then(|seconds| DateTime::<Utc>::from_timestamp(i64::try_from(seconds).ok()?, 0));
    let date = date.and_then(|date| HeaderValue::from_str(&date.format(DATE).to_string()).ok());
    if let Some(date) = date {
        answer.headers_mut().insert(LAST_MODIFIED, date);
    }
    answer
}

/// Adds what every answer has; nothing is sent again that the reader has.
pub(super) async fn finish(asked: &HeaderMap, answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return failure(StatusCode::INSUFFICIENT_STORAGE, "This page is too large.");
    };
    let tag = format!("\"{}\"", crate::text::hex(&Sha256::digest(&bytes)[..12]));
    let set = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", KEPT),
        ("etag", &tag),
    ];
    for (name, value) in set {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            // A file or a failure has said it more strictly.
            head.headers.entry(name).or_insert(value);
        }
    }
    if head.status == StatusCode::OK && has(asked, &tag) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

/// True if the reader has this already. A date does not tell: old documents arrive late.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|one| one.trim_start_matches("W/") == tag || one == "*")
}
