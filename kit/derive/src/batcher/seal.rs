use super::{
    Batcher, BatcherError, BlockTooLarge, RebuildReason, flight::Flight, raw_bytes, records,
    signer::PartSigner,
};
use crate::{
    BatchBlock, BatchCodec, BatchFacts, BatcherEvent, ENVELOPE_OVERHEAD_BYTES, ENVELOPE_VERSION,
    EncodedBlocks, Envelope, RuleSet,
};
use alloc::{sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use rollwright_core::DaOrdinal;

/// Result of asking for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// A batch is ready to be posted.
    Batch(BatchFacts),
    /// Nothing to post yet.
    Nothing,
    /// As many batches as allowed wait to be derived.
    Full,
    /// An amendment is about to begin; sealing goes on once it has.
    Amendment {
        /// Its first ordinal.
        at: DaOrdinal,
    },
    /// What is queued can no longer be accepted. Nothing was posted.
    Rebuild(BatcherEvent),
}

impl Batcher {
    /// Seals the next batch if it is due: its size or age is reached, the
    /// window presses or has ended, or `flush` is set.
    ///
    /// A block that is larger than a batch may be ends in
    /// [`RebuildReason::TooLarge`]; the second time in `BlockTooLarge`, which
    /// is then the answer until [`resume`](Batcher::resume).
    ///
    /// `now_ms` is of the clock that stamped the queued blocks; `observed` is
    /// the ordinal of the DA layer's newest block. Costs one compression.
    /// After any other error nothing has changed.
    pub fn seal(
        &mut self,
        codec: &impl BatchCodec,
        signer: &impl PartSigner,
        now_ms: u64,
        observed: DaOrdinal,
        flush: bool,
    ) -> Result<Sealed, BatcherError> {
        if let Some(error) = &self.halted {
            return Err(error.clone());
        }
        if self.needs_signatures() {
            self.sign_again(signer)?;
        }
        let Some(first) = self.queue.front() else {
            return Ok(Sealed::Nothing);
        };
        let lands = observed.plus(1).max(self.view.next_ordinal);
        let deadline = self.rules.deadline(first.inputs.origin);
        if lands.plus(self.settings.margin) > deadline {
            return Ok(Sealed::Rebuild(self.give_up_queue(RebuildReason::Expired)));
        }
        let rules = Arc::clone(&self.rules);
        let set = rules.at(self.view.next_ordinal);
        let after = rules.at(lands.plus(self.settings.margin));
        if set.digest != after.digest || set.key_entry != after.key_entry {
            return Ok(Sealed::Amendment { at: after.from });
        }
        self.check_authority(set, signer)?;
        let open = self.flights.iter().filter(|flight| !flight.applied).count() as u64;
        let most = u64::from(self.settings.max_in_flight).min(set.limits.batch_lookahead);
        if open >= most.max(1) {
            return Ok(Sealed::Full);
        }
        let (count, full) = self.fitting(set);
        // A clock that was set back does not tell how long a block has waited.
        let age_ms = now_ms.checked_sub(first.queued_ms);
        let aged = age_ms.is_none_or(|age_ms| age_ms >= self.settings.max_age_ms);
        let pressed = lands.plus(self.settings.margin.saturating_mul(2)) >= deadline;
        if !(full || aged || pressed || flush || self.view.lapsed) {
            return Ok(Sealed::Nothing);
        }
        self.seal_blocks(codec, signer, set, count)
    }

    fn check_authority(&self, set: &RuleSet, signer: &impl PartSigner) -> Result<(), BatcherError> {
        if self.view.term > self.settings.term {
            return Err(BatcherError::Fenced {
                ours: self.settings.term,
                accepted: self.view.term,
            });
        }
        let address = signer.address();
        if address != self.settings.signer || set.keys.binary_search(&address).is_err() {
            return Err(BatcherError::NotInSchedule {
                signer: address,
                ordinal: self.view.next_ordinal.0,
            });
        }
        Ok(())
    }

    /// How many queued blocks the next batch takes, and whether it is full.
    fn fitting(&self, set: &RuleSet) -> (usize, bool) {
        let most_raw = u64::from(set.limits.decompressed_bytes) / 8 * 7;
        let target = u64::from(self.settings.target_bytes.min(set.limits.batch_bytes));
        let side = self
            .queue
            .front()
            .map(|block| self.rules.at(block.inputs.origin).digest);
        let mut raw: u64 = 0;
        for (count, block) in self.queue.iter().enumerate() {
            let next = raw.saturating_add(raw_bytes(&block.inputs));
            let crosses = Some(self.rules.at(block.inputs.origin).digest) != side;
            let over = next > most_raw
                || next.saturating_mul(self.ratio) / 1_024 > target
                || set.too_large(&block.inputs).is_some();
            if count > 0 && (crosses || over || count >= set.limits.batch_blocks as usize) {
                return (count, true);
            }
            raw = next;
        }
        let full = raw.saturating_mul(self.ratio) / 1_024 >= target;
        (self.queue.len(), full)
    }

