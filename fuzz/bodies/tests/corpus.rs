//! Every input that the corpus keeps, through the same bodies as libFuzzer's.

use std::path::{Path, PathBuf};

/// Inputs in a folder, in order of their names.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

fn replay(name: &str) {
    let (_, target) = cliqueclique_fuzz::TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("it is a target");
    let paths = inputs(&format!("corpus/{name}"));
    assert!(paths.len() >= 20, "{} inputs of {name}", paths.len());
    for path in paths {
        let bytes = std::fs::read(&path).expect("it can be read");
        let played = std::panic::catch_unwind(|| target(&bytes));
        assert!(played.is_ok(), "cargo fuzz run {name} {}", path.display());
    }
}

#[test]
fn decoder() {
    replay("decoder");
}

#[test]
fn lone() {
    replay("lone");
}

#[test]
fn pair() {
    replay("pair");
}

#[test]
fn scenario() {
    replay("scenario");
}

/// Those in a folder that do not end as the protocol promises.
fn broken(folder: &str) -> Vec<PathBuf> {
    let ends_badly = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("it can be read");
        std::panic::catch_unwind(|| cliqueclique_fuzz::pair::run_strictly(&bytes)).is_err()
    };
    inputs(folder).into_iter().filter(ends_badly).collect()
}

/// What the protocol promises, in histories in which it was not kept once.
#[test]
fn mended() {
    assert!(inputs("mended/pair").len() >= 19);
    let broken = broken("mended/pair");
    assert!(broken.is_empty(), "{broken:#?}");
}
