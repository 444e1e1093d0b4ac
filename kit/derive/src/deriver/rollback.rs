use super::{DeriveError, Deriver};
use crate::{
    BatchCodec, StateError,
    state::{RowKey, row_changes, undo_key},
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockRef, DaHeight, DaOrdinal, RecordChange};

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
    /// Records to store; harmless to lose.
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
        self.ready = None;
        self.state.abort()?;
        let mut rows: BTreeMap<RowKey, Option<Bytes>> = BTreeMap::new();
        let mut records = Vec::new();
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

    /// The DA layer's final head is at `height`: nothing that was read up to
    /// there is undone any more. May be called ahead of what was read, which
    /// saves undo records while a node catches up. Never moves back.
    pub fn finalize(&mut self, height: DaHeight) -> Finalized {
        if let Some(ordinal) = self.rules.ordinal_of(height) {
            self.final_below = self.final_below.max(ordinal.plus(1));
        }
        let keep = self.undo.split_off(&self.final_below);
        let dropped = core::mem::replace(&mut self.undo, keep);
        // What waits to be stored must not bring its undo record back.
        let mut records: Vec<RecordChange> = dropped
            .keys()
            .map(|ordinal| RecordChange::delete(undo_key(*ordinal)))
            .collect();
        if let Some(step) = &mut self.ready {
            let useless = undo_key(step.ordinal);
            if step.ordinal < self.final_below {
                step.records.retain(|record| record.key != useless);
                records.retain(|record| record.key != useless);
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
