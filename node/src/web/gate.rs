//! What every request passes before it is routed: is this one of our names (else a page of
//! somebody else may have pointed its own name here, and read us)? Does a change come from a page of
//! ours? And what every answer carries, so that no page can be framed, or load from elsewhere.

use super::Web;
use super::failure::Failure;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::csrf::CsrfLayer;

/// Scripts come from one place only, and fetch from here only: without them all works, with them
/// new documents show themselves. Everything else may not come from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCES: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Puts the gate before pages. They are a service of their own, so that nothing is routed before.
pub(super) fn before(pages: Router, web: Arc<Web>) -> Router {
    let csrf = CsrfLayer::new().with_rejection_response(|_| foreign().into_response());
    Router::new()
        .fallback_service(pages)
        .layer(from_fn(origin))
        .layer(csrf)
        .layer(from_fn_with_state(web, host))
        .layer(from_fn(headers))
}

async fn host(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let named = |name: &&HeaderValue| {
        let name = name.to_str().unwrap_or_default().to_ascii_lowercase();
        web.hosts.contains(&name)
    };
    let mut all = request.headers().get_all(HOST).iter();
    let known = all.next().as_ref().is_some_and(named) && all.next().is_none();
    if known {
        return next.run(request).await;
    }
    let told = request.headers().get(HOST).and_then(|it| it.to_str().ok());
    let message = format!(
        "this node does not go by the name '{}'. If that name is yours, add it to web.hosts in {} \
         and start the node again; otherwise use http://{}/",
        told.unwrap_or_default(),
        crate::settings::FILE,
        web.hosts.first().map_or("", String::as_str),
    );
    Failure::of(StatusCode::MISDIRECTED_REQUEST, message).into_response()
}

/// `CsrfLayer` lets through what says nothing of where it comes from. Browsers always say; so a
/// change without a word is none of a browser's, and has no business with a session.
async fn origin(request: Request, next: Next) -> Response {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let silent =
        |headers: &HeaderMap| headers.get(ORIGIN).is_none() && headers.get(FETCH_SITE).is_none();
    let token = request.uri().path().starts_with("/api/");
    if !safe && !token && silent(request.headers()) {
        return foreign().into_response();
    }
    next.run(request).await
}

fn foreign() -> Failure {
    let text = "this change was asked for by a page of another site, or by a program: nothing was \
                changed. Open the forum's own page and try there; programs use the API";
    Failure::of(StatusCode::FORBIDDEN, text)
}

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let set = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // With "no-referrer" browsers send `Origin: null` with forms, which counts as foreign.
        (REFERRER_POLICY, "same-origin"),
        (OPENER, "same-origin"),
        (RESOURCES, "same-origin"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
