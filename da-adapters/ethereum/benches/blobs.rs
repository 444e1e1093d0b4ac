//! Packing at memory speed, and the commitments and proofs of six blobs.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use alloy_primitives::FixedBytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollwright_da_ethereum::{
    codec,
    kzg::{self, SidecarForm},
};
use std::hint::black_box;

fn payload() -> Vec<u8> {
    (0..codec::MAX_PAYLOAD_BYTES)
        .map(|at| (at * 31) as u8)
        .collect()
}

fn packing(c: &mut Criterion) {
    let payload = payload();
    let blob = codec::encode(&payload).unwrap();
    let mut group = c.benchmark_group("rollwright-da-ethereum");
    group.throughput(Throughput::Bytes(payload.len() as u64));
    group.bench_function("encode/bytes=130044", |b| {
        b.iter(|| codec::encode(black_box(&payload)).unwrap());
    });
    group.bench_function("decode/bytes=130044", |b| {
        b.iter(|| codec::decode(black_box(&blob)).unwrap());
    });
    group.finish();
}

fn commitments(c: &mut Criterion) {
    let blob = codec::encode(&payload()).unwrap();
    let blobs = vec![FixedBytes::try_from(&blob[..]).unwrap(); 6];
    kzg::settings();
    let mut group = c.benchmark_group("rollwright-da-ethereum");
    group.sample_size(10);
    group.bench_function("versioned_hash/blobs=1", |b| {
        b.iter(|| kzg::versioned_hash(black_box(&blob)).unwrap());
    });
    for (name, form) in [
        ("eip4844", SidecarForm::Eip4844),
        ("eip7594", SidecarForm::Eip7594),
    ] {
        group.bench_function(format!("sidecar/form={name},blobs=6"), |b| {
            b.iter(|| kzg::sidecar(form, black_box(blobs.clone())).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, packing, commitments);
criterion_main!(benches);
