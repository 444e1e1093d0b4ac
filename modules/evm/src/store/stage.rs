//! What one block writes: flat state, history, tries, codes.

use super::{
    StoreError,
    delta::{AccountDelta, Changed, Delta, to_borsh},
    flat::{self, FlatAccount},
    kv::{Batch, Column, KvRead},
    version::{TrieWrites, storage_node_key},
};
use crate::trie::{Branch, MOST_BRANCH_BYTES, encode_branch, node_key};
use alloy_primitives::keccak256;

/// Stages the flat state after a block, and what was there before.
pub(super) fn forward(batch: &mut Batch, delta: &Delta, number: u64) {
    batch.put(
        Column::Changed,
        number.to_be_bytes(),
        to_borsh(&delta.changed()),
    );
    for account in &delta.accounts {
        let value = account.new.as_ref().map(FlatAccount::encode);
        batch.write(Column::Accounts, account.hashed.0, value);
        batch.put(
            Column::AccountHistory,
            flat::at_block(account.hashed.as_slice(), number),
            FlatAccount::encode_option(account.old.as_ref()),
        );
        for (key, old, new) in slots(account) {
            let value = (!new.is_zero()).then(|| flat::encode_value(new));
            batch.write(Column::Slots, key, value);
            batch.put(
                Column::SlotHistory,
                flat::at_block(&key, number),
                flat::encode_value(old),
            );
        }
    }
    codes(batch, delta);
}

/// Stages the state of a genesis block: there is nothing before it.
pub(super) fn genesis(batch: &mut Batch, delta: &Delta) {
    for account in &delta.accounts {
        let value = account.new.as_ref().map(FlatAccount::encode);
        batch.write(Column::Accounts, account.hashed.0, value);
        for (key, _, new) in slots(account) {
            batch.put(Column::Slots, key, flat::encode_value(new));
        }
    }
    codes(batch, delta);
}

fn codes(batch: &mut Batch, delta: &Delta) {
    // Never removed: other accounts may have the same code by now.
    for (hash, code) in &delta.codes {
        batch.put(Column::Codes, hash.0, code);
    }
}

type SlotWrite = ([u8; 64], alloy_primitives::U256, alloy_primitives::U256);

/// Key, old and new value of every slot that differs.
fn slots(account: &AccountDelta) -> impl Iterator<Item = SlotWrite> + '_ {
    let hashed = account.hashed;
    let changed = account
        .slots
        .iter()
        .map(move |slot| (flat::slot_key(&hashed, &slot.hashed), slot.old, slot.new));
    let gone = account.gone.iter().map(move |(slot, old)| {
        let key = flat::slot_key(&hashed, slot);
        (key, *old, alloy_primitives::U256::ZERO)
    });
    changed.chain(gone)
}

/// Stages the removal of a block's history.
pub(super) fn forget(batch: &mut Batch, changed: &Changed, number: u64) {
    batch.delete(Column::Changed, number.to_be_bytes());
    for account in &changed.accounts {
        let hashed = keccak256(account.address);
        batch.delete(
            Column::AccountHistory,
            flat::at_block(hashed.as_slice(), number),
        );
        let slots = account.slots.iter().map(keccak256);
        for slot in slots.chain(account.gone.iter().copied()) {
            let key = flat::slot_key(&hashed, &slot);
            batch.delete(Column::SlotHistory, flat::at_block(&key, number));
        }
    }
}

/// Stages the stored branches that a block changed. `snapshot` is the state
/// below everything in `batch`.
pub(super) fn tries(
    batch: &mut Batch,
    snapshot: &dyn KvRead,
    writes: &TrieWrites,
) -> Result<(), StoreError> {
    let accounts = writes.accounts.len();
    batch.reserve(
        Column::AccountNodes,
        accounts,
        accounts * (33 + MOST_BRANCH_BYTES),
    );
    let storages = writes.storages.iter().map(|storage| storage.nodes.len());
    let storages = storages.sum::<usize>();
    batch.reserve(
        Column::StorageNodes,
        storages,
        storages * (65 + MOST_BRANCH_BYTES),
    );
    let mut value = Vec::with_capacity(MOST_BRANCH_BYTES);
    for (path, branch) in &writes.accounts {
        let value = stored(branch.as_deref(), &mut value);
        batch.write(Column::AccountNodes, node_key(path), value);
    }
    for storage in &writes.storages {
        if storage.cleared {
            let prefix = storage.hashed.as_slice();
            for pair in snapshot.prefix(Column::StorageNodes, prefix) {
                batch.delete(Column::StorageNodes, pair?.0);
            }
            batch.delete_written(Column::StorageNodes, prefix);
        }
        for (path, branch) in &storage.nodes {
            let value = stored(branch.as_deref(), &mut value);
            let key = storage_node_key(&storage.hashed, path);
            batch.write(Column::StorageNodes, key, value);
        }
    }
    Ok(())
}

/// The stored form of a branch, in `buffer`.
fn stored<'a>(branch: Option<&Branch>, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let branch = branch?;
    buffer.clear();
    encode_branch(branch, buffer);
    Some(buffer)
}
