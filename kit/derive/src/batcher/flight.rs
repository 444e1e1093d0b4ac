use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlobRef, BlockRef, DaOrdinal, DaPoint, PostingUnit};

/// A sealed batch on its way into the derived chain. Kept until it is derived
/// from final DA, since a reorganisation may undo it before.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Flight {
    pub(super) number: u64,
    pub(super) id: B256,
    pub(super) previous: B256,
    pub(super) digest: B256,
    pub(super) key_entry: DaOrdinal,
    pub(super) attempt: u64,
    /// The first block's parent.
    pub(super) parent: BlockRef,
    pub(super) last: BlockRef,
    /// Origin of the first block: the lowest.
    pub(super) first_origin: DaOrdinal,
    pub(super) last_origin: DaPoint,
    pub(super) last_origin_ordinal: DaOrdinal,
    pub(super) transactions: u32,
    pub(super) envelope: Bytes,
    pub(super) units: Vec<UnitState>,
    pub(super) applied: bool,
}

/// A posting unit and where its blobs were seen.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UnitState {
    /// Number of the batch that it carries a part of.
    pub batch: u64,
    /// The unit.
    pub unit: PostingUnit,
    /// Where the layer says its blobs stand; empty where it has not said.
    pub included: Vec<BlobRef>,
}

/// Facts of a sealed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFacts {
    /// Batch number.
    pub number: u64,
    /// Batch id.
    pub id: B256,
    /// Number of its first block.
    pub first_block: u64,
    /// Its last block.
    pub last: BlockRef,
    /// Ordinary transactions in it.
    pub transactions: u32,
    /// Length of its envelope in bytes.
    pub bytes: u64,
    /// Attempt that its parts carry.
    pub attempt: u64,
    /// True once it is derived.
    pub applied: bool,
    /// Its posting units.
    pub units: Vec<rollwright_core::UnitId>,
}

impl Flight {
    pub(super) const fn block_count(&self) -> u64 {
        self.last.number.saturating_sub(self.parent.number)
    }

    pub(super) fn facts(&self) -> BatchFacts {
        BatchFacts {
            number: self.number,
            id: self.id,
            first_block: self.parent.number.saturating_add(1),
            last: self.last,
            transactions: self.transactions,
            bytes: self.envelope.len() as u64,
            attempt: self.attempt,
            applied: self.applied,
            units: self.units.iter().map(|state| state.unit.id).collect(),
        }
    }
}
