//! `Core::handle` for the main kinds of input, at nodes with few and many documents.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use cliqueclique_benches::kinds::{GROWING, Kind, STEADY, play};
use cliqueclique_benches::pair::Pair;
use criterion::{Criterion, criterion_group, criterion_main};
use std::time::{Duration, Instant};

/// Times one round: its inputs, and the answers of the runner to what follows.
fn round(pair: &mut Pair, kind: &Kind, number: u64) -> Duration {
    let inputs = kind.1(pair, number);
    let start = Instant::now();
    play(pair, inputs);
    start.elapsed()
}

fn handling(criterion: &mut Criterion) {
    for documents in [1, 1_000, 100_000] {
        let mut group = criterion.benchmark_group(format!("handle with {documents} documents"));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(500));
        let mut pair = Pair::new(documents);
        let mut number = 0;
        for kind in STEADY.iter().chain(&GROWING) {
            let growing = GROWING.iter().any(|(name, _)| *name == kind.0);
            group.bench_function(kind.0, |bencher| {
                bencher.iter_custom(|rounds| {
                    let rounds = 0..rounds;
                    let timed = rounds.map(|_| {
                        number += 1;
                        if growing && grown(&pair, documents) {
                            pair = Pair::new(documents);
                        }
                        round(&mut pair, kind, number)
                    });
                    timed.sum()
                });
            });
            assert!(pair.linked(), "the link outlives {}", kind.0);
            let violations = pair.core(0).counters().violations;
            assert_eq!(violations, 0, "{} is within the rules", kind.0);
        }
    }
}

/// A node that has clearly more documents than it should is replaced.
fn grown(pair: &Pair, documents: usize) -> bool {
    pair.core(0).overlays().count() > documents + (documents / 10).max(20)
}

criterion_group!(benches, handling);
criterion_main!(benches);
