use super::{
    Deriver, DropReason, Work,
    apply::{Applying, BatchWork},
};
use crate::{
    BatchBlock, BatchCodec, Envelope, LimitsConfig, MOST_EXPANSION, REJECTED_MEMORY, RuleSet,
    schedule::Position,
    state::{BatchKey, OpenedHead},
};
use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use rollwright_core::{BlobRef, DaOrdinal};

impl<C: BatchCodec> Deriver<C> {
    /// Applies or rejects the earliest completed batch that fits the head.
    /// False where there is none, and where this DA block has wasted enough.
    pub(super) fn open_next(&mut self, work: &mut Work) -> bool {
        let limits = self.rules.at(work.ordinal).limits;
        if work.expired || work.waste >= u64::from(limits.decompressed_bytes) {
            return false;
        }
        self.look_into_candidates(work);
        let Some(key) = self.earliest_fit() else {
            return false;
        };
        let opened = self.join(&key).and_then(|encoded| {
            let envelope = Envelope::decode(&encoded)
                .map_err(|_| DropReason::Envelope("it does not decode"))?;
            let rules = Arc::clone(&self.rules);
            let set = rules.at(work.ordinal);
            let last_origin = self.check_envelope(work, set, &envelope)?;
            let blocks = self
                .check_payload(work, set, &envelope, last_origin)
                .inspect_err(|_| work.waste += waste_of(&envelope, &limits))?;
            Ok((encoded.len() as u64, envelope, blocks))
        });
        match opened {
            Err(reason) => self.reject(work, &key, reason),
            Ok((bytes, envelope, blocks)) => self.apply_batch(work, &key, bytes, &envelope, blocks),
        }
        true
    }

    /// Reads what each complete batch with the next number builds on, once.
    fn look_into_candidates(&mut self, work: &mut Work) {
        let unread: Vec<BatchKey> = self
            .state
            .candidates(self.state.next_batch())
            .filter(|(_, batch)| batch.completed.is_some() && batch.opened.is_none())
            .map(|(key, _)| *key)
            .collect();
        for key in unread {
            match self.read_head(&key) {
                Ok(opened) => self.state.set_opened(&key, opened),
                Err(reason) => self.reject(work, &key, reason),
            }
        }
    }

    fn earliest_fit(&self) -> Option<BatchKey> {
        let head = self.state.head();
        let first_block = head.block.number.saturating_add(1);
        self.state
            .candidates(self.state.next_batch())
            .filter_map(|(key, batch)| {
                let opened = batch.opened?;
                let fits = opened.first_block == first_block && opened.parent == head.block.hash;
                fits.then_some((batch.completed?, *key))
            })
            .min()
            .map(|(_, key)| key)
    }

    /// Checks id and envelope of a complete batch, without its payload.
    fn read_head(&self, key: &BatchKey) -> Result<OpenedHead, DropReason> {
        let encoded = self.join(key)?;
        if Envelope::id(&encoded) != key.id {
            return Err(DropReason::BatchId);
        }
        let envelope =
            Envelope::decode(&encoded).map_err(|_| DropReason::Envelope("it does not decode"))?;
        if envelope.rollup_id != self.rules.rollup_id() {
            return Err(DropReason::Envelope("it names another rollup"));
        }
        if envelope.number != key.number {
            return Err(DropReason::Envelope("it has another number than its parts"));
        }
        if envelope.previous != self.state.last_batch_id() {
            return Err(DropReason::Predecessor);
        }
        Ok(OpenedHead {
            first_block: envelope.first_block,
            parent: envelope.parent,
        })
    }

    fn join(&self, key: &BatchKey) -> Result<Bytes, DropReason> {
        let mut pieces = self.state.pieces_of(key);
        let total = self.state.batch(key).map_or(0, |batch| batch.total_len);
        let joined: Bytes = match (pieces.next(), pieces.next()) {
            (Some(only), None) => only.bytes.clone(),
            (first, second) => {
                let mut joined = Vec::with_capacity(total as usize);
                first
                    .into_iter()
                    .chain(second)
                    .chain(pieces)
                    .for_each(|piece| joined.extend_from_slice(&piece.bytes));
                joined.into()
            }
        };
        if joined.len() as u64 == u64::from(total) {
            Ok(joined)
        } else {
            Err(DropReason::Envelope("its parts have another length"))
        }
    }

    /// What the envelope says, without its payload. The ordinal of the last
    /// origin.
    fn check_envelope(
        &self,
        work: &Work,
        set: &RuleSet,
        envelope: &Envelope,
    ) -> Result<DaOrdinal, DropReason> {
        if envelope.config_digest != set.digest {
            return Err(DropReason::Digest {
                found: envelope.config_digest,
                ours: set.digest,
            });
        }
        let last = self.state.term();
        if envelope.term < last || envelope.term - last > set.limits.term_step {
            return Err(DropReason::Term {
                term: envelope.term,
                last,
            });
        }
        if set.codecs.binary_search(&envelope.codec).is_err() {
            return Err(DropReason::Codec(envelope.codec.0));
        }
        let most = u64::from(envelope.blocks) * u64::from(set.limits.block_transactions);
        if envelope.blocks == 0
            || envelope.blocks > set.limits.batch_blocks
            || envelope.decompressed_len > set.limits.decompressed_bytes
            || u64::from(envelope.transactions) > most
        {
            return Err(DropReason::Bound);
        }
        self.last_origin(work.ordinal, set, envelope)
    }

