//! The forum in the browser: pages made on this side, over the same store and the same requests as
//! the command line. It knows nothing of the protocol.
//!
//! Every request passes the gate (`gate`: host, origin, headers) before it is routed. Pages of
//! users ask for a `Session`; what they read comes from read-only connections, what they change
//! goes to the account's runner (`Web::ask`), or to the store's thread if it is about the web alone.

pub(crate) mod admin;
mod adopt;
mod api;
mod assets;
pub(crate) mod attachment;
mod document;
mod failure;
pub(crate) mod feed;
mod files;
mod forums;
mod gate;
pub(crate) mod graph;
mod help;
mod join;
mod live;
pub(crate) mod markup;
mod network;
mod page;
pub(crate) mod password;
mod pool;
pub(crate) mod public;
mod search;
mod session;
pub(crate) mod settings;
mod sign;
pub(crate) mod tokens;
mod transfer;
mod welcome;
mod write;
mod you;

use crate::clock::{Clock, entropy};
use crate::control::Desk;
use crate::control::request::{Line, Request};
use crate::fault::{Class, Fault};
use crate::hosting::Hosting;
use crate::store::ask::Reader;
use crate::store::users;
use crate::text;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};
use failure::Failure;
use pool::Pool;
use rusqlite::{Connection, Transaction};
use serde_json::Value;
use session::Session;
use settings::Listen;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// Longest body of a request, bytes: a document of 128 KiB as a form sends it, every byte escaped.
const LONGEST: usize = 512 * 1024;
/// The same where people write: what is too long for a document is shown to them again.
const LONGEST_TEXT: usize = 4 * 1024 * 1024;

/// What pages share.
pub(crate) struct Web {
    hosting: Arc<Hosting>,
    desk: Desk,
    pool: Pool,
    /// Places of those who read.
    readers: Semaphore,
    /// Names under which it may be asked.
    hosts: Vec<String>,
    /// Name of the cookie: other nodes on this machine have others, since ports do not part them.
    cookie: String,
    /// Hash of the token that lets the first user in, until there is one.
    welcome: Mutex<Option<[u8; 32]>>,
    /// Passwords hashed at once: each takes 19 MiB.
    hashing: Semaphore,
    attempts: password::Attempts,
    transfers: transfer::Transfers,
}

/// Opens the forum in the browser, if the settings want one; gives its address, with a token if
/// there is no user yet.
///
/// # Errors
/// It cannot listen where the settings say.
pub(crate) async fn open(hosting: Arc<Hosting>, desk: Desk) -> Result<Option<String>, Fault> {
    let place = hosting.settings.web.place();
    let place = place.map_err(|error| Fault::new(Class::Usage, error))?;
    let Some(listener) = listen(place).await? else {
        return Ok(None);
    };
    let failed = |error: std::io::Error| Fault::new(Class::Failed, error.to_string());
    let here = listener.local_addr().map_err(failed)?;
    let web = Web {
        pool: Pool::of(&hosting.folder),
        readers: Semaphore::new(pool::READERS),
        hosts: names(here, &hosting.settings.web.hosts),
        cookie: cookie(&hosting.folder),
        welcome: Mutex::new(None),
        hashing: Semaphore::new(1),
        attempts: password::Attempts::default(),
        transfers: transfer::Transfers::default(),
        desk,
        hosting,
    };
    transfer::tidy(&web.hosting.folder);
    let new = web.pool.read(users::all)?.is_empty();
    let url = if new {
        let token = text::hex(&entropy().map_err(failed)?);
        web.expect(Some(hash(&token)));
        format!("http://{here}/welcome?token={token}")
    } else {
        format!("http://{here}/")
    };
    let stop = web.desk.stop.subscribe();
    let pages = router(Arc::new(web));
    tokio::spawn(async move {
        let mut stop = stop;
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        // Without it the node goes on; the log says why.
        if let Err(error) = axum::serve(listener, pages)
            .with_graceful_shutdown(stopped)
            .await
        {
            tracing::error!("the forum in the browser ended: {error}");
        }
    });
    Ok(Some(url))
}

fn router(web: Arc<Web>) -> Router {
    let pages = Router::new()
        .route("/", get(forums::list))
        .route("/welcome", get(welcome::ask).post(welcome::make))
        .route("/welcome/file", posted_file(adopt::welcome))
        .route("/sign-in", get(sign::ask).post(sign::begin))
        .route("/sign-out", post(sign::end))
        .route("/start", get(help::start))
        .route("/help", get(help::show))
        .route("/out", get(help::out))
        .route("/bookmarks", get(forums::bookmarks))
        .route("/new", get(write::ask).merge(written(write::forum)))
        .route("/join", get(join::ask).post(join::join))
        .route("/d/{id}", get(document::show).post(document::act))
        .route("/d/{id}/reply", written(write::reply))
        .route("/d/{id}/file", get(files::download))
        .route("/d/{id}/export", get(transfer::pages::export))
        .route("/d/{id}/link", post(write::link))
        .route("/d/{id}/network", get(network::of_document))
        .route("/status", get(network::status))
        .route("/activity", get(network::activity))
        .route("/block", post(network::block))
        .route("/live", get(live::stream))
        .route("/you", get(you::show))
        .route("/you/password", post(you::password))
        .route("/you/sessions", post(you::revoke))
        .route("/users", get(admin::show).post(admin::change))
        .route("/users/add", post(admin::add))
        .route("/users/file", posted_file(adopt::add))
        .route("/users/remove", get(admin::doom).post(admin::remove))
        .route("/files", get(transfer::pages::show))
        .route("/files/live", get(transfer::pages::live))
        .route("/files/account", post(transfer::pages::account))
        .route("/files/change", post(transfer::pages::change))
        .route("/files/import", streamed(transfer::pages::import))
        .route("/search", get(search::ask))
        .route("/feed.atom", get(search::atom))
        .route("/tokens", get(tokens::list).post(tokens::make))
        .route("/tokens/revoke", post(tokens::revoke))
        .merge(api::router())
        .merge(assets::router())
        .fallback(failure::nothing)
        .layer(DefaultBodyLimit::max(LONGEST));
    let pages = pages.layer(from_fn(failure::as_page));
    gate::before(pages.with_state(web.clone()), web)
        .layer(CatchPanicLayer::custom(failure::panicked))
}

