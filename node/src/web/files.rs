//! Files in posts: what a form sends with its text, and files given as downloads. A file is a
//! document of its own (`attachment`) that stands below the message with which it came.

use super::attachment::Attachment;
use super::document;
use super::failure::{self, Failure};
use super::session::Session;
use super::{Web, write};
use crate::fault::{Class, Fault};
use axum::body::Bytes;
use axum::extract::{Form, FromRequest, Multipart, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use cliqueclique_core::DocumentId;
use serde::Deserialize;
use std::sync::Arc;

/// What was typed, what to do with it, and a file that comes along.
#[derive(Default, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) text: String,
    #[serde(default, rename = "do")]
    pub(super) deed: String,
    /// Its name and content.
    #[serde(skip)]
    file: Option<(String, Bytes)>,
}

impl FromRequest<Arc<Web>> for Written {
    type Rejection = Failure;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Failure> {
        let kind = request.headers().get(CONTENT_TYPE);
        let parts = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
        if parts {
            return Self::in_parts(request, web).await;
        }
        let form = Form::from_request(request, web).await;
        let Form(typed) =
            form.map_err(|error| failure::refused(error.status(), &error.body_text()))?;
        Ok(typed)
    }
}

impl Written {
    async fn in_parts(request: Request, web: &Arc<Web>) -> Result<Self, Failure> {
        let parts = Multipart::from_request(request, web).await;
        let mut parts =
            parts.map_err(|error| failure::refused(error.status(), &error.body_text()))?;
        let wrong = |error: axum::extract::multipart::MultipartError| {
            failure::refused(error.status(), &error.body_text())
        };
        let mut typed = Self::default();
        while let Some(part) = parts.next_field().await.map_err(wrong)? {
            match part.name() {
                Some("text") => typed.text = part.text().await.map_err(wrong)?,
                Some("do") => typed.deed = part.text().await.map_err(wrong)?,
                Some("file") => {
                    let name = part.file_name().unwrap_or_default().to_owned();
                    let bytes = part.bytes().await.map_err(wrong)?;
                    // Browsers send an empty part where no file was chosen.
                    let chosen = !(name.is_empty() && bytes.is_empty());
                    typed.file = chosen.then_some((name, bytes));
                }
                Some(_) | None => {}
            }
        }
        Ok(typed)
    }

    /// The file, made fit to be published; looked at before anything is changed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn file(&mut self) -> Result<Option<Attachment>, Failure> {
        let file = self.file.take().map(|(name, bytes)| fit(&name, &bytes));
        file.transpose()
    }
}

/// A file that is fit to be published.
///
/// # Errors
/// What is wrong with it.
pub(super) fn fit(name: &str, bytes: &[u8]) -> Result<Attachment, Failure> {
    let file = Attachment::new(name, bytes.to_vec());
    file.map_err(|text| Fault::new(Class::Usage, text).into())
}

/// Publishes a file below a document; gives its id.
///
/// # Errors
/// The account refuses.
pub(super) async fn publish(
    web: &Arc<Web>,
    session: &Session,
    below: DocumentId,
    file: &Attachment,
) -> Result<String, Failure> {
    write::store(web, session, Some(below), file.body()).await
}

/// The file that a document is.
///
/// # Errors
/// The document is not here, or none.
pub(super) async fn of(
    web: &Arc<Web>,
    session: &Session,
    id: DocumentId,
) -> Result<Response, Failure> {
    let body = web
        .look(session, move |reader| Ok(reader.full(&id)?.body))
        .await?;
    let file = Attachment::parse(&body)
        .ok_or_else(|| Fault::new(Class::NotFound, format!("the document {id} is no file")))?;
    let headers = file.headers();
    let mut answer = file.bytes.into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    Ok(answer)
}

/// Gives a file to be saved.
///
/// # Errors
/// The document is not here, or no file.
pub(super) async fn download(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
) -> Result<Response, Failure> {
    of(&web, &session, document::id(&path)?).await
}
