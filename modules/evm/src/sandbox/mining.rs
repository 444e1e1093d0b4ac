use super::{MAX_MINED, Sandbox, SandboxError, State};
use crate::{
    engine::{EngineError, TransactionList},
    machine::Pretended,
};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{
    Anchor, Attributes, BlockId, CandidateOutcome, DaHeight, DaOrdinal, DaPoint, ForcedBudget,
    Heads, NodeEvent, SubmitError,
};
use std::sync::Arc;

impl Sandbox {
    /// Mines blocks on demand, each `seconds` after the one before; the first
    /// as time goes. What waits goes into the first that has room for it.
    pub fn mine_blocks(&self, blocks: u64, seconds: u64) -> Result<(), SandboxError> {
        if blocks > MAX_MINED {
            return Err(SandboxError::TooManyBlocks { blocks });
        }
        let mut state = self.inner.state.lock();
        for mined in 0..blocks {
            if mined > 0 && state.next_timestamp.is_none() {
                let latest = self.latest_timestamp()?;
                state.next_timestamp = Some(latest.saturating_add(seconds.max(1)));
            }
            self.mine(&mut state)?;
        }
        Ok(())
    }

    /// Takes a transaction into the pool, and mines it where it mines at once.
    pub(super) fn take(&self, bytes: Bytes) -> Result<B256, SubmitError> {
        let engine = &self.inner.engine;
        let admitted = engine.admit_transaction(&bytes).map_err(refused)?;
        let mut state = self.inner.state.lock();
        state.pool.add(&admitted, bytes)?;
        self.emit(NodeEvent::Pending(admitted.hash));
        if state.automine {
            // One that waits for an earlier nonce, or offers too little, makes
            // no empty blocks.
            let ready = state.pool.ready(|sender| self.nonce(sender));
            if self.includable(&ready, state.next_block) {
                self.mine(&mut state)
                    .map_err(|error| SubmitError::Internal(error.to_string()))?;
            }
        }
        Ok(admitted.hash)
    }

    /// True where any of them offers the next block's base fee.
    fn includable(&self, ready: &[Bytes], pretended: Pretended) -> bool {
        use alloy_consensus::Transaction as _;
        let header = self.inner.engine.latest_header().ok().flatten();
        let base_fee = header.map_or(0, |header| crate::machine::next_base_fee(&header));
        let base_fee = pretended.base_fee.unwrap_or(base_fee);
        ready.iter().any(|bytes| {
            let envelope = crate::machine::RecoveredTx::envelope_of(bytes);
            envelope.is_ok_and(|tx| tx.max_fee_per_gas() >= u128::from(base_fee))
        })
    }

    /// The next nonce of an account; zero where it cannot be read, which
    /// execution will say.
    pub(super) fn nonce(&self, sender: &Address) -> u64 {
        let read = || -> Result<u64, SandboxError> {
            let head = self.inner.engine.heads()?.latest;
            let state = self.inner.engine.store().state_at(&head)?;
            Ok(state.account(*sender)?.map_or(0, |account| account.nonce))
        };
        read().unwrap_or(0)
    }

    /// Seconds of the chain's time.
    fn now(&self, state: &State) -> u64 {
        let now = i64::try_from(self.inner.clock.now_ms() / 1000).unwrap_or(i64::MAX);
        u64::try_from(now.saturating_add(state.ahead)).unwrap_or(0)
    }

    /// Makes one block of what is ready.
    fn mine(&self, state: &mut State) -> Result<(), SandboxError> {
        let engine = &self.inner.engine;
        let parent = engine.heads()?.latest;
        let earliest = self.latest_timestamp()?.saturating_add(1);
        let now = self.now(state);
        let latest = earliest.saturating_sub(1);
        let by_interval = state
            .block_interval
            .map(|seconds| latest.saturating_add(seconds));
        let wanted = state.next_timestamp.take().or(by_interval);
        let timestamp = wanted.unwrap_or(now).max(earliest);
        // Time goes on from there: what a second holds many blocks of is ahead
        // of the clock, and stays so.
        let shift = i128::from(timestamp) - i128::from(now);
        let shift = i64::try_from(shift).unwrap_or(i64::MAX);
        state.ahead = state.ahead.saturating_add(shift);
        let ready = state.pool.ready(|sender| self.nonce(sender));
        let mut offered = TransactionList::new(ready);
        let attributes = attributes(timestamp, state.coinbase, state.gas_limit);
        engine
            .senders()
            .pretend(std::mem::take(&mut state.next_block));
        let built = engine.build_block(&parent, attributes, &mut offered);
        engine.senders().pretend(Pretended::default());
        let built = built?;
        let heads = Heads {
            latest: built.executed.block,
            ..engine.heads()?
        };
        engine.commit(&heads, &[])?;
        for (hash, outcome) in offered.outcomes() {
            if let CandidateOutcome::Invalid(reason) = outcome {
                tracing::warn!(target: "block", %hash, reason, "dropped from the pool");
                state.pool.remove(hash);
            }
        }
        state.pool.forget_used(|sender| self.nonce(sender));
        let block = engine.store().block(BlockId::Hash(heads.latest.hash))?;
        if let Some(block) = block {
            self.emit(NodeEvent::Block(Arc::new(block.record.clone())));
        }
        Ok(())
    }
}

fn attributes(timestamp: u64, fee_recipient: Address, gas_limit: u64) -> Attributes {
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(1),
        hash: B256::ZERO,
    };
    Attributes {
        timestamp,
        fee_recipient,
        gas_limit,
        // There is no DA layer: every block stands on the same nothing.
        anchor: Anchor::at(origin, DaOrdinal(1), B256::ZERO, timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget {
            gas: 0,
            bytes: 0,
            validations: 0,
        },
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: crate::machine::MAX_BLOCK_RLP_BYTES,
        max_transactions: u32::MAX,
    }
}

/// A refusal of the engine in the words of a pool.
fn refused(error: EngineError) -> SubmitError {
    use crate::machine::Refusal;
    match error {
        EngineError::Refused(Refusal::NonceTooLow { tx, state }) => SubmitError::NonceTooLow {
            account: state,
            transaction: tx,
        },
        EngineError::Refused(refusal @ Refusal::InsufficientFunds { .. }) => {
            SubmitError::InsufficientFunds(refusal.to_string())
        }
        error => SubmitError::Invalid(error.to_string()),
    }
}
