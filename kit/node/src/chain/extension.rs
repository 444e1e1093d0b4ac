//! A block is put on the chain: worked out, committed, taken into the tip.
//!
//! Three steps, so that whoever holds the tip may go on with the next block
//! while this one is being committed.

use super::{
    Chain, ChainView, NodeError, Tip,
    tip::{Preconfirmed, preconfirmed},
};
use rollwright_core::{BlockRecord, BlockRef, Execution, ForcedId, Heads, NodeEvent, RecordChange};
use rollwright_derive::Position;
use std::sync::Arc;

/// One more block, and all that its commit changes.
#[derive(Debug)]
pub(crate) struct Extension {
    record: Arc<BlockRecord>,
    placed: Preconfirmed,
    view: ChainView,
    records: Vec<RecordChange>,
    from_outside: bool,
}

impl Extension {
    /// The block.
    pub(crate) fn block(&self) -> BlockRef {
        self.record.block
    }

    /// Its place.
    pub(crate) fn position(&self) -> &Position {
        &self.placed.position
    }

    /// Forced entries that it took out of the queue.
    pub(crate) fn consumed(&self) -> &[ForcedId] {
        &self.placed.consumed
    }

    /// How much is not derived from DA yet, with it: blocks and bytes.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        self.view.backlog
    }
}

impl<E: Execution> Chain<E> {
    /// Works out how a built or executed block goes on its parent, which is
    /// canonical and not below the safe head. Blocks above the parent leave
    /// the chain. Nothing changes yet.
    pub(crate) fn extension(
        &self,
        tip: &Tip,
        block: BlockRef,
        mut records: Vec<RecordChange>,
        from_outside: bool,
    ) -> Result<Extension, NodeError> {
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
        let (blocks, bytes) = tip.backlog_up_to(record.parent.number);
        let view = ChainView {
            heads,
            backlog: (blocks + 1, bytes + placed.bytes),
        };
        Ok(Extension {
            record: Arc::new(record),
            placed,
            view,
            records,
            from_outside,
        })
    }

    /// Commits an extension: durable on return. Pool, readers and subscribers
    /// have heard of it then; the tip has not, and its holder tells it with
    /// [`Tip::extend`] before anything else is done with it.
    ///
    /// After an error, or if the future is dropped, the block may be there or
    /// not.
    pub(crate) async fn commit(&self, extension: &Extension) -> Result<(), NodeError> {
        let removed = self
            .execution
            .set_heads(&extension.view.heads, &extension.records)
            .await
            .map_err(NodeError::execution)?;
        self.told_pool(&extension.record, extension.from_outside);
        self.show(extension.view);
        if !removed.is_empty() {
            self.events.send(NodeEvent::Removed(Arc::new(removed)));
        }
        self.events.send(NodeEvent::Block(extension.record.clone()));
        Ok(())
    }

    /// All three steps, one after the other.
    pub(crate) async fn extend(
        &self,
        tip: &mut Tip,
        block: BlockRef,
        records: Vec<RecordChange>,
        from_outside: bool,
    ) -> Result<(), NodeError> {
        let extension = self.extension(tip, block, records, from_outside)?;
        self.commit(&extension).await?;
        tip.extend(&extension);
        Ok(())
    }
}

impl Tip {
    /// Takes in an extension that is committed.
    pub(crate) fn extend(&mut self, extension: &Extension) {
        self.truncate_above(extension.record.parent.number);
        self.heads = extension.view.heads;
        self.push(extension.placed.clone());
    }
}
