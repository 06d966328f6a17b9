//! Encoding and decoding each kind of packet.
#![allow(missing_docs, reason = "the macros of criterion document nothing")]

use cliqueclique_benches::samples::packets;
use cliqueclique_core::wire::{decode, encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, packet) in packets() {
        group.throughput(Throughput::Bytes(encode(&packet).len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| encode(black_box(&packet)));
        });
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, packet) in packets() {
        let bytes = encode(&packet);
        assert_eq!(decode(&bytes), Ok(packet), "{name} is within its limits");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| decode(black_box(&bytes)));
        });
    }
}

criterion_group!(benches, encoding, decoding);
criterion_main!(benches);
