//! The commands of `cliqueclique-sim`: arguments in, exit code out.
//!
//! Data goes to stdout, messages to stderr. Nothing here decides anything about
//! a simulation; wall time, memory and signals are read in `machine` only.

mod again;
mod comparison;
mod export;
mod gallery;
mod job;
mod machine;
mod node;
mod output;
mod run;
mod shrink;
mod summary;
mod swarm;
mod sweeps;
mod watch;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok,
    /// A property was violated, or a figure got worse.
    Violated,
    /// A replay, or a second run of the same seed, gave something else.
    Mismatch,
    /// The swarm met a panic.
    Crashed,
    /// The swarm saw an *always* property broken.
    Unsafe,
    /// The swarm saw an *eventually* property that did not come to hold.
    Stuck,
    /// The user stopped it.
    Interrupted,
}

/// Bad usage, a bad scenario, a bad file: its message goes to stderr, and the exit code is 2.
#[derive(Clone, Debug)]
pub(crate) struct Stop(pub(crate) String);

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) type Done = Result<Exit, Stop>;

/// Seeded, deterministic simulator of cliqueclique networks.
///
/// Exit codes: 0 ok, 1 a property was violated, 2 bad usage, scenario or trace,
/// 3 a replay or second run gave something else; from `swarm` also 4 crash, 5 safety,
/// 6 liveness (the lowest of these if there are several, 3 last); 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "cliqueclique-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a scenario and leaves a run folder with a report.
    Run(RunArgs),
    /// Runs a scenario for many seeds and parameters, on all processors.
    Sweep(SweepArgs),
    /// Runs many small scenarios that are drawn from their seeds, faults and all.
    Swarm(SwarmArgs),
    /// Makes a failing run small: a scenario in which every event stands by itself.
    Shrink(ShrinkArgs),
    /// Puts the rows of a sweep's shards together.
    Merge(MergeArgs),
    /// Runs a run folder again and compares the digests.
    Replay(FolderArgs),
    /// Plays what a node recorded (`cliqueclique run --record`) to the core again, which must
    /// answer the same, byte for byte.
    ReplayNode(NodeArgs),
    /// Shows the figures of two runs side by side.
    Compare(CompareArgs),
    /// Writes graphs of a run's networks into its folder.
    Export(ExportArgs),
    /// Writes the report of a run folder again and shows its summary.
    Report(FolderArgs),
    /// Lists the scenarios of a folder.
    List(ListArgs),
    /// Runs all scenarios of a folder and shows their verdicts.
    Gallery(GalleryArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario file.
    scenario: PathBuf,
    /// Seed instead of the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Run folder; by default runs/<scenario>-<seed>.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Overrides a value by its dotted name, such as workload.nodes=50 or fault.0.at=5s.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Prints the manifest as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes events.jsonl (slow, large).
    #[arg(long)]
    events: bool,
    /// Only events that concern a document whose tag begins so; repeatable.
    #[arg(long, value_name = "TAG", requires = "events")]
    event_document: Vec<String>,
    /// Only events at or from this node; repeatable.
    #[arg(long, value_name = "N", requires = "events")]
    event_node: Vec<usize>,
    /// No progress bar and no table; failures are still shown.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct NodeArgs {
    /// The recording.
    file: PathBuf,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SweepArgs {
    /// Scenario file.
    scenario: PathBuf,
    /// Seeds: A..B without B, or A..=B with it.
    #[arg(long, value_name = "A..B")]
    seeds: String,
    /// A parameter and its values, separated by commas; repeatable.
    #[arg(long = "param", value_name = "KEY=V1,V2")]
    parameters: Vec<String>,
    /// Overrides that hold for all runs.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Only every n-th run, beginning with the i-th.
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Folder for the rows; by default they go to stdout.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs at the same time; by default as many as there are processors.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Debug, Args)]
struct SwarmArgs {
    /// Seeds: A..B without B, or A..=B with it; instead of --from and --count.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["from", "count"])]
    seeds: Option<String>,
    /// First seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    from: u64,
    /// Number of seeds.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    count: u64,
    /// Runs at the same time; by default as many as there are processors.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Stops after so many minutes.
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// Every so manyth seed runs twice, to see that nothing but the seed decides; 0: none.
    #[arg(long, value_name = "N", default_value_t = 20)]
    twice: u64,
    /// Folder for the scenarios of failures.
    #[arg(long, value_name = "DIR", default_value = "runs/swarm")]
    out: PathBuf,
    /// Prints a JSON line per failure.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShrinkArgs {
    /// Scenario file.
    scenario: PathBuf,
    /// Seed instead of the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Overrides a value by its dotted name.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The small scenario; by default <scenario>-<seed>-small.toml.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Most runs.
    #[arg(long, value_name = "N", default_value_t = cliqueclique_sim::shrink::MOST_RUNS)]
    runs: u64,
    /// Prints JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Files of rows, as `sweep` wrote them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Prints a table of means by parameters instead of the rows.
    #[arg(long)]
    table: bool,
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// Run folder.
    folder: PathBuf,
    /// Prints the manifest as JSON.
    #[arg(long)]
    json: bool,
    /// No progress bar and no table.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// Run folders or manifests: base and other, or only the other with --base.
    #[arg(required = true, num_args = 1..=2)]
    runs: Vec<PathBuf>,
    /// The base: a manifest, or any JSON file with an object `figures` in it.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Exit code 1 if a figure got worse by more than this share, such as 5%.
    #[arg(long, value_name = "SHARE")]
    tolerance: Option<String>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum GraphFormat {
    /// For Gephi, NetworkX, igraph.
    Graphml,
    /// For Graphviz.
    Dot,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// Run folder.
    folder: PathBuf,
    /// Format of the graphs.
    #[arg(long)]
    format: GraphFormat,
    /// Only documents whose tag begins so; repeatable. By default the forum roots.
    #[arg(long = "document", value_name = "TAG")]
    documents: Vec<String>,
    /// All documents.
    #[arg(long, conflicts_with = "documents")]
    all: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Folder of scenarios.
    #[arg(default_value = "scenarios")]
    folder: PathBuf,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct GalleryArgs {
    /// Folder of scenarios.
    #[arg(default_value = "scenarios")]
    folder: PathBuf,
    /// Only the short ones, as continuous integration runs them.
    #[arg(long)]
    short: bool,
    /// Only scenarios with these names; repeatable.
    #[arg(long = "only", value_name = "NAME")]
    only: Vec<String>,
    /// Runs at the same time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// Folder for the run folders; by default none are left.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints one JSON line per scenario instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the command of the process's arguments.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    machine::catch_interrupts();
    match dispatch(&cli.command) {
        Ok(Exit::Ok) => ExitCode::SUCCESS,
        Ok(Exit::Violated) => ExitCode::from(1),
        Ok(Exit::Mismatch) => ExitCode::from(3),
        Ok(Exit::Crashed) => ExitCode::from(4),
        Ok(Exit::Unsafe) => ExitCode::from(5),
        Ok(Exit::Stuck) => ExitCode::from(6),
        Ok(Exit::Interrupted) => ExitCode::from(130),
        Err(Stop(message)) => {
            output::message(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: &Command) -> Done {
    match command {
        Command::Run(args) => run::run(args),
        Command::Sweep(args) => sweeps::sweep(args),
        Command::Swarm(args) => swarm::swarm(args),
        Command::Shrink(args) => shrink::shrink(args),
        Command::Merge(args) => sweeps::merge(args),
        Command::Replay(args) => again::replay(args),
        Command::ReplayNode(args) => node::replay(args),
        Command::Compare(args) => comparison::compare(args),
        Command::Export(args) => export::export(args),
        Command::Report(args) => again::report(args),
        Command::List(args) => gallery::list(args),
        Command::Gallery(args) => gallery::gallery(args),
    }
}
