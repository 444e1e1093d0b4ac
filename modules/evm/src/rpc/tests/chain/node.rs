//! A node that seals when it is told to.

use super::{CHAIN_ID, GAS_LIMIT, GENESIS_TIME, genesis};
use crate::{
    engine::{EvmEngine, TransactionList},
    genesis::Genesis,
};
use alloy_primitives::{Address, B256, Bytes, address};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use rollwright_core::{
    Anchor, Attributes, BlockId, BlockRecord, BlockRef, ChainStore as _, DaHeight, DaOrdinal,
    DaPoint, ForcedBudget, Heads, NodeApi, NodeEvent, NodeStatus, PoolEntry, PoolStatus, Role,
    SubmitError,
};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(in crate::rpc::tests) const COINBASE: Address =
    address!("0x00000000000000000000000000000000000000fe");

#[derive(Clone)]
pub(in crate::rpc::tests) struct FakeNode {
    pub(in crate::rpc::tests) engine: EvmEngine,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    pool: Vec<PoolEntry>,
    listeners: Vec<mpsc::UnboundedSender<NodeEvent>>,
    refusal: Option<SubmitError>,
    syncing: bool,
    mines: bool,
}

impl FakeNode {
    pub(in crate::rpc::tests) fn new() -> Self {
        Self::on(genesis())
    }

    pub(in crate::rpc::tests) fn on(genesis: Genesis) -> Self {
        Self::over(EvmEngine::in_memory(genesis).unwrap())
    }

    pub(in crate::rpc::tests) fn over(engine: EvmEngine) -> Self {
        Self {
            engine,
            shared: Arc::default(),
        }
    }

    fn emit(&self, event: &NodeEvent) {
        self.shared
            .lock()
            .listeners
            .retain(|listener| listener.send(event.clone()).is_ok());
    }

    pub(in crate::rpc::tests) fn emit_pending(&self, hash: B256) {
        self.emit(&NodeEvent::Pending(hash));
    }

    /// Every submission from now on ends like this.
    pub(in crate::rpc::tests) fn refuse(&self, refusal: Option<SubmitError>) {
        self.shared.lock().refusal = refusal;
    }

    pub(in crate::rpc::tests) fn set_syncing(&self, syncing: bool) {
        self.shared.lock().syncing = syncing;
        self.emit(&NodeEvent::Heads(self.heads()));
    }

    pub(in crate::rpc::tests) fn set_mines(&self, mines: bool) {
        self.shared.lock().mines = mines;
    }

    pub(in crate::rpc::tests) fn put(&self, bytes: Bytes) -> B256 {
        let admission = self.engine.admit_transaction(&bytes).unwrap();
        self.shared.lock().pool.push(PoolEntry {
            hash: admission.hash,
            sender: admission.sender,
            nonce: admission.nonce,
            bytes,
            ready: true,
        });
        self.emit(&NodeEvent::Pending(admission.hash));
        admission.hash
    }

    /// Seals the pool on the latest block; the block follows its parent by
    /// one second.
    pub(in crate::rpc::tests) fn seal(&self) -> BlockRef {
        let pool: Vec<PoolEntry> = std::mem::take(&mut self.shared.lock().pool);
        let parent = self.heads().latest;
        let transactions = pool.into_iter().map(|entry| entry.bytes).collect();
        self.make(parent, 1, transactions)
    }

    /// Makes a block on `parent` the head, whatever was there.
    pub(in crate::rpc::tests) fn make(
        &self,
        parent: BlockRef,
        seconds: u64,
        txs: Vec<Bytes>,
    ) -> BlockRef {
        let record = self
            .engine
            .block(BlockId::Hash(parent.hash))
            .unwrap()
            .unwrap();
        let origin = DaPoint {
            epoch: 0,
            height: DaHeight(1),
            hash: B256::with_last_byte(0xda),
        };
        let attributes = Attributes {
            timestamp: record.timestamp + seconds,
            fee_recipient: COINBASE,
            gas_limit: GAS_LIMIT,
            anchor: Anchor::at(origin, DaOrdinal(1), B256::ZERO, GENESIS_TIME),
            forced: Vec::new(),
            forced_budget: ForcedBudget {
                gas: 0,
                bytes: 0,
                validations: 0,
            },
            ticks: Vec::new(),
            inbox: Vec::new(),
            max_bytes: 1 << 20,
            max_transactions: 10_000,
        };
        let count = txs.len();
        let mut offered = TransactionList::new(txs);
        let built = self
            .engine
            .build_block(&parent, attributes, &mut offered)
            .unwrap();
        assert_eq!(
            built.executed.transactions as usize, count,
            "all were included"
        );
        let heads = Heads {
            latest: built.executed.block,
            ..self.engine.heads().unwrap()
        };
        let removed = self.engine.commit(&heads, &[]).unwrap();
        if !removed.is_empty() {
            self.emit(&NodeEvent::Removed(Arc::new(removed)));
        }
        let head = self
            .engine
            .block(BlockId::Hash(heads.latest.hash))
            .unwrap()
            .unwrap();
        self.emit(&NodeEvent::Block(Arc::new(head)));
        heads.latest
    }

    pub(in crate::rpc::tests) fn finalize(&self, safe: BlockRef, finalized: BlockRef) {
        let heads = Heads {
            latest: self.heads().latest,
            safe,
            finalized,
        };
        self.engine.commit(&heads, &[]).unwrap();
        self.emit(&NodeEvent::Heads(heads));
    }
}

impl NodeApi for FakeNode {
    fn heads(&self) -> Heads {
        self.engine.heads().unwrap()
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        if let Some(refusal) = self.shared.lock().refusal.clone() {
            return async move { Err(refusal) }.boxed();
        }
        let answer = match self.engine.admit_transaction(&transaction) {
            Ok(_) => Ok(self.put(transaction)),
            Err(error) => Err(SubmitError::Invalid(error.to_string())),
        };
        async move { answer }.boxed()
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        let shared = self.shared.lock();
        let found = shared.pool.iter().find(|entry| entry.hash == *hash);
        found.map(|entry| entry.bytes.clone())
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        self.shared
            .lock()
            .pool
            .iter()
            .take(limit)
            .cloned()
            .collect()
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        let shared = self.shared.lock();
        let nonces = shared.pool.iter().filter(|entry| entry.sender == *sender);
        nonces.map(|entry| entry.nonce + 1).max()
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.lock().listeners.push(sender);
        futures_util::stream::unfold(receiver, |mut receiver| async {
            let event = receiver.recv().await?;
            Some((event, receiver))
        })
        .boxed()
    }

    fn status(&self) -> NodeStatus {
        let rollup_id = self.engine.genesis_block().rollup_id();
        NodeStatus {
            role: Role::Sequencer,
            synced: !self.shared.lock().syncing,
            ..NodeStatus::alone("test", CHAIN_ID, rollup_id, self.heads())
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        self.engine.block(id).unwrap()
    }

    fn mine(&self) -> BoxFuture<'_, bool> {
        let mines = self.shared.lock().mines;
        if mines {
            self.seal();
        }
        async move { mines }.boxed()
    }
}
