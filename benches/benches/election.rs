//! A node loses the upstream of all its networks and becomes their overlay root.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use cliqueclique_benches::paths::{mourn, sharing};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use std::time::{Duration, Instant};

fn electing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("election after upstream loss");
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(1));
    group.measurement_time(Duration::from_millis(200));
    for comments in [0, 100, 1_000] {
        let networks = comments + 1;
        group.throughput(Throughput::Elements(networks));
        group.bench_function(BenchmarkId::new("networks", networks), |bencher| {
            bencher.iter_custom(|rounds| {
                let timed = (0..rounds).map(|_| {
                    let mut pair = sharing(comments);
                    let start = Instant::now();
                    mourn(&mut pair);
                    start.elapsed()
                });
                timed.sum()
            });
        });
    }
}

criterion_group!(benches, electing);
criterion_main!(benches);
