//! From a block's changes to its state root, on any parent.

use super::{
    StateView, StoreError,
    base::{Inner, Scratch},
    delta::{AccountDelta, Delta, SlotDelta},
    kv::KvRead,
    rewind::Rewind,
    tree::{Outcome, Pending, Tries},
    version::{self, Ground, Grown, SlotChange, TrieChange, Version, Visit},
};
use crate::trie::{self, Child, Sweep, root_hash};
use alloy_primitives::{Address, B256, U256, keccak256, map::B256Map};
use alloy_trie::EMPTY_ROOT_HASH;
use rayon::prelude::*;
use rollwright_core::{AccountChange, BlockRef, Changes};
use std::sync::Arc;

/// Changes whose state root is known: what a block will commit. Holds nothing
/// of the store, and may be dropped at any time.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) outcome: Outcome,
}

impl Prepared {
    /// The state root after the changes.
    pub fn state_root(&self) -> B256 {
        self.outcome.root
    }

    /// The storage root, after the changes, of an account that they concern;
    /// `None` where they leave the account as it was.
    pub fn storage_root(&self, address: Address) -> Option<B256> {
        let account = self.outcome.delta.account(&address)?;
        Some(account.new.map_or(EMPTY_ROOT_HASH, |new| new.storage_root))
    }
}

/// The tries of a block on which another is made.
pub(super) struct Trunk {
    pub(super) version: Arc<Version>,
    /// Versions whose storage tries are in memory, newest first.
    line: Vec<Arc<Version>>,
    stored: u64,
}

impl Trunk {
    pub(super) fn new(version: Arc<Version>, line: Vec<Arc<Version>>, stored: u64) -> Self {
        Self {
            version,
            line,
            stored,
        }
    }

    /// Age of the version that the database holds.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }
}

impl Inner {
    /// Computes what `changes` make of the state in `view`.
    pub(super) fn prepare(
        &self,
        view: &StateView,
        changes: Changes,
        visit: Option<Visit<'_>>,
    ) -> Result<Outcome, StoreError> {
        let mut delta = delta(view, changes)?;
        let trunk = self.trunk(view)?;
        let mut order: Vec<usize> = (0..delta.accounts.len()).collect();
        order.sort_unstable_by_key(|index| delta.accounts[*index].hashed);
        let changes: Vec<TrieChange> = order
            .iter()
            .map(|index| trie_change(&delta.accounts[*index]))
            .collect();
        let grown = self.grow(&view.canonical.snapshot, &trunk, &changes, true, visit)?;
        for (index, account) in order.into_iter().zip(grown.accounts) {
            delta.accounts[index].new = account;
        }
        let root = root_hash(grown.version.root.as_ref());
        Ok(Outcome {
            parent: view.block,
            root,
            delta: Arc::new(delta),
            tries: Arc::new(Tries {
                version: Arc::new(grown.version),
                writes: grown.writes,
            }),
        })
    }

    /// Makes the next version on `trunk`.
    pub(super) fn grow(
        &self,
        source: &Arc<dyn KvRead>,
        trunk: &Trunk,
        changes: &[TrieChange],
        sweep: bool,
        visit: Option<Visit<'_>>,
    ) -> Result<Grown, StoreError> {
        let resident = |hashed: &B256, root: B256| self.resident(trunk, hashed, root);
        let age = self.next_age();
        let ground = Ground {
            root: trunk.version.root.clone(),
            resident: &resident,
            source: Arc::clone(source),
            stored: trunk.stored,
            age,
            parent_age: trunk.version.age,
            meter: &self.meter,
            sweep: if sweep {
                self.pressure(trunk.stored)
            } else {
                None
            },
            visit,
        };
        version::advance(&ground, changes)
    }

    /// A storage trie that is in memory, at least its root.
    pub(super) fn resident(&self, trunk: &Trunk, hashed: &B256, root: B256) -> Option<Child> {
        let found = trunk.line.iter().find_map(|v| v.storages.get(hashed));
        let child = match found {
            Some(child) => child.clone()?,
            None => self.residents.lock().get(hashed)?.clone(),
        };
        (root_hash(Some(&child)) == root).then_some(child)
    }

    /// What to drop while the next version is made: nothing within the budget,
    /// everything far above it, and what is cold in one part between.
    fn pressure(&self, stored: u64) -> Option<(Sweep, Option<u8>)> {
        let budget = self.options.trie_bytes;
        let bytes = self.meter.bytes();
        let mut pressure = self.pressure.lock();
        if bytes <= budget {
            if bytes < budget / 5 * 4 {
                pressure.window = (pressure.window + 1).min(1_024);
            }
            return None;
        }
        if bytes > budget.saturating_add(budget / 4) {
            let rule = Sweep {
                stored,
                cold: stored,
            };
            return Some((rule, None));
        }
        pressure.hand = (pressure.hand + 1) % 16;
        if pressure.hand == 0 {
            pressure.window /= 2;
        }
        let rule = Sweep {
            stored,
            cold: stored.saturating_sub(pressure.window),
        };
        Some((rule, Some(pressure.hand)))
    }

