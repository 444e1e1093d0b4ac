use super::{Faulty, FaultyError};
use crate::{
    Admission, Attributes, B256, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    Bytes, CandidateSource, ChainStore, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness,
    Header, Heads, ProofKey, RecordChange, StateProof,
};

impl<L: Execution> ChainStore for Faulty<L> {
    type Error = FaultyError<L::Error>;

    fn heads(&self) -> Result<Heads, FaultyError<L::Error>> {
        self.layer.heads().map_err(FaultyError::Layer)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, FaultyError<L::Error>> {
        self.layer.block(id).map_err(FaultyError::Layer)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, FaultyError<L::Error>> {
        self.layer.header(id).map_err(FaultyError::Layer)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, FaultyError<L::Error>> {
        self.layer.effects(hash).map_err(FaultyError::Layer)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, FaultyError<L::Error>> {
        self.layer.record(key).map_err(FaultyError::Layer)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, FaultyError<L::Error>> {
        self.layer
            .records(prefix, from, limit)
            .map_err(FaultyError::Layer)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), FaultyError<L::Error>> {
        self.layer.put_records(records).map_err(FaultyError::Layer)
    }
}

impl<L: Execution> Execution for Faulty<L> {
    async fn genesis(&self) -> Result<BlockRef, FaultyError<L::Error>> {
        self.disturb("genesis", self.layer.genesis()).await
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, FaultyError<L::Error>> {
        self.disturb("build", self.layer.build(parent, attributes, candidates))
            .await
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, FaultyError<L::Error>> {
        self.disturb("execute", self.layer.execute(input)).await
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, FaultyError<L::Error>> {
        self.disturb("set_heads", self.layer.set_heads(heads, records))
            .await
    }

    async fn prove(
        &self,
        at: &BlockRef,
        keys: &[ProofKey],
    ) -> Result<StateProof, FaultyError<L::Error>> {
        self.disturb("prove", self.layer.prove(at, keys)).await
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, FaultyError<L::Error>> {
        self.disturb("witness", self.layer.witness(at)).await
    }

    fn caps(&self) -> ExecutionCaps {
        self.layer.caps()
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission, FaultyError<L::Error>> {
        self.disturb("admit", self.layer.admit(transaction)).await
    }

    async fn query(
        &self,
        at: &BlockRef,
        request: &Bytes,
    ) -> Result<Option<Bytes>, FaultyError<L::Error>> {
        self.disturb("query", self.layer.query(at, request)).await
    }
}
