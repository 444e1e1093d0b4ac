//! The engine that a node drives: machine and store behind the traits of
//! `rollwright-core`.
//!
//! Everything an embedder needs is a plain function of [`EvmEngine`]; the
//! traits [`Execution`](rollwright_core::Execution),
//! [`ChainStore`](rollwright_core::ChainStore) and
//! [`Derivable`](rollwright_derive::Derivable) wrap them for a node. A chain
//! with its own block production:
//!
//! ```no_run
//! use rollwright_core::{Attributes, Heads};
//! use rollwright_evm::{
//!     engine::{EngineError, EvmEngine, TransactionList},
//!     genesis::Genesis,
//! };
//!
//! # fn run(genesis: Genesis, attributes: Attributes, signed: Vec<rollwright_core::Bytes>) -> Result<(), EngineError> {
//! let engine = EvmEngine::in_memory(genesis)?;
//! let parent = engine.heads()?.latest;
//! let mut offered = TransactionList::new(signed);
//! let built = engine.build_block(&parent, attributes, &mut offered)?;
//! engine.commit(&Heads::all(built.executed.block), &[])?;
//! # Ok(())
//! # }
//! ```

mod admission;
mod blocking;
mod config;
mod error;
mod forced_inputs;
mod genesis;
mod offered;
mod produce;
mod query;
mod traits;
mod witness;

#[cfg(test)]
mod tests;

pub use admission::MAX_TRANSACTION_BYTES;
pub use config::{EvmConfig, Location};
pub use error::EngineError;
pub use offered::TransactionList;

use crate::{
    codec::EvmCodec,
    genesis::{ChainConfig, Genesis, GenesisBlock},
    senders::SenderCache,
    store::{Store, StoreError},
};
use forced_inputs::ForcedInputs;
use parking_lot::Mutex;
use rollwright_core::{B256, BlockId, BlockRecord, BlockRef, Changes, Header, Heads, RecordChange};
use rollwright_derive::RollupConfig;
use std::sync::Arc;

/// Executes Ethereum blocks and keeps their state.
///
/// A handle: clones share everything. All methods may be called from any
/// thread at any time; reads are never held up by a block under construction.
/// The methods here are synchronous and may take as long as a block takes to
/// execute; the trait's run them beside the runtime's other tasks.
#[derive(Clone, Debug)]
pub struct EvmEngine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Without its state, which may be large and is in the store.
    genesis: GenesisBlock,
    /// The genesis file until its state is committed.
    uncommitted: Mutex<Option<Arc<Genesis>>>,
    rollup: Arc<RollupConfig>,
    digest: B256,
    senders: Arc<SenderCache>,
    forced: ForcedInputs,
}

impl EvmEngine {
    /// Opens a chain: in a new place nothing is written before
    /// [`init`](Self::init) or the trait's `genesis`.
    ///
    /// A place that holds another chain is refused with both genesis hashes,
    /// and left as it is.
    pub fn open(config: EvmConfig) -> Result<Self, EngineError> {
        let file = config.genesis;
        file.check()?;
        let mut chain = file.config.clone();
        chain.link(&config.precompiles)?;
        let store = Store::open(config.location.open()?, config.store)?;
        let genesis = GenesisBlock {
            header: genesis::header(&store, &file)?,
            changes: Changes::default(),
            config: Arc::new(chain),
        };
        let uncommitted = store.genesis().is_none().then_some(file);
        let rollup = genesis.config.rollwright.clone();
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                rollup: Arc::new(rollup.unwrap_or_else(config::not_a_rollup)),
                digest: genesis.config.hash(),
                genesis,
                uncommitted: Mutex::new(uncommitted),
                senders: Arc::new(SenderCache::new(
                    config.remembered_senders,
                    config.decoded_bytes,
                )),
                forced: ForcedInputs::default(),
            }),
        })
    }

    /// A chain in memory, its genesis block committed: for tests, tools and
    /// embedders who keep blocks elsewhere.
    pub fn in_memory(genesis: Genesis) -> Result<Self, EngineError> {
        let engine = Self::open(EvmConfig::in_memory(genesis))?;
        engine.init()?;
        Ok(engine)
    }

    /// Rules of the chain.
    pub fn chain_config(&self) -> &Arc<ChainConfig> {
        &self.inner.genesis.config
    }

    /// The genesis block; its `changes` are empty, as the state they make is
    /// in the store.
    pub fn genesis_block(&self) -> &GenesisBlock {
        &self.inner.genesis
    }

    /// Blocks, state, indexes: everything that a server reads.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Who signed what.
    pub fn senders(&self) -> &Arc<SenderCache> {
        &self.inner.senders
    }

    /// The codec of this chain's batches; shares the engine's sender cache.
    pub fn batch_codec(&self) -> EvmCodec {
        EvmCodec::new(self.chain_config().chain_id).with_senders(self.inner.senders.clone())
    }

    /// The heads last set.
    pub fn heads(&self) -> Result<Heads, EngineError> {
        Ok(self.inner.store.heads()?)
    }

    /// Makes the chain that ends in `heads.latest` canonical and commits it
    /// with `records` in one atomic step, as
    /// [`Execution::set_heads`](rollwright_core::Execution::set_heads) says.
    /// Returns the blocks that left the chain, newest first.
    pub fn commit(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, EngineError> {
        let inner = &*self.inner;
        let mut all = records.to_vec();
        all.extend(inner.forced.changes(&inner.store, heads)?);
        let removed = inner.store.set_heads(heads, &all)?;
        inner.forced.forget(heads.finalized.number);
        Ok(removed.iter().map(|block| block.record.clone()).collect())
    }

    /// The header of a block that execution builds on.
    fn parent_header(&self, parent: &BlockRef) -> Result<Header, EngineError> {
        let header = self.inner.store.header(BlockId::Hash(parent.hash))?;
        header.ok_or_else(|| StoreError::UnknownBlock { block: *parent }.into())
    }
}
