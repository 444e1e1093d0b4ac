use crate::{Life, Sabotage, Trace};
use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use rollwright_core::{
    Admission, Attributes, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    Candidate, CandidateOutcome, CandidateSource, ChainStore, ErrorKind, ExecuteOutcome, Execution,
    ExecutionCaps, ExecutionWitness, Header, Heads, LayerError, ProofKey, RecordChange, StateProof,
};
use rollwright_derive::{Derivable, RollupConfig};
use std::{fmt, sync::Arc};

/// A node's engine as its process sees it: every call is a place where the
/// process may die, every write may be its last.
#[derive(Clone, Debug)]
pub struct SimEngine<E> {
    inner: E,
    life: Life,
    trace: Trace,
    sabotage: Option<Sabotage>,
    /// Most transactions of a block that it builds.
    most: u32,
    promised: Arc<Mutex<Option<Heads>>>,
}

/// What the engine says, or that its process is dead.
#[derive(Debug, thiserror::Error)]
pub enum SimEngineError<E: LayerError> {
    /// The engine's own error.
    #[error(transparent)]
    Engine(E),
    /// The process is dead.
    #[error("the process is dead")]
    Dead,
}

impl<E: LayerError> LayerError for SimEngineError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Dead => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Dead => "SIM-ENGINE",
        }
    }
}

type Result<T, E> = std::result::Result<T, SimEngineError<<E as ChainStore>::Error>>;

impl<E: Derivable> SimEngine<E> {
    /// An engine for a process.
    pub fn new(inner: E, life: Life, trace: Trace, sabotage: Option<Sabotage>) -> Self {
        Self {
            inner,
            life,
            trace,
            sabotage,
            most: u32::MAX,
            promised: Arc::default(),
        }
    }

    /// Puts at most so many transactions into a block.
    #[must_use]
    pub const fn narrow(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// The engine itself.
    pub const fn inner(&self) -> &E {
        &self.inner
    }

    /// The heads that the process was told are durable.
    pub fn promised(&self) -> Option<Heads> {
        *self.promised.lock()
    }

    fn say(&self, what: &dyn fmt::Display) {
        self.trace.say(self.life.name(), what);
    }
}

impl<E: Derivable> ChainStore for SimEngine<E> {
    type Error = SimEngineError<E::Error>;

    fn heads(&self) -> Result<Heads, E> {
        self.inner.heads().map_err(SimEngineError::Engine)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, E> {
        self.inner.block(id).map_err(SimEngineError::Engine)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, E> {
        self.inner.header(id).map_err(SimEngineError::Engine)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, E> {
        self.inner.effects(hash).map_err(SimEngineError::Engine)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, E> {
        self.inner.record(key).map_err(SimEngineError::Engine)
    }

    fn records(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Bytes, Bytes)>, E> {
        self.inner
            .records(prefix, from, limit)
            .map_err(SimEngineError::Engine)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), E> {
        let written = self.life.write();
        if written.happens {
            let put = self.inner.put_records(records);
            put.map_err(SimEngineError::Engine)?;
        }
        if !written.heard {
            return Err(SimEngineError::Dead);
        }
        self.say(&format_args!("writes {} records", records.len()));
        Ok(())
    }
}

impl<E: Derivable> Execution for SimEngine<E> {
    async fn genesis(&self) -> Result<BlockRef, E> {
        self.inner.genesis().await.map_err(SimEngineError::Engine)
    }

    async fn build(
        &self,
        parent: &BlockRef,
        mut attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, E> {
        self.life.seam().await;
        attributes.max_transactions = attributes.max_transactions.min(self.most);
        let latest = self.inner.heads().map_err(SimEngineError::Engine)?.latest;
        if parent.number > latest.number {
            self.trace.count("block built on one being committed");
        }
        let mut dropping = Dropping(candidates);
        let candidates: &mut (dyn CandidateSource + Send) = match self.sabotage {
            Some(Sabotage::TransactionsAreDropped) => &mut dropping,
            _ => dropping.0,
        };
        let built = self.inner.build(parent, attributes, candidates).await;
        self.life.seam().await;
        built.map_err(SimEngineError::Engine)
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, E> {
        self.life.seam().await;
        if self.sabotage == Some(Sabotage::EngineFails) {
            return Err(SimEngineError::Dead);
        }
        let outcome = self.inner.execute(input).await;
        self.life.seam().await;
        outcome.map_err(SimEngineError::Engine)
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, E> {
        self.life.seam().await;
        let written = self.life.write();
        let mut removed = Vec::new();
        if written.happens {
            let lost = self.sabotage == Some(Sabotage::LastWriteIsLost) && !written.heard;
            if !lost {
                let done = self.inner.set_heads(heads, records).await;
                removed = done.map_err(SimEngineError::Engine)?;
            }
            *self.promised.lock() = Some(*heads);
        }
        if !written.heard {
            return Err(SimEngineError::Dead);
        }
        self.say(&format_args!(
            "heads {} {} {} {}{}",
            heads.latest.number,
            heads.safe.number,
            heads.finalized.number,
            short(heads.latest.hash),
            if removed.is_empty() {
                String::new()
            } else {
                format!(", {} blocks removed", removed.len())
            }
        ));
        self.life.seam().await;
        Ok(removed)
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, E> {
        let proof = self.inner.prove(at, keys).await;
        proof.map_err(SimEngineError::Engine)
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, E> {
        let witness = self.inner.witness(at).await;
        witness.map_err(SimEngineError::Engine)
    }

    fn caps(&self) -> ExecutionCaps {
        self.inner.caps()
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission, E> {
        self.life.seam().await;
        let admission = self.inner.admit(transaction).await;
        admission.map_err(SimEngineError::Engine)
    }
}

impl<E: Derivable> Derivable for SimEngine<E> {
    type Codec = E::Codec;

    fn codec(&self) -> E::Codec {
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

/// Calls some candidates invalid.
struct Dropping<'a>(&'a mut (dyn CandidateSource + Send));

impl CandidateSource for Dropping<'_> {
    fn next(&mut self, gas_left: u64, bytes_left: u64) -> Option<Candidate> {
        loop {
            let candidate = self.0.next(gas_left, bytes_left)?;
            if !candidate.hash.0[0].is_multiple_of(8) {
                return Some(candidate);
            }
            let reason = CandidateOutcome::Invalid("sabotage".into());
            self.0.report(&candidate, reason);
        }
    }

    fn report(&mut self, candidate: &Candidate, outcome: CandidateOutcome) {
        self.0.report(candidate, outcome);
    }
}

/// The first bytes of a hash, for people.
pub(crate) fn short(hash: B256) -> String {
    format!("{:.8}", alloy_primitives::hex::encode(hash))
}
