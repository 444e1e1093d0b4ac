//! The head's state, computed a second way, and its stored tries.

use super::{
    StoreError,
    base::Inner,
    chain,
    flat::{self, FlatAccount},
    kv::{Column, KvRead},
    version::Source,
};
use crate::trie;
use alloy_primitives::B256;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};
use rollwright_core::BlockRef;

/// What a check has found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateCheck {
    /// The block: the latest head.
    pub block: BlockRef,
    /// Its state root.
    pub root: B256,
    /// Accounts in the state.
    pub accounts: u64,
    /// Storage slots in the state.
    pub slots: u64,
    /// Stored branches of both kinds of tries.
    pub branches: u64,
}

/// Accounts between two reports of progress.
const STEP: u64 = 10_000;

/// Compares the flat state of the head with its header, and the stored tries
/// with both.
pub(super) fn check(
    inner: &Inner,
    progress: &mut dyn FnMut(u64),
) -> Result<StateCheck, StoreError> {
    let canonical = inner.canonical()?;
    let latest = canonical.heads.latest;
    let snapshot = &*canonical.snapshot;
    let (_, header) = chain::stored_header(snapshot, latest.number)?
        .ok_or_else(|| StoreError::corrupt("the head's header is missing"))?;
    let mut found = StateCheck {
        block: latest,
        root: header.state_root,
        accounts: 0,
        slots: 0,
        branches: 0,
    };
    let root = flat_root(snapshot, &mut found, progress)?;
    if root != header.state_root {
        return Err(StoreError::corrupt(format!(
            "the flat state gives the root {root}, block {} has {}",
            latest.number, header.state_root
        )));
    }
    no_strays(snapshot, &found)?;
    Ok(found)
}

/// Root over the sorted flat state, by alloy's hash builder; each account's
/// tries are read on the way.
fn flat_root(
    snapshot: &dyn KvRead,
    found: &mut StateCheck,
    progress: &mut dyn FnMut(u64),
) -> Result<B256, StoreError> {
    let mut builder = HashBuilder::default();
    for pair in snapshot.range(Column::Accounts, &[], None, false) {
        let (key, value) = pair?;
        let hashed = flat::word(&key)?;
        let account = FlatAccount::decode(&value)?;
        let (root, slots) = storage_root(snapshot, &hashed)?;
        if root != account.storage_root {
            return Err(StoreError::corrupt(format!(
                "the slots of account {hashed} give the root {root}, it says {}",
                account.storage_root
            )));
        }
        found.branches += stored_trie(snapshot, Some(hashed), root, slots)?;
        found.slots += slots;
        found.accounts += 1;
        if found.accounts.is_multiple_of(STEP) {
            progress(found.accounts);
        }
        builder.add_leaf(Nibbles::unpack_array(&hashed.0), &account.leaf());
    }
    let root = builder.root();
    if root == found.root {
        found.branches += stored_trie(snapshot, None, root, found.accounts)?;
    }
    Ok(root)
}

/// Root of an account's slots, and how many there are.
fn storage_root(snapshot: &dyn KvRead, account: &B256) -> Result<(B256, u64), StoreError> {
    let mut builder = HashBuilder::default();
    let mut slots = 0;
    for pair in snapshot.prefix(Column::Slots, account.as_slice()) {
        let (key, value) = pair?;
        let slot = flat::slot_of(&key)?;
        let value = flat::value_leaf(flat::decode_value(&value)?);
        builder.add_leaf(Nibbles::unpack_array(&slot.0), &value);
        slots += 1;
    }
    Ok((builder.root(), slots))
}

/// Reads a stored trie from its root to the leaves; returns its branches.
fn stored_trie(
    snapshot: &dyn KvRead,
    owner: Option<B256>,
    root: B256,
    leaves: u64,
) -> Result<u64, StoreError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(0);
    }
    let counts = trie::verify(&Source::at(snapshot, owner), root, &mut || ())?;
    if counts.leaves != leaves {
        return Err(StoreError::corrupt(format!(
            "a stored trie has {} leaves, and the flat state {leaves}",
            counts.leaves
        )));
    }
    Ok(counts.branches)
}

/// Nothing is stored beside what the accounts lead to.
fn no_strays(snapshot: &dyn KvRead, found: &StateCheck) -> Result<(), StoreError> {
    for (what, columns, expected) in [
        ("slots", &[Column::Slots][..], found.slots),
        (
            "trie branches",
            &[Column::AccountNodes, Column::StorageNodes],
            found.branches,
        ),
    ] {
        let mut count = 0;
        for column in columns {
            for pair in snapshot.range(*column, &[], None, false) {
                pair?;
                count += 1;
            }
        }
        if count != expected {
            return Err(StoreError::corrupt(format!(
                "{count} {what} are stored, and the accounts lead to {expected}"
            )));
        }
    }
    Ok(())
}