    /// The payload's blocks, their origins and times.
    fn check_payload(
        &self,
        work: &Work,
        set: &RuleSet,
        envelope: &Envelope,
        last_origin: DaOrdinal,
    ) -> Result<Vec<BatchBlock>, DropReason> {
        let blocks = self
            .codec
            .decode(&envelope.facts(), &envelope.payload, &set.codec_limits())
            .map_err(DropReason::Payload)?;
        if blocks.len() != envelope.blocks as usize {
            return Err(DropReason::Envelope(
                "its payload has another number of blocks",
            ));
        }
        if blocks.last().map(|block| block.origin) != Some(last_origin) {
            return Err(DropReason::Origin);
        }
        self.check_blocks(work.ordinal, set, &blocks)?;
        Ok(blocks)
    }

    /// The ordinal of the last origin, which must be canonical and within the
    /// window.
    fn last_origin(
        &self,
        at: DaOrdinal,
        set: &RuleSet,
        envelope: &Envelope,
    ) -> Result<DaOrdinal, DropReason> {
        let point = &envelope.last_origin;
        let ordinal = self
            .state
            .ordinal_of(&self.rules, point.epoch, point.height)
            .ok_or(DropReason::Origin)?;
        if !in_window(ordinal, at, set) {
            return Err(DropReason::Window {
                index: envelope.blocks.saturating_sub(1),
                origin: ordinal.0,
            });
        }
        match self.state.origin(ordinal) {
            Some(header) if header.hash == point.hash => Ok(ordinal),
            _ => Err(DropReason::Origin),
        }
    }

    fn check_blocks(
        &self,
        at: DaOrdinal,
        set: &RuleSet,
        blocks: &[BatchBlock],
    ) -> Result<(), DropReason> {
        let mut parent: Position = *self.state.head();
        let mut digest = None;
        let mut batch_bytes: u64 = 0;
        for (index, block) in blocks.iter().enumerate() {
            let index = index as u32;
            if !in_window(block.origin, at, set) {
                return Err(DropReason::Window {
                    index,
                    origin: block.origin.0,
                });
            }
            let side = self.rules.at(block.origin).digest;
            if *digest.get_or_insert(side) != side {
                return Err(DropReason::Amendment);
            }
            let header = self.state.origin(block.origin).ok_or(DropReason::Origin)?;
            parent = self
                .rules
                .check_place(&parent, block.origin, header.time, block.timestamp)
                .map_err(|error| DropReason::Place { index, error })?;
            // The codec has checked these; they are the chain's, so once more.
            let bytes: u64 = block.transactions.iter().map(|tx| tx.len() as u64).sum();
            batch_bytes = batch_bytes.saturating_add(bytes);
            if block.transactions.len() > set.limits.block_transactions as usize
                || bytes > set.limits.block_bytes
                || batch_bytes > u64::from(set.limits.decompressed_bytes)
            {
                return Err(DropReason::Bound);
            }
        }
        Ok(())
    }

    fn reject(&mut self, work: &mut Work, key: &BatchKey, reason: DropReason) {
        work.dropped(None, Some((key.number, key.id)), reason);
        self.state.remove_batch(key);
        let rejected = &mut self.state.core_mut().rejected;
        if !rejected.contains(&key.id) {
            if rejected.len() >= REJECTED_MEMORY {
                rejected.remove(0);
            }
            rejected.push(key.id);
        }
    }

    fn apply_batch(
        &mut self,
        work: &mut Work,
        key: &BatchKey,
        bytes: u64,
        envelope: &Envelope,
        blocks: Vec<BatchBlock>,
    ) {
        let blobs: Vec<BlobRef> = self
            .state
            .pieces_of(key)
            .map(|piece| piece.reference)
            .collect();
        self.state.remove_batch(key);
        let core = self.state.core_mut();
        core.term = envelope.term;
        core.last_batch_id = key.id;
        core.next_batch = core.next_batch.saturating_add(1);
        core.rejected.clear();
        let batch = BatchWork {
            key: *key,
            term: envelope.term,
            announced: envelope.announced.clone().map(Box::new),
            first_block: envelope.first_block,
            bytes,
            blobs,
            rest: VecDeque::from(blocks),
            applied: 0,
        };
        work.applying = self.next_input(batch);
    }

    fn next_input(&self, batch: BatchWork) -> Option<Applying> {
        Applying::batch(&self.rules, &self.state, batch)
    }
}

/// What a payload that was decoded in vain adds to the DA block's waste: the
/// most that it may have been expanded to.
fn waste_of(envelope: &Envelope, limits: &LimitsConfig) -> u64 {
    (MOST_EXPANSION * u64::from(envelope.decompressed_len))
        .min(u64::from(limits.decompressed_bytes))
}

fn in_window(origin: DaOrdinal, at: DaOrdinal, set: &RuleSet) -> bool {
    origin < at && at.since(origin) <= set.timing.window
}