    fn seal_blocks(
        &mut self,
        codec: &impl BatchCodec,
        signer: &impl PartSigner,
        set: &RuleSet,
        count: usize,
    ) -> Result<Sealed, BatcherError> {
        let large = self
            .queue
            .front()
            .and_then(|first| set.too_large(&first.inputs));
        if let Some(large) = large {
            return self.give_up_large(large);
        }
        let (encoded, count) = match self.encode(codec, set, count)? {
            Ok(encoded) => encoded,
            Err(large) => return self.give_up_large(large),
        };
        let Some((mut flight, envelope)) = self.flight(set, &encoded, count) else {
            return Ok(Sealed::Nothing);
        };
        let units = self.sign_parts(&flight, &envelope, signer)?;
        flight.set_parts(self.attempt, envelope, units);
        let raw: u64 = self
            .queue
            .iter()
            .take(count)
            .map(|b| raw_bytes(&b.inputs))
            .sum();
        let payload = encoded.payload.len() as u64;
        self.ratio = (payload.saturating_mul(1_024) / raw.max(1)).max(1);
        self.queued_bytes = self.queued_bytes.saturating_sub(raw);
        self.queue.drain(..count);
        let facts = flight.facts();
        if self.flights.is_empty() {
            self.changes.push(records::put_header(self.attempt));
        }
        self.changes.push(records::put(&flight));
        self.changes.extend(records::put_content(&flight));
        self.flights.push_back(flight);
        self.too_large = None;
        Ok(Sealed::Batch(facts))
    }

    /// Encodes the first `count` queued blocks, or fewer if that is too much;
    /// the inner error where one alone is.
    fn encode(
        &self,
        codec: &impl BatchCodec,
        set: &RuleSet,
        count: usize,
    ) -> Result<Result<(EncodedBlocks, usize), BlockTooLarge>, BatcherError> {
        let mut count = count.max(1);
        loop {
            let blocks: Vec<BatchBlock> = self
                .queue
                .iter()
                .take(count)
                .map(|block| block.inputs.clone())
                .collect();
            let first = self.queue.front().map_or(0, |block| block.block.number);
            let encoded = codec
                .encode(self.settings.codec, &blocks)
                .map_err(|source| BatcherError::Codec { first, source })?;
            let bytes = (ENVELOPE_OVERHEAD_BYTES + encoded.payload.len()) as u64;
            let parts = self.part_count(bytes)?;
            let fits = bytes <= u64::from(set.limits.batch_bytes)
                && parts <= u64::from(set.limits.batch_parts)
                && encoded.decompressed_len <= set.limits.decompressed_bytes;
            if fits {
                return Ok(Ok((encoded, count)));
            }
            if count == 1 {
                return Ok(Err(BlockTooLarge::Batch {
                    bytes,
                    parts,
                    max_bytes: u64::from(set.limits.batch_bytes),
                    max_parts: u64::from(set.limits.batch_parts),
                }));
            }
            count /= 2;
        }
    }

    fn flight(
        &self,
        set: &RuleSet,
        encoded: &EncodedBlocks,
        count: usize,
    ) -> Option<(Flight, Bytes)> {
        let first = self.queue.front()?;
        let last = self.queue.get(count.checked_sub(1)?)?;
        let before = self.flights.back();
        let number = before.map_or(self.view.next_batch, |flight| flight.number + 1);
        let previous = before.map_or(self.view.last_batch_id, |flight| flight.id);
        let envelope = Envelope {
            version: ENVELOPE_VERSION,
            rollup_id: self.rules.rollup_id(),
            config_digest: set.digest,
            term: self.settings.term,
            number,
            previous,
            first_block: first.block.number,
            parent: first.parent,
            last_origin: last.origin,
            blocks: count as u32,
            transactions: encoded.transactions,
            codec: self.settings.codec,
            decompressed_len: encoded.decompressed_len,
            announced: self.rules.announcement(self.view.next_ordinal),
            payload: encoded.payload.clone(),
        }
        .encode();
        let flight = Flight {
            number,
            id: Envelope::id(&envelope),
            previous,
            digest: set.digest,
            key_entry: set.key_entry,
            attempt: self.attempt,
            parent: rollwright_core::BlockRef {
                number: first.block.number.saturating_sub(1),
                hash: first.parent,
            },
            last: last.block,
            first_origin: first.inputs.origin,
            last_origin: last.origin,
            last_origin_ordinal: last.inputs.origin,
            transactions: encoded.transactions,
            bytes: envelope.len() as u64,
            units: Vec::new(),
            applied: false,
            content: None,
        };
        Some((flight, envelope))
    }

    fn needs_signatures(&self) -> bool {
        self.flights
            .iter()
            .any(|flight| flight.content.is_some() && flight.attempt < self.attempt)
    }

    /// Signs batches in flight again under a higher attempt.
    fn sign_again(&mut self, signer: &impl PartSigner) -> Result<(), BatcherError> {
        let mut signed = Vec::new();
        for (at, flight) in self.flights.iter().enumerate() {
            if let Some(content) = &flight.content
                && flight.attempt < self.attempt
            {
                let units = self.sign_parts(flight, &content.envelope, signer)?;
                signed.push((at, content.envelope.clone(), units));
            }
        }
        for (at, envelope, units) in signed {
            if let Some(flight) = self.flights.get_mut(at) {
                flight.set_parts(self.attempt, envelope, units);
                self.changes.push(records::put(flight));
                self.changes.extend(records::put_content(flight));
            }
        }
        Ok(())
    }

    fn give_up_queue(&mut self, reason: RebuildReason) -> BatcherEvent {
        self.queue.clear();
        self.queued_bytes = 0;
        BatcherEvent::Rebuild {
            reason,
            keep: self.tip(),
        }
    }

    /// The first queued block can never be posted as it stands.
    fn give_up_large(&mut self, large: BlockTooLarge) -> Result<Sealed, BatcherError> {
        let number = self.queue.front().map_or(0, |block| block.block.number);
        if self.too_large.replace(number) == Some(number) {
            let error = BatcherError::BlockTooLarge { number, large };
            self.halted = Some(error.clone());
            return Err(error);
        }
        let event = self.give_up_queue(RebuildReason::TooLarge);
        Ok(Sealed::Rebuild(event))
    }
}
