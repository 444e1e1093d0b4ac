use crate::NodeError;
use rollwright_core::{BlockRecord, BlockRef, ForcedId, Heads};
use rollwright_derive::{Position, Rules, consumed_entries};
use std::collections::{BTreeSet, VecDeque};

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
    pub(super) heads: Heads,
    /// Place of the safe head.
    pub(super) safe: Position,
    /// Blocks above it, ascending.
    pub(super) unsafe_blocks: VecDeque<Preconfirmed>,
    unsafe_bytes: u64,
    /// Where derivation took over the latest head in the middle of a DA block
    /// that is not worked off: the blocks above are that DA block's.
    pub(super) led: Option<u64>,
}

impl Tip {
    pub(super) const fn new(heads: Heads, safe: Position, led: Option<u64>) -> Self {
        Self {
            heads,
            safe,
            unsafe_blocks: VecDeque::new(),
            unsafe_bytes: 0,
            led,
        }
    }

    /// True where the blocks at the end are those of a DA block that is not
    /// worked off: nobody builds on them and nobody posts them.
    pub(crate) const fn is_led(&self) -> bool {
        self.led.is_some()
    }

    /// Forgets all blocks above the safe head.
    pub(super) fn clear(&mut self) {
        self.unsafe_blocks.clear();
        self.unsafe_bytes = 0;
    }

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

    /// The same without the blocks above `number`.
    pub(super) fn backlog_up_to(&self, number: u64) -> (u64, u64) {
        let above = self.unsafe_blocks.iter().rev();
        let above = above.take_while(|block| block.position.block.number > number);
        above.fold(self.backlog(), |(blocks, bytes), block| {
            (blocks - 1, bytes - block.bytes)
        })
    }

    /// Forced entries that blocks above the safe head have taken.
    pub(crate) fn consumed(&self) -> BTreeSet<ForcedId> {
        let blocks = self.unsafe_blocks.iter();
        blocks
            .flat_map(|block| block.consumed.iter().copied())
            .collect()
    }

    /// The place of a canonical block at or above the safe head.
    pub(super) fn place_of(&self, block: BlockRef) -> Option<Position> {
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

    pub(super) fn push(&mut self, block: Preconfirmed) {
        self.unsafe_bytes += block.bytes;
        self.unsafe_blocks.push_back(block);
    }

    /// Keeps the blocks at or below `number`.
    pub(super) fn truncate_above(&mut self, number: u64) {
        while let Some(last) = self.unsafe_blocks.back()
            && last.position.block.number > number
        {
            self.unsafe_bytes -= last.bytes;
            self.unsafe_blocks.pop_back();
        }
    }

    /// Forgets the blocks at or below `number`: they are safe.
    pub(super) fn drop_up_to(&mut self, number: u64) {
        while let Some(first) = self.unsafe_blocks.front()
            && first.position.block.number <= number
        {
            self.unsafe_bytes -= first.bytes;
            self.unsafe_blocks.pop_front();
        }
    }
}

/// A block's place on its parent's, from what the engine keeps of it.
pub(super) fn preconfirmed(
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
