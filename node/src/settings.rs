//! Settings: a TOML file in the data folder. Everything has a default.

pub(crate) mod effective;

use crate::fault::{Class, Fault};
use crate::metrics;
use crate::portable;
use crate::transport::i2p::{self, Tunnels};
use crate::transport::tcp::Reach;
use crate::web;
use crate::web::public;
use cliqueclique_core::Config;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// File in the data folder.
pub(crate) const FILE: &str = "settings.toml";

/// All settings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// The accounts; each is a node of its own.
    #[serde(rename = "account", default)]
    pub(crate) accounts: Vec<Account>,
    /// How to reach others.
    #[serde(default)]
    pub(crate) transport: Which,
    /// What the node writes on its error output.
    #[serde(default)]
    pub(crate) log: Level,
    /// I2P.
    #[serde(default)]
    pub(crate) i2p: I2p,
    /// TCP.
    #[serde(default)]
    pub(crate) tcp: Tcp,
    /// Limits.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Figures for Prometheus.
    #[serde(default)]
    pub(crate) metrics: metrics::Settings,
    /// The forum in the browser.
    #[serde(default)]
    pub(crate) web: web::settings::Settings,
    /// The public website.
    #[serde(default)]
    pub(crate) public: public::Settings,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Account {
    /// Its name, which also names its key file.
    pub(crate) name: String,
    /// Where it takes connections: `i2p` or `tcp:IP:PORT`. It dials only there, too.
    #[serde(default = "over_i2p")]
    pub(crate) listen: String,
    /// What it tells others instead, if they reach it elsewhere: `tcp:IP:PORT`.
    pub(crate) announce: Option<String>,
}

fn over_i2p() -> String {
    i2p::SCHEME.to_owned()
}

/// Which transports the node uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Which {
    /// What the accounts listen on; for I2P the router that answers, or else, if the build
    /// has it, one of its own.
    #[default]
    Auto,
    /// I2P only, through a router that somebody runs.
    I2p,
    /// TCP only.
    Tcp,
}

/// What is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// What makes the node useless.
    Error,
    /// What somebody should look at.
    Warn,
    /// What happens rarely.
    #[default]
    Info,
    /// For finding faults; names peers.
    Debug,
}

/// Settings of I2P.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct I2p {
    /// Host of a router's SAM bridge.
    pub(crate) sam_host: String,
    /// Its port.
    pub(crate) sam_port: u16,
    /// Routers on the way, each direction, 1 to 7.
    pub(crate) hops: u8,
    /// Ways side by side, 1 to 16.
    pub(crate) tunnels: u8,
    /// The router of our own.
    #[cfg(feature = "embedded-router")]
    pub(crate) router: i2p::embedded::Own,
}

impl Default for I2p {
    fn default() -> Self {
        // Where routers have it, and their own defaults.
        Self {
            sam_host: "127.0.0.1".to_owned(),
            sam_port: 7656,
            hops: 3,
            tunnels: 2,
            #[cfg(feature = "embedded-router")]
            router: i2p::embedded::Own::default(),
        }
    }
}

impl I2p {
    /// As sessions want it.
    pub(crate) fn tunnels(&self) -> Tunnels {
        Tunnels {
            hops: self.hops,
            count: self.tunnels,
        }
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=7).contains(&self.hops) {
            return Err("i2p.hops must be 1 to 7".to_owned());
        }
        if !(1..=16).contains(&self.tunnels) {
            return Err("i2p.tunnels must be 1 to 16".to_owned());
        }
        Ok(())
    }
}

/// Settings of TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Tcp {
    /// How far it goes: loopback, private, anywhere.
    pub(crate) reach: Reach,
}

/// Least limit of bandwidth, kB per second: what is under way must get through before a link
/// counts as dead.
const LEAST_BANDWIDTH: u64 = 16;

