//! Blocks at the end of the chain are taken back.

use super::{Chain, NodeError, Tip};
use rollwright_core::{BlockRef, Execution, Heads, NodeEvent, RecordChange};
use std::sync::Arc;

impl<E: Execution> Chain<E> {
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
