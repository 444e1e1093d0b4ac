use crate::{
    NodeError, batches, chain::Chain, derived::DaWatch, feed::FeedHub, fold::Errors, gate::Gate,
    pool::PoolService, sequencer::MineRequest, supervisor::Supervisor,
};
use alloy_primitives::{Address, B256, Bytes};
use axum::Router;
use futures_util::{future::BoxFuture, stream::BoxStream};
use rollwright_core::{
    BatchInfo, BlockId, BlockRecord, Clock, DaPoint, Execution, Heads, NodeApi, NodeEvent,
    NodeStatus, PoolEntry, PoolStatus, Role, SubmitError,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Sends a follower's transactions to its sequencer.
pub trait Forwarder: Send + Sync + 'static {
    /// Hands on an encoded transaction; the sequencer's answer comes back.
    fn forward(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>>;
}

/// A running node.
///
/// Clones are handles of one node. It runs until [`shutdown`](Self::shutdown)
/// or a fatal error; when the last handle is dropped it ends at once, as if it
/// were killed, which loses nothing that was acknowledged.
#[derive(Clone)]
pub struct NodeHandle {
    pub(crate) api: Arc<dyn NodeApi>,
    pub(crate) life: Arc<Life>,
}

/// What stops a node.
pub(crate) struct Life {
    pub(crate) supervisor: Supervisor,
    pub(crate) hub: Arc<FeedHub>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) last: Box<dyn Fn() -> BoxFuture<'static, Result<(), NodeError>> + Send + Sync>,
}

impl NodeHandle {
    /// The node as servers see it.
    pub fn api(&self) -> Arc<dyn NodeApi> {
        self.api.clone()
    }

    /// The signed block feed: one WebSocket route at `/`, to be nested under
    /// `/feed`. `?from=N` asks for the blocks from `N` on.
    pub fn feed_router(&self) -> Router {
        self.life.hub.router()
    }

    /// Stops in order: no further blocks, the open batch is closed and handed
    /// to the DA layer, what was gathered is written, the last commit is
    /// finished. Waits at most the configured time for that.
    ///
    /// The error is the one that had stopped the node before, if one had.
    /// Repeating the call is harmless.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        let life = &self.life;
        if !life.supervisor.shut_down(&*life.clock, life.timeout).await {
            tracing::warn!(target: "node", "some tasks did not end in time and were abandoned");
        }
        let flushed = (life.last)().await;
        match life.supervisor.failure() {
            Some(error) => Err(error),
            None => flushed,
        }
    }

    /// Completes when the node stops: with the error that stopped it, or with
    /// `None` after an orderly stop.
    pub async fn stopped(&self) -> Option<NodeError> {
        self.life.supervisor.stopping().await;
        self.life.supervisor.failure()
    }
}

impl fmt::Debug for NodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeHandle")
            .field("heads", &self.api.heads())
            .finish_non_exhaustive()
    }
}

/// Facts about a node that do not change.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) chain_id: u64,
    pub(crate) rollup_id: B256,
    pub(crate) settlement: String,
}

/// What answers for a running node.
pub(crate) struct Api<E> {
    pub(crate) facts: Facts,
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) pool: Option<Arc<PoolService<E>>>,
    pub(crate) forwarder: Option<Arc<dyn Forwarder>>,
    pub(crate) da: Arc<DaWatch>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) mine: Option<mpsc::Sender<MineRequest>>,
    pub(crate) stop: tokio_util::sync::CancellationToken,
}

