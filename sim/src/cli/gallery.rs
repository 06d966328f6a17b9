//! `list` and `gallery`: all scenarios of a folder.

use super::job::Job;
use super::output::{figure, grouped, table};
use super::run::{self, Whole};
use super::watch::Watch;
use super::{Done, Exit, GalleryArgs, ListArgs, Stop, machine, output};
use cliqueclique_sim::folder::{Manifest, Verdict};
use cliqueclique_sim::scenario::units;
use cliqueclique_sim::sweep;
use std::path::{Path, PathBuf};

/// Scenarios that together run in about a minute on two cores and reach every
/// mechanism; continuous integration runs these.
const SHORT: [&str; 21] = [
    "adversary-root",
    "adversary-withhold",
    "adversary-two-faced",
    "adversary-eclipse",
    "adversary-names",
    "quickstart",
    "real-crypto",
    "root-dies",
    "deaths-50-small",
    "deaths-80-small",
    "deaths-90-small",
    "deaths-95-small",
    "long-partition",
    "mass-leave",
    "lossy",
    "tight-degree-2",
    "tight-degree-3",
    "restart-kept",
    "restart-lost",
    "restart-backup",
    "silence",
];

/// `list`.
pub(crate) fn list(args: &ListArgs) -> Done {
    let jobs = load(&args.folder)?;
    if args.json {
        let line = |job: &Job| {
            let scenario = job.scenario();
            serde_json::json!({ "name": scenario.name, "path": job.path, "about": scenario.about, "seed": job.seed })
        };
        output::data(&serde_json::to_string_pretty(
            &jobs.iter().map(line).collect::<Vec<_>>(),
        )?);
    } else {
        let width = jobs
            .iter()
            .map(|job| job.scenario().name.len())
            .max()
            .unwrap_or(0);
        for job in &jobs {
            output::data(&format!(
                "{:<width$}  {}",
                job.scenario().name,
                first_sentence(&job.scenario().about)
            ));
        }
    }
    Ok(Exit::Ok)
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// All scenarios of a folder by name; a bad one stops everything.
fn load(folder: &Path) -> Result<Vec<Job>, Stop> {
    let fail = |error: std::io::Error| Stop(format!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Stop(format!(
            "{} holds no scenarios (*.toml)",
            folder.display()
        )));
    }
    paths
        .iter()
        .map(|path| Job::load(path, &[], None))
        .collect()
}

/// `gallery`.
pub(crate) fn gallery(args: &GalleryArgs) -> Done {
    let jobs = chosen(args)?;
    let mut rows = vec![head()];
    let mut ended = Ok(Exit::Ok);
    sweep::in_order(
        &jobs,
        args.jobs,
        |job| one(job, args.out.as_deref()),
        |result| {
            ended = match result {
                Ok(manifest) => take(&manifest, args.json, &mut rows, ended.clone()),
                Err(stop) => Err(stop),
            };
            ended.is_ok() && !machine::interrupted()
        },
    );
    if !args.json {
        output::data(&table(&rows));
    }
    if machine::interrupted() {
        Ok(Exit::Interrupted)
    } else {
        ended
    }
}

fn chosen(args: &GalleryArgs) -> Result<Vec<Job>, Stop> {
    let mut jobs = load(&args.folder)?;
    if let Some(name) = args
        .only
        .iter()
        .find(|name| jobs.iter().all(|job| job.scenario().name != **name))
    {
        return Err(Stop(format!(
            "{} holds no scenario `{name}`",
            args.folder.display()
        )));
    }
    jobs.retain(|job| {
        let name = &job.scenario().name;
        (!args.short || SHORT.contains(&name.as_str()))
            && (args.only.is_empty() || args.only.contains(name))
    });
    Ok(jobs)
}

fn one(job: &Job, out: Option<&Path>) -> Result<Manifest, Stop> {
    output::message(&format!("running {}", job.scenario().name));
    match out {
        Some(folder) => {
            let target = folder.join(format!("{}-{}", job.scenario().name, job.seed));
            run::into_folder(job, &target, None, false).map(|Whole { manifest, .. }| manifest)
        }
        None => job.run(&mut Watch::silent()).map(|ran| job.manifest(&ran)),
    }
    .map_err(|Stop(message)| Stop(format!("{}: {message}", job.scenario().name)))
}

fn take(manifest: &Manifest, json: bool, rows: &mut Vec<Vec<String>>, so_far: Done) -> Done {
    run::show_failure(manifest);
    if json {
        output::data(&serde_json::to_string(manifest)?);
    }
    rows.push(row(manifest));
    if manifest.outcome == Verdict::Failed {
        so_far.map(|_| Exit::Violated)
    } else {
        so_far
    }
}

fn head() -> Vec<String> {
    [
        "scenario",
        "verdict",
        "property",
        "wall",
        "events",
        "events/s",
        "delivered",
        "overhead",
        "copies",
        "settled",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
fn row(manifest: &Manifest) -> Vec<String> {
    let known = |name: &str| {
        manifest
            .figures
            .get(name)
            .map_or_else(|| "-".to_owned(), |value| figure(*value))
    };
    let settled = manifest
        .figures
        .get("settled_ms")
        .map(|ms| std::time::Duration::from_secs((ms / 1000.0) as u64));
    vec![
        manifest.name.clone(),
        manifest.outcome.to_string(),
        manifest
            .failure
            .as_ref()
            .map_or_else(String::new, |failure| failure.property.clone()),
        format!("{:.1} s", manifest.wall_seconds),
        known("events"),
        grouped(manifest.events_per_second as u64),
        known("delivered"),
        known("overhead"),
        known("copies"),
        settled.map_or_else(|| "-".to_owned(), units::show),
    ]
}
