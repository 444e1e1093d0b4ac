//! Large states: loaded in pieces, exported, and imported in several attempts.

use super::{
    crash::Mortal,
    model::{Chain, State, block, tiny},
};
use crate::store::{
    NewAccount, Store, StoreError,
    kv::{Batch, Column, KeyValue, MemoryKv},
    snapshot::{self, SnapshotError},
};
use alloy_primitives::{U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use rollwright_core::{BlockRef, LayerError};
use std::sync::Arc;

/// A state's accounts as they are loaded: ascending by hash.
fn ascending(state: &State) -> Vec<NewAccount> {
    let mut accounts: Vec<NewAccount> = state
        .accounts
        .iter()
        .map(|(address, holder)| {
            let mut slots: Vec<_> = holder
                .storage
                .iter()
                .map(|(key, value)| (keccak256(key), *value))
                .collect();
            slots.sort_unstable();
            NewAccount {
                hashed: keccak256(address),
                account: holder.account,
                slots,
            }
        })
        .collect();
    accounts.sort_unstable_by_key(|account| account.hashed);
    accounts
}

/// As many accounts as asked for, every tenth with slots.
fn large(count: u64) -> State {
    let mut state = State::default();
    for n in 0..count {
        let holder = state
            .accounts
            .entry(super::model::address(1_000 + n))
            .or_default();
        holder.account.code_hash = KECCAK_EMPTY;
        holder.account.balance = U256::from(n + 1);
        if n % 10 == 0 {
            for slot in 0..n % 50 + 1 {
                holder
                    .storage
                    .insert(super::model::slot(slot), U256::from(n + slot + 1));
            }
        }
    }
    state
}

/// A chain whose genesis state was loaded in pieces.
fn loaded(kv: Arc<dyn KeyValue>, state: State) -> Result<Chain, StoreError> {
    let store = Store::open(Arc::clone(&kv), tiny())?;
    let mut genesis = block(
        BlockRef::default(),
        0,
        &Store::open(Arc::new(MemoryKv::new()), tiny())?.prepare_genesis(Default::default())?,
        &[],
    )
    .0;
    genesis.header.state_root = state.root();
    genesis.record.state_root = state.root();
    genesis.record.block.hash = genesis.header.hash_slow();
    let mut codes: Vec<_> = state.codes.clone().into_iter().collect();
    codes.sort_unstable();
    let genesis = store.load(
        genesis,
        &mut ascending(&state).into_iter(),
        &mut codes.into_iter(),
    )?;
    Ok(Chain {
        kv,
        options: tiny(),
        store,
        genesis,
        states: [(genesis.hash, state)].into(),
    })
}

#[test]
fn a_state_loaded_in_pieces_is_the_same_state() {
    let mut chain = loaded(Arc::new(MemoryKv::new()), large(20_000)).unwrap();
    for round in 0..2 {
        let found = chain.store.check().unwrap();
        assert_eq!(found.accounts, 20_000);
        assert_ne!(found.root, EMPTY_ROOT_HASH);
        chain.assert_state(chain.genesis);
        if round == 0 {
            chain.reopen();
        }
    }
    let blocks = chain.extend(chain.genesis, 1, 3);
    chain.assert_state(blocks[0]);
}

#[test]
fn a_load_that_was_interrupted_leaves_an_empty_store_and_begins_anew() {
    for written in [false, true] {
        let kv = Mortal::new(4, written);
        let error = loaded(kv.clone(), large(300)).unwrap_err();
        assert!(matches!(error, StoreError::Kv(_)), "{error}");
        let store = Store::open(kv.clone(), tiny()).unwrap();
        assert_eq!(store.genesis(), None);
        let chain = loaded(kv, large(200)).unwrap();
        assert_eq!(chain.store.check().unwrap().accounts, 200);
    }
}

#[test]
fn a_load_that_does_not_give_the_root_leaves_an_empty_store() {
    let mut state = large(50);
    let kv: Arc<dyn KeyValue> = Arc::new(MemoryKv::new());
    let store = Store::open(Arc::clone(&kv), tiny()).unwrap();
    let (genesis, _) = block(
        BlockRef::default(),
        0,
        &store.prepare_genesis(Default::default()).unwrap(),
        &[],
    );
    state.accounts.pop_first();
    let error = store
        .load(
            genesis,
            &mut ascending(&state).into_iter(),
            &mut std::iter::empty(),
        )
        .unwrap_err();
    assert!(matches!(error, StoreError::BadBlock { .. }), "{error}");
    let reopened = Store::open(kv, tiny()).unwrap();
    assert_eq!(reopened.genesis(), None);
}

/// A snapshot of several chunks of each kind.
fn several_chunks() -> (Chain, Vec<u8>) {
    let chain = loaded(Arc::new(MemoryKv::new()), large(40_000)).unwrap();
    let mut bytes = Vec::new();
    chain.store.export(&chain.genesis, &[], &mut bytes).unwrap();
    assert!(bytes.len() > 3 << 20, "{}", bytes.len());
    (chain, bytes)
}

#[test]
fn an_interrupted_import_goes_on_where_it_stopped() {
    let (chain, bytes) = several_chunks();
    // Cut files, one longer than the other; then a damaged one; then whole.
    let kv = Mortal::new(0, false);
    let counted = |store: &Store| {
        let count = |column| kv.inner.snapshot().range(column, &[], None, false).count();
        assert_eq!(store.genesis(), None);
        count(Column::Accounts) + count(Column::Slots)
    };
    let mut before = 0;
    let mut damaged = bytes.clone();
    let place = bytes.len() / 10 * 9;
    damaged[place] ^= 1;
    for bad in [
        &bytes[..bytes.len() / 3],
        &bytes[..bytes.len() / 3 * 2],
        &damaged,
    ] {
        let store = Store::open(kv.clone(), tiny()).unwrap();
        let error = store.import(chain.genesis.hash, &mut &*bad).unwrap_err();
        let StoreError::Snapshot(SnapshotError::Chunk { .. }) = error else {
            panic!("{error}");
        };
        assert!(error.to_string().contains("snapshot chunk "), "{error}");
        let now = counted(&Store::open(kv.clone(), tiny()).unwrap());
        assert!(now > before, "{now} rows after {before}");
        before = now;
    }
    let store = Store::open(kv.clone(), tiny()).unwrap();
    let info = store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap();
    assert_eq!((info.accounts, info.block), (40_000, chain.genesis));
    let slots: usize = chain.states[&chain.genesis.hash]
        .accounts
        .values()
        .map(|holder| holder.storage.len())
        .sum();
    assert_eq!(info.slots, slots as u64);
    assert_eq!(store.check().unwrap().accounts, 40_000);
    assert_eq!(snapshot::check(None, &mut bytes.as_slice()).unwrap(), info);
}

#[test]
fn death_at_any_write_of_an_import_does_not_stop_the_next_attempt() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 9, 4);
    let mut bytes = Vec::new();
    chain.store.export(&blocks[8], &[], &mut bytes).unwrap();
    for written in [false, true] {
        for death in 2.. {
            let kv = Mortal::new(death, written);
            let store = Store::open(kv.clone(), tiny()).unwrap();
            let died = store
                .import(chain.genesis.hash, &mut bytes.as_slice())
                .is_err();
            let store = Store::open(kv.clone(), tiny()).unwrap();
            if store.genesis().is_none() {
                store
                    .import(chain.genesis.hash, &mut bytes.as_slice())
                    .unwrap();
            }
            assert_eq!(store.heads().unwrap().latest, blocks[8]);
            store.check().unwrap();
            if !died {
                assert!(death > 4, "an import is several writes");
                break;
            }
        }
    }
}

#[test]
fn an_import_does_not_go_on_with_another_file_of_the_same_block() {
    let (chain, bytes) = several_chunks();
    let kv = Arc::new(MemoryKv::new());
    let store = Store::open(kv.clone(), tiny()).unwrap();
    let cut = &bytes[..bytes.len() / 2];
    store.import(chain.genesis.hash, &mut &*cut).unwrap_err();
    // Its progress says that other chunks came before.
    let mark = kv.snapshot().get(Column::Meta, b"import").unwrap().unwrap();
    let mut changed = mark.clone();
    let manifest = 40 + 40 + 32 + 8;
    changed[manifest] ^= 1;
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"import", changed);
    kv.commit(&batch.finish()).unwrap();
    let store = Store::open(kv.clone(), tiny()).unwrap();
    let error = store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap_err();
    assert_eq!(error.code(), "RW-STORE-208", "{error}");
    let store = Store::open(kv, tiny()).unwrap();
    assert_eq!(store.genesis(), None);
    store
        .import(chain.genesis.hash, &mut bytes.as_slice())
        .unwrap();
    store.check().unwrap();
}
