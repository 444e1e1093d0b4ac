//! From revm's journal to the changes that a store commits.

use alloc::vec::Vec;
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, HashMap},
};
use revm::{
    primitives::KECCAK_EMPTY,
    state::{Account as Journaled, EvmState},
};
use rollwright_core::{Account, AccountChange, Changes};

/// What differs from the state before the block. Accounts and slots that were
/// only read, or that ended as they began, are absent.
pub(super) fn changes(
    journal: EvmState,
    before: &AddressMap<Option<Account>>,
    slots: &HashMap<(Address, U256), U256>,
) -> Changes {
    let mut out = Changes::default();
    for (address, journaled) in journal {
        if !journaled.is_touched() {
            continue;
        }
        let original = before.get(&address).copied().flatten();
        let account = after(&journaled);
        if let Some(code) = new_code(&journaled, account.as_ref(), original.as_ref()) {
            out.codes.push(code);
        }
        let cleared =
            original.is_some() && (journaled.is_selfdestructed() || journaled.is_created());
        let change = AccountChange {
            account,
            storage_cleared: cleared,
            storage: match account {
                Some(_) => storage(address, &journaled, slots, cleared),
                None => Vec::new(),
            },
        };
        if change.account != original || cleared || !change.storage.is_empty() {
            out.accounts.push((address, change));
        }
    }
    out.accounts.sort_unstable_by_key(|(address, _)| *address);
    out.codes.sort_unstable_by_key(|(hash, _)| *hash);
    out.codes.dedup_by_key(|(hash, _)| *hash);
    out
}

/// The account after the block; `None` where it was destroyed, or is empty
/// (EIP-161).
fn after(journaled: &Journaled) -> Option<Account> {
    let info = &journaled.info;
    if journaled.is_selfdestructed_locally() || info.is_empty() {
        return None;
    }
    Some(Account {
        nonce: info.nonce,
        balance: info.balance,
        code_hash: info.code_hash,
    })
}

fn new_code(
    journaled: &Journaled,
    account: Option<&Account>,
    original: Option<&Account>,
) -> Option<(B256, Bytes)> {
    let hash = account?.code_hash;
    if hash == KECCAK_EMPTY || original.is_some_and(|original| original.code_hash == hash) {
        return None;
    }
    let code = journaled.info.code.as_ref()?;
    Some((hash, code.original_bytes()))
}

fn storage(
    address: Address,
    journaled: &Journaled,
    slots: &HashMap<(Address, U256), U256>,
    cleared: bool,
) -> Vec<(B256, U256)> {
    let mut out: Vec<(B256, U256)> = journaled
        .storage
        .iter()
        .filter(|(key, slot)| {
            let before = match cleared {
                true => U256::ZERO,
                false => slots.get(&(address, **key)).copied().unwrap_or_default(),
            };
            slot.present_value != before
        })
        .map(|(key, slot)| (B256::from(*key), slot.present_value))
        .collect();
    out.sort_unstable_by_key(|(key, _)| *key);
    out
}
