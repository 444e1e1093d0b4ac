//! A chain through every fork, made by Ethereum's executable specification:
//! see `testdata/README.md`.

use crate::{
    engine::{EvmConfig, EvmEngine},
    ethereum::{EthereumBlock, Violation},
    genesis::Genesis,
    import::{Added, ChainFile, ImportError, Imported, Importer, Phase, Totals, extras, import},
};
use alloy_consensus::{BlockHeader, Eip658Value, TxReceipt};
use alloy_primitives::{Address, B256, U256, address};
use rollwright_core::{BlockId, BlockRef, Heads, LayerError};
use serde::Deserialize;
use std::sync::{Arc, Mutex};

const GENESIS: &str = include_str!("../../../testdata/all-forks.genesis.json");
const CHAIN: &[u8] = include_bytes!("../../../testdata/all-forks.rlp");
const BLOCKS: &str = include_str!("../../../testdata/all-forks.blocks.json");

/// What the specification says of each block.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    number: u64,
    hash: B256,
    state_root: B256,
}

fn expected() -> Vec<Expected> {
    serde_json::from_str(BLOCKS).expect("a list of blocks")
}

fn genesis() -> Genesis {
    Genesis::from_geth_json(GENESIS).expect("a genesis of geth")
}

fn engine() -> EvmEngine {
    EvmEngine::in_memory(genesis()).expect("a store in memory")
}

fn importer(engine: &EvmEngine) -> Importer {
    let config = Arc::clone(engine.chain_config());
    Importer::open(engine.store().clone(), config).expect("a store with genesis")
}

fn run(engine: &EvmEngine, bytes: &[u8]) -> Imported {
    let mut importer = importer(engine);
    let file = ChainFile::new(bytes);
    import(&mut importer, engine.store(), file, &mut |_, _| ()).expect("the store works")
}

fn blocks() -> Vec<EthereumBlock> {
    let blocks = ChainFile::new(CHAIN).collect::<Result<_, _>>();
    blocks.expect("a chain file")
}

/// The bytes of the blocks up to `last`.
fn up_to(last: usize) -> &'static [u8] {
    let bytes: usize = blocks().iter().take(last).map(EthereumBlock::length).sum();
    &CHAIN[..bytes]
}

/// The block at `index` with another header.
fn spoilt(index: usize, spoil: impl FnOnce(&mut alloy_consensus::Header)) -> Vec<u8> {
    let mut block = blocks()[index].block().clone();
    spoil(&mut block.header);
    alloy_rlp::encode(block)
}

#[test]
fn every_block_of_every_fork_gives_what_the_specification_says() {
    let engine = engine();
    let mut importer = importer(&engine);
    let expected = expected();
    assert_eq!(importer.head().hash, expected[0].hash);
    for (block, expected) in blocks().iter().zip(&expected[1..]) {
        let added = importer.add(block).expect("a valid block");
        assert_eq!(added, Added::Head);
        let head = BlockRef {
            number: expected.number,
            hash: expected.hash,
        };
        assert_eq!(importer.head(), head);
        assert_eq!(block.header().state_root, expected.state_root);
    }
    assert_eq!(expected.len(), 44);
}

#[test]
fn a_whole_file_ends_with_its_head_safe_and_final() {
    let engine = engine();
    let done = run(&engine, CHAIN);
    assert!(done.stopped.is_none(), "{:?}", done.stopped);
    let last = expected().pop().expect("the head");
    assert_eq!((done.head.number, done.head.hash), (last.number, last.hash));
    assert_eq!(engine.heads().expect("heads"), Heads::all(done.head));
    assert_eq!((done.totals.blocks, done.totals.known), (43, 0));
    assert_eq!(done.totals.bytes, CHAIN.len() as u64);
    let gas: u64 = blocks().iter().map(|block| block.header().gas_used).sum();
    assert_eq!(done.totals.gas, gas);
    // Computed by another implementation from the flat state alone.
    let check = engine.store().check().expect("a store in order");
    assert_eq!(check.root, last.state_root);
}

