//! The forced lane (§6).

use super::{Entry, Reference};
use crate::{Payloads, Reason};
use rollwright_core::{DaOrdinal, ForcedId, ForcedOutcome, ForcedTx};

/// What one DA block has brought to the lane so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Intake {
    count: u32,
    bytes: u64,
    gas: u64,
    admitted: u32,
}

impl<P: Payloads> Reference<'_, P> {
    /// Admits the transactions of one forced blob.
    pub(super) fn admit(&mut self, i: u64, blob: u32, list: &[Vec<u8>], intake: &mut Intake) {
        for bytes in list {
            if let Err(reason) = self.admit_one(i, bytes, intake) {
                self.drop(reason, Some(blob), None);
            }
        }
    }

    fn admit_one(&mut self, i: u64, bytes: &[u8], intake: &mut Intake) -> Result<(), Reason> {
        let lane = self.chain.config_at(i).forced;
        let len = bytes.len() as u64;
        if intake.count >= lane.admit_count {
            return Err(Reason::ForcedCount);
        }
        if intake.bytes + len > lane.admit_bytes {
            return Err(Reason::ForcedBytes);
        }
        let queued: u64 = self
            .queue
            .iter()
            .map(|entry| entry.bytes.len() as u64)
            .sum();
        if self.queue.len() as u64 + 1 > u64::from(lane.queue_count)
            || queued + len > lane.queue_bytes
        {
            return Err(Reason::ForcedQueue);
        }
        intake.count += 1;
        intake.bytes += len;
        let gas = self.payloads.check_forced(bytes).map_err(|refusal| {
            self.step.refusals.push(refusal);
            Reason::ForcedCheck
        })?;
        if gas > lane.admit_gas {
            return Err(Reason::ForcedGasLimit);
        }
        if gas > lane.admit_gas - intake.gas {
            return Err(Reason::ForcedGas);
        }
        intake.gas += gas;
        let id = ForcedId {
            ordinal: DaOrdinal(i),
            index: intake.admitted,
        };
        intake.admitted += 1;
        self.queue.push(Entry {
            id,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    /// §5: the entries that a block with that origin tries.
    pub(super) fn due(&self, origin: u64) -> Vec<ForcedTx> {
        let config = self.chain.config_at(origin);
        self.queue
            .iter()
            .filter(|entry| entry.id.ordinal.0 + config.timing.force_delay <= origin)
            .take(config.forced.block_validations as usize)
            .map(Entry::due)
            .collect()
    }

    /// What becomes of the entries that a block with that origin tried.
    pub(super) fn settle(&mut self, origin: u64, tried: &[ForcedTx], outcomes: &[ForcedOutcome]) {
        let ttl = self.chain.config_at(origin).timing.force_ttl;
        for (entry, outcome) in tried.iter().zip(outcomes) {
            let leaves = match outcome {
                ForcedOutcome::Included { .. } | ForcedOutcome::Skipped { .. } => true,
                ForcedOutcome::Underpriced => {
                    let expired = origin.saturating_sub(entry.id.ordinal.0) >= ttl;
                    if expired {
                        self.step.rules.push(Reason::ForcedExpired);
                    }
                    expired
                }
                ForcedOutcome::Waits => false,
            };
            if leaves {
                self.queue.retain(|queued| queued.id != entry.id);
            }
        }
    }
}
