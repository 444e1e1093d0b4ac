use crate::{
    ethereum::StateRoot,
    store::{BlockState, Prepared, StoreError},
};
use rollwright_core::{Account, Address, B256, Bytes, Changes, StateAccess, U256};

/// What an importer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Checking and executing a block.
    Execution,
    /// Computing a state root.
    Root,
    /// Putting a block into the store, and making it canonical.
    Commit,
    /// Nothing: it waits for the next block.
    Idle,
}

/// Told each time a phase begins.
pub(super) type Observer = Box<dyn FnMut(Phase) + Send>;

/// A state access that says when roots are computed.
pub(super) struct Observed<'a> {
    pub(super) state: BlockState,
    pub(super) observer: &'a mut Observer,
}

impl Observed<'_> {
    pub(super) fn into_prepared(self) -> Option<Prepared> {
        self.state.into_prepared()
    }
}

impl StateAccess for Observed<'_> {
    type Error = StoreError;

    fn account(&mut self, address: Address) -> Result<Option<Account>, StoreError> {
        self.state.account(address)
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, StoreError> {
        self.state.slot(address, key)
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, StoreError> {
        self.state.code(hash)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StoreError> {
        self.state.block_hash(number)
    }

    fn commit(&mut self, changes: Changes) -> Result<B256, StoreError> {
        self.state.commit(changes)
    }
}

impl StateRoot for Observed<'_> {
    fn root_with(&mut self, changes: &Changes) -> Result<B256, StoreError> {
        (self.observer)(Phase::Root);
        let root = self.state.root_with(changes);
        (self.observer)(Phase::Execution);
        root
    }
}
