use crate::{
    rpc::error::Answer,
    store::{StateView, Store, StoreError},
};
use alloy_primitives::{Address, B256, U256};
use revm::{
    DatabaseRef,
    bytecode::Bytecode,
    database::{AccountState, CacheDB},
    database_interface::DBErrorMarker,
    primitives::KECCAK_EMPTY,
    state::AccountInfo,
};
use rollwright_core::{Account, AccountChange, BlockRef, Changes};

/// A state of the past under changes that nobody else sees.
pub(crate) type CachedState = CacheDB<PastState>;

/// The state after a block.
pub(crate) fn open(store: &Store, after: &BlockRef) -> Answer<CachedState> {
    Ok(CacheDB::new(PastState(store.state_at(after)?)))
}

/// A state of the past for revm to read.
#[derive(Clone, Debug)]
pub(crate) struct PastState(StateView);

impl DBErrorMarker for StoreError {}

impl DatabaseRef for PastState {
    type Error = StoreError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
        let Some(account) = self.0.account(address)? else {
            return Ok(None);
        };
        let code = match account.code_hash {
            KECCAK_EMPTY => Bytecode::default(),
            hash => self.code_by_hash_ref(hash)?,
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            // Tracers read it off the account.
            code: Some(code),
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StoreError> {
        let code = self.0.code(hash)?;
        Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StoreError> {
        self.0.slot(address, B256::from(slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
        self.0.block_hash(number)
    }
}

/// All that a cached state holds, as what differs from the state below; what
/// was only read is repeated as it is.
pub(crate) fn changes(state: &CachedState) -> Changes {
    let mut out = Changes::default();
    for (address, cached) in &state.cache.accounts {
        let info = cached.info().filter(|info| !info.is_empty());
        let cleared = matches!(
            cached.account_state,
            AccountState::StorageCleared | AccountState::NotExisting
        );
        let mut storage: Vec<(B256, U256)> = Vec::new();
        if info.is_some() {
            let slots = cached.storage.iter();
            let slots = slots.filter(|(_, value)| !cleared || !value.is_zero());
            storage.extend(slots.map(|(key, value)| (B256::from(*key), *value)));
            storage.sort_unstable_by_key(|(key, _)| *key);
        }
        let change = AccountChange {
            account: info.map(|info| Account {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
            }),
            storage_cleared: cleared,
            storage,
        };
        out.accounts.push((*address, change));
    }
    out.accounts.sort_unstable_by_key(|(address, _)| *address);
    let codes = state.cache.contracts.iter();
    let codes = codes.filter(|(hash, code)| !hash.is_zero() && !code.is_empty());
    out.codes
        .extend(codes.map(|(hash, code)| (*hash, code.original_bytes())));
    out.codes.sort_unstable_by_key(|(hash, _)| *hash);
    out
}
