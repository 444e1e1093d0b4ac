use super::{EngineError, EvmEngine, forced_inputs::ForcedInputs};
use crate::{
    machine,
    store::{StoreError, StoredBlock},
};
use rollwright_core::{ApplyError, BlockId, BlockInput, BlockRef, ExecutionWitness};
use std::sync::Arc;

impl EvmEngine {
    /// The input that made a canonical block.
    ///
    /// `Pruned` where the block had forced entries that are not kept, which
    /// is the case for blocks of an imported snapshot.
    pub fn input_of(&self, at: &BlockRef) -> Result<BlockInput, EngineError> {
        let stored = self.canonical(at)?;
        let record = &stored.record;
        let Some(anchor) = record.anchor.clone() else {
            return Err(StoreError::BadBlock {
                number: at.number,
                reason: "the genesis block was made from no input".into(),
            }
            .into());
        };
        let forced = ForcedInputs::of(self.store(), at)?.unwrap_or_default();
        let input = BlockInput {
            parent: record.parent,
            timestamp: record.timestamp,
            fee_recipient: record.fee_recipient,
            gas_limit: stored.header.gas_limit,
            anchor,
            forced: forced.entries,
            forced_budget: forced.budget,
            transactions: record.transactions.clone(),
            ticks: Vec::new(),
            inbox: Vec::new(),
        };
        // Without forced entries their budget decides nothing, and is not
        // kept.
        if input.forced.is_empty() && !record.forced.is_empty() {
            return Err(EngineError::ForcedPruned { block: *at });
        }
        Ok(input)
    }

    /// All that a stateless execution of [`input_of`](Self::input_of) needs:
    /// the block is executed again on its parent's state, and whatever it
    /// touches is recorded.
    pub fn witness_of(&self, at: &BlockRef) -> Result<ExecutionWitness, EngineError> {
        let input = self.input_of(at)?;
        let parent = self.parent_header(&input.parent)?;
        let senders = self.senders();
        let forced = input.forced.iter().map(|entry| &entry.bytes);
        senders.decode_all(&forced.chain(&input.transactions).collect::<Vec<_>>());
        let mut state = self.store().begin_recorded(&input.parent)?;
        let config = self.chain_config();
        let outcome = machine::execute(config, &parent, &mut state, &input, &**senders);
        let diverged = |reason| EngineError::Diverged { block: *at, reason };
        match outcome {
            Ok(outcome) if outcome.applied.header.hash_slow() == at.hash => {
                Ok(state.into_witness()?)
            }
            Ok(outcome) => Err(diverged(format!(
                "state root {}",
                outcome.applied.header.state_root
            ))),
            Err(ApplyError::Invalid(invalid)) => Err(diverged(invalid.reason)),
            Err(ApplyError::State(error)) => Err(error.into()),
        }
    }

    /// A block of the canonical chain; one beside it is unknown here.
    pub(super) fn canonical(&self, at: &BlockRef) -> Result<Arc<StoredBlock>, EngineError> {
        let stored = self.store().block(BlockId::Number(at.number))?;
        match stored {
            Some(stored) if stored.record.block == *at => Ok(stored),
            _ => Err(StoreError::UnknownBlock { block: *at }.into()),
        }
    }
}
