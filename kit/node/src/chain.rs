//! The one place that moves heads.

use crate::{
    NodeError,
    events::Events,
    pool::{Orphan, PoolService},
};
use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::RwLock;
use rollwright_core::{
    BlockId, BlockRecord, BlockRef, DaOrdinal, Execution, ForcedId, Heads, NodeEvent, RecordChange,
};
use rollwright_derive::{Position, Rules, consumed_entries};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};
use tokio::sync::{Mutex, MutexGuard, watch};

/// A block above the safe head, as far as building on it must know.
#[derive(Clone, Debug)]
pub(crate) struct Preconfirmed {
    pub(crate) position: Position,
    /// Forced entries that it took out of the queue.
    pub(crate) consumed: Vec<ForcedId>,
    /// Sum of the lengths of its ordinary transactions.
    pub(crate) bytes: u64,
}

/// The chain's end. Whoever holds the lock may move heads.
#[derive(Debug)]
pub(crate) struct Tip {
    heads: Heads,
    /// Place of the safe head.
    safe: Position,
    /// Blocks above it, ascending.
    unsafe_blocks: VecDeque<Preconfirmed>,
    unsafe_bytes: u64,
}

impl Tip {
    pub(crate) const fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The latest block's place.
    pub(crate) fn latest(&self) -> &Position {
        self.unsafe_blocks
            .back()
            .map_or(&self.safe, |block| &block.position)
    }

