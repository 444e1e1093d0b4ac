use alloc::collections::BTreeMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use core::convert::Infallible;
use rollwright_core::{Account, Changes, StateAccess};

/// A whole state in ordered maps: for tests, examples and small tools.
///
/// Every commit computes the root anew over all accounts, so a block costs
/// time in proportion to the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryState {
    accounts: BTreeMap<Address, (Account, BTreeMap<B256, U256>)>,
    codes: BTreeMap<B256, Bytes>,
    block_hashes: BTreeMap<u64, B256>,
}

impl MemoryState {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a block's hash known to BLOCKHASH.
    pub fn insert_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// Applies changes, as [`StateAccess::commit`] does.
    pub fn apply(&mut self, changes: &Changes) -> B256 {
        for (address, change) in &changes.accounts {
            let Some(account) = change.account else {
                self.accounts.remove(address);
                continue;
            };
            let (kept, storage) = self.accounts.entry(*address).or_default();
            *kept = account;
            if change.storage_cleared {
                storage.clear();
            }
            for (key, value) in &change.storage {
                match value.is_zero() {
                    true => storage.remove(key),
                    false => storage.insert(*key, *value),
                };
            }
        }
        for (hash, code) in &changes.codes {
            self.codes.insert(*hash, code.clone());
        }
        self.root()
    }

    /// The Merkle-Patricia root of the state.
    pub fn root(&self) -> B256 {
        state_root_unhashed(self.accounts.iter().map(|(address, (account, storage))| {
            let storage = storage.iter().map(|(key, value)| (*key, *value));
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: storage_root_unhashed(storage),
                code_hash: account.code_hash,
            };
            (*address, account)
        }))
    }

    /// Every account with its storage, ascending by address.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &Account, &BTreeMap<B256, U256>)> {
        self.accounts
            .iter()
            .map(|(address, (account, storage))| (address, account, storage))
    }

    /// Every code.
    pub fn codes(&self) -> impl Iterator<Item = &Bytes> {
        self.codes.values()
    }
}

impl StateAccess for MemoryState {
    type Error = Infallible;

    fn account(&mut self, address: Address) -> Result<Option<Account>, Infallible> {
        Ok(self.accounts.get(&address).map(|(account, _)| *account))
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, Infallible> {
        let storage = self.accounts.get(&address).map(|(_, storage)| storage);
        Ok(storage
            .and_then(|s| s.get(&key))
            .copied()
            .unwrap_or_default())
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, Infallible> {
        Ok(self.codes.get(&hash).cloned().unwrap_or_default())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }

    fn commit(&mut self, changes: Changes) -> Result<B256, Infallible> {
        Ok(self.apply(&changes))
    }
}
