//! Two runs side by side, figure by figure.

use crate::goals::FIGURES;
use std::collections::BTreeMap;

/// Figures of which less is worse. Of all others more is worse, except of
/// those in [`NEUTRAL`].
const LESS_IS_WORSE: [&str; 2] = ["delivered", "delivered_bytes"];
/// Figures that are neither good nor bad.
const NEUTRAL: [&str; 2] = ["events", "degree_mean"];

/// One figure of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its name.
    pub name: &'static str,
    /// In the base.
    pub base: Option<f64>,
    /// In the other run.
    pub other: Option<f64>,
    /// (other − base) ÷ base, if both are known and the base is not zero.
    pub change: Option<f64>,
    /// It got worse by more than the tolerance.
    pub worse: bool,
}

/// All figures that one of the two knows. `tolerance` is the share by which a
/// figure may get worse.
#[must_use]
pub fn differences(
    base: &BTreeMap<String, f64>,
    other: &BTreeMap<String, f64>,
    tolerance: f64,
) -> Vec<Difference> {
    let known = FIGURES
        .into_iter()
        .filter(|name| base.contains_key(*name) || other.contains_key(*name));
    known
        .map(|name| {
            difference(
                name,
                base.get(name).copied(),
                other.get(name).copied(),
                tolerance,
            )
        })
        .collect()
}

fn difference(
    name: &'static str,
    base: Option<f64>,
    other: Option<f64>,
    tolerance: f64,
) -> Difference {
    let both = base.zip(other);
    let change = both
        .filter(|(base, _)| *base != 0.0)
        .map(|(base, other)| (other - base) / base);
    let worse = both.is_some_and(|(base, other)| {
        loss(name, base, other) > tolerance * base.abs() + f64::EPSILON
    });
    Difference {
        name,
        base,
        other,
        change,
        worse,
    }
}

/// How much worse `other` is than `base`; negative if it is better.
fn loss(name: &str, base: f64, other: f64) -> f64 {
    if NEUTRAL.contains(&name) {
        0.0
    } else if LESS_IS_WORSE.contains(&name) {
        base - other
    } else {
        other - base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worse(name: &'static str, base: f64, other: f64) -> bool {
        difference(name, Some(base), Some(other), 0.1).worse
    }

    #[test]
    fn only_changes_for_the_worse_beyond_the_tolerance_count() {
        assert!(worse("overhead", 1.0, 1.2));
        assert!(!worse("overhead", 1.0, 1.05));
        assert!(!worse("overhead", 1.0, 0.5));
        assert!(worse("delivered", 100.0, 80.0));
        assert!(!worse("delivered", 100.0, 200.0));
        assert!(!worse("events", 100.0, 200.0));
        assert!(worse("violations", 0.0, 1.0), "from nothing to something");
    }

    #[test]
    fn a_figure_that_one_run_lacks_is_shown_without_a_verdict() {
        let base = BTreeMap::from([("copies".to_owned(), 2.0)]);
        let list = differences(&base, &BTreeMap::new(), 0.0);
        assert_eq!(list.len(), 1);
        assert_eq!(
            (list[0].base, list[0].other, list[0].change, list[0].worse),
            (Some(2.0), None, None, false)
        );
        let list = differences(&base, &BTreeMap::from([("copies".to_owned(), 3.0)]), 0.0);
        assert_eq!(list[0].change, Some(0.5));
    }
}
