use super::{
    BatchKey, Core, DeriverState, OpenedHead, PendingBatch, RowKey, StateError, rows::Piece,
};
use crate::PART_OVERHEAD;
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{DaHeader, DaOrdinal, ForcedId};

/// What changed since the last commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delta {
    /// New values, ascending by key.
    pub(crate) changes: Vec<(RowKey, Option<Bytes>)>,
    /// Former values of the same rows.
    pub(crate) undo: Vec<(RowKey, Option<Bytes>)>,
}

impl DeriverState {
    fn touch(&mut self, key: RowKey) {
        if !self.journal.contains_key(&key) {
            let former = self.encode_row(&key);
            self.journal.insert(key, former);
        }
        self.mark_stale(&key);
    }

    pub(crate) fn core_mut(&mut self) -> &mut Core {
        self.touch(RowKey::Core);
        &mut self.core
    }

    pub(crate) fn put_origin(&mut self, ordinal: DaOrdinal, header: DaHeader) {
        self.touch(RowKey::Origin(ordinal));
        self.origins.insert(ordinal, header);
    }

    /// Forgets origins below `least`.
    pub(crate) fn prune_origins(&mut self, least: DaOrdinal) {
        while let Some(ordinal) = self.origins.keys().next().copied() {
            if ordinal >= least {
                break;
            }
            self.touch(RowKey::Origin(ordinal));
            self.origins.remove(&ordinal);
        }
    }

    pub(crate) fn push_forced(&mut self, id: ForcedId, bytes: Bytes) {
        let len = bytes.len() as u64;
        let core = self.core_mut();
        core.forced_count = core.forced_count.saturating_add(1);
        core.forced_bytes = core.forced_bytes.saturating_add(len);
        self.touch(RowKey::Forced(id));
        self.forced.insert(id, bytes);
    }

    pub(crate) fn remove_forced(&mut self, id: ForcedId) {
        self.touch(RowKey::Forced(id));
        if let Some(bytes) = self.forced.remove(&id) {
            let core = self.core_mut();
            core.forced_count = core.forced_count.saturating_sub(1);
            core.forced_bytes = core.forced_bytes.saturating_sub(bytes.len() as u64);
        }
    }

    pub(crate) fn set_attempt(&mut self, signer: Address, attempt: u64) {
        self.core_mut().signer_mut(signer).attempt = attempt;
    }

    pub(crate) fn has_piece(&self, key: &BatchKey, index: u32) -> bool {
        self.pieces.contains_key(&(*key, index))
    }

    pub(crate) fn piece_equals(&self, key: &BatchKey, index: u32, bytes: &[u8]) -> bool {
        self.pieces
            .get(&(*key, index))
            .is_some_and(|piece| *piece.bytes == *bytes)
    }

    pub(crate) fn batch(&self, key: &BatchKey) -> Option<&PendingBatch> {
        self.batches.get(key)
    }

    /// Batches with one number.
    pub(crate) fn candidates(
        &self,
        number: u64,
    ) -> impl Iterator<Item = (&BatchKey, &PendingBatch)> {
        let first = BatchKey {
            number,
            signer: Address::ZERO,
            attempt: 0,
            id: B256::ZERO,
        };
        self.batches
            .range(first..)
            .take_while(move |(key, _)| key.number == number)
    }

    /// Batches with one number from one key.
    pub(crate) fn batches_under(
        &self,
        number: u64,
        signer: &Address,
    ) -> impl Iterator<Item = &BatchKey> {
        let bound = |attempt, id| BatchKey {
            number,
            signer: *signer,
            attempt,
            id,
        };
        let all = bound(0, B256::ZERO)..=bound(u64::MAX, B256::repeat_byte(0xff));
        self.batches.range(all).map(|(key, _)| key)
    }

    /// Stores a part whose batch is `batch` from now on.
    pub(crate) fn store_piece(
        &mut self,
        key: BatchKey,
        index: u32,
        piece: Piece,
        batch: PendingBatch,
    ) {
        self.touch(RowKey::Piece(key, index));
        self.touch(RowKey::Batch(key));
        let len = piece.bytes.len() as u64;
        let signer = self.core_mut().signer_mut(key.signer);
        signer.stored = signer.stored.saturating_add(len + PART_OVERHEAD);
        self.pieces.insert((key, index), piece);
        self.batches.insert(key, batch);
    }

    pub(crate) fn set_opened(&mut self, key: &BatchKey, opened: OpenedHead) {
        self.touch(RowKey::Batch(*key));
        if let Some(batch) = self.batches.get_mut(key) {
            batch.opened = Some(opened);
        }
    }

    /// The stored pieces of a batch in order.
    pub(crate) fn pieces_of(&self, key: &BatchKey) -> impl Iterator<Item = &Piece> {
        self.pieces
            .range((*key, 0)..=(*key, u32::MAX))
            .map(|(_, piece)| piece)
    }

    /// Removes a batch and its parts.
    pub(crate) fn remove_batch(&mut self, key: &BatchKey) {
        let indices: Vec<u32> = self
            .pieces
            .range((*key, 0)..=(*key, u32::MAX))
            .map(|((_, index), _)| *index)
            .collect();
        let mut freed: u64 = 0;
        for index in indices {
            self.touch(RowKey::Piece(*key, index));
            if let Some(piece) = self.pieces.remove(&(*key, index)) {
                freed = freed.saturating_add(piece.bytes.len() as u64 + PART_OVERHEAD);
            }
        }
        self.touch(RowKey::Batch(*key));
        self.batches.remove(key);
        let signer = self.core_mut().signer_mut(key.signer);
        signer.stored = signer.stored.saturating_sub(freed);
    }

    /// Removes all batches that match; returns how many.
    pub(crate) fn remove_batches(
        &mut self,
        matches: impl Fn(&BatchKey, &PendingBatch) -> bool,
    ) -> usize {
        let keys: Vec<BatchKey> = self
            .batches
            .iter()
            .filter(|(key, batch)| matches(key, batch))
            .map(|(key, _)| *key)
            .collect();
        keys.iter().for_each(|key| self.remove_batch(key));
        keys.len()
    }

    /// Ends a run of changes. Rows that came and went do not appear.
    pub(crate) fn commit(&mut self) -> Delta {
        self.refresh_hashes();
        let mut delta = Delta::default();
        for (key, former) in core::mem::take(&mut self.journal) {
            let now = self.encode_row(&key);
            if now != former {
                delta.changes.push((key, now));
                delta.undo.push((key, former));
            }
        }
        delta
    }

    /// Takes back everything since the last commit.
    pub(crate) fn abort(&mut self) -> Result<(), StateError> {
        for (key, former) in core::mem::take(&mut self.journal) {
            self.restore_row(&key, former.as_ref())?;
        }
        self.refresh_hashes();
        Ok(())
    }

    /// Sets rows to former values; collects them for the store.
    pub(crate) fn undo(
        &mut self,
        rows: &[(RowKey, Option<Bytes>)],
        changes: &mut BTreeMap<RowKey, Option<Bytes>>,
    ) -> Result<(), StateError> {
        for (key, former) in rows {
            self.restore_row(key, former.as_ref())?;
            changes.insert(*key, former.clone());
        }
        self.refresh_hashes();
        Ok(())
    }
}
