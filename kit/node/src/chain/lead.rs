//! Following derivation in the middle of a DA block with many blocks.
//!
//! Engines hold few blocks beside the chain. So the latest head goes over to
//! the derived line while its DA block is still in the works; safe follows
//! once that is done. A row says from where on, so that after a crash nobody
//! takes these blocks for the sequencer's own should DA say otherwise then.

use super::{Chain, NodeError, Tip, tip::preconfirmed};
use crate::records;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{
    BlockRecord, BlockRef, ChainStore, Execution, Heads, NodeEvent, RecordChange,
};
use std::sync::Arc;

#[derive(BorshSerialize, BorshDeserialize)]
struct Led {
    base: u64,
}

/// Where a DA block in the works took over, as the store remembers it.
pub(super) fn stored<S: ChainStore>(store: &S) -> Result<Option<u64>, NodeError> {
    let led: Option<Led> = records::get(store, records::LED)?;
    Ok(led.map(|led| led.base))
}

/// Removes the row.
pub(super) fn forget() -> RecordChange {
    RecordChange::delete(records::LED)
}

impl<E: Execution> Chain<E> {
    /// Makes `head`, which derivation has executed and not committed, the
    /// latest block; blocks of another line leave the chain, and their
    /// transactions wait to be rebuilt. `records` commit with it.
    ///
    /// The caller holds the tip until [`derived`](Self::derived) settles it.
    pub(crate) async fn lead(
        &self,
        tip: &mut Tip,
        head: BlockRef,
        mut records: Vec<RecordChange>,
    ) -> Result<(), NodeError> {
        let fork = self.fork_with(tip, head)?;
        if fork == head {
            return Ok(());
        }
        let mut parent = tip.place_of(fork).ok_or_else(|| NodeError::Invariant {
            what: format!(
                "the derived line parts at {}, below the safe head",
                fork.number
            ),
        })?;
        let blocks = self.chain_between(head, fork)?;
        let mut placed = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let place = preconfirmed(&self.rules, &parent, block)?;
            parent = place.position;
            placed.push(place);
        }
        let base = tip.led.unwrap_or(fork.number);
        records.push(records::put(records::LED, &Led { base }));
        self.pool_rows(tip, fork.number, &blocks, &mut records)?;
        let heads = Heads {
            latest: head,
            ..tip.heads
        };
        let removed = self
            .execution
            .set_heads(&heads, &records)
            .await
            .map_err(NodeError::execution)?;
        tip.led = Some(base);
        tip.truncate_above(fork.number);
        tip.heads = heads;
        for place in placed {
            tip.push(place);
        }
        if !removed.is_empty() {
            self.events.send(NodeEvent::Removed(Arc::new(removed)));
        }
        self.tell(blocks);
        self.publish(tip);
        Ok(())
    }

    /// Takes back what is left of a DA block in the works which DA does not
    /// have any more.
    pub(crate) async fn settle(&self, tip: &mut Tip) -> Result<(), NodeError> {
        let Some(base) = tip.led else {
            return Ok(());
        };
        let to = super::canonical(&self.execution, base.min(tip.heads.latest.number))?.block;
        self.take_back(tip, to, vec![forget()]).await?;
        tip.led = None;
        Ok(())
    }

    /// Tells pool and subscribers of blocks that derivation brought.
    pub(super) fn tell(&self, blocks: Vec<BlockRecord>) {
        for block in blocks {
            let block = Arc::new(block);
            self.told_pool(&block, true);
            self.events.send(NodeEvent::Block(block));
        }
    }
}
