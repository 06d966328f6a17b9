//! The JSON API: what pages show and do, for programs, with a token instead of a session. Changes
//! are the requests of the command line's socket ([`Request`]), so both can do the same.
//! `openapi.json` describes it; a test compares the two.

mod people;
mod transfers;

use super::failure::Failure;
use super::session::Session;
use super::{Web, files, hash};
use crate::control::request::Request;
use crate::fault::{Class, Fault};
use crate::store::tokens::{self, Opens};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, body::Bytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// The description.
const OPENAPI: &str = include_str!("../../openapi.json");
/// Documents in an answer unless more are asked for, and at most.
const USUAL: usize = 100;
const MOST: usize = 10_000;

/// All that can be asked: method, path, who answers.
fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Web>>)> {
    let mut all = documents();
    all.extend(transfers::table());
    all.extend(people::table());
    all
}

/// What can be asked about documents.
fn documents() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Web>>)> {
    vec![
        ("get", "/openapi.json", get(description)),
        (
            "get",
            "/status",
            get(async |web, caller| ask(web, caller, Request::Status).await),
        ),
        (
            "get",
            "/peers",
            get(async |web, caller| ask(web, caller, Request::Peers).await),
        ),
        (
            "get",
            "/address",
            get(async |web, caller| ask(web, caller, Request::Address).await),
        ),
        ("get", "/forums", get(forums)),
        ("get", "/documents/{id}", get(document)),
        ("get", "/documents/{id}/thread", get(thread)),
        ("get", "/documents/{id}/network", get(network)),
        ("get", "/documents/{id}/file", get(file)),
        ("post", "/documents/{id}/files", post(attach)),
        ("get", "/search", get(search)),
        ("post", "/requests", post(request)),
    ]
}

/// The routes, below `/api/v1`.
pub(super) fn router() -> Router<Arc<Web>> {
    let all = table().into_iter();
    let routes = all.fold(Router::new(), |router, (_, path, answer)| {
        router.route(path, answer)
    });
    Router::new().nest("/api/v1", routes)
}

/// Who has a token that opens everything.
pub(super) struct Caller(Session);

/// A failure as JSON.
pub(super) struct Refusal(Failure);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = told(self.0.status(), &json!({ "message": self.0.message() }));
        if self.0.status() == StatusCode::UNAUTHORIZED {
            answer
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

fn told(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

type Answer = Result<Response, Refusal>;

fn well(value: &impl Serialize) -> Answer {
    Ok(told(StatusCode::OK, value))
}

fn wrong(message: impl Into<String>) -> Refusal {
    Refusal(Fault::new(Class::Usage, message).into())
}

impl FromRequestParts<Arc<Web>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let token = hash(token.unwrap_or_default().trim());
        let owner = web
            .read(move |store| tokens::owner(store, &token, Opens::Api))
            .await?;
        let user = owner.ok_or_else(|| {
            let text = "no token that opens the API: send `Authorization: Bearer TOKEN`; tokens are \
                        made on the page “Programs and feeds”";
            Failure::of(StatusCode::UNAUTHORIZED, text)
        })?;
        Ok(Self(Session { user, token }))
    }
}

async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn ask(State(web): State<Arc<Web>>, caller: Caller, request: Request) -> Answer {
    well(&web.ask(&caller.0, request).await?)
}

async fn forums(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    well(&web.look(&caller.0, |reader| reader.forums()).await?)
}

async fn document(State(web): State<Arc<Web>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let read = web.look(&caller.0, move |reader| reader.full(&reader.resolve(&id)?));
    well(&read.await?)
}

/// Words, and how many are wanted.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    most: Option<String>,
}

impl Asked {
    fn most(&self) -> Result<usize, Refusal> {
        let Some(text) = &self.most else {
            return Ok(USUAL);
        };
        let most = text.parse().ok().filter(|most| (1..=MOST).contains(most));
        most.ok_or_else(|| wrong(format!("most: '{text}' is no number from 1 to {MOST}")))
    }
}

async fn thread(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let most = asked.most()?;
    let read = web.look(&caller.0, move |reader| {
        reader.thread(&reader.resolve(&id)?, most)
    });
    well(&read.await?)
}

async fn network(State(web): State<Arc<Web>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id = web
        .look(&caller.0, move |reader| reader.resolve(&id))
        .await?;
    let document = crate::control::request::Id(id);
    well(&web.ask(&caller.0, Request::Overlay { document }).await?)
}

/// The file that a document is.
async fn file(State(web): State<Arc<Web>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id = web
        .look(&caller.0, move |reader| reader.resolve(&id))
        .await?;
    Ok(files::of(&web, &caller.0, id).await?)
}

/// What a file is called.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// Publishes a file below a document.
async fn attach(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(named): Query<Named>,
    body: Bytes,
) -> Answer {
    let id = web
        .look(&caller.0, move |reader| reader.resolve(&id))
        .await?;
    let file = files::fit(&named.name, &body)?;
    let id = files::publish(&web, &caller.0, id, &file).await?;
    well(&json!({ "id": id, "name": file.name, "type": file.kind, "bytes": file.bytes.len() }))
}

async fn search(State(web): State<Arc<Web>>, caller: Caller, Query(asked): Query<Asked>) -> Answer {
    let most = asked.most()?;
    super::search::catch_up(&web, &caller.0).await?;
    let read = web.look(&caller.0, move |reader| reader.search(&asked.q, most));
    well(&read.await?)
}

/// What a body says.
fn typed<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| wrong(format!("this is no request: {error}; nothing was changed")))
}

/// A request as the command line sends it.
async fn request(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    let request: Request = typed(&body)?;
    if matches!(request, Request::Stop) && !caller.0.user.admin {
        let text = "only the administrator may stop the node: nothing was changed";
        return Err(Failure::of(StatusCode::FORBIDDEN, text).into());
    }
    let answer: Value = web.ask(&caller.0, request).await?;
    well(&answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
        assert!(
            document["openapi"]
                .as_str()
                .is_some_and(|version| version.starts_with("3.1"))
        );
        let paths = document["paths"].as_object().expect("paths");
        let described = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").keys();
            methods.map(move |method| (method.clone(), path.clone()))
        });
        let described: BTreeSet<(String, String)> = described.collect();
        let served = table()
            .into_iter()
            .map(|(method, path, _)| (method.to_owned(), path.to_owned()));
        assert_eq!(described, served.collect());
    }

    #[test]
    fn the_description_has_every_request_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let all = document["components"]["schemas"]["Request"]["oneOf"]
            .as_array()
            .expect("requests");
        for one in all {
            let example = one["examples"][0].clone();
            let properties = one["properties"].as_object().expect("properties");
            let fields = example.as_object().expect("an example");
            assert_eq!(
                properties.keys().collect::<Vec<_>>(),
                fields.keys().collect::<Vec<_>>()
            );
            serde_json::from_value::<Request>(example).expect("a request");
        }
        let error = serde_json::from_str::<Request>("{\"do\":\"fly\"}")
            .expect_err("none")
            .to_string();
        let known = error.matches('`').count() / 2 - 1;
        assert_eq!(known, all.len(), "{error}");
    }
}
