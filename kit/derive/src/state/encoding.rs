use super::{Core, DeriverState, PendingBatch, RowKey, rows::Piece};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use alloy_primitives::{Bytes, keccak256};
use borsh::BorshDeserialize;
use rollwright_core::{BlobRef, ErrorKind, LayerError};

/// Why stored or received rows are not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A row does not decode.
    #[error(
        "a row of the deriver's state is damaged (tag {tag}). Restore the data directory from a backup, or derive again from DA"
    )]
    Row {
        /// First byte of the row's key.
        tag: u8,
    },
    /// The row of small fields is missing.
    #[error(
        "the deriver's state lacks its core row. Restore the data directory from a backup, or derive again from DA"
    )]
    NoCore,
    /// The format is of another release.
    #[error(
        "a record of derivation has format version {0}, which this release does not read. Use the release that wrote it, or derive again from DA"
    )]
    Version(u8),
    /// Rows contradict each other.
    #[error(
        "the rows of the deriver's state contradict each other: {0}. Restore the data directory from a backup, or derive again from DA"
    )]
    Inconsistent(&'static str),
}

impl LayerError for StateError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fatal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Row { .. } => "RW-NODE-221",
            Self::NoCore => "RW-NODE-222",
            Self::Version(_) => "RW-NODE-223",
            Self::Inconsistent(_) => "RW-NODE-224",
        }
    }
}

