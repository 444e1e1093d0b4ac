//! Movements of the latest head alone: a block is put on, blocks are taken back.

use super::{Chain, NodeError, Tip, tip::preconfirmed};
use rollwright_core::{BlockRecord, BlockRef, Execution, Heads, NodeEvent, RecordChange};
use std::sync::Arc;

impl<E: Execution> Chain<E> {
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

    /// Takes back the blocks above a canonical one at or above the safe head;
    /// their transactions wait to be rebuilt in the same order. Nothing
    /// happens where the block has left the chain meanwhile.
    pub(crate) async fn rewind(&self, tip: &mut Tip, to: BlockRef) -> Result<(), NodeError> {
        self.take_back(tip, to, Vec::new()).await
    }

    pub(super) async fn take_back(
        &self,
        tip: &mut Tip,
        to: BlockRef,
        mut records: Vec<RecordChange>,
    ) -> Result<(), NodeError> {
        let place = tip.place_of(to);
        let (Some(place), false) = (place, to == tip.heads.latest) else {
            return match records.is_empty() {
                true => Ok(()),
                false => self
                    .execution
                    .put_records(&records)
                    .map_err(NodeError::execution),
            };
        };
        self.pool_rows(tip, to.number, &[], &mut records)?;
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
}
