//! From DA blocks to committed blocks, on a chain in memory: an honest history,
//! and 10,000 hostile blobs in one DA block beside an honest block of the same
//! size. `tests/hostile_volume.rs` counts the same work.
//!
//! `cargo bench -p rollwright-evm --bench derivation`
#![allow(missing_docs, reason = "a benchmark")]

#[path = "../tests/world/mod.rs"]
mod world;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use rollwright_core::DaBlock;
use world::{Node, PER_BLOCK, hostile::Hostile};

const BLOBS: usize = 10_000;

fn derive(da: &[DaBlock]) -> u64 {
    let mut node = Node::new(|codec| codec);
    node.read(da);
    node.head()
}

fn history(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evm::derivation");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(10 * PER_BLOCK as u64));
    let da = world::honest(10);
    assert_eq!(derive(&da), 10);
    group.bench_function("honest/transfers=10000", |bencher| {
        bencher.iter_batched(
            || Node::new(|codec| codec),
            |mut node| {
                node.read(&da);
                node
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn hostile(criterion: &mut Criterion) {
    let rules = world::rules(&Node::new(|codec| codec).engine);
    let empty = world::da_block(None, Vec::new());
    let second = world::da_block(Some(&empty), Vec::new());
    // An honest block of the size of the hostile ones: 1.8 MB.
    let size = |blobs: &[rollwright_core::PostedBlob]| -> usize {
        blobs.iter().map(|blob| blob.data.len()).sum()
    };
    let block = |kind: Hostile| {
        let blobs = kind.blobs(&rules, BLOBS);
        world::da_block(Some(&second), blobs)
    };
    let strangers = block(Hostile::Strangers);
    let one = world::honest(1);
    let blocks = size(&strangers.blobs).div_ceil(size(&one[2].blobs));
    let honest = world::honest(blocks);

    let mut group = criterion.benchmark_group("evm::derivation");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let mut measure = |name: String, da: [&DaBlock; 3]| {
        group.throughput(Throughput::Bytes(size(&da[2].blobs) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || Node::new(|codec| codec),
                |mut node| {
                    for block in da {
                        node.read(std::slice::from_ref(block));
                    }
                    node
                },
                BatchSize::PerIteration,
            );
        });
    };
    measure(
        format!("honest/size=10000-parts,transfers={}", blocks * PER_BLOCK),
        [&honest[0], &honest[1], &honest[2]],
    );
    for kind in Hostile::ALL {
        let hostile = block(kind);
        measure(
            format!("hostile/blobs={BLOBS},kind={kind:?}"),
            [&empty, &second, &hostile],
        );
    }
    group.finish();
}

criterion_group!(benches, history, hostile);
criterion_main!(benches);
