//! Building and executing blocks, and keeping them beside the chain.

use super::{EngineError, EvmEngine};
use crate::{
    machine::{self, BlockOutcome},
    store::{BlockState, NewBlock, StoreError, StoredBlock},
};
use rollwright_core::{
    ApplyError, Attributes, B256, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    CandidateSource, ExecuteOutcome, Executed, ForcedOutcome,
};

impl EvmEngine {
    /// Builds a block on `parent`: due forced entries, then candidates for as
    /// long as they fit. It lives beside the chain until
    /// [`commit`](Self::commit) makes it the head.
    pub fn build_block(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built, EngineError> {
        let inner = &*self.inner;
        let header = self.parent_header(parent)?;
        let forced = attributes.forced.iter().map(|entry| &entry.bytes);
        inner.senders.decode_all(&forced.collect::<Vec<_>>());
        let mut state = inner.store.begin(parent)?;
        let built = machine::build(
            self.chain_config(),
            &header,
            &mut state,
            &attributes,
            candidates,
            &*inner.senders,
        );
        let built = built.map_err(|error| match error {
            ApplyError::State(error) => error.into(),
            ApplyError::Invalid(invalid) => EngineError::Attributes {
                parent: *parent,
                invalid,
            },
        })?;
        let input = attributes.into_input(*parent, built.ordinary);
        let executed = self.keep(
            &input,
            input.hash(),
            header.state_root,
            built.outcome,
            state,
        )?;
        Ok(Built { executed, input })
    }

    /// Executes an input that came from outside; one that made a block before
    /// is answered without executing it again. A valid block lives beside the
    /// chain until [`commit`](Self::commit) makes it the head.
    pub fn execute_block(&self, input: &BlockInput) -> Result<ExecuteOutcome, EngineError> {
        let inner = &*self.inner;
        let input_hash = input.hash();
        if let Some(known) = inner.store.block_of_input(&input_hash)? {
            return Ok(ExecuteOutcome::Valid(self.as_executed(&known, input)?));
        }
        let header = self.parent_header(&input.parent)?;
        let forced = input.forced.iter().map(|entry| &entry.bytes);
        inner
            .senders
            .decode_all(&forced.chain(&input.transactions).collect::<Vec<_>>());
        let mut state = inner.store.begin(&input.parent)?;
        let outcome = machine::execute(
            self.chain_config(),
            &header,
            &mut state,
            input,
            &*inner.senders,
        );
        match outcome {
            Ok(outcome) => {
                let executed = self.keep(input, input_hash, header.state_root, outcome, state)?;
                Ok(ExecuteOutcome::Valid(executed))
            }
            Err(ApplyError::Invalid(invalid)) => Ok(ExecuteOutcome::Invalid(invalid)),
            Err(ApplyError::State(error)) => Err(error.into()),
        }
    }

    /// Puts an executed block into the store, beside the chain.
    fn keep(
        &self,
        input: &BlockInput,
        input_hash: B256,
        pre_root: B256,
        outcome: BlockOutcome,
        state: BlockState,
    ) -> Result<Executed, EngineError> {
        let inner = &*self.inner;
        let applied = outcome.applied;
        let block = BlockRef {
            number: applied.header.number,
            hash: applied.header.hash_slow(),
        };
        let executed = Executed {
            block,
            header: applied.header.clone(),
            pre_root,
            forced: applied.forced,
            input_hash,
            transactions: outcome.transactions.len() as u32,
        };
        let prepared = state.into_prepared().ok_or_else(|| StoreError::BadBlock {
            number: block.number,
            reason: "its state was not committed".into(),
        })?;
        let new = NewBlock {
            record: record(input, &executed, &applied.transactions),
            transaction_hashes: outcome.transactions.iter().map(|tx| tx.hash()).collect(),
            senders: outcome.transactions.iter().map(|tx| tx.sender()).collect(),
            effects: BlockEffects {
                receipts: applied.receipts,
                outbox_root: applied.outbox_root,
                mailbox_events: applied.mailbox_events,
            },
            header: applied.header,
        };
        inner.forced.remember(block, input);
        inner.store.insert(new, prepared)?;
        Ok(executed)
    }

    /// What executing `input` gave when it made `known`.
    fn as_executed(
        &self,
        known: &StoredBlock,
        input: &BlockInput,
    ) -> Result<Executed, EngineError> {
        let parent = BlockId::Hash(known.record.parent.hash);
        let pre_root = self
            .inner
            .store
            .header(parent)?
            .map(|header| header.state_root);
        let outcome = |entry: &rollwright_core::ForcedTx| {
            let mut seen = known.record.forced.iter();
            seen.find(|(id, _)| *id == entry.id)
                .map_or(ForcedOutcome::Waits, |(_, outcome)| outcome.clone())
        };
        Ok(Executed {
            block: known.record.block,
            header: known.header.clone(),
            pre_root: pre_root.ok_or_else(|| StoreError::UnknownBlock {
                block: known.record.parent,
            })?,
            forced: input.forced.iter().map(outcome).collect(),
            input_hash: known.record.input_hash,
            transactions: known.transaction_hashes.len() as u32,
        })
    }
}

/// The block as the node sees it.
fn record(
    input: &BlockInput,
    executed: &Executed,
    transactions: &[rollwright_core::Bytes],
) -> BlockRecord {
    let header = &executed.header;
    let forced = transactions.len() - input.transactions.len();
    BlockRecord {
        block: executed.block,
        parent: input.parent,
        timestamp: header.timestamp,
        fee_recipient: header.beneficiary,
        state_root: header.state_root,
        gas_used: header.gas_used,
        anchor: Some(input.anchor.clone()),
        forced_included: transactions[..forced].to_vec(),
        forced: input
            .forced
            .iter()
            .zip(&executed.forced)
            .filter(|(_, outcome)| **outcome != ForcedOutcome::Waits)
            .map(|(entry, outcome)| (entry.id, outcome.clone()))
            .collect(),
        transactions: input.transactions.clone(),
        input_hash: executed.input_hash,
    }
}
