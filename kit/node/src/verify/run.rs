//! Deriving epoch by epoch, and comparing block by block.

use super::{
    Verified, VerifyProgress,
    compare::{compare, compare_header},
};
use crate::{
    DaLayers, NodeError,
    derivation::{LEAD, execute},
    layers::{first_block, is_final, last_height},
};
use futures_util::{StreamExt, stream};
use rollwright_core::{
    BlockRef, ChainStore, DaHead, DaHeight, DataAvailability, ErrorKind, ExecuteOutcome, Execution,
    Heads, LayerError,
};
use rollwright_derive::{DaPlace, Derivable, DeriveError, Deriver, Rules, Step};
use std::sync::Arc;

/// Attempts at a DA layer that fails for a while.
const ATTEMPTS: u32 = 5;

/// A verification under way.
pub(super) struct Run<'a, E: Derivable, D, S> {
    pub(super) layers: &'a DaLayers<D>,
    pub(super) rules: Arc<Rules>,
    pub(super) fresh: &'a E,
    pub(super) reference: &'a S,
    /// The reference's heads at the begin.
    pub(super) heads: Heads,
    pub(super) snapshot: Option<BlockRef>,
    pub(super) deriver: Deriver<E::Codec>,
    /// DA blocks fetched at the same time.
    pub(super) prefetch: usize,
    /// The last DA block read.
    pub(super) height: Option<DaHeight>,
}

/// How an epoch was left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Epoch {
    /// All of it is derived; the next one goes on.
    Ended,
    /// There is no more to read: the layer's head is reached, or has moved to
    /// another fork, or the epoch cannot begin yet.
    Last,
}

