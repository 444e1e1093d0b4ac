//! The one place that moves heads.

mod derived;
mod extension;
mod fork;
mod lead;
mod movement;
mod tip;

pub(crate) use derived::Derived;
pub(crate) use extension::Extension;
pub(crate) use tip::Tip;

use crate::{NodeError, events::Events, pool::PoolService};
use alloy_primitives::{Bytes, keccak256};
use parking_lot::RwLock;
use rollwright_core::{BlockId, BlockRecord, BlockRef, Execution, Heads};
use rollwright_derive::{Position, Rules};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tip::preconfirmed;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, watch};

/// What readers see without waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainView {
    pub(crate) heads: Heads,
    pub(crate) backlog: (u64, u64),
}

/// The chain of a running node: the engine, and every movement of its heads.
///
/// Each movement is one atomic commit of the engine, with the node's records
/// that belong to it. What is told to others is told after the commit.
pub(crate) struct Chain<E> {
    pub(crate) execution: E,
    pub(crate) rules: Arc<Rules>,
    pub(crate) events: Events,
    pool: Option<Arc<PoolService<E>>>,
    tip: Arc<Mutex<Tip>>,
    /// How many wait for the tip.
    waiting: AtomicUsize,
    view: RwLock<ChainView>,
    moved: watch::Sender<Heads>,
}

impl<E: Execution> Chain<E> {
    /// Takes up the chain where the store left it. `safe` is the place of the
    /// safe head, as derivation knows it.
    pub(crate) fn open(
        execution: E,
        rules: Arc<Rules>,
        events: Events,
        pool: Option<Arc<PoolService<E>>>,
        safe: Position,
    ) -> Result<Self, NodeError> {
        let heads = execution.heads().map_err(NodeError::execution)?;
        let mut tip = Tip::new(heads, safe, lead::stored(&execution)?);
        for number in safe.block.number.saturating_add(1)..=heads.latest.number {
            let record = canonical(&execution, number)?;
            let block = preconfirmed(&rules, tip.latest(), &record)?;
            tip.push(block);
        }
        let view = ChainView {
            heads,
            backlog: tip.backlog(),
        };
        Ok(Self {
            execution,
            rules,
            events,
            pool,
            tip: Arc::new(Mutex::new(tip)),
            waiting: AtomicUsize::new(0),
            view: RwLock::new(view),
            moved: watch::Sender::new(heads),
        })
    }

    /// What readers see.
    pub(crate) fn view(&self) -> ChainView {
        *self.view.read()
    }

    /// Changes with each movement of a head.
    pub(crate) fn watch(&self) -> watch::Receiver<Heads> {
        self.moved.subscribe()
    }

    /// Waits for the right to move heads.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, Tip> {
        let _waits = Waits::begin(&self.waiting);
        self.tip.lock().await
    }

    /// The same, to be kept over several movements.
    pub(crate) async fn lock_owned(&self) -> OwnedMutexGuard<Tip> {
        let _waits = Waits::begin(&self.waiting);
        self.tip.clone().lock_owned().await
    }

    /// True while somebody waits for the right to move heads.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn told_pool(&self, block: &BlockRecord, from_outside: bool) {
        if let Some(pool) = &self.pool {
            let forced = !block.forced_included.is_empty();
            let all = block.transactions.iter().chain(&block.forced_included);
            pool.block_included(
                all.map(|bytes: &Bytes| keccak256(bytes)),
                from_outside || forced,
            );
        }
    }

    fn publish(&self, tip: &Tip) {
        self.show(ChainView {
            heads: tip.heads,
            backlog: tip.backlog(),
        });
    }

    /// Shows readers what has been committed, and wakes those who wait for it.
    fn show(&self, view: ChainView) {
        let heads = view.heads;
        *self.view.write() = view;
        let gauge = |head: &'static str, number: u64| {
            #[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
            metrics::gauge!("rollwright_block_height", "head" => head).set(number as f64);
        };
        gauge("latest", heads.latest.number);
        gauge("safe", heads.safe.number);
        gauge("finalized", heads.finalized.number);
        if let Some(pool) = &self.pool {
            pool.moved();
        }
        self.moved.send_replace(heads);
    }

    fn by_hash(&self, block: BlockRef) -> Result<BlockRecord, NodeError> {
        self.execution
            .block(BlockId::Hash(block.hash))
            .map_err(NodeError::execution)?
            .ok_or_else(|| NodeError::Invariant {
                what: format!(
                    "the engine does not know block {} {}",
                    block.number, block.hash
                ),
            })
    }
}

/// Counts somebody who waits, for as long as it lives.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A canonical block that must be there.
pub(crate) fn canonical<E: Execution>(
    execution: &E,
    number: u64,
) -> Result<BlockRecord, NodeError> {
    execution
        .block(BlockId::Number(number))
        .map_err(NodeError::execution)?
        .ok_or_else(|| NodeError::Invariant {
            what: format!("canonical block {number} is missing in the store"),
        })
}
