//! Snapshots: there and back, and refused where anything is wrong.

use super::model::{Chain, tiny};
use crate::store::{
    Store, StoreError,
    kv::{KeyValue, MemoryKv},
    snapshot,
};
use alloy_primitives::B256;
use rollwright_core::{BlockId, BlockRef, RecordChange};
use std::sync::Arc;

fn made() -> (Chain, Vec<BlockRef>, Vec<u8>) {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 9, 4);
    let mut bytes = Vec::new();
    let records = [RecordChange::put("deriver", "state")];
    let info = chain
        .store
        .export(&blocks[8], &records, &mut bytes)
        .unwrap();
    assert!(info.accounts > 5 && info.slots > 3, "{info:?}");
    (chain, blocks, bytes)
}

fn import(genesis: B256, mut bytes: &[u8]) -> (Arc<MemoryKv>, Result<Store, StoreError>) {
    let kv = Arc::new(MemoryKv::new());
    let store = Store::open(Arc::clone(&kv) as Arc<dyn KeyValue>, tiny()).unwrap();
    let result = store.import(genesis, &mut bytes).map(|_| store);
    (kv, result)
}

#[test]
fn records_from_before_an_import_do_not_mix_with_its_own() {
    let (chain, _, bytes) = made();
    let fresh = Chain::new(tiny());
    let stale = [
        RecordChange::put("deriver", "old"),
        RecordChange::put("deriver/row", "old"),
    ];
    fresh.store.put_records(&stale).unwrap();
    fresh
        .store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap();
    let records = fresh.store.records(b"", b"", 9).unwrap();
    assert_eq!(records, [(b"deriver".into(), b"state".into())]);
}

#[test]
fn an_imported_chain_goes_on_like_its_original() {
    let (mut chain, blocks, bytes) = made();
    let (kv, store) = import(chain.genesis.hash, &bytes);
    let next = chain.extend(blocks[8], 3, 50);
    chain.kv = kv;
    chain.store = store.unwrap();
    for round in 0..2 {
        assert_eq!(chain.store.heads().unwrap().finalized, blocks[8]);
        assert_eq!(chain.store.genesis().unwrap(), chain.genesis);
        chain.store.check().unwrap();
        chain.assert_state(blocks[8]);
        assert_eq!(
            chain.store.record(b"deriver").unwrap().unwrap().as_ref(),
            b"state"
        );
        let view = chain.store.state_at(&blocks[8]).unwrap();
        assert_eq!(view.block_hash(2).unwrap(), blocks[1].hash);
        if round == 0 {
            chain.reopen();
        }
    }
    assert!(chain.store.block(BlockId::Number(0)).unwrap().is_some());
    let error = chain.store.state_at(&blocks[7]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::StatePruned {
                number: 8,
                oldest: 9
            }
        ),
        "{error}"
    );
    assert_eq!(chain.extend(blocks[8], 3, 50), next);
    chain.assert_state(next[2]);
    chain.store.check().unwrap();
}

#[test]
fn a_snapshot_of_the_past_holds_that_state() {
    let (mut chain, blocks, _) = made();
    let mut bytes = Vec::new();
    chain.store.export(&blocks[3], &[], &mut bytes).unwrap();
    let info = snapshot::check(None, &mut bytes.as_slice()).unwrap();
    assert_eq!(info.block, blocks[3]);
    let (kv, store) = import(chain.genesis.hash, &bytes);
    chain.kv = kv;
    chain.store = store.unwrap();
    chain.assert_state(blocks[3]);
    chain.store.check().unwrap();
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_leaves_an_empty_store() {
    let (chain, _, bytes) = made();
    let step = (bytes.len() / 200).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let (kv, result) = import(chain.genesis.hash, &bad);
        assert!(result.is_err(), "byte {at} of {}", bytes.len());
        let store = Store::open(kv, tiny()).unwrap();
        assert_eq!(store.genesis(), None);
    }
}

#[test]
fn a_cut_or_extended_file_is_refused() {
    let (chain, _, bytes) = made();
    for cut in [0, 5, 8, 20, bytes.len() / 2, bytes.len() - 1] {
        assert!(
            import(chain.genesis.hash, &bytes[..cut]).1.is_err(),
            "{cut}"
        );
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(import(chain.genesis.hash, &longer).1.is_err());
}

#[test]
fn another_chain_and_a_used_store_are_refused() {
    let (chain, _, bytes) = made();
    let error = import(B256::repeat_byte(1), &bytes).1.unwrap_err();
    assert!(
        error.to_string().contains(&chain.genesis.hash.to_string()),
        "{error}"
    );
    let error = chain
        .store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap_err();
    assert!(
        error.to_string().contains("fresh data directory"),
        "{error}"
    );
    chain.store.check().unwrap();
}

#[test]
fn a_store_at_genesis_is_replaced() {
    let (mut chain, blocks, bytes) = made();
    chain.kv = Arc::new(MemoryKv::new());
    let fresh = Chain::on(Arc::clone(&chain.kv), tiny());
    assert_eq!(fresh.genesis, chain.genesis);
    fresh
        .store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap();
    chain.store = fresh.store;
    chain.assert_state(blocks[8]);
    chain.store.check().unwrap();
}