#[test]
fn an_import_goes_on_where_another_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let engine = EvmEngine::open(EvmConfig::at(genesis(), folder.path())).expect("a store");
        engine.init().expect("genesis");
        engine
    };
    // Across the merge, and with ommers in reach.
    for (last, known) in [(4, 0), (13, 4), (24, 13), (43, 24), (43, 43)] {
        let done = run(&open(), up_to(last));
        assert!(done.stopped.is_none(), "{:?}", done.stopped);
        assert_eq!(done.totals.known, known);
        assert_eq!(done.head.number, last as u64);
    }
    assert_eq!(
        open().heads().expect("heads").latest.hash,
        expected().pop().expect("the head").hash
    );
}

#[test]
fn a_wrong_block_is_refused_by_name_and_what_came_before_stays() {
    let engine = engine();
    let wrong = B256::repeat_byte(0x77);
    let bytes = [
        up_to(30),
        &spoilt(30, |header| header.state_root = wrong)[..],
    ]
    .concat();
    let done = run(&engine, &bytes);
    assert_eq!((done.head.number, done.totals.blocks), (30, 30));
    assert_eq!(engine.heads().expect("heads").finalized.number, 30);
    let right = blocks()[30].header().state_root;
    let stopped = done.stopped.expect("a refusal");
    assert_eq!(
        stopped.to_string(),
        format!("block 31: stateRoot is {wrong}, expected {right}")
    );
    assert_eq!(stopped.code(), "RW-EVM-401");
    let rest = run(&engine, CHAIN);
    assert!(rest.stopped.is_none(), "{:?}", rest.stopped);
    assert_eq!((rest.totals.known, rest.head.number), (30, 43));
}

