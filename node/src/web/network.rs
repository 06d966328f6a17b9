//! What the node does: its links, the network of a document, and why there may be nothing new.

use super::document::{self, Row};
use super::failure::Failure;
use super::page::{Page, render};
use super::session::Session;
use super::{Web, graph};
use crate::control::WELL;
use crate::control::request::{Id, Node, Request};
use crate::fault::{Class, Fault};
use crate::text;
use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use cliqueclique_core::NodeId;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// A line of figures.
struct Figure {
    name: &'static str,
    value: String,
}

/// A link or a neighbour.
struct Peer {
    node: String,
    address: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "status.html")]
struct Status {
    page: Page,
    well: bool,
    state: String,
    figures: Vec<Figure>,
    peers: Vec<Peer>,
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn plainly(value: &Value) -> String {
    match value.as_bool() {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None if value.is_null() => "none".to_owned(),
        None => text_of(value),
    }
}

fn figures(status: &Value, documents: u64) -> Vec<Figure> {
    let names = [
        ("address", "Address"),
        ("node", "Key fingerprint"),
        ("links", "Links to other nodes"),
        ("overlays_in_memory", "Networks in memory"),
        ("documents_received", "Documents received since the start"),
        (
            "documents_received_twice",
            "of them, that were here already",
        ),
        ("messages", "Messages sent since the start"),
        ("frames_sent_again", "Frames sent again"),
        ("bytes_sent", "Bytes sent"),
        ("bytes_received", "Bytes received"),
        ("violations_of_peers", "Rules broken by peers"),
    ];
    let mut all: Vec<Figure> = names
        .into_iter()
        .filter(|(key, _)| !status[*key].is_null())
        .map(|(key, name)| Figure {
            name,
            value: text_of(&status[key]),
        })
        .collect();
    all.push(Figure {
        name: "Documents held",
        value: documents.to_string(),
    });
    all.push(Figure {
        name: "Version",
        value: env!("CARGO_PKG_VERSION").to_owned(),
    });
    all
}

fn peers(links: &Value) -> Vec<Peer> {
    let links = links.as_array().into_iter().flatten();
    let peer = |link: &Value| {
        let micros = link["round_trip_microseconds"].as_u64().unwrap_or_default();
        Peer {
            node: text_of(&link["node"]),
            address: text_of(&link["address"]),
            detail: format!("{} documents, {} ms", link["documents"], micros / 1_000),
        }
    };
    links.map(peer).collect()
}

/// How the node does.
///
/// # Errors
/// It does not answer.
pub(super) async fn status(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let status = web.ask(&session, Request::Status).await?;
    let links = web.ask(&session, Request::Peers).await.unwrap_or_default();
    let documents = web.look(&session, |reader| reader.count()).await?;
    let state = text_of(&status["state"]);
    Ok(render(&Status {
        page: Page::of(&session, "/status", "Status"),
        well: state == WELL,
        state,
        figures: figures(&status, documents),
        peers: peers(&links),
    }))
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Activity {
    page: Page,
    reasons: Vec<String>,
    rows: Vec<Row>,
}

/// Why nothing may come, the likeliest first.
fn reasons(status: &Value, documents: u64) -> Vec<String> {
    let state = text_of(&status["state"]);
    let mut reasons = Vec::new();
    if state != WELL {
        reasons.push(format!("Something is wrong: {state}."));
    }
    if documents == 0 {
        reasons.push("This account has no document yet: join a forum, or start one.".to_owned());
    } else if status["links"].as_u64() == Some(0) {
        let text = "This node has no link to another node now. Peers may be off, or not reachable; \
                    it goes on calling them. With another invitation it knows more peers.";
        reasons.push(text.to_owned());
    }
    if reasons.is_empty() {
        let text = "All is well, and peers are linked: nobody wrote below what you follow. Documents \
                    that you only hold bring no comments along: follow them.";
        reasons.push(text.to_owned());
    }
    reasons
}

/// What came last, and why there may be nothing new.
///
/// # Errors
/// The node does not answer.
pub(super) async fn activity(
    State(web): State<Arc<Web>>,
    session: Session,
) -> Result<Response, Failure> {
    let status = web.ask(&session, Request::Status).await?;
    let read = web.look(&session, |reader| {
        let own = reader.own()?;
        let rows = reader.arrivals(50)?;
        let rows: Vec<Row> = rows.into_iter().map(|it| Row::of(it, &own)).collect();
        Ok((rows, reader.count()?, reader.latest()?))
    });
    let (rows, documents, latest) = read.await?;
    let mut page = Page::of(&session, "/activity", "Activity");
    page.live = format!("/live?since={latest}");
    Ok(render(&Activity {
        page,
        reasons: reasons(&status, documents),
        rows,
    }))
}

#[derive(Template)]
#[template(path = "network.html")]
struct Network {
    page: Page,
    id: String,
    figures: Vec<Figure>,
    peers: Vec<Peer>,
    invite: String,
    /// As SVG.
    picture: String,
}

/// The network of a document.
///
/// # Errors
/// It is not in memory.
pub(super) async fn of_document(
    State(web): State<Arc<Web>>,
    session: Session,
    Path(path): Path<String>,
) -> Result<Response, Failure> {
    let id = document::id(&path)?;
    let view = web
        .ask(&session, Request::Overlay { document: Id(id) })
        .await?;
    let upstream = view["upstream"].as_str().unwrap_or_default();
    let neighbors = view["neighbors"].as_array().into_iter().flatten();
    let peer = |neighbor: &Value| {
        let node = text_of(&neighbor["node"]);
        let side = match (node == upstream, neighbor["downstream"].as_bool()) {
            (true, _) => "upstream: nearer to the root",
            (false, Some(true)) => "downstream",
            (false, _) => "beside",
        };
        Peer {
            address: String::new(),
            detail: format!("{side}, {}", text_of(&neighbor["mode"])),
            node,
        }
    };
    let names = [
        ("overlay_root", "Elected root"),
        ("this_node_is_root", "This node is the root"),
        ("distance", "Distance from the root"),
        ("upstream", "Upstream neighbour"),
        ("mode", "Your part"),
        ("held", "Held here"),
        ("comments", "Comments known"),
    ];
    let figures = names.into_iter().map(|(key, name)| Figure {
        name,
        value: plainly(&view[key]),
    });
    Ok(render(&Network {
        page: Page::of(&session, "/d", "Network of a document"),
        id: id.to_string(),
        figures: figures.collect(),
        peers: neighbors.map(peer).collect(),
        invite: text_of(&view["invite"]),
        picture: graph::svg(&view),
    }))
}

/// A peer to refuse.
#[derive(Deserialize)]
pub(super) struct Refused {
    #[serde(default)]
    peer: String,
    #[serde(default)]
    on: bool,
}

/// Refuses a peer, or no longer.
///
/// # Errors
/// There is no such id.
pub(super) async fn block(
    State(web): State<Arc<Web>>,
    session: Session,
    Form(typed): Form<Refused>,
) -> Result<Response, Failure> {
    let peer = text::unhex(typed.peer.trim()).map(|bytes| Node(NodeId(bytes)));
    let peer = peer.ok_or_else(|| {
        let message = format!("'{}' is no node id: expected 32 hex digits", typed.peer);
        Fault::new(Class::Usage, message)
    })?;
    let on = typed.on;
    web.ask(&session, Request::BlockPeer { peer, on }).await?;
    Ok(Redirect::to("/status").into_response())
}
