//! What the store refuses, and what it says.

use super::model::{Chain, block, tiny};
use crate::store::{
    Store, StoreError, StoreOptions,
    kv::{Batch, Column, KeyValue, MemoryKv},
};
use rollwright_core::{BlockRef, Changes, ErrorKind, Heads, LayerError, RecordChange};
use std::sync::Arc;

fn refused<T>(result: Result<T, StoreError>) -> StoreError {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error,
    }
}

#[test]
fn an_empty_store_has_no_heads_yet() {
    let store = Store::open(Arc::new(MemoryKv::new()), tiny()).unwrap();
    assert_eq!(store.genesis(), None);
    assert_eq!(refused(store.heads()).kind(), ErrorKind::NotYet);
}

#[test]
fn a_store_of_another_chain_names_both() {
    let chain = Chain::new(tiny());
    let prepared = chain.store.prepare_genesis(Changes::default()).unwrap();
    let (other, at) = block(BlockRef::default(), 1, &prepared, &[]);
    let error = refused(chain.store.init(other, prepared));
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let text = error.to_string();
    assert!(text.contains(&chain.genesis.hash.to_string()), "{text}");
    assert!(text.contains(&at.hash.to_string()), "{text}");
    chain.store.check().unwrap();
}

#[test]
fn a_newer_format_is_left_alone() {
    let kv = MemoryKv::new();
    let mut batch = Batch::default();
    batch.put(Column::Meta, *b"format", 99u32.to_le_bytes());
    kv.commit(&batch.finish()).unwrap();
    let error = refused(Store::open(Arc::new(kv), tiny()));
    assert!(
        matches!(error, StoreError::NewerFormat { stored: 99, .. }),
        "{error}"
    );
    assert_eq!(error.code(), "RW-STORE-103");
}

#[test]
fn heads_must_lie_on_one_known_chain() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 4, 1);
    let fork = chain.execute(blocks[1], 77);
    let heads = chain.store.heads().unwrap();
    let unknown = BlockRef {
        number: 9,
        ..blocks[3]
    };
    let unknown = BlockRef {
        hash: alloy_primitives::keccak256(unknown.hash),
        ..unknown
    };
    for wrong in [
        Heads {
            safe: fork,
            ..heads
        },
        Heads {
            latest: blocks[1],
            safe: blocks[2],
            ..heads
        },
        Heads {
            safe: blocks[1],
            finalized: blocks[2],
            ..heads
        },
    ] {
        let error = refused(chain.store.set_heads(&wrong, &[]));
        assert!(matches!(error, StoreError::BadHeads { .. }), "{error}");
    }
    let error = refused(chain.store.set_heads(
        &Heads {
            latest: unknown,
            ..heads
        },
        &[],
    ));
    assert!(matches!(error, StoreError::UnknownBlock { .. }), "{error}");
    assert_eq!(chain.store.heads().unwrap(), heads);
}

#[test]
fn final_blocks_are_never_undone() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 4, 1);
    let fork = chain.execute(blocks[0], 77);
    let heads = Heads {
        latest: blocks[3],
        safe: blocks[2],
        finalized: blocks[1],
    };
    chain.store.set_heads(&heads, &[]).unwrap();
    let undo = Heads {
        latest: blocks[0],
        safe: blocks[0],
        finalized: blocks[0],
    };
    let error = refused(chain.store.set_heads(&undo, &[]));
    assert!(
        matches!(
            error,
            StoreError::UndoesFinal {
                finalized: 2,
                ancestor: 1
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Fatal);
    // What competes with a final block is forgotten.
    let error = refused(chain.store.set_heads(
        &Heads {
            latest: fork,
            ..heads
        },
        &[],
    ));
    assert!(matches!(error, StoreError::UnknownBlock { .. }), "{error}");
    // A lower finalized head is ignored, so repeating old heads is harmless.
    let older = Heads {
        finalized: chain.genesis,
        ..heads
    };
    chain.store.set_heads(&older, &[]).unwrap();
    assert_eq!(chain.store.heads().unwrap(), heads);
}

#[test]
fn blocks_beside_the_chain_are_bounded() {
    let mut chain = Chain::new(StoreOptions {
        pending_blocks: 3,
        ..tiny()
    });
    let blocks = chain.extend(chain.genesis, 3, 1);
    // Stale forks give way.
    for seed in 0..5 {
        chain.execute(blocks[0], 100 + seed);
    }
    let mut at = blocks[2];
    for seed in 0..3 {
        at = chain.execute(at, 200 + seed);
    }
    let prepared = chain.store.prepare(&at, Changes::default()).unwrap();
    let (next, _) = block(at, 9, &prepared, &[]);
    let error = refused(chain.store.insert(next.clone(), prepared.clone()));
    assert_eq!(error.kind(), ErrorKind::Temporary, "{error}");
    chain.head(at);
    chain.store.insert(next, prepared).unwrap();
}

#[test]
fn blocks_that_leave_the_chain_leave_room_beside_it() {
    let mut chain = Chain::new(StoreOptions {
        pending_blocks: 6,
        ..tiny()
    });
    let first = chain.extend(chain.genesis, 10, 1);
    let removed = chain.head(chain.genesis);
    assert_eq!(removed.len(), 10, "all of them are told");
    chain.assert_state(first[2]);
    for seed in 2..6 {
        // As before, and after every further time.
        chain.extend(chain.genesis, 4, seed);
        chain.head(chain.genesis);
    }
    let mut at = chain.genesis;
    for seed in 0..3 {
        at = chain.execute(at, 100 + seed);
    }
    chain.head(at);
    chain.assert_state(at);
}

#[test]
fn a_block_must_fit_what_was_prepared_for_it() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 2, 1);
    let prepared = chain.store.prepare(&blocks[1], Changes::default()).unwrap();
    let (good, _) = block(blocks[1], 9, &prepared, &[]);
    let (elsewhere, _) = block(blocks[0], 9, &prepared, &[]);
    let mut other_root = good.clone();
    other_root.header.state_root = blocks[0].hash;
    let mut other_hash = good.clone();
    other_hash.record.block.hash = blocks[0].hash;
    let mut no_sender = block(blocks[1], 9, &prepared, &[Vec::new()]).0;
    no_sender.senders.clear();
    for bad in [elsewhere, other_root, no_sender] {
        let error = refused(chain.store.insert(bad, prepared.clone()));
        assert!(matches!(error, StoreError::BadBlock { .. }), "{error}");
    }
    other_hash.record.block.hash = alloy_primitives::keccak256("nothing");
    let error = refused(chain.store.insert(other_hash, prepared.clone()));
    assert!(matches!(error, StoreError::BadBlock { .. }), "{error}");
    chain.store.insert(good, prepared).unwrap();
}

#[test]
fn a_record_key_has_at_most_128_bytes() {
    let chain = Chain::new(tiny());
    let long = RecordChange::put(vec![0; 129], vec![1]);
    let error = refused(chain.store.put_records(&[long]));
    assert!(
        matches!(error, StoreError::RecordKey { length: 129 }),
        "{error}"
    );
}
