//! The gallery: every file is sound, and a short set of it passes. All of it is
//! run by `cargo run --release -p cliqueclique-sim -- gallery scenarios`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cliqueclique_sim::driver::{self, Observer};
use cliqueclique_sim::scenario::{self, Scenario};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Runs in seconds each, and together they reach most mechanisms.
const SHORT: [&str; 8] = [
    "adversary-names",
    "adversary-withhold",
    "quickstart",
    "real-crypto",
    "restart-kept",
    "restart-lost",
    "tight-degree-3",
    "silence",
];
/// What a gallery must show at least.
const PROMISED: [&str; 42] = [
    "adversary-all",
    "adversary-cling",
    "adversary-distance",
    "adversary-eclipse",
    "adversary-flood",
    "adversary-frozen",
    "adversary-junk",
    "adversary-names",
    "adversary-root",
    "adversary-sequence",
    "adversary-sets",
    "adversary-signature",
    "adversary-silent",
    "adversary-slow",
    "adversary-tickets",
    "adversary-two-faced",
    "adversary-withhold",
    "quickstart",
    "newsgroup-month",
    "newsgroup-year",
    "newsgroup-steady",
    "flash-crowd",
    "root-dies",
    "single-deaths",
    "deaths-50",
    "deaths-80",
    "deaths-90",
    "deaths-95",
    "long-partition",
    "i2p-week",
    "mass-leave",
    "tight-degree-2",
    "tight-degree-3",
    "lossy",
    "sleeping-laptops",
    "many-documents",
    "restart-kept",
    "restart-lost",
    "restart-backup",
    "silence",
    "ten-thousand",
    "real-crypto",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files() -> Vec<PathBuf> {
    files_in(&folder())
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn load(name: &str) -> Scenario {
    scenario::load(&folder().join(format!("{name}.toml")), &[])
        .unwrap_or_else(|error| panic!("{error}"))
}

struct Nobody;
impl Observer for Nobody {}

#[test]
fn every_file_is_a_scenario_that_says_what_it_shows() {
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = scenario::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            text.starts_with("# "),
            "{} does not open with a sentence",
            path.display()
        );
        let comment: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("# "))
            .collect();
        assert_eq!(
            comment.join(" "),
            scenario.about,
            "{}: comment and `about` differ",
            path.display()
        );
        assert!(
            scenario.about.ends_with('.'),
            "{}: `about` is no sentence",
            path.display()
        );
        assert!(
            !scenario.checks.sometimes.is_empty(),
            "{} could pass emptily",
            path.display()
        );
    }
}

#[test]
fn nothing_that_was_promised_is_missing() {
    let there: BTreeSet<String> = files()
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    for name in PROMISED {
        assert!(there.contains(name), "scenarios/{name}.toml is missing");
    }
}

#[test]
fn the_readme_of_the_gallery_names_every_scenario() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            readme.contains(&format!("({name})")),
            "scenarios/README.md does not name {name}"
        );
    }
}

#[test]
fn the_short_set_passes() {
    for name in SHORT {
        let scenario = load(name);
        let outcome = driver::run(&scenario, scenario.seed, &mut Nobody).unwrap();
        if let Some((violated, _)) = &outcome.failure {
            panic!(
                "{name}: `{}` does not hold: {}",
                violated.property, violated.detail
            );
        }
    }
}

/// Failures that the swarm found and that were mended since.
#[test]
fn what_was_found_stays_mended() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for path in files_in(&folder().join("found")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = scenario::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            text.starts_with(&format!("# {}\n", scenario.about)),
            "{name}: comment and `about` differ"
        );
        assert!(
            readme.contains(&format!("(found/{name})")),
            "scenarios/README.md does not name found/{name}"
        );
        let outcome = driver::run(&scenario, scenario.seed, &mut Nobody).unwrap();
        let failure = outcome.failure.map(|(violated, _)| violated);
        assert_eq!(failure, None, "{name}");
    }
}
