//! All settings as a node would use them, each with where it comes from.

use super::Settings;
use serde::Serialize;
use serde_json::Value;

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// Nobody said anything.
    Default,
    /// The file of settings.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    CommandLine,
}

impl Source {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::CommandLine => "command line",
        }
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Setting {
    /// Its name, with the section before it; those of an account are `account.NAME.…`.
    pub(crate) name: String,
    /// Its value; null is none.
    pub(crate) value: Value,
    /// Where it comes from.
    pub(crate) source: Source,
}

/// All settings that the text of a file means.
///
/// # Errors
/// The line of a mistake, and what was expected there.
pub(crate) fn effective(text: &str) -> Result<Vec<Setting>, String> {
    let settings = Settings::parse(text)?;
    let written: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(written).map_err(|error| error.to_string())?;
    let meant = serde_json::to_value(&settings).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    flatten("", &meant, Some(&written), &mut all);
    Ok(all)
}

fn flatten(name: &str, meant: &Value, written: Option<&Value>, all: &mut Vec<Setting>) {
    let below = |part: &str| match name {
        "" => part.to_owned(),
        _ => format!("{name}.{part}"),
    };
    match meant {
        Value::Object(fields) => {
            for (part, value) in fields {
                flatten(
                    &below(part),
                    value,
                    written.and_then(|it| it.get(part)),
                    all,
                );
            }
        }
        Value::Array(accounts) if name == "account" => {
            for (at, account) in accounts.iter().enumerate() {
                let part = account["name"].as_str().unwrap_or_default();
                flatten(
                    &below(part),
                    account,
                    written.and_then(|it| it.get(at)),
                    all,
                );
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            all.push(Setting {
                name: name.to_owned(),
                value: meant.clone(),
                source: written.map_or(Source::Default, |_| Source::File),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_says_where_it_comes_from() {
        let text = "log = \"warn\"\n[[account]]\nname = \"me\"\n[limits]\nlinks = 9\n\
                    [web]\nhosts = [\"a\"]\n";
        let all = effective(text).expect("right");
        let of = |name: &str| {
            let found = all.iter().find(|setting| setting.name == name);
            let found = found.unwrap_or_else(|| panic!("{name} in {all:?}"));
            (found.value.to_string(), found.source)
        };
        assert_eq!(of("log"), ("\"warn\"".to_owned(), Source::File));
        assert_eq!(of("limits.links"), ("9".to_owned(), Source::File));
        assert_eq!(of("web.hosts"), ("[\"a\"]".to_owned(), Source::File));
        assert_eq!(of("limits.upload"), ("0".to_owned(), Source::Default));
        assert_eq!(of("transport"), ("\"auto\"".to_owned(), Source::Default));
        assert_eq!(of("public.listen"), ("null".to_owned(), Source::Default));
        let own = of("account.me.listen");
        assert_eq!(own, ("\"i2p\"".to_owned(), Source::Default));
        assert_eq!(of("account.me.name").1, Source::File);
        assert!(effective("[limits]\nlinks = \"many\"").is_err());
    }

    #[test]
    fn what_is_shown_is_a_file_of_the_same_settings() {
        let all = effective("[[account]]\nname = \"me\"").expect("right");
        let named = all.iter().filter(|it| !it.name.starts_with("account."));
        for setting in named.filter(|it| !it.value.is_null()) {
            // JSON's texts, numbers and lists are TOML's.
            let line = format!(
                "{} = {}\n[[account]]\nname = \"me\"",
                setting.name, setting.value
            );
            // The account of the public website must be there.
            if setting.name != "public.account" {
                Settings::parse(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
