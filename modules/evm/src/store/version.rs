//! The tries of one block's state, and how the next block's are made of them.

use super::{
    StoreError,
    flat::{self, FlatAccount},
    kv::{Column, KvError, KvRead},
};
use crate::trie::{
    self, Child, Meter, NodeSource, NodeWrites, Pass, Sweep, TrieError, Update, node_key, root_hash,
};
use alloy_primitives::{B256, U256, map::B256Map};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;
use rollwright_core::Account;
use std::sync::Arc;

/// The tries of one state.
#[derive(Debug)]
pub(super) struct Version {
    /// Root of the account trie.
    pub(super) root: Option<Child>,
    /// Storage tries that this block changed, by hashed address.
    pub(super) storages: B256Map<Option<Child>>,
    /// Orders the versions of a store; see [`trie`].
    pub(super) age: u64,
    /// Age of the version that it was made from.
    pub(super) parent_age: u64,
}

/// An account's change, by hashed keys.
#[derive(Clone, Debug)]
pub(super) struct TrieChange {
    pub(super) hashed: B256,
    /// True where the account exists before.
    pub(super) exists: bool,
    /// Storage root before.
    pub(super) old_root: B256,
    /// The account after.
    pub(super) account: Option<Account>,
    /// True where the storage before is gone.
    pub(super) cleared: bool,
    pub(super) slots: Vec<SlotChange>,
}

/// A slot's change.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotChange {
    pub(super) hashed: B256,
    pub(super) value: U256,
    /// True where the storage trie, if not cleared, holds the key before.
    pub(super) exists: bool,
}

/// What must be written so that the stored branches are those of a version.
#[derive(Debug, Default)]
pub(super) struct TrieWrites {
    pub(super) accounts: NodeWrites,
    pub(super) storages: Vec<StorageWrites>,
}

#[derive(Debug)]
pub(super) struct StorageWrites {
    pub(super) hashed: B256,
    /// True where all that was stored before goes first.
    pub(super) cleared: bool,
    pub(super) nodes: NodeWrites,
}

/// A version that was made from another.
pub(super) struct Grown {
    pub(super) version: Version,
    /// The changed accounts with their storage roots, in the changes' order.
    pub(super) accounts: Vec<Option<FlatAccount>>,
    pub(super) writes: TrieWrites,
}

/// Takes a node that an update has read.
pub(super) type Visit<'a> = &'a (dyn Fn(&[u8]) + Sync);

/// Where to start from, and how to treat memory.
pub(super) struct Ground<'a> {
    pub(super) root: Option<Child>,
    /// Finds a storage trie in memory by hashed address and root.
    pub(super) resident: &'a (dyn Fn(&B256, B256) -> Option<Child> + Sync),
    pub(super) source: Arc<dyn KvRead>,
    pub(super) stored: u64,
    pub(super) age: u64,
    pub(super) parent_age: u64,
    pub(super) meter: &'a Meter,
    /// What to drop from memory on the way.
    pub(super) sweep: Option<(Sweep, Option<u8>)>,
    /// Takes the nodes beside the keys' paths, for a witness.
    pub(super) visit: Option<Visit<'a>>,
}

/// Applies a block's changes, ascending by hashed address.
pub(super) fn advance(ground: &Ground<'_>, changes: &[TrieChange]) -> Result<Grown, StoreError> {
    let storages: Vec<StorageResult> = if changes.len() > 1 {
        let done: Result<_, _> = changes
            .par_iter()
            .with_min_len(16)
            .map(|change| storage(ground, change))
            .collect();
        done?
    } else {
        let done: Result<_, _> = changes.iter().map(|c| storage(ground, c)).collect();
        done?
    };

    let mut version = Version {
        root: ground.root.clone(),
        storages: B256Map::default(),
        age: ground.age,
        parent_age: ground.parent_age,
    };
    let mut writes = TrieWrites::default();
    let mut accounts = Vec::with_capacity(changes.len());
    let mut updates = Vec::with_capacity(changes.len());
    for (change, storage) in changes.iter().zip(storages) {
        let account = change.account.map(|account| FlatAccount {
            account,
            storage_root: storage.root,
        });
        updates.push(Update {
            key: change.hashed,
            value: account.as_ref().map(FlatAccount::leaf),
            exists: change.exists,
        });
        accounts.push(account);
        if let Some((child, nodes)) = storage.changed {
            version.storages.insert(change.hashed, child);
            writes.storages.push(StorageWrites {
                hashed: change.hashed,
                cleared: change.cleared || change.account.is_none(),
                nodes,
            });
        }
    }
    let source = Source::new(ground, None);
    let root = trie::update(
        &source,
        &ground.pass(),
        ground.root.clone(),
        &updates,
        &mut writes.accounts,
    )?;
    version.root = root.map(|root| ground.swept(&root));
    Ok(Grown {
        version,
        accounts,
        writes,
    })
}

struct StorageResult {
    root: B256,
    changed: Option<(Option<Child>, NodeWrites)>,
}

