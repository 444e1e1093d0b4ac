use super::{DaStep, DeriveEvent, Deriver, DropReason, Work, apply::Applying, rollback::Undo};
use crate::{
    BatchCodec, PendingBatch,
    state::{BatchKey, row_changes, undo_key},
};
use alloc::{boxed::Box, sync::Arc};
use rollwright_core::RecordChange;

impl<C: BatchCodec> Deriver<C> {
    /// Drops parts and pending batches whose time has ended.
    pub(super) fn expire(&mut self, work: &mut Work) {
        if core::mem::replace(&mut work.expired, true) {
            return;
        }
        let timing = self.rules.at(work.ordinal).timing;
        let now = work.ordinal;
        let next = self.state.next_batch();
        self.drop_batches(work, &DropReason::Superseded, |key, _| key.number < next);
        let incomplete = |_: &BatchKey, batch: &PendingBatch| {
            batch.completed.is_none() && now.since(batch.first_ordinal) >= timing.part_timeout
        };
        self.drop_batches(work, &DropReason::PartsExpired, incomplete);
        let pending = |_: &BatchKey, batch: &PendingBatch| {
            batch
                .completed
                .is_some_and(|(completed, _)| now.since(completed) >= timing.window)
        };
        self.drop_batches(work, &DropReason::PendingExpired, pending);
    }

    /// Makes the deriver's own block where the sequencer has lapsed. False
    /// where none is due.
    pub(super) fn try_lapse(&mut self, work: &mut Work) -> bool {
        if core::mem::replace(&mut work.lapse_done, true) {
            return false;
        }
        let now = work.ordinal;
        let head = *self.state.head();
        let window = self.rules.at(now).timing.window;
        if !self.state.lapsed() && now.since(head.origin) > window {
            self.state.core_mut().next_try = Some(now);
            work.events.push(DeriveEvent::Lapsed);
        }
        match self.state.core().next_try {
            Some(due) if now >= due => {}
            _ => return false,
        }
        if work.header.time <= head.timestamp {
            self.state.core_mut().next_try = Some(now.plus(1));
            return false;
        }
        let rules = Arc::clone(&self.rules);
        work.applying = Applying::lapse(&rules, &self.state, now);
        work.applying.is_some()
    }

    pub(super) fn finish(&mut self, work: Work) {
        let Work {
            ordinal,
            header,
            head_before,
            mut events,
            traces,
            ..
        } = work;
        traces.finish(&mut events);
        let delta = self.state.commit();
        let mut records = row_changes(delta.changes.iter().map(|(key, value)| (key, value)));
        records.append(&mut self.outdated);
        if ordinal >= self.final_below {
            let undo = Undo {
                head_before,
                rows: delta.undo,
            };
            records.push(RecordChange::put(undo_key(ordinal), undo.encode()));
            self.undo.insert(ordinal, undo);
        }
        self.ready = Some(Box::new(DaStep {
            ordinal,
            point: self.rules.point(ordinal, &header),
            header,
            safe: self.state.head().block,
            finalized: self.finalized(),
            events,
            records,
            state_hash: self.state.hash(),
        }));
    }
}
