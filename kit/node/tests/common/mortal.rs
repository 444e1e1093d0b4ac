//! An engine whose process dies at a chosen write of its store.

use super::TestDa;
use alloy_primitives::{B256, Bytes};
use rollwright_core::{
    Admission, Attributes, BlockId, BlockInput, BlockRecord, BlockRef, Built, CandidateSource,
    ChainStore, ErrorKind, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness, Header,
    Heads, LayerError, ProofKey, RecordChange, Rollup, StateProof,
    memory::{MemoryExecution, MemoryExecutionError, NoMessaging, Sovereign},
};
use rollwright_derive::{Derivable, MemoryCodec, RollupConfig};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};
use tokio::sync::Semaphore;

/// An engine whose process dies at a chosen write.
#[derive(Clone, Debug)]
pub struct Mortal {
    pub inner: MemoryExecution,
    pub left: Arc<AtomicI64>,
    pub after: bool,
    /// It heeds no bound on a block's bytes.
    pub boundless: bool,
    /// Most transactions that it puts into a block.
    pub most: u32,
    /// Commits wait for a permit of it.
    pub commits: Option<Arc<Semaphore>>,
    /// What it was asked for.
    pub log: Arc<Mutex<Vec<Call>>>,
}

/// A call of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A block was built on the block of this number.
    Built(u64),
    /// A commit of heads with this latest began.
    Commits(u64),
    /// It took effect.
    Committed(u64),
}

#[derive(Debug, thiserror::Error)]
pub enum Death {
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
    /// Dies at the write of that number; with `after`, once it is done.
    pub fn at(inner: &MemoryExecution, write: i64, after: bool) -> Self {
        Self {
            inner: inner.clone(),
            left: Arc::new(AtomicI64::new(write)),
            after,
            boundless: false,
            most: u32::MAX,
            commits: None,
            log: Arc::default(),
        }
    }

    /// Never dies, and heeds no bound on a block's bytes.
    pub fn boundless(inner: &MemoryExecution) -> Self {
        Self {
            boundless: true,
            ..Self::at(inner, i64::MAX, false)
        }
    }

    /// True once it is dead.
    pub fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    fn note(&self, call: Call) {
        self.log.lock().unwrap().push(call);
    }

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
        mut attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, Death> {
        if self.boundless {
            attributes.max_bytes = u64::MAX;
        }
        // A commit that was begun before gets to its write.
        tokio::task::yield_now().await;
        attributes.max_transactions = attributes.max_transactions.min(self.most);
        let built = self.inner.build(parent, attributes, candidates).await?;
        self.note(Call::Built(parent.number));
        Ok(built)
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, Death> {
        Ok(self.inner.execute(input).await?)
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, Death> {
        self.note(Call::Commits(heads.latest.number));
        if let Some(commits) = &self.commits {
            // Never closed.
            commits.acquire().await.unwrap().forget();
        }
        // Some commits take longer than the next block.
        for _ in 0..heads.latest.number % 4 {
            tokio::task::yield_now().await;
        }
        let (happens, heard) = self.write();
        let removed = if happens {
            let removed = self.inner.set_heads(heads, records).await?;
            self.note(Call::Committed(heads.latest.number));
            removed
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
pub struct MortalRollup;

impl Rollup for MortalRollup {
    type Execution = Mortal;
    type Da = TestDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}
