//! Failures as pages: what was wrong, and how to mend it.

use super::page::{Page, render};
use crate::fault::{Class, Fault};
use askama::Template;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;

/// A page that cannot be shown, or a change that was not made.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    /// A failure with a status.
    pub(crate) fn of(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What was wrong, for a form that is shown again.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let status = match fault.class {
            Class::NotFound => StatusCode::NOT_FOUND,
            Class::Usage => StatusCode::UNPROCESSABLE_ENTITY,
            Class::Refused | Class::Duplicate => StatusCode::CONFLICT,
            Class::NotRunning | Class::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Class::Failed | Class::Store => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::of(status, fault.message)
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Shown {
    page: Page,
    message: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Failed");
        let shown = Shown {
            page: Page::bare(title),
            message: sentence(&self.message),
        };
        (self.status, render(&shown)).into_response()
    }
}

/// With a capital letter and a full stop.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let mut text = first.unwrap_or_default() + letters.as_str();
    if !text.ends_with(['.', '?', '!', '/']) {
        text.push('.');
    }
    text
}

/// A page that is not there.
pub(super) async fn nothing(uri: Uri) -> Failure {
    let message = format!("there is no page at {}", uri.path());
    Failure::of(StatusCode::NOT_FOUND, message)
}

/// Longest message of the framework that is shown, bytes.
const MESSAGE: usize = 4_096;

/// What was refused before a page looked at it, such as a form that is too long, as a page; for
/// programs as JSON.
pub(super) async fn as_page(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE);
    let plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !response.status().is_client_error() || !plain {
        return response;
    }
    let status = response.status();
    let told = to_bytes(response.into_body(), MESSAGE).await;
    let told = told.unwrap_or_default();
    let failure = refused(status, &String::from_utf8_lossy(&told));
    if api {
        return super::api::Refusal::from(failure).into_response();
    }
    failure.into_response()
}

/// What the framework refused.
pub(super) fn refused(status: StatusCode, told: &str) -> Failure {
    let message = if status == StatusCode::PAYLOAD_TOO_LARGE {
        "this is too much at once: nothing was changed. Go back, where what you typed still is, and \
         send less"
            .to_owned()
    } else {
        format!("{told}: nothing was changed")
    };
    Failure::of(status, message)
}

/// A page crashed.
#[allow(clippy::needless_pass_by_value, reason = "as the layer calls it")]
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let text = "a page crashed: this is a bug; the node goes on";
    Failure::of(StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
