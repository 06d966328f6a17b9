//! `sweep` and `merge`.

use super::job::{Job, digest};
use super::output::{figure, table};
use super::watch::{Watch, progress};
use super::{Done, Exit, MergeArgs, Stop, SweepArgs, machine, output};
use cliqueclique_sim::folder::Verdict;
use cliqueclique_sim::goals;
use cliqueclique_sim::sweep::{self, Parameter, Point, Row};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// `sweep`.
pub(crate) fn sweep(args: &SweepArgs) -> Done {
    let parameters = args
        .parameters
        .iter()
        .map(|text| parameter(text))
        .collect::<Result<Vec<_>, _>>()?;
    let (number, shards) = args.shard.as_deref().map_or(Ok((1, 1)), shard)?;
    let plan = sweep::plan(seeds(&args.seeds)?, &parameters);
    check_all(args, &plan)?;
    let of = plan.len();
    let points = sweep::shard(plan, number, shards);
    let mut rows = Rows::open(args.out.as_deref(), number, shards)?;
    let bar = progress(points.len() as u64);
    let jobs = args.jobs.unwrap_or_else(machine::processors);
    let mut ended = Ok(Exit::Ok);
    let work = |point: &Point| one(args, point, of);
    sweep::in_order(&points, jobs, work, |result| {
        bar.inc(1);
        ended = take(result, &mut rows, ended.clone());
        ended.is_ok() && !machine::interrupted()
    });
    bar.finish_and_clear();
    rows.finish()?;
    if machine::interrupted() {
        Ok(Exit::Interrupted)
    } else {
        ended
    }
}

/// Refuses a bad override before hours are spent on the good ones.
fn check_all(args: &SweepArgs, plan: &[Point]) -> Result<(), Stop> {
    let mut checked: Option<&[String]> = None;
    for point in plan {
        if checked != Some(point.sets.as_slice()) {
            Job::load(&args.scenario, &all_sets(args, point), Some(point.seed))?;
            checked = Some(&point.sets);
        }
    }
    Ok(())
}

fn all_sets(args: &SweepArgs, point: &Point) -> Vec<String> {
    args.sets.iter().chain(&point.sets).cloned().collect()
}

/// One run: its row, and the line that runs it again.
fn one(args: &SweepArgs, point: &Point, of: usize) -> Result<(Row, String), Stop> {
    let job = Job::load(&args.scenario, &all_sets(args, point), Some(point.seed))?;
    let outcome = job.run(&mut Watch::silent())?.outcome;
    let figures = goals::figures(&outcome.metrics);
    let row = Row {
        index: point.index,
        of,
        scenario: job.scenario().name.clone(),
        seed: point.seed,
        sets: job.sets.clone(),
        outcome: Verdict::of(&outcome),
        property: outcome
            .failure
            .as_ref()
            .map(|(violated, _)| violated.property.to_owned()),
        digest: digest(&outcome),
        figures: figures
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    Ok((row, job.replay_line()))
}

/// Writes a row; what was interrupted is no result.
fn take(result: Result<(Row, String), Stop>, rows: &mut Rows, so_far: Done) -> Done {
    let (row, replay) = result?;
    match row.outcome {
        Verdict::Interrupted => return so_far,
        Verdict::Passed => {}
        Verdict::Failed => {
            let property = row.property.clone().unwrap_or_default();
            output::message(&format!(
                "property `{property}` does not hold\nreplay: {replay}"
            ));
        }
    }
    rows.write(&row)?;
    if row.outcome == Verdict::Failed {
        so_far.map(|_| Exit::Violated)
    } else {
        so_far
    }
}

/// `key=v1,v2`.
fn parameter(text: &str) -> Result<Parameter, Stop> {
    let parted = text
        .split_once('=')
        .filter(|(key, values)| !key.is_empty() && !values.is_empty());
    let (key, values) =
        parted.ok_or_else(|| Stop(format!("--param {text}: expected key=value1,value2")))?;
    Ok((
        key.to_owned(),
        values.split(',').map(str::to_owned).collect(),
    ))
}

/// `A..B` or `A..=B`.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, Stop> {
    let read = || {
        let (from, to) = text.split_once("..")?;
        let (to, last) = to.strip_prefix('=').map_or((to, false), |to| (to, true));
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        let range = from..if last { to.checked_add(1)? } else { to };
        (!range.is_empty()).then_some(range)
    };
    read().ok_or_else(|| {
        Stop(format!(
            "--seeds {text}: expected A..B with A below B, such as 1..11"
        ))
    })
}

