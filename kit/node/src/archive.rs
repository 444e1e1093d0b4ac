//! A node of a chain that does not grow here: it answers, and takes
//! transactions into its pool.

use crate::{NodeError, PoolConfig, events::Events, pool::PoolService};
use alloy_primitives::{Address, B256, Bytes};
use futures_util::{future::BoxFuture, stream::BoxStream};
use rollwright_core::{
    BlockId, BlockRecord, Clock, Execution, Heads, NodeApi, NodeEvent, NodeStatus, PoolEntry,
    PoolStatus, SubmitError,
};
use std::{fmt, sync::Arc};
use tokio::task::AbortHandle;

/// A node without layers but for execution: its latest block is safe and
/// final, it makes no blocks, and keeps what is submitted as long as it runs
/// and, journaled, for its next run.
///
/// Ends when dropped; what was acknowledged is durable.
pub struct ArchiveNode {
    api: Arc<dyn NodeApi>,
    journal: AbortHandle,
}

struct Api<E> {
    execution: E,
    pool: Arc<PoolService<E>>,
    events: Events,
    name: String,
    chain_id: u64,
    genesis: B256,
    heads: Heads,
}

impl ArchiveNode {
    /// Marks the latest block of a chain as safe and final, and takes back what
    /// waited in the pool. Must be called within a tokio runtime.
    pub async fn start<E: Execution>(
        execution: E,
        name: impl Into<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NodeError> {
        let genesis = execution.genesis().await.map_err(NodeError::execution)?;
        let heads = execution.heads().map_err(NodeError::execution)?;
        let settled = Heads::all(heads.latest);
        if settled != heads {
            let set = execution.set_heads(&settled, &[]).await;
            set.map_err(NodeError::execution)?;
        }
        let pool = Arc::new(PoolService::new(
            execution.clone(),
            PoolConfig::default(),
            clock,
        ));
        pool.restore().await?;
        let writer = Arc::clone(&pool);
        let journal = tokio::spawn(async move {
            if let Err(error) = writer.run_journal().await {
                tracing::error!(target: "pool", %error, "nothing is taken into the pool any more");
            }
        });
        Ok(Self {
            journal: journal.abort_handle(),
            api: Arc::new(Api {
                chain_id: execution.caps().chain_id,
                execution,
                pool,
                events: Events::new(),
                name: name.into(),
                genesis: genesis.hash,
                heads: settled,
            }),
        })
    }

    /// The node as servers see it.
    pub fn api(&self) -> Arc<dyn NodeApi> {
        Arc::clone(&self.api)
    }
}

impl Drop for ArchiveNode {
    fn drop(&mut self) {
        self.journal.abort();
    }
}

impl fmt::Debug for ArchiveNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveNode")
            .field("heads", &self.api.heads())
            .finish_non_exhaustive()
    }
}

impl<E: Execution> NodeApi for Api<E> {
    fn heads(&self) -> Heads {
        // They do not move.
        self.heads
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(async {
            let hash = self.pool.submit(transaction).await?;
            self.events.send(NodeEvent::Pending(hash));
            Ok(hash)
        })
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        self.pool.read(|pool| pool.get(hash))
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        self.pool.read(|pool| pool.content(limit))
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        self.pool.read(|pool| pool.next_nonce(sender))
    }

    fn pool_status(&self) -> PoolStatus {
        self.pool.read(crate::Pool::status)
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        self.events.subscribe()
    }

    fn status(&self) -> NodeStatus {
        NodeStatus {
            pool: self.pool_status(),
            ..NodeStatus::alone(
                self.name.as_str(),
                self.chain_id,
                self.genesis,
                self.heads(),
            )
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        self.execution.block(id).ok().flatten()
    }
}