impl<E, D, S> Run<'_, E, D, S>
where
    E: Derivable,
    D: DataAvailability,
    S: ChainStore + Sync,
{
    /// Derives what there is of the epoch that is next.
    pub(super) async fn epoch(
        &mut self,
        progress: &mut (impl FnMut(VerifyProgress) + Send),
    ) -> Result<Epoch, NodeError> {
        let epoch = self.deriver.request().epoch;
        let layers = self.layers;
        let da = layers.of(&self.rules, epoch)?;
        let head = retried(|| da.head()).await?;
        if !self.begin(head).await? {
            return Ok(Epoch::Last);
        }
        if let Some(finalized) = head.finalized {
            self.deriver.finalize(epoch, finalized);
        }
        let state = self.deriver.state();
        let last = last_height(&self.rules, state, epoch, head.observed.height);
        let first = match self.deriver.poll() {
            Step::DaBlock(request) => request.height(),
            // The first block of an epoch is in the works.
            _ => {
                let first = self.deriver.state().last_da_block();
                let first = first.map(|block| block.height);
                if let Some(first) = first {
                    self.work_off(first, last, progress).await?;
                }
                first.map(|first| DaHeight(first.0.saturating_add(1)))
            }
        };
        let mut blocks = stream::iter(first.map_or(u64::MAX, |first| first.0)..=last.0)
            .map(|height| retried(move || da.fetch(DaHeight(height), None)))
            .buffered(self.prefetch);
        while let Some(block) = blocks.next().await {
            let block = block?;
            match self.deriver.feed_block(&block) {
                Ok(()) => {}
                // The head moved to another fork: what was derived is enough.
                Err(DeriveError::Reorganised { .. }) => return Ok(Epoch::Last),
                Err(error) => return Err(NodeError::derive(error)),
            }
            self.work_off(block.header.height, last, progress).await?;
        }
        if self.deriver.request().epoch == epoch {
            return Ok(Epoch::Last);
        }
        Ok(Epoch::Ended)
    }

    /// Hands the deriver the first block of an epoch, where that is next. False
    /// where it cannot be read yet.
    async fn begin(&mut self, head: DaHead) -> Result<bool, NodeError> {
        let (layers, rules) = (self.layers, &self.rules);
        let request = self.deriver.request();
        let (DaPlace::First { least, after }, Some(last)) =
            (request.place, self.deriver.state().last_da_block())
        else {
            return Ok(true);
        };
        let before = layers.of(rules, request.epoch.saturating_sub(1))?;
        let ended = retried(|| before.head()).await?;
        if !retried(|| is_final(before, last, ended.finalized)).await? {
            return Ok(false);
        }
        let ended = request.epoch.saturating_sub(1);
        self.deriver.finalize(ended, last);
        let da = layers.of(rules, request.epoch)?;
        let found = retried(|| first_block(da, least, after, head.observed.height)).await?;
        let Some(first) = found else {
            return Ok(false);
        };
        match (self.deriver).feed_first_block(&first.block, first.below.as_ref()) {
            Ok(()) => Ok(true),
            Err(DeriveError::EpochStart { .. }) => Ok(false),
            Err(error) => Err(NodeError::derive(error)),
        }
    }

    /// Executes and compares what the DA block at `height` leads to.
    async fn work_off(
        &mut self,
        height: DaHeight,
        last: DaHeight,
        progress: &mut impl FnMut(VerifyProgress),
    ) -> Result<(), NodeError> {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => break,
                Step::Execute(input) => {
                    let outcome = execute(self.fresh, &input).await?;
                    let fed = self.deriver.feed_outcome(&outcome);
                    fed.map_err(NodeError::derive)?;
                    if let ExecuteOutcome::Valid(executed) = &outcome {
                        lead(self.fresh, executed.block).await?;
                    }
                }
                Step::Commit(step) => {
                    for derived in step.blocks() {
                        self.compare(derived.block)?;
                    }
                    let derived = Heads {
                        latest: step.safe,
                        safe: step.safe,
                        finalized: step.finalized,
                    };
                    let set = self.fresh.set_heads(&derived, &step.records).await;
                    set.map_err(NodeError::execution)?;
                    self.deriver.committed();
                }
            }
        }
        self.height = Some(height);
        progress(VerifyProgress {
            height,
            last,
            blocks: self.deriver.state().head().block.number,
            of: self.heads.safe.number,
        });
        Ok(())
    }

    /// Compares a derived block with the reference's. What lies above the
    /// reference's own safe head may still be rebuilt there.
    fn compare(&self, derived: BlockRef) -> Result<(), NodeError> {
        if (self.snapshot).is_some_and(|snapshot| derived.number < snapshot.number) {
            return compare_header(self.fresh, self.reference, derived);
        }
        if derived.number <= self.heads.safe.number {
            return compare(self.fresh, self.reference, derived);
        }
        Ok(())
    }

    /// What was found, once there is nothing more to read.
    pub(super) fn found(self) -> Result<Verified, NodeError> {
        let heads = self.heads;
        let derived = self.deriver.state().head().block;
        if derived.number < heads.safe.number {
            return Err(NodeError::NotDerived { block: heads.safe });
        }
        let head = if derived.number > heads.latest.number {
            heads.latest
        } else {
            derived
        };
        Ok(Verified {
            blocks: head.number,
            head,
            reference: heads,
            unposted: heads.latest.number.saturating_sub(head.number),
            snapshot: self.snapshot,
            height: self.height,
        })
    }
}

/// Lets the latest head follow in the middle of a DA block with many blocks:
/// an engine holds few beside the chain.
async fn lead<E: Execution>(fresh: &E, executed: BlockRef) -> Result<(), NodeError> {
    let heads = fresh.heads().map_err(NodeError::execution)?;
    if executed.number.saturating_sub(heads.latest.number) < LEAD as u64 {
        return Ok(());
    }
    let ahead = Heads {
        latest: executed,
        ..heads
    };
    let moved = fresh.set_heads(&ahead, &[]).await;
    moved.map(drop).map_err(NodeError::execution)
}

async fn retried<T, E, F>(mut call: impl FnMut() -> F) -> Result<T, NodeError>
where
    E: LayerError,
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match call().await {
            Ok(value) => return Ok(value),
            Err(error) if error.kind() == ErrorKind::Temporary && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => return Err(NodeError::da(error)),
        }
    }
}
