//! Settings of the forum in the browser.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where it listens unless the settings say otherwise; nothing well known is at this port.
const USUAL: &str = "127.0.0.1:8467";
/// Most other names in the settings.
const MOST_HOSTS: usize = 64;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// `auto`, `off`, or IP:PORT.
    pub(crate) listen: String,
    /// Names (with ports) under which browsers reach it, besides its own.
    pub(crate) hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "auto".to_owned(),
            hosts: Vec::new(),
        }
    }
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Nowhere.
    Off,
    /// At the usual place, or a free port.
    Auto(SocketAddr),
    /// There and nowhere else.
    At(SocketAddr),
}

impl Settings {
    /// True if there is no forum in the browser.
    pub(crate) fn is_off(&self) -> bool {
        self.listen == "off"
    }

    /// Where to listen.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn place(&self) -> Result<Listen, String> {
        let parse = |text: &str| {
            text.parse::<SocketAddr>().map_err(|_| {
                format!("web.listen: '{text}' is no place: expected auto, off or IP:PORT")
            })
        };
        Ok(match self.listen.as_str() {
            "off" => Listen::Off,
            "auto" => Listen::Auto(parse(USUAL)?),
            place => Listen::At(parse(place)?),
        })
    }

    /// Looks whether they can be used.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.place()?;
        if self.hosts.len() > MOST_HOSTS {
            return Err(format!("web.hosts may have {MOST_HOSTS} names at most"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        let wrong = |host: &&String| host.is_empty() || !host.chars().all(fits);
        self.hosts.iter().find(wrong).map_or(Ok(()), |host| {
            Err(format!(
                "web.hosts: '{host}' is no name: expected NAME or NAME:PORT, as the browser's \
                 address line has it, such as \"forum.example:8467\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_are_checked() {
        let of = |listen: &str, host: &str| Settings {
            listen: listen.to_owned(),
            hosts: vec![host.to_owned()],
        };
        assert_eq!(of("off", "a").place(), Ok(Listen::Off));
        assert!(of("127.0.0.1:80", "[::1]:8467").check().is_ok());
        for (settings, part) in [
            (of("8467", "a"), "expected auto, off or IP:PORT"),
            (of("auto", "http://a/"), "'http://a/' is no name"),
            (of("auto", ""), "is no name"),
        ] {
            let error = settings.check().expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
