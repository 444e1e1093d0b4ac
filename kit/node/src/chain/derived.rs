//! Movements that derivation asks for.

use super::{Chain, NodeError, Tip, canonical, lead, tip::preconfirmed};
use rollwright_core::{
    BlockRecord, BlockRef, DaOrdinal, Execution, Heads, NodeEvent, RecordChange,
};
use rollwright_derive::Position;
use std::sync::Arc;

/// What derivation says after it has worked on DA.
#[derive(Debug)]
pub(crate) struct Derived {
    /// Place of the derived head.
    pub(crate) head: Position,
    /// The last block derived from final DA.
    pub(crate) finalized: BlockRef,
    /// The first DA ordinal that was undone, where some were.
    pub(crate) undone: Option<DaOrdinal>,
    /// What commits with it.
    pub(crate) records: Vec<RecordChange>,
    /// True where a DA block is worked off or undone: what of one in the works
    /// stands above the head goes.
    pub(crate) settles: bool,
}

impl<E: Execution> Chain<E> {
    /// Moves safe and finalized heads to what derivation says, and the latest
    /// head with them where it is not on that chain. Returns the blocks that
    /// left the chain, newest first.
    pub(crate) async fn derived(
        &self,
        tip: &mut Tip,
        news: Derived,
    ) -> Result<Arc<Vec<BlockRecord>>, NodeError> {
        let Derived {
            head,
            finalized,
            undone,
            mut records,
            settles,
        } = news;
        let fork = self.fork_with(tip, head.block)?;
        let follows = fork == head.block;
        let led = tip.led.filter(|_| settles);
        records.extend(led.map(|_| lead::forget()));
        let latest = if follows {
            self.last_to_stay(tip, head.block, undone, led)?
        } else {
            head.block
        };
        let finalized = if finalized.number > tip.heads.finalized.number {
            finalized
        } else {
            tip.heads.finalized
        };
        let stays = if follows { latest.number } else { fork.number };
        let new_blocks = self.chain_between(head.block, fork)?;
        self.pool_rows(tip, stays, &new_blocks, &mut records)?;
        let heads = Heads {
            latest,
            safe: head.block,
            finalized,
        };
        let removed = self
            .execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        if settles {
            tip.led = None;
        }
        tip.truncate_above(stays);
        tip.drop_up_to(head.block.number);
        tip.safe = head;
        // The safe head went back below blocks that stay: they count again.
        if tip
            .unsafe_blocks
            .front()
            .is_some_and(|first| first.position.block.number > head.block.number.saturating_add(1))
            || (tip.unsafe_blocks.is_empty() && latest.number > head.block.number)
        {
            self.reload(tip, latest.number)?;
        }
        let before = std::mem::replace(&mut tip.heads, heads);
        let removed = Arc::new(removed);
        if !removed.is_empty() {
            self.events.send(NodeEvent::Removed(removed.clone()));
        }
        self.tell(new_blocks);
        self.publish(tip);
        if (before.safe, before.finalized) != (heads.safe, heads.finalized) {
            self.events.send(NodeEvent::Heads(heads));
        }
        Ok(removed)
    }

    /// On the derived chain, what lies above its head may stay: up to the last
    /// block whose origin still stands, and nothing of a DA block that was in
    /// the works.
    fn last_to_stay(
        &self,
        tip: &Tip,
        head: BlockRef,
        undone: Option<DaOrdinal>,
        led: Option<u64>,
    ) -> Result<BlockRef, NodeError> {
        let mut latest = tip.heads.latest;
        if let Some(base) = led
            && base.max(head.number) < latest.number
        {
            latest = canonical(&self.execution, base.max(head.number))?.block;
        }
        match undone {
            None => Ok(latest),
            Some(undone) => self.last_standing(head, latest, undone),
        }
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
        tip.clear();
        for number in tip.safe.block.number.saturating_add(1)..=latest {
            let record = canonical(&self.execution, number)?;
            let block = preconfirmed(&self.rules, tip.latest(), &record)?;
            tip.push(block);
        }
        Ok(())
    }
}
