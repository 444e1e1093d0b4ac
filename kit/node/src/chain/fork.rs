//! Where two lines of blocks part, and what leaves with one of them.

use super::{Chain, NodeError, Tip, canonical};
use crate::pool::Orphan;
use alloy_primitives::{B256, keccak256};
use rollwright_core::{BlockRecord, BlockRef, Execution, RecordChange};
use std::collections::BTreeSet;

impl<E: Execution> Chain<E> {
    /// The newest block that is both on the present chain and on the one that
    /// ends in `block`.
    pub(super) fn fork_with(&self, tip: &Tip, block: BlockRef) -> Result<BlockRef, NodeError> {
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
    pub(super) fn chain_between(
        &self,
        head: BlockRef,
        fork: BlockRef,
    ) -> Result<Vec<BlockRecord>, NodeError> {
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

    /// Adds what the pool's journal must commit with a movement: orphans that
    /// the new blocks contain wait no more, and what leaves with the canonical
    /// blocks above `stays` waits again.
    pub(super) fn pool_rows(
        &self,
        tip: &Tip,
        stays: u64,
        new_blocks: &[BlockRecord],
        records: &mut Vec<RecordChange>,
    ) -> Result<(), NodeError> {
        let Some(pool) = &self.pool else {
            return Ok(());
        };
        for block in new_blocks {
            records.extend(pool.rebuilt_rows(&block.transactions));
        }
        let orphans = self.orphans(stays, tip.heads.latest.number, new_blocks)?;
        if !orphans.is_empty() {
            records.extend(pool.orphaned(orphans));
        }
        Ok(())
    }

    /// Transactions of canonical blocks above `stays` which the new blocks do
    /// not contain, in their old order.
    fn orphans(
        &self,
        stays: u64,
        latest: u64,
        new_blocks: &[BlockRecord],
    ) -> Result<Vec<Orphan>, NodeError> {
        if stays >= latest {
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
}
