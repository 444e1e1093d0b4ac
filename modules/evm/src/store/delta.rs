//! What a block changed, with what was there before.

use super::{StoreError, flat::FlatAccount};
use alloy_primitives::{Address, B256, Bytes, U256};
use borsh::{BorshDeserialize, BorshSerialize};

/// All that a block changed, in both directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    /// Ascending by address.
    pub(super) accounts: Vec<AccountDelta>,
    /// New code by hash, ascending.
    pub(super) codes: Vec<(B256, Bytes)>,
}

/// One account before and after a block.
#[derive(Clone, Debug)]
pub(super) struct AccountDelta {
    pub(super) address: Address,
    pub(super) hashed: B256,
    pub(super) old: Option<FlatAccount>,
    pub(super) new: Option<FlatAccount>,
    /// True where the storage before the block is gone; what of it is not in
    /// `slots` is in `gone`.
    pub(super) cleared: bool,
    /// Ascending by key.
    pub(super) slots: Vec<SlotDelta>,
    /// Hashed keys with the values that they had.
    pub(super) gone: Vec<(B256, U256)>,
}

/// One slot before and after a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotDelta {
    pub(super) key: B256,
    pub(super) hashed: B256,
    pub(super) old: U256,
    pub(super) new: U256,
}

impl Delta {
    pub(super) fn account(&self, address: &Address) -> Option<&AccountDelta> {
        self.accounts
            .binary_search_by(|account| account.address.cmp(address))
            .ok()
            .map(|index| &self.accounts[index])
    }

    pub(super) fn code(&self, hash: &B256) -> Option<&Bytes> {
        self.codes
            .binary_search_by(|(other, _)| other.cmp(hash))
            .ok()
            .map(|index| &self.codes[index].1)
    }

    /// Bytes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let accounts: usize = self
            .accounts
            .iter()
            .map(|account| {
                size_of::<AccountDelta>()
                    + account.slots.len() * size_of::<SlotDelta>()
                    + account.gone.len() * size_of::<(B256, U256)>()
            })
            .sum();
        accounts
            + self
                .codes
                .iter()
                .map(|(_, code)| code.len() + 64)
                .sum::<usize>()
    }

    /// How many accounts and slots.
    pub(super) fn keys(&self) -> usize {
        let slots = |account: &AccountDelta| 1 + account.slots.len() + account.gone.len();
        self.accounts.iter().map(slots).sum()
    }

    /// The stored list of what was changed.
    pub(super) fn changed(&self) -> Changed {
        Changed {
            accounts: self
                .accounts
                .iter()
                .map(|account| ChangedAccount {
                    address: account.address,
                    cleared: account.cleared,
                    slots: account.slots.iter().map(|slot| slot.key).collect(),
                    gone: account.gone.iter().map(|(hashed, _)| *hashed).collect(),
                })
                .collect(),
        }
    }
}

impl AccountDelta {
    /// The slot after the block; `None` where the block leaves it as it was.
    pub(super) fn slot(&self, key: &B256) -> Option<U256> {
        match self.slots.binary_search_by(|slot| slot.key.cmp(key)) {
            Ok(index) => Some(self.slots[index].new),
            Err(_) => (self.cleared || self.new.is_none()).then_some(U256::ZERO),
        }
    }
}

/// Which keys a block changed. Their former values stand in the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Changed {
    pub(super) accounts: Vec<ChangedAccount>,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct ChangedAccount {
    pub(super) address: Address,
    pub(super) cleared: bool,
    pub(super) slots: Vec<B256>,
    pub(super) gone: Vec<B256>,
}

impl Changed {
    /// How many accounts and slots.
    pub(super) fn keys(&self) -> usize {
        let slots = |account: &ChangedAccount| 1 + account.slots.len() + account.gone.len();
        self.accounts.iter().map(slots).sum()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        borsh::from_slice(bytes).map_err(|error| {
            StoreError::corrupt(format!("a block's changes cannot be decoded: {error}"))
        })
    }
}

/// borsh of a value. Writing into a vector cannot fail.
pub(super) fn to_borsh(value: &impl BorshSerialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let _ = value.serialize(&mut out);
    out
}