    /// Drops what is cold from the storage tries of the head.
    pub(super) fn relieve(&self) {
        let Ok(canonical) = self.canonical() else {
            return;
        };
        let Some((rule, partition)) = self.pressure(canonical.version.age) else {
            return;
        };
        let mut residents = self.residents.lock();
        residents.retain(|hashed, child| {
            if partition.is_some_and(|partition| partition != hashed[0] >> 4) {
                return true;
            }
            *child = trie::sweep(child, rule, None, &self.meter);
            matches!(child, Child::Leaf(..) | Child::Branch(..))
        });
    }

    /// The tries of the block that `view` shows.
    pub(super) fn trunk(&self, view: &StateView) -> Result<Trunk, StoreError> {
        if let Some(trunk) = self.line_to_head(view) {
            return Ok(trunk);
        }
        let version = self.scratch(view)?;
        Ok(Trunk {
            stored: view.canonical.version.age,
            line: vec![Arc::clone(&version)],
            version,
        })
    }

    /// The fast path: the head, or a block whose versions lead to it without
    /// a gap.
    fn line_to_head(&self, view: &StateView) -> Option<Trunk> {
        let head = &view.canonical.version;
        if !view.is_head() {
            return None;
        }
        let mut line = Vec::with_capacity(view.overlays.len());
        for pending in view.overlays.iter() {
            let tries = pending.tries.lock();
            line.push(Arc::clone(&tries.as_ref()?.version));
        }
        let ages = line.iter().skip(1).map(|version| version.age);
        let ages = ages.chain([head.age]);
        if line.iter().zip(ages).any(|(v, age)| v.parent_age != age) {
            return None;
        }
        // What is older than the first block beside the chain is in the chain.
        let stored = line.last().map_or(head.age, |first| first.age - 1);
        Some(Trunk {
            version: Arc::clone(line.first().unwrap_or(head)),
            line,
            stored,
        })
    }

    /// The slow path: the head's tries with everything changed that lies
    /// between. Kept for the next call.
    fn scratch(&self, view: &StateView) -> Result<Arc<Version>, StoreError> {
        let commit = view.canonical.commit;
        {
            let mut kept = self.scratch.lock();
            kept.retain(|scratch| scratch.commit == commit);
            if let Some(scratch) = kept.iter().find(|s| s.hash == view.block.hash) {
                return Ok(Arc::clone(&scratch.version));
            }
        }
        let mut rewind = Rewind::new(Arc::clone(&view.canonical));
        rewind.back_to(view.base.number, self.replay_bound(view))?;
        for pending in view.overlays.iter().rev() {
            rewind.apply(&pending.delta);
        }
        let changes = rewind.trie_changes()?;
        let trunk = Trunk {
            version: Arc::clone(&view.canonical.version),
            line: Vec::new(),
            stored: view.canonical.version.age,
        };
        let grown = self.grow(&view.canonical.snapshot, &trunk, &changes, false, None)?;
        let version = Arc::new(grown.version);
        let mut kept = self.scratch.lock();
        kept.push_front(Scratch {
            hash: view.block.hash,
            commit,
            version: Arc::clone(&version),
        });
        kept.truncate(4);
        Ok(version)
    }

    /// How much may have changed since the block below `view`. A chain may grow
    /// from any block that is not final, so there it is the more.
    fn replay_bound(&self, view: &StateView) -> usize {
        let keys = self.options.replay_keys;
        if view.base.number >= view.canonical.heads.finalized.number {
            keys.saturating_mul(4)
        } else {
            keys
        }
    }

    /// The tries of a pending block, made again where they were not kept.
    pub(super) fn tries_of(
        self: &Arc<Self>,
        pending: &Arc<Pending>,
    ) -> Result<Arc<Tries>, StoreError> {
        if let Some(tries) = pending.tries.lock().as_ref() {
            return Ok(Arc::clone(tries));
        }
        let view = self.view(&pending.parent())?;
        let trunk = self.trunk(&view)?;
        let mut changes: Vec<TrieChange> = pending.delta.accounts.iter().map(trie_change).collect();
        changes.sort_unstable_by_key(|change| change.hashed);
        let grown = self.grow(&view.canonical.snapshot, &trunk, &changes, true, None)?;
        let tries = Arc::new(Tries {
            version: Arc::new(grown.version),
            writes: grown.writes,
        });
        *pending.tries.lock() = Some(Arc::clone(&tries));
        Ok(tries)
    }

