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

/// 1,766 transactions whose call data makes each 800 bytes long.
fn long(criterion: &mut Criterion) {
    const COUNT: u64 = 1_766;
    let transactions = (0..COUNT).map(|index| {
        let mut input: Vec<u8> = Vec::new();
        let mut word = alloy_primitives::keccak256(index.to_be_bytes());
        while input.len() < 680 {
            input.extend_from_slice(word.as_slice());
            word = alloy_primitives::keccak256(word);
        }
        input.truncate(680);
        let transaction = alloy_consensus::TxEip1559 {
            chain_id: mix::CHAIN_ID,
            nonce: index / 100,
            gas_limit: 100_000,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1_000_000,
            to: alloy_primitives::TxKind::Call(alloy_primitives::Address::from_word(word)),
            input: input.into(),
            ..Default::default()
        };
        mix::sign(transaction, mix::key(index % 100))
    });
    let transactions: Vec<_> = transactions.collect();
    let bytes: usize = transactions.iter().map(|bytes| bytes.len()).sum();
    assert_eq!(bytes as u64 / COUNT, 800);
    let blocks = [rollwright_derive::BatchBlock {
        timestamp: 1_800_000_000,
        transactions,
        ..Default::default()
    }];
    let warm = EvmCodec::new(mix::CHAIN_ID).with_senders(Arc::new(SenderCache::default()));
    let mut group = criterion.benchmark_group("evm::codec");
    group
        .throughput(Throughput::Elements(COUNT))
        .sample_size(20);
    for (name, id) in CODECS {
        let encoded = warm.encode(id, &blocks).expect("encodes");
        let facts = EncodedFacts {
            codec: id,
            decompressed_len: encoded.decompressed_len,
            blocks: 1,
            transactions: encoded.transactions,
        };
        for (senders, new) in [("known", false), ("recovered", true)] {
            let codec = || match new {
                true => EvmCodec::new(mix::CHAIN_ID),
                false => warm.clone(),
            };
            group.bench_function(
                format!("decode/codec={name},transactions=1766,bytes=800,senders={senders}"),
                |bencher| {
                    bencher.iter_batched(
                        codec,
                        |codec| {
                            codec
                                .decode(&facts, &encoded.payload, &LIMITS)
                                .expect("decodes")
                        },
                        BatchSize::LargeInput,
                    );
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, codec, long);
criterion_main!(benches);
