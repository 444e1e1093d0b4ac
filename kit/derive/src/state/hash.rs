use super::{BatchKey, DeriverState, RowKey};
use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use rollwright_core::DaOrdinal;

/// Origins per chunk.
const ORIGINS_PER_CHUNK: u64 = 64;

/// A run of rows that are hashed together: what a proof loads at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ChunkKey {
    Core,
    Origins(u64),
    Forced(DaOrdinal),
    Batch(BatchKey),
}

impl ChunkKey {
    const fn of(row: &RowKey) -> Self {
        match row {
            RowKey::Core => Self::Core,
            RowKey::Origin(ordinal) => Self::Origins(ordinal.0 / ORIGINS_PER_CHUNK),
            RowKey::Forced(id) => Self::Forced(id.ordinal),
            RowKey::Batch(key) | RowKey::Piece(key, _) => Self::Batch(*key),
        }
    }
}

impl DeriverState {
    /// The state's hash.
    ///
    /// A row's hash is keccak256(0x00 ‖ len(key) as u8 ‖ key ‖
    /// keccak256(value)); of a part, `value` is here borsh(reference) ‖
    /// keccak256(piece). A chunk's hash is keccak256(0x01 ‖ its rows'
    /// hashes, ascending). Chunks are: the core row; origins by ordinal / 64;
    /// forced entries by ordinal of admission; each batch with its parts. The
    /// tree over the chunks joins neighbours as keccak256(0x02 ‖ left ‖
    /// right), an odd one is promoted; the result is keccak256(0x03 ‖ number
    /// of chunks as u64 LE ‖ root).
    pub fn hash(&self) -> B256 {
        let mut layer: Vec<B256> = self.chunks.values().copied().collect();
        let count = layer.len() as u64;
        while layer.len() > 1 {
            layer = layer
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => tagged(2, &[left.as_slice(), right.as_slice()]),
                    _ => pair[0],
                })
                .collect();
        }
        let root = layer.first().copied().unwrap_or_default();
        tagged(3, &[&count.to_le_bytes(), root.as_slice()])
    }

    pub(super) fn mark_stale(&mut self, row: &RowKey) {
        self.stale.insert(ChunkKey::of(row));
    }

    pub(super) fn mark_all_stale(&mut self) {
        self.stale = self.row_keys().map(|row| ChunkKey::of(&row)).collect();
        self.chunks.clear();
    }

    /// Brings the cached hashes up to date. Costs as much as the rows of the
    /// chunks that were touched.
    pub(super) fn refresh_hashes(&mut self) {
        for key in core::mem::take(&mut self.stale) {
            match self.chunk_hash(key) {
                Some(hash) => self.chunks.insert(key, hash),
                None => self.chunks.remove(&key),
            };
        }
    }

    fn chunk_hash(&self, key: ChunkKey) -> Option<B256> {
        let mut rows = Vec::new();
        let mut plain = |row: RowKey| {
            if let Some(value) = self.encode_row(&row) {
                rows.extend_from_slice(row_hash(&row, &keccak256(&value)).as_slice());
            }
        };
        match key {
            ChunkKey::Core => plain(RowKey::Core),
            ChunkKey::Origins(chunk) => {
                let first = DaOrdinal(chunk.saturating_mul(ORIGINS_PER_CHUNK));
                let last = DaOrdinal(first.0.saturating_add(ORIGINS_PER_CHUNK - 1));
                self.origins
                    .range(first..=last)
                    .for_each(|(ordinal, _)| plain(RowKey::Origin(*ordinal)));
            }
            ChunkKey::Forced(ordinal) => {
                let bound = |index| rollwright_core::ForcedId { ordinal, index };
                self.forced
                    .range(bound(0)..=bound(u32::MAX))
                    .for_each(|(id, _)| plain(RowKey::Forced(*id)));
            }
            ChunkKey::Batch(batch) => {
                plain(RowKey::Batch(batch));
                for ((_, index), piece) in self.pieces.range((batch, 0)..=(batch, u32::MAX)) {
                    let row = RowKey::Piece(batch, *index);
                    let hash = piece_row_hash(&row, piece);
                    rows.extend_from_slice(hash.as_slice());
                }
            }
        }
        (!rows.is_empty()).then(|| tagged(1, &[&rows]))
    }
}

/// As of every row, but over keccak256 of (reference ‖ hash of the bytes), so
/// that a piece is hashed once in its life.
fn piece_row_hash(row: &RowKey, piece: &super::Piece) -> B256 {
    let mut value = Vec::with_capacity(128);
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut value, &piece.reference);
    value.extend_from_slice(piece.hash.as_slice());
    row_hash(row, &keccak256(value))
}

fn row_hash(row: &RowKey, value_hash: &B256) -> B256 {
    let key = row.encode();
    tagged(0, &[&[key.len() as u8], &key, value_hash.as_slice()])
}

fn tagged(tag: u8, parts: &[&[u8]]) -> B256 {
    let mut input = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    input.push(tag);
    parts.iter().for_each(|part| input.extend_from_slice(part));
    keccak256(input)
}
