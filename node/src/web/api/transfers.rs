//! Files for programs: what goes out, what comes in, and how far it is.

use super::{Answer, Caller, well};
use crate::fault::{Class, Fault};
use crate::web::Web;
use crate::web::transfer::{self, Form, Import, Receiving, State as Standing, pages};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::routing::{MethodRouter, delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_stream::StreamExt;

/// What can be asked about files.
pub(super) fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Web>>)> {
    vec![
        ("get", "/documents/{id}/export", get(export)),
        ("post", "/account/export", post(account)),
        ("get", "/imports", get(imports)),
        ("post", "/imports", post(import)),
        ("post", "/imports/{file}", post(go_on)),
        ("delete", "/imports/{file}", delete(discard)),
    ]
}

/// A form.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    form: String,
}

async fn export(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Answer {
    let id = web
        .look(&caller.0, move |reader| reader.resolve(&id))
        .await?;
    let form = if which.form.is_empty() {
        "thread"
    } else {
        &which.form
    };
    Ok(transfer::export(&web, &caller.0, id, Form::of(form)?).await?)
}

/// What opens the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    passphrase: String,
}

async fn account(State(web): State<Arc<Web>>, caller: Caller, body: Bytes) -> Answer {
    let sealed: Sealed = super::typed(&body)?;
    Ok(transfer::account(&web, &caller.0, sealed.passphrase).await?)
}

fn told(import: Import) -> Value {
    let (state, done, of, id, text) = match import.state {
        Standing::Running(done, of) => ("running", done, of, None, None),
        Standing::Here(id, text) => ("done", 0, 0, id, Some(text)),
        Standing::Failed(text) => ("stopped", 0, 0, None, Some(text)),
    };
    json!({
        "import": import.file, "name": import.name, "state": state, "done": done, "of": of,
        "id": id, "message": text,
    })
}

async fn imports(State(web): State<Arc<Web>>, caller: Caller) -> Answer {
    let all = transfer::imports(&web, &caller.0).await?;
    well(&all.into_iter().map(told).collect::<Vec<_>>())
}

/// What a file is called, and where its mails go.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
    #[serde(default)]
    forum: String,
    #[serde(default)]
    below: String,
}

async fn import(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Query(named): Query<Named>,
    body: Body,
) -> Answer {
    let mut pieces = body.into_data_stream();
    let mut file = Receiving::begin(&web, &caller.0).await?;
    while let Some(piece) = pieces.next().await {
        let cut = |error| Fault::new(Class::Usage, format!("the file was cut off: {error}"));
        let piece = piece
            .map_err(cut)
            .map_err(crate::web::failure::Failure::from)?;
        file = file.take(piece).await?;
    }
    let note = pages::note(&named.name, &named.forum, &named.below);
    let file = file.end(&web, &caller.0, note).await?;
    well(&json!({ "import": file }))
}

async fn go_on(State(web): State<Arc<Web>>, caller: Caller, Path(file): Path<String>) -> Answer {
    transfer::go_on(&web, &caller.0, file).await?;
    well(&json!({}))
}

async fn discard(State(web): State<Arc<Web>>, caller: Caller, Path(file): Path<String>) -> Answer {
    transfer::discard(&web, &caller.0, file).await?;
    well(&json!({}))
}
