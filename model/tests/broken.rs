//! Guards of the checks: a core that is broken on purpose must be caught, within a case and
//! bounds that the sound core passes.

use cliqueclique_model::broken::Broken;
use cliqueclique_model::{Bounds, Case, Checked, Outcome, cases};
use std::time::Duration;

fn check(name: &str, broken: Option<Broken>, bounds: Bounds) -> Outcome {
    let case = cases::named(name).expect("a case of this name");
    let case = Case {
        broken,
        bounds,
        ..case
    };
    Checked::new(case).run(1, Duration::from_secs(600), true)
}

/// Asserts that a guarantee breaks, and that the sound core keeps all.
fn caught(name: &str, broken: Broken, bounds: Bounds, guarantee: u8) {
    let sound = check(name, None, bounds);
    assert!(sound.whole, "{name}: {:?}", sound.counterexample);
    let found = check(name, Some(broken), bounds).counterexample;
    let faults = found.expect("a counter-example").faults;
    let numbers: Vec<u8> = faults.iter().map(|fault| fault.guarantee).collect();
    assert!(numbers.contains(&guarantee), "{faults:?}");
}

fn calm() -> Bounds {
    Bounds::default()
}

fn crash() -> Bounds {
    Bounds {
        crashes: 1,
        torn: 1,
        restarts: 1,
        ..calm()
    }
}

#[test]
fn effects_out_of_order_are_caught() {
    caught("2-start-crash", Broken::TellsFirst, crash(), 10);
}

#[test]
fn records_that_are_not_written_are_caught() {
    caught("2-start-crash", Broken::ForgetsRecords, crash(), 11);
}

#[test]
fn comments_that_are_withheld_are_caught() {
    caught("3-push", Broken::Withholds, calm(), 10);
}

#[test]
fn false_distances_are_caught() {
    caught("4-splice", Broken::LiesAboutDistance, calm(), 8);
}
