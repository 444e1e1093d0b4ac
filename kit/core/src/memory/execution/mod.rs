mod config;
mod error;
mod layer;
mod machine;
mod state;
mod store;
mod transaction;

#[cfg(test)]
mod tests;

pub use config::MemoryGenesis;
pub use error::MemoryExecutionError;
pub use machine::{MemoryMachine, Refusal};
pub use transaction::{MemoryAction, MemoryTx};

use super::lock;
use crate::{
    ApplyError, B256, BlockId, BlockInput, BlockRef, ExecutionWitness, Header, InvalidBlock,
    StateMachine as _,
};
use state::State;
use std::sync::{Arc, Mutex};
use store::{Durable, Scratch, Sealed, Volatile};

type Result<T, E = MemoryExecutionError> = std::result::Result<T, E>;

/// What an in-memory engine keeps when its process ends.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Durable>>);

/// An execution layer in memory: a ledger with key-value storage.
///
/// It obeys every rule of [`Execution`](crate::Execution): Ethereum headers
/// over Merkle-Patricia tries, forced entries within budgets, competing
/// blocks, atomic commits. Its transactions are [`MemoryTx`]. The state is
/// copied for each block and its tries are computed from scratch: for small
/// states.
#[derive(Clone, Debug)]
pub struct MemoryExecution {
    genesis: Arc<MemoryGenesis>,
    store: MemoryStore,
    volatile: Arc<Mutex<Volatile>>,
    kept_states: Option<u64>,
    pending_blocks: usize,
}

impl Default for MemoryExecution {
    fn default() -> Self {
        Self::new(MemoryGenesis::default())
    }
}

impl MemoryExecution {
    /// An engine over a store of its own.
    pub fn new(genesis: MemoryGenesis) -> Self {
        Self::open(&MemoryStore::default(), genesis)
    }

    /// An engine over a store that may hold a chain already.
    pub fn open(store: &MemoryStore, genesis: MemoryGenesis) -> Self {
        Self {
            genesis: Arc::new(genesis),
            store: store.clone(),
            volatile: Arc::default(),
            kept_states: None,
            pending_blocks: usize::MAX,
        }
    }

    /// Serves proofs and witnesses for this many newest blocks only.
    #[must_use]
    pub fn with_kept_states(mut self, blocks: u64) -> Self {
        self.kept_states = Some(blocks.max(1));
        self
    }

    /// Holds at most this many blocks that are not canonical, as engines with
    /// bounded memory do; of blocks that left the chain half as many.
    #[must_use]
    pub const fn with_pending_blocks(mut self, blocks: usize) -> Self {
        self.pending_blocks = blocks;
        self
    }

    /// The engine after a crash: over the same store, with nothing else.
    #[must_use]
    pub fn restart(&self) -> Self {
        Self {
            volatile: Arc::default(),
            ..self.clone()
        }
    }

    /// The chain's configuration.
    pub fn config(&self) -> &MemoryGenesis {
        &self.genesis
    }

    /// Executes an input on its parent's header with nothing but a witness.
    /// The outer error says that the witness does not suffice.
    pub fn execute_stateless(
        config: &MemoryGenesis,
        parent: &Header,
        input: &BlockInput,
        witness: &ExecutionWitness,
    ) -> Result<Result<Header, InvalidBlock>> {
        let mut state = Scratch(State::from_witness(parent.state_root, witness)?);
        match MemoryMachine::apply(config, parent, &mut state, input) {
            Ok(applied) => Ok(Ok(applied.header)),
            Err(ApplyError::Invalid(invalid)) => Ok(Err(invalid)),
            Err(ApplyError::State(never)) => match never {},
        }
    }

    fn find(&self, id: BlockId) -> Option<Arc<Sealed>> {
        let durable = lock(&self.store.0);
        match id {
            BlockId::Number(number) => durable.at(number).cloned(),
            BlockId::Hash(hash) => durable
                .by_hash(&hash)
                .filter(|block| block.record.block.hash == hash)
                .or(lock(&self.volatile).blocks.get(&hash))
                .cloned(),
        }
    }

    fn known(&self, block: &BlockRef) -> Result<Arc<Sealed>> {
        self.find(BlockId::Hash(block.hash))
            .filter(|found| found.record.block == *block)
            .ok_or(MemoryExecutionError::UnknownBlock { block: *block })
    }

    /// A canonical block whose state, `back` blocks before it, is kept.
    fn kept(&self, at: &BlockRef, back: u64) -> Result<Arc<Sealed>> {
        let found = self.known(at)?;
        let durable = lock(&self.store.0);
        if !durable.is_canonical(at) {
            return Err(MemoryExecutionError::NotCanonical { block: *at });
        }
        let count = durable.canonical.len() as u64;
        let oldest = count.saturating_sub(self.kept_states.unwrap_or(u64::MAX));
        let number = at.number.saturating_sub(back);
        if number < oldest {
            return Err(MemoryExecutionError::Pruned { number, oldest });
        }
        Ok(found)
    }

    fn by_input(&self, hash: B256) -> Option<Arc<Sealed>> {
        let durable = lock(&self.store.0);
        let volatile = lock(&self.volatile);
        durable
            .by_hash(&hash)
            .filter(|block| block.record.input_hash == hash)
            .or_else(|| volatile.blocks.get(volatile.inputs.get(&hash)?))
            // Inputs that differ in entries without effect make one block, and
            // differ in what became of the entries.
            .filter(|block| block.record.input_hash == hash)
            .cloned()
    }

    fn remember(&self, block: Sealed) -> Result<Arc<Sealed>> {
        let block = Arc::new(block);
        let durable = lock(&self.store.0);
        if durable.is_canonical(&block.record.block) {
            return Ok(block);
        }
        let mut volatile = lock(&self.volatile);
        if volatile.blocks.len() >= self.pending_blocks {
            let blocks = self.pending_blocks;
            return Err(MemoryExecutionError::TooManyPending { blocks });
        }
        let hash = block.record.block.hash;
        volatile.inputs.insert(block.record.input_hash, hash);
        volatile.blocks.insert(hash, Arc::clone(&block));
        Ok(block)
    }
}
