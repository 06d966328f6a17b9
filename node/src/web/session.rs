//! Who asks: the cookie, and the user whose it is. A page of users has a [`Session`] among its
//! arguments, a page of the administrator an [`Admin`].

use super::failure::Failure;
use super::{Web, hash, now};
use crate::clock::entropy;
use crate::fault::{Class, Fault};
use crate::store::users::{self, User};
use crate::text;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

/// A session that was not used for so long is over, seconds.
const OVER: i64 = 90 * 86_400;
/// Its last use is written down at most so often, seconds.
const NOTED: i64 = 600;
/// What is kept of a browser's own name, characters.
const AGENT: usize = 160;

/// A user who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Who.
    pub(crate) user: User,
    /// Hash of the cookie.
    pub(crate) token: [u8; 32],
}

/// An administrator who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Admin(pub(crate) Session);

/// Why there is no session.
pub(crate) enum Refusal {
    /// Sign in first.
    SignIn(Method, String),
    /// Something else.
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(Method::GET, path) => {
                Redirect::to(&format!("/sign-in?next={}", escaped(&path))).into_response()
            }
            Self::SignIn(..) => {
                let text = "you have not signed in, or were signed out meanwhile: nothing was \
                            changed. Sign in on another page of the browser, go back, and try again";
                Failure::of(StatusCode::UNAUTHORIZED, text).into_response()
            }
            Self::Failure(failure) => failure.into_response(),
        }
    }
}

impl FromRequestParts<Arc<Web>> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let missing = || {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            Refusal::SignIn(parts.method.clone(), path.to_owned())
        };
        let token = given(&parts.headers, &web.cookie).ok_or_else(missing)?;
        let token = hash(token);
        let found = web
            .read(move |store| users::in_session(store, &token))
            .await?;
        let now = now();
        let (user, used) = found
            .filter(|(user, used)| !user.suspended && now - used < OVER)
            .ok_or_else(missing)?;
        if now - used > NOTED {
            // A session that cannot be noted is one all the same.
            let _ = web
                .write(move |store| users::used(store, &token, now))
                .await;
        }
        Ok(Self { user, token })
    }
}

impl FromRequestParts<Arc<Web>> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Refusal> {
        let session = Session::from_request_parts(parts, web).await?;
        if session.user.admin {
            return Ok(Self(session));
        }
        let text = "this page is for the administrator, who was the first user here";
        Err(Failure::of(StatusCode::FORBIDDEN, text).into())
    }
}

/// The token in the cookies of a request.
fn given<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|cookie| cookie.to_str().ok())
        .flat_map(|cookie| cookie.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

/// Text as part of a query.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let mut escaped = String::new();
    for byte in text.bytes() {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

/// Begins a session and goes on to a page.
///
/// # Errors
/// The store cannot be written.
pub(super) async fn begin(
    web: &Arc<Web>,
    user: i64,
    headers: &HeaderMap,
    to: &str,
) -> Result<Response, Failure> {
    let secret = entropy().map_err(|error| Fault::new(Class::Failed, error.to_string()))?;
    let secret = text::hex(&secret);
    let token = hash(&secret);
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let agent: String = agent.unwrap_or_default().chars().take(AGENT).collect();
    web.write(move |store| users::begin(store, user, &token, &agent, now()))
        .await?;
    Ok(going(&web.cookie, &secret, OVER, to))
}

/// An answer that sets (or with no age, drops) the cookie and goes on to a page.
pub(super) fn going(cookie: &str, secret: &str, age: i64, to: &str) -> Response {
    // Strict: a page of another site cannot even link into a session.
    let cookie = format!("{cookie}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}");
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for (name, value) in [(SET_COOKIE, cookie.as_str()), (LOCATION, to)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cookie_of_this_node_counts() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("ax=1; a=2"));
        headers.append(COOKIE, HeaderValue::from_static("b=3=4"));
        assert_eq!(given(&headers, "a"), Some("2"));
        assert_eq!(given(&headers, "b"), Some("3=4"));
        assert_eq!(given(&headers, "c"), None);
    }

    #[test]
    fn what_stands_in_a_query_ends_nothing() {
        assert_eq!(escaped("/a?b=c&d é"), "/a%3Fb%3Dc%26d%20%C3%A9");
    }
}
