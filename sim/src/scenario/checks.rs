//! `[checks]`: what is checked besides what always is.

use super::error::{Problem, suggest};
use super::model::Checks;
use super::reader::Reader;
use super::tree::Table;
use crate::check::{EVENTUALLY, SOMETIMES};
use crate::goals::FIGURES;
use std::collections::BTreeMap;
use std::time::Duration;

const KEYS: &[&str] = &[
    "every_step",
    "skip",
    "sometimes",
    "circle_bound",
    "cut_off",
    "at_most",
];

/// Reads `[checks]`.
pub(crate) fn read(table: &Table) -> Result<Checks, Problem> {
    let reader = Reader::open(table, "[checks]", KEYS)?;
    Ok(Checks {
        every_step: reader.flag("every_step")?.unwrap_or(true),
        skip: reader.words("skip", &EVENTUALLY)?,
        sometimes: reader.words("sometimes", &SOMETIMES)?,
        circle_bound: reader
            .interval("circle_bound")?
            .unwrap_or(Duration::from_secs(60)),
        cut_off: reader.share("cut_off")?.unwrap_or(0.0),
        at_most: match reader.table("at_most")? {
            Some(bounds) => at_most(bounds)?,
            None => BTreeMap::new(),
        },
    })
}

/// Reads the upper bounds on figures.
fn at_most(table: &Table) -> Result<BTreeMap<String, f64>, Problem> {
    let names: &'static [&'static str] = &FIGURES;
    if let Some((key, (at, _))) = table
        .entries
        .iter()
        .find(|(key, _)| !names.contains(&key.as_str()))
    {
        return Err(suggest(
            Problem::new(at, format!("unknown figure `{key}` in [checks.at_most]")),
            key,
            names,
        ));
    }
    let reader = Reader::open(table, "[checks.at_most]", names)?;
    let bound = |key: &String| Ok((key.clone(), reader.number(key)?.unwrap_or(f64::INFINITY)));
    table.entries.keys().map(bound).collect()
}
