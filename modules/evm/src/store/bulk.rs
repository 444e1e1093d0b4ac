//! A whole state into an empty store, ascending, in pieces of bounded size.

use super::{
    NewBlock, StoreError,
    base::{Inner, META_GENESIS, META_HEADS, META_IMPORT, stage_heads},
    chain,
    delta::to_borsh,
    flat::{self, FlatAccount},
    kv::{Batch, Column, KvRead},
    stage,
    version::{Source, StorageWrites, TrieWrites},
};
use crate::trie::{self, Child, Meter, NodeWrites, Pass, Sweep, Update, root_hash};
use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use rayon::prelude::*;
use rollwright_core::{Account, BlockRef, Heads};

/// Accounts of one commit, and slots: what a piece may hold at most, beside
/// the last account's slots.
const PIECE: usize = 16_384;

/// An account of a state that is loaded whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// keccak256 of the address.
    pub hashed: B256,
    /// The account.
    pub account: Account,
    /// keccak256 of each slot's key with the value, none of them zero,
    /// ascending.
    pub slots: Vec<(B256, U256)>,
}

/// Both kinds of tries, grown at their right edge. In memory is only what the
/// database does not hold yet.
#[derive(Debug)]
pub(super) struct Bulk {
    meter: Meter,
    age: u64,
    root: Option<Child>,
    /// The storage trie under way, with its account.
    storage: Option<(B256, Option<Child>)>,
}

impl Bulk {
    /// Nothing so far.
    pub(super) fn new() -> Self {
        Self {
            meter: Meter::default(),
            age: 1,
            root: None,
            storage: None,
        }
    }

    /// What an earlier process left in `snapshot`: the roots of the account
    /// trie and of the storage trie under way.
    pub(super) fn resume(
        snapshot: &dyn KvRead,
        root: B256,
        storage: Option<(B256, B256)>,
    ) -> Result<Self, StoreError> {
        let stored = |owner: Option<B256>, root: B256| -> Result<Option<Child>, StoreError> {
            if root == EMPTY_ROOT_HASH {
                return Ok(None);
            }
            Ok(Some(trie::stored_root(&Source::at(snapshot, owner), root)?))
        };
        Ok(Self {
            root: stored(None, root)?,
            storage: match storage {
                Some((owner, root)) => Some((owner, stored(Some(owner), root)?)),
                None => None,
            },
            ..Self::new()
        })
    }

    /// Root of the account trie so far.
    pub(super) fn root(&self) -> B256 {
        root_hash(self.root.as_ref())
    }

    /// The storage trie under way: its account, and its root so far.
    pub(super) fn storage(&self) -> Option<(B256, B256)> {
        let (owner, root) = self.storage.as_ref()?;
        Some((*owner, root_hash(root.as_ref())))
    }

    /// As [`storage`](Self::storage); no more of its slots come.
    pub(super) fn close_storage(&mut self) -> Option<(B256, B256)> {
        let closed = self.storage();
        self.storage = None;
        closed
    }

    /// Adds slots of several accounts, ascending by account and key. Those of
    /// the first may go on with what was last added. Returns the accounts to
    /// which no more come, with their storage roots.
    pub(super) fn slots(
        &mut self,
        batch: &mut Batch,
        snapshot: &dyn KvRead,
        owners: Vec<(B256, Vec<Update>)>,
    ) -> Result<Vec<(B256, B256)>, StoreError> {
        let stored = self.age;
        self.age += 1;
        let begun = match owners.first() {
            Some((first, _)) => self.storage.take_if(|(owner, _)| owner == first),
            None => None,
        };
        let mut complete = Vec::new();
        if !owners.is_empty() {
            complete.extend(self.close_storage());
        }
        let (age, meter) = (self.age, &self.meter);
        let one = |(owner, updates): (B256, Vec<Update>)| {
            let root = match &begun {
                Some((current, root)) if *current == owner => root.clone(),
                _ => None,
            };
            let source = Source::at(snapshot, Some(owner));
            let mut nodes = NodeWrites::new();
            let root = update(&source, meter, (stored, age), root, &updates, &mut nodes)?;
            Ok((owner, root, nodes))
        };
        let done: Vec<(B256, Option<Child>, NodeWrites)> = owners
            .into_par_iter()
            .map(one)
            .collect::<Result<_, StoreError>>()?;
        let mut writes = TrieWrites::default();
        for (owner, root, nodes) in done {
            complete.extend(self.close_storage());
            self.storage = Some((owner, root));
            writes.storages.push(StorageWrites {
                hashed: owner,
                cleared: false,
                nodes,
            });
        }
        stage::tries(batch, snapshot, &writes)?;
        Ok(complete)
    }

