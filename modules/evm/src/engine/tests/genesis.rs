use super::{chain, memory, over};
use crate::{
    engine::{EvmConfig, EvmEngine},
    genesis::Genesis,
    store::kv::{Batch, Column},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{U256, keccak256};
use rollwright_core::{Address, B256, Bytes, Heads};
use std::sync::Arc;

const ACCOUNTS: u64 = 300;

fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

/// Every third account has slots, one of them zero, and every fifth has code.
fn account(n: u64) -> GenesisAccount {
    let slots = (0..n % 9).map(|slot| {
        let value = B256::from(U256::from(slot * n));
        (B256::from(U256::from(slot)), value)
    });
    GenesisAccount {
        nonce: Some(n),
        balance: U256::from(n * 1_000),
        code: n
            .is_multiple_of(5)
            .then(|| Bytes::from(vec![0x60, (n % 10) as u8])),
        storage: n.is_multiple_of(3).then(|| slots.collect()),
        private_key: None,
    }
}

fn large() -> Genesis {
    let mut genesis = chain(0);
    genesis
        .alloc
        .extend((0..ACCOUNTS).map(|n| (address(n), account(n))));
    genesis
}

#[test]
fn a_large_genesis_state_goes_in_by_pieces_and_is_whole() {
    let genesis = large();
    let root = genesis.state_root();
    let engine = EvmEngine::in_memory(genesis.clone()).expect("a chain");
    let found = engine.store().check().expect("the stored state is right");
    assert_eq!(found.root, root);
    assert_eq!(found.accounts, genesis.alloc.len() as u64);
    let head = engine.heads().expect("heads").latest;
    assert_eq!(head, engine.genesis_block().block_ref());
    let state = engine.store().state_at(&head).expect("the state");
    for n in 0..ACCOUNTS {
        let expected = account(n);
        let found = state.account(address(n)).expect("reads").expect("it is");
        assert_eq!(found.balance, expected.balance);
        assert_eq!(found.nonce, n);
        let code = state.code(found.code_hash).expect("its code");
        assert_eq!(code, expected.code.unwrap_or_default());
        for (key, value) in expected.storage.into_iter().flatten() {
            let found = state.slot(address(n), key).expect("reads");
            assert_eq!(B256::from(found), value);
        }
    }
    assert_eq!(engine.init().expect("again"), head);
}

#[test]
fn what_a_process_left_that_ended_within_the_genesis_state_is_replaced() {
    let kv = memory();
    let config = || EvmConfig {
        genesis: Arc::new(large()),
        ..over(&kv, 0)
    };
    {
        let engine = EvmEngine::open(config()).expect("opens");
        // As after the first pieces: rows, a mark, and no heads.
        let mut batch = Batch::default();
        batch.put(Column::Meta, b"import", b"under way");
        batch.put(Column::Accounts, [7; 32], b"a stray");
        batch.put(Column::AccountNodes, [1, 2], b"a stray");
        kv.commit(&batch.finish()).expect("writes");
        drop(engine);
    }
    let engine = EvmEngine::open(config()).expect("opens");
    assert!(engine.heads().is_err(), "nothing is visible yet");
    let genesis = engine.init().expect("begins anew");
    engine.store().check().expect("no stray is left");
    drop(engine);
    let engine = EvmEngine::open(config()).expect("opens");
    assert_eq!(engine.heads().expect("heads"), Heads::all(genesis));
}
