//! Encoding and decoding batches of the mixed load, 5,000 transactions each.
//!
//! `cargo bench -p rollwright-evm --bench codec`
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

#[path = "../src/codec/tests/mix.rs"]
mod mix;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rollwright_derive::{BatchCodec, CodecId, CodecLimits, EncodedFacts};
use rollwright_evm::{codec::EvmCodec, senders::SenderCache};
use std::sync::Arc;

const CODECS: [(&str, CodecId); 3] = [
    ("none", CodecId::NONE),
    ("zstd", CodecId::ZSTD),
    ("brotli", CodecId::BROTLI),
];

const LIMITS: CodecLimits = CodecLimits {
    max_blocks: 1_000,
    max_block_transactions: 10_000,
    max_block_bytes: 8 << 20,
    max_decompressed_bytes: 16 << 20,
};

fn codec(criterion: &mut Criterion) {
    let blocks = mix::mix(7, 25, 200, 5_000);
    let mut group = criterion.benchmark_group("evm::codec");
    group
        .throughput(Throughput::Elements(5_000))
        .sample_size(20);
    // Senders are known, as they are to whoever built the blocks.
    let warm = EvmCodec::new(mix::CHAIN_ID).with_senders(Arc::new(SenderCache::default()));
    for (name, id) in CODECS {
        let encoded = warm.encode(id, &blocks).expect("encodes");
        let facts = EncodedFacts {
            codec: id,
            decompressed_len: encoded.decompressed_len,
            blocks: blocks.len() as u32,
            transactions: encoded.transactions,
        };
        group.bench_function(format!("encode/codec={name}"), |bencher| {
            bencher.iter(|| warm.encode(id, &blocks));
        });
        group.bench_function(format!("decode/codec={name},senders=known"), |bencher| {
            bencher.iter(|| warm.decode(&facts, &encoded.payload, &LIMITS));
        });
        group.bench_function(
            format!("decode/codec={name},senders=recovered"),
            |bencher| {
                bencher.iter_batched(
                    || EvmCodec::new(mix::CHAIN_ID),
                    |cold| cold.decode(&facts, &encoded.payload, &LIMITS),
                    BatchSize::LargeInput,
                );
            },
        );
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
