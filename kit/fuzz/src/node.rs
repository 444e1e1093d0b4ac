//! A node that stands still, over the chain of the seeds: what the port
//! serves. The same at every call, whatever was called before.

use crate::evm;
use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use rollwright_core::{
    Address, B256, BlockId, BlockRecord, Bytes, ChainStore as _, DaOrdinal, Heads, ManualClock,
    NodeApi, NodeEvent, NodeStatus, PoolEntry, PoolStatus, Role, SubmitError, keccak256,
};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine},
    sandbox::Sandbox,
    store::{History, StoreOptions},
};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct FuzzNode {
    pub(crate) engine: EvmEngine,
}

impl FuzzNode {
    pub(crate) fn new() -> Self {
        let kv = Arc::new(evm::chain().database());
        let engine = EvmEngine::open(evm::config(kv)).expect("opens");
        Self { engine }
    }
}

/// A sandbox on the genesis of the seeds; its clock stands still.
pub(crate) fn sandbox() -> Sandbox {
    let engine = EvmEngine::open(EvmConfig {
        store: StoreOptions {
            history: History::Archive,
            ..evm::options()
        },
        ..EvmConfig::in_memory(crate::seeds::genesis())
    })
    .expect("opens");
    engine.init().expect("a genesis");
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    Sandbox::new(engine, clock).expect("a sandbox")
}

impl NodeApi for FuzzNode {
    fn heads(&self) -> Heads {
        evm::chain().heads
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(async move {
            match self.engine.admit_transaction(&transaction) {
                Ok(_) => Ok(keccak256(&transaction)),
                Err(error) => Err(SubmitError::Invalid(error.to_string())),
            }
        })
    }

    fn pool_transaction(&self, _: &B256) -> Option<Bytes> {
        None
    }

    fn pool_content(&self, _: usize) -> Vec<PoolEntry> {
        Vec::new()
    }

    fn pool_nonce(&self, _: &Address) -> Option<u64> {
        None
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        stream::pending().boxed()
    }

    fn status(&self) -> NodeStatus {
        NodeStatus {
            role: Role::Sequencer,
            derived_ordinal: Some(DaOrdinal(1)),
            ..NodeStatus::alone(
                "fuzz",
                crate::seeds::CHAIN_ID,
                evm::chain().block(0).hash,
                self.heads(),
            )
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        self.engine.block(id).ok().flatten()
    }
}
