//! The stored format: a change of these hashes is a change of the format, and
//! raises its version.

use super::model::{Chain, tiny};
use crate::store::kv::Column;
use alloy_primitives::{B256, Keccak256, b256, keccak256};

fn contents(chain: &Chain) -> B256 {
    let snapshot = chain.kv.snapshot();
    let mut hasher = Keccak256::new();
    for column in Column::ALL {
        hasher.update(column.name());
        for pair in snapshot.range(*column, &[], None, false) {
            let (key, value) = pair.unwrap();
            for part in [key, value] {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
    }
    hasher.finalize()
}

#[test]
fn the_same_blocks_are_stored_as_the_same_bytes() {
    let mut chain = Chain::new(tiny());
    let mut at = chain.genesis;
    for seed in 0..6 {
        at = chain.execute_with(
            at,
            seed,
            &super::logs::random_logs(&mut super::model::Dice::new(seed)),
        );
        chain.head(at);
    }
    let stored = contents(&chain);
    let mut snapshot = Vec::new();
    chain.store.export(&at, &[], &mut snapshot).unwrap();
    assert_eq!(
        [stored, keccak256(snapshot)],
        [
            b256!("80692319c18d3990c36473a902153f155a96fa573116676abc8a17497c61f454"),
            b256!("fcb8267d58d6be4f3689ee05c72a3562082085a1169bb93b62a79d978d361b33")
        ]
    );
}

#[test]
fn what_was_rolled_back_leaves_no_bytes_behind() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 4, 8);
    let before = contents(&chain);
    let codes = |chain: &Chain| {
        chain
            .kv
            .snapshot()
            .range(Column::Codes, &[], None, false)
            .count()
    };
    let count = codes(&chain);
    // No new code in these: it is the one thing that stays.
    let mut seed = 0;
    let mut at = blocks[3];
    while at.number < 9 {
        seed += 1;
        let mut state = chain.states[&at.hash].clone();
        let changes = state.change(&mut super::model::Dice::new(seed));
        if changes.codes.is_empty() {
            at = chain.execute(at, seed);
            chain.head(at);
        }
    }
    assert_ne!(contents(&chain), before);
    assert_eq!(codes(&chain), count);
    chain.head(blocks[3]);
    assert_eq!(contents(&chain), before);
}
