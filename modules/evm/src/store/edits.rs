use super::{StateView, StoreError, flat::FlatAccount};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use rollwright_core::{Account, AccountChange, BlockRef, Changes};
use std::collections::BTreeMap;

/// Changes of the state that no block made: what a sandbox is told to pretend.
///
/// They are seen on top of one block, by readers of its state and by the block
/// that is built on it, which takes them over; no trie holds them before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateEdits {
    /// The block after which they are seen.
    pub on: BlockRef,
    accounts: BTreeMap<Address, Edited>,
    codes: BTreeMap<B256, Bytes>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edited {
    /// The account, where it is another; inner `None` where it is empty.
    account: Option<Option<Account>>,
    slots: BTreeMap<B256, U256>,
}

impl StateEdits {
    /// No edits after `on`.
    pub fn new(on: BlockRef) -> Self {
        Self {
            on,
            ..Self::default()
        }
    }

    /// True where nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Replaces an account; one that is empty (EIP-161) is removed.
    pub fn set_account(&mut self, address: Address, account: Account) {
        let empty =
            account.nonce == 0 && account.balance.is_zero() && account.code_hash == KECCAK_EMPTY;
        let edited = self.accounts.entry(address).or_default();
        edited.account = Some((!empty).then_some(account));
    }

    /// Makes code known; its hash.
    pub fn add_code(&mut self, code: Bytes) -> B256 {
        if code.is_empty() {
            return KECCAK_EMPTY;
        }
        let hash = keccak256(&code);
        self.codes.insert(hash, code);
        hash
    }

    /// Writes a slot.
    pub fn set_slot(&mut self, address: Address, key: B256, value: U256) {
        let edited = self.accounts.entry(address).or_default();
        edited.slots.insert(key, value);
    }

    pub(super) fn account(
        &self,
        address: &Address,
        below: impl FnOnce() -> Result<Option<FlatAccount>, StoreError>,
    ) -> Result<Option<FlatAccount>, StoreError> {
        let below = below()?;
        let Some(edited) = self.accounts.get(address).and_then(|e| e.account) else {
            return Ok(below);
        };
        Ok(edited.map(|account| FlatAccount {
            account,
            storage_root: below.map_or(EMPTY_ROOT_HASH, |below| below.storage_root),
        }))
    }

    pub(super) fn slot(&self, address: &Address, key: &B256) -> Option<U256> {
        self.accounts.get(address)?.slots.get(key).copied()
    }

    pub(super) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.codes.get(hash).cloned()
    }

    /// What a block changed on top of the edits, as changes of the state below
    /// them.
    pub(super) fn under(&self, view: &StateView, changes: Changes) -> Result<Changes, StoreError> {
        let mut accounts = BTreeMap::new();
        for (address, edited) in &self.accounts {
            let account = match edited.account {
                Some(account) => account,
                None => view.account(*address)?,
            };
            let storage = edited.slots.iter().map(|(key, value)| (*key, *value));
            accounts.insert(
                *address,
                AccountChange {
                    account,
                    storage_cleared: false,
                    storage: storage.collect(),
                },
            );
        }
        for (address, change) in changes.accounts {
            let merged = accounts
                .entry(address)
                .or_insert_with(AccountChange::default);
            merged.account = change.account;
            merged.storage_cleared |= change.storage_cleared;
            let kept = match change.storage_cleared || change.account.is_none() {
                true => Vec::new(),
                false => std::mem::take(&mut merged.storage),
            };
            let mut slots: BTreeMap<B256, U256> = kept.into_iter().collect();
            slots.extend(change.storage);
            merged.storage = slots.into_iter().collect();
        }
        let mut codes = self.codes.clone();
        codes.extend(changes.codes);
        Ok(Changes {
            accounts: accounts.into_iter().collect(),
            codes: codes.into_iter().collect(),
        })
    }
}
