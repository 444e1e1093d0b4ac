use super::Metered;
use crate::{
    Admission, Attributes, B256, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    Bytes, CandidateSource, ChainStore, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness,
    Header, Heads, ProofKey, RecordChange, StateProof,
};

impl<L: Execution> ChainStore for Metered<L> {
    type Error = L::Error;

    fn heads(&self) -> Result<Heads, L::Error> {
        self.layer.heads()
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, L::Error> {
        self.layer.block(id)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, L::Error> {
        self.layer.header(id)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, L::Error> {
        self.layer.effects(hash)
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, L::Error> {
        self.layer.record(key)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, L::Error> {
        self.layer.records(prefix, from, limit)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), L::Error> {
        self.layer.put_records(records)
    }
}

impl<L: Execution> Execution for Metered<L> {
    async fn genesis(&self) -> Result<BlockRef, L::Error> {
        self.measure("execution", "genesis", self.layer.genesis())
            .await
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, L::Error> {
        self.measure(
            "execution",
            "build",
            self.layer.build(parent, attributes, candidates),
        )
        .await
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, L::Error> {
        self.measure("execution", "execute", self.layer.execute(input))
            .await
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, L::Error> {
        self.measure(
            "execution",
            "set_heads",
            self.layer.set_heads(heads, records),
        )
        .await
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, L::Error> {
        self.measure("execution", "prove", self.layer.prove(at, keys))
            .await
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, L::Error> {
        self.measure("execution", "witness", self.layer.witness(at))
            .await
    }

    fn caps(&self) -> ExecutionCaps {
        self.layer.caps()
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission, L::Error> {
        self.measure("execution", "admit", self.layer.admit(transaction))
            .await
    }

    async fn query(&self, at: &BlockRef, request: &Bytes) -> Result<Option<Bytes>, L::Error> {
        self.measure("execution", "query", self.layer.query(at, request))
            .await
    }
}
