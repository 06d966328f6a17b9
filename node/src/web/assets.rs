//! Files that come with the program.

use super::Web;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

const STYLE: &str = include_str!("../../templates/style.css");
const SCRIPT: &str = include_str!("../../templates/live.js");
const ICON: &str = include_str!("../../templates/icon.svg");

/// Their routes.
pub(super) fn router() -> Router<Arc<Web>> {
    Router::new()
        .route(
            "/static/style.css",
            get(async || file("text/css; charset=utf-8", STYLE)),
        )
        .route(
            "/static/live.js",
            get(async || file("text/javascript; charset=utf-8", SCRIPT)),
        )
        .route(
            "/static/icon.svg",
            get(async || file("image/svg+xml", ICON)),
        )
}

/// They change with the program only, which may be another tomorrow.
fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let kept = "public, max-age=300";
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, kept)], text)
}
