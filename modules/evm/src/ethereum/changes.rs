use alloc::vec::Vec;
use alloy_primitives::{B256, U256};
use revm::{
    database::{BundleAccount, BundleState},
    state::AccountInfo,
};
use rollwright_core::{Account, AccountChange, Changes};

/// What differs from the parent's state, in the order of a store.
pub(super) fn changes(bundle: &BundleState) -> Changes {
    let mut out = Changes::default();
    for (address, account) in &bundle.state {
        let before = account.original_info.as_ref().map(kept);
        let change = AccountChange {
            account: account.info.as_ref().map(kept),
            // Not `is_storage_known`: revm takes the storage of an account that
            // has neither nonce nor code for known, and such a one may hold some.
            storage_cleared: before.is_some() && account.status.was_destroyed(),
            storage: storage(account),
        };
        if change.account != before || change.storage_cleared || !change.storage.is_empty() {
            out.accounts.push((*address, change));
        }
    }
    out.codes = bundle
        .contracts
        .iter()
        .map(|(hash, code)| (*hash, code.original_bytes()))
        .filter(|(_, code)| !code.is_empty())
        .collect();
    out.accounts.sort_unstable_by_key(|(address, _)| *address);
    out.codes.sort_unstable_by_key(|(hash, _)| *hash);
    out
}

fn kept(info: &AccountInfo) -> Account {
    Account {
        nonce: info.nonce,
        balance: info.balance,
        code_hash: info.code_hash,
    }
}

fn storage(account: &BundleAccount) -> Vec<(B256, U256)> {
    if account.info.is_none() {
        return Vec::new();
    }
    let fresh = account.status.was_destroyed();
    let mut out: Vec<(B256, U256)> = account
        .storage
        .iter()
        .filter(|(_, slot)| match fresh {
            true => !slot.present_value.is_zero(),
            false => slot.present_value != slot.previous_or_original_value,
        })
        .map(|(key, slot)| (B256::from(*key), slot.present_value))
        .collect();
    out.sort_unstable_by_key(|(key, _)| *key);
    out
}
