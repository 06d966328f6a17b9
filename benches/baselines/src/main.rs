//! `compare-protocols`: one scenario, several protocols, one table and one page.

use clap::Parser;
use cliqueclique_baselines::catalogue::{self, ALL};
use cliqueclique_baselines::compare::{Column, Comparison};
use cliqueclique_baselines::page;
use cliqueclique_sim::scenario;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs one scenario with several protocols and puts their figures side by side.
///
/// A protocol that is unknown, or cannot run the scenario, gets a column that says so; the
/// others are run nevertheless. Exit codes: 0 ok, 1 a column has no figures, 2 bad usage or scenario.
#[derive(Debug, Parser)]
#[command(name = "compare-protocols", version)]
struct Arguments {
    /// Scenario file.
    scenario: PathBuf,
    /// Protocols beside ours, separated by commas; by default all but ours-checked.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    with: Option<Vec<String>>,
    /// Seed instead of the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Overrides a value by its dotted name, such as workload.nodes=1000.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// The page; by default `runs/SCENARIO-SEED-protocols.html`.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Stops a baseline after so many inputs.
    #[arg(long, value_name = "N", default_value_t = 200_000_000)]
    events: u64,
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// True if every column has figures.
fn compare(arguments: &Arguments) -> Result<bool, String> {
    let scenario =
        scenario::load(&arguments.scenario, &arguments.sets).map_err(|error| error.to_string())?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let known: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
    let mut columns = Vec::new();
    for name in names(arguments) {
        eprintln!("{name} …");
        columns.push(match catalogue::find(&name) {
            Some(entry) => Column::of(entry, entry.run(&scenario, seed, arguments.events)),
            None => Column::unknown(&name, &known),
        });
    }
    let comparison = Comparison {
        title: format!(
            "{}, seed {seed}{}",
            scenario.name,
            shown(&arguments.sets, ", ")
        ),
        command: format!(
            "cargo run --release -p cliqueclique-baselines -- {} --seed {seed}{}",
            arguments.scenario.display(),
            shown(&arguments.sets, " --set ")
        ),
        columns,
    };
    write(arguments, &comparison, &format!("{}-{seed}", scenario.name))?;
    Ok(comparison
        .columns
        .iter()
        .all(|column| column.figures.is_ok()))
}

/// Ours first.
fn names(arguments: &Arguments) -> Vec<String> {
    let all = || {
        let all = ALL.iter().filter(|entry| entry.name != catalogue::CHECKED);
        all.map(|entry| entry.name.to_owned()).collect()
    };
    let mut names: Vec<String> = arguments.with.clone().unwrap_or_else(all);
    let ours = ALL[0].name;
    names.retain(|name| name != ours);
    names.insert(0, ours.to_owned());
    names
}

fn shown(sets: &[String], before: &str) -> String {
    sets.iter().map(|set| format!("{before}{set}")).collect()
}

fn write(arguments: &Arguments, comparison: &Comparison, name: &str) -> Result<(), String> {
    let default = || PathBuf::from(format!("runs/{name}-protocols.html"));
    let path = arguments.html.clone().unwrap_or_else(default);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&path, page::write(comparison)))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let table = comparison.table();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}").map_err(|error| error.to_string())?;
    eprintln!("page: {}", path.display());
    Ok(())
}
