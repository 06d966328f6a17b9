//! `user`, `session`, `token` and `draft`: what the store has of people. It is written here; a node
//! that runs looks, and starts and ends accounts by itself.

use super::arguments::{Draft, Opens, Session, Token, User};
use super::ask::Asker;
use super::carry::secret;
use crate::control::client;
use crate::control::request::Request;
use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings::{self, Account, Settings};
use crate::store::tokens::{self, Opens as Opened};
use crate::store::users::{self, User as Known};
use crate::store::{self, removal, tree};
use crate::text;
use crate::transport::i2p;
use crate::web::{admin, now, password, tokens as made};
use rusqlite::Transaction;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether a running node has ended an account, and for how long.
const LOOK: (Duration, u32) = (Duration::from_millis(100), 300);

impl Asker<'_> {
    fn change<T>(
        &self,
        what: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        store::change(self.folder, what)
    }

    fn named(&self, name: &str) -> Result<Known, Fault> {
        let none = || {
            let text =
                format!("there is no user '{name}': `user list` has all, `user add` makes one");
            Fault::new(Class::NotFound, text)
        };
        self.change(|store| users::named(store, name))?
            .ok_or_else(none)
    }

    /// Users.
    pub(super) fn user(&self, what: User) -> Result<(), Fault> {
        match what {
            User::List => self.list_users(),
            User::Add {
                name,
                listen,
                password_file,
            } => self.add_user(&name, listen, password_file.as_deref()),
            User::Suspend { name } => self.suspend(&name, true),
            User::Resume { name } => self.suspend(&name, false),
            User::Password {
                name,
                password_file,
            } => {
                let user = self.named(&name)?;
                let hash = self.new_password(password_file.as_deref())?;
                self.change(|store| users::set_password(store, user.number, &hash, None))?;
                self.output.done(&json!({}), "the password is set");
                Ok(())
            }
            User::Remove { name, yes } => self.remove(&name, yes),
        }
    }

    fn list_users(&self) -> Result<(), Fault> {
        let all = self.change(|store| users::all(store))?;
        let shown: Vec<_> = all.iter().map(Known::shown).collect();
        let state = |user: &Known| match (user.admin, user.suspended) {
            (true, _) => "administrator",
            (false, true) => "suspended",
            (false, false) => "active",
        };
        let lines: Vec<String> = all
            .iter()
            .map(|user| format!("{}  {}", user.name, state(user)))
            .collect();
        self.output.done(&json!(shown), &lines.join("\n"));
        Ok(())
    }

    fn new_password(&self, file: Option<&Path>) -> Result<String, Fault> {
        let new = secret("Password", file, true)?;
        password::fits(&new, &new)?;
        password::hashed(&new)
    }

    fn add_user(
        &self,
        name: &str,
        listen: Option<String>,
        password_file: Option<&Path>,
    ) -> Result<(), Fault> {
        let usage = |text: String| Fault::new(Class::Usage, text);
        settings::name_fits(name).map_err(usage)?;
        let settings = Settings::read(self.folder)?;
        let known = settings.accounts.iter().any(|account| account.name == name);
        let listen = match listen.as_deref() {
            Some("tcp") => folder::free_place()?,
            Some(listen) => listen.to_owned(),
            None => i2p::SCHEME.to_owned(),
        };
        let account = Account {
            name: name.to_owned(),
            listen,
            announce: None,
        };
        account.check(settings.transport).map_err(usage)?;
        let hash = self.new_password(password_file)?;
        let user = self.change(|store| {
            if !known {
                users::host(store, name, &account.listen)?;
            }
            users::add(store, name, &hash, now())
        })?;
        self.output
            .done(&user.shown(), &format!("the user '{name}' is here"));
        Ok(())
    }

    fn suspend(&self, name: &str, on: bool) -> Result<(), Fault> {
        let user = self.named(name)?;
        if on && user.admin {
            let text = "the administrator cannot be suspended: nobody could undo it";
            return Err(Fault::new(Class::Refused, text));
        }
        self.change(|store| users::suspend(store, user.number, on))?;
        let text = if on { "suspended" } else { "let in again" };
        self.output.done(&json!({}), text);
        Ok(())
    }

    fn remove(&self, name: &str, yes: bool) -> Result<(), Fault> {
        let user = self.named(name)?;
        admin::removable(&Settings::read(self.folder)?, &user)?;
        if !yes && !meant(name)? {
            return Err(Fault::new(Class::Usage, "nothing was changed"));
        }
        self.change(|store| users::suspend(store, user.number, true))?;
        self.until_ended(name)?;
        // The keys first: nobody who gets the name later may get them.
        folder::drop_keys(self.folder, name)?;
        self.change(|store| removal::remove(store, &user))?;
        self.output
            .done(&json!({}), &format!("the user '{name}' is gone"));
        Ok(())
    }

    /// A node that runs ends the account of who is suspended.
    fn until_ended(&self, name: &str) -> Result<(), Fault> {
        for _ in 0..LOOK.1 {
            match client::ask(self.folder, name, &Request::Address) {
                Ok(_) => std::thread::sleep(LOOK.0),
                Err(fault) if matches!(fault.class, Class::NotRunning | Class::NotFound) => {
                    return Ok(());
                }
                Err(fault) => return Err(fault),
            }
        }
        let text = format!(
            "the node does not end the account '{name}': the user is suspended, and nothing is \
             destroyed; stop the node, and try again"
        );
        Err(Fault::new(Class::Failed, text))
    }

    /// Sessions of the account's user.
    pub(super) fn sessions(&self, what: &Session) -> Result<(), Fault> {
        let user = self.named(self.account)?.number;
        match what {
            Session::List => {
                let all = self.change(|store| users::sessions(store, user))?;
                let shown: Vec<_> = all.iter().map(users::Session::shown).collect();
                let lines: Vec<String> = all
                    .iter()
                    .map(|it| format!("{}  {}", text::hex(&it.token), it.agent))
                    .collect();
                self.output.done(&json!(shown), &lines.join("\n"));
            }
            Session::End { session } => {
                let token = hash("session", session)?;
                self.change(|store| users::end(store, user, &token))?;
                self.output.done(&json!({}), "signed out");
            }
        }
        Ok(())
    }

    /// Tokens of the account's user.
    pub(super) fn tokens(&self, what: &Token) -> Result<(), Fault> {
        let user = self.named(self.account)?.number;
        match what {
            Token::List => {
                let all = self.change(|store| tokens::all(store, user))?;
                let shown: Vec<_> = all.iter().map(tokens::Token::shown).collect();
                let opens = |feeds| if feeds { "feeds" } else { "api" };
                let lines: Vec<String> = all
                    .iter()
                    .map(|it| format!("{}  {}  {}", it.hash, opens(it.feeds), it.name))
                    .collect();
                self.output.done(&json!(shown), &lines.join("\n"));
            }
            Token::New { name, opens } => {
                let opens = match opens {
                    Opens::Feeds => Opened::Feeds,
                    Opens::Api => Opened::Api,
                };
                let token = self.change(|store| made::made(store, user, name, opens))?;
                self.output.done(&json!({ "token": token }), &token);
            }
            Token::Revoke { token } => {
                let hash = hash("token", token)?;
                self.change(|store| tokens::revoke(store, user, &hash))?;
                self.output.done(&json!({}), "revoked");
            }
        }
        Ok(())
    }

    /// Drafts of the account.
    pub(super) fn drafts(&self, what: Draft) -> Result<(), Fault> {
        match what {
            Draft::List => {
                let all = self.reader()?.drafts()?;
                let line = |it: &tree::Draft| {
                    let below = it.below.as_deref().unwrap_or("a new forum");
                    let first = it.text.lines().next().unwrap_or_default();
                    format!("{below}  {first}")
                };
                let lines: Vec<String> = all.iter().map(line).collect();
                self.output.done(&json!(all), &lines.join("\n"));
            }
            Draft::Keep { text, below } => {
                let below = below.map(|id| self.reader()?.resolve(&id)).transpose()?;
                self.change(|store| {
                    tree::keep_draft(store, self.account, below.as_ref(), &text, now())
                })?;
                self.output.done(&json!({}), "kept");
            }
        }
        Ok(())
    }
}

fn hash(what: &str, digits: &str) -> Result<[u8; 32], Fault> {
    let none = || Fault::new(Class::NotFound, format!("there is no {what} '{digits}'"));
    text::unhex(digits).ok_or_else(none)
}

/// Asks whether somebody means it.
fn meant(name: &str) -> Result<bool, Fault> {
    if !std::io::stdin().is_terminal() {
        let text = "this destroys the account for good: say --yes if you mean it";
        return Err(Fault::new(Class::Usage, text));
    }
    // A terminal that is gone answers nothing.
    let _ = write!(
        std::io::stderr(),
        "This destroys keys and documents of '{name}' for good. Type the name to go on: "
    );
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    Ok(read.is_ok() && typed.trim() == name)
}
