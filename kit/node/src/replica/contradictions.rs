use super::{FeedEvidence, GATE, evidence};
use crate::{
    NodeError, batches,
    derivation::DerivedHook,
    feed::{FeedSource, SignedBlock},
    feed_store::StoredFeed,
    gate::Gate,
    records,
};
use alloy_primitives::B256;
use parking_lot::Mutex;
use rollwright_core::{
    BlockId, BlockRecord, BlockRef, DaHeight, DaOrdinal, DaPoint, Execution, RecordChange,
};
use rollwright_derive::DeriverState;
use std::{collections::BTreeMap, sync::Arc};

/// Most contradictions that are kept; later ones are only logged.
const MOST: usize = 64;

/// Compares what DA gives with what the feed has signed, and keeps evidence.
///
/// A signed block is excused where the DA block that it names as origin is not
/// canonical. Evidence whose origin has not been read yet is judged again once
/// it has.
pub(crate) struct Contradictions<E> {
    execution: E,
    gate: Arc<Gate>,
    kept: Mutex<BTreeMap<u64, Kept>>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    origin: DaOrdinal,
    origin_hash: B256,
    /// Epoch and height of the DA block that says otherwise.
    at: (u32, DaHeight),
    judged: bool,
}

impl Kept {
    fn of(evidence: &FeedEvidence) -> Self {
        let anchor = &evidence.signed.input.anchor;
        Self {
            origin: anchor.ordinal,
            origin_hash: anchor.origin.hash,
            at: (evidence.at.epoch, evidence.at.height),
            judged: false,
        }
    }

    /// False where the origin is known not to be canonical.
    fn stands(&self, state: &DeriverState) -> bool {
        let header = state.origin(self.origin);
        header.is_none_or(|header| header.hash == self.origin_hash)
    }
}

impl<E: Execution> Contradictions<E> {
    /// With what was kept before.
    pub(crate) fn load(execution: E, gate: Arc<Gate>) -> Result<Self, NodeError> {
        let mut kept = BTreeMap::new();
        let mut from = 0;
        while let Some((number, evidence)) = evidence::next_from(&execution, from)? {
            kept.insert(number, Kept::of(&evidence));
            from = number.saturating_add(1);
        }
        Ok(Self {
            execution,
            gate,
            kept: Mutex::new(kept),
        })
    }

    /// The feed brings a block of a number at which DA has already given
    /// `present`. The evidence is durable on return.
    pub(crate) fn late(
        &self,
        signed: &SignedBlock,
        present: &BlockRecord,
        state: &DeriverState,
    ) -> Result<(), NodeError> {
        let number = present.block.number;
        // A block that no batch brought was derived at its own origin.
        let at = match batches::find(&self.execution, number, 0)? {
            Some(batch) => batch.applied,
            None => present.anchor.as_ref().map(|anchor| anchor.origin),
        };
        let Some(at) = at else { return Ok(()) };
        let evidence = FeedEvidence {
            signed: signed.clone(),
            derived: present.block,
            at,
        };
        match self.keep(&evidence, state) {
            Some(row) => self
                .execution
                .put_records(&[row])
                .map_err(NodeError::execution),
            None => Ok(()),
        }
    }

    /// Says so, and returns the row to write; nothing where the block is
    /// excused or was judged before.
    fn keep(&self, evidence: &FeedEvidence, state: &DeriverState) -> Option<RecordChange> {
        let number = evidence.derived.number;
        let kept = Kept::of(evidence);
        let mut all = self.kept.lock();
        if !kept.stands(state) || all.contains_key(&number) {
            return None;
        }
        let room = all.len() < MOST;
        let text = format!(
            "the feed contradicts DA at block {number}: it signed {}, DA gives {}; {}",
            evidence.signed.hash,
            evidence.derived.hash,
            if room {
                "evidence is kept"
            } else {
                "there is enough evidence already"
            }
        );
        tracing::error!(target: "feed", "{text}");
        metrics::counter!("rollwright_feed_contradictions_total").increment(1);
        self.gate.set(GATE, false, Some(text));
        if !room {
            return None;
        }
        all.insert(number, kept);
        drop(all);
        Some(records::put(evidence::key(number), evidence))
    }

    /// Drops what turns out to be excused.
    fn judge_again(&self, state: &DeriverState) -> Vec<RecordChange> {
        let mut all = self.kept.lock();
        let open = all.iter_mut().filter(|(_, kept)| !kept.judged);
        let mut excused = Vec::new();
        for (number, kept) in open {
            if kept.origin < state.next_ordinal() {
                kept.judged = true;
                if !kept.stands(state) {
                    excused.push(*number);
                }
            }
        }
        for number in &excused {
            all.remove(number);
        }
        drop(all);
        let delete = |number| {
            tracing::warn!(target: "feed", number, "the feed's block is excused: its DA origin has vanished");
            RecordChange::delete(evidence::key(number))
        };
        excused.into_iter().map(delete).collect()
    }

    fn compare(
        &self,
        derived: &[BlockRef],
        at: &DaPoint,
        state: &DeriverState,
    ) -> Result<Option<RecordChange>, NodeError> {
        for derived in derived {
            let id = BlockId::Number(derived.number);
            let present = self.execution.block(id).map_err(NodeError::execution)?;
            if present.is_none_or(|present| present.block == *derived) {
                continue;
            }
            // The first block that differs says it all.
            let feed = StoredFeed(self.execution.clone());
            let Some(signed) = feed.signed(derived.number)? else {
                return Ok(None);
            };
            let evidence = FeedEvidence {
                signed,
                derived: *derived,
                at: *at,
            };
            return Ok(self.keep(&evidence, state));
        }
        Ok(None)
    }
}

impl<E: Execution> DerivedHook for Arc<Contradictions<E>> {
    fn before(
        &mut self,
        derived: &[BlockRef],
        at: &DaPoint,
        state: &DeriverState,
    ) -> Result<Vec<RecordChange>, NodeError> {
        let mut changes = self.judge_again(state);
        changes.extend(self.compare(derived, at, state)?);
        Ok(changes)
    }

    /// What DA has taken back contradicts nothing.
    fn undone(&mut self, epoch: u32, from: DaHeight) -> Result<Vec<RecordChange>, NodeError> {
        let mut all = self.kept.lock();
        let gone: Vec<_> = all
            .iter()
            .filter(|(_, kept)| kept.at >= (epoch, from))
            .map(|(number, _)| *number)
            .collect();
        for number in &gone {
            all.remove(number);
        }
        let delete = |number| RecordChange::delete(evidence::key(number));
        Ok(gone.into_iter().map(delete).collect())
    }
}