    /// The genesis allocation on nothing.
    pub(super) fn prepare_genesis(&self, changes: Changes) -> Result<Outcome, StoreError> {
        let mut delta = Delta {
            accounts: Vec::with_capacity(changes.accounts.len()),
            codes: changes.codes,
        };
        for (address, change) in changes.accounts {
            let old = None;
            let slots = change.storage.into_iter();
            let slots = slots.map(|(key, new)| slot_delta(key, U256::ZERO, new));
            delta.accounts.push(AccountDelta {
                address,
                hashed: keccak256(address),
                old,
                new: change.account.map(unrooted),
                cleared: false,
                slots: slots.filter(|slot| !slot.new.is_zero()).collect(),
                gone: Vec::new(),
            });
        }
        delta.accounts.retain(|account| account.new.is_some());
        let mut changes: Vec<TrieChange> = delta.accounts.iter().map(trie_change).collect();
        changes.sort_unstable_by_key(|change| change.hashed);
        let ground = Ground {
            root: None,
            resident: &|_, _| None,
            source: self.kv.snapshot(),
            stored: 0,
            age: self.next_age(),
            parent_age: 0,
            meter: &self.meter,
            sweep: None,
            visit: None,
        };
        let grown = version::advance(&ground, &changes)?;
        let by_hash: B256Map<_> = changes
            .iter()
            .map(|c| c.hashed)
            .zip(grown.accounts)
            .collect();
        for account in &mut delta.accounts {
            account.new = by_hash.get(&account.hashed).copied().flatten();
        }
        Ok(Outcome {
            parent: BlockRef::default(),
            root: root_hash(grown.version.root.as_ref()),
            delta: Arc::new(delta),
            tries: Arc::new(Tries {
                version: Arc::new(grown.version),
                writes: grown.writes,
            }),
        })
    }
}

/// Both directions of a block's changes, read on the parent's state.
fn delta(view: &StateView, changes: Changes) -> Result<Delta, StoreError> {
    let one = |(address, change): (Address, AccountChange)| account_delta(view, address, change);
    let accounts: Vec<Option<AccountDelta>> = if changes.accounts.len() > 64 {
        changes
            .accounts
            .into_par_iter()
            .with_min_len(32)
            .map(one)
            .collect::<Result<_, _>>()?
    } else {
        changes
            .accounts
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()?
    };
    Ok(Delta {
        accounts: accounts.into_iter().flatten().collect(),
        codes: changes.codes,
    })
}

/// `None` where nothing differs.
fn account_delta(
    view: &StateView,
    address: Address,
    change: AccountChange,
) -> Result<Option<AccountDelta>, StoreError> {
    let hashed = keccak256(address);
    let old = view.flat(address)?;
    let had_storage = old.is_some_and(|old| old.storage_root != EMPTY_ROOT_HASH);
    let cleared = had_storage && (change.storage_cleared || change.account.is_none());
    let mut gone = if cleared {
        view.storage(address)?
    } else {
        B256Map::default()
    };
    let mut slots = Vec::with_capacity(change.storage.len());
    for (key, value) in change.storage {
        let new = if change.account.is_some() {
            value
        } else {
            U256::ZERO
        };
        let mut slot = slot_delta(key, U256::ZERO, new);
        slot.old = if cleared {
            gone.remove(&slot.hashed).unwrap_or_default()
        } else if had_storage {
            view.slot(address, key)?
        } else {
            U256::ZERO
        };
        if slot.old != slot.new {
            slots.push(slot);
        } else if cleared && !slot.old.is_zero() {
            // It is in the new trie although the old one is gone.
            slots.push(slot);
        }
    }
    let same = old.map(|old| old.account) == change.account;
    if same && slots.is_empty() && !cleared {
        return Ok(None);
    }
    let mut gone: Vec<(B256, U256)> = gone.into_iter().collect();
    gone.sort_unstable();
    Ok(Some(AccountDelta {
        address,
        hashed,
        old,
        new: change.account.map(unrooted),
        cleared,
        slots,
        gone,
    }))
}

/// The storage root is filled in once it is known.
fn unrooted(account: rollwright_core::Account) -> super::flat::FlatAccount {
    super::flat::FlatAccount {
        account,
        storage_root: EMPTY_ROOT_HASH,
    }
}

fn slot_delta(key: B256, old: U256, new: U256) -> SlotDelta {
    SlotDelta {
        key,
        hashed: keccak256(key),
        old,
        new,
    }
}

fn trie_change(account: &AccountDelta) -> TrieChange {
    TrieChange {
        hashed: account.hashed,
        exists: account.old.is_some(),
        old_root: account.old.map_or(EMPTY_ROOT_HASH, |old| old.storage_root),
        account: account.new.map(|new| new.account),
        cleared: account.cleared,
        slots: account
            .slots
            .iter()
            .map(|slot| SlotChange {
                hashed: slot.hashed,
                value: slot.new,
                exists: !slot.old.is_zero(),
            })
            .collect(),
    }
}
