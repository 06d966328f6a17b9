//! Commands about documents: reading goes to the store directly, everything else to the
//! running node.

use super::arguments::{AccountVerb as Verb, Forum, Wish};
use super::show::Output;
use crate::caller::Caller;
use crate::carry::files::body as file_body;
use crate::control::request::{Id, Node, Part, Request};
use crate::fault::{Class, Fault};
use crate::text::{self, Invite};
use crate::transport::Place;
use cliqueclique_core::{DocumentId, NodeId};
use serde_json::json;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether a document has come.
const LOOK: Duration = Duration::from_millis(100);

/// A command: who asks, and where the answer goes.
pub(super) struct Asker<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) output: Output,
}

impl<'a> Deref for Asker<'a> {
    type Target = Caller<'a>;

    fn deref(&self) -> &Caller<'a> {
        &self.caller
    }
}

impl<'a> Asker<'a> {
    /// One that has asked nothing yet.
    pub(super) fn new(folder: &'a Path, account: &'a str, output: Output) -> Self {
        let caller = Caller::new(folder, account);
        Self { caller, output }
    }

    /// Does a command.
    ///
    /// # Errors
    /// What was wrong; nothing is changed then.
    pub(super) fn perform(&self, verb: Verb) -> Result<(), Fault> {
        match verb {
            Verb::Status => self.status(),
            Verb::Peers => self.table(Request::Peers),
            Verb::Stop => self.simple(Request::Stop, "the node stops"),
            Verb::Overlay { document } => {
                let document = self.id(&document)?;
                self.table(Request::Overlay { document })
            }
            Verb::Invite { document } => self.invite(&document),
            Verb::Join {
                what,
                addresses,
                mode,
                wait,
            } => self.join(&what, addresses, mode, Duration::from_secs(wait)),
            Verb::Forum(Forum::New { text }) => self.write(&[], &[], text, Part::Follow),
            Verb::Post { parent, text, mode } => self.write(&[parent], &[], text, mode),
            Verb::Attach { parent, file } => {
                let body = file_body(&file)?;
                self.write(&[parent], &[], Some(body), Part::Follow)
            }
            Verb::Link {
                parent,
                child,
                text,
            } => self.write(
                &[parent],
                &[child],
                Some(text.unwrap_or_default()),
                Part::Follow,
            ),
            Verb::List { document, most } => self.list(document.as_deref(), most),
            Verb::Read {
                document,
                peek,
                unread,
            } => self.read(&document, peek, unread),
            Verb::Search { words, most } => {
                let found = self.reader()?.search(&words.join(" "), most)?;
                self.output.entries(&found);
                Ok(())
            }
            Verb::Export(what) => self.export(what),
            Verb::Import(import) => self.import_here(&import),
            Verb::Forward {
                document,
                below,
                text,
                wrap,
            } => self.forward(&document, &below, text, wrap),
            Verb::User(what) => self.user(what),
            Verb::Session(what) => self.sessions(&what),
            Verb::Token(what) => self.tokens(&what),
            Verb::Draft(what) => self.drafts(what),
            Verb::Keys => self.keys(),
            Verb::Wish(wish) => self.wish(wish),
        }
    }

    fn table(&self, request: Request) -> Result<(), Fault> {
        let answer = self.ask(request)?;
        self.output.table(&answer);
        Ok(())
    }

    fn simple(&self, request: Request, text: &str) -> Result<(), Fault> {
        let answer = self.ask(request)?;
        self.output.done(&answer, text);
        Ok(())
    }

    fn status(&self) -> Result<(), Fault> {
        let mut status = self.ask(Request::Status)?;
        status["documents"] = json!(self.reader()?.count()?);
        self.output.table(&status);
        Ok(())
    }

    fn invite(&self, text: &str) -> Result<(), Fault> {
        let id = self.id(text)?.0;
        if !self.reader()?.holds(&id)? {
            return Err(Fault::new(
                Class::NotFound,
                format!("the document {id} is not here"),
            ));
        }
        let answer = self.ask(Request::Address)?;
        let address = answer["address"].as_str().unwrap_or_default();
        let place = Place::parse(address).map_err(|error| Fault::new(Class::Failed, error))?;
        let invite = Invite {
            document: id,
            places: vec![place],
        };
        let invite = invite.to_string();
        self.output.done(&json!({ "invite": invite }), &invite);
        Ok(())
    }