impl<E: Execution> Api<E> {
    async fn take(&self, transaction: Bytes) -> Result<B256, SubmitError> {
        if self.stop.is_cancelled() {
            return Err(SubmitError::NotAdmitting("the node is stopping".into()));
        }
        let Some(pool) = &self.pool else {
            return match &self.forwarder {
                Some(forwarder) => forwarder.forward(transaction).await,
                None => Err(SubmitError::NotAdmitting(
                    "this node makes no blocks and knows no sequencer to forward to: send the transaction to the sequencer, or configure its address here".into(),
                )),
            };
        };
        if let Some(reason) = self.gate.admission() {
            return Err(SubmitError::NotAdmitting(reason));
        }
        // Once the node stops nobody writes the journal any more, so whoever
        // waits for it would wait for ever.
        let hash = tokio::select! {
            biased;
            taken = pool.submit(transaction) => taken?,
            () = self.stop.cancelled() => {
                return Err(SubmitError::NotAdmitting(
                    "the node is stopping; the transaction may have been taken all the same".into(),
                ));
            }
        };
        self.chain.events.send(NodeEvent::Pending(hash));
        Ok(hash)
    }
}

impl<E: Execution> NodeApi for Api<E> {
    fn heads(&self) -> Heads {
        self.chain.view().heads
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(self.take(transaction))
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        self.pool.as_ref()?.read(|pool| pool.get(hash))
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        self.pool
            .as_ref()
            .map(|pool| pool.read(|pool| pool.content(limit)))
            .unwrap_or_default()
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        self.pool.as_ref()?.read(|pool| pool.next_nonce(sender))
    }

    fn pool_status(&self) -> PoolStatus {
        self.pool
            .as_ref()
            .map(|pool| pool.read(super::pool::Pool::status))
            .unwrap_or_default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        self.chain.events.subscribe()
    }

    fn status(&self) -> NodeStatus {
        let view = self.chain.view();
        let da = self.da.borrow();
        let derived = da.state.last_da_block();
        let last = da.state.last_ordinal().unwrap_or_default();
        let layer = self.chain.rules.epoch_at(last);
        NodeStatus {
            name: self.facts.name.clone(),
            chain_id: self.facts.chain_id,
            rollup_id: self.facts.rollup_id,
            role: self.facts.role,
            heads: view.heads,
            da_layer: layer.config.layer.clone(),
            da_network: layer.config.network.clone(),
            da_head: da.head,
            derived: derived.map(|block| DaPoint {
                epoch: layer.index,
                height: block.height,
                hash: block.hash,
            }),
            derived_ordinal: da.state.last_ordinal(),
            unposted_blocks: view.backlog.0,
            unposted_bytes: view.backlog.1,
            admitting: !self.stop.is_cancelled()
                && match &self.pool {
                    Some(_) => self.gate.admission().is_none(),
                    None => self.forwarder.is_some(),
                },
            blocked: self.gate.all(),
            lapsed: da.state.lapsed(),
            synced: da.synced && da.lag() <= 2,
            pool: self.pool_status(),
            settlement: self.facts.settlement.clone(),
            last_errors: self.errors.list(),
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        match self.chain.execution.block(id) {
            Ok(block) => block,
            Err(error) => {
                self.errors.failed("execution", "reading a block", &error);
                None
            }
        }
    }

    fn batch_of(&self, number: u64) -> Option<BatchInfo> {
        let heads = self.chain.view().heads;
        if number > heads.safe.number {
            return None;
        }
        match batches::find(&self.chain.execution, number, heads.finalized.number) {
            Ok(batch) => batch,
            Err(error) => {
                self.errors.failed("node", "reading a batch", &error);
                None
            }
        }
    }

    fn mine(&self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let Some(mine) = &self.mine else {
                return false;
            };
            let (request, answer) = oneshot::channel();
            if mine.send(request).await.is_err() {
                return false;
            }
            answer.await.unwrap_or(false)
        })
    }
}

impl NodeApi for NodeHandle {
    fn heads(&self) -> Heads {
        self.api.heads()
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        self.api.submit(transaction)
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        self.api.pool_transaction(hash)
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        self.api.pool_content(limit)
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        self.api.pool_nonce(sender)
    }

    fn pool_status(&self) -> PoolStatus {
        self.api.pool_status()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        self.api.events()
    }

    fn status(&self) -> NodeStatus {
        self.api.status()
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        self.api.block(id)
    }

    fn batch_of(&self, number: u64) -> Option<BatchInfo> {
        self.api.batch_of(number)
    }

    fn mine(&self) -> BoxFuture<'_, bool> {
        self.api.mine()
    }
}
