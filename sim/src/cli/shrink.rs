//! `shrink`: a failing run, made small.

use super::job::Job;
use super::machine;
use super::output;
use super::{Done, Exit, ShrinkArgs, Stop};
use cliqueclique_sim::shrink::{self, Cores, Progress, Shrunk};
use indicatif::ProgressBar;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

/// The command.
pub(crate) fn shrink(args: &ShrinkArgs) -> Done {
    let job = Job::load(&args.scenario, &args.sets, args.seed)?;
    let mut shown = Shown::new();
    let shrunk = shrink::shrink(
        &job.loaded.text,
        job.seed,
        Cores::SOUND,
        args.runs,
        &mut |progress| shown.take(progress),
    );
    shown.bar.finish_and_clear();
    let shrunk = shrunk?;
    let out = args.out.clone().unwrap_or_else(|| default_out(&job));
    std::fs::write(&out, &shrunk.text)
        .map_err(|error| Stop(format!("{}: {error}", out.display())))?;
    tell(args, &shrunk, &out)?;
    Ok(if machine::interrupted() {
        Exit::Interrupted
    } else {
        Exit::Ok
    })
}

/// `<scenario>-<seed>-small.toml`, where the user stands.
fn default_out(job: &Job) -> PathBuf {
    PathBuf::from(format!("{}-{}-small.toml", job.scenario().name, job.seed))
}

fn tell(args: &ShrinkArgs, shrunk: &Shrunk, out: &std::path::Path) -> Result<(), Stop> {
    if args.json {
        let line = serde_json::json!({
            "class": shrunk.finding.class, "property": shrunk.finding.property,
            "detail": shrunk.finding.detail, "runs": shrunk.runs, "scenario": out,
            "nodes": shrunk.after.nodes, "documents": shrunk.after.documents,
            "scheduled": shrunk.after.scheduled, "packets": shrunk.after.packets,
        });
        output::data(&serde_json::to_string(&line)?);
        return Ok(());
    }
    output::data(&format!(
        "{}\nbefore: {}\nafter:  {}\nruns:   {}\nreplay: cargo run --release -p cliqueclique-sim -- run {}",
        shrunk.finding,
        shrunk.before,
        shrunk.after,
        shrunk.runs,
        out.display()
    ));
    Ok(())
}

/// Shows how far it is: a line that changes on a terminal, else one line per pass.
struct Shown {
    bar: ProgressBar,
    pass: &'static str,
}

impl Shown {
    fn new() -> Self {
        let bar = if io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        } else {
            ProgressBar::hidden()
        };
        Self { bar, pass: "" }
    }

    fn take(&mut self, progress: &Progress) -> bool {
        let text = format!(
            "{} runs, {}: {}",
            progress.runs, progress.pass, progress.size
        );
        if self.bar.is_hidden() && progress.pass != self.pass {
            output::message(&text);
            self.pass = progress.pass;
        }
        self.bar.set_message(text);
        !machine::interrupted()
    }
}
