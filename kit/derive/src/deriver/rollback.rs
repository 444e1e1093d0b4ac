use super::{DeriveError, Deriver};
use crate::{
    BatchCodec, StateError,
    state::{RowKey, row_changes, undo_key, undo_ordinal},
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockRef, DaBlockId, DaOrdinal, RecordChange};

/// What takes one DA block back.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    /// The derived head before the DA block.
    pub(super) head_before: BlockRef,
    /// Former values of the rows that it changed.
    pub(super) rows: Vec<(RowKey, Option<Bytes>)>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct StoredUndo {
    version: u8,
    head_before: BlockRef,
    rows: Vec<(Vec<u8>, Option<Bytes>)>,
}

/// The deriver went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The safe head now.
    pub safe: BlockRef,
    /// The finalized head; unchanged.
    pub finalized: BlockRef,
    /// Records to store atomically with the heads.
    pub records: Vec<RecordChange>,
}

/// More of the chain is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// The finalized head: no DA block that its derivation read can be undone.
    pub head: BlockRef,
    /// Ordinal of the last final DA block that was read; `None` before one.
    pub ordinal: Option<DaOrdinal>,
    /// Records to store atomically with the heads.
    pub records: Vec<RecordChange>,
}

impl Undo {
    pub(super) fn encode(&self) -> Bytes {
        let stored = StoredUndo {
            version: 1,
            head_before: self.head_before,
            rows: self
                .rows
                .iter()
                .map(|(key, value)| (key.encode(), value.clone()))
                .collect(),
        };
        let mut out = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, &stored);
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let damaged = StateError::Row { tag: b'u' };
        let stored: StoredUndo = borsh::from_slice(bytes).map_err(|_| damaged)?;
        if stored.version != 1 {
            return Err(StateError::Version(stored.version));
        }
        let rows = stored
            .rows
            .into_iter()
            .map(|(key, value)| Some((RowKey::decode(&key)?, value)))
            .collect::<Option<_>>()
            .ok_or(damaged)?;
        Ok(Self {
            head_before: stored.head_before,
            rows,
        })
    }
}

impl<C: BatchCodec> Deriver<C> {
    /// Forgets every DA block from ordinal `first` on, in the works or done.
    ///
    /// Rolling back to where the deriver is already only abandons what is in
    /// the works. [`DeriveError::Final`]: refused, nothing changed.
    pub fn rollback(&mut self, first: DaOrdinal) -> Result<Rollback, DeriveError> {
        let abandoned = self.work.is_some();
        let done = DaOrdinal(
            self.state
                .next_ordinal()
                .0
                .saturating_sub(u64::from(abandoned)),
        );
        if first < done && first < self.final_below {
            return Err(DeriveError::Final {
                requested: first,
                least: self.final_below,
            });
        }
        self.work = None;
        let unstored = self.ready.take();
        self.state.abort()?;
        let mut rows: BTreeMap<RowKey, Option<Bytes>> = BTreeMap::new();
        let mut records = core::mem::take(&mut self.outdated);
        if let Some(step) = unstored {
            let removes = |record: &RecordChange| {
                record.value.is_none() && undo_ordinal(&record.key).is_some()
            };
            records.extend(step.records.into_iter().filter(removes));
        }
        while self.state.next_ordinal() > first {
            let Some(last) = self.state.last_ordinal() else {
                break;
            };
            let Some(undo) = self.undo.remove(&last) else {
                return Err(DeriveError::Final {
                    requested: first,
                    least: self.state.next_ordinal(),
                });
            };
            self.state.undo(&undo.rows, &mut rows)?;
            records.push(RecordChange::delete(undo_key(last)));
        }
        let mut changes = row_changes(rows.iter());
        changes.append(&mut records);
        Ok(Rollback {
            safe: self.state.head().block,
            finalized: self.finalized(),
            records: changes,
        })
    }

    /// The final head of an epoch's layer is `block`: neither it nor anything
    /// below is undone any more. May lie above what was read; DA blocks that
    /// are read later are then final from the start and cost no undo record.
    /// Where another block was read at that height, nothing is final for that
    /// reason: roll back first. A height above the epoch makes final what of it
    /// is read from now on; where all of it was read, name its last block.
    /// Never moves back.
    pub fn finalize(&mut self, epoch: u32, block: DaBlockId) -> Finalized {
        let mut records = Vec::new();
        if let Some(ordinal) = self.state.ordinal_of(&self.rules, epoch, block.height) {
            if ordinal >= self.state.next_ordinal() {
                self.final_ahead = self.final_ahead.max(Some(ordinal));
            } else if self
                .state
                .origin(ordinal)
                .is_none_or(|header| header.hash == block.hash)
            {
                records = self.forget_undo(ordinal.plus(1));
            }
        } else if let Some(end) = self.state.end_below(&self.rules, epoch, block.height)
            && end >= self.state.next_ordinal()
        {
            self.final_ahead = self.final_ahead.max(Some(end));
        }
        if let Some(step) = &mut self.ready {
            // What waits to be stored must not bring its undo record back.
            if step.ordinal < self.final_below {
                let useless = undo_key(step.ordinal);
                step.records.retain(|record| record.key != useless);
            }
        }
        let head = self.finalized();
        if let Some(step) = &mut self.ready {
            step.finalized = head;
        }
        Finalized {
            head,
            ordinal: self.final_ordinal(),
            records,
        }
    }

    /// Everything below `end` is final.
    pub(super) fn forget_undo(&mut self, end: DaOrdinal) -> Vec<RecordChange> {
        self.final_below = self.final_below.max(end);
        let keep = self.undo.split_off(&self.final_below);
        core::mem::replace(&mut self.undo, keep)
            .into_keys()
            .map(|ordinal| RecordChange::delete(undo_key(ordinal)))
            .collect()
    }

    /// The highest derived block that is final: every DA block read for it is,
    /// its origin among them.
    pub fn finalized(&self) -> BlockRef {
        match (self.undo.values().next(), &self.work) {
            (Some(undo), _) => undo.head_before,
            (None, Some(work)) => work.head_before,
            (None, None) => self.state.head().block,
        }
    }

    fn final_ordinal(&self) -> Option<DaOrdinal> {
        let read = self.state.next_ordinal().0 - u64::from(self.work.is_some());
        read.min(self.final_below.0).checked_sub(1).map(DaOrdinal)
    }

    /// Header of a DA block read, as long as it may serve as an origin: what a
    /// driver compares with the DA layer to find the last common block.
    pub fn da_header(&self, ordinal: DaOrdinal) -> Option<&rollwright_core::DaHeader> {
        self.state.origin(ordinal)
    }

    /// The lowest ordinal that [`rollback`](Self::rollback) accepts.
    pub const fn final_below(&self) -> DaOrdinal {
        self.final_below
    }
}
