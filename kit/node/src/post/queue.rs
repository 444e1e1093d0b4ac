//! Keeping the batcher's queue in line with the canonical chain.

use crate::{NodeError, chain::canonical};
use alloy_primitives::B256;
use rollwright_core::{BlockRecord, BlockRef, Execution, Heads};
use rollwright_derive::{BatchBlock, Batcher, QueuedBlock};
use std::collections::BTreeMap;

/// Blocks handed to the batcher, by number.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    blocks: BTreeMap<u64, B256>,
}

impl Pushed {
    /// Rewinds the batcher where the chain was rebuilt, and pushes what is new
    /// up to the latest head, as far as there is room: what is left stays in
    /// the store until the next call.
    pub(super) fn bring_up<E: Execution>(
        &mut self,
        batcher: &mut Batcher,
        execution: &E,
        heads: &Heads,
        now_ms: u64,
    ) -> Result<(), NodeError> {
        let is_canonical = |block: BlockRef| -> Result<bool, NodeError> {
            Ok(block.number <= heads.latest.number
                && canonical(execution, block.number)?.block == block)
        };
        while !is_canonical(batcher.tip())? {
            let tip = batcher.tip();
            let keep = self.last_common(batcher, tip, heads, &is_canonical)?;
            let now = batcher.rewind(keep);
            if now == tip {
                return Err(NodeError::Invariant {
                    what: format!("the batcher stays at block {} of another chain", tip.number),
                });
            }
        }
        let tip = batcher.tip().number;
        self.blocks.split_off(&tip.saturating_add(1));
        for number in tip.saturating_add(1)..=heads.latest.number {
            if !batcher.has_room() {
                break;
            }
            let record = canonical(execution, number)?;
            self.blocks.insert(number, record.block.hash);
            let block = queued(record, now_ms)?;
            batcher.push(block).map_err(NodeError::derive)?;
        }
        self.blocks = self.blocks.split_off(&heads.safe.number);
        Ok(())
    }

    fn last_common(
        &self,
        batcher: &Batcher,
        tip: BlockRef,
        heads: &Heads,
        is_canonical: &impl Fn(BlockRef) -> Result<bool, NodeError>,
    ) -> Result<BlockRef, NodeError> {
        for (number, hash) in self.blocks.range(..tip.number).rev() {
            let block = BlockRef {
                number: *number,
                hash: *hash,
            };
            if is_canonical(block)? {
                return Ok(block);
            }
        }
        let ends: Vec<_> = batcher.batches().map(|batch| batch.last).collect();
        for end in ends.into_iter().rev().filter(|end| end.number < tip.number) {
            if is_canonical(end)? {
                return Ok(end);
            }
        }
        Ok(heads.safe)
    }
}

fn queued(record: BlockRecord, queued_ms: u64) -> Result<QueuedBlock, NodeError> {
    let anchor = record.anchor.ok_or_else(|| NodeError::Invariant {
        what: format!("block {} has no anchor", record.block.number),
    })?;
    Ok(QueuedBlock {
        block: record.block,
        parent: record.parent.hash,
        inputs: BatchBlock {
            timestamp: record.timestamp,
            origin: anchor.ordinal,
            fee_recipient: record.fee_recipient,
            transactions: record.transactions,
        },
        origin: anchor.origin,
        queued_ms,
    })
}
