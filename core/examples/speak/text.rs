//! Lines in, lines out.

use bytes::Bytes;
use cliqueclique_core::view::{LinkView, OverlayView};
use cliqueclique_core::{Address, Command, Document, DocumentId, Mode, Notification};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a line asks for.
pub(crate) enum Line {
    /// A command of the core.
    Ask(Command),
    /// What is held.
    List,
    /// Break all channels.
    Cut,
}

/// The commands.
pub(crate) const COMMANDS: &str = "\
create TEXT            write a document without parents, and follow it
say ID TEXT            comment on a document
join ID ADDRESS [MODE] join a document's network at a peer
mode ID MODE           hold, subscribe or follow
bookmark ID | forget ID
list                   what is held, and links
cut                    break all channels, as a failing network does
leave                  leave every network, then end";

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads 32 bytes in hex.
pub(crate) fn unhex(text: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("'{text}' is not 64 hex digits");
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "hold" => Ok(Mode::Hold),
        "subscribe" => Ok(Mode::Subscribe),
        "" | "follow" => Ok(Mode::Follow),
        other => Err(format!(
            "'{other}' is no mode; say hold, subscribe or follow"
        )),
    }
}

/// Reads a command.
pub(crate) fn line(line: &str) -> Result<Line, String> {
    let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let (first, last) = rest.split_once(' ').unwrap_or((rest, ""));
    let id = || unhex(first).map(DocumentId);
    let publish = |parents, text: &str| Command::Publish {
        parents,
        children: Vec::new(),
        body: Bytes::from(text.to_owned()),
        mode: Mode::Follow,
        created: None,
    };
    Ok(Line::Ask(match verb {
        "create" => publish(Vec::new(), rest),
        "say" => publish(vec![id()?], last),
        "join" => {
            let (address, chosen) = last.split_once(' ').unwrap_or((last, ""));
            Command::Join {
                document: id()?,
                address: Address(Bytes::from(address.to_owned())),
                mode: mode(chosen)?,
            }
        }
        "mode" => Command::Subscribe(id()?, mode(last)?),
        "bookmark" => Command::Bookmark(id()?, true),
        "forget" => Command::Forget(id()?),
        "leave" => Command::Shutdown,
        "list" => return Ok(Line::List),
        "cut" => return Ok(Line::Cut),
        other => return Err(format!("'{other}' is no command. Commands:\n{COMMANDS}")),
    }))
}

/// News for the user.
pub(crate) fn news(news: &Notification, documents: &BTreeMap<DocumentId, Document>) -> String {
    match news {
        Notification::Done(request, Some(id)) => format!("done {} {id}", request.0),
        Notification::Done(request, None) => format!("done {}", request.0),
        Notification::Failed(request, error) => format!("failed {} {error:?}", request.0),
        Notification::Arrived { document, .. } => match documents.get(document) {
            Some(document) => arrived(document),
            None => format!("arrived {document}"),
        },
        Notification::Gone(id) => format!("gone {id}"),
        Notification::JoinDelayed(id) => format!("join delayed {id}"),
        Notification::Stopped => "stopped".to_owned(),
    }
}

fn arrived(document: &Document) -> String {
    let parents: Vec<String> = document.parents().iter().map(ToString::to_string).collect();
    let parents = if parents.is_empty() {
        "-".to_owned()
    } else {
        parents.join(",")
    };
    format!(
        "arrived {} parents {parents} author {} text {}",
        document.id(),
        document.author_id(),
        String::from_utf8_lossy(document.body()).escape_debug()
    )
}

fn lower(mode: Mode) -> String {
    format!("{mode:?}").to_lowercase()
}

/// One document's network.
pub(crate) fn overlay(view: &OverlayView) -> String {
    let neighbors: Vec<String> = view
        .neighbors
        .iter()
        .map(|n| {
            let below = if n.downstream { ",downstream" } else { "" };
            format!("{}({}{below})", n.node, lower(n.mode))
        })
        .collect();
    let upstream = view
        .upstream
        .map_or_else(|| "-".to_owned(), |n| n.to_string());
    format!(
        "{} {} tag {} {} root {} rank {:?} distance {} upstream {upstream} comments {} digest {:016x} neighbours {}",
        if view.holds { "holds" } else { "joins" },
        view.document,
        view.tag,
        lower(view.mode),
        view.root,
        view.root_rank,
        view.distance,
        view.comments.count,
        view.comments.sum,
        if neighbors.is_empty() {
            "-".to_owned()
        } else {
            neighbors.join(" ")
        },
    )
}

/// One link.
pub(crate) fn link(view: &LinkView) -> String {
    format!(
        "link {} {} documents {} round trip {} us",
        view.node,
        String::from_utf8_lossy(&view.address.0),
        view.documents,
        view.round_trip
    )
}
