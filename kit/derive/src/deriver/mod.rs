//! From DA blocks to block inputs: a state machine without I/O.

mod apply;
mod error;
mod event;
mod finish;
mod forced;
mod ingest;
mod open;
mod request;
mod rollback;
mod trace;

pub use error::DeriveError;
pub use event::{AppliedBatch, DaStep, DeriveEvent, DerivedBlock, DerivedFrom};
pub use request::{DaPlace, DaRequest};
pub use rollback::{Finalized, Rollback};
pub use trace::{DropReason, Dropped, MAX_TRACES};

use crate::{BatchCodec, Rules, StateError, state::DeriverState};
use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use apply::Applying;
use rollback::Undo;
use rollwright_core::{
    BlockInput, BlockRef, DaBlock, DaHeader, DaOrdinal, ExecuteOutcome, RecordChange,
};
use trace::Traces;

/// Ids of rejected batches that are remembered until a number is consumed.
pub const REJECTED_MEMORY: usize = 64;

/// Batches of one number that one key may have stored at a time. An honest key
/// has one.
pub const MAX_RIVALS: usize = 8;

/// Bytes of transactions that one byte of decompressed payload becomes at
/// most, whatever the engine.
pub const MOST_EXPANSION: u64 = 32;

/// Decides what the chain is, one DA block after the other.
///
/// The driver loops: [`poll`](Self::poll), do what the step asks, hand the
/// answer in. The same DA blocks and outcomes give the same steps on every
/// node, whatever happened in between.
///
/// Work on one DA block is atomic: rows change in the store only with
/// [`Step::Commit`]. A driver that dies before begins that DA block again.
#[derive(Debug)]
pub struct Deriver<C> {
    rules: Arc<Rules>,
    codec: C,
    state: DeriverState,
    undo: BTreeMap<DaOrdinal, Undo>,
    /// Every ordinal below is final and needs no undo record.
    final_below: DaOrdinal,
    /// DA blocks up to here are final once they are read.
    final_ahead: Option<DaOrdinal>,
    /// Undo records that the next commit removes.
    outdated: Vec<RecordChange>,
    work: Option<Work>,
    ready: Option<Box<DaStep>>,
}

/// What the deriver wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hand this DA block to [`Deriver::feed_block`], or to
    /// [`Deriver::feed_first_block`] where it begins a DA epoch.
    DaBlock(DaRequest),
    /// Execute this and hand the outcome to [`Deriver::feed_outcome`].
    Execute(Box<BlockInput>),
    /// One DA block is worked off: store `records`, move the heads, both in
    /// one atomic step, then call [`Deriver::committed`].
    Commit(Box<DaStep>),
}

/// One DA block in the works.
#[derive(Debug)]
pub(crate) struct Work {
    ordinal: DaOrdinal,
    header: DaHeader,
    head_before: BlockRef,
    events: Vec<DeriveEvent>,
    traces: Traces,
    applying: Option<Applying>,
    /// True once the deriver's own block of this DA block was dealt with.
    lapse_done: bool,
    /// True once parts and pending batches were expired.
    expired: bool,
    /// Decompressed bytes of batches that were decoded in vain.
    waste: u64,
}

impl<C: BatchCodec> Deriver<C> {
    /// A deriver before the first DA block.
    pub fn new(rules: Arc<Rules>, codec: C, genesis: BlockRef, genesis_time: u64) -> Self {
        Self::with_state(rules, codec, DeriverState::genesis(genesis, genesis_time))
    }

    /// A deriver that goes on from a state, such as a snapshot's, all of which
    /// is final.
    pub fn with_state(rules: Arc<Rules>, codec: C, state: DeriverState) -> Self {
        Self {
            rules,
            codec,
            final_below: state.next_ordinal(),
            state,
            final_ahead: None,
            outdated: Vec::new(),
            undo: BTreeMap::new(),
            work: None,
            ready: None,
        }
    }

    /// The deriver in a node's records (those under
    /// [`RECORD_PREFIX`](crate::RECORD_PREFIX), in any order); a new one where
    /// there are none.
    pub fn load(
        rules: Arc<Rules>,
        codec: C,
        genesis: BlockRef,
        genesis_time: u64,
        records: impl IntoIterator<Item = (Bytes, Bytes)>,
    ) -> Result<Self, DeriveError> {
        let mut undo = BTreeMap::new();
        let mut rows = Vec::new();
        for (key, value) in records {
            match crate::state::undo_ordinal(&key) {
                Some(ordinal) => {
                    undo.insert(ordinal, Undo::decode(&value)?);
                }
                None => rows.push((key, value)),
            }
        }
        let Some(state) = DeriverState::from_records(rows)? else {
            return Ok(Self::new(rules, codec, genesis, genesis_time));
        };
        if !state.has_epochs_of(&rules) {
            let what = "its DA epochs are not those of the amendments, of which one is missing or begins an epoch at or below what was derived";
            return Err(StateError::Inconsistent(what).into());
        }
        let mut deriver = Self::with_state(rules, codec, state);
        if let Some(first) = undo.keys().next() {
            deriver.final_below = *first;
        }
        deriver.undo = undo;
        Ok(deriver)
    }

