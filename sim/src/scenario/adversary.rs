//! `[[adversary]]`: nodes that misbehave on purpose.

use super::error::Problem;
use super::model::{Adversary, Cast};
use super::reader::Reader;
use super::tree::Table;
use crate::adversary::BEHAVIORS;
use std::time::Duration;

const KEYS: &[&str] = &[
    "behaviors",
    "share",
    "count",
    "nodes",
    "victim",
    "from",
    "until",
    "rate",
];
const CASTS: [&str; 3] = ["share", "count", "nodes"];
/// Fastest that an adversary acts by itself, times a second. More would only make runs long:
/// a link takes no more than `rate_limit` messages a second.
const MOST_RATE: f64 = 10_000.0;

/// Reads one `[[adversary]]` of a scenario of this length with so many nodes (`None`: known only later).
pub(crate) fn read(
    table: &Table,
    duration: Duration,
    nodes: Option<usize>,
) -> Result<Adversary, Problem> {
    let reader = Reader::open(table, "[[adversary]]", KEYS)?;
    let most = nodes.unwrap_or(usize::MAX);
    let (from, until) = times(&reader, duration)?;
    Ok(Adversary {
        behaviors: behaviors(&reader)?,
        cast: cast(&reader, most)?,
        victim: reader.count("victim", 0, most - 1)?,
        from,
        until,
        rate: rate(&reader)?,
    })
}

fn behaviors(reader: &Reader<'_>) -> Result<Vec<&'static str>, Problem> {
    let words = reader.words("behaviors", &BEHAVIORS)?;
    if words.is_empty() {
        return Err(
            Problem::new(reader.at("behaviors"), "this adversary does nothing").note(format!(
                "expected behaviors = [\"…\"], out of {}",
                BEHAVIORS.join(", ")
            )),
        );
    }
    let known = |word: &String| BEHAVIORS.into_iter().find(|known| known == word);
    Ok(words.iter().filter_map(known).collect())
}

fn cast(reader: &Reader<'_>, most: usize) -> Result<Cast, Problem> {
    let given: Vec<_> = CASTS.into_iter().filter(|key| reader.has(key)).collect();
    let &[key] = given.as_slice() else {
        let problem = match given.last() {
            Some(last) => reader.refuse(last, "names hostile nodes a second time"),
            None => Problem::new(reader.at("share"), "this adversary is nobody"),
        };
        return Err(
            problem.note("expected exactly one of share = \"10%\", count = 5, nodes = [3, 4]")
        );
    };
    match key {
        "share" => Ok(Cast::Share(reader.share(key)?.unwrap_or(0.0))),
        "count" => Ok(Cast::Count(reader.count(key, 1, most)?.unwrap_or(1))),
        _ => Ok(Cast::Nodes(reader.counts(key, most - 1)?)),
    }
}

fn times(reader: &Reader<'_>, duration: Duration) -> Result<(Duration, Option<Duration>), Problem> {
    let from = reader.duration("from")?.unwrap_or_default();
    if from > duration {
        return Err(reader
            .refuse("from", "lies after the end of the scenario")
            .note("expected a time within `duration`"));
    }
    match reader.duration("until")? {
        Some(until) if until <= from => Err(reader.refuse("until", "must be after `from`")),
        until => Ok((from, until)),
    }
}

fn rate(reader: &Reader<'_>) -> Result<f64, Problem> {
    match reader.number("rate")? {
        Some(rate) if rate <= 0.0 || rate > MOST_RATE => Err(reader
            .refuse("rate", &format!("must be above 0 and at most {MOST_RATE}"))
            .note("it is how often in a second an adversary acts by itself")),
        rate => Ok(rate.unwrap_or(1.0)),
    }
}
