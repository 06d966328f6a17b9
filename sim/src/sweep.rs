//! Sweeps: many runs of one scenario over seeds and parameters, on many
//! processors. Rows come out in the order of the plan and hold nothing that
//! depends on the machine, so the result is the same for any number of jobs.

use crate::folder::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Position in the whole plan, whatever the shard.
    pub index: usize,
    /// Seed.
    pub seed: u64,
    /// Parameters, as overrides `key=value`.
    pub sets: Vec<String>,
}

/// Result of one run: a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Position in the whole plan.
    pub index: usize,
    /// Number of runs in the whole plan.
    pub of: usize,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Parameters as overrides.
    pub sets: Vec<String>,
    /// How it ended.
    pub outcome: Verdict,
    /// The property that did not hold.
    pub property: Option<String>,
    /// Hash of everything that happened, hexadecimal.
    pub digest: String,
    /// Figures by name.
    pub figures: BTreeMap<String, f64>,
}

/// A parameter and the values that it takes.
pub type Parameter = (String, Vec<String>);

/// All combinations of parameters, each with all seeds; the last parameter changes fastest, then the seed.
#[must_use]
pub fn plan(seeds: std::ops::Range<u64>, parameters: &[Parameter]) -> Vec<Point> {
    let mut combinations: Vec<Vec<String>> = vec![Vec::new()];
    for (key, values) in parameters {
        let extend = |sets: &Vec<String>| {
            let with = |value: &String| {
                sets.iter()
                    .cloned()
                    .chain([format!("{key}={value}")])
                    .collect()
            };
            values.iter().map(with).collect::<Vec<_>>()
        };
        combinations = combinations.iter().flat_map(extend).collect();
    }
    let runs = combinations
        .into_iter()
        .flat_map(|sets| seeds.clone().map(move |seed| (seed, sets.clone())));
    runs.enumerate()
        .map(|(index, (seed, sets))| Point { index, seed, sets })
        .collect()
}

/// The points of shard `number` (from 1) out of `shards`: every `shards`-th one.
#[must_use]
pub fn shard(plan: Vec<Point>, number: usize, shards: usize) -> Vec<Point> {
    plan.into_iter()
        .filter(|point| point.index % shards == number - 1)
        .collect()
}

/// Runs `work` on all items with so many threads, and hands the results to
/// `sink` in the order of the items. `sink` returns false to stop early.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut sink: impl FnMut(R) -> bool,
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(items, next) {
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&wanted) {
                wanted += 1;
                if !sink(result) {
                    next.store(items.len(), Ordering::Relaxed);
                }
            }
        }
    });
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

/// Rows of several shards in the order of the plan.
///
/// # Errors
/// If rows of different sweeps meet, or two rows disagree about the same run.
pub fn merge(rows: Vec<Row>) -> Result<Vec<Row>, String> {
    let mut merged: BTreeMap<usize, Row> = BTreeMap::new();
    for row in rows {
        if let Some(first) = merged.values().next()
            && (&first.scenario, first.of) != (&row.scenario, row.of)
        {
            return Err(format!(
                "rows of different sweeps: {} and {}",
                first.scenario, row.scenario
            ));
        }
        match merged.get(&row.index) {
            Some(known) if *known != row => {
                return Err(format!(
                    "two rows disagree about run {} (seed {})",
                    row.index, row.seed
                ));
            }
            Some(_) => {}
            None => {
                merged.insert(row.index, row);
            }
        }
    }
    Ok(merged.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(index: usize, digest: &str) -> Row {
        Row {
            index,
            of: 3,
            scenario: "x".into(),
            seed: 1,
            sets: vec![],
            outcome: Verdict::Passed,
            property: None,
            digest: digest.into(),
            figures: BTreeMap::new(),
        }
    }

    #[test]
    fn a_plan_has_every_combination_once_and_shards_part_it() {
        let parameters = [
            ("a".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned()]),
        ];
        let plan = plan(5..7, &parameters);
        let shown: Vec<_> = plan
            .iter()
            .map(|point| (point.index, point.seed, point.sets.join(" ")))
            .collect();
        let text = |a: &str| format!("a={a} b=x");
        assert_eq!(
            shown,
            [
                (0, 5, text("1")),
                (1, 6, text("1")),
                (2, 5, text("2")),
                (3, 6, text("2"))
            ]
        );
        let parts: Vec<usize> = (1..=3)
            .flat_map(|n| shard(plan.clone(), n, 3))
            .map(|point| point.index)
            .collect();
        assert_eq!(parts, [0, 3, 1, 2]);
    }

    #[test]
    fn results_come_in_order_for_any_number_of_jobs() {
        let items: Vec<u64> = (0..50).collect();
        for jobs in [1, 2, 7] {
            let mut results = Vec::new();
            in_order(
                &items,
                jobs,
                |item| item * item,
                |result| {
                    results.push(result);
                    true
                },
            );
            assert_eq!(
                results,
                items.iter().map(|item| item * item).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn merging_orders_rows_and_refuses_contradictions() {
        let merged = merge(vec![row(2, "c"), row(0, "a"), row(2, "c")]).unwrap();
        assert_eq!(
            merged.iter().map(|row| row.index).collect::<Vec<_>>(),
            [0, 2]
        );
        assert!(
            merge(vec![row(1, "a"), row(1, "b")])
                .unwrap_err()
                .contains("disagree")
        );
        let other = Row {
            scenario: "y".into(),
            ..row(1, "a")
        };
        assert!(
            merge(vec![row(0, "a"), other])
                .unwrap_err()
                .contains("different sweeps")
        );
    }
}
