//! The deriver's whole state: one value with a canonical encoding and a hash,
//! made of small rows that a node stores one by one and a proof loads one at
//! a time.

mod encoding;
mod hash;
mod journal;
mod records;
mod rows;
#[cfg(test)]
mod tests;

pub use encoding::StateError;
pub use records::RECORD_PREFIX;
pub use rows::{BatchKey, Core, PendingBatch, SignerState};

pub(crate) use records::{row_changes, undo_key, undo_ordinal};
pub(crate) use rows::{OpenedHead, Piece, RowKey};

use crate::schedule::Position;
use alloc::collections::{BTreeMap, BTreeSet};
use alloy_primitives::{B256, Bytes};
use rollwright_core::{BlockRef, DaBlockId, DaHeader, DaOrdinal, ForcedId};

/// Everything that decides how the chain goes on from a DA block: cursor,
/// head, batch numbering, forced queue, parts, pending batches.
///
/// Two nodes that have read the same DA blocks hold equal states. Cloning
/// shares the large byte strings.
#[derive(Clone, Debug)]
pub struct DeriverState {
    core: Core,
    origins: BTreeMap<DaOrdinal, DaHeader>,
    forced: BTreeMap<ForcedId, Bytes>,
    batches: BTreeMap<BatchKey, PendingBatch>,
    pieces: BTreeMap<(BatchKey, u32), Piece>,
    journal: BTreeMap<RowKey, Option<Bytes>>,
    chunks: BTreeMap<hash::ChunkKey, B256>,
    stale: BTreeSet<hash::ChunkKey>,
}

impl PartialEq for DeriverState {
    /// Equal contents; what is cached does not count.
    fn eq(&self, other: &Self) -> bool {
        self.core == other.core
            && self.origins == other.origins
            && self.forced == other.forced
            && self.batches == other.batches
            && self.pieces == other.pieces
    }
}

impl Eq for DeriverState {}

impl DeriverState {
    /// The state before the first DA block.
    pub fn genesis(block: BlockRef, timestamp: u64) -> Self {
        let mut state = Self {
            core: Core::genesis(Position {
                block,
                timestamp,
                origin: DaOrdinal(0),
                on_origin: 0,
            }),
            origins: BTreeMap::new(),
            forced: BTreeMap::new(),
            batches: BTreeMap::new(),
            pieces: BTreeMap::new(),
            journal: BTreeMap::new(),
            chunks: BTreeMap::new(),
            stale: BTreeSet::new(),
        };
        state.mark_all_stale();
        state.refresh_hashes();
        state
    }

    /// Ordinal of the next DA block to read.
    pub const fn next_ordinal(&self) -> DaOrdinal {
        self.core.next_ordinal
    }

    /// Ordinal of the last DA block read; `None` before the first.
    pub fn last_ordinal(&self) -> Option<DaOrdinal> {
        self.core.next_ordinal.0.checked_sub(1).map(DaOrdinal)
    }

    /// The last DA block read; `None` before the first.
    pub fn last_da_block(&self) -> Option<DaBlockId> {
        let last = self.last_ordinal()?;
        self.origins.get(&last).map(DaHeader::id)
    }

    /// The derived head with its place.
    pub const fn head(&self) -> &Position {
        &self.core.head
    }

    /// Number of the next batch to be applied.
    pub const fn next_batch(&self) -> u64 {
        self.core.next_batch
    }

    /// Id of the last batch whose number was consumed; zero before the first.
    pub const fn last_batch_id(&self) -> B256 {
        self.core.last_batch_id
    }

    /// Term of the last accepted batch of the key-schedule entry in force.
    pub const fn term(&self) -> u64 {
        self.core.term
    }

    /// True while the sequencer has lapsed.
    pub const fn lapsed(&self) -> bool {
        self.core.next_try.is_some()
    }

    /// The highest attempt seen of a key; 0 where none was seen.
    pub fn attempt_of(&self, signer: &alloy_primitives::Address) -> u64 {
        self.core.signer(signer).map_or(0, |signer| signer.attempt)
    }

    /// Header of a DA block that may still serve as an origin.
    pub fn origin(&self, ordinal: DaOrdinal) -> Option<&DaHeader> {
        self.origins.get(&ordinal)
    }

    /// The headers kept, ascending by ordinal.
    pub fn origins(&self) -> impl DoubleEndedIterator<Item = (DaOrdinal, &DaHeader)> {
        self.origins
            .iter()
            .map(|(ordinal, header)| (*ordinal, header))
    }

    /// The forced queue in order.
    pub fn forced(&self) -> impl Iterator<Item = (&ForcedId, &Bytes)> {
        self.forced.iter()
    }

    /// Entries in the forced queue, and the sum of their lengths.
    pub const fn forced_size(&self) -> (u32, u64) {
        (self.core.forced_count, self.core.forced_bytes)
    }

    /// Batches of which parts are stored, ascending by number.
    pub fn batches(&self) -> impl Iterator<Item = (&BatchKey, &PendingBatch)> {
        self.batches.iter()
    }

    /// All small fields.
    pub const fn core(&self) -> &Core {
        &self.core
    }
}
