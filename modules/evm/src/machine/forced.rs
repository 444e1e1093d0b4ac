//! The forced lane (`derivation.md` §6): due entries in queue order, before
//! anything else, within the block's forced budgets.
//!
//! What becomes of an entry depends on the parent's state and the block's
//! origin alone, never on who builds the block. The queue is strictly first
//! in, first out: once an entry finds no room, it and all after it wait, so
//! that a sender's nonces are not skipped over.

use super::{
    executor::BlockExecutor,
    refusal::Refusal,
    transaction::{RecoveredTx, SenderSource},
};
use alloc::{sync::Arc, vec::Vec};
use rollwright_core::{ApplyError, ForcedBudget, ForcedOutcome, ForcedTx, StateAccess};

/// What forced entries have spent.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    gas: u64,
    bytes: u64,
    validations: u32,
}

impl<S: StateAccess> BlockExecutor<'_, S> {
    /// Executes due entries; one outcome each, in order.
    pub(super) fn forced(
        &mut self,
        entries: &[ForcedTx],
        budget: &ForcedBudget,
        senders: &impl SenderSource,
    ) -> Result<Vec<ForcedOutcome>, ApplyError<S::Error>> {
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut spent = Spent::default();
        for entry in entries {
            if spent.validations >= budget.validations || spent.gas >= budget.gas {
                break;
            }
            let outcome = self.forced_entry(entry, budget, &mut spent, senders)?;
            if outcome == ForcedOutcome::Waits {
                break;
            }
            outcomes.push(outcome);
        }
        outcomes.resize(entries.len(), ForcedOutcome::Waits);
        Ok(outcomes)
    }

    fn forced_entry(
        &mut self,
        entry: &ForcedTx,
        budget: &ForcedBudget,
        spent: &mut Spent,
        senders: &impl SenderSource,
    ) -> Result<ForcedOutcome, ApplyError<S::Error>> {
        let length = entry.bytes.len() as u64;
        let largest = budget.bytes.min(self.size.left_when_empty());
        if length > largest {
            spent.validations += 1;
            return Ok(skipped(&Refusal::TooLarge {
                have: length,
                limit: largest,
            }));
        }
        if spent.bytes.saturating_add(length) > budget.bytes || length > self.size.left() {
            return Ok(ForcedOutcome::Waits);
        }
        let tx = match admissible(entry, senders) {
            Ok(tx) => tx,
            Err(refusal) => {
                spent.validations += 1;
                return Ok(skipped(&refusal));
            }
        };
        match self.transact(&tx)? {
            Ok(gas) => {
                spent.validations += 1;
                spent.gas = spent.gas.saturating_add(gas);
                spent.bytes = spent.bytes.saturating_add(length);
                Ok(ForcedOutcome::Included { hash: tx.hash() })
            }
            Err(Refusal::NoGasLeft { .. }) => Ok(ForcedOutcome::Waits),
            Err(Refusal::FeeCapTooLow { .. }) => {
                spent.validations += 1;
                self.underpriced(&tx)
            }
            Err(refusal) => {
                spent.validations += 1;
                Ok(skipped(&refusal))
            }
        }
    }

    /// An entry stays only if its fee cap is all that is wrong with it.
    fn underpriced(&mut self, tx: &RecoveredTx) -> Result<ForcedOutcome, ApplyError<S::Error>> {
        Ok(match self.validate_without_base_fee(tx)? {
            Ok(()) => ForcedOutcome::Underpriced,
            Err(refusal) => skipped(&refusal),
        })
    }
}

fn admissible(entry: &ForcedTx, senders: &impl SenderSource) -> Result<Arc<RecoveredTx>, Refusal> {
    let tx = senders.recovered(&entry.bytes)?;
    match tx.is_unprotected() {
        true => Err(Refusal::Unprotected),
        false => Ok(tx),
    }
}

fn skipped(refusal: &Refusal) -> ForcedOutcome {
    ForcedOutcome::Skipped {
        reason: refusal.code(),
    }
}