    fn join(
        &self,
        what: &str,
        addresses: Vec<String>,
        mode: Part,
        wait: Duration,
    ) -> Result<(), Fault> {
        let usage = |text: String| Fault::new(Class::Usage, text);
        let (document, places) = match text::unhex(what) {
            Some(_) if addresses.is_empty() => {
                return Err(usage(
                    "an id alone is not enough: give an address (tcp:IP:PORT/KEY) too, or an \
                     invitation"
                        .to_owned(),
                ));
            }
            Some(bytes) => (DocumentId(bytes), addresses),
            None => {
                let invite = Invite::parse(what).map_err(usage)?;
                let place =
                    |place: &Place| String::from_utf8_lossy(&place.address().0).into_owned();
                let places = invite.places.iter().map(place).chain(addresses);
                (invite.document, places.collect())
            }
        };
        let answer = self.ask(Request::Join {
            document: Id(document),
            places,
            mode,
        })?;
        self.await_document(document, wait)?;
        self.output.done(&answer, &format!("joining {document}"));
        Ok(())
    }

    fn await_document(&self, document: DocumentId, wait: Duration) -> Result<(), Fault> {
        let reader = self.reader()?;
        let mut waited = Duration::ZERO;
        while waited < wait {
            if reader.holds(&document)? {
                return Ok(());
            }
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
        if wait.is_zero() || reader.holds(&document)? {
            return Ok(());
        }
        let seconds = wait.as_secs();
        let message = format!(
            "{document} did not come within {seconds} s; the node goes on trying. Is the peer \
             running, and does it have the document?"
        );
        Err(Fault::new(Class::Failed, message))
    }

    pub(super) fn write(
        &self,
        parents: &[String],
        children: &[String],
        text: Option<String>,
        mode: Part,
    ) -> Result<(), Fault> {
        let ids = |texts: &[String]| texts.iter().map(|text| self.id(text)).collect();
        let request = Request::Publish {
            parents: {
                let parents: Result<Vec<Id>, Fault> = ids(parents);
                parents?
            },
            children: {
                let children: Result<Vec<Id>, Fault> = ids(children);
                children?
            },
            body: text.map_or_else(from_input, Ok)?,
            mode,
            created: None,
            source: None,
        };
        let answer = self.ask(request)?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        self.output.done(&answer, &id);
        Ok(())
    }

    fn list(&self, document: Option<&str>, most: usize) -> Result<(), Fault> {
        let reader = self.reader()?;
        let entries = match document {
            Some(text) => reader.thread(&reader.resolve(text)?, most)?,
            None => reader.forums()?,
        };
        self.output.entries(&entries);
        Ok(())
    }

    fn read(&self, text: &str, peek: bool, unread: bool) -> Result<(), Fault> {
        let reader = self.reader()?;
        let id = reader.resolve(text)?;
        let full = reader.full(&id)?;
        let marked = if peek || full.entry.read != unread {
            Ok(json!({}))
        } else {
            let (document, on) = (Id(id), !unread);
            self.ask(Request::Read { document, on })
        };
        self.output.full(&full);
        marked.map(drop)
    }

    fn wish(&self, wish: Wish) -> Result<(), Fault> {
        let (request, text) = match wish {
            Wish::Follow { document, only } => {
                let mode = if only { Part::Subscribe } else { Part::Follow };
                let document = self.id(&document)?;
                let text = "followed; peers in its network learn of it";
                (Request::Subscribe { document, mode }, text)
            }
            Wish::Unfollow { document } => {
                let document = self.id(&document)?;
                let mode = Part::Hold;
                (Request::Subscribe { document, mode }, "no longer followed")
            }
            Wish::Bookmark { document, remove } => {
                let document = self.id(&document)?;
                let on = !remove;
                let text = if on { "kept" } else { "no longer kept" };
                (Request::Bookmark { document, on }, text)
            }
            Wish::Forget { document } => {
                let document = self.id(&document)?;
                (Request::Forget { document }, "forgotten")
            }
            Wish::Mute { author, remove } => {
                let (author, on) = (node(&author)?, !remove);
                let text = if on { "hidden" } else { "no longer hidden" };
                (Request::BlockAuthor { author, on }, text)
            }
            Wish::Block { peer, remove } => {
                let (peer, on) = (node(&peer)?, !remove);
                let text = if on { "refused" } else { "no longer refused" };
                (Request::BlockPeer { peer, on }, text)
            }
        };
        self.simple(request, text)
    }
}

fn node(text: &str) -> Result<Node, Fault> {
    let bytes = text::unhex(text).ok_or_else(|| {
        let message = format!("'{text}' is no node id: expected 32 hex digits, as `peers` shows");
        Fault::new(Class::Usage, message)
    })?;
    Ok(Node(NodeId(bytes)))
}

/// The text from the input, without the line feed at its end.
fn from_input() -> Result<String, Fault> {
    let mut text = String::new();
    let failed = |error: std::io::Error| {
        Fault::new(
            Class::Usage,
            format!("the text on the input is no UTF-8 text: {error}"),
        )
    };
    std::io::stdin().read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