impl DeriverState {
    /// The canonical encoding: borsh of the version byte 1 and the list of
    /// (row key, row value), ascending by key.
    pub fn encode(&self) -> Vec<u8> {
        let rows: Vec<(Vec<u8>, Bytes)> = self
            .row_keys()
            .filter_map(|key| Some((key.encode(), self.encode_row(&key)?)))
            .collect();
        let mut out = Vec::from([1]);
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, &rows);
        out
    }

    /// Reads [`encode`](Self::encode). Refuses rows out of order, trailing
    /// bytes, and rows that contradict each other. Allocates in proportion to
    /// `bytes` only.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let (version, mut rest) = bytes.split_first().ok_or(StateError::NoCore)?;
        if *version != 1 {
            return Err(StateError::Version(*version));
        }
        let damaged = |_| StateError::Inconsistent("the list of rows is malformed");
        let count = u32::deserialize(&mut rest).map_err(damaged)?;
        let mut rows: Vec<(RowKey, Bytes)> = Vec::new();
        for _ in 0..count {
            let key = Vec::<u8>::deserialize(&mut rest).map_err(damaged)?;
            let value = Vec::<u8>::deserialize(&mut rest).map_err(damaged)?;
            let tag = key.first().copied().unwrap_or_default();
            let key = RowKey::decode(&key).ok_or(StateError::Row { tag })?;
            if rows.last().is_some_and(|(last, _)| *last >= key) {
                return Err(StateError::Inconsistent("rows are out of order"));
            }
            rows.push((key, value.into()));
        }
        if !rest.is_empty() {
            return Err(StateError::Inconsistent("bytes follow the rows"));
        }
        Self::from_rows(rows)
    }

    pub(super) fn from_rows(
        rows: impl IntoIterator<Item = (RowKey, Bytes)>,
    ) -> Result<Self, StateError> {
        let mut rows = rows.into_iter().peekable();
        let core = match rows.next() {
            Some((RowKey::Core, value)) => decode_core(&value)?,
            _ => return Err(StateError::NoCore),
        };
        let mut state = Self {
            core,
            origins: BTreeMap::new(),
            forced: BTreeMap::new(),
            batches: BTreeMap::new(),
            pieces: BTreeMap::new(),
            journal: BTreeMap::new(),
            chunks: BTreeMap::new(),
            stale: BTreeSet::new(),
        };
        for (key, value) in rows {
            state.restore_row(&key, Some(&value))?;
        }
        state.check()?;
        state.mark_all_stale();
        state.refresh_hashes();
        Ok(state)
    }

    fn check(&self) -> Result<(), StateError> {
        let forced_bytes: u64 = self.forced.values().map(|bytes| bytes.len() as u64).sum();
        if self.core.forced_count as usize != self.forced.len()
            || self.core.forced_bytes != forced_bytes
        {
            return Err(StateError::Inconsistent("size of the forced queue"));
        }
        let ascending = |pair: &[super::SignerState]| pair[0].address < pair[1].address;
        if !self.core.signers.windows(2).all(ascending) {
            return Err(StateError::Inconsistent("order of the keys"));
        }
        let later = |pair: &[crate::EpochStart]| pair[0].ordinal < pair[1].ordinal;
        if !self.core.epochs.windows(2).all(later) {
            return Err(StateError::Inconsistent("order of the DA epochs"));
        }
        let mut present: BTreeMap<_, (u32, u64)> = BTreeMap::new();
        let mut stored: BTreeMap<_, u64> = BTreeMap::new();
        for ((key, index), piece) in &self.pieces {
            let batch = self.batches.get(key);
            if batch.is_none_or(|batch| *index >= batch.count) {
                return Err(StateError::Inconsistent("a part without its batch"));
            }
            let sum = present.entry(*key).or_default();
            sum.0 += 1;
            sum.1 += piece.bytes.len() as u64;
            *stored.entry(key.signer).or_default() +=
                piece.bytes.len() as u64 + crate::PART_OVERHEAD;
        }
        for (key, batch) in &self.batches {
            let sum = present.get(key).copied().unwrap_or_default();
            let complete = batch.present == batch.count;
            if sum != (batch.present, batch.bytes) || batch.completed.is_some() != complete {
                return Err(StateError::Inconsistent("parts of a batch"));
            }
        }
        for signer in &self.core.signers {
            if stored.remove(&signer.address).unwrap_or_default() != signer.stored {
                return Err(StateError::Inconsistent("stored bytes of a key"));
            }
        }
        match stored.is_empty() {
            true => Ok(()),
            false => Err(StateError::Inconsistent("parts of an unknown key")),
        }
    }

    pub(super) fn row_keys(&self) -> impl Iterator<Item = RowKey> + '_ {
        core::iter::once(RowKey::Core)
            .chain(self.origins.keys().map(|key| RowKey::Origin(*key)))
            .chain(self.forced.keys().map(|key| RowKey::Forced(*key)))
            .chain(self.batches.keys().map(|key| RowKey::Batch(*key)))
            .chain(self.pieces.keys().map(|key| RowKey::Piece(key.0, key.1)))
    }

    /// A row's value; `None` where there is no such row.
    pub(super) fn encode_row(&self, key: &RowKey) -> Option<Bytes> {
        match key {
            RowKey::Core => Some(encode(&self.core)),
            RowKey::Origin(ordinal) => self.origins.get(ordinal).map(encode),
            RowKey::Forced(id) => self.forced.get(id).cloned(),
            RowKey::Batch(key) => self.batches.get(key).map(encode),
            RowKey::Piece(key, index) => self.pieces.get(&(*key, *index)).map(|piece| {
                let mut out = encode(&piece.reference).to_vec();
                out.extend_from_slice(&piece.bytes);
                out.into()
            }),
        }
    }

    /// Sets or removes a row without a journal entry.
    pub(super) fn restore_row(
        &mut self,
        key: &RowKey,
        value: Option<&Bytes>,
    ) -> Result<(), StateError> {
        let bad = StateError::Row {
            tag: key.encode().first().copied().unwrap_or_default(),
        };
        match key {
            RowKey::Core => self.core = decode_core(value.ok_or(StateError::NoCore)?)?,
            RowKey::Origin(ordinal) => put(&mut self.origins, *ordinal, decode(value).ok_or(bad)?),
            RowKey::Forced(id) => put(&mut self.forced, *id, value.cloned()),
            RowKey::Batch(key) => put(
                &mut self.batches,
                *key,
                decode::<PendingBatch>(value).ok_or(bad)?,
            ),
            RowKey::Piece(key, index) => {
                let piece = match value {
                    None => None,
                    Some(value) => Some(decode_piece(value).ok_or(bad)?),
                };
                put(&mut self.pieces, (*key, *index), piece);
            }
        }
        self.mark_stale(key);
        Ok(())
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

fn encode<T: borsh::BorshSerialize>(value: &T) -> Bytes {
    let mut out = Vec::new();
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut out, value);
    out.into()
}

/// `None` for a damaged value; `Some(None)` for an absent one.
#[expect(
    clippy::option_option,
    reason = "damaged and absent are different things"
)]
fn decode<T: BorshDeserialize>(value: Option<&Bytes>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => borsh::from_slice(value).ok().map(Some),
    }
}

fn decode_core(value: &Bytes) -> Result<Core, StateError> {
    match value.first() {
        Some(2) => borsh::from_slice(value).map_err(|_| StateError::Row { tag: 0 }),
        Some(version) => Err(StateError::Version(*version)),
        None => Err(StateError::Row { tag: 0 }),
    }
}

fn decode_piece(value: &Bytes) -> Option<Piece> {
    let mut rest: &[u8] = value;
    let reference = BlobRef::deserialize(&mut rest).ok()?;
    let bytes = value.slice(value.len() - rest.len()..);
    Some(Piece {
        hash: keccak256(&bytes),
        reference,
        bytes,
    })
}
