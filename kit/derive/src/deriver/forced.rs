use super::{Deriver, DropReason, Work};
use crate::{BatchCodec, ForcedBlob, RuleSet};
use rollwright_core::ForcedId;

/// What the forced lane has taken in one DA block.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// Transactions looked at.
    count: u32,
    /// Their bytes.
    bytes: u64,
    /// Gas limits of those admitted.
    gas: u64,
    /// Index of the next admitted entry.
    next_index: u32,
}

impl<C: BatchCodec> Deriver<C> {
    /// Admits a blob's transactions to the queue, in order.
    pub(super) fn admit(
        &mut self,
        work: &mut Work,
        set: &RuleSet,
        blob: &ForcedBlob,
        position: u32,
        admission: &mut Admission,
    ) {
        for (taken, transaction) in blob.transactions().enumerate() {
            if admission.count >= set.forced.admit_count {
                // Nothing later in this DA block can be admitted either.
                let rest = blob.len().saturating_sub(taken);
                work.dropped_all(rest, position, &DropReason::ForcedCap);
                return;
            }
            if let Err(reason) = self.admit_one(work, set, &transaction, admission) {
                work.dropped(Some(position), None, reason);
            }
        }
    }

    fn admit_one(
        &mut self,
        work: &Work,
        set: &RuleSet,
        transaction: &alloy_primitives::Bytes,
        admission: &mut Admission,
    ) -> Result<(), DropReason> {
        let len = transaction.len() as u64;
        if admission.bytes.saturating_add(len) > set.forced.admit_bytes {
            return Err(DropReason::ForcedCap);
        }
        let (count, bytes) = self.state.forced_size();
        if count >= set.forced.queue_count || bytes.saturating_add(len) > set.forced.queue_bytes {
            return Err(DropReason::ForcedQueue);
        }
        // From here on the transaction costs work, so it counts.
        admission.count += 1;
        admission.bytes += len;
        let facts = self
            .codec
            .check_forced(transaction)
            .map_err(DropReason::Forced)?;
        if facts.gas_limit > set.forced.admit_gas {
            return Err(DropReason::ForcedGas {
                gas: facts.gas_limit,
                max: set.forced.admit_gas,
            });
        }
        if admission.gas.saturating_add(facts.gas_limit) > set.forced.admit_gas {
            return Err(DropReason::ForcedCap);
        }
        admission.gas += facts.gas_limit;
        let id = ForcedId {
            ordinal: work.ordinal,
            index: admission.next_index,
        };
        admission.next_index += 1;
        // A copy: the entry may outlive its blob by far.
        let bytes = alloy_primitives::Bytes::copy_from_slice(transaction);
        self.state.push_forced(id, bytes);
        Ok(())
    }
}
