//! A store whose values are not what was written.

use crate::{Memory, Seed, Target, evm, seeds};
use alloy_primitives::{B256, keccak256};
use arbitrary::{Arbitrary, Unstructured};
use rollwright_core::{BlockId, Heads, LayerError, ProofKey, StateProofError};
use rollwright_evm::{
    engine::EvmEngine,
    store::{
        LogQuery, Store, StoreError,
        kv::{Batch, Column, KeyValue, Row},
    },
};
use std::{fmt::Display, sync::Arc};

/// Damage to rows of a chain of six blocks.
pub(super) const VALUES: Target = Target {
    name: "store-values",
    about: "Open, read, prove, roll back and go on over damaged rows: an error with a code, or \
            an answer; a state root or a proof that is accepted is the right one.",
    run: values,
    seeds: damages,
    max_len: 256,
    memory: Memory {
        base: 24 << 20,
        per_byte: 4 << 10,
    },
    words: &[],
};

/// Damages of one input.
const DAMAGES: usize = 6;

#[derive(Arbitrary, Debug)]
struct Damage {
    column: u8,
    row: u16,
    how: How,
}

#[derive(Arbitrary, Debug)]
enum How {
    /// Bits of one byte of the value.
    Flip { at: u16, bits: u8 },
    /// The value ends early.
    Cut { at: u16 },
    /// The row is gone.
    Remove,
    /// The value of another row of the column.
    Swap { other: u16 },
    /// Another value.
    Replace(Vec<u8>),
    /// Bits of one byte of the key.
    FlipKey { at: u8, bits: u8 },
    /// A row that nobody wrote.
    Insert { key: Vec<u8>, value: Vec<u8> },
    /// Bytes behind the value.
    Append(Vec<u8>),
}

fn values(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let mut damages = Vec::new();
    while !source.is_empty() && damages.len() < DAMAGES {
        match Damage::arbitrary(&mut source) {
            Ok(damage) => damages.push(damage),
            Err(_) => break,
        }
    }
    let kv = evm::chain().database();
    let mut batch = Batch::default();
    for damage in &damages {
        apply(&mut batch, damage);
    }
    kv.commit(&batch.finish()).expect("memory takes it");
    let engine = match EvmEngine::open(evm::config(Arc::new(kv))) {
        Ok(engine) => engine,
        Err(error) => return coded(&error),
    };
    let intact = damages.is_empty();
    read(engine.store(), intact);
    states(engine.store(), intact);
    rewind(&engine, intact);
}

fn apply(batch: &mut Batch, damage: &Damage) {
    let chain = evm::chain();
    let (column, rows) = &chain.rows[usize::from(damage.column) % chain.rows.len()];
    let row = |index: u16| -> Option<&Row> {
        let index = usize::from(index).checked_rem(rows.len())?;
        rows.get(index)
    };
    if let How::Insert { key, value } = &damage.how {
        let key: Vec<u8> = key.iter().copied().take(128).collect();
        return batch.put(*column, key, value.clone());
    }
    let Some((key, value)) = row(damage.row) else {
        return;
    };
    let mut value = value.clone();
    match &damage.how {
        How::Flip { at, bits } => {
            if let Some(at) = usize::from(*at).checked_rem(value.len()) {
                value[at] ^= bits;
            }
        }
        How::Cut { at } => value.truncate(usize::from(*at)),
        How::Remove => return batch.delete(*column, key.clone()),
        How::Swap { other } => {
            if let Some((_, other)) = row(*other) {
                value.clone_from(other);
            }
        }
        How::Replace(bytes) => value.clone_from(bytes),
        How::FlipKey { at, bits } => {
            let mut key = key.clone();
            if let Some(at) = usize::from(*at).checked_rem(key.len()) {
                key[at] ^= bits;
            }
            return batch.put(*column, key, value);
        }
        How::Append(bytes) => value.extend_from_slice(bytes),
        How::Insert { .. } => return,
    }
    batch.put(*column, key.clone(), value);
}

fn coded(error: &(impl LayerError + Display)) {
    assert!(error.code().starts_with("RW-"), "{}", error.code());
    assert!(!error.to_string().is_empty());
}

/// The value, or nothing where the error is in order.
fn told<T>(result: Result<T, StoreError>, intact: bool) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(!intact, "nothing is damaged: {error}");
            coded(&error);
            None
        }
    }
}

