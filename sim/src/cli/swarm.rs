//! `swarm`: many drawn scenarios, a line per failure.

use super::machine::{self, Stopwatch};
use super::output::{self, grouped};
use super::sweeps::seeds;
use super::watch::progress;
use super::{Done, Exit, Stop, SwarmArgs};
use cliqueclique_sim::swarm::{self, Case, Class, Finding, Judged};
use cliqueclique_sim::sweep;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Seeds that are handed out at once, so that an endless range needs no memory.
const BATCH: u64 = 1_000;
/// Without a terminal a line of progress comes at this interval.
const REPORT: Duration = Duration::from_secs(60);

/// The command.
pub(crate) fn swarm(args: &SwarmArgs) -> Done {
    let seeds = match &args.seeds {
        Some(text) => seeds(text)?,
        None => args.from..args.from.saturating_add(args.count),
    };
    let mut tally = Tally::new(args, seeds.end - seeds.start);
    let mut next = seeds.start;
    while next < seeds.end && !tally.over() {
        let last = next.saturating_add(BATCH).min(seeds.end);
        let batch: Vec<u64> = (next..last).collect();
        let jobs = args.jobs.unwrap_or_else(machine::processors);
        let mut result = Ok(());
        sweep::in_order(
            &batch,
            jobs,
            |&seed| one(seed, args.twice),
            |ran| {
                result = ran.and_then(|(case, judged)| tally.take(&case, &judged));
                result.is_ok() && !tally.over()
            },
        );
        result?;
        next = last;
    }
    tally.finish()
}

/// One seed. Every `twice`-th runs two times.
fn one(seed: u64, twice: u64) -> Result<(Case, Judged), Stop> {
    let case = swarm::draw(seed)?;
    let judged = if twice > 0 && seed.is_multiple_of(twice) {
        swarm::judge_twice(&case.scenario, seed, &swarm::nobody)
    } else {
        swarm::judge(&case.scenario, seed, &swarm::nobody)
    };
    Ok((case, judged))
}

/// What was found so far.
struct Tally<'a> {
    args: &'a SwarmArgs,
    watch: Stopwatch,
    bar: ProgressBar,
    reported: Duration,
    seeds: u64,
    twice: u64,
    events: u64,
    slowest_ms: u64,
    beyond_reach: u64,
    failures: BTreeMap<(Class, String), Vec<u64>>,
}

impl<'a> Tally<'a> {
    fn new(args: &'a SwarmArgs, seeds: u64) -> Self {
        Self {
            args,
            watch: Stopwatch::start(),
            bar: progress(seeds),
            reported: Duration::ZERO,
            seeds: 0,
            twice: 0,
            events: 0,
            slowest_ms: 0,
            beyond_reach: 0,
            failures: BTreeMap::new(),
        }
    }

    /// Time is up, or the user wants to stop.
    fn over(&self) -> bool {
        let late = |minutes: u64| self.watch.elapsed() >= Duration::from_secs(60 * minutes);
        machine::interrupted() || self.args.minutes.is_some_and(late)
    }

    fn take(&mut self, case: &Case, judged: &Judged) -> Result<(), Stop> {
        self.seeds += 1;
        self.events += judged.events;
        self.slowest_ms = self.slowest_ms.max(judged.settled_ms.unwrap_or(0));
        if self.args.twice > 0 && case.seed.is_multiple_of(self.args.twice) {
            self.twice += 1;
        }
        self.beyond_reach += u64::from(judged.beyond_reach);
        if let Some(finding) = &judged.finding {
            self.failed(case, finding)?;
        }
        self.bar.inc(1);
        self.bar
            .set_message(format!("{} failed", self.failed_seeds()));
        if self.bar.is_hidden() && self.watch.elapsed() >= self.reported + REPORT {
            self.reported = self.watch.elapsed();
            output::message(&self.progress());
        }
        Ok(())
    }

    fn failed(&mut self, case: &Case, finding: &Finding) -> Result<(), Stop> {
        let path = self.args.out.join(format!("swarm-{}.toml", case.seed));
        write(&path, &case.text)?;
        let line = if self.args.json {
            serde_json::to_string(&serde_json::json!({
                "seed": case.seed, "class": finding.class, "property": finding.property,
                "detail": finding.detail, "scenario": path,
            }))?
        } else {
            format!(
                "seed {}  {} {}  replay: cargo run --release -p cliqueclique-sim -- run {}",
                case.seed,
                finding.class,
                finding.property,
                path.display()
            )
        };
        self.bar.suspend(|| output::data(&line));
        let kind = (finding.class, finding.property.clone());
        self.failures.entry(kind).or_default().push(case.seed);
        Ok(())
    }

    fn failed_seeds(&self) -> usize {
        self.failures.values().map(Vec::len).sum()
    }

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shown to people"
    )]
    fn progress(&self) -> String {
        let seconds = self.watch.elapsed().as_secs_f64().max(1e-9);
        format!(
            "{} seeds in {:.0} s ({} a minute), {} of them twice, {} events, slowest healing {:.0} s \
             (simulated), {} beyond reach, {} failed",
            grouped(self.seeds),
            seconds,
            grouped((self.seeds as f64 / seconds * 60.0) as u64),
            grouped(self.twice),
            grouped(self.events),
            self.slowest_ms as f64 / 1e3,
            grouped(self.beyond_reach),
            self.failed_seeds()
        )
    }

    fn finish(self) -> Done {
        self.bar.finish_and_clear();
        output::message(&self.progress());
        for ((class, property), seeds) in &self.failures {
            let some: Vec<String> = seeds.iter().take(5).map(u64::to_string).collect();
            output::message(&format!(
                "  {class} {property}: {} ({}{})",
                seeds.len(),
                some.join(", "),
                if seeds.len() > 5 { ", …" } else { "" }
            ));
        }
        Ok(match self.failures.keys().next() {
            Some((class, _)) => exit(*class),
            None if machine::interrupted() => Exit::Interrupted,
            None => Exit::Ok,
        })
    }
}

fn exit(class: Class) -> Exit {
    match class {
        Class::Crash => Exit::Crashed,
        Class::Safety => Exit::Unsafe,
        Class::Liveness => Exit::Stuck,
        Class::Mismatch => Exit::Mismatch,
    }
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| Stop(format!("{}: {error}", path.display())))
}
