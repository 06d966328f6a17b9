//! Commands that run a run folder again from its manifest: `replay` and
//! `report`. A run is a function of scenario and seed, so this is as good as
//! having kept all of it; the digest proves it.

use super::job::{Job, Ran, digest};
use super::watch::Watch;
use super::{Done, Exit, FolderArgs, Stop, output, run, summary};
use cliqueclique_sim::folder::{self, Manifest, REPORT, Verdict};
use cliqueclique_sim::goals;
use cliqueclique_sim::snapshot::Snapshot;
use std::path::Path;

/// A run made again.
struct Again {
    job: Job,
    then: Manifest,
    ran: Ran,
    snapshots: Vec<Snapshot>,
}

/// `replay`.
pub(crate) fn replay(args: &FolderArgs) -> Done {
    let Some(again) = make(&args.folder, !args.quiet && !args.json)? else {
        return Ok(Exit::Interrupted);
    };
    let now = digest(&again.ran.outcome);
    let same = now == again.then.digest;
    if args.json {
        let value = serde_json::json!({ "digest": again.then.digest, "again": now, "same": same });
        output::data(&serde_json::to_string_pretty(&value)?);
    } else if !args.quiet {
        let verdict = if same { "the same" } else { "NOT the same" };
        output::data(&format!(
            "{verdict}: digest {} then, {now} now",
            again.then.digest
        ));
    }
    if same {
        Ok(Exit::Ok)
    } else {
        Ok(mismatch(&again))
    }
}

/// `report`.
pub(crate) fn report(args: &FolderArgs) -> Done {
    let Some(again) = make(&args.folder, !args.quiet && !args.json)? else {
        return Ok(Exit::Interrupted);
    };
    if digest(&again.ran.outcome) != again.then.digest {
        return Ok(mismatch(&again));
    }
    let goals = goals::rows(again.job.scenario(), &again.ran.outcome);
    let path = args.folder.join(REPORT);
    let content = run::run_summary(
        &again.job,
        &again.ran,
        &again.snapshots,
        &again.then,
        &goals,
    );
    folder::write_report(&path, &content)?;
    if args.json {
        run::print_json(&again.then, &goals, &args.folder)?;
    } else if !args.quiet {
        output::data(&summary::text(
            again.job.scenario(),
            &again.then,
            &again.ran.outcome,
            &goals,
        ));
        output::data(&format!("\nreport: {}", path.display()));
    }
    Ok(Exit::Ok)
}

/// Runs the folder's manifest again; `None` if the user stopped it.
fn make(folder: &Path, shown: bool) -> Result<Option<Again>, Stop> {
    let then = Manifest::read(folder)?;
    if then.outcome == Verdict::Interrupted {
        return Err(Stop(format!(
            "{} was interrupted, so it cannot be made again",
            folder.display()
        )));
    }
    let job = Job::of(&then)?;
    let mut watch = Watch::keeping(shown);
    let ran = job.run(&mut watch)?;
    watch.finish()?;
    if ran.outcome.interrupted {
        return Ok(None);
    }
    Ok(Some(Again {
        job,
        then,
        ran,
        snapshots: watch.kept,
    }))
}

fn mismatch(again: &Again) -> Exit {
    let made = |version: &str, commit: Option<&String>| {
        format!(
            "version {version}, commit {}",
            commit.map_or("unknown", String::as_str)
        )
    };
    let now = again.job.manifest(&again.ran);
    output::message(&format!(
        "the run does not come out as it did: digest {} made by {}, now {} by {}",
        again.then.digest,
        made(&again.then.version, again.then.commit.as_ref()),
        now.digest,
        made(&now.version, now.commit.as_ref()),
    ));
    Exit::Mismatch
}
