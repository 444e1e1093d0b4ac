//! The past: how much of it is kept.

use super::model::{Chain, tiny};
use crate::store::{History, StoreError, StoreOptions};
use rollwright_core::Heads;

fn finalize(chain: &Chain, block: rollwright_core::BlockRef) {
    let heads = Heads {
        latest: chain.store.heads().unwrap().latest,
        safe: block,
        finalized: block,
    };
    chain.store.set_heads(&heads, &[]).unwrap();
}

#[test]
fn an_archive_shows_every_state_after_a_restart() {
    let mut chain = Chain::new(tiny());
    let mut blocks = vec![chain.genesis];
    blocks.extend(chain.extend(chain.genesis, 40, 3));
    finalize(&chain, blocks[30]);
    chain.reopen();
    for block in blocks {
        chain.assert_state(block);
    }
}

#[test]
fn a_pruning_store_keeps_its_window_and_what_is_not_final() {
    let mut chain = Chain::new(StoreOptions {
        history: History::Last(5),
        ..tiny()
    });
    let blocks = chain.extend(chain.genesis, 30, 3);
    // Nothing is final: everything is kept.
    assert_eq!(chain.store.oldest_state().unwrap(), 0);
    finalize(&chain, blocks[19]);
    let more = chain.extend(blocks[29], 1, 4);
    assert_eq!(chain.store.oldest_state().unwrap(), 20);
    let error = chain.store.state_at(&blocks[18]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::StatePruned {
                number: 19,
                oldest: 20
            }
        ),
        "{error}"
    );
    for block in &blocks[19..] {
        chain.assert_state(*block);
    }
    finalize(&chain, more[0]);
    chain.extend(more[0], 2, 5);
    assert_eq!(chain.store.oldest_state().unwrap(), 28);
    // The blocks themselves stay.
    let block = chain
        .store
        .block(rollwright_core::BlockId::Number(3))
        .unwrap();
    assert_eq!(block.unwrap().record.block, blocks[2]);
}

#[test]
fn block_hashes_reach_back_256_blocks_across_the_overlay() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 260, 3);
    let above = chain.execute(blocks[259], 1);
    let view = chain.store.state_at(&above).unwrap();
    assert_eq!(view.block_hash(261).unwrap(), above.hash);
    assert_eq!(view.block_hash(260).unwrap(), blocks[259].hash);
    assert_eq!(view.block_hash(5).unwrap(), blocks[4].hash);
    assert!(view.block_hash(4).unwrap().is_zero());
    assert!(view.block_hash(262).unwrap().is_zero());
}
