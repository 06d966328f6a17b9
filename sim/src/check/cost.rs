//! *cost*: figures of the report that a scenario bounds (`at_most`). How each is
//! computed stands in [`crate::goals`].

use super::Violated;
use crate::goals::figure;
use crate::metrics::Metrics;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;

/// Fails if a bounded figure is over its bound, or if the run cannot tell it:
/// a bound on nothing would be met by a run that does nothing.
pub(super) fn finish(
    at_most: &BTreeMap<String, f64>,
    metrics: &Metrics,
    time: Time,
) -> Result<(), Violated> {
    at_most.iter().try_for_each(|(name, &bound)| {
        let detail = match figure(metrics, name) {
            Some(found) if found <= bound => return Ok(()),
            Some(found) => format!("{name} must be at most {bound}, found {found:.3}"),
            None => format!("{name} must be at most {bound}, but this run cannot tell it"),
        };
        Err(Violated {
            property: "cost",
            time,
            document: None,
            nodes: Vec::new(),
            detail,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_held_to_its_bound() {
        let metrics = Metrics {
            delivered: 4,
            bodies: 5,
            ..Metrics::default()
        };
        let bound = |name: &str, most: f64| {
            finish(
                &BTreeMap::from([(name.to_owned(), most)]),
                &metrics,
                Time(9),
            )
            .map_err(|violated| violated.detail)
        };
        assert_eq!(bound("copies", 1.25), Ok(()));
        assert_eq!(
            bound("copies", 1.2),
            Err("copies must be at most 1.2, found 1.250".into())
        );
        assert_eq!(
            bound("overhead", 9.0),
            Err("overhead must be at most 9, but this run cannot tell it".into())
        );
    }
}