/// Limits of each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    /// Most neighbours per document, 2 to 64.
    pub(crate) peers_per_document: usize,
    /// Most links at once.
    pub(crate) links: usize,
    /// Most documents in memory at once.
    pub(crate) documents: usize,
    /// Networks that nothing touched for so long leave the memory, seconds.
    pub(crate) cold_after: u64,
    /// Most bytes sent, kB per second; 0 is no limit.
    pub(crate) upload: u64,
    /// Most bytes received, kB per second; 0 is no limit.
    pub(crate) download: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let core = Config::default();
        Self {
            peers_per_document: core.max_peers,
            links: core.max_links,
            documents: core.max_documents,
            cold_after: 600,
            upload: 0,
            download: 0,
        }
    }
}

impl Limits {
    /// The core's settings.
    pub(crate) fn config(&self) -> Config {
        let core = Config::default();
        Config {
            max_peers: self.peers_per_document,
            min_peers: core.min_peers.min(self.peers_per_document),
            max_links: self.links,
            max_documents: self.documents,
            ..core
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.cold_after == 0 {
            return Err("limits.cold-after must be at least 1 (second)".to_owned());
        }
        for (name, rate) in [("upload", self.upload), ("download", self.download)] {
            if (1..LEAST_BANDWIDTH).contains(&rate) {
                return Err(format!(
                    "limits.{name} must be 0 (no limit) or at least {LEAST_BANDWIDTH} (kB per second)"
                ));
            }
        }
        Ok(())
    }

    /// As a duration.
    pub(crate) fn cold_after(&self) -> Duration {
        Duration::from_secs(self.cold_after)
    }
}

impl Settings {
    /// Reads the settings of a data folder.
    ///
    /// # Errors
    /// There are none, or the line and what was expected there.
    pub(crate) fn read(folder: &Path) -> Result<Self, Fault> {
        Self::read_by(folder, Self::parse)
    }

    /// As [`Self::read`], for another use of the text.
    ///
    /// # Errors
    /// As [`Self::read`], or what `parse` says.
    pub(crate) fn read_by<T>(
        folder: &Path,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                let message = format!(
                    "there is no {}: make a data folder with `cliqueclique init`, or name \
                     another with --data",
                    path.display()
                );
                return Fault::new(Class::NotFound, message);
            }
            Fault::at(&path, "read", &error)
        })?;
        parse(&text).map_err(|error| {
            let message = format!("{}: {}", path.display(), error.trim_end());
            Fault::new(Class::Usage, message)
        })
    }

    /// Reads the text of settings.
    ///
    /// # Errors
    /// The line and what was expected there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.check()?;
        Ok(settings)
    }

    /// Names of what differs and cannot change while a node runs.
    pub(crate) fn fixed_differences(&self, new: &Self) -> Vec<&'static str> {
        // These can.
        let limits = Limits {
            cold_after: self.limits.cold_after,
            upload: self.limits.upload,
            download: self.limits.download,
            ..new.limits
        };
        let all = [
            ("account", self.accounts != new.accounts),
            ("transport", self.transport != new.transport),
            ("i2p", self.i2p != new.i2p),
            ("tcp", self.tcp != new.tcp),
            ("limits", self.limits != limits),
            ("metrics", self.metrics != new.metrics),
            ("web", self.web != new.web),
            ("public", self.public != new.public),
        ];
        let differing = all.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(name, _)| name).collect()
    }

    fn check(&self) -> Result<(), String> {
        let names: Vec<&str> = self.accounts.iter().map(|a| a.name.as_str()).collect();
        if names.is_empty() && self.web.is_off() {
            return Err(
                "there must be at least one [[account]], since web.listen is \"off\"".to_owned(),
            );
        }
        for (at, name) in names.iter().enumerate() {
            name_fits(name)?;
            if names[..at].contains(name) {
                return Err(format!("two accounts have the name '{name}'"));
            }
        }
        self.accounts
            .iter()
            .try_for_each(|account| account.check(self.transport))?;
        self.i2p.check()?;
        self.metrics.check()?;
        self.web.check()?;
        self.public.check(&names)?;
        self.limits.check()?;
        let config = self.limits.config();
        config
            .validate()
            .map_err(|error| format!("limits: {error}"))
    }
}

