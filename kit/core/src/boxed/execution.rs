use super::{BoxError, Boxed, boxed};
use crate::{
    Admission, Attributes, B256, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    Bytes, CandidateSource, ChainStore, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness,
    Header, Heads, ProofKey, RecordChange, StateProof,
};
use std::{fmt, sync::Arc};

/// An execution layer behind a pointer; its errors become [`BoxError`].
#[derive(Clone)]
pub struct BoxExecution(Arc<dyn DynExecution>);

impl BoxExecution {
    /// Boxes a layer.
    pub fn new(layer: impl Execution) -> Self {
        Self(Arc::new(layer))
    }
}

impl fmt::Debug for BoxExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxExecution").finish_non_exhaustive()
    }
}

trait DynExecution: Send + Sync {
    fn heads(&self) -> Result<Heads, BoxError>;
    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, BoxError>;
    fn header(&self, id: BlockId) -> Result<Option<Header>, BoxError>;
    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, BoxError>;
    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, BoxError>;
    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, BoxError>;
    fn put_records(&self, records: &[RecordChange]) -> Result<(), BoxError>;
    fn genesis<'a>(&'a self) -> Boxed<'a, BlockRef>;
    fn build<'a>(
        &'a self,
        parent: &'a BlockRef,
        attributes: Attributes,
        candidates: &'a mut (dyn CandidateSource + Send),
    ) -> Boxed<'a, Built>;
    fn execute<'a>(&'a self, input: &'a BlockInput) -> Boxed<'a, ExecuteOutcome>;
    fn set_heads<'a>(
        &'a self,
        heads: &'a Heads,
        records: &'a [RecordChange],
    ) -> Boxed<'a, Vec<BlockRecord>>;
    fn prove<'a>(&'a self, at: &'a BlockRef, keys: &'a [ProofKey]) -> Boxed<'a, StateProof>;
    fn witness<'a>(&'a self, at: &'a BlockRef) -> Boxed<'a, ExecutionWitness>;
    fn caps(&self) -> ExecutionCaps;
    fn admit<'a>(&'a self, transaction: &'a Bytes) -> Boxed<'a, Admission>;
    fn query<'a>(&'a self, at: &'a BlockRef, request: &'a Bytes) -> Boxed<'a, Option<Bytes>>;
}

impl<L: Execution> DynExecution for L {
    fn heads(&self) -> Result<Heads, BoxError> {
        ChainStore::heads(self).map_err(BoxError::new)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, BoxError> {
        ChainStore::block(self, id).map_err(BoxError::new)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, BoxError> {
        ChainStore::header(self, id).map_err(BoxError::new)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, BoxError> {
        ChainStore::effects(self, hash).map_err(BoxError::new)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, BoxError> {
        ChainStore::record(self, key).map_err(BoxError::new)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, BoxError> {
        ChainStore::records(self, prefix, from, limit).map_err(BoxError::new)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), BoxError> {
        ChainStore::put_records(self, records).map_err(BoxError::new)
    }

    fn genesis<'a>(&'a self) -> Boxed<'a, BlockRef> {
        boxed(Execution::genesis(self))
    }

    fn build<'a>(
        &'a self,
        parent: &'a BlockRef,
        attributes: Attributes,
        candidates: &'a mut (dyn CandidateSource + Send),
    ) -> Boxed<'a, Built> {
        boxed(Execution::build(self, parent, attributes, candidates))
    }

    fn execute<'a>(&'a self, input: &'a BlockInput) -> Boxed<'a, ExecuteOutcome> {
        boxed(Execution::execute(self, input))
    }

    fn set_heads<'a>(
        &'a self,
        heads: &'a Heads,
        records: &'a [RecordChange],
    ) -> Boxed<'a, Vec<BlockRecord>> {
        boxed(Execution::set_heads(self, heads, records))
    }

    fn prove<'a>(&'a self, at: &'a BlockRef, keys: &'a [ProofKey]) -> Boxed<'a, StateProof> {
        boxed(Execution::prove(self, at, keys))
    }

    fn witness<'a>(&'a self, at: &'a BlockRef) -> Boxed<'a, ExecutionWitness> {
        boxed(Execution::witness(self, at))
    }

    fn caps(&self) -> ExecutionCaps {
        Execution::caps(self)
    }

    fn admit<'a>(&'a self, transaction: &'a Bytes) -> Boxed<'a, Admission> {
        boxed(Execution::admit(self, transaction))
    }

    fn query<'a>(&'a self, at: &'a BlockRef, request: &'a Bytes) -> Boxed<'a, Option<Bytes>> {
        boxed(Execution::query(self, at, request))
    }
}

impl ChainStore for BoxExecution {
    type Error = BoxError;

    fn heads(&self) -> Result<Heads, BoxError> {
        self.0.heads()
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, BoxError> {
        self.0.block(id)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, BoxError> {
        self.0.header(id)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, BoxError> {
        self.0.effects(hash)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, BoxError> {
        self.0.record(key)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, BoxError> {
        self.0.records(prefix, from, limit)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), BoxError> {
        self.0.put_records(records)
    }
}

impl Execution for BoxExecution {
    async fn genesis(&self) -> Result<BlockRef, BoxError> {
        self.0.genesis().await
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, BoxError> {
        self.0.build(parent, attributes, candidates).await
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, BoxError> {
        self.0.execute(input).await
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, BoxError> {
        self.0.set_heads(heads, records).await
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, BoxError> {
        self.0.prove(at, keys).await
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, BoxError> {
        self.0.witness(at).await
    }

    fn caps(&self) -> ExecutionCaps {
        self.0.caps()
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission, BoxError> {
        self.0.admit(transaction).await
    }

    async fn query(&self, at: &BlockRef, request: &Bytes) -> Result<Option<Bytes>, BoxError> {
        self.0.query(at, request).await
    }
}
