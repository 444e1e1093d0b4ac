//! The state root, computed a second way.

use super::{
    StoreError,
    base::Inner,
    chain,
    flat::{self, FlatAccount},
    kv::{Column, KvRead},
};
use alloy_primitives::B256;
use alloy_trie::{HashBuilder, Nibbles};

/// Compares the flat state of the head with its header.
pub(super) fn check(inner: &Inner) -> Result<B256, StoreError> {
    let canonical = inner.canonical()?;
    let latest = canonical.heads.latest;
    let (_, header) = chain::stored_header(&*canonical.snapshot, latest.number)?
        .ok_or_else(|| StoreError::corrupt("the head's header is missing"))?;
    let root = state_root(&*canonical.snapshot)?;
    if root != header.state_root {
        return Err(StoreError::corrupt(format!(
            "the flat state gives the root {root}, block {} has {}",
            latest.number, header.state_root
        )));
    }
    Ok(root)
}

/// Root over the sorted flat state.
fn state_root(snapshot: &dyn KvRead) -> Result<B256, StoreError> {
    let mut builder = HashBuilder::default();
    for pair in snapshot.range(Column::Accounts, &[], None, false) {
        let (key, value) = pair?;
        let hashed = flat::word(&key)?;
        let account = FlatAccount::decode(&value)?;
        let root = storage_root(snapshot, &hashed)?;
        if root != account.storage_root {
            return Err(StoreError::corrupt(format!(
                "the slots of account {hashed} give the root {root}, it says {}",
                account.storage_root
            )));
        }
        builder.add_leaf(Nibbles::unpack_array(&hashed.0), &account.leaf());
    }
    Ok(builder.root())
}

fn storage_root(snapshot: &dyn KvRead, account: &B256) -> Result<B256, StoreError> {
    let mut builder = HashBuilder::default();
    for pair in snapshot.prefix(Column::Slots, account.as_slice()) {
        let (key, value) = pair?;
        let slot = flat::slot_of(&key)?;
        let value = flat::value_leaf(flat::decode_value(&value)?);
        builder.add_leaf(Nibbles::unpack_array(&slot.0), &value);
    }
    Ok(builder.root())
}