    /// Adds accounts, ascending.
    pub(super) fn accounts(
        &mut self,
        batch: &mut Batch,
        snapshot: &dyn KvRead,
        updates: &[Update],
    ) -> Result<(), StoreError> {
        let stored = self.age;
        self.age += 1;
        let mut writes = TrieWrites::default();
        let source = Source::at(snapshot, None);
        let root = self.root.take();
        let ages = (stored, self.age);
        let nodes = &mut writes.accounts;
        self.root = update(&source, &self.meter, ages, root, updates, nodes)?;
        stage::tries(batch, snapshot, &writes)
    }
}

/// Adds keys to a trie whose stored part is in the database.
fn update(
    source: &Source<'_>,
    meter: &Meter,
    (stored, age): (u64, u64),
    root: Option<Child>,
    updates: &[Update],
    writes: &mut NodeWrites,
) -> Result<Option<Child>, StoreError> {
    let pass = Pass { meter, stored, age };
    let rule = Sweep {
        stored,
        cold: stored,
    };
    let root = trie::update(source, &pass, root, updates, writes)?;
    Ok(root.map(|root| trie::sweep(&root, rule, None, meter)))
}

impl Inner {
    /// Hides what is there, and removes it: an import begins.
    pub(super) fn begin_import(&self, mark: &[u8]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.put(Column::Meta, META_IMPORT, mark);
        batch.delete(Column::Meta, META_HEADS);
        batch.delete(Column::Meta, META_GENESIS);
        self.write(batch)?;
        self.forget_all();
        self.wipe_import()?;
        let mut batch = Batch::default();
        batch.put(Column::Meta, META_IMPORT, mark);
        self.write(batch)
    }

    /// Fills an empty store with a genesis state that is too large to be held
    /// twice.
    pub(super) fn load_genesis(
        &self,
        genesis: NewBlock,
        accounts: &mut dyn Iterator<Item = NewAccount>,
        codes: &mut dyn Iterator<Item = (B256, Bytes)>,
    ) -> Result<BlockRef, StoreError> {
        let _writer = self.writer.lock();
        let expected = genesis.record.block;
        if let Ok(canonical) = self.canonical() {
            if canonical.genesis.hash != expected.hash {
                return Err(StoreError::OtherChain {
                    stored: canonical.genesis.hash,
                    expected: expected.hash,
                });
            }
            return Ok(canonical.genesis);
        }
        let block = chain::assemble(genesis)?;
        self.begin_import(expected.hash.as_slice())?;
        let mut bulk = Bulk::new();
        loop {
            let piece = piece(accounts);
            if piece.is_empty() {
                break;
            }
            self.load_piece(&mut bulk, &piece)?;
        }
        let mut batch = Batch::default();
        for (hash, code) in codes {
            batch.put(Column::Codes, hash.0, &code);
            if batch.len() >= PIECE {
                self.write(std::mem::take(&mut batch))?;
            }
        }
        if bulk.root() != block.header.state_root {
            self.write(batch)?;
            self.wipe_import()?;
            return Err(StoreError::BadBlock {
                number: block.header.number,
                reason: "its state root is not that of the allocation".into(),
            });
        }
        chain::stage(&mut batch, &block);
        batch.put(Column::Meta, META_GENESIS, to_borsh(&expected));
        batch.delete(Column::Meta, META_IMPORT);
        stage_heads(&mut batch, &Heads::all(expected), expected.number);
        self.write(batch)?;
        self.load()?;
        Ok(expected)
    }

    fn load_piece(&self, bulk: &mut Bulk, piece: &[NewAccount]) -> Result<(), StoreError> {
        let snapshot = self.kv.snapshot();
        let mut batch = Batch::default();
        let mut leaves = Vec::with_capacity(piece.len());
        for account in piece {
            let mut flat = FlatAccount {
                account: account.account,
                storage_root: EMPTY_ROOT_HASH,
            };
            if !account.slots.is_empty() {
                let updates = account.slots.iter().map(|(key, value)| {
                    let full = flat::slot_key(&account.hashed, key);
                    batch.put(Column::Slots, full, flat::encode_value(*value));
                    Update {
                        key: *key,
                        value: Some(flat::value_leaf(*value)),
                        exists: false,
                    }
                });
                let owners = vec![(account.hashed, updates.collect())];
                bulk.slots(&mut batch, &*snapshot, owners)?;
                if let Some((_, root)) = bulk.close_storage() {
                    flat.storage_root = root;
                }
            }
            batch.put(Column::Accounts, account.hashed.0, flat.encode());
            leaves.push(Update {
                key: account.hashed,
                value: Some(flat.leaf()),
                exists: false,
            });
        }
        bulk.accounts(&mut batch, &*snapshot, &leaves)?;
        self.write(batch)
    }
}

/// The next accounts: at most [`PIECE`], and no more once they have as many
/// slots.
fn piece(accounts: &mut dyn Iterator<Item = NewAccount>) -> Vec<NewAccount> {
    let (mut piece, mut slots) = (Vec::new(), 0);
    while piece.len() < PIECE && slots < PIECE {
        let Some(account) = accounts.next() else {
            break;
        };
        slots += account.slots.len();
        piece.push(account);
    }
    piece
}
