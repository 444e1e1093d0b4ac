//! A sandbox as servers see it.

use super::Sandbox;
use alloy_primitives::{Address, B256, Bytes};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use rollwright_core::{
    BlockId, BlockRecord, Heads, NodeApi, NodeEvent, NodeStatus, PoolEntry, PoolStatus, Role,
    SubmitError,
};
use tokio::sync::broadcast::error::RecvError;

impl NodeApi for Sandbox {
    fn heads(&self) -> Heads {
        // An engine in memory that has its genesis block always has heads.
        let genesis = self.inner.engine.genesis_block().block_ref();
        let heads = self.inner.engine.heads();
        heads.unwrap_or_else(|_| Heads::all(genesis))
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        let sandbox = self.clone();
        async move {
            // Mining may take a while.
            let taken = tokio::task::spawn_blocking(move || sandbox.take(transaction));
            taken
                .await
                .unwrap_or_else(|error| Err(SubmitError::Internal(error.to_string())))
        }
        .boxed()
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        self.inner.state.lock().pool.get(hash)
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        let state = self.inner.state.lock();
        state.pool.content(limit, |sender| self.nonce(sender))
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        let state = self.inner.state.lock();
        state.pool.nonce(sender, self.nonce(sender))
    }

    fn pool_status(&self) -> PoolStatus {
        let state = self.inner.state.lock();
        state.pool.status(|sender| self.nonce(sender))
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        stream::unfold(self.inner.events.subscribe(), |mut events| async {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => NodeEvent::Lagged(missed),
                Err(RecvError::Closed) => return None,
            };
            Some((event, events))
        })
        .boxed()
    }

    fn status(&self) -> NodeStatus {
        let engine = &self.inner.engine;
        let chain_id = engine.chain_config().chain_id;
        let rollup_id = engine.genesis_block().rollup_id();
        NodeStatus {
            role: Role::Sequencer,
            pool: self.pool_status(),
            ..NodeStatus::alone("sandbox", chain_id, rollup_id, self.heads())
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        let block = self.inner.engine.store().block(id).ok().flatten()?;
        Some(block.record.clone())
    }

    fn mine(&self) -> BoxFuture<'_, bool> {
        let sandbox = self.clone();
        async move {
            let mined = tokio::task::spawn_blocking(move || sandbox.mine_blocks(1, 1));
            matches!(mined.await, Ok(Ok(())))
        }
        .boxed()
    }
}
