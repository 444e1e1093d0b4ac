mod chain;
mod config;
mod error;
mod proof;

#[cfg(test)]
mod tests;

pub use config::{MemoryDaConfig, Mining};
pub use error::MemoryDaError;

use super::lock;
use crate::{
    Blob, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight, DaLane,
    DataAvailability, PostingUnit, Proof, Submission,
};
use alloy_primitives::{B256, Bytes, keccak256};
use chain::Chain;
use std::sync::{Arc, Mutex};

/// A data-availability layer in memory.
///
/// Clones and [`namespaced`](Self::namespaced) handles share one chain, which
/// lives as long as any of them. Blocks are hash-chained from an empty block
/// at height 0 and made as [`Mining`] says; the data root commits to all blobs
/// of all namespaces, so inclusion and completeness are proved without trust.
///
/// Every call completes at once, so a submit is taken when its future is first
/// polled. Fees are zero.
#[derive(Clone, Debug)]
pub struct MemoryDa {
    chain: Arc<Mutex<Chain>>,
    namespace: B256,
}

impl Default for MemoryDa {
    fn default() -> Self {
        Self::new(MemoryDaConfig::default())
    }
}

impl MemoryDa {
    /// A new layer with one empty block.
    pub fn new(config: MemoryDaConfig) -> Self {
        Self {
            chain: Arc::new(Mutex::new(Chain::new(config))),
            namespace: keccak256("default"),
        }
    }

    /// The same layer, seen from another rollup's namespace.
    pub fn namespaced(&self, name: &str) -> Self {
        Self {
            chain: Arc::clone(&self.chain),
            namespace: keccak256(name),
        }
    }

    /// Makes one block from what waits, whatever the [`Mining`] rule says.
    pub fn make_block(&self) -> DaHeader {
        lock(&self.chain).make_block()
    }

    /// Makes `count` blocks; what waits goes into the first that has room.
    pub fn make_blocks(&self, count: u64) {
        let mut chain = lock(&self.chain);
        for _ in 0..count {
            chain.make_block();
        }
    }

    /// Replaces the newest `depth` blocks by `depth + 1` others. The units in
    /// them wait again and go into the new blocks.
    ///
    /// `Rejected` if a final block would be undone; nothing changes then.
    pub fn reorganise(&self, depth: u64) -> Result<(), MemoryDaError> {
        lock(&self.chain).reorganise(depth, false)
    }

    /// As [`reorganise`](Self::reorganise), but the layer forgets the units in
    /// the orphaned blocks: they have to be submitted again.
    pub fn reorganise_and_forget(&self, depth: u64) -> Result<(), MemoryDaError> {
        lock(&self.chain).reorganise(depth, true)
    }

    /// Drops the contents of all blocks below `height`, headers included.
    pub fn prune_below(&self, height: DaHeight) {
        lock(&self.chain).prune_below(height);
    }

    /// Posts bytes as a unit of their own, as anybody could, and returns its
    /// id; posting the same bytes twice makes two units.
    pub fn post(
        &self,
        lane: DaLane,
        data: impl Into<Bytes>,
    ) -> Result<crate::UnitId, MemoryDaError> {
        let mut chain = lock(&self.chain);
        let salt = chain.next_salt();
        let data = data.into();
        let unit = PostingUnit::new(salt, vec![Blob { lane, data }]);
        chain.submit(self.namespace, &unit)?;
        Ok(unit.id)
    }

    /// Number of units that were taken and are in no block.
    pub fn waiting(&self) -> usize {
        lock(&self.chain).waiting()
    }
}

impl DataAvailability for MemoryDa {
    type Error = MemoryDaError;

    fn caps(&self) -> DaCaps {
        lock(&self.chain).config.caps()
    }

    async fn head(&self) -> Result<DaHead, MemoryDaError> {
        let mut chain = lock(&self.chain);
        chain.catch_up();
        Ok(chain.head())
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, MemoryDaError> {
        let mut chain = lock(&self.chain);
        chain.catch_up();
        chain.submit(self.namespace, unit)
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, MemoryDaError> {
        let mut chain = lock(&self.chain);
        chain.catch_up();
        chain.fetch(self.namespace, height, hash)
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, MemoryDaError> {
        let mut chain = lock(&self.chain);
        chain.catch_up();
        Ok(chain.block(height)?.header)
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, MemoryDaError> {
        lock(&self.chain).prove(self.namespace, blob)
    }

    fn verify(
        &self,
        header: &DaHeader,
        claim: &DaClaim,
        proof: &Proof,
    ) -> Result<(), MemoryDaError> {
        proof::verify(self.namespace, header, claim, proof)
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, MemoryDaError> {
        let mut chain = lock(&self.chain);
        chain.catch_up();
        match chain.block(block.height) {
            Ok(found) => Ok(found.header.hash == block.hash),
            Err(MemoryDaError::NotYet { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
