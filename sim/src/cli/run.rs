//! `run`: one scenario, one run folder, one table.

use super::job::{Job, Ran};
use super::watch::{Filter, Watch};
use super::{Done, Exit, RunArgs, Stop, output, summary};
use cliqueclique_sim::folder::{Failure, Folder, Manifest, REPORT, Verdict};
use cliqueclique_sim::goals::{self, GoalRow};
use cliqueclique_sim::report::RunSummary;
use cliqueclique_sim::snapshot::Snapshot;
use std::path::{Path, PathBuf};

/// The command.
pub(crate) fn run(args: &RunArgs) -> Done {
    let job = Job::load(&args.scenario, &args.sets, args.seed)?;
    let filter = Filter {
        documents: args.event_document.clone(),
        nodes: args.event_node.clone(),
    };
    let target = args.out.clone().unwrap_or_else(|| default_folder(&job));
    let shown = !args.quiet && !args.json;
    let whole = into_folder(&job, &target, args.events.then_some(filter), shown)?;
    if args.json {
        print_json(&whole.manifest, &whole.goals, &whole.folder)?;
    } else if !args.quiet {
        output::data(&summary::text(
            job.scenario(),
            &whole.manifest,
            &whole.ran.outcome,
            &whole.goals,
        ));
        output::data(&format!("\nrun folder: {}", whole.folder.display()));
        output::data(&format!(
            "report:     {}",
            whole.folder.join(REPORT).display()
        ));
    }
    show_failure(&whole.manifest);
    Ok(exit(whole.manifest.outcome))
}

/// A finished run and what it left.
pub(crate) struct Whole {
    pub(crate) ran: Ran,
    pub(crate) manifest: Manifest,
    pub(crate) goals: Vec<GoalRow>,
    pub(crate) folder: PathBuf,
}

/// Runs a job into a folder.
pub(crate) fn into_folder(
    job: &Job,
    target: &Path,
    events: Option<Filter>,
    shown: bool,
) -> Result<Whole, Stop> {
    let folder = Folder::create(target, std::process::id(), events.is_some())?;
    let mut watch = Watch::keeping(shown).into_folder(folder, events);
    let ran = job.run(&mut watch)?;
    let folder = watch
        .finish()?
        .ok_or_else(|| Stop("the run folder is gone".to_owned()))?;
    let (manifest, goals) = (
        job.manifest(&ran),
        goals::rows(job.scenario(), &ran.outcome),
    );
    let folder = folder.finish(
        &manifest,
        &run_summary(job, &ran, &watch.kept, &manifest, &goals),
    )?;
    Ok(Whole {
        ran,
        manifest,
        goals,
        folder,
    })
}

/// What the report is made of.
pub(crate) fn run_summary<'a>(
    job: &'a Job,
    ran: &'a Ran,
    snapshots: &'a [Snapshot],
    manifest: &'a Manifest,
    goals: &'a [GoalRow],
) -> RunSummary<'a> {
    RunSummary {
        scenario: job.scenario(),
        seed: job.seed,
        outcome: &ran.outcome,
        snapshots,
        replay: &manifest.replay,
        goals,
    }
}

/// `runs/<scenario>-<seed>`.
fn default_folder(job: &Job) -> PathBuf {
    Path::new("runs").join(format!("{}-{}", job.scenario().name, job.seed))
}

/// The exit code that a verdict means.
pub(crate) fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Passed => Exit::Ok,
        Verdict::Failed => Exit::Violated,
        Verdict::Interrupted => Exit::Interrupted,
    }
}

/// The manifest with goals and folder, as JSON.
pub(crate) fn print_json(
    manifest: &Manifest,
    goals: &[GoalRow],
    folder: &Path,
) -> Result<(), Stop> {
    let goal = |row: &GoalRow| serde_json::json!({ "name": row.name, "goal": row.goal, "measured": row.measured, "reached": row.reached });
    let mut value = serde_json::to_value(manifest)?;
    value["goals"] = goals.iter().map(goal).collect();
    value["folder"] = folder.display().to_string().into();
    output::data(&serde_json::to_string_pretty(&value)?);
    Ok(())
}

/// Tells what did not hold, and how to see it again.
pub(crate) fn show_failure(manifest: &Manifest) {
    if let Some(failure) = &manifest.failure {
        output::message(&failure_text(failure, &manifest.replay));
    } else if manifest.outcome == Verdict::Interrupted {
        output::message("interrupted; the run folder holds what was measured until then");
    }
}

fn failure_text(failure: &Failure, replay: &str) -> String {
    let mut lines = vec![format!(
        "property `{}` does not hold at {:.6} s",
        failure.property, failure.time
    )];
    if let Some(document) = &failure.document {
        lines.push(format!("  document  {document}"));
    }
    if !failure.nodes.is_empty() {
        let nodes: Vec<String> = failure.nodes.iter().map(ToString::to_string).collect();
        lines.push(format!("  nodes     {}", nodes.join(", ")));
    }
    lines.push(format!("  {}", failure.detail));
    if !failure.last_events.is_empty() {
        lines.push("  last events among them:".to_owned());
        lines.extend(failure.last_events.iter().map(|line| format!("    {line}")));
    }
    lines.push(format!("replay: {replay}"));
    lines.join("\n")
}
