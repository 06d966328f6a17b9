//! Two nodes find and exchange what differs in their sets of comments.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use cliqueclique_benches::pair::Pair;
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use std::time::{Duration, Instant};

const COMMENTS: u32 = 10_000;

/// A pair in which both nodes have the same comments.
fn agreeing(comments: u32) -> Pair {
    let mut pair = Pair::new(1);
    for _ in 0..comments {
        let meeting = pair.meeting();
        pair.publish(0, vec![meeting]);
        pair.run_for(Duration::from_millis(10));
    }
    pair.run_until(agree);
    pair
}

fn agree(pair: &Pair) -> bool {
    pair.comments(0) == pair.comments(1)
}

/// Times how long it takes until node 1 has what only node 0 has.
fn reconcile(pair: &mut Pair, missing: u32) -> Duration {
    pair.differ(missing);
    assert_eq!(pair.comments(0), pair.comments(1) + missing);
    let start = Instant::now();
    pair.run_until(agree);
    start.elapsed()
}

/// The pair that was used before, unless it has too many comments by now.
fn fresh(pair: &mut Option<Pair>, missing: u32) -> &mut Pair {
    let fits = |pair: &mut Pair| pair.comments(0) + missing <= COMMENTS * 11 / 10;
    if !pair.as_mut().is_some_and(fits) {
        *pair = None;
    }
    pair.get_or_insert_with(|| agreeing(COMMENTS - missing))
}

fn reconciling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reconcile 10000 comments");
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(1));
    group.measurement_time(Duration::from_millis(200));
    for missing in [1, 100, COMMENTS] {
        group.throughput(Throughput::Elements(u64::from(missing)));
        let mut pair = None;
        group.bench_function(BenchmarkId::new("missing", missing), |bencher| {
            bencher.iter_custom(|rounds| {
                let rounds = 0..rounds;
                rounds
                    .map(|_| reconcile(fresh(&mut pair, missing), missing))
                    .sum()
            });
        });
    }
}

criterion_group!(benches, reconciling);
criterion_main!(benches);
