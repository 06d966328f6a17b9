//! Tells pages that something new is here, where JavaScript listens: one word, and the page is
//! fetched again. It says nothing of what it is.

use super::Web;
use super::session::Session;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
/// So long a page is told; its browser asks again by itself.
const WHILE: u32 = 1_200;

/// What the page has.
#[derive(Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: i64,
}

/// Waits for the first document that the page does not have.
pub(super) async fn stream(
    State(web): State<Arc<Web>>,
    session: Session,
    Query(since): Query<Since>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (tell, told) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut seen = None;
        for _ in 0..WHILE {
            let commits = web.hosting.store.health.counts().0;
            if seen != Some(commits) {
                seen = Some(commits);
                let latest = web.look(&session, |reader| reader.latest()).await;
                if latest.is_ok_and(|latest| latest > since.since) {
                    let event = Event::default().event("news").data("new");
                    // A page that is gone needs no news.
                    let _ = tell.send(Ok(event)).await;
                    return;
                }
            }
            if tell.is_closed() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::default())
}
