use crate::store::{StateView, StoreError};
use alloy_primitives::{Address, B256, Bytes, U256};
use rollwright_core::{Account, Changes, StateAccess};

/// A state of the past for the machine to read.
#[derive(Debug)]
pub(super) struct ReadOnly(pub(super) StateView);

impl StateAccess for ReadOnly {
    type Error = StoreError;

    fn account(&mut self, address: Address) -> Result<Option<Account>, StoreError> {
        self.0.account(address)
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, StoreError> {
        self.0.slot(address, key)
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, StoreError> {
        self.0.code(hash)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StoreError> {
        self.0.block_hash(number)
    }

    /// Refuses: a call commits nothing.
    fn commit(&mut self, _: Changes) -> Result<B256, StoreError> {
        Err(StoreError::BadBlock {
            number: self.0.block().number,
            reason: "a view of the state is read only".into(),
        })
    }
}
