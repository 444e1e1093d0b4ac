//! Crashes at every write of the store and every submission to DA, before and
//! after the effect.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::{B256, Bytes};
use common::*;
use rollwright_core::{
    Admission, Attributes, BlockId, BlockInput, BlockRecord, BlockRef, Built, CandidateSource,
    ChainStore, ErrorKind, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness, Header,
    Heads, LayerError, Layers, NodeApi, ProofKey, RecordChange, Rollup, StateProof,
    memory::{MemoryExecution, MemoryExecutionError, NoMessaging, Sovereign},
};
use rollwright_derive::{Derivable, MemoryCodec, RollupConfig};
use rollwright_node::{Node, NodeConfig, NodeHandle};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// An engine whose process dies at a chosen write.
#[derive(Clone, Debug)]
struct Mortal {
    inner: MemoryExecution,
    left: Arc<AtomicI64>,
    after: bool,
}

#[derive(Debug, thiserror::Error)]
enum Death {
    #[error(transparent)]
    Engine(#[from] MemoryExecutionError),
    #[error("the process is dead")]
    Dead,
}

impl LayerError for Death {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Dead => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        "RW-TEST-002"
    }
}

impl Mortal {
    /// Whether a write takes effect, and whether its caller hears of it.
    fn write(&self) -> (bool, bool) {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1 => (self.after, false),
            left if left > 1 => (true, true),
            _ => (false, false),
        }
    }
}

impl ChainStore for Mortal {
    type Error = Death;

    fn heads(&self) -> Result<Heads, Death> {
        Ok(self.inner.heads()?)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, Death> {
        Ok(self.inner.block(id)?)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, Death> {
        Ok(self.inner.header(id)?)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, Death> {
        Ok(self.inner.record(key)?)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, Death> {
        Ok(self.inner.records(prefix, from, limit)?)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), Death> {
        let (happens, heard) = self.write();
        if happens {
            self.inner.put_records(records)?;
        }
        if heard { Ok(()) } else { Err(Death::Dead) }
    }
}

impl Execution for Mortal {
    async fn genesis(&self) -> Result<BlockRef, Death> {
        Ok(self.inner.genesis().await?)
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, Death> {
        Ok(self.inner.build(parent, attributes, candidates).await?)
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, Death> {
        Ok(self.inner.execute(input).await?)
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, Death> {
        let (happens, heard) = self.write();
        let removed = if happens {
            self.inner.set_heads(heads, records).await?
        } else {
            Vec::new()
        };
        if heard { Ok(removed) } else { Err(Death::Dead) }
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, Death> {
        Ok(self.inner.prove(at, keys).await?)
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, Death> {
        Ok(self.inner.witness(at).await?)
    }

    fn caps(&self) -> ExecutionCaps {
        self.inner.caps()
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission, Death> {
        Ok(self.inner.admit(transaction).await?)
    }
}

impl Derivable for Mortal {
    type Codec = MemoryCodec;

    fn codec(&self) -> MemoryCodec {
        self.inner.codec()
    }

    fn rollup_config(&self) -> Arc<RollupConfig> {
        self.inner.rollup_config()
    }

    fn config_digest(&self) -> B256 {
        self.inner.config_digest()
    }

    fn genesis_time(&self) -> u64 {
        self.inner.genesis_time()
    }
}

#[derive(Debug)]
struct MortalRollup;

impl Rollup for MortalRollup {
    type Execution = Mortal;
    type Da = TestDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

async fn start(
    world: &World,
    engine: &Mortal,
    clock: &TestClock,
) -> Result<NodeHandle, rollwright_node::NodeError> {
    let layers: Layers<MortalRollup> = Layers {
        execution: engine.clone(),
        da: world.da.clone(),
        settlement: Sovereign::new(),
        messaging: NoMessaging,
    };
    let config = NodeConfig::sequencer(world.sequencer_config());
    Node::start(layers, config, clock.clone()).await
}

/// Lives `lives` times, each ending at the write of that number.
async fn dies_at(write: i64, after: bool, lives: u64, reorganise: bool) {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let mut inner = world.engine();
    let mut acknowledged = Vec::new();
    let mut nonce = 0;
    for life in 0..lives {
        let engine = Mortal {
            inner: inner.clone(),
            left: Arc::new(AtomicI64::new(write + (life as i64 % 3))),
            after,
        };
        if let Ok(node) = start(&world, &engine, &clock).await {
            let mut announced = node.heads().latest;
            while node.stopped_by_now().is_none() {
                let tx = transfer(1, nonce, 2);
                match node.submit(tx.clone()).await {
                    Ok(_) => {
                        acknowledged.push(tx);
                        nonce += 1;
                    }
                    // It may have reached the pool all the same.
                    Err(_) => break,
                }
                if reorganise && nonce % 7 == 3 {
                    // Refused while the layer has hardly any blocks.
                    let _ = world.da.inner.reorganise(2);
                }
                announced = node.heads().latest;
                tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            }
            drop(node);
            tokio::task::yield_now().await;
            let heads = inner.heads().unwrap();
            assert!(reorganise || heads.latest.number >= announced.number);
        }
        inner = inner.restart();
        // What was not acknowledged may be in a block all the same.
        let included = all_transactions(&inner).len() as u64;
        nonce = included.max(acknowledged.len() as u64);
    }
    let node = world.sequencer(&inner, &clock).await;
    let last = acknowledged.last().cloned();
    if let Some(last) = &last {
        until("all is included", || !containing(&inner, last).is_empty()).await;
    }
    for tx in &acknowledged {
        assert_eq!(
            containing(&inner, tx).len(),
            1,
            "write {write}, after {after}"
        );
    }
    let number = node.heads().latest.number + 2;
    until_safe(&node, number).await;
    let posted = world.posted().await;
    let distinct: BTreeSet<_> = posted.iter().collect();
    assert_eq!(posted.len(), distinct.len(), "a blob was posted twice");
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&inner, number));
}

trait StoppedByNow {
    fn stopped_by_now(&self) -> Option<()>;
}

impl StoppedByNow for NodeHandle {
    fn stopped_by_now(&self) -> Option<()> {
        use futures_util::FutureExt;
        self.stopped().now_or_never().map(|_| ())
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_before_any_write_loses_nothing() {
    for write in 1..40 {
        dies_at(write, false, 4, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_after_any_write_loses_nothing() {
    for write in 1..40 {
        dies_at(write, true, 4, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deaths_among_reorganisations_lose_nothing() {
    for write in 1..24 {
        dies_at(write, write % 2 == 0, 4, true).await;
    }
}
