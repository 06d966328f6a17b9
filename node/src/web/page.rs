//! What all pages have: the frame around them, and how they become an answer.

use super::session::Session;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// Title.
    pub(crate) title: String,
    /// Who has signed in.
    pub(crate) user: Option<String>,
    /// They administrate.
    pub(crate) admin: bool,
    /// Path of the part of the site in which the page is.
    pub(crate) here: &'static str,
    /// What was done just now.
    pub(crate) said: Option<String>,
    /// What was wrong with the form.
    pub(crate) problem: Option<String>,
    /// Path of the stream that tells when to look again; empty if there is none.
    pub(crate) live: String,
}

impl Page {
    /// A page for somebody who has not signed in.
    pub(crate) fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// A page of a part of the site, for a user.
    pub(crate) fn of(session: &Session, here: &'static str, title: &str) -> Self {
        Self {
            user: Some(session.user.name.clone()),
            admin: session.user.admin,
            here,
            ..Self::bare(title)
        }
    }

    /// The same with what was wrong.
    pub(crate) fn with_problem(mut self, problem: &str) -> Self {
        self.problem = Some(super::failure::sentence(problem));
        self
    }

    /// The same with what was done.
    pub(crate) fn saying(mut self, said: Option<&str>) -> Self {
        self.said = said.map(str::to_owned);
        self
    }
}

/// A page as an answer.
pub(crate) fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        // Writing into memory does not fail.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A form that was wrong, shown again with what was typed.
pub(crate) fn again(template: &impl Template) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, render(template)).into_response()
}
