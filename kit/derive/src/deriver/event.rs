use super::Dropped;
use crate::Announcement;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256};
use rollwright_core::{
    BlobRef, BlockRef, DaHeader, DaOrdinal, DaPoint, InvalidBlock, RecordChange,
};

/// What one DA block did to the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaStep {
    /// Its ordinal.
    pub ordinal: DaOrdinal,
    /// The block.
    pub point: DaPoint,
    /// Its header.
    pub header: DaHeader,
    /// The safe head after it.
    pub safe: BlockRef,
    /// The highest head known to be final.
    pub finalized: BlockRef,
    /// What happened, in order.
    pub events: Vec<DeriveEvent>,
    /// Records to store atomically with the heads.
    pub records: Vec<RecordChange>,
    /// Hash of the deriver's state after it.
    pub state_hash: B256,
}

impl DaStep {
    /// The blocks derived, ascending.
    pub fn blocks(&self) -> impl Iterator<Item = &DerivedBlock> {
        self.events.iter().filter_map(|event| match event {
            DeriveEvent::Block(block) => Some(block),
            _ => None,
        })
    }
}

/// Something that happened while a DA block was worked off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeriveEvent {
    /// A block was derived.
    Block(DerivedBlock),
    /// A batch's number was consumed. Its blocks were reported before.
    Batch(AppliedBatch),
    /// The window ended without a batch: the deriver makes blocks now.
    Lapsed,
    /// A batch with a block restored the window.
    Returned,
    /// Parts and pending batches were discarded because posting rules or keys
    /// changed.
    Discarded {
        /// How many batches.
        batches: usize,
    },
    /// Something was dropped.
    Dropped(Dropped),
    /// So many further drops were not traced.
    Untraced(u64),
}

/// A derived block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivedBlock {
    /// Number and hash.
    pub block: BlockRef,
    /// Ordinal of its origin.
    pub origin: DaOrdinal,
    /// Where it comes from.
    pub from: DerivedFrom,
}

/// Where a derived block comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivedFrom {
    /// A batch with this number.
    Batch(u64),
    /// The deriver itself, while the sequencer is silent.
    Lapse,
}

/// A batch whose number was consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedBatch {
    /// Batch number.
    pub number: u64,
    /// Batch id.
    pub id: B256,
    /// Who signed its parts.
    pub signer: Address,
    /// Term.
    pub term: u64,
    /// The next amendment that its sequencer held, by what it says.
    pub announced: Option<Announcement>,
    /// Number of its first block.
    pub first_block: u64,
    /// Blocks of it that stay: fewer than it holds where one was invalid.
    pub blocks: u32,
    /// Length of the envelope in bytes.
    pub bytes: u64,
    /// The DA block at which it was applied.
    pub point: DaPoint,
    /// Ordinal of that block.
    pub ordinal: DaOrdinal,
    /// Where its parts stand, in order.
    pub blobs: Vec<BlobRef>,
    /// Why it ended before its last block.
    pub ended: Option<InvalidBlock>,
}

impl AppliedBatch {
    /// As servers show it; `None` where no block of it stays.
    #[cfg(feature = "std")]
    pub fn info(&self) -> Option<rollwright_core::BatchInfo> {
        let above_first = u64::from(self.blocks).checked_sub(1)?;
        Some(rollwright_core::BatchInfo {
            number: self.number,
            id: self.id,
            first_block: self.first_block,
            last_block: self.first_block.saturating_add(above_first),
            bytes: self.bytes,
            applied: Some(self.point),
            ordinal: Some(self.ordinal),
            blobs: self.blobs.clone(),
            fee: None,
            finalized: false,
        })
    }
}