impl Account {
    /// True if others reach it over I2P.
    pub(crate) fn is_on_i2p(&self) -> bool {
        self.listen == i2p::SCHEME
    }

    /// Looks whether it can be used.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn check(&self, which: Which) -> Result<(), String> {
        let name = &self.name;
        let wrong = |place: &str, expected: &str| {
            Err(format!(
                "account '{name}': '{place}' is no place: expected {expected}"
            ))
        };
        let tcp = self.listen.starts_with("tcp:");
        match which {
            Which::Auto if !tcp && !self.is_on_i2p() => wrong(&self.listen, "i2p or tcp:IP:PORT"),
            Which::I2p if !self.is_on_i2p() => {
                wrong(&self.listen, "i2p, since `transport` is \"i2p\"")
            }
            Which::Tcp if !tcp => wrong(&self.listen, "tcp:IP:PORT, since `transport` is \"tcp\""),
            Which::Auto | Which::I2p | Which::Tcp => match self.announce.as_deref() {
                Some(_) if !tcp => Err(format!(
                    "account '{name}': announce is for tcp only; I2P destinations are the same \
                     everywhere"
                )),
                Some(place) if !place.starts_with("tcp:") => wrong(place, "tcp:IP:PORT"),
                Some(_) | None => Ok(()),
            },
        }
    }
}

/// Names are parts of file names.
///
/// # Errors
/// What a name may be.
pub(crate) fn name_fits(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if (1..=32).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(format!(
        "'{name}' is no account name: expected 1 to 32 of a-z, 0-9, - and _"
    ))
}

/// An account in the settings.
pub(crate) fn entry(name: &str, account: &portable::account::Account) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let announce = account.announce.as_deref();
    let announce = announce.map_or(String::new(), |place| {
        format!("announce = {}\n", quoted(place))
    });
    let listen = quoted(&account.listen);
    format!("\n[[account]]\nname = \"{name}\"\nlisten = {listen}\n{announce}")
}

/// Settings for an account that comes from elsewhere, in a new folder.
pub(crate) fn template_of(name: &str, account: &portable::account::Account) -> String {
    with_accounts(entry(name, account).trim_start())
}

/// What `init` writes.
pub(crate) fn template(account: &str, listen: &str) -> String {
    let account = format!(
        "[[account]]\n\
         name = \"{account}\"\n\
         listen = \"{listen}\"\n\
         # announce = \"tcp:203.0.113.7:4711\"  # if others reach it elsewhere\n"
    );
    with_accounts(&account)
}

/// What `run` writes into an empty folder: accounts are made in the browser.
pub(crate) fn template_without_account() -> String {
    with_accounts(
        "# Those that were made in the browser are in the store, not here.\n\
         # [[account]]\n\
         # name = \"me\"\n\
         # listen = \"i2p\"\n",
    )
}

