//! 4,000 updates of a state of 100,000 accounts and as many slots: root,
//! commit to disk, both in turn as a node does them; and the recovery of
//! senders.
//!
//! `cargo bench -p rollwright-evm --bench store`
#![allow(
    missing_docs,
    dead_code,
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

#[path = "../examples/scale/state.rs"]
mod state;

use alloy_consensus::crypto::secp256k1::sign_message;
use alloy_primitives::{B256, keccak256};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rollwright_core::Heads;
use rollwright_evm::{
    genesis::dev_account,
    senders,
    store::{
        Store, StoreOptions,
        kv::{FjallKv, FjallOptions},
    },
};
use state::{Dice, TOUCHED};
use std::sync::Arc;

/// As in the `rollwright` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACCOUNTS: u64 = 100_000;

fn store(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let kv = FjallKv::open(folder.path(), FjallOptions::default()).expect("opens");
    let store = Store::open(Arc::new(kv), StoreOptions::default()).expect("opens");
    let order = state::accounts(ACCOUNTS);
    let root = state::root(&order);
    state::load(&store, order, root).expect("loads");
    let mut dice = Dice(1);
    let mut next = || {
        let parent = store.heads().expect("heads").latest;
        let changes = state::changes(&store, &mut dice, ACCOUNTS, parent).expect("reads");
        (parent, changes)
    };

    let mut group = criterion.benchmark_group("evm::store");
    group
        .throughput(Throughput::Elements(2 * TOUCHED))
        .sample_size(20);
    let name = |what: &str| format!("{what}/accounts={ACCOUNTS},updates={}", 2 * TOUCHED);
    group.bench_function(name("root"), |bencher| {
        bencher.iter_batched(
            &mut next,
            |(parent, changes)| store.prepare(&parent, changes).expect("a root"),
            BatchSize::PerIteration,
        );
    });
    let commit = |parent, prepared: rollwright_evm::store::Prepared| {
        let (new, latest) = state::block(parent, 0, prepared.state_root());
        store.insert(new, prepared).expect("kept");
        let heads = Heads {
            latest,
            safe: parent,
            finalized: parent,
        };
        store.set_heads(&heads, &[]).expect("committed");
    };
    group.bench_function(name("commit"), |bencher| {
        bencher.iter_batched(
            || {
                let (parent, changes) = next();
                (parent, store.prepare(&parent, changes).expect("a root"))
            },
            |(parent, prepared)| commit(parent, prepared),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn recovery(criterion: &mut Criterion) {
    let key = dev_account(0).expect("an account").key;
    let signed: Vec<_> = (0u64..100)
        .map(|n| {
            let hash: B256 = keccak256(n.to_be_bytes());
            (sign_message(key, hash).expect("a key"), hash)
        })
        .collect();
    let mut group = criterion.benchmark_group("evm::senders");
    group.throughput(Throughput::Elements(100)).sample_size(20);
    group.bench_function("recover/signatures=100,threads=1", |bencher| {
        bencher.iter(|| {
            for (signature, hash) in &signed {
                senders::recover(signature, *hash).expect("a signer");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, store, recovery);
criterion_main!(benches);
