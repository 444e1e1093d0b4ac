use super::{
    AppliedBatch, DeriveError, DeriveEvent, DerivedBlock, DerivedFrom, Deriver, DropReason, Work,
};
use crate::{
    Announcement, BatchBlock, BatchCodec, Rules, consumed_entries, due_entries,
    schedule::Position,
    state::{BatchKey, DeriverState},
};
use alloc::{
    boxed::Box,
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};
use rollwright_core::{
    BlobRef, BlockInput, DaOrdinal, ExecuteOutcome, Executed, ForcedId, InvalidBlock,
};

/// A block that waits for its execution.
#[derive(Debug)]
pub(super) struct Applying {
    pub(super) input: BlockInput,
    origin: DaOrdinal,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Batch(Box<BatchWork>),
    Lapse,
}

/// A batch whose blocks are being executed.
#[derive(Debug)]
pub(super) struct BatchWork {
    pub(super) key: BatchKey,
    pub(super) term: u64,
    pub(super) announced: Option<Box<Announcement>>,
    pub(super) first_block: u64,
    pub(super) bytes: u64,
    pub(super) blobs: Vec<BlobRef>,
    pub(super) rest: VecDeque<BatchBlock>,
    pub(super) applied: u32,
}

impl Applying {
    /// The next block of a batch; `None` after the last one.
    pub(super) fn batch(rules: &Rules, state: &DeriverState, mut batch: BatchWork) -> Option<Self> {
        let block = batch.rest.pop_front()?;
        let input = block_input(rules, state, &block)?;
        Some(Self {
            input,
            origin: block.origin,
            source: Source::Batch(Box::new(batch)),
        })
    }

    /// The deriver's own block on an origin.
    pub(super) fn lapse(rules: &Rules, state: &DeriverState, origin: DaOrdinal) -> Option<Self> {
        let block = BatchBlock {
            timestamp: state.origin(origin)?.time,
            origin,
            fee_recipient: rules.config().fee_vault,
            transactions: Vec::new(),
        };
        Some(Self {
            input: block_input(rules, state, &block)?,
            origin,
            source: Source::Lapse,
        })
    }

    /// The outcome must be of this input.
    pub(super) fn check(&self, outcome: &ExecuteOutcome) -> Result<(), DeriveError> {
        let ExecuteOutcome::Valid(executed) = outcome else {
            return Ok(());
        };
        let number = self.input.number();
        let what = if executed.block.number != number {
            "it has another number"
        } else if executed.forced.len() != self.input.forced.len() {
            "it reports on another number of forced entries"
        } else if executed.header.parent_hash != self.input.parent.hash {
            "it has another parent"
        } else {
            return Ok(());
        };
        Err(DeriveError::WrongOutcome { number, what })
    }
}

fn block_input(rules: &Rules, state: &DeriverState, block: &BatchBlock) -> Option<BlockInput> {
    let header = state.origin(block.origin)?;
    let forced = due_entries(rules, state, &BTreeSet::new(), block.origin);
    let attributes = rules.attributes(
        block.origin,
        header,
        block.timestamp,
        block.fee_recipient,
        forced,
    );
    Some(attributes.into_input(state.head().block, block.transactions.clone()))
}

impl<C: BatchCodec> Deriver<C> {
    pub(super) fn take_outcome(
        &mut self,
        work: &mut Work,
        applying: Applying,
        outcome: &ExecuteOutcome,
    ) {
        let Applying {
            input,
            origin,
            source,
        } = applying;
        match (source, outcome) {
            (Source::Batch(mut batch), ExecuteOutcome::Valid(executed)) => {
                batch.applied += 1;
                let number = batch.key.number;
                self.extend(work, &input, origin, executed, DerivedFrom::Batch(number));
                if batch.rest.is_empty() {
                    self.end_batch(work, *batch, None);
                } else {
                    let rules = Arc::clone(&self.rules);
                    work.applying = Applying::batch(&rules, &self.state, *batch);
                }
            }
            (Source::Batch(batch), ExecuteOutcome::Invalid(invalid)) => {
                self.end_batch(work, *batch, Some(invalid.clone()));
                let pending = |_: &BatchKey, batch: &crate::PendingBatch| batch.completed.is_some();
                self.drop_batches(work, &DropReason::AfterInvalid, pending);
            }
            (Source::Lapse, ExecuteOutcome::Valid(executed)) => {
                self.extend(work, &input, origin, executed, DerivedFrom::Lapse);
                let interval = self.rules.at(work.ordinal).timing.lapse_interval;
                self.state.core_mut().next_try = Some(work.ordinal.plus(interval));
            }
            (Source::Lapse, ExecuteOutcome::Invalid(invalid)) => {
                let reason = DropReason::OwnBlock(invalid.reason.clone());
                work.dropped(None, None, reason);
                self.state.core_mut().next_try = Some(work.ordinal.plus(1));
            }
        }
    }

    /// The block becomes the derived head.
    fn extend(
        &mut self,
        work: &mut Work,
        input: &BlockInput,
        origin: DaOrdinal,
        executed: &Executed,
        from: DerivedFrom,
    ) {
        let outcomes = input
            .forced
            .iter()
            .map(|entry| entry.id)
            .zip(&executed.forced);
        let consumed: Vec<ForcedId> = consumed_entries(&self.rules, origin, outcomes).collect();
        for id in consumed {
            self.state.remove_forced(id);
        }
        let parent = *self.state.head();
        let before = if parent.origin == origin {
            parent.on_origin
        } else {
            0
        };
        self.state.core_mut().head = Position {
            block: executed.block,
            timestamp: input.timestamp,
            origin,
            on_origin: before.saturating_add(1),
        };
        work.events.push(DeriveEvent::Block(DerivedBlock {
            block: executed.block,
            origin,
            from,
        }));
    }

    fn end_batch(&mut self, work: &mut Work, batch: BatchWork, ended: Option<InvalidBlock>) {
        if batch.applied > 0 && self.state.lapsed() {
            self.state.core_mut().next_try = None;
            work.events.push(DeriveEvent::Returned);
        }
        work.events.push(DeriveEvent::Batch(AppliedBatch {
            number: batch.key.number,
            id: batch.key.id,
            signer: batch.key.signer,
            term: batch.term,
            announced: batch.announced.map(|announced| *announced),
            first_block: batch.first_block,
            blocks: batch.applied,
            bytes: batch.bytes,
            point: self.rules.point(work.ordinal, &work.header),
            ordinal: work.ordinal,
            blobs: batch.blobs,
            ended,
        }));
    }
}
