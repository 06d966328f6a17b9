//! `compare`: figures of two runs, or of a run and a stored base.

use super::output::{figure, table};
use super::{CompareArgs, Done, Exit, Stop, output};
use cliqueclique_sim::compare::{Difference, differences};
use cliqueclique_sim::folder::MANIFEST;
use cliqueclique_sim::scenario::units;
use std::collections::BTreeMap;
use std::path::Path;

/// The command.
pub(crate) fn compare(args: &CompareArgs) -> Done {
    let (base, other) = match (&args.base, args.runs.as_slice()) {
        (Some(base), [other]) => (base.as_path(), other.as_path()),
        (None, [base, other]) => (base.as_path(), other.as_path()),
        (Some(_), _) => return Err(Stop("with --base, name one run".to_owned())),
        (None, _) => return Err(Stop("name two runs, or one and --base".to_owned())),
    };
    let tolerance = args.tolerance.as_deref().map(tolerance).transpose()?;
    let list = differences(&figures(base)?, &figures(other)?, tolerance.unwrap_or(0.0));
    if args.json {
        output::data(&serde_json::to_string_pretty(
            &list.iter().map(json).collect::<Vec<_>>(),
        )?);
    } else {
        output::data(&table(&rows(&list)));
    }
    let worse = list.iter().any(|difference| difference.worse);
    Ok(if tolerance.is_some() && worse {
        Exit::Violated
    } else {
        Exit::Ok
    })
}

fn tolerance(text: &str) -> Result<f64, Stop> {
    let share = units::read_share(text).filter(|share| *share >= 0.0);
    share.ok_or_else(|| {
        Stop(format!(
            "--tolerance {text}: expected a share such as 5% or 0.05"
        ))
    })
}

/// The object `figures` of a JSON file, or of a run folder's manifest.
fn figures(path: &Path) -> Result<BTreeMap<String, f64>, Stop> {
    let file = if path.is_dir() {
        path.join(MANIFEST)
    } else {
        path.to_path_buf()
    };
    let fail = |what: String| Stop(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let found = value
        .get("figures")
        .cloned()
        .ok_or_else(|| fail("no `figures` in it".to_owned()))?;
    serde_json::from_value(found).map_err(|error| fail(format!("`figures`: {error}")))
}

fn json(difference: &Difference) -> serde_json::Value {
    let Difference {
        name,
        base,
        other,
        change,
        worse,
    } = difference;
    serde_json::json!({ "name": name, "base": base, "other": other, "change": change, "worse": worse })
}

fn rows(list: &[Difference]) -> Vec<Vec<String>> {
    let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), figure);
    let mut rows = vec![
        ["figure", "base", "other", "change"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for difference in list {
        let change = difference.change.map_or_else(
            || "-".to_owned(),
            |change| format!("{:+.1} %", 100.0 * change),
        );
        let mark = if difference.worse { "worse" } else { "" };
        let cells = [
            difference.name.to_owned(),
            show(difference.base),
            show(difference.other),
            change,
            mark.to_owned(),
        ];
        rows.push(cells.to_vec());
    }
    rows
}