/// Everything that a server reads of blocks.
fn read(store: &Store, intact: bool) {
    let chain = evm::chain();
    for number in 0..=evm::BLOCKS + 1 {
        let known = told(store.block(BlockId::Number(number)), intact).flatten();
        if let Some(block) = known {
            let _ = told(store.block_of_input(&block.record.input_hash), intact);
            for hash in &block.transaction_hashes {
                let _ = told(store.transaction(hash), intact);
            }
        }
        let _ = told(store.header(BlockId::Number(number)), intact);
        let _ = told(store.canonical_hash(number), intact);
    }
    for header in &chain.headers {
        let _ = told(store.block(BlockId::Hash(header.hash_slow())), intact);
    }
    let query = LogQuery {
        from: 0,
        to: evm::BLOCKS,
        addresses: vec![seeds::WRITER],
        topics: Vec::new(),
        limit: 100,
    };
    let _ = told(store.logs(&query), intact);
    let _ = told(store.records(b"", b"", 100), intact);
    let _ = told(store.heads(), intact);
    let _ = told(store.oldest_state(), intact);
    let head = chain.heads.latest;
    if let Some(found) = told(store.check(), intact)
        && found.block == head
    {
        let expected = chain.headers[evm::BLOCKS as usize].state_root;
        assert_eq!(found.root, expected, "a wrong state root is accepted");
    }
}

/// States of every block: plain reads, and proofs against the true roots.
fn states(store: &Store, intact: bool) {
    let chain = evm::chain();
    for number in 0..=evm::BLOCKS {
        let block = chain.block(number);
        let Some(view) = told(store.state_at(&block), intact) else {
            continue;
        };
        let slots: Vec<B256> = (0..5).map(B256::with_last_byte).collect();
        for address in evm::accounts() {
            let _ = told(view.account(address), intact);
            for slot in &slots {
                let _ = told(view.slot(address, *slot), intact);
            }
        }
        let keys: Vec<ProofKey> = evm::accounts()
            .into_iter()
            .map(|address| ProofKey {
                address,
                slots: slots.clone(),
            })
            .collect();
        for key in keys {
            let Some(proof) = told(store.prove(&block, &[key]), intact) else {
                continue;
            };
            let root = chain.headers[number as usize].state_root;
            match proof.verify(root) {
                Ok(()) => {}
                // A header that is not the chain's own names another root.
                Err(StateProofError::Root { .. }) if !intact => {}
                Err(error) => panic!("a proof of block {number} that does not hold: {error}"),
            }
        }
    }
}

/// Back to each block that is not final, and on from there.
fn rewind(engine: &EvmEngine, intact: bool) {
    let chain = evm::chain();
    let mut nonce = evm::BLOCKS * 2;
    for number in [5, 3, 2] {
        let Ok(heads) = engine.heads() else { return };
        let latest = chain.block(number);
        let back = Heads {
            latest,
            safe: if heads.safe.number > number {
                latest
            } else {
                heads.safe
            },
            finalized: heads.finalized,
        };
        match engine.commit(&back, &[]) {
            Ok(_) => nonce = number * 2,
            Err(error) => {
                assert!(!intact, "nothing is damaged: {error}");
                coded(&error);
                continue;
            }
        }
        if let Some(found) = told(engine.store().check(), intact) {
            let expected = chain.headers[number as usize].state_root;
            assert_eq!(
                found.root, expected,
                "a wrong state root after rolling back"
            );
        }
        let next = evm::extend(engine, vec![seeds::transfer(nonce)]);
        match next {
            Ok(block) => {
                let _ = told(engine.store().block(BlockId::Hash(block.hash)), intact);
                if intact {
                    engine
                        .store()
                        .check()
                        .expect("the state root of a new block");
                }
            }
            Err(error) => {
                assert!(!intact, "nothing is damaged: {error}");
                assert!(error.starts_with("RW-"), "{error}");
            }
        }
    }
    let _ = keccak256(nonce.to_be_bytes());
}

/// One damage of each kind, and none.
fn damages() -> Vec<Seed> {
    let mut seeds = vec![Seed::new("intact", vec![])];
    for column in 0..Column::ALL.len() as u8 {
        for (kind, name) in [(0u8, "flip"), (36, "cut"), (70, "remove"), (100, "swap")] {
            let bytes = vec![column, 1, 0, 0, 0, 0, kind, 3, 0, 1];
            seeds.push(Seed::new(
                format!("{}-{name}", Column::ALL[usize::from(column)].name()),
                bytes,
            ));
        }
    }
    seeds
}
