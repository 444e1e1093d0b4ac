//! What the store refuses to hold, and how it works in small steps instead.

use super::model::{Chain, tiny};
use crate::store::{History, StoreError, StoreOptions};
use rollwright_core::{BlockId, Heads, LayerError, ProofKey};

#[test]
fn proofs_and_forks_far_back_are_refused_and_reads_are_not() {
    let mut chain = Chain::new(StoreOptions {
        replay_keys: 20,
        ..tiny()
    });
    let blocks = chain.extend(chain.genesis, 60, 3);
    let heads = Heads {
        latest: blocks[59],
        safe: blocks[30],
        finalized: blocks[30],
    };
    chain.store.set_heads(&heads, &[]).unwrap();
    let key = [ProofKey {
        address: super::model::address(1),
        slots: vec![super::model::slot(1)],
    }];
    chain.store.prove(&blocks[58], &key).unwrap();
    let error = chain.store.prove(&blocks[2], &key).unwrap_err();
    let StoreError::TooDeep {
        number, nearest, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((number, error.code()), (3, "RW-STORE-120"));
    chain.store.prove(&blocks[nearest as usize], &key).unwrap();
    chain.assert_state(blocks[2]);
    let error = chain
        .store
        .prepare(&blocks[2], Default::default())
        .unwrap_err();
    assert!(matches!(error, StoreError::TooDeep { .. }), "{error}");
    // Nothing that is not final is out of reach: set the heads back first.
    chain.head(blocks[30]);
    chain.extend(blocks[30], 3, 8);
    chain.store.check().unwrap();
}

#[test]
fn a_rollback_deeper_than_the_room_beside_the_chain_is_whole() {
    let mut chain = Chain::new(StoreOptions {
        pending_blocks: 8,
        pending_bytes: 16 << 10,
        ..tiny()
    });
    let blocks = chain.extend(chain.genesis, 50, 3);
    // The caches hold what the forgotten blocks changed.
    chain.assert_state(blocks[49]);
    let removed = chain.head(blocks[1]);
    assert_eq!(removed.len(), 48, "all of them are told");
    chain.assert_state(blocks[1]);
    chain.store.check().unwrap();
    let next = chain.extend(blocks[1], 5, 9);
    chain.assert_state(next[4]);
    chain.store.check().unwrap();
}

#[test]
fn a_backlog_of_history_is_pruned_a_little_at_each_commit() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 40, 3);
    chain.store.set_heads(&Heads::all(blocks[39]), &[]).unwrap();
    chain.options = StoreOptions {
        history: History::Last(2),
        pruned_keys: 5,
        ..tiny()
    };
    chain.reopen();
    let mut at = blocks[39];
    let mut oldest = chain.store.oldest_state().unwrap();
    assert_eq!(oldest, 0);
    let mut commits = 0;
    while at.number - oldest > 3 {
        at = chain.extend(at, 1, 100 + at.number)[0];
        chain.store.set_heads(&Heads::all(at), &[]).unwrap();
        let now = chain.store.oldest_state().unwrap();
        assert!(now > oldest, "it goes on at each commit");
        // Two commits; each at most a few small blocks and one more.
        assert!(now - oldest <= 14, "{oldest} to {now}");
        let first = chain.store.block(BlockId::Number(now)).unwrap().unwrap();
        chain.store.state_at(&first.record.block).unwrap();
        let before = chain
            .store
            .block(BlockId::Number(now - 1))
            .unwrap()
            .unwrap();
        let error = chain.store.state_at(&before.record.block).unwrap_err();
        assert!(
            error.to_string().contains(&format!("block {now}")),
            "{error}"
        );
        oldest = now;
        commits += 1;
    }
    assert!(commits > 3, "{commits}");
    chain.store.check().unwrap();
}

#[test]
fn one_number_bounds_all_that_a_store_keeps_in_memory() {
    for mib in [0, 256, 768, 1_024, 4_096] {
        let bytes: usize = mib << 20;
        let (store, database) = StoreOptions::within(bytes);
        let parts = store.trie_bytes / 4 * 5
            + store.cache_bytes
            + store.block_bytes
            + store.pending_bytes
            + database.cache_bytes as usize;
        let bytes = bytes.max(256 << 20);
        assert!(parts <= bytes / 10 * 9, "{parts} of {bytes}");
        assert!((64 << 20..=128 << 20).contains(&database.journal_bytes));
    }
}