fn with_accounts(accounts: &str) -> String {
    let (limits, i2p) = (Limits::default(), I2p::default());
    format!(
        "# Settings of cliqueclique. `cliqueclique config check` looks for mistakes.\n\
         \n\
         # \"i2p\": only through a router that runs; \"tcp\": no I2P; \"auto\": what accounts say.\n\
         transport = \"auto\"\n\
         # log = \"info\"            # error, warn, info or debug\n\
         \n\
         # Each account is a node of its own, with its own key (keys/NAME.key) and address.\n\
         {accounts}\
         \n\
         [i2p]\n\
         # Where a router's SAM bridge listens, and how tunnels are built (hops 1 to 7).\n\
         # sam-host = \"{}\"\n\
         # sam-port = {}\n\
         # hops = {}\n\
         # tunnels = {}\n\
         \n\
         [tcp]\n\
         # How far TCP goes: \"loopback\", \"private\" (local networks) or \"anywhere\".\n\
         reach = \"loopback\"\n\
         \n\
         [metrics]\n\
         # Figures for Prometheus, on this machine only; off without a place.\n\
         # listen = \"127.0.0.1:9464\"\n\
         \n\
         [web]\n\
         # The forum in the browser: on this machine, at 127.0.0.1:8467 or, if that is taken, at a\n\
         # free port, which `run` prints. \"IP:PORT\" is a place of your own, \"off\" is none.\n\
         # listen = \"auto\"\n\
         # Other names and ports under which browsers reach it, such as \"forum.example:8467\".\n\
         # hosts = []\n\
         \n\
         [limits]\n\
         # peers-per-document = {}    # neighbours per document, 2 to 64\n\
         # links = {}               # connections at once\n\
         # documents = {}       # documents in memory at once\n\
         # cold-after = {}          # seconds until an unused network leaves the memory\n\
         # upload = 0                # kB per second, 16 or more; 0 is no limit\n\
         # download = 0\n\
         \n\
         [public]\n\
         # A website for everybody that shows these forums of an account, and nothing else.\n\
         # listen = \"127.0.0.1:8080\"\n\
         # account = \"me\"\n\
         # address = \"https://forum.example\"  # as its readers write it\n\
         # forums = []               # ids of 64 digits\n\
         # behind-proxy = false      # true: readers are told by X-Forwarded-For\n",
        i2p.sam_host,
        i2p.sam_port,
        i2p.hops,
        i2p.tunnels,
        limits.peers_per_document,
        limits.links,
        limits.documents,
        limits.cold_after
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_right_and_means_the_defaults() {
        let settings = Settings::parse(&template("me", "tcp:127.0.0.1:1")).expect("right");
        assert_eq!(settings.limits.config(), Config::default());
        let shown = template("me", "tcp:127.0.0.1:1").replace("# links", "links");
        let shown = shown.replace("# cold", "cold").replace("# peers", "peers");
        let shown = shown.replace("# sam-", "sam-").replace("# hops", "hops");
        let shown = shown
            .replace("# tunnels", "tunnels")
            .replace("# log", "log");
        let settings =
            Settings::parse(&shown.replace("# documents =", "documents =")).expect("right");
        assert_eq!(settings.limits.config(), Config::default());
    }

    #[test]
    fn mistakes_are_named_with_place_and_expectation() {
        let good = template("me", "tcp:127.0.0.1:1");
        let cases = [
            (
                good.replace("reach", "reech"),
                vec!["line 22", "unknown field `reech`", "`reach`"],
            ),
            (
                good.replace("loopback\"\n\n", "moon\"\n\n"),
                vec!["line 22", "unknown variant `moon`", "`loopback`"],
            ),
            (
                good.replace("# links = ", "links = \"many\" #"),
                vec!["line 37", "usize"],
            ),
            (
                good.replace("# peers-per-document = ", "peers-per-document = 1 #"),
                vec!["limits", "max_peers"],
            ),
            (
                good.replace("\"me\"", "\"../me\""),
                vec!["no account name", "a-z"],
            ),
            (
                good.replace("tcp:127", "127"),
                vec!["account 'me'", "i2p or tcp:IP:PORT"],
            ),
            (
                good.replace("auto", "i2p"),
                vec!["account 'me'", "since `transport` is \"i2p\""],
            ),
            (
                good.replace("auto", "tcp")
                    .replace("tcp:127.0.0.1:1", "i2p"),
                vec!["account 'me'", "since `transport` is \"tcp\""],
            ),
            (
                good.replace("# hops = 3", "hops = 0"),
                vec!["i2p.hops must be 1 to 7"],
            ),
            (
                good.replace("tcp:127.0.0.1:1", "i2p")
                    .replace("# announce", "announce"),
                vec!["announce is for tcp only"],
            ),
            (
                format!("{good}\n[[account]]\nname = \"me\"\nlisten = \"tcp:127.0.0.1:2\"\n"),
                vec!["two accounts"],
            ),
        ];
        for (text, parts) in cases {
            let error = Settings::parse(&text).expect_err(&text);
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }
}