fn storage(ground: &Ground<'_>, change: &TrieChange) -> Result<StorageResult, StoreError> {
    if change.account.is_none() {
        let had = change.old_root != EMPTY_ROOT_HASH;
        // A rolled back creation lists every slot; nothing of them remains.
        let changed = had.then(|| (None, NodeWrites::new()));
        return Ok(StorageResult {
            root: EMPTY_ROOT_HASH,
            changed,
        });
    }
    if change.slots.is_empty() && !change.cleared {
        return Ok(StorageResult {
            root: change.old_root,
            changed: None,
        });
    }
    let source = Source::new(ground, Some(change.hashed));
    let root = if change.cleared || change.old_root == EMPTY_ROOT_HASH {
        None
    } else {
        match (ground.resident)(&change.hashed, change.old_root) {
            Some(child) => Some(child),
            None => Some(trie::stored_root(&source, change.old_root)?),
        }
    };
    let mut updates: Vec<Update> = change
        .slots
        .iter()
        .map(|slot| Update {
            key: slot.hashed,
            value: (!slot.value.is_zero()).then(|| flat::value_leaf(slot.value)),
            exists: slot.exists && !change.cleared,
        })
        .collect();
    updates.sort_unstable_by_key(|update| update.key);
    let mut nodes = NodeWrites::new();
    let child = trie::update(&source, &ground.pass(), root, &updates, &mut nodes)?;
    let child = child.map(|child| ground.swept(&child));
    Ok(StorageResult {
        root: root_hash(child.as_ref()),
        changed: Some((child, nodes)),
    })
}

impl Ground<'_> {
    fn pass(&self) -> Pass<'_> {
        Pass {
            meter: self.meter,
            stored: self.stored,
            age: self.age,
        }
    }

    fn swept(&self, child: &Child) -> Child {
        match self.sweep {
            Some((rule, partition)) => trie::sweep(child, rule, partition, self.meter),
            None => child.clone(),
        }
    }
}

/// One trie in a database snapshot.
pub(super) struct Source<'a> {
    snapshot: &'a dyn KvRead,
    owner: Option<B256>,
    visit: Option<Visit<'a>>,
}

impl<'a> Source<'a> {
    fn new(ground: &'a Ground<'_>, owner: Option<B256>) -> Self {
        Self {
            snapshot: &*ground.source,
            owner,
            visit: ground.visit,
        }
    }

    /// The account trie, or an account's storage trie.
    pub(super) fn at(snapshot: &'a dyn KvRead, owner: Option<B256>) -> Self {
        Self {
            snapshot,
            owner,
            visit: None,
        }
    }
}

fn failed(error: KvError) -> TrieError {
    TrieError::Source(error.into())
}

impl NodeSource for Source<'_> {
    fn branch(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, TrieError> {
        match self.owner {
            None => self.snapshot.get(Column::AccountNodes, &node_key(path)),
            Some(owner) => self
                .snapshot
                .get(Column::StorageNodes, &storage_node_key(&owner, path)),
        }
        .map_err(failed)
    }

    fn leaves(&self, path: &Nibbles, most: usize) -> Result<Vec<(B256, Vec<u8>)>, TrieError> {
        let damaged = |error: StoreError| TrieError::Source(error.into());
        // Packing pads with zeros: the first key at or above `path`.
        let mut start = [0u8; 32];
        let packed = path.pack();
        start[..packed.len()].copy_from_slice(&packed);
        let start = B256::from(start);
        let below = |key: &B256| Nibbles::unpack_array(&key.0).starts_with(path);
        let mut found = Vec::with_capacity(most.min(16));
        match self.owner {
            None => {
                for pair in self
                    .snapshot
                    .range(Column::Accounts, &start[..], None, false)
                {
                    let (key, value) = pair.map_err(failed)?;
                    let key = flat::word(&key).map_err(damaged)?;
                    if !below(&key) {
                        break;
                    }
                    let account = FlatAccount::decode(&value).map_err(damaged)?;
                    found.push((key, account.leaf().into_vec()));
                    if found.len() == most {
                        break;
                    }
                }
            }
            Some(owner) => {
                let start = flat::slot_key(&owner, &start);
                let end = super::kv::prefix_end(owner.as_slice());
                let slots = self
                    .snapshot
                    .range(Column::Slots, &start, end.as_deref(), false);
                for pair in slots {
                    let (key, value) = pair.map_err(failed)?;
                    let key = flat::slot_of(&key).map_err(damaged)?;
                    if !below(&key) {
                        break;
                    }
                    let value = flat::decode_value(&value).map_err(damaged)?;
                    found.push((key, flat::value_leaf(value).into_vec()));
                    if found.len() == most {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    fn owner(&self) -> Option<B256> {
        self.owner
    }

    fn visited(&self, rlp: &[u8]) {
        if let Some(visit) = self.visit {
            visit(rlp);
        }
    }
}

/// `keccak(address) ‖` [`node_key`].
pub(super) fn storage_node_key(owner: &B256, path: &Nibbles) -> Vec<u8> {
    let mut key = owner.to_vec();
    key.extend_from_slice(&node_key(path));
    key
}
