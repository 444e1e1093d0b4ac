use alloc::{collections::BTreeMap, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::primitives::KECCAK_EMPTY;
use rollwright_core::{Account, Changes, StateAccess};

/// Changes to state and block that one call sees and nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Header fields.
    pub block: BlockOverrides,
    /// Hashes that BLOCKHASH gives for single numbers.
    pub block_hashes: BTreeMap<u64, B256>,
    /// Accounts.
    pub state: BTreeMap<Address, AccountOverride>,
}

/// Header fields that a call sees; `None` keeps the block's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// Block number.
    pub number: Option<u64>,
    /// Unix seconds.
    pub timestamp: Option<u64>,
    /// Gas limit.
    pub gas_limit: Option<u64>,
    /// Fee recipient.
    pub fee_recipient: Option<Address>,
    /// `prev_randao`.
    pub prev_randao: Option<B256>,
    /// Base fee in wei per gas.
    pub base_fee: Option<u64>,
    /// What BLOBBASEFEE gives, in wei.
    pub blob_base_fee: Option<u128>,
}

/// What a call sees of one account; `None` keeps what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Balance in wei.
    pub balance: Option<U256>,
    /// Nonce.
    pub nonce: Option<u64>,
    /// Code.
    pub code: Option<Bytes>,
    /// The whole storage: every slot that is not named is zero.
    pub state: Option<BTreeMap<B256, U256>>,
    /// Single slots. With `state` present these are looked at first.
    pub state_diff: BTreeMap<B256, U256>,
}

impl BlockOverrides {
    pub(crate) fn apply(&self, header: &Header) -> Header {
        let mut header = header.clone();
        header.number = self.number.unwrap_or(header.number);
        header.timestamp = self.timestamp.unwrap_or(header.timestamp);
        header.gas_limit = self.gas_limit.unwrap_or(header.gas_limit);
        header.beneficiary = self.fee_recipient.unwrap_or(header.beneficiary);
        header.mix_hash = self.prev_randao.unwrap_or(header.mix_hash);
        header.base_fee_per_gas = self.base_fee.or(header.base_fee_per_gas);
        header
    }
}

/// A state access with some accounts replaced. Commits nothing.
#[derive(Debug)]
pub(super) struct Overridden<'a, S> {
    state: &'a mut S,
    accounts: &'a BTreeMap<Address, AccountOverride>,
    block_hashes: &'a BTreeMap<u64, B256>,
    codes: Vec<(B256, &'a Bytes)>,
}

impl<'a, S: StateAccess> Overridden<'a, S> {
    pub(super) fn new(state: &'a mut S, overrides: &'a Overrides) -> Self {
        let accounts = &overrides.state;
        let codes = accounts
            .values()
            .filter_map(|account| account.code.as_ref())
            .map(|code| (keccak256(code), code))
            .collect();
        Self {
            state,
            accounts,
            block_hashes: &overrides.block_hashes,
            codes,
        }
    }
}

impl<S: StateAccess> StateAccess for Overridden<'_, S> {
    type Error = S::Error;

    fn account(&mut self, address: Address) -> Result<Option<Account>, S::Error> {
        let found = self.state.account(address)?;
        let Some(with) = self.accounts.get(&address) else {
            return Ok(found);
        };
        let mut account = found.unwrap_or(Account {
            code_hash: KECCAK_EMPTY,
            ..Account::default()
        });
        account.balance = with.balance.unwrap_or(account.balance);
        account.nonce = with.nonce.unwrap_or(account.nonce);
        if let Some(code) = &with.code {
            account.code_hash = keccak256(code);
        }
        Ok(Some(account))
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, S::Error> {
        if let Some(with) = self.accounts.get(&address) {
            if let Some(value) = with.state_diff.get(&key) {
                return Ok(*value);
            }
            if let Some(state) = &with.state {
                return Ok(state.get(&key).copied().unwrap_or_default());
            }
        }
        self.state.slot(address, key)
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, S::Error> {
        match self.codes.iter().find(|(known, _)| *known == hash) {
            Some((_, code)) => Ok((*code).clone()),
            None => self.state.code(hash),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, S::Error> {
        match self.block_hashes.get(&number) {
            Some(hash) => Ok(*hash),
            None => self.state.block_hash(number),
        }
    }

    fn commit(&mut self, _: Changes) -> Result<B256, S::Error> {
        // A call seals nothing.
        Ok(B256::ZERO)
    }
}
