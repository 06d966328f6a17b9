//! From a seed to a whole scenario, as text: one file per table. The text is all that a run needs
//! besides the seed, so that every case can be kept, read and changed like a scenario that
//! somebody wrote.

mod adversaries;
mod dice;
mod faults;
mod network;
mod plan;
mod protocol;
mod settle;
mod workload;

use crate::scenario::{self, Scenario, ScenarioError};
pub use settle::bound;

use dice::{Aspect, Dice};
use plan::Plan;
use std::time::Duration;

/// A drawn scenario.
#[derive(Clone, Debug)]
pub struct Case {
    /// The seed that it was drawn from, and that it runs with.
    pub seed: u64,
    /// Its text.
    pub text: String,
    /// The same, read.
    pub scenario: Scenario,
}

/// Time that nothing happens in a quiet case, after what was under way had `settle` to end.
const QUIET: Duration = Duration::from_secs(900);

/// Draws the case of a seed.
///
/// # Errors
/// The drawn text is no scenario: a defect of the drawing.
pub fn draw(seed: u64) -> Result<Case, ScenarioError> {
    let plan = Plan::draw(&mut Dice::new(seed, Aspect::Plan));
    let mut tables = String::new();
    network::draw(&mut Dice::new(seed, Aspect::Network), plan, &mut tables);
    workload::draw(&mut Dice::new(seed, Aspect::Workload), plan, &mut tables);
    protocol::draw(&mut Dice::new(seed, Aspect::Protocol), plan, &mut tables);
    faults::draw(&mut Dice::new(seed, Aspect::Faults), plan, &mut tables);
    adversaries::draw(&mut Dice::new(seed, Aspect::Adversaries), plan, &mut tables);
    let name = format!("swarm-{seed}.toml");
    let active = Duration::from_millis(plan.active);
    let first = head(seed, active, Duration::ZERO) + &tables;
    let first = scenario::parse(&name, &first, &[])?;
    let mut text = head(seed, active, settle::bound(&first));
    if plan.quiet {
        text += &format!("quiet = \"{}s\"\n", QUIET.as_secs());
    }
    text += &tables;
    text += &checks(plan, &first);
    let scenario = scenario::parse(&name, &text, &[])?;
    Ok(Case {
        seed,
        text,
        scenario,
    })
}

/// Adversaries may cut off whom they surround: in a network as small as these a single one can be
/// all that somebody knows.
fn checks(plan: Plan, scenario: &Scenario) -> String {
    let bound = settle::stale(scenario) + scenario.checks.circle_bound;
    let cut_off = if plan.hostile { "cut_off = 1.0\n" } else { "" };
    let bound = bound.as_millis();
    format!("\n[checks]\n{cut_off}circle_bound = \"{bound}ms\"\n")
}

fn head(seed: u64, duration: Duration, settle: Duration) -> String {
    format!(
        "# Drawn by the swarm from seed {seed}.\nabout = \"Drawn by the swarm from seed {seed}.\"\n\
         seed = {seed}\nduration = \"{}ms\"\nsettle = \"{}ms\"\n",
        duration.as_millis(),
        settle.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_seed_gives_a_scenario_of_its_own() {
        let texts: BTreeSet<String> = (0..500)
            .map(|seed| draw(seed).expect("a scenario").text)
            .collect();
        assert_eq!(texts.len(), 500);
        assert_eq!(
            draw(7).expect("a scenario").text,
            draw(7).expect("a scenario").text
        );
    }
}
