//! A website for everybody: chosen forums of an account, to be read only, at an address of its own.
//! It has no sessions, sets no cookies, takes nothing in, and tells nothing of the node but the
//! documents of those forums: what is not below one of them is not there.

mod answer;
mod limit;
mod pages;

use crate::fault::{Class, Fault};
use crate::store::ask::Reader;
use crate::text;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use cliqueclique_core::DocumentId;
use limit::Limit;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Pages that are made at once, each on a connection of its own to the store; more wait.
const AT_ONCE: usize = 4;
/// Most forums on the site.
const MOST_FORUMS: usize = 256;

/// Settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// Where to answer; there is no site without.
    pub(crate) listen: Option<SocketAddr>,
    /// Whose forums.
    pub(crate) account: String,
    /// The site's address as its readers write it, for feeds and the site map.
    pub(crate) address: Option<String>,
    /// The forums, by id.
    pub(crate) forums: Vec<String>,
    /// Every request comes from a proxy that names the reader in `X-Forwarded-For`.
    pub(crate) behind_proxy: bool,
}

impl Settings {
    /// Looks whether they can be used.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn check(&self, accounts: &[&str]) -> Result<(), String> {
        if self.forums.len() > MOST_FORUMS {
            return Err(format!("public.forums may have {MOST_FORUMS} ids at most"));
        }
        if let Some(wrong) = self
            .forums
            .iter()
            .find(|id| text::unhex::<32>(id).is_none())
        {
            return Err(format!(
                "public.forums: '{wrong}' is no id: expected 64 hex digits, as `cliqueclique list` \
                 shows"
            ));
        }
        let web =
            |address: &&String| address.starts_with("http://") || address.starts_with("https://");
        if let Some(address) = self.address.as_ref().filter(|address| !web(address)) {
            return Err(format!(
                "public.address: '{address}' is no address: expected such as https://forum.example"
            ));
        }
        let unknown = self.account.is_empty() && accounts.len() != 1;
        if self.listen.is_some() && unknown {
            return Err(format!(
                "public.account must say whose forums are shown: one of {}",
                accounts.join(", ")
            ));
        }
        Ok(())
    }
}

/// The site.
pub(super) struct Site {
    folder: PathBuf,
    account: String,
    address: String,
    forums: Vec<DocumentId>,
    behind_proxy: bool,
    idle: Mutex<Vec<Reader>>,
    places: Semaphore,
    limit: Limit,
}

/// Opens the site, if the settings want one; it answers until the node stops.
///
/// # Errors
/// It cannot listen there, or the account is unknown.
pub(crate) async fn open(
    folder: &Path,
    settings: &Settings,
    stop: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let Some(place) = settings.listen else {
        return Ok(());
    };
    let listener = TcpListener::bind(place).await.map_err(|error| {
        let message = format!(
            "the public website cannot listen at {place}: {error}; change public.listen in {}",
            crate::settings::FILE
        );
        Fault::new(Class::Failed, message)
    })?;
    let here = listener.local_addr().unwrap_or(place);
    let site = Arc::new(Site::new(folder, settings, here)?);
    tracing::info!("the public website is at http://{here}/");
    let mut stop = stop;
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    let service = router(site).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(stopped);
        // Without it the node goes on; the log says why.
        if let Err(error) = served.await {
            tracing::error!("the public website ended: {error}");
        }
    });
    Ok(())
}

fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::forums))
        .route("/d/{id}", get(pages::document))
        .route("/d/{id}/feed.atom", get(pages::feed))
        .route("/d/{id}/file", get(pages::file))
        .route("/out", get(pages::out))
        .route("/join", get(pages::join))
        .route("/robots.txt", get(pages::robots))
        .route("/sitemap.xml", get(pages::map))
        .route("/style.css", get(pages::style))
        .fallback(pages::nothing)
        .layer(from_fn_with_state(site.clone(), limit::layer))
        .with_state(site)
}

impl Site {
    fn new(folder: &Path, settings: &Settings, here: SocketAddr) -> Result<Self, Fault> {
        let ids = settings.forums.iter().filter_map(|id| text::unhex(id));
        let account = if settings.account.is_empty() {
            let known = crate::settings::Settings::read(folder)?;
            known
                .accounts
                .first()
                .map(|first| first.name.clone())
                .unwrap_or_default()
        } else {
            settings.account.clone()
        };
        let address = settings
            .address
            .clone()
            .unwrap_or_else(|| format!("http://{here}"));
        let first = Reader::open(folder, &account)?;
        Ok(Self {
            folder: folder.to_owned(),
            account,
            address: address.trim_end_matches('/').to_owned(),
            forums: ids.map(DocumentId).collect(),
            behind_proxy: settings.behind_proxy,
            idle: Mutex::new(vec![first]),
            places: Semaphore::new(AT_ONCE),
            limit: Limit::default(),
        })
    }

    /// Reads the store, on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&Reader, &Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let _place = self.places.acquire().await;
        let site = self.clone();
        let work = move || {
            let idle = site
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let reader = idle.map_or_else(|| Reader::open(&site.folder, &site.account), Ok)?;
            let result = what(&reader, &site);
            site.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(reader);
            result
        };
        let crashed = || Err(Fault::new(Class::Failed, "a page crashed: this is a bug"));
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| crashed())
    }

    /// The forum that a document is to be seen in, if there is one.
    fn forum_of(&self, reader: &Reader, id: &DocumentId) -> Result<Option<DocumentId>, Fault> {
        if reader.hides(id)? {
            return Ok(None);
        }
        let above = reader.above(id)?;
        Ok(self
            .forums
            .iter()
            .find(|forum| above.contains(forum))
            .copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let good = Settings {
            listen: "127.0.0.1:8080".parse().ok(),
            forums: vec!["ab".repeat(32)],
            address: Some("https://forum.example".to_owned()),
            ..Settings::default()
        };
        assert_eq!(good.check(&["me"]), Ok(()));
        assert_eq!(Settings::default().check(&["a", "b"]), Ok(()));
        let forums = |id: &str| Settings {
            forums: vec![id.to_owned()],
            ..good.clone()
        };
        let address = Settings {
            address: Some("forum.example".to_owned()),
            ..good.clone()
        };
        for (wrong, part) in [
            (forums("abc").check(&["me"]), "64 hex digits"),
            (address.check(&["me"]), "https://forum.example"),
            (good.check(&["a", "b"]), "one of a, b"),
        ] {
            let error = wrong.expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
