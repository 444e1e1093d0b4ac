//! Complete batches: checked, opened, executed, forgotten (§4.2, §4.3).

use super::{AppliedBatch, Event, REMEMBERED_IDS, Reference, parts::Batch};
use crate::{
    Bounds, Executor, Facts, PayloadBlock, Payloads, Reason,
    wire::{self, Envelope, LastOrigin},
};
use alloy_primitives::keccak256;

impl<P: Payloads> Reference<'_, P> {
    /// One round of §4.2; false where nothing fits.
    pub(super) fn open_one<E: Executor>(
        &mut self,
        i: u64,
        executor: &mut E,
    ) -> Result<bool, E::Error> {
        if self.waste >= u64::from(self.chain.config_at(i).limits.decompressed_bytes) {
            self.step.rules.push(Reason::Waste);
            return Ok(false);
        }
        let mut candidates: Vec<Batch> = self.batches();
        candidates.retain(|batch| batch.name.number == self.next && batch.completed().is_some());
        let mut fitting: Vec<(Batch, Envelope)> = Vec::new();
        for batch in candidates {
            match self.look_into(&batch) {
                Err(reason) => self.reject(&batch, reason),
                Ok(envelope) => {
                    let fits = envelope.first_block == self.head.block.number + 1
                        && envelope.parent == self.head.block.hash;
                    if fits {
                        fitting.push((batch, envelope));
                    }
                }
            }
        }
        let earliest = |(batch, _): &(Batch, Envelope)| batch.completed();
        let Some((batch, envelope)) = fitting.into_iter().min_by_key(earliest) else {
            return Ok(false);
        };
        let checked = match self.check(i, &envelope) {
            Ok(last_origin) => {
                let blocks = self.decode(i, &envelope, last_origin);
                blocks.inspect_err(|_| {
                    let expanded = 32 * u64::from(envelope.decompressed_len);
                    let bound = self.chain.config_at(i).limits.decompressed_bytes;
                    self.waste += expanded.min(u64::from(bound));
                })
            }
            Err(reason) => Err(reason),
        };
        match checked {
            Err(reason) => self.reject(&batch, reason),
            Ok(blocks) => {
                self.forget(batch.name);
                self.next += 1;
                self.previous = batch.name.id;
                self.term = envelope.term;
                self.rejected.clear();
                self.apply(&batch, &envelope, blocks, executor)?;
            }
        }
        Ok(true)
    }

    fn reject(&mut self, batch: &Batch, reason: Reason) {
        self.remove(batch, reason);
        if !self.rejected.contains(&batch.name.id) {
            self.rejected.push(batch.name.id);
        }
        if self.rejected.len() > REMEMBERED_IDS {
            self.rejected.remove(0);
        }
    }

    /// What is checked of a complete batch before it is known to fit.
    fn look_into(&self, batch: &Batch) -> Result<Envelope, Reason> {
        let joined = batch.joined();
        if joined.len() as u64 != u64::from(batch.first().total_len) {
            return Err(Reason::BatchLength);
        }
        if keccak256(&joined) != batch.name.id {
            return Err(Reason::BatchId);
        }
        let envelope = wire::envelope(&joined).ok_or(Reason::BatchForm)?;
        if envelope.rollup_id != self.chain.rollup_id() {
            Err(Reason::BatchRollup)
        } else if envelope.number != self.next {
            Err(Reason::BatchNumber)
        } else if envelope.previous != self.previous {
            Err(Reason::BatchPrevious)
        } else {
            Ok(envelope)
        }
    }

    /// What is checked of the batch that is opened, before its payload is
    /// decoded; the ordinal of the last origin.
    fn check(&self, i: u64, envelope: &Envelope) -> Result<u64, Reason> {
        let config = self.chain.config_at(i);
        let limits = config.limits;
        if envelope.digest != self.chain.digest_at(i) {
            return Err(Reason::BatchDigest);
        }
        if envelope.term < self.term || envelope.term - self.term > limits.term_step {
            return Err(Reason::BatchTerm);
        }
        if !config.codecs.iter().any(|codec| codec.0 == envelope.codec) {
            return Err(Reason::BatchCodec);
        }
        let most = u64::from(envelope.blocks) * u64::from(limits.block_transactions);
        if envelope.blocks == 0
            || envelope.blocks > limits.batch_blocks
            || u64::from(envelope.transactions) > most
            || envelope.decompressed_len > limits.decompressed_bytes
        {
            return Err(Reason::BatchBound);
        }
        self.last_origin(i, envelope)
    }

    /// The blocks of the batch that is opened, each in its place.
    fn decode(
        &mut self,
        i: u64,
        envelope: &Envelope,
        last_origin: u64,
    ) -> Result<Vec<PayloadBlock>, Reason> {
        let limits = self.chain.config_at(i).limits;
        let facts = Facts {
            codec: envelope.codec,
            decompressed_len: envelope.decompressed_len,
            blocks: envelope.blocks,
            transactions: envelope.transactions,
        };
        let bounds = Bounds {
            block_transactions: limits.block_transactions,
            block_bytes: limits.block_bytes,
            batch_bytes: limits.decompressed_bytes.into(),
        };
        let decoded = self.payloads.decode(&facts, &envelope.payload, &bounds);
        let blocks = decoded.map_err(|refusal| {
            self.step.refusals.push(refusal);
            Reason::BatchPayload
        })?;
        if blocks.len() as u64 != u64::from(envelope.blocks) {
            return Err(Reason::BatchBlocks);
        }
        if blocks.last().map(|block| block.origin) != Some(last_origin) {
            return Err(Reason::BatchOrigin);
        }
        self.check_places(i, &blocks)?;
        Ok(blocks)
    }

    /// The ordinal of the last origin.
    fn last_origin(&self, i: u64, envelope: &Envelope) -> Result<u64, Reason> {
        let point = &envelope.last_origin;
        let ordinal = self.place_of(i, point).ok_or(Reason::OriginEpoch)?;
        if !self.in_window(i, ordinal) {
            return Err(Reason::OriginWindow);
        }
        if self.headers[ordinal as usize].hash != point.hash {
            return Err(Reason::OriginUnknown);
        }
        Ok(ordinal)
    }

    /// The ordinal that a DA point names at the DA block `i`, whatever block is
    /// there (§2).
    fn place_of(&self, i: u64, point: &LastOrigin) -> Option<u64> {
        let epochs = self.chain.epochs();
        let begins = *epochs.get(point.epoch as usize)?;
        if begins > i {
            return None;
        }
        let first = match point.epoch {
            0 => self.chain.config.da.start_height.0,
            _ => self.headers[begins as usize].height.0,
        };
        let ordinal = begins.checked_add(point.height.checked_sub(first)?)?;
        let end = epochs.get(point.epoch as usize + 1);
        (end.is_none_or(|end| ordinal < *end)).then_some(ordinal)
    }

    /// Executes the blocks of a batch up to the first that is invalid.
    fn apply<E: Executor>(
        &mut self,
        batch: &Batch,
        envelope: &Envelope,
        blocks: Vec<PayloadBlock>,
        executor: &mut E,
    ) -> Result<(), E::Error> {
        let mut applied = AppliedBatch {
            number: batch.name.number,
            id: batch.name.id,
            signer: batch.name.key,
            term: envelope.term,
            first_block: envelope.first_block,
            blocks: 0,
            bytes: u64::from(batch.first().total_len),
            blobs: batch.in_order().iter().map(|part| part.blob).collect(),
            ended: None,
        };
        for block in blocks {
            let recipient = block.fee_recipient;
            let input = self.input(block.origin, block.timestamp, recipient, block.transactions);
            applied.ended = self.execute(block.origin, Some(applied.number), &input, executor)?;
            if applied.ended.is_some() {
                break;
            }
            applied.blocks += 1;
        }
        // A batch of which a block stays ends the lapse (§7).
        if applied.blocks > 0 && self.next_try.take().is_some() {
            self.step.events.push(Event::Returned);
        }
        let ended = applied.ended.is_some();
        self.step.events.push(Event::Batch(applied));
        if ended {
            self.step.rules.push(Reason::BlockInvalid);
            for batch in self.batches() {
                if batch.completed().is_some() {
                    self.remove(&batch, Reason::AfterInvalid);
                }
            }
        }
        Ok(())
    }

    /// §4.3: what leaves once nothing fits, by one rule after the other.
    pub(super) fn expire_batches(&mut self, i: u64) {
        let timing = self.chain.config_at(i).timing;
        for batch in self.batches() {
            if batch.name.number < self.next {
                self.remove(&batch, Reason::BatchPassed);
            }
        }
        for batch in self.batches() {
            if batch.completed().is_none() && i - batch.first().at.0 >= timing.part_timeout {
                self.remove(&batch, Reason::PartTimeout);
            }
        }
        for batch in self.batches() {
            let completed = batch.completed().map(|(at, _)| at);
            if completed.is_some_and(|at| i - at >= timing.window) {
                self.remove(&batch, Reason::BatchTimeout);
            }
        }
    }
}
