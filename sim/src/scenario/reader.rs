//! Typed access to one table of a scenario. Opening it refuses unknown keys;
//! every getter names the key, its place and what it expects when it refuses.

use super::error::{Problem, Spot, suggest};
use super::tree::{Data, Table, Value};
use super::units;
use std::time::Duration;

/// One table, its title for messages, and the keys that it may have.
pub(crate) struct Reader<'a> {
    table: &'a Table,
    keys: &'static [&'static str],
}

type Read<T> = Result<Option<T>, Problem>;

impl<'a> Reader<'a> {
    /// Refuses keys other than `keys`.
    pub(crate) fn open(
        table: &'a Table,
        title: &str,
        keys: &'static [&'static str],
    ) -> Result<Self, Problem> {
        match table
            .entries
            .iter()
            .find(|(key, _)| !keys.contains(&key.as_str()))
        {
            Some((key, (at, _))) => Err(suggest(
                Problem::new(at, format!("unknown key `{key}` in {title}")),
                key,
                keys,
            )),
            None => Ok(Self { table, keys }),
        }
    }

    /// Where the value of `key` stands, or the table if it is not there.
    pub(crate) fn at(&self, key: &str) -> &Spot {
        self.table
            .entries
            .get(key)
            .map_or(&self.table.at, |(_, value)| &value.at)
    }

    /// True if the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        debug_assert!(
            self.keys.contains(&key),
            "{key} is asked for but not allowed"
        );
        self.table.entries.get(key).map(|(_, value)| value)
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Read<T> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        convert(value)
            .map(Some)
            .ok_or_else(|| wrong(key, value, expected))
    }

    /// A length of time.
    pub(crate) fn duration(&self, key: &str) -> Read<Duration> {
        self.read(key, units::TIME, as_duration)
    }

    /// A length of time above zero.
    pub(crate) fn interval(&self, key: &str) -> Read<Duration> {
        match self.duration(key)? {
            Some(duration) if duration.is_zero() => {
                Err(self.refuse(key, "must be longer than zero"))
            }
            found => Ok(found),
        }
    }

    /// A length of time above zero, or `"never"`.
    pub(crate) fn interval_or_never(&self, key: &str) -> Read<Option<Duration>> {
        if self.is_word(key, "never") {
            Ok(Some(None))
        } else {
            Ok(self.interval(key)?.map(Some))
        }
    }

    /// Bytes per second above zero, or `"unlimited"`.
    pub(crate) fn rate_or_unlimited(&self, key: &str) -> Read<Option<u64>> {
        if self.is_word(key, "unlimited") {
            return Ok(Some(None));
        }
        match self.read(key, units::SIZE, |value| as_size(value, true))? {
            Some(0) => Err(self
                .refuse(key, "must be above zero")
                .note("for no limit write \"unlimited\"")),
            found => Ok(found.map(Some)),
        }
    }

    fn is_word(&self, key: &str, word: &str) -> bool {
        matches!(self.value(key), Some(Value { data: Data::Text(text), .. }) if text == word)
    }

    /// A share from 0 to 1.
    pub(crate) fn share(&self, key: &str) -> Read<f64> {
        match self.read(key, units::SHARE, as_share)? {
            Some(share) if !(0.0..=1.0).contains(&share) => {
                Err(self.refuse(key, "must be between 0 and 1 (0% and 100%)"))
            }
            found => Ok(found),
        }
    }

    /// A number from zero up.
    pub(crate) fn number(&self, key: &str) -> Read<f64> {
        match self.read(key, "a number", as_number)? {
            Some(number) if number < 0.0 || !number.is_finite() => {
                Err(self.refuse(key, "must be a number from zero up"))
            }
            found => Ok(found),
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn count(&self, key: &str, least: usize, most: usize) -> Read<usize> {
        let number = self.read(key, "a whole number", as_count)?;
        match number {
            Some(number) if !(least..=most).contains(&number) => {
                Err(self.refuse(key, &format!("must be between {least} and {most}")))
            }
            found => Ok(found),
        }
    }

    /// A size in bytes.
    pub(crate) fn size(&self, key: &str) -> Read<usize> {
        self.read(key, units::SIZE, |value| {
            usize::try_from(as_size(value, false)?).ok()
        })
    }

    /// True or false.
    pub(crate) fn flag(&self, key: &str) -> Read<bool> {
        self.read(key, "true or false", |value| match value.data {
            Data::Flag(flag) => Some(flag),
            Data::Text(_)
            | Data::Integer(_)
            | Data::Float(_)
            | Data::Date
            | Data::List(_)
            | Data::Table(_) => None,
        })
    }

    /// A string.
    pub(crate) fn text(&self, key: &str) -> Read<&'a str> {
        self.read(key, "a string", as_text)
    }

    /// One of the words in `allowed`.
    pub(crate) fn word(&self, key: &str, allowed: &[&'static str]) -> Read<&'static str> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let known = allowed.iter().find(|word| **word == text).copied();
        known
            .map(Some)
            .ok_or_else(|| unknown_word(key, text, self.at(key), allowed))
    }

    /// A list of different words out of `allowed`.
    pub(crate) fn words(
        &self,
        key: &str,
        allowed: &[&'static str],
    ) -> Result<Vec<String>, Problem> {
        let mut words = Vec::new();
        for item in self.list(key, "a list of strings")? {
            let text = as_text(item).ok_or_else(|| wrong(key, item, "a string"))?;
            if !allowed.contains(&text) {
                return Err(unknown_word(key, text, &item.at, allowed));
            }
            if words.iter().any(|word| word == text) {
                return Err(Problem::new(
                    &item.at,
                    format!("`{text}` stands twice in `{key}`"),
                ));
            }
            words.push(text.to_owned());
        }
        Ok(words)
    }

    /// A list of lengths of time, with the place of each.
    pub(crate) fn durations(&self, key: &str) -> Result<Vec<(Duration, &'a Spot)>, Problem> {
        let read = |item: &'a Value| {
            as_duration(item)
                .map(|duration| (duration, &item.at))
                .ok_or_else(|| wrong(key, item, units::TIME))
        };
        self.list(key, "a list of lengths of time")?
            .iter()
            .map(read)
            .collect()
    }

    /// Two whole numbers, the smaller first.
    pub(crate) fn range(&self, key: &str, least: usize, most: usize) -> Read<(usize, usize)> {
        let expected = format!(
            "two whole numbers from {least} to {most}, the smaller first, such as [{least}, {most}]"
        );
        self.read(key, &expected, |value| match &value.data {
            Data::List(list) if list.len() == 2 => {
                let (low, high) = (as_count(&list[0])?, as_count(&list[1])?);
                (least <= low && low <= high && high <= most).then_some((low, high))
            }
            Data::List(_) | Data::Text(_) | Data::Integer(_) | Data::Float(_) => None,
            Data::Flag(_) | Data::Date | Data::Table(_) => None,
        })
    }

    /// A list of whole numbers from 0 to `most`.
    pub(crate) fn counts(&self, key: &str, most: usize) -> Result<Vec<usize>, Problem> {
        let expected = format!("a list of whole numbers from 0 to {most}");
        let read = |item: &'a Value| {
            as_count(item)
                .filter(|&number| number <= most)
                .ok_or_else(|| wrong(key, item, &expected))
        };
        self.list(key, &expected)?.iter().map(read).collect()
    }

    fn list(&self, key: &str, expected: &str) -> Result<&'a [Value], Problem> {
        let found = self.read(key, expected, |value| match &value.data {
            Data::List(list) => Some(list.as_slice()),
            Data::Text(_)
            | Data::Integer(_)
            | Data::Float(_)
            | Data::Flag(_)
            | Data::Date
            | Data::Table(_) => None,
        })?;
        Ok(found.unwrap_or_default())
    }

    /// A table inside this one.
    pub(crate) fn table(&self, key: &str) -> Read<&'a Table> {
        self.read(key, &format!("a table: [{key}]"), as_table)
    }

    /// An array of tables.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<&'a Table>, Problem> {
        let expected = format!("tables: [[{key}]]");
        let read = |item: &'a Value| as_table(item).ok_or_else(|| wrong(key, item, &expected));
        self.list(key, &expected)?.iter().map(read).collect()
    }

    /// The latest of what may stand here as a string or as a table.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        matches!(
            self.value(key),
            Some(Value {
                data: Data::Table(_),
                ..
            })
        )
    }

    /// A problem with the value of `key`.
    pub(crate) fn refuse(&self, key: &str, message: &str) -> Problem {
        Problem::new(self.at(key), format!("`{key}` {message}"))
    }
}

