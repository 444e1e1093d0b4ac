//! The store of blocks and state: everything that a chain keeps, committed
//! atomically block by block.

mod block;
mod error;
pub mod kv;
mod logs;
mod options;
pub mod snapshot;

pub use block::{NewBlock, StoredBlock, TransactionLocation};
pub use error::StoreError;
pub use logs::{LogHit, LogPage, LogQuery};
pub use options::{History, StoreOptions};

use alloy_primitives::{Address, B256, Bytes, U256};
use kv::KeyValue;
use rollwright_core::{
    Account, BlockId, BlockRef, Changes, ExecutionWitness, Header, Heads, ProofKey, RecordChange,
    StateAccess, StateProof,
};
use snapshot::SnapshotInfo;
use std::{io, sync::Arc};

/// Blocks and state of one chain. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<()>,
}

/// Changes whose state root is known: what a block will commit.
#[derive(Clone, Debug)]
pub struct Prepared {
    root: B256,
}

impl Prepared {
    /// The state root after the changes.
    pub fn state_root(&self) -> B256 {
        self.root
    }

    /// The storage root of an account after the changes.
    pub fn storage_root(&self, address: Address) -> Result<B256, StoreError> {
        let _ = address;
        Err(StoreError::Empty)
    }
}

/// The state after one block: reads only, from any thread, unmoved by later
/// commits. Keep it no longer than a request.
#[derive(Clone, Debug)]
pub struct StateView {}

impl StateView {
    /// The block whose state this is.
    pub fn block(&self) -> BlockRef {
        BlockRef::default()
    }

    /// An account; `None` if it does not exist.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        let _ = address;
        Err(StoreError::Empty)
    }

    /// A storage slot; zero if it was never written.
    pub fn slot(&self, address: Address, key: B256) -> Result<U256, StoreError> {
        let _ = (address, key);
        Err(StoreError::Empty)
    }

    /// Code by its keccak256; empty for the hash of no code.
    pub fn code(&self, hash: B256) -> Result<Bytes, StoreError> {
        let _ = hash;
        Err(StoreError::Empty)
    }

    /// Hash of an ancestor of this block, or of itself, among the last 256;
    /// zero outside of that range.
    pub fn block_hash(&self, number: u64) -> Result<B256, StoreError> {
        let _ = number;
        Err(StoreError::Empty)
    }

    /// Root of an account's storage; the empty root where it does not exist.
    pub fn storage_root(&self, address: Address) -> Result<B256, StoreError> {
        let _ = address;
        Err(StoreError::Empty)
    }
}

/// One block's execution on its parent's state.
#[derive(Debug)]
pub struct BlockState {}

impl BlockState {
    /// What [`StateAccess::commit`] prepared; `None` before it was called.
    pub fn into_prepared(self) -> Option<Prepared> {
        None
    }

    /// All that a stateless execution of the block needs. Complete once
    /// [`StateAccess::commit`] has been called on a state of
    /// [`Store::begin_recorded`].
    pub fn into_witness(self) -> Result<ExecutionWitness, StoreError> {
        Err(StoreError::Empty)
    }
}

impl StateAccess for BlockState {
    type Error = StoreError;

    fn account(&mut self, _: Address) -> Result<Option<Account>, StoreError> {
        Err(StoreError::Empty)
    }

    fn slot(&mut self, _: Address, _: B256) -> Result<U256, StoreError> {
        Err(StoreError::Empty)
    }

    fn code(&mut self, _: B256) -> Result<Bytes, StoreError> {
        Err(StoreError::Empty)
    }

    fn block_hash(&mut self, _: u64) -> Result<B256, StoreError> {
        Err(StoreError::Empty)
    }

    fn commit(&mut self, _: Changes) -> Result<B256, StoreError> {
        Err(StoreError::Empty)
    }
}

#[expect(
    missing_docs,
    clippy::needless_pass_by_value,
    unused_variables,
    reason = "replaced with the implementation"
)]
impl Store {
    pub fn open(kv: Arc<dyn KeyValue>, options: StoreOptions) -> Result<Self, StoreError> {
        Ok(Self {
            inner: Arc::new(()),
        })
    }
    /// `None` in an empty store.
    pub fn genesis(&self) -> Option<BlockRef> {
        None
    }
    /// The state root of a genesis allocation, on nothing. Then `init`.
    pub fn prepare_genesis(&self, changes: Changes) -> Result<Prepared, StoreError> {
        Err(StoreError::Empty)
    }
    /// Commits the genesis block in an empty store; checks that a filled store
    /// has the same one.
    pub fn init(&self, genesis: NewBlock, prepared: Prepared) -> Result<BlockRef, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn heads(&self) -> Result<Heads, StoreError> {
        Err(StoreError::Empty)
    }
    /// Head, canonical block of the past, or block beside the chain.
    pub fn state_at(&self, at: &BlockRef) -> Result<StateView, StoreError> {
        Err(StoreError::Empty)
    }
    /// The state access with which a block is executed on `parent`.
    pub fn begin(&self, parent: &BlockRef) -> Result<BlockState, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn begin_recorded(&self, parent: &BlockRef) -> Result<BlockState, StoreError> {
        Err(StoreError::Empty)
    }
    /// Computes the root of `changes` on `parent`, without keeping anything.
    pub fn prepare(&self, parent: &BlockRef, changes: Changes) -> Result<Prepared, StoreError> {
        Err(StoreError::Empty)
    }
    /// Keeps an executed block beside the chain.
    pub fn insert(
        &self,
        block: NewBlock,
        prepared: Prepared,
    ) -> Result<Arc<StoredBlock>, StoreError> {
        Err(StoreError::Empty)
    }
    /// `Execution::set_heads`: removed blocks, newest first.
    pub fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<Arc<StoredBlock>>, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn block(&self, id: BlockId) -> Result<Option<Arc<StoredBlock>>, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn header(&self, id: BlockId) -> Result<Option<Header>, StoreError> {
        Err(StoreError::Empty)
    }
    /// Hash of the canonical block of that number.
    pub fn canonical_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        Err(StoreError::Empty)
    }
    /// The block that an input of that hash made.
    pub fn block_of_input(
        &self,
        input_hash: &B256,
    ) -> Result<Option<Arc<StoredBlock>>, StoreError> {
        Err(StoreError::Empty)
    }
    /// Where a canonical transaction stands.
    pub fn transaction(&self, hash: &B256) -> Result<Option<TransactionLocation>, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn logs(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn record(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        Err(StoreError::Empty)
    }
    pub fn put_records(&self, records: &[RecordChange]) -> Result<(), StoreError> {
        Err(StoreError::Empty)
    }
    pub fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, StoreError> {
        Err(StoreError::Empty)
    }
    /// Recomputes the head's state root from the flat state alone.
    pub fn check(&self) -> Result<B256, StoreError> {
        Err(StoreError::Empty)
    }
    /// Oldest block whose state is readable.
    pub fn oldest_state(&self) -> u64 {
        0
    }
    /// Writes the state of the head; `records` go along.
    pub fn export(
        &self,
        out: &mut dyn io::Write,
        records: &[RecordChange],
    ) -> Result<SnapshotInfo, StoreError> {
        Err(StoreError::Empty)
    }
    /// Reads a snapshot into a store that holds at most the genesis block.
    pub fn import(
        &self,
        input: &mut dyn io::Read,
        genesis: B256,
    ) -> Result<SnapshotInfo, StoreError> {
        Err(StoreError::Empty)
    }
}