    /// What to do next. Asking again gives the same answer until it is dealt
    /// with.
    pub fn poll(&self) -> Step {
        if let Some(step) = &self.ready {
            return Step::Commit(step.clone());
        }
        if let Some(applying) = self.work.as_ref().and_then(|work| work.applying.as_ref()) {
            return Step::Execute(Box::new(applying.input.clone()));
        }
        Step::DaBlock(self.request())
    }

    /// The next DA block that is read, once what is in the works is done.
    pub fn request(&self) -> DaRequest {
        DaRequest::next(&self.rules, &self.state)
    }

    /// Takes the requested DA block.
    ///
    /// [`DeriveError::Reorganised`]: the block does not follow the last one
    /// read; find the last common block and call
    /// [`rollback`](Self::rollback). Nothing has changed then.
    pub fn feed_block(&mut self, block: &DaBlock) -> Result<(), DeriveError> {
        let Step::DaBlock(request) = self.poll() else {
            return Err(DeriveError::OutOfTurn("a DA block"));
        };
        request.check_follows(&block.header)?;
        self.take_block(&request, block)
    }

    /// Takes the requested DA block where the request is for the first one of
    /// an epoch. `below` is the header one height below it, not needed where
    /// the block has the least height.
    ///
    /// [`DeriveError::EpochNotReached`]: the last DA block of the epoch before
    /// is not known to be final. [`DeriveError::EpochStart`]: the block is not
    /// the first one. Nothing has changed then.
    pub fn feed_first_block(
        &mut self,
        block: &DaBlock,
        below: Option<&DaHeader>,
    ) -> Result<(), DeriveError> {
        let Step::DaBlock(request) = self.poll() else {
            return Err(DeriveError::OutOfTurn("a DA block"));
        };
        request.check_first(&block.header, below)?;
        if self.final_below < request.ordinal {
            return Err(DeriveError::EpochNotReached {
                epoch: request.epoch,
                ordinal: request.ordinal,
            });
        }
        self.take_block(&request, block)
    }

    fn take_block(&mut self, request: &DaRequest, block: &DaBlock) -> Result<(), DeriveError> {
        if self
            .final_ahead
            .is_some_and(|ahead| request.ordinal <= ahead)
        {
            // It is final and follows what was read, which therefore is too.
            let mut outdated = self.forget_undo(request.ordinal.plus(1));
            self.outdated.append(&mut outdated);
        }
        let mut work = Work {
            ordinal: request.ordinal,
            header: block.header,
            head_before: self.state.head().block,
            events: Vec::new(),
            traces: Traces::default(),
            applying: None,
            lapse_done: false,
            expired: false,
            waste: 0,
        };
        self.begin(&mut work, request.start(&block.header));
        self.ingest(&mut work, &block.blobs);
        self.advance(work)
    }

    /// Takes the outcome of the requested execution.
    ///
    /// [`DeriveError::WrongOutcome`]: the outcome is of another block; nothing
    /// has changed.
    pub fn feed_outcome(&mut self, outcome: &ExecuteOutcome) -> Result<(), DeriveError> {
        let Some(mut work) = self.work.take() else {
            return Err(DeriveError::OutOfTurn("an outcome"));
        };
        let Some(applying) = work.applying.take() else {
            self.work = Some(work);
            return Err(DeriveError::OutOfTurn("an outcome"));
        };
        if let Err(error) = applying.check(outcome) {
            work.applying = Some(applying);
            self.work = Some(work);
            return Err(error);
        }
        self.take_outcome(&mut work, applying, outcome);
        self.advance(work)
    }

    /// The step of [`Step::Commit`] is stored.
    pub fn committed(&mut self) {
        self.ready = None;
    }

    /// The state after the last DA block that was worked off; in the middle of
    /// one, its present state.
    pub const fn state(&self) -> &DeriverState {
        &self.state
    }

    /// The chain's rules.
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// True where no DA block is in the works and none waits to be stored.
    pub const fn is_between_blocks(&self) -> bool {
        self.work.is_none() && self.ready.is_none()
    }

    /// Goes on until something is needed from outside.
    fn advance(&mut self, mut work: Work) -> Result<(), DeriveError> {
        loop {
            if work.applying.is_some() {
                self.work = Some(work);
                return Ok(());
            }
            if self.open_next(&mut work) {
                continue;
            }
            self.expire(&mut work);
            if self.try_lapse(&mut work) {
                continue;
            }
            self.finish(work);
            return Ok(());
        }
    }
}
