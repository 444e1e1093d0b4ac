//! A block of 1,000 transfers between accounts: admitted, built, executed,
//! committed, on a chain in memory.
//!
//! `cargo bench -p rollwright-evm --bench engine`
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{TxKind, U256};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rollwright_core::{
    Address, Anchor, Attributes, Bytes, DaHeight, DaOrdinal, DaPoint, ForcedBudget, Heads,
    keccak256,
};
use rollwright_derive::{DevChain, RollupConfig};
use rollwright_evm::{
    engine::{EvmEngine, TransactionList},
    genesis::{DEV_CHAIN_ID, DevGenesis, Genesis, dev_account},
};

const TRANSFERS: u64 = 1_000;

fn genesis() -> Genesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    DevGenesis::new(1_700_000_000, rollup).genesis()
}

fn transfers() -> Vec<Bytes> {
    let key = dev_account(0).expect("an account").key;
    let transfer = |nonce: u64| {
        let transaction = TxEip1559 {
            chain_id: DEV_CHAIN_ID,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(Address::from_word(keccak256(nonce.to_be_bytes()))),
            value: U256::from(1),
            ..Default::default()
        };
        let signature = sign_message(key, transaction.signature_hash()).expect("a key");
        TxEnvelope::from(transaction.into_signed(signature))
            .encoded_2718()
            .into()
    };
    (0..TRANSFERS).map(transfer).collect()
}

fn attributes(engine: &EvmEngine) -> Attributes {
    let genesis = &engine.genesis_block().header;
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(1),
        hash: keccak256("origin"),
    };
    Attributes {
        timestamp: genesis.timestamp + 1,
        fee_recipient: Address::repeat_byte(3),
        gas_limit: genesis.gas_limit,
        anchor: Anchor::at(origin, DaOrdinal(1), keccak256("data"), genesis.timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: 1 << 20,
        max_transactions: u32::MAX,
    }
}

fn engine(criterion: &mut Criterion) {
    let genesis = genesis();
    let transfers = transfers();
    let new = || EvmEngine::in_memory(genesis.clone()).expect("a chain");
    let build = |engine: &EvmEngine| {
        let parent = engine.heads().expect("heads").latest;
        let mut offered = TransactionList::new(transfers.clone());
        engine
            .build_block(&parent, attributes(engine), &mut offered)
            .expect("a block")
    };
    let admitted = || {
        let engine = new();
        for bytes in &transfers {
            engine.admit_transaction(bytes).expect("admitted");
        }
        engine
    };
    let built = build(&new());
    assert_eq!(u64::from(built.executed.transactions), TRANSFERS);

    let mut group = criterion.benchmark_group("evm::engine");
    group
        .throughput(Throughput::Elements(TRANSFERS))
        .sample_size(20);
    group.bench_function("admit/transfers=1000", |bencher| {
        let each = |engine: EvmEngine| {
            for bytes in &transfers {
                engine.admit_transaction(bytes).expect("admitted");
            }
            engine
        };
        bencher.iter_batched(new, each, BatchSize::LargeInput);
    });
    group.bench_function("build/transfers=1000", |bencher| {
        bencher.iter_batched(admitted, |engine| build(&engine), BatchSize::LargeInput);
    });
    for (name, prepare) in [
        ("known", &admitted as &dyn Fn() -> EvmEngine),
        ("recovered", &new),
    ] {
        group.bench_function(
            format!("execute/transfers=1000,senders={name}"),
            |bencher| {
                bencher.iter_batched(
                    prepare,
                    |engine| engine.execute_block(&built.input).expect("executes"),
                    BatchSize::LargeInput,
                );
            },
        );
    }
    group.bench_function("commit/transfers=1000", |bencher| {
        bencher.iter_batched(
            || {
                let engine = admitted();
                let built = build(&engine);
                (engine, Heads::all(built.executed.block))
            },
            |(engine, heads)| engine.commit(&heads, &[]).expect("commits"),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