#[test]
fn each_spoilt_field_of_a_late_block_is_found() {
    type Spoil = fn(&mut alloy_consensus::Header);
    let cases: [(&str, Spoil); 16] = [
        ("number", |h| h.number += 1),
        ("timestamp", |h| h.timestamp = 1),
        ("gasLimit", |h| h.gas_limit /= 2),
        ("gasUsed", |h| h.gas_used += 1),
        ("extraData", |h| h.extra_data = vec![1; 33].into()),
        ("difficulty", |h| h.difficulty = U256::from(1)),
        ("nonce", |h| h.nonce.0[0] = 1),
        ("sha3Uncles", |h| h.ommers_hash = B256::ZERO),
        ("transactionsRoot", |h| h.transactions_root = B256::ZERO),
        ("receiptsRoot", |h| h.receipts_root = B256::ZERO),
        ("logsBloom", |h| h.logs_bloom.0[9] ^= 1),
        ("baseFeePerGas", |h| h.base_fee_per_gas = Some(1)),
        ("withdrawalsRoot", |h| h.withdrawals_root = Some(B256::ZERO)),
        ("blobGasUsed", |h| h.blob_gas_used = Some(0)),
        ("excessBlobGas", |h| h.excess_blob_gas = Some(1 << 40)),
        ("requestsHash", |h| h.requests_hash = Some(B256::ZERO)),
    ];
    let engine = engine();
    run(&engine, up_to(41));
    let mut importer = importer(&engine);
    for (name, spoil) in cases {
        let block = EthereumBlock::decode(&spoilt(41, spoil)).expect("a block");
        match importer.add(&block) {
            Err(ImportError::Invalid(Violation::Field { field, number, .. })) => {
                assert_eq!(field, name);
                assert!(number == 42 || name == "number");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let right = importer.add(&blocks()[41]).expect("a valid block");
    assert_eq!(right, Added::Head);
}

#[test]
fn a_block_without_its_parent_is_refused() {
    let engine = engine();
    let done = run(&engine, &CHAIN[up_to(1).len()..]);
    assert!(matches!(
        done.stopped,
        Some(ImportError::UnknownParent { number: 2, .. })
    ));
    assert_eq!(done.head.number, 0);
}

#[test]
fn receipts_hold_a_state_root_before_byzantium_and_a_status_from_then_on() {
    let engine = engine();
    run(&engine, CHAIN);
    let receipts = |number| {
        let block = engine.store().block(BlockId::Number(number));
        let block = block.expect("readable").expect("there");
        block.receipts.clone()
    };
    let old = receipts(10);
    assert!(!old.is_empty());
    for receipt in &old {
        let status = receipt.status_or_post_state();
        assert!(matches!(status, Eip658Value::PostState(root) if !root.is_zero()));
    }
    for receipt in &receipts(11) {
        assert!(matches!(
            receipt.status_or_post_state(),
            Eip658Value::Eip658(_)
        ));
    }
}

#[test]
fn ommers_withdrawals_and_total_difficulty_are_kept_beside_the_block() {
    let engine = engine();
    run(&engine, CHAIN);
    let all = blocks();
    let of = |index: usize| {
        let found = extras(engine.store(), &all[index].hash());
        found.expect("readable").expect("there")
    };
    let mut total = U256::from(0x20000);
    for (index, block) in all.iter().enumerate() {
        total += block.header().difficulty();
        let extras = of(index);
        assert_eq!(extras.total_difficulty, total);
        assert_eq!(extras.ommers, block.block().body.ommers);
        assert_eq!(extras.withdrawals.is_some(), index >= 25);
    }
    assert_eq!(of(3).ommers.len(), 1);
    let genesis = engine.genesis_block().block_ref().hash;
    assert_eq!(extras(engine.store(), &genesis).expect("readable"), None);
}

#[test]
fn the_rules_of_a_block_follow_from_its_header() {
    use revm::primitives::hardfork::SpecId;
    let config = genesis().config;
    let blocks = blocks();
    for (number, spec) in [
        (1, SpecId::FRONTIER),
        (3, SpecId::HOMESTEAD),
        (23, SpecId::LONDON),
        (24, SpecId::MERGE),
        (26, SpecId::SHANGHAI),
        (43, SpecId::OSAKA),
    ] {
        assert_eq!(
            config.spec_of(blocks[number - 1].header()),
            spec,
            "{number}"
        );
    }
}

#[test]
fn phases_are_told_as_they_begin() {
    let engine = engine();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let mut importer = importer(&engine).observed_by(move |phase| {
        told.lock().expect("one thread").push(phase);
    });
    // Three transactions before Byzantium: a root for each, and one at the end.
    importer.add(&blocks()[0]).expect("a valid block");
    let seen = seen.lock().expect("one thread").clone();
    let roots = seen.iter().filter(|phase| **phase == Phase::Root).count();
    assert_eq!(roots, blocks()[0].block().body.transactions.len() + 1);
    assert_eq!(seen.first(), Some(&Phase::Execution));
    assert_eq!(seen.last(), Some(&Phase::Idle));
}

#[test]
fn an_empty_file_changes_nothing() {
    let engine = engine();
    let done = run(&engine, &[]);
    assert_eq!((done.totals, done.head.number), (Totals::default(), 0));
}

#[test]
fn a_transaction_for_the_next_block_is_admitted_by_the_rules_of_the_head() {
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy_eips::eip2718::Encodable2718;
    let engine = engine();
    run(&engine, CHAIN);
    let key = k256::ecdsa::SigningKey::from_slice(&[1; 32]).expect("a key");
    let sender = Address::from_public_key(key.verifying_key());
    let state = engine
        .store()
        .state_at(&engine.heads().expect("heads").latest);
    let account = state.expect("readable").account(sender).expect("readable");
    let tx = TxEip1559 {
        chain_id: 1,
        nonce: account.expect("it has sent").nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        to: address!("0x00000000000000000000000000000000000000aa").into(),
        ..Default::default()
    };
    let (signature, recovery) = key
        .sign_prehash_recoverable(tx.signature_hash().as_slice())
        .expect("a signature");
    let signed = TxEnvelope::from(tx.into_signed((signature, recovery).into()));
    let bytes = signed.encoded_2718().into();
    let admission = engine.admit_transaction(&bytes).expect("admitted");
    assert_eq!(admission.sender, sender);
}
