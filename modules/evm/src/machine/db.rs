use super::stop::Stop;
use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, HashMap},
};
use core::fmt;
use revm::{
    Database, bytecode::Bytecode, database_interface::DBErrorMarker, primitives::KECCAK_EMPTY,
    state::AccountInfo,
};
use rollwright_core::{Account, StateAccess};

/// revm's view of a state access. Remembers what was read, so that a block's
/// changes are differences to it, and the first failure, which revm can't
/// carry.
#[derive(Debug)]
pub(crate) struct StateDb<'a, S: StateAccess> {
    pub(crate) state: &'a mut S,
    pub(crate) failure: Option<S::Error>,
    pub(crate) accounts: AddressMap<Option<Account>>,
    pub(crate) slots: HashMap<(Address, U256), U256>,
    /// Set for calls alone: a block is executed to its end.
    pub(crate) stop: Stop<'a>,
}

impl<'a, S: StateAccess> StateDb<'a, S> {
    pub(crate) fn new(state: &'a mut S) -> Self {
        Self {
            state,
            failure: None,
            accounts: AddressMap::default(),
            slots: HashMap::default(),
            stop: Stop::NEVER,
        }
    }

    /// True where the execution is to end without a result.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.asked()
    }

    fn fail<T>(&mut self, error: S::Error) -> Result<T, StateFailed> {
        self.failure.get_or_insert(error);
        Err(StateFailed)
    }
}

/// Stands for the failure that [`StateDb`] keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateFailed;

impl fmt::Display for StateFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("state access failed")
    }
}

impl core::error::Error for StateFailed {}
impl DBErrorMarker for StateFailed {}

impl<S: StateAccess> Database for StateDb<'_, S> {
    type Error = StateFailed;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateFailed> {
        if self.stopped() {
            return Err(StateFailed);
        }
        let account = match self.state.account(address) {
            Ok(account) => account,
            Err(error) => return self.fail(error),
        };
        self.accounts.entry(address).or_insert(account);
        Ok(account.map(info))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateFailed> {
        match self.state.code(hash) {
            Ok(code) => Ok(Bytecode::new_raw_checked(code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(code))),
            Err(error) => self.fail(error),
        }
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, StateFailed> {
        if self.stopped() {
            return Err(StateFailed);
        }
        match self.state.slot(address, B256::from(key)) {
            Ok(value) => {
                self.slots.entry((address, key)).or_insert(value);
                Ok(value)
            }
            Err(error) => self.fail(error),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateFailed> {
        match self.state.block_hash(number) {
            Ok(hash) => Ok(hash),
            Err(error) => self.fail(error),
        }
    }
}

fn info(account: Account) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code_hash,
        account_id: None,
        // Loaded by hash when it is needed.
        code: (account.code_hash == KECCAK_EMPTY).then(Bytecode::default),
    }
}
