//! Making a block on one that is still being committed.

use crate::{
    NodeError, Spawner,
    chain::{Extension, Tip},
    pool::{BuildReport, PoolService, Taken},
};
use futures_util::{
    FutureExt,
    future::{AbortHandle, abortable},
};
use rollwright_core::{Execution, ForcedId};
use rollwright_derive::Position;
use std::{collections::BTreeSet, future::Future, sync::Arc};
use tokio::sync::oneshot;

/// What a block is made on: the tip, or one block above it that is being
/// committed.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    tip: &'a Tip,
    above: Option<(&'a Extension, &'a Taken)>,
}

impl<'a> Ground<'a> {
    pub(super) const fn on(tip: &'a Tip) -> Self {
        Self { tip, above: None }
    }

    /// `taken` is what the block above the tip has taken of the pool, which
    /// hears of the block once it is durable.
    pub(super) const fn above(tip: &'a Tip, block: &'a Extension, taken: &'a Taken) -> Self {
        let above = Some((block, taken));
        Self { tip, above }
    }

    pub(super) fn head(&self) -> &'a Position {
        match self.above {
            Some((block, _)) => block.position(),
            None => self.tip.latest(),
        }
    }

    /// Forced entries that blocks above the safe head have taken.
    pub(super) fn consumed(&self) -> BTreeSet<ForcedId> {
        let mut all = self.tip.consumed();
        all.extend(self.above.iter().flat_map(|(block, _)| block.consumed()));
        all
    }

    /// How much is not derived from DA yet: blocks and bytes.
    pub(super) fn backlog(&self) -> (u64, u64) {
        match self.above {
            Some((block, _)) => block.backlog(),
            None => self.tip.backlog(),
        }
    }

    pub(super) fn taken(&self) -> Option<&'a Taken> {
        self.above.map(|(_, taken)| taken)
    }

    /// True where a transaction waits that could go in.
    pub(super) fn has_ready<E: Execution>(&self, pool: &PoolService<E>) -> bool {
        match self.taken() {
            Some(taken) => pool.has_ready_beyond(taken),
            None => pool.read(|pool| pool.has_ready()),
        }
    }
}

/// A commit that runs beside the building of the next block. Dropped, it ends
/// where it waits, as at the end of the process.
pub(super) struct Committing {
    pub(super) extension: Arc<Extension>,
    pub(super) report: BuildReport,
    done: oneshot::Receiver<Result<(), NodeError>>,
    task: AbortHandle,
}

impl Committing {
    pub(super) fn begin(
        spawner: &dyn Spawner,
        extension: Arc<Extension>,
        report: BuildReport,
        commit: impl Future<Output = Result<(), NodeError>> + Send + 'static,
    ) -> Self {
        let (tell, done) = oneshot::channel();
        let (commit, task) = abortable(async move {
            // Whoever has gone away is being stopped.
            let _ = tell.send(commit.await);
        });
        spawner.spawn("commit", Box::pin(commit.map(|_| ())));
        Self {
            extension,
            report,
            done,
            task,
        }
    }

    /// Waits until the block is durable; what its building has reported.
    pub(super) async fn finish(&mut self) -> Result<(), NodeError> {
        (&mut self.done).await.unwrap_or_else(|_| {
            Err(NodeError::Invariant {
                what: format!(
                    "the commit of block {} panicked",
                    self.extension.block().number
                ),
            })
        })
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        self.task.abort();
    }
}
