use super::{EngineError, EvmEngine, blocking::off_executor};
use crate::{codec::EvmCodec, machine::EvmMachine};
use alloy_eips::eip2718::Encodable2718;
use rollwright_core::{
    Admission, Attributes, B256, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    Bytes, CandidateSource, ChainStore, ExecuteOutcome, Execution, ExecutionCaps, ExecutionWitness,
    Header, Heads, ProofKey, RecordChange, StateMachine, StateProof,
};
use rollwright_derive::{Derivable, RollupConfig};
use std::sync::Arc;

impl ChainStore for EvmEngine {
    type Error = EngineError;

    fn heads(&self) -> Result<Heads, EngineError> {
        Self::heads(self)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, EngineError> {
        let stored = self.store().block(id)?;
        Ok(stored.map(|block| block.record.clone()))
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, EngineError> {
        Ok(self.store().header(id)?)
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, EngineError> {
        let stored = self.store().block(BlockId::Hash(*hash))?;
        Ok(stored.map(|block| BlockEffects {
            receipts: block
                .receipts
                .iter()
                .map(|r| r.encoded_2718().into())
                .collect(),
            outbox_root: block.outbox_root,
            mailbox_events: block.mailbox_events.clone(),
        }))
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.store().record(key)?)
    }

    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        Ok(self.store().records(prefix, from, limit)?)
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<(), EngineError> {
        Ok(self.store().put_records(records)?)
    }
}

impl Execution for EvmEngine {
    async fn genesis(&self) -> Result<BlockRef, EngineError> {
        off_executor(|| self.init())
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, EngineError> {
        off_executor(|| self.build_block(parent, attributes, candidates))
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome, EngineError> {
        off_executor(|| self.execute_block(input))
    }

    async fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<BlockRecord>, EngineError> {
        off_executor(|| self.commit(heads, records))
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, EngineError> {
        off_executor(|| {
            self.canonical(at)?;
            Ok(self.store().prove(at, keys)?)
        })
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness, EngineError> {
        off_executor(|| self.witness_of(at))
    }

    fn caps(&self) -> ExecutionCaps {
        ExecutionCaps {
            vm_id: EvmMachine::VM_ID,
            chain_id: self.chain_config().chain_id,
            ticks_hz: None,
            empty_blocks: true,
            fees: true,
        }
    }

    /// One signature and two look-ups, about 60 µs: done where it is called.
    async fn admit(&self, transaction: &Bytes) -> Result<Admission, EngineError> {
        self.admit_transaction(transaction)
    }
}

impl Derivable for EvmEngine {
    type Codec = EvmCodec;

    fn codec(&self) -> EvmCodec {
        self.batch_codec()
    }

    fn rollup_config(&self) -> Arc<RollupConfig> {
        self.inner.rollup.clone()
    }

    fn config_digest(&self) -> B256 {
        self.inner.digest
    }

    fn genesis_time(&self) -> u64 {
        self.inner.genesis.header.timestamp
    }
}
