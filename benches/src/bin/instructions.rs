//! `instructions`: counts the instructions of hot paths under callgrind, and compares
//! them with a committed base.
//!
//! A path is run twice, with some rounds more the second time; the difference is what the
//! rounds cost, and is the same from run to run. It depends on the compiler and its
//! options: the base says with which it was made.

use clap::{Parser, Subcommand};
use cliqueclique_benches::paths::{PATHS, Path};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Rounds of the shorter and of the longer run.
const ROUNDS: [u64; 2] = [8, 40];
/// Bytes above the stack, as far as they could differ from place to place.
const ABOVE: usize = 2_048;
/// Most that a path may differ from the base, percent.
const TOLERANCE: f64 = 5.0;

/// Counts the instructions of hot paths. Needs valgrind.
///
/// Exit codes: 0 ok, 1 a path costs more than the base says, 2 bad usage, no valgrind, or a bad base.
#[derive(Debug, Parser)]
struct Arguments {
    /// File with the base.
    #[arg(long, default_value = "benches/instructions.txt")]
    base: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Compares with the base.
    Check,
    /// Writes a new base.
    Write,
    /// Runs a path, to be counted.
    Run {
        /// Its number.
        path: usize,
        /// How often.
        rounds: u64,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.action {
        Action::Check => check(&arguments.base),
        Action::Write => write(&arguments.base),
        Action::Run { path, rounds } => run(path, rounds),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(path: usize, rounds: u64) -> Result<bool, String> {
    let (_, path) = PATHS.get(path).ok_or("there is no path of that number")?;
    path(rounds);
    Ok(true)
}

/// Instructions of one round of a path.
fn count(number: usize) -> Result<u64, String> {
    let [few, many] = ROUNDS;
    let more = total(number, many)?.saturating_sub(total(number, few)?);
    Ok(more / (many - few))
}

/// Instructions of a process that runs a path.
fn total(number: usize, rounds: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    // How much is above the stack decides how copies are aligned, and so what they cost: the
    // program's path is there twice, and so are all variables.
    let above = 2 * program.as_os_str().len();
    let output = Command::new("valgrind")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("PADDING", "-".repeat(ABOVE.saturating_sub(above)))
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["run", &number.to_string(), &rounds.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let collected = collected.filter(|_| output.status.success());
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind did not count:\n{said}"))
}

/// The compiler and the options that matter.
fn compiler() -> String {
    let version = Command::new("rustc").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    version.unwrap_or_else(|_| "an unknown compiler".to_owned())
}

fn counted() -> Result<Vec<(&'static str, u64)>, String> {
    let all = PATHS.iter().enumerate();
    all.map(|(number, (name, _)): (usize, &Path)| Ok((*name, count(number)?)))
        .collect()
}

fn write(base: &std::path::Path) -> Result<bool, String> {
    let mut text = format!(
        "# Instructions a round; {}, as .ci/run compiles.\n",
        compiler()
    );
    for (name, count) in counted()? {
        let _ = writeln!(text, "{count:>12}  {name}");
    }
    std::fs::write(base, text).map_err(|error| error.to_string())?;
    Ok(true)
}

/// Counts of a base by name.
fn read(text: &str) -> Result<Vec<(&str, u64)>, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line| -> Option<(&str, u64)> {
        let (count, name) = str::trim(line).split_once("  ")?;
        Some((name, count.parse().ok()?))
    };
    lines
        .map(|line| {
            pair(line).ok_or_else(|| format!("the base has a line that says nothing: {line}"))
        })
        .collect()
}

fn check(base: &std::path::Path) -> Result<bool, String> {
    let text = std::fs::read_to_string(base)
        .map_err(|error| format!("cannot read {}: {error}", base.display()))?;
    let before = read(&text)?;
    let mut fits = true;
    for (name, now) in counted()? {
        let then = before.iter().find(|(other, _)| *other == name);
        let (_, then) = then.ok_or_else(|| format!("the base does not know `{name}`"))?;
        let change = change(*then, now);
        let bad = change > TOLERANCE;
        fits &= !bad;
        let mark = if bad { "  more than it may" } else { "" };
        eprintln!("{now:>12}  {change:>+6.1} %  {name}{mark}");
    }
    if !fits {
        eprintln!("if that is meant: instructions write");
    }
    Ok(fits)
}

/// Percent more than before.
#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn change(then: u64, now: u64) -> f64 {
    100.0 * (now as f64 - then as f64) / then.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_read_as_it_is_written() {
        let text = "# compiler\n         120  encode a state\n        7000  publish\n";
        assert_eq!(
            read(text),
            Ok(vec![("encode a state", 120), ("publish", 7_000)])
        );
        assert!(read("nonsense").is_err());
    }

    #[test]
    fn what_costs_more_is_seen() {
        assert!((change(200, 210) - 5.0).abs() < 1e-9);
        assert!(change(200, 220) > TOLERANCE && change(200, 204) < TOLERANCE);
        assert!(change(200, 100) < 0.0);
    }
}
