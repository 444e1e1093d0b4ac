//! `eth_getLogs` over 100,000 blocks by its index: a rare topic, a rare
//! emitter, a topic that is nowhere, two common conditions that seldom meet,
//! and the last 100 blocks of a common emitter.
//!
//! `cargo bench -p rollwright-evm --bench logs`
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use alloy_consensus::{Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256, logs_bloom};
use alloy_trie::EMPTY_ROOT_HASH;
use criterion::{Criterion, criterion_group, criterion_main};
use rollwright_core::{BlockEffects, BlockRecord, BlockRef, Changes, Header, Heads};
use rollwright_evm::store::{
    LogQuery, NewBlock, Store, StoreOptions,
    kv::{FjallKv, FjallOptions},
};
use std::sync::Arc;

/// As in the `rollwright` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BLOCKS: u64 = 100_000;
/// Blocks that become canonical together.
const TOGETHER: u64 = 100;
/// One block in so many has logs.
const EVERY: u64 = 2;
/// One block in so many has a rare log among them.
const RARELY: u64 = 10_000;

fn emitter(n: u64) -> Address {
    Address::from_word(B256::from(U256::from(n + 1)))
}

fn topic(n: u64) -> B256 {
    keccak256(n.to_be_bytes())
}

/// Three transfers of tokens; one block in [`RARELY`] has a log of another
/// kind.
fn logs(number: u64) -> Vec<Log> {
    if !number.is_multiple_of(EVERY) {
        return Vec::new();
    }
    let transfer = |n: u64| {
        let topics = vec![topic(0), topic(1_000 + (number + n) % 997), topic(2)];
        Log::new_unchecked(emitter(n % 3), topics, Bytes::from(vec![1; 32]))
    };
    let mut logs: Vec<_> = (0..3).map(transfer).collect();
    if number.is_multiple_of(RARELY) {
        logs.push(Log::new_unchecked(
            emitter(77),
            vec![topic(7)],
            Bytes::new(),
        ));
    }
    logs
}

fn block(parent: BlockRef, number: u64, state_root: B256) -> (NewBlock, BlockRef) {
    let logs = logs(number);
    let bloom = logs_bloom(logs.iter());
    let transaction = Bytes::from(number.to_be_bytes().to_vec());
    let receipt = ReceiptEnvelope::Eip1559(ReceiptWithBloom {
        receipt: Receipt {
            status: Eip658Value::success(),
            cumulative_gas_used: 21_000,
            logs,
        },
        logs_bloom: bloom,
    });
    let header = Header {
        number,
        parent_hash: parent.hash,
        state_root,
        timestamp: number,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        logs_bloom: bloom,
        ..Header::default()
    };
    let at = BlockRef {
        number,
        hash: header.hash_slow(),
    };
    let record = BlockRecord {
        block: at,
        parent,
        timestamp: number,
        fee_recipient: Address::ZERO,
        state_root,
        gas_used: 21_000,
        anchor: None,
        forced_included: Vec::new(),
        forced: Vec::new(),
        transactions: vec![transaction.clone()],
        input_hash: keccak256(at.hash),
    };
    let new = NewBlock {
        header,
        record,
        transaction_hashes: vec![keccak256(&transaction)],
        senders: vec![emitter(1)],
        effects: BlockEffects {
            receipts: vec![receipt.encoded_2718().into()],
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    };
    (new, at)
}

fn fill(store: &Store) {
    let genesis = Header {
        state_root: EMPTY_ROOT_HASH,
        ..Header::default()
    };
    let new = NewBlock::genesis(genesis);
    let mut parent = new.record.block;
    store
        .load(new, &mut std::iter::empty(), &mut std::iter::empty())
        .expect("a genesis");
    for number in 1..=BLOCKS {
        let prepared = store.prepare(&parent, Changes::default()).expect("a root");
        let (new, at) = block(parent, number, prepared.state_root());
        store.insert(new, prepared).expect("kept");
        parent = at;
        if number.is_multiple_of(TOGETHER) {
            store.set_heads(&Heads::all(at), &[]).expect("committed");
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = StoreOptions {
        pending_blocks: 2 * TOGETHER as usize,
        ..StoreOptions::default()
    };
    let open = || {
        let kv = FjallKv::open(folder.path(), FjallOptions::default()).expect("opens");
        Store::open(Arc::new(kv), options).expect("opens")
    };
    fill(&open());
    // Read as after a restart: nothing is in memory.
    let store = open();
    let query = |addresses: Vec<Address>, topics: Vec<Vec<B256>>| LogQuery {
        from: 1,
        to: BLOCKS,
        addresses,
        topics,
        limit: 20_000,
    };
    let cases = [
        ("rare-topic", query(vec![], vec![vec![topic(7)]]), 10),
        ("rare-emitter", query(vec![emitter(77)], vec![]), 10),
        ("no-such-topic", query(vec![], vec![vec![topic(8)]]), 0),
        (
            "two-conditions",
            query(vec![emitter(0)], vec![vec![], vec![topic(1_005)]]),
            51,
        ),
        (
            "last-100-of-a-common-emitter",
            LogQuery {
                from: BLOCKS - 99,
                ..query(vec![emitter(0)], vec![])
            },
            50,
        ),
    ];
    let mut group = criterion.benchmark_group("evm::logs");
    for (name, query, expected) in cases {
        let found = store.logs(&query).expect("reads").hits.len();
        assert!(
            found.abs_diff(expected) <= 1,
            "{name}: {found} logs, {expected} expected"
        );
        group.bench_function(format!("search/blocks={BLOCKS},query={name}"), |bencher| {
            bencher.iter(|| store.logs(&query).expect("reads").hits.len());
        });
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(10);
    targets = benches
}
criterion_main!(all);
