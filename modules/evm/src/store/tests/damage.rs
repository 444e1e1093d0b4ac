//! The independent check: right after every history, and wrong after any damage.

use super::model::{Chain, Dice, tiny};
use crate::store::{
    Store, StoreOptions,
    kv::{Batch, Column, KeyValue, MemoryKv},
};
use rollwright_core::LayerError;
use std::sync::Arc;

#[test]
fn random_histories_give_the_roots_that_the_flat_state_gives() {
    for seed in 0..6 {
        let mut dice = Dice::new(900 + seed);
        let mut chain = Chain::new(StoreOptions {
            trie_bytes: if seed % 2 == 0 { 0 } else { 1 << 20 },
            ..tiny()
        });
        let mut line = vec![chain.genesis];
        for n in 0..60 {
            let back = if dice.roll(5) == 0 {
                dice.roll(6) as usize
            } else {
                0
            };
            line.truncate((line.len() - back.min(line.len() - 1)).max(1));
            let next = chain.execute(line[line.len() - 1], seed * 1_000 + n);
            line.push(next);
            chain.head(next);
            if n % 10 == 9 {
                let found = chain.store.check().unwrap();
                assert_eq!(found.root, chain.states[&next.hash].root());
                assert_eq!(
                    found.accounts,
                    chain.states[&next.hash].accounts.len() as u64
                );
                chain.reopen();
            }
        }
    }
}

/// Flips every bit of what trie nodes say beside their hash's contents, and
/// looks whether anything goes on with it.
#[test]
fn a_flipped_bit_of_the_childrens_leaves_is_found_with_its_place() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 12, 3);
    let root = chain
        .kv
        .snapshot()
        .get(Column::AccountNodes, &[0])
        .unwrap()
        .unwrap();
    let prefix = usize::from(root[0]).div_ceil(2);
    let mask = u16::from_le_bytes([root[1 + prefix], root[2 + prefix]]);
    // One byte for each child, and one that repeats it inverted.
    for bit in 0..16 * mask.count_ones() as usize {
        let mut bad = root.clone();
        bad[3 + prefix + bit / 8] ^= 1 << (bit % 8);
        let mut batch = Batch::default();
        batch.put(Column::AccountNodes, vec![0], bad);
        chain.kv.commit(&batch.finish()).unwrap();
        chain.reopen();
        let mut state = chain.states[&blocks[11].hash].clone();
        let changes = loop {
            let changes = state.change(&mut Dice::new(5 + state.accounts.len() as u64));
            if !changes.accounts.is_empty() {
                break changes;
            }
        };
        let error = chain.store.prepare(&blocks[11], changes).unwrap_err();
        assert_eq!(error.code(), "RW-STORE-113", "{error}");
        let text = error.to_string();
        assert!(
            text.contains("the account trie") && text.contains("import a snapshot"),
            "{text}"
        );
        chain.store.check().unwrap_err();
    }
    let mut batch = Batch::default();
    batch.put(Column::AccountNodes, vec![0], root);
    chain.kv.commit(&batch.finish()).unwrap();
    chain.reopen();
    chain.store.check().unwrap();
}

#[test]
fn the_check_finds_every_kind_of_damage() {
    let mut chain = Chain::new(tiny());
    chain.extend(chain.genesis, 30, 3);
    let columns = [
        Column::Accounts,
        Column::Slots,
        Column::AccountNodes,
        Column::StorageNodes,
    ];
    for column in columns {
        let rows: Vec<_> = chain
            .kv
            .snapshot()
            .range(column, &[], None, false)
            .map(Result::unwrap)
            .collect();
        assert!(!rows.is_empty(), "{column:?}");
        for (key, value) in rows.iter().step_by(5) {
            let mut other = value.clone();
            *other.last_mut().unwrap() ^= 4;
            let mut stray = key.clone();
            stray[0] ^= 0x55;
            for (key, bad, good) in [
                (key, Some(other), Some(value.clone())),
                (key, None, Some(value.clone())),
                (&stray, Some(value.clone()), None),
            ] {
                if good.is_none() && rows.iter().any(|(known, _)| known == key) {
                    continue;
                }
                let write = |value: Option<Vec<u8>>| {
                    let mut batch = Batch::default();
                    batch.write(column, key.clone(), value);
                    chain.kv.commit(&batch.finish()).unwrap();
                    Store::open(Arc::clone(&chain.kv), tiny()).and_then(|store| store.check())
                };
                let error = write(bad).unwrap_err();
                assert!(error.to_string().contains("damaged"), "{column:?}: {error}");
                write(good).unwrap();
            }
        }
    }
}

#[test]
fn an_older_format_is_refused_with_the_cure() {
    let kv = Arc::new(MemoryKv::new());
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"format", 1u32.to_le_bytes());
    kv.commit(&batch.finish()).unwrap();
    let error = Store::open(kv, tiny()).unwrap_err();
    assert_eq!(error.code(), "RW-STORE-119");
    assert!(
        error.to_string().contains("derives the posted blocks"),
        "{error}"
    );
}