/// Takes long texts.
fn written<T: 'static>(answer: impl Handler<T, Arc<Web>>) -> MethodRouter<Arc<Web>> {
    post(answer).layer(DefaultBodyLimit::max(LONGEST_TEXT))
}

/// Takes the file of an account.
fn posted_file<T: 'static>(answer: impl Handler<T, Arc<Web>>) -> MethodRouter<Arc<Web>> {
    post(answer).layer(DefaultBodyLimit::max(adopt::LARGEST))
}

/// Takes files that are written down piece by piece, by a bound of their own.
fn streamed<T: 'static>(answer: impl Handler<T, Arc<Web>>) -> MethodRouter<Arc<Web>> {
    post(answer).layer(DefaultBodyLimit::disable())
}

async fn listen(place: Listen) -> Result<Option<TcpListener>, Fault> {
    let bind = async |place: SocketAddr| {
        TcpListener::bind(place).await.map_err(|error| {
            let message = format!(
                "the forum in the browser cannot listen at {place}: {error}; change web.listen in {}",
                crate::settings::FILE
            );
            Fault::new(Class::Failed, message)
        })
    };
    match place {
        Listen::Off => Ok(None),
        Listen::At(place) => bind(place).await.map(Some),
        Listen::Auto(place) => match bind(place).await {
            Ok(listener) => Ok(Some(listener)),
            // Another node on this machine has it: any other port does.
            Err(_) => bind(SocketAddr::new(place.ip(), 0)).await.map(Some),
        },
    }
}

/// The names of a place, as browsers write them.
fn names(here: SocketAddr, more: &[String]) -> Vec<String> {
    let port = here.port();
    let mut names = vec![here.to_string()];
    if here.ip().is_loopback() {
        names.push(format!("localhost:{port}"));
    }
    names.extend(more.iter().map(|name| name.to_ascii_lowercase()));
    names
}

fn cookie(folder: &std::path::Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    format!("cliqueclique-{}", text::hex(&hash[..6]))
}

/// What is kept of a secret that a browser has.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(Clock::wall().0).unwrap_or(i64::MAX)
}

impl Web {
    /// Sets the token with which the first user comes in.
    fn expect(&self, token: Option<[u8; 32]>) {
        *self.welcome.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// True if this is the token with which the first user comes in.
    fn expects(&self, token: &str) -> bool {
        let known = self.welcome.lock().unwrap_or_else(PoisonError::into_inner);
        *known == Some(hash(token))
    }

    /// Reads the store, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// What `what` says.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let web = self.clone();
        // The semaphore is never closed.
        let _place = self.readers.acquire().await;
        wait(move || web.pool.read(what)).await
    }

    /// Reads the store for a session's account, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// What `what` says.
    pub(crate) async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        session: &Session,
        what: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let (web, account) = (self.clone(), session.user.name.clone());
        // The semaphore is never closed.
        let _place = self.readers.acquire().await;
        wait(move || web.pool.reader(&account, what)).await
    }

    /// Changes what the store has of the web alone, in one transaction.
    ///
    /// # Errors
    /// What `what` says; nothing was changed then.
    pub(crate) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let web = self.clone();
        wait(move || web.hosting.store.errand(what)).await
    }

    /// Asks a session's account; when a change is answered, it is durable.
    ///
    /// # Errors
    /// The account's refusal.
    pub(crate) async fn ask(&self, session: &Session, request: Request) -> Result<Value, Failure> {
        let account = session.user.name.clone();
        Ok(self.desk.pass_on(Line { account, request }).await?)
    }
}

/// Does what may block on a thread for that.
async fn wait<T: Send + 'static>(
    what: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(what).await;
    let crashed = || Fault::new(Class::Failed, "a page crashed: this is a bug");
    Ok(done.unwrap_or_else(|_| Err(crashed()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_by_its_own_names_and_those_of_the_settings() {
        let more = ["Forum.Example:8467".to_owned()];
        let place = "127.0.0.1:80".parse().expect("a place");
        let expected = ["127.0.0.1:80", "localhost:80", "forum.example:8467"];
        assert_eq!(names(place, &more), expected);
        let place = "192.0.2.1:80".parse().expect("a place");
        assert_eq!(names(place, &[]), ["192.0.2.1:80"]);
    }
}
