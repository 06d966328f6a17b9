//! Checks cases and prints what was found. See `README.md`.

use cliqueclique_model::{Case, Checked, Outcome, cases};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str =
    "usage: cliqueclique-model short|full|CASE [--threads N] [--limit SECONDS] [--breadth] [--story]
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse().ok()
    };
    let cases = match words.first().map(String::as_str) {
        Some("short") => cases::short(),
        Some("full") => cases::full(),
        Some(name) => cases::named(name).into_iter().collect(),
        None => Vec::new(),
    };
    if cases.is_empty() {
        say(USAGE);
        return ExitCode::from(2);
    }
    let threads = number("--threads")
        .and_then(|n: u64| usize::try_from(n).ok())
        .unwrap_or(2);
    let limit = Duration::from_secs(number("--limit").unwrap_or(6 * 3600));
    let breadth = words.iter().any(|word| word == "--breadth");
    let story = words.iter().any(|word| word == "--story");
    say("case              states  transitions depth  settled   time  result\n");
    let mut good = true;
    for case in cases {
        good &= check(case, threads, limit, (breadth, story));
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check(case: Case, threads: usize, limit: Duration, (breadth, story): (bool, bool)) -> bool {
    let open = case.open;
    let demanded = case.sometimes.clone();
    let outcome = Checked::new(case).run(threads, limit, breadth);
    let missing: Vec<_> = demanded
        .iter()
        .filter(|name| !outcome.seen.contains(name))
        .collect();
    say(&line(&outcome));
    for name in &missing {
        say(&format!("    never seen: {name}\n"));
    }
    if let Some(found) = &outcome.counterexample {
        say(&format!("    broken: {}\n", found.property));
        found
            .faults
            .iter()
            .for_each(|fault| say(&format!("      {}\n", fault.what)));
        let mut at = 0;
        found.steps.iter().for_each(|step| {
            at += 1;
            say(&format!("    {at:3} {step:?}\n"));
        });
        say(&format!("    there: {:?}\n", found.last));
    }
    let found = outcome.counterexample.iter().filter(|_| story);
    found
        .flat_map(|found| &found.continuation)
        .for_each(|step| say(&format!("        {step}\n")));
    if let Some(defect) = open {
        say(&format!("    known defect: {defect}\n"));
        return true;
    }
    outcome.counterexample.is_none() && missing.is_empty()
}

fn line(outcome: &Outcome) -> String {
    let mut line = String::new();
    let result = match (&outcome.counterexample, outcome.whole) {
        (Some(_), _) => "BROKEN",
        (None, true) => "all states",
        (None, false) => "cut by time",
    };
    let _ = writeln!(
        line,
        "{:<14} {:9} {:12} {:5} {:8} {:5.1}s  {result}; seen: {}",
        outcome.name,
        outcome.states,
        outcome.transitions,
        outcome.depth,
        outcome.settled,
        outcome.time.as_secs_f64(),
        outcome.seen.join(", ")
    );
    line
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
