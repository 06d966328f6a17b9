//! Events per second of a small scenario.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use cliqueclique_sim::driver::{Observer, Outcome, run};
use cliqueclique_sim::scenario::{Scenario, parse};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SCENARIO: &str = r#"# Benchmark.
about = "Benchmark."
duration = "5m"
settle = "5m"
sample = "10s"

[network]
preset = "internet"

[workload]
nodes = 30
join_over = "30s"
comments = 60
comments_from = "1m"
comments_until = "4m"

[checks]
every_step = "#;

struct Nobody;

impl Observer for Nobody {}

fn simulate(scenario: &Scenario) -> Outcome {
    run(scenario, 1, &mut Nobody).expect("no trace to read")
}

fn simulating(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator");
    group.sample_size(10);
    for (name, every_step) in [
        ("checked at samples", false),
        ("checked at every step", true),
    ] {
        let text = format!("{SCENARIO}{every_step}\n");
        let scenario = parse("benchmark.toml", &text, &[]).expect("a valid scenario");
        group.throughput(Throughput::Elements(simulate(&scenario).metrics.events));
        group.bench_function(name, |bencher| bencher.iter(|| simulate(&scenario)));
    }
}

criterion_group!(benches, simulating);
criterion_main!(benches);
