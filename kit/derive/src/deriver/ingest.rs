use super::{DeriveEvent, Deriver, DropReason, Dropped, MAX_RIVALS, Work, forced::Admission};
use crate::{
    BatchCodec, EpochStart, Part, PartSignature, RuleSet, WireBlob, parse_blob,
    state::{BatchKey, PendingBatch, Piece},
};
use alloc::{collections::BTreeMap, sync::Arc};
use alloy_primitives::{Address, B256, keccak256};
use rollwright_core::{DaLane, PostedBlob};

/// Signers recovered in this DA block, by what was signed and the signature: a
/// replayed blob costs the hash of its piece.
type Recovered = BTreeMap<(B256, PartSignature), Option<Address>>;

impl<C: BatchCodec> Deriver<C> {
    /// Registers the DA block as an origin, and lets new rules begin.
    pub(super) fn begin(&mut self, work: &mut Work, epoch: Option<EpochStart>) {
        self.state.put_origin(work.ordinal, work.header);
        let keep = self.rules.longest_window();
        let least = rollwright_core::DaOrdinal(work.ordinal.0.saturating_sub(keep));
        self.state.prune_origins(least);
        let core = self.state.core_mut();
        core.next_ordinal = work.ordinal.plus(1);
        core.epochs.extend(epoch);
        let rules = Arc::clone(&self.rules);
        let Some(set) = rules.beginning_at(work.ordinal) else {
            return;
        };
        if set.discards {
            let batches = self.state.remove_batches(|_, _| true);
            let core = self.state.core_mut();
            core.rejected.clear();
            if set.key_entry == work.ordinal {
                core.signers.clear();
                core.term = 0;
            }
            work.events.push(DeriveEvent::Discarded { batches });
        }
    }

    /// Takes the blobs in posted order.
    pub(super) fn ingest(&mut self, work: &mut Work, blobs: &[PostedBlob]) {
        let rules = Arc::clone(&self.rules);
        let set = rules.at(work.ordinal);
        let layer = &rules.epoch_at(work.ordinal).config;
        let separate = layer.forced_address.is_some();
        let rollup_id = rules.rollup_id();
        let mut admission = Admission::default();
        let mut recovered = Recovered::new();
        for (position, blob) in blobs.iter().enumerate() {
            let position = position as u32;
            let result = match parse_blob(&blob.data, &rollup_id) {
                Err(error) => Err(DropReason::Wire(error)),
                Ok(WireBlob::Part(_)) if separate && blob.lane != DaLane::Batch => {
                    Err(DropReason::Lane)
                }
                Ok(WireBlob::Forced(_)) if separate && blob.lane != DaLane::Forced => {
                    Err(DropReason::Lane)
                }
                Ok(WireBlob::Part(part)) => {
                    self.take_part(work, set, &part, blob, position, &mut recovered)
                }
                Ok(WireBlob::Forced(forced)) => {
                    self.admit(work, set, &forced, position, &mut admission);
                    Ok(())
                }
            };
            if let Err(reason) = result {
                work.dropped(Some(position), None, reason);
            }
        }
    }

    fn take_part(
        &mut self,
        work: &mut Work,
        set: &RuleSet,
        part: &Part,
        blob: &PostedBlob,
        position: u32,
        recovered: &mut Recovered,
    ) -> Result<(), DropReason> {
        self.check_claim(set, part)?;
        self.check_not_stored(set, part)?;
        let piece_hash = keccak256(&part.piece);
        let signer = self.signer(part, piece_hash, recovered)?;
        if set.keys.binary_search(&signer).is_err() {
            return Err(DropReason::Signer);
        }
        self.check_attempt(work, signer, part)?;
        let key = BatchKey {
            number: part.claim.number,
            signer,
            attempt: part.claim.attempt,
            id: part.claim.batch_id,
        };
        let batch = self.place_for(work, set, &key, part, position)?;
        let piece = Piece {
            reference: blob.reference,
            bytes: part.piece.clone(),
            hash: piece_hash,
        };
        self.state.store_piece(key, part.claim.index, piece, batch);
        Ok(())
    }

    /// Everything that costs nothing.
    fn check_claim(&self, set: &RuleSet, part: &Part) -> Result<(), DropReason> {
        let claim = &part.claim;
        if claim.key_entry != set.key_entry {
            return Err(DropReason::KeyEntry {
                found: claim.key_entry.0,
                active: set.key_entry.0,
            });
        }
        let next = self.state.next_batch();
        let end = next.saturating_add(set.limits.batch_lookahead);
        if claim.number < next || claim.number >= end {
            return Err(DropReason::Number {
                number: claim.number,
                next,
                end,
            });
        }
        if claim.count > set.limits.batch_parts || claim.total_len > set.limits.batch_bytes {
            return Err(DropReason::Bound);
        }
        if self.state.core().rejected.contains(&claim.batch_id) {
            return Err(DropReason::Replayed);
        }
        Ok(())
    }