/// `I/N`.
fn shard(text: &str) -> Result<(usize, usize), Stop> {
    let read = || {
        let (number, shards) = text.split_once('/')?;
        let (number, shards) = (number.parse().ok()?, shards.parse().ok()?);
        (1..=shards).contains(&number).then_some((number, shards))
    };
    read().ok_or_else(|| {
        Stop(format!(
            "--shard {text}: expected i/n with i from 1 to n, such as 2/8"
        ))
    })
}

/// Where rows go: stdout, or a file that gets its name when it is complete.
struct Rows {
    file: Option<(BufWriter<File>, PathBuf, PathBuf)>,
}

impl Rows {
    fn open(folder: Option<&Path>, number: usize, shards: usize) -> Result<Self, Stop> {
        let Some(folder) = folder else {
            return Ok(Self { file: None });
        };
        std::fs::create_dir_all(folder)?;
        let name = if shards == 1 {
            "sweep.jsonl".to_owned()
        } else {
            format!("sweep-{number}-of-{shards}.jsonl")
        };
        let target = folder.join(&name);
        let partial = folder.join(format!(".{name}.partial-{}", std::process::id()));
        Ok(Self {
            file: Some((BufWriter::new(File::create(&partial)?), partial, target)),
        })
    }

    fn write(&mut self, row: &Row) -> Result<(), Stop> {
        let line = serde_json::to_string(row)?;
        match &mut self.file {
            Some((file, _, _)) => writeln!(file, "{line}")?,
            None => output::data(&line),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        if let Some((mut file, partial, target)) = self.file {
            file.flush()?;
            std::fs::rename(partial, &target)?;
            output::message(&format!("rows: {}", target.display()));
        }
        Ok(())
    }
}

/// `merge`.
pub(crate) fn merge(args: &MergeArgs) -> Done {
    let mut rows = Vec::new();
    for file in &args.files {
        rows.extend(read_rows(file)?);
    }
    let rows = sweep::merge(rows).map_err(Stop)?;
    let of = rows.first().map_or(0, |row| row.of);
    if rows.len() < of {
        output::message(&format!(
            "note: {} of {of} runs are missing",
            of - rows.len()
        ));
    }
    if args.table {
        output::data(&table(&means(&rows)));
    } else {
        for row in &rows {
            output::data(&serde_json::to_string(row)?);
        }
    }
    let failed = rows.iter().any(|row| row.outcome == Verdict::Failed);
    Ok(if failed { Exit::Violated } else { Exit::Ok })
}

fn read_rows(path: &Path) -> Result<Vec<Row>, Stop> {
    let fail = |what: String| Stop(format!("{}{what}", path.display()));
    let file = File::open(path).map_err(|error| fail(format!(": {error}")))?;
    let mut rows = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| fail(format!(": {error}")))?;
        if !line.trim().is_empty() {
            let row = serde_json::from_str(&line)
                .map_err(|error| fail(format!(":{}: not a row: {error}", number + 1)))?;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Figures of the table.
const SHOWN: [&str; 6] = [
    "overhead",
    "copies",
    "delay_p99_ms",
    "last_hop_mean",
    "fault_messages_mean",
    "settled_ms",
];

/// Means over the seeds, by parameters.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn means(rows: &[Row]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.sets.join(" ")).or_default().push(row);
    }
    let head = ["parameters", "runs", "failed"]
        .iter()
        .chain(&SHOWN)
        .map(|name| (*name).to_owned())
        .collect();
    let mut lines = vec![head];
    for (sets, rows) in groups {
        let failed = rows
            .iter()
            .filter(|row| row.outcome == Verdict::Failed)
            .count();
        let mut line = vec![sets, rows.len().to_string(), failed.to_string()];
        for name in SHOWN {
            let known: Vec<f64> = rows
                .iter()
                .filter_map(|row| row.figures.get(name).copied())
                .collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            line.push(if known.is_empty() {
                "-".to_owned()
            } else {
                figure(mean)
            });
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_shards_are_read_strictly() {
        assert_eq!(seeds("1..4").unwrap(), 1..4);
        assert_eq!(seeds("1..=4").unwrap(), 1..5);
        assert_eq!(shard("2/8").unwrap(), (2, 8));
        for bad in ["", "5", "4..4", "a..b", "1..=18446744073709551615"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
        for bad in ["0/2", "3/2", "1", "1/0"] {
            assert!(shard(bad).is_err(), "{bad}");
        }
        assert!(parameter("=1").is_err() && parameter("a=").is_err());
        assert_eq!(
            parameter("a=1,2").unwrap(),
            ("a".to_owned(), vec!["1".to_owned(), "2".to_owned()])
        );
    }
}
