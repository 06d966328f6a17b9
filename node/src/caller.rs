//! Who asks for an account: a command, or the node itself for its pages. Reading goes to the store;
//! everything else to whoever answers at the folder's socket, or, where no node runs, to the accounts
//! in this process.

use crate::alone::Alone;
use crate::control::client::{self, Session};
use crate::control::request::{Id, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings::Settings;
use crate::store;
use crate::store::ask::Reader;
use crate::text;
use cliqueclique_core::DocumentId;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use serde_json::Value;
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether another has let go of the folder.
const LOOK: Duration = Duration::from_millis(100);
/// How long a command waits for another that has the folder.
const BUSY: Duration = Duration::from_secs(30);

/// Who asks, and where.
pub(crate) struct Caller<'a> {
    /// The data folder.
    pub(crate) folder: &'a Path,
    /// The account.
    pub(crate) account: &'a str,
    /// The connection to who answers.
    session: RefCell<Option<Session>>,
    /// The accounts in this process, if no node runs.
    alone: RefCell<Option<Alone>>,
}

impl<'a> Caller<'a> {
    /// One that has asked nothing yet.
    pub(crate) fn new(folder: &'a Path, account: &'a str) -> Self {
        Self {
            folder,
            account,
            session: RefCell::default(),
            alone: RefCell::default(),
        }
    }

    /// Ends what was begun in this process, before the store is written by another hand.
    pub(crate) fn let_go(&self) {
        self.alone.take();
        self.session.take();
    }

    /// What the account has.
    ///
    /// # Errors
    /// There is no such account, or the store cannot be read.
    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        match Reader::open(self.folder, self.account) {
            // An account that has not run yet has nothing, and that can be told.
            Err(fault) if fault.class == Class::NotFound && self.is_set()? => {
                let secret = folder::key(self.folder, self.account)?;
                let node = Ed25519Blake3.node_id(&Ed25519Blake3.public_key(&secret));
                store::account(self.folder, self.account, node)?;
                Reader::open(self.folder, self.account)
            }
            reader => reader,
        }
    }

    /// The settings have this account.
    fn is_set(&self) -> Result<bool, Fault> {
        let settings = Settings::read(self.folder)?;
        Ok(settings.accounts.iter().any(|it| it.name == self.account))
    }

    /// A document by its id, or the first digits of one that is here.
    ///
    /// # Errors
    /// It is not here.
    pub(crate) fn id(&self, text: &str) -> Result<Id, Fault> {
        match text::unhex(text) {
            Some(bytes) => Ok(Id(DocumentId(bytes))),
            None => self.reader()?.resolve(text).map(Id),
        }
    }

    /// Asks the running node, or, where none runs, the accounts in this process.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn ask(&self, request: Request) -> Result<Value, Fault> {
        self.reach(&request)?;
        self.ask_again(&request)
    }

    /// Asks over the connection that there is.
    fn ask_again(&self, request: &Request) -> Result<Value, Fault> {
        let mut session = self.session.borrow_mut();
        let session = match &mut *session {
            Some(session) => session,
            none => none.insert(Session::open(self.folder)?),
        };
        session.ask(self.account, request)
    }

    /// As [`Caller::ask`]; again while too much is under way.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn insist(&self, request: &Request) -> Result<Value, Fault> {
        self.reach(request)?;
        let mut session = self.session.borrow_mut();
        let session = match &mut *session {
            Some(session) => session,
            none => none.insert(Session::open(self.folder)?),
        };
        session.insist(self.account, request)
    }

    /// Sees to it that somebody answers.
    ///
    /// # Errors
    /// Nobody can.
    pub(crate) fn reach(&self, request: &Request) -> Result<(), Fault> {
        let needs_node = matches!(request, Request::Status | Request::Peers | Request::Stop);
        let mut waited = Duration::ZERO;
        if self.session.borrow().is_some() {
            return Ok(());
        }
        while !needs_node && !client::answers(self.folder) {
            match Alone::start(self.folder) {
                Ok(alone) => {
                    self.alone.replace(Some(alone));
                    return Ok(());
                }
                // Another command is at work, or a node begins or ends.
                Err(fault) if fault.class == Class::Refused && waited < BUSY => {
                    std::thread::sleep(LOOK);
                    waited += LOOK;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}
