//! The difference between the head's state and another's, key by key.

use super::{
    StoreError,
    base::Canonical,
    delta::{AccountDelta, Changed, Delta, SlotDelta},
    flat::{self, FlatAccount},
    kv::{Batch, Column},
    version::{SlotChange, TrieChange},
};
use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::{collections::BTreeMap, sync::Arc};

/// Walks from the head's state back through the history, and forth through
/// blocks that are not canonical; remembers the last value of each key.
pub(super) struct Rewind {
    canonical: Arc<Canonical>,
    accounts: BTreeMap<B256, Touched>,
}

#[derive(Default)]
struct Touched {
    /// The account, where it changed.
    account: Option<Option<FlatAccount>>,
    /// True where no slot of the head's state remains but those listed.
    cleared: bool,
    slots: BTreeMap<B256, U256>,
}

impl Rewind {
    pub(super) fn new(canonical: Arc<Canonical>) -> Self {
        Self {
            canonical,
            accounts: BTreeMap::new(),
        }
    }

    /// Undoes the canonical blocks above `number`, newest first, as long as
    /// they changed no more than `max_keys` accounts and slots.
    pub(super) fn back_to(&mut self, number: u64, max_keys: usize) -> Result<(), StoreError> {
        let mut keys = 0;
        for block in (number + 1..=self.canonical.heads.latest.number).rev() {
            keys += self.undo(block)?.keys();
            if keys > max_keys {
                return Err(StoreError::TooDeep {
                    number,
                    nearest: block.saturating_sub(1),
                    max_keys,
                });
            }
        }
        Ok(())
    }

    /// Undoes one canonical block, the newest that is not undone; returns what
    /// it had done.
    pub(super) fn undo(&mut self, number: u64) -> Result<Delta, StoreError> {
        let changed = self
            .canonical
            .snapshot
            .get(Column::Changed, &number.to_be_bytes())?
            .ok_or(StoreError::StatePruned {
                number: number.saturating_sub(1),
                oldest: self.canonical.oldest,
            })?;
        let mut delta = Delta::default();
        for account in Changed::decode(&changed)?.accounts {
            let hashed = keccak256(account.address);
            let new = self.account(&hashed)?;
            let old = self.history(Column::AccountHistory, hashed.as_slice(), number)?;
            let old = FlatAccount::decode_option(&old)?;
            let mut slots = Vec::with_capacity(account.slots.len());
            for key in account.slots {
                let slot = keccak256(key);
                let (old, new) = self.restore_slot(&hashed, slot, number)?;
                slots.push(SlotDelta {
                    key,
                    hashed: slot,
                    old,
                    new,
                });
            }
            let mut gone = Vec::with_capacity(account.gone.len());
            for slot in account.gone {
                gone.push((slot, self.restore_slot(&hashed, slot, number)?.0));
            }
            self.touch(hashed).account = Some(old);
            delta.accounts.push(AccountDelta {
                address: account.address,
                hashed,
                old,
                new,
                cleared: account.cleared,
                slots,
                gone,
            });
        }
        Ok(delta)
    }

    /// Does what a block did that is not canonical.
    pub(super) fn apply(&mut self, delta: &Delta) {
        for account in &delta.accounts {
            let touched = self.touch(account.hashed);
            touched.account = Some(account.new);
            if account.cleared || account.new.is_none() {
                touched.cleared = true;
                touched.slots.clear();
            }
            for slot in &account.slots {
                touched.slots.insert(slot.hashed, slot.new);
            }
        }
    }

    /// The difference as changes on the head's tries, ascending.
    pub(super) fn trie_changes(&self) -> Result<Vec<TrieChange>, StoreError> {
        let mut changes = Vec::with_capacity(self.accounts.len());
        for (hashed, touched) in &self.accounts {
            let stored = self.stored_account(hashed)?;
            let account = touched.account.unwrap_or(stored);
            let mut slots = Vec::with_capacity(touched.slots.len());
            for (slot, value) in &touched.slots {
                slots.push(SlotChange {
                    hashed: *slot,
                    value: *value,
                    exists: !self.stored_slot(hashed, slot)?.is_zero(),
                });
            }
            changes.push(TrieChange {
                hashed: *hashed,
                exists: stored.is_some(),
                old_root: stored.map_or(EMPTY_ROOT_HASH, |stored| stored.storage_root),
                account: account.map(|account| account.account),
                cleared: touched.cleared,
                slots,
            });
        }
        Ok(changes)
    }

    /// Writes the difference to the flat state. Only after [`undo`](Self::undo)
    /// alone.
    pub(super) fn stage(&self, batch: &mut Batch) {
        for (hashed, touched) in &self.accounts {
            if let Some(account) = &touched.account {
                let value = account.as_ref().map(FlatAccount::encode);
                batch.write(Column::Accounts, hashed.as_slice(), value);
            }
            for (slot, value) in &touched.slots {
                let value = (!value.is_zero()).then(|| flat::encode_value(*value));
                batch.write(Column::Slots, flat::slot_key(hashed, slot), value);
            }
        }
    }

    fn touch(&mut self, hashed: B256) -> &mut Touched {
        self.accounts.entry(hashed).or_default()
    }

    /// Gives a slot the value that it had before block `number`; returns that
    /// and the one after.
    fn restore_slot(
        &mut self,
        hashed: &B256,
        slot: B256,
        number: u64,
    ) -> Result<(U256, U256), StoreError> {
        let key = flat::slot_key(hashed, &slot);
        let old = flat::decode_value(&self.history(Column::SlotHistory, &key, number)?)?;
        let known = self.accounts.get(hashed).and_then(|t| t.slots.get(&slot));
        let new = match known {
            Some(value) => *value,
            None => self.stored_slot(hashed, &slot)?,
        };
        self.touch(*hashed).slots.insert(slot, old);
        Ok((old, new))
    }

    fn history(&self, column: Column, key: &[u8], number: u64) -> Result<Vec<u8>, StoreError> {
        self.canonical
            .snapshot
            .get(column, &flat::at_block(key, number))?
            .ok_or_else(|| {
                StoreError::corrupt(format!("the history of block {number} is incomplete"))
            })
    }

    fn account(&self, hashed: &B256) -> Result<Option<FlatAccount>, StoreError> {
        match self
            .accounts
            .get(hashed)
            .and_then(|touched| touched.account)
        {
            Some(account) => Ok(account),
            None => self.stored_account(hashed),
        }
    }

    fn stored_account(&self, hashed: &B256) -> Result<Option<FlatAccount>, StoreError> {
        self.canonical
            .snapshot
            .get(Column::Accounts, hashed.as_slice())?
            .map(|bytes| FlatAccount::decode(&bytes))
            .transpose()
    }

    fn stored_slot(&self, hashed: &B256, slot: &B256) -> Result<U256, StoreError> {
        let key = flat::slot_key(hashed, slot);
        match self.canonical.snapshot.get(Column::Slots, &key)? {
            Some(bytes) => flat::decode_value(&bytes),
            None => Ok(U256::ZERO),
        }
    }
}