    /// A part that one of the keys has stored here is not verified again.
    fn check_not_stored(&self, set: &RuleSet, part: &Part) -> Result<(), DropReason> {
        let stored = set.keys.iter().any(|signer| {
            let key = BatchKey {
                number: part.claim.number,
                signer: *signer,
                attempt: part.claim.attempt,
                id: part.claim.batch_id,
            };
            self.state.piece_equals(&key, part.claim.index, &part.piece)
        });
        if stored {
            Err(DropReason::Duplicate)
        } else {
            Ok(())
        }
    }

    fn signer(
        &self,
        part: &Part,
        piece_hash: B256,
        recovered: &mut Recovered,
    ) -> Result<Address, DropReason> {
        let hash = part
            .claim
            .signing_hash_of(&self.rules.rollup_id(), &piece_hash);
        recovered
            .entry((hash, part.signature))
            .or_insert_with(|| part.signature.recover(hash).ok())
            .ok_or(DropReason::Signature)
    }

    /// A key's higher attempt evicts its lower ones.
    fn check_attempt(
        &mut self,
        work: &mut Work,
        signer: Address,
        part: &Part,
    ) -> Result<(), DropReason> {
        let attempt = part.claim.attempt;
        let highest = self.state.attempt_of(&signer);
        if attempt < highest {
            return Err(DropReason::Attempt { attempt, highest });
        }
        if attempt > highest {
            let evicts = |key: &BatchKey, _: &PendingBatch| key.signer == signer;
            self.drop_batches(work, &DropReason::Evicted, evicts);
        }
        if attempt > highest || self.state.core().signer(&signer).is_none() {
            self.state.set_attempt(signer, attempt);
        }
        Ok(())
    }

    /// The batch's row as it is with this part.
    fn place_for(
        &self,
        work: &Work,
        set: &RuleSet,
        key: &BatchKey,
        part: &Part,
        position: u32,
    ) -> Result<PendingBatch, DropReason> {
        let claim = &part.claim;
        let mut batch = match self.state.batch(key) {
            Some(batch) => batch.clone(),
            None => PendingBatch {
                first_ordinal: work.ordinal,
                count: claim.count,
                total_len: claim.total_len,
                present: 0,
                bytes: 0,
                completed: None,
                opened: None,
            },
        };
        if self.state.has_piece(key, claim.index) {
            return Err(DropReason::Duplicate);
        }
        let len = part.piece.len() as u64;
        let bytes = batch.bytes.saturating_add(len);
        let fits = bytes <= u64::from(claim.total_len);
        if batch.count != claim.count || batch.total_len != claim.total_len || !fits {
            return Err(DropReason::Contradiction);
        }
        let stored = self
            .state
            .core()
            .signer(&key.signer)
            .map_or(0, |signer| signer.stored);
        let rivals = || self.state.batches_under(key.number, &key.signer).count();
        if stored.saturating_add(len + crate::PART_OVERHEAD) > set.key_capacity()
            || batch.present == 0 && rivals() >= MAX_RIVALS
        {
            return Err(DropReason::Capacity);
        }
        batch.present += 1;
        batch.bytes = bytes;
        if batch.present == batch.count {
            batch.completed = Some((work.ordinal, position));
        }
        Ok(batch)
    }

    /// Removes batches, and traces each.
    pub(super) fn drop_batches(
        &mut self,
        work: &mut Work,
        reason: &DropReason,
        matches: impl Fn(&BatchKey, &PendingBatch) -> bool,
    ) {
        let keys: alloc::vec::Vec<BatchKey> = self
            .state
            .batches()
            .filter(|(key, batch)| matches(key, batch))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            work.dropped(None, Some((key.number, key.id)), reason.clone());
            self.state.remove_batch(&key);
        }
    }
}

impl Work {
    /// The same drop, so many times.
    pub(super) fn dropped_all(&mut self, count: usize, blob: u32, reason: &DropReason) {
        self.traces.add_all(&mut self.events, count, || Dropped {
            blob: Some(blob),
            batch: None,
            reason: reason.clone(),
        });
    }

    pub(super) fn dropped(
        &mut self,
        blob: Option<u32>,
        batch: Option<(u64, B256)>,
        reason: DropReason,
    ) {
        self.traces.add(&mut self.events, || Dropped {
            blob,
            batch,
            reason,
        });
    }
}
