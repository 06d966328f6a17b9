//! No transport at all, for a command that works on a folder where no node runs: nobody is
//! dialled and nobody taken in, but the account's address is what it will be.

use super::{Call, Deadlines, Listener, Pending, Transport};
use std::time::Duration;

/// Longer than any command takes: a peer that is not tried has not failed.
const NEVER: Duration = Duration::from_secs(86_400);

/// The transport.
#[derive(Clone, Debug)]
pub(crate) struct Silent {
    /// Scheme of the transport in whose place it stands.
    pub(crate) scheme: &'static str,
    /// Where the account will listen.
    pub(crate) place: String,
}

impl Transport for Silent {
    fn scheme(&self) -> &'static str {
        self.scheme
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines {
            connect: NEVER,
            handshake: NEVER,
            tries: 1,
        }
    }

    fn connect<'a>(&'a self, _place: &'a str) -> Pending<'a, Call> {
        Box::pin(std::future::pending())
    }

    fn listen<'a>(&'a self, _place: &'a str) -> Pending<'a, Box<dyn Listener>> {
        let ear = Ear(self.place.clone());
        Box::pin(async move { Ok(Box::new(ear) as Box<dyn Listener>) })
    }
}

struct Ear(String);

impl Listener for Ear {
    fn place(&self) -> String {
        self.0.clone()
    }

    fn accept(&mut self) -> Pending<'_, Call> {
        Box::pin(std::future::pending())
    }
}
