use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlobRef, BlockRef, DaOrdinal, DaPoint, PostingUnit, UnitId};

/// A sealed batch on its way into the derived chain. Kept until it is derived
/// from final DA, since a reorganisation may undo it before; its bytes are in
/// memory only while it is not derived.
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
    /// Length of the envelope in bytes.
    pub(super) bytes: u64,
    pub(super) units: Vec<UnitNote>,
    pub(super) applied: bool,
    #[borsh(skip)]
    pub(super) content: Option<Content>,
}

/// A posting unit by name, and where its blobs were seen.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct UnitNote {
    pub(super) id: UnitId,
    /// Empty where the layer has not said.
    pub(super) included: Vec<BlobRef>,
}

/// The bytes of a batch: a record of their own.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Content {
    pub(super) envelope: Bytes,
    /// The signed parts, as [`Flight::units`] names them.
    pub(super) units: Vec<PostingUnit>,
}

/// A posting unit and where its blobs were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitState<'a> {
    /// Number of the batch that it carries a part of.
    pub batch: u64,
    /// The unit.
    pub unit: &'a PostingUnit,
    /// Where the layer says its blobs stand; empty where it has not said.
    pub included: &'a [BlobRef],
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
    pub units: Vec<UnitId>,
}

impl Content {
    /// True where these are the bytes of that batch.
    pub(super) fn belongs_to(&self, flight: &Flight) -> bool {
        let ids = self.units.iter().map(|unit| unit.id);
        keccak256(&self.envelope) == flight.id && ids.eq(flight.units.iter().map(|unit| unit.id))
    }
}

impl Flight {
    /// Takes parts under an attempt.
    pub(super) fn set_parts(&mut self, attempt: u64, envelope: Bytes, units: Vec<PostingUnit>) {
        self.attempt = attempt;
        self.units = units
            .iter()
            .map(|unit| UnitNote {
                id: unit.id,
                included: Vec::new(),
            })
            .collect();
        self.content = Some(Content { envelope, units });
    }

    /// Its units with their bytes; none while the bytes are not in memory.
    pub(super) fn unit_states(&self) -> impl Iterator<Item = UnitState<'_>> {
        let units = self.content.iter().flat_map(|content| &content.units);
        self.units.iter().zip(units).map(|(note, unit)| UnitState {
            batch: self.number,
            unit,
            included: &note.included,
        })
    }

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
            bytes: self.bytes,
            attempt: self.attempt,
            applied: self.applied,
            units: self.units.iter().map(|unit| unit.id).collect(),
        }
    }
}