fn wrong(key: &str, value: &Value, expected: &str) -> Problem {
    let found = match &value.data {
        Data::Text(text) => format!("the string \"{text}\""),
        Data::Integer(number) => format!("the number {number}"),
        Data::Float(number) => format!("the number {number}"),
        Data::Flag(_) | Data::Date | Data::List(_) | Data::Table(_) => value.data.kind().to_owned(),
    };
    Problem::new(&value.at, format!("`{key}` cannot be {found}"))
        .note(format!("expected {expected}"))
}

fn unknown_word(key: &str, text: &str, at: &Spot, allowed: &[&'static str]) -> Problem {
    suggest(
        Problem::new(at, format!("`{key}` cannot be \"{text}\"")),
        text,
        allowed,
    )
}

fn as_text(value: &Value) -> Option<&str> {
    match &value.data {
        Data::Text(text) => Some(text),
        Data::Integer(_)
        | Data::Float(_)
        | Data::Flag(_)
        | Data::Date
        | Data::List(_)
        | Data::Table(_) => None,
    }
}

fn as_table(value: &Value) -> Option<&Table> {
    match &value.data {
        Data::Table(table) => Some(table),
        Data::Text(_)
        | Data::Integer(_)
        | Data::Float(_)
        | Data::Flag(_)
        | Data::Date
        | Data::List(_) => None,
    }
}

fn as_duration(value: &Value) -> Option<Duration> {
    units::duration(as_text(value)?)
}

fn as_size(value: &Value, rate: bool) -> Option<u64> {
    match &value.data {
        Data::Integer(number) => u64::try_from(*number).ok(),
        Data::Text(text) => units::size(text, rate),
        Data::Float(_) | Data::Flag(_) | Data::Date | Data::List(_) | Data::Table(_) => None,
    }
}

fn as_share(value: &Value) -> Option<f64> {
    match &value.data {
        Data::Text(text) => units::share(text),
        Data::Integer(_) | Data::Float(_) => as_number(value),
        Data::Flag(_) | Data::Date | Data::List(_) | Data::Table(_) => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of scenarios are small")]
fn as_number(value: &Value) -> Option<f64> {
    match value.data {
        Data::Integer(number) => Some(number as f64),
        Data::Float(number) => Some(number),
        Data::Text(_) | Data::Flag(_) | Data::Date | Data::List(_) | Data::Table(_) => None,
    }
}

fn as_count(value: &Value) -> Option<usize> {
    match value.data {
        Data::Integer(number) => usize::try_from(number).ok(),
        Data::Text(_)
        | Data::Float(_)
        | Data::Flag(_)
        | Data::Date
        | Data::List(_)
        | Data::Table(_) => None,
    }
}