    /// How much is not derived from DA yet: blocks and bytes.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        (self.unsafe_blocks.len() as u64, self.unsafe_bytes)
    }

    /// Forced entries that blocks above the safe head have taken.
    pub(crate) fn consumed(&self) -> BTreeSet<ForcedId> {
        let blocks = self.unsafe_blocks.iter();
        blocks
            .flat_map(|block| block.consumed.iter().copied())
            .collect()
    }

    /// The place of a canonical block at or above the safe head.
    fn place_of(&self, block: BlockRef) -> Option<Position> {
        if self.safe.block == block {
            return Some(self.safe);
        }
        let found = self
            .unsafe_blocks
            .iter()
            .rev()
            .find(|found| found.position.block == block)?;
        Some(found.position)
    }

    fn push(&mut self, block: Preconfirmed) {
        self.unsafe_bytes += block.bytes;
        self.unsafe_blocks.push_back(block);
    }

    /// Keeps the blocks at or below `number`.
    fn truncate_above(&mut self, number: u64) {
        while let Some(last) = self.unsafe_blocks.back()
            && last.position.block.number > number
        {
            self.unsafe_bytes -= last.bytes;
            self.unsafe_blocks.pop_back();
        }
    }

    /// Forgets the blocks at or below `number`: they are safe.
    fn drop_up_to(&mut self, number: u64) {
        while let Some(first) = self.unsafe_blocks.front()
            && first.position.block.number <= number
        {
            self.unsafe_bytes -= first.bytes;
            self.unsafe_blocks.pop_front();
        }
    }
}

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
    tip: Mutex<Tip>,
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
        let mut tip = Tip {
            heads,
            safe,
            unsafe_blocks: VecDeque::new(),
            unsafe_bytes: 0,
        };
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
            tip: Mutex::new(tip),
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
        self.tip.lock().await
    }

    /// Puts a built or executed block on its parent, which is canonical and
    /// not below the safe head. Blocks above the parent leave the chain.
    ///
    /// Durable on return, with `records`. If the future is dropped, the block
    /// may be there or not.
    pub(crate) async fn extend(
        &self,
        tip: &mut Tip,
        block: BlockRef,
        mut records: Vec<RecordChange>,
        from_outside: bool,
    ) -> Result<Arc<BlockRecord>, NodeError> {
        let record = self.by_hash(block)?;
        let parent = tip
            .place_of(record.parent)
            .ok_or_else(|| NodeError::Invariant {
                what: format!("block {} does not stand above the safe head", block.number),
            })?;
        let placed = preconfirmed(&self.rules, &parent, &record)?;
        if let Some(pool) = &self.pool {
            records.extend(pool.rebuilt_rows(&record.transactions));
        }
        let heads = Heads {
            latest: block,
            ..tip.heads
        };
        let removed = self
            .execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        tip.truncate_above(record.parent.number);
        tip.heads = heads;
        tip.push(placed);
        let record = Arc::new(record);
        self.told_pool(&record, from_outside);
        self.publish(tip);
        if !removed.is_empty() {
            self.events.send(NodeEvent::Removed(Arc::new(removed)));
        }
        self.events.send(NodeEvent::Block(record.clone()));
        Ok(record)
    }

    /// Makes `head`, which derivation has executed, the latest block where it
    /// grows from the present one, so that the engine needs not hold many
    /// blocks beside the chain; does nothing otherwise. Safe follows with
    /// [`derived`](Self::derived).
    pub(crate) async fn advance(&self, tip: &mut Tip, head: BlockRef) -> Result<(), NodeError> {
        let mut blocks = Vec::new();
        let mut at = head;
        while at.number > tip.heads.latest.number {
            let record = self.by_hash(at)?;
            at = record.parent;
            blocks.push(record);
        }
        if at != tip.heads.latest {
            return Ok(());
        }
        blocks.reverse();
        let mut placed = Vec::with_capacity(blocks.len());
        let mut records = Vec::new();
        let mut parent = *tip.latest();
        for block in &blocks {
            let place = preconfirmed(&self.rules, &parent, block)?;
            parent = place.position;
            placed.push(place);
            if let Some(pool) = &self.pool {
                records.extend(pool.rebuilt_rows(&block.transactions));
            }
        }
        let heads = Heads {
            latest: head,
            ..tip.heads
        };
        self.execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        tip.heads = heads;
        for place in placed {
            tip.push(place);
        }
        for block in blocks {
            let block = Arc::new(block);
            self.told_pool(&block, true);
            self.events.send(NodeEvent::Block(block));
        }
        self.publish(tip);
        Ok(())
    }

    /// Moves safe and finalized heads to what derivation says, and the latest
    /// head with them where it is not on that chain.
    ///
    /// `derived` is the place of the derived head; `undone` the first DA
    /// ordinal that was undone, where some were. Returns the blocks that
    /// left the chain, newest first.
    pub(crate) async fn derived(
        &self,
        tip: &mut Tip,
        derived: Position,
        finalized: BlockRef,
        undone: Option<DaOrdinal>,
        mut records: Vec<RecordChange>,
    ) -> Result<Arc<Vec<BlockRecord>>, NodeError> {
        let fork = self.fork_with(tip, derived.block)?;
        let follows = fork == derived.block;
        // On the derived chain, what lies above its head may stay, up to the
        // last block whose origin still stands.
        let latest = match (follows, undone) {
            (false, _) => derived.block,
            (true, None) => tip.heads.latest,
            (true, Some(undone)) => self.last_standing(derived.block, tip.heads.latest, undone)?,
        };
        let finalized = if finalized.number > tip.heads.finalized.number {
            finalized
        } else {
            tip.heads.finalized
        };
        let stays = if follows { latest.number } else { fork.number };
        let new_blocks = self.chain_between(derived.block, fork)?;
        let orphans = self.orphans(stays, tip.heads.latest.number, &new_blocks)?;
        if let Some(pool) = &self.pool {
            for block in &new_blocks {
                records.extend(pool.rebuilt_rows(&block.transactions));
            }
            if !orphans.is_empty() {
                records.extend(pool.orphaned(orphans));
            }
        }
        let heads = Heads {
            latest,
            safe: derived.block,
            finalized,
        };
        let removed = self
            .execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        tip.truncate_above(stays);
        tip.drop_up_to(derived.block.number);
        tip.safe = derived;
        // The safe head went back below blocks that stay: they count again.
        if tip.unsafe_blocks.front().is_some_and(|first| {
            first.position.block.number > derived.block.number.saturating_add(1)
        }) || (tip.unsafe_blocks.is_empty() && latest.number > derived.block.number)
        {
            self.reload(tip, latest.number)?;
        }
        let before = std::mem::replace(&mut tip.heads, heads);
        let removed = Arc::new(removed);
        if !removed.is_empty() {
            self.events.send(NodeEvent::Removed(removed.clone()));
        }
        for block in new_blocks {
            let block = Arc::new(block);
            self.told_pool(&block, true);
            self.events.send(NodeEvent::Block(block));
        }
        self.publish(tip);
        if (before.safe, before.finalized) != (heads.safe, heads.finalized) {
            self.events.send(NodeEvent::Heads(heads));
        }
        Ok(removed)
    }

    /// Takes back the blocks above a canonical one at or above the safe head;
    /// their transactions wait to be rebuilt in the same order. Nothing
    /// happens where the block has left the chain meanwhile.
    pub(crate) async fn rewind(&self, tip: &mut Tip, to: BlockRef) -> Result<(), NodeError> {
        if to == tip.heads.latest {
            return Ok(());
        }
        let Some(place) = tip.place_of(to) else {
            return Ok(());
        };
        let orphans = self.orphans(to.number, tip.heads.latest.number, &[])?;
        let records = match &self.pool {
            Some(pool) if !orphans.is_empty() => pool.orphaned(orphans),
            _ => Vec::new(),
        };
        let heads = Heads {
            latest: place.block,
            ..tip.heads
        };
        let removed = self
            .execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        tip.truncate_above(to.number);
        tip.heads = heads;
        self.publish(tip);
        self.events.send(NodeEvent::Removed(Arc::new(removed)));
        Ok(())
    }

    /// The last block from `from` up to `latest` before the first whose origin
    /// is undone: `undone` or above.
    fn last_standing(
        &self,
        from: BlockRef,
        latest: BlockRef,
        undone: DaOrdinal,
    ) -> Result<BlockRef, NodeError> {
        let mut last = from;
        for number in from.number.saturating_add(1)..=latest.number {
            let record = canonical(&self.execution, number)?;
            if record.anchor.is_none_or(|anchor| anchor.ordinal >= undone) {
                break;
            }
            last = record.block;
        }
        Ok(last)
    }

    fn reload(&self, tip: &mut Tip, latest: u64) -> Result<(), NodeError> {
        tip.unsafe_blocks.clear();
        tip.unsafe_bytes = 0;
        for number in tip.safe.block.number.saturating_add(1)..=latest {
            let record = canonical(&self.execution, number)?;
            let block = preconfirmed(&self.rules, tip.latest(), &record)?;
            tip.push(block);
        }
        Ok(())
    }

    /// The newest block that is both on the present chain and on the one that
    /// ends in `block`.
    fn fork_with(&self, tip: &Tip, block: BlockRef) -> Result<BlockRef, NodeError> {
        let mut at = block;
        loop {
            if at.number <= tip.heads.latest.number
                && canonical(&self.execution, at.number)?.block == at
            {
                return Ok(at);
            }
            if at.number == 0 {
                return Err(NodeError::Invariant {
                    what: format!("block {} is of another chain", block.hash),
                });
            }
            at = self.by_hash(at)?.parent;
        }
    }

    /// The blocks above `fork` up to `head`, ascending.
    fn chain_between(&self, head: BlockRef, fork: BlockRef) -> Result<Vec<BlockRecord>, NodeError> {
        let mut blocks = Vec::new();
        let mut at = head;
        while at != fork {
            let record = self.by_hash(at)?;
            at = record.parent;
            blocks.push(record);
        }
        blocks.reverse();
        Ok(blocks)
    }

    /// Transactions of canonical blocks above `stays` which the new blocks do
    /// not contain, in their old order.
    fn orphans(
        &self,
        stays: u64,
        latest: u64,
        new_blocks: &[BlockRecord],
    ) -> Result<Vec<Orphan>, NodeError> {
        if self.pool.is_none() || stays >= latest {
            return Ok(Vec::new());
        }
        let kept: BTreeSet<B256> = new_blocks
            .iter()
            .flat_map(|block| block.transactions.iter().chain(&block.forced_included))
            .map(keccak256)
            .collect();
        let mut orphans = Vec::new();
        for number in stays.saturating_add(1)..=latest {
            let record = canonical(&self.execution, number)?;
            orphans.extend(
                record
                    .transactions
                    .into_iter()
                    .map(|bytes| Orphan {
                        hash: keccak256(&bytes),
                        bytes,
                    })
                    .filter(|orphan| !kept.contains(&orphan.hash)),
            );
        }
        Ok(orphans)
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
        *self.view.write() = ChainView {
            heads: tip.heads,
            backlog: tip.backlog(),
        };
        let gauge = |head: &'static str, number: u64| {
            #[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
            metrics::gauge!("rollwright_block_height", "head" => head).set(number as f64);
        };
        gauge("latest", tip.heads.latest.number);
        gauge("safe", tip.heads.safe.number);
        gauge("finalized", tip.heads.finalized.number);
        self.moved.send_replace(tip.heads);
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

/// A block's place on its parent's, from what the engine keeps of it.
fn preconfirmed(
    rules: &Rules,
    parent: &Position,
    record: &BlockRecord,
) -> Result<Preconfirmed, NodeError> {
    let anchor = record.anchor.as_ref().ok_or_else(|| NodeError::Invariant {
        what: format!("block {} has no anchor", record.block.number),
    })?;
    let same = anchor.ordinal == parent.origin;
    let on_origin = if same { parent.on_origin } else { 0 };
    let outcomes = record.forced.iter().map(|(id, outcome)| (*id, outcome));
    Ok(Preconfirmed {
        position: Position {
            block: record.block,
            timestamp: record.timestamp,
            origin: anchor.ordinal,
            on_origin: on_origin.saturating_add(1),
        },
        consumed: consumed_entries(rules, anchor.ordinal, outcomes).collect(),
        bytes: record
            .transactions
            .iter()
            .map(|bytes| bytes.len() as u64)
            .sum(),
    })
}
